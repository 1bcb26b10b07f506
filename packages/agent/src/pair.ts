// The pair of patch ports through which whatever NORMAL floods comes in again: ADR 9. Each is the other's peer, on one bridge.
//
//   NORMAL ──floods──► BRIDGE-flood ═══ BRIDGE-again ──► table 0
//
// The second trunks VLAN 4095 alone, which no frame has: NORMAL never sends there, so no other hand's flow can make a loop of it.

import type { Op, Ovsdb, VswitchSchema } from '@portward/ovsdb'
import type { Pair } from '@portward/portsec'
import type { Iface, PairRole } from './interface.ts'

type Rows = Pick<Ovsdb<VswitchSchema>, 'rows'>

const roles = ['flood', 'again'] as const satisfies readonly PairRole[]
const peers = { flood: 'again', again: 'flood' } as const
const NO_VLAN = 4095

/** What the bridge has of the pair. */
export class PairPorts {
  readonly #ifaces = new Map<string, Iface>()

  /** An interface of the bridge came, changed or went. Gives whether it is of the pair. */
  set(name: string, iface: Iface | undefined): boolean {
    if (iface?.pair === undefined) {
      this.#ifaces.delete(name)
      return false
    }
    this.#ifaces.set(name, iface)
    return true
  }

  get names(): readonly string[] {
    return [...this.#ifaces.keys()]
  }

  /** The parts that are not there. */
  get missing(): readonly PairRole[] {
    return roles.filter((role) => this.#of(role) === undefined)
  }

  /** Undefined until the switch has numbered both. */
  get numbers(): Pair | undefined {
    const [flood, again] = roles.map((role) => this.#of(role)?.ofport)
    return flood === undefined || again === undefined ? undefined : { flood, again }
  }

  /** What the switch says of one that it could not make. */
  get error(): string | undefined {
    return [...this.#ifaces.values()].find(({ error }) => error !== undefined)?.error
  }

  #of(role: PairRole): Iface | undefined {
    return [...this.#ifaces.values()].find(({ pair }) => pair === role)
  }
}

/** What puts these parts there. Throws an error that says what to do where another's interface has the name of one. */
export function makePair(db: Rows, bridge: string, missing: readonly PairRole[]): readonly Op[] {
  const names = missing.map((role) => nameOf(bridge, role))
  const taken = [...db.rows('Interface').values()].find(({ name }) => names.includes(name))
  if (taken !== undefined) {
    throw new Error(
      `an interface has the name ${taken.name}, and is not Portward’s: ovs-vsctl del-port ${taken.name}`,
    )
  }
  const inserts = missing.flatMap((role): Op[] => {
    const name = nameOf(bridge, role)
    const options = ['map', [['peer', nameOf(bridge, peers[role])]]] as const
    const ids = ['map', [['portward', role]]] as const
    const vlans = role === 'again' ? { vlan_mode: 'trunk', trunks: NO_VLAN } : {}
    const iface = { name, type: 'patch', options, external_ids: ids }
    const port = { name, interfaces: ['named-uuid', `iface_${role}`], external_ids: ids, ...vlans }
    return [
      { op: 'insert', table: 'Interface', row: iface, 'uuid-name': `iface_${role}` },
      { op: 'insert', table: 'Port', row: port, 'uuid-name': `port_${role}` },
    ]
  })
  const ports = missing.map((role) => ['named-uuid', `port_${role}`])
  return [...inserts, onBridge(bridge, 'insert', ports)]
}

/** What takes the ports with these names off the bridge. */
export function removePair(db: Rows, bridge: string, names: readonly string[]): readonly Op[] {
  const ports = [...db.rows('Port')].flatMap(([uuid, { name }]) =>
    names.includes(name) ? [['uuid', uuid]] : [],
  )
  return [onBridge(bridge, 'delete', ports)]
}

function nameOf(bridge: string, role: PairRole): string {
  return `${bridge}-${role}`
}

function onBridge(bridge: string, how: 'insert' | 'delete', ports: readonly string[][]): Op {
  const mutations = [['ports', how, ['set', ports]]] as const
  return { op: 'mutate', table: 'Bridge', where: [['name', '==', bridge]], mutations }
}
