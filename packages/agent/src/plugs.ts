// Interfaces that an operator wants to carry a port's id (`portward protect`), and the same wish carried out in OVSDB.
// hosts/H/plugs/IFACE says what external_ids:iface-id should be; when the wish is withdrawn, what it had set is removed.

import type { Op } from '@portward/ovsdb'
import { removeExternalId, setExternalId } from '@portward/ovsdb'
import type { PlugRecord } from '@portward/store'
import type { Iface } from './interface.ts'

/** What is to be written: the interface's iface-id, or its removal. */
export type PlugStep =
  | { readonly iface: string; readonly set: string }
  | { readonly iface: string; readonly remove: string }

export class Plugs {
  readonly #wanted = new Map<string, string>()
  readonly #withdrawn = new Map<string, string>()

  /** Whether something is wished of the interface. */
  concern(iface: string): boolean {
    return this.#wanted.has(iface) || this.#withdrawn.has(iface)
  }

  /** A wish, or (undefined) its withdrawal. */
  wish(iface: string, plug: PlugRecord | undefined): void {
    const before = this.#wanted.get(iface)
    if (plug !== undefined) {
      this.#wanted.set(iface, plug.portId)
      this.#withdrawn.delete(iface)
    } else if (before !== undefined) {
      this.#wanted.delete(iface)
      this.#withdrawn.set(iface, before)
    }
  }

  /** What is to be written, given the interfaces there are. One that isn't there waits until it is. */
  steps(ifaces: ReadonlyMap<string, Iface>): readonly PlugStep[] {
    const steps: PlugStep[] = []
    for (const [name, portId] of this.#wanted) {
      const iface = ifaces.get(name)
      if (iface !== undefined && iface.portId !== portId) steps.push({ iface: name, set: portId })
    }
    for (const [name, portId] of this.#withdrawn) {
      if (ifaces.get(name)?.portId === portId) steps.push({ iface: name, remove: portId })
    }
    return steps
  }

  /** These were carried out. */
  done(steps: readonly PlugStep[]): void {
    for (const step of steps) if ('remove' in step) this.#withdrawn.delete(step.iface)
  }
}

/** The same in OVSDB's words. */
export function ifaceIdOp(step: PlugStep): Op {
  return 'set' in step
    ? setExternalId(step.iface, 'iface-id', step.set)
    : removeExternalId(step.iface, 'iface-id', step.remove)
}
