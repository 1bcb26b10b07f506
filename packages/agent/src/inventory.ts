// What stands on the bridge, and what was declared for it, joined by iface-id. Every change marks the interfaces it touches;
// the loop takes the marks. Pure: no socket, no clock.

import type { HostPortRecord, Revision } from '@portward/store'
import type { Iface } from './interface.ts'
import { sameIface } from './interface.ts'

/** The owner of the flows that belong to no interface. No interface can have this name. */
export const BRIDGE = ''

export type Declared = { readonly record: HostPortRecord; readonly revision: Revision }

export class Inventory {
  readonly #ifaces = new Map<string, Iface>()
  readonly #ports = new Map<string, Declared>()
  readonly #names = new Map<string, Set<string>>()
  readonly #mark: (owner: string) => void

  /** `mark` is called with every interface that must be judged again. */
  constructor(mark: (owner: string) => void) {
    this.#mark = mark
  }

  get ifaces(): ReadonlyMap<string, Iface> {
    return this.#ifaces
  }

  /** Ports declared for this host. */
  get ports(): ReadonlyMap<string, Declared> {
    return this.#ports
  }

  /** The interfaces that speak for a port. */
  namesOf(portId: string): ReadonlySet<string> {
    return this.#names.get(portId) ?? none
  }

  /** An interface came, changed, or (undefined) went. */
  setIface(name: string, iface: Iface | undefined): void {
    const before = this.#ifaces.get(name)
    if (before !== undefined && iface !== undefined && sameIface(before, iface)) return
    if (iface === undefined) this.#ifaces.delete(name)
    else this.#ifaces.set(name, iface)
    const [claimed, claims] = [claimOf(before), claimOf(iface)]
    if (claimed !== claims) this.#rename(name, claimed, claims)
    this.#mark(name)
  }

  setPort(portId: string, declared: Declared | undefined): void {
    if (declared === undefined) this.#ports.delete(portId)
    else this.#ports.set(portId, declared)
    for (const name of this.namesOf(portId)) this.#mark(name)
  }

  markAll(): void {
    this.#mark(BRIDGE)
    for (const name of this.#ifaces.keys()) this.#mark(name)
  }

  /** One interface more or less under an iface-id decides for all that share it. */
  #rename(name: string, before: string | undefined, after: string | undefined): void {
    if (before !== undefined) {
      const names = this.#names.get(before)
      names?.delete(name)
      if (names?.size === 0) this.#names.delete(before)
      for (const namesake of this.namesOf(before)) this.#mark(namesake)
    }
    if (after !== undefined) {
      for (const namesake of this.namesOf(after)) this.#mark(namesake)
      const names = this.#names.get(after) ?? new Set()
      this.#names.set(after, names.add(name))
    }
  }
}

const none: ReadonlySet<string> = new Set()

/** Only an interface on the switch speaks: rows of devices long gone stay in OVSDB, and must not silence their successor. */
function claimOf(iface: Iface | undefined): string | undefined {
  return iface?.ofport === undefined ? undefined : iface.portId
}
