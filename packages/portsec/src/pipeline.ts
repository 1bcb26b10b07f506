// The tables of br-int, top to bottom, with Neutron's numbers, so that an operator who knows Neutron reads the dump at once.
//
//            ┌───────────┐ arp, NA ┌──────────┐
//  frame ──► │ 0 classify├────────►│24 claim  ├──┐
//            │           │         └──────────┘  ▼
//            │           │ other ┌───────────────────┐   ┌──────────┐   ┌──────────┐
//            │           ├──────►│25 mac             ├──►│60 deliver├──►│71 source ├──► NORMAL
//            │           │       └───────────────────┘   │          │   └──────────┘
//            │           │ admitted without a guard      │          │
//            │           ├──────────────────────────────►│          ├──► NORMAL
//            └───────────┘ (reg0 = 1)                    └──────────┘
//
// Every table that judges drops what it does not know. A frame reaches NORMAL from table 60 only with reg0 set, which
// table 0 alone does: were a flow missing somewhere on the way, frames would be dropped, not let through.

import type { Flow, OxmName } from '@portward/openflow'

export type Table = {
  readonly id: number
  readonly name: string
  /** What the table is for, in a line. */
  readonly purpose: string
  /** The fields its flows may match. */
  readonly match: readonly OxmName[]
  /** The tables its flows may hand on to, and whether they may deliver (NORMAL). */
  readonly next: readonly number[]
  readonly delivers: boolean
}

export const tables = {
  classify: {
    id: 0,
    name: 'classify',
    purpose: 'who speaks: a guarded port, an admitted one, or nobody known',
    match: ['inPort', 'ethType', 'ipProto', 'icmpv6Type', 'vlanTci'],
    next: [24, 25, 60],
    delivers: false,
  },
  claim: {
    id: 24,
    name: 'claim',
    purpose: 'ARP and neighbour advertisements claim only the port’s own addresses',
    match: [
      'inPort',
      'ethSrc',
      'ethType',
      'arpOp',
      'arpSpa',
      'arpTpa',
      'arpSha',
      'ipProto',
      'ipTtl',
      'icmpv6Type',
      'ipv6NdTarget',
      'ipv6NdTll',
    ],
    next: [25],
    delivers: false,
  },
  mac: {
    id: 25,
    name: 'mac',
    purpose: 'the source MAC is one of the port’s',
    match: ['inPort', 'ethSrc'],
    next: [60],
    delivers: false,
  },
  deliver: {
    id: 60,
    name: 'deliver',
    purpose: 'admitted frames go out; guarded ones go to the source guard',
    match: ['reg0'],
    next: [71],
    delivers: true,
  },
  source: {
    id: 71,
    name: 'source',
    purpose: 'IPv4 and IPv6 sources belong to the port; everything that may pass is listed',
    match: [
      'inPort',
      'ethSrc',
      'ethDst',
      'ethType',
      'arpOp',
      'arpSpa',
      'arpSha',
      'ipProto',
      'ipTtl',
      'ipv4Src',
      'ipv4Dst',
      'udpSrc',
      'udpDst',
      'icmpv4Type',
      'ipv6Src',
      'ipv6Dst',
      'icmpv6Type',
      'ipv6NdTarget',
      'ipv6NdSll',
    ],
    next: [],
    delivers: true,
  },
} as const satisfies Record<string, Table>

/** Bit 0 of reg0: admitted without a guard. Frames enter table 0 with every register zero. */
export const ADMITTED = { field: 'reg0', offset: 0, bits: 1, value: 1n } as const

/** In words, what a flow does against its table's contract; undefined when it keeps it. */
export function breachOf(flow: Flow): string | undefined {
  const table: Table | undefined = Object.values(tables).find(({ id }) => id === flow.table)
  if (table === undefined) return `table ${flow.table} is not ours`
  for (const name of Object.keys(flow.match) as OxmName[]) {
    if (!table.match.includes(name))
      return `table ${table.id} (${table.name}) may not match ${name}`
  }
  for (const action of flow.actions) {
    if (action.type === 'resubmit' && !table.next.includes(action.table)) {
      return `table ${table.id} (${table.name}) may not hand on to table ${action.table}`
    }
    if (action.type === 'output' && !table.delivers) {
      return `table ${table.id} (${table.name}) may not deliver`
    }
  }
  return undefined
}
