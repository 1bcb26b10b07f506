// The interfaces on the guarded bridge, as OVSDB has them, in the few words the agent needs.

import type { Mac } from '@portward/addr'

/** One row of OVSDB's Interface table that hangs on the bridge. */
export type Iface = {
  readonly name: string
  /** OVSDB's type: empty for an ordinary device, `internal`, `patch`, `vxlan`, …. */
  readonly type: string
  /** OpenFlow 1.1+ number; undefined until the switch gave one, or when it could not. */
  readonly ofport: number | undefined
  /** `external_ids:iface-id`: the port this interface says it is. */
  readonly portId: string | undefined
  /** The guest's MAC where the host can know it: `external_ids:attached-mac`, or that of an internal port. */
  readonly mac: Mac | undefined
  /** `error` column, where it has no number: why the switch could not open it. */
  readonly error: string | undefined
  /** The VLAN that its port is an access port of; `other`: the port has trunks or a vlan_mode. Absent: neither. */
  readonly vlan?: number | 'other'
  /** UUID of the row of OVSDB's Port table that has it. */
  readonly port?: string
  /** That row has other interfaces too. */
  readonly bond?: true
  /** The tag that the agent has set there: the row's `external_ids:portward-tag`. */
  readonly ownTag?: number
  /** Ours, and no guest's: what the agent itself has put on the bridge. */
  readonly pair?: PairRole
}

/** NORMAL floods to the first of the pair, and it comes in again at the second: ADR 9. `external_ids:portward` says which. */
export type PairRole = 'flood' | 'again'

export function sameIface(a: Iface, b: Iface): boolean {
  return (
    a.name === b.name &&
    a.type === b.type &&
    a.ofport === b.ofport &&
    a.portId === b.portId &&
    a.mac === b.mac &&
    a.error === b.error &&
    a.vlan === b.vlan &&
    a.port === b.port &&
    a.bond === b.bond &&
    a.ownTag === b.ownTag &&
    a.pair === b.pair
  )
}

/** Types of interface that carry a network rather than a guest; Open vSwitch 3.1, ovs-vswitchd.conf.db(5), Interface:type. */
const carriers = new Set([
  'internal',
  'patch',
  'geneve',
  'gre',
  'ip6gre',
  'vxlan',
  'lisp',
  'stt',
  'erspan',
  'ip6erspan',
  'gtpu',
  'bareudp',
  'srv6',
])

/** Whether it passes on a bridge of our own with nobody declaring it. An iface-id makes it a port like any other. */
export function isCarrier(iface: Iface, uplinks: ReadonlySet<string>): boolean {
  return uplinks.has(iface.name) || (iface.portId === undefined && carriers.has(iface.type))
}
