// Which interface is which port: what is declared of it, against what the hosts have.

import type { PortDeclared } from './declaration.ts'
import type { Draft } from './draft.ts'
import type { Change } from './plan.ts'
import type { InterfaceState, PortState, State } from './state.ts'

type Tie = { readonly host: string; readonly iface: string }

/** Ports that `portward protect` made are untied by `unprotect` alone. */
export const PROTECTED = 'portward:protect'
/** Where they are. */
export const PROTECTED_NETWORK = '00000000-0000-4000-8000-000000706f72'

export class Ties {
  readonly #state: State
  readonly #draft: Draft
  readonly #wanted = new Map<
    string,
    { readonly at: string; readonly path: string; readonly portId: string | undefined }
  >()
  /** Ports that leave their interfaces, as they leave them for others or go. */
  readonly #leaving = new Set<string>()
  readonly #names: ReadonlyMap<string, string>
  readonly #rows: ReadonlyMap<string, InterfaceState>
  readonly #held: ReadonlyMap<string | null, readonly InterfaceState[]>

  constructor(state: State, draft: Draft) {
    this.#state = state
    this.#draft = draft
    this.#rows = new Map(state.interfaces.map((row) => [keyOf(row), row]))
    this.#held = Map.groupBy(state.interfaces, ({ wanted_port_id: id }) => id)
    this.#names = new Map(
      state.networks.flatMap(({ network, ports }) =>
        ports.map(({ id, name }) => [id, `${network.name}/${name || id}`] as const),
      ),
    )
  }

  /** Notes what is to be tied and untied, and gives how that reads. */
  settle(declared: PortDeclared, path: string, there: PortState | undefined): readonly Change[] {
    const wanted = this.#place(declared)
    const held = this.#heldBy(there?.id)
    const kept =
      wanted && held.find(({ host, iface }) => host === wanted.host && iface === wanted.iface)
    if (wanted !== undefined) this.#want(declared, wanted, path, there?.id)
    if (wanted === undefined && there?.device_owner === PROTECTED) return []
    const loose = held.filter((tie) => tie !== kept)
    const { unplugs, plugs } = this.#draft.stages
    for (const { host, iface } of loose)
      unplugs.push({ type: 'unplug', kind: 'port', path, host, iface })
    if (loose.length > 0 && there !== undefined) this.#leaving.add(there.id)
    if (wanted !== undefined && kept === undefined) {
      this.#checkHost(declared, wanted)
      plugs.push({ type: 'plug', kind: 'port', path, ...wanted })
    }
    if (loose.length === 0 && (wanted === undefined || kept !== undefined)) return []
    const after = wanted === undefined ? null : this.#text(wanted)
    if (there === undefined) return [{ attribute: 'interface', after }]
    const before = held.map((tie) => this.#text(tie)).join(', ') || null
    return [{ attribute: 'interface', before, after }]
  }

  /** The port goes, and its interface is free. */
  gone(portId: string): void {
    this.#leaving.add(portId)
  }

  /** Once all are known: whether each interface can be had. */
  check(): void {
    for (const [key, { at, path, portId }] of this.#wanted) {
      const row = this.#rows.get(key)
      if (row === undefined) continue
      const { iface, host, type } = row
      if (row.state === 'trunk' && type !== 'internal') {
        this.#draft.problems.push(
          `${at}: interface ${iface} of host ${host} is an uplink, patch or tunnel port: it carries others' addresses, so it is no port's`,
        )
      }
      for (const holder of new Set([row.wanted_port_id, row.port_id])) {
        const name = holder === null ? undefined : this.#names.get(holder)
        if (name === undefined || holder === null || holder === portId || this.#leaving.has(holder))
          continue
        this.#draft.problems.push(
          `${at}: interface ${iface} of host ${host} is port ${name} (${holder}) already, and not ${path}: untie or delete that port first`,
        )
      }
    }
  }

  #want({ places }: PortDeclared, tie: Tie, path: string, portId: string | undefined): void {
    const at = places['interface'] ?? ''
    const first = this.#wanted.get(keyOf(tie))
    if (first === undefined) this.#wanted.set(keyOf(tie), { at, path, portId })
    else
      this.#draft.problems.push(
        `${at}: interface ${this.#text(tie)} is declared already, at ${first.at}`,
      )
  }

  #place({ interface: tied, places }: PortDeclared): Tie | undefined {
    if (tied === undefined) return undefined
    const host = tied.host ?? this.#state.host
    if (host !== undefined) return { host, iface: tied.iface }
    this.#draft.problems.push(
      `${places['interface'] ?? ''}: the server has no host of its own: give the interface's 'host' as well`,
    )
    return undefined
  }

  /** An interface may come later, a host may not: the server ties nothing on one that it has never heard of. */
  #checkHost({ places }: PortDeclared, { host }: Tie): void {
    const { hosts } = this.#state
    if (hosts.includes(host)) return
    this.#draft.problems.push(
      `${places['host'] ?? places['interface'] ?? ''}: no agent has told of an interface on host ${host}; hosts that are known: ${hosts.join(', ') || 'none'}`,
    )
  }

  #heldBy(portId: string | undefined): readonly InterfaceState[] {
    return portId === undefined ? [] : (this.#held.get(portId) ?? [])
  }

  /** The host is said where it is not the server's own. */
  #text({ host, iface }: Tie): string {
    return host === this.#state.host ? iface : `${iface} of host ${host}`
  }
}

function keyOf({ host, iface }: Tie): string {
  return JSON.stringify([host, iface])
}
