// The tables of br-int, top to bottom, with Neutron's numbers, so that an operator who knows Neutron reads the dump at once.
//
//            ┌───────────┐ arp, NA ┌──────────┐
//  frame ──► │ 0 classify├────────►│24 claim  ├──┐
//            │           │         └──────────┘  ▼
//            │           │ other  ┌──────────────────┐   ┌──────────┐   ┌─────────┐   ┌───────┐   ┌──────────┐
//            │           ├───────►│25 mac            ├──►│60 deliver├──►│71 source├──►│72 kind├──►│94 forward├──► NORMAL
//            │           │        └──────────────────┘   │          │   └─────────┘   └───────┘   │          │
//            │           │ permitted tag ┌──────┐        │          │                             │          │
//            │           ├──────────────►│26 tag├─► 24, 25          │                             │          │
//            │           │               └──────┘        │          │                             │          │
//            │           │ admitted without a guard      │          │                             │          │
//            │           ├──────────────────────────────►│          ├────────────────────────────►│          │
//            └───────────┘ (reg0 = 1)                    └──────────┘                             └──────────┘
//
// What NORMAL floods comes in again at a port of ours, and goes from table 0 straight to 95 and 96, which hand it on: toward.ts.
//
// Tables 24, 25, 26 and 71 drop what they do not know. What they let on is the port's own, so table 72 lists what no guest may
// say as itself either, and lets the rest pass. A frame gets to table 94 from table 60 only with reg0 set, which table 0 alone
// does: were a flow missing on the way there, frames would be dropped, not let through.

import type { Flow, OxmName } from '@portward/openflow'
import type { Check } from './checks.ts'

export type Table = {
  readonly id: number
  readonly name: string
  /** What the table is for, in a line. */
  readonly purpose: string
  /** The fields its flows may match. */
  readonly match: readonly OxmName[]
  /** The tables its flows may hand on to, and whether they may deliver (NORMAL, or a port). */
  readonly next: readonly number[]
  readonly delivers: boolean
}

export const tables = {
  classify: {
    id: 0,
    name: 'classify',
    purpose: 'who speaks: a guarded port, an admitted one, or nobody known',
    match: ['inPort', 'ethType', 'ipProto', 'icmpv6Type', 'vlanTci'],
    next: [24, 25, 26, 60, 95],
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
      'icmpv6Code',
      'ipv6NdTarget',
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
  tag: {
    id: 26,
    name: 'tag',
    purpose: 'of a trunk port: behind the one permitted tag there is no other',
    match: ['reg0', 'vlanTci', 'ethType', 'ipProto', 'icmpv6Type'],
    next: [24, 25],
    delivers: false,
  },
  deliver: {
    id: 60,
    name: 'deliver',
    purpose: 'admitted frames go out; guarded ones go to the source guard',
    match: ['reg0'],
    next: [71, 94],
    delivers: false,
  },
  source: {
    id: 71,
    name: 'source',
    purpose: 'IPv4 and IPv6 come from the port’s own addresses; what may come from none is listed',
    match: [
      'reg0',
      'inPort',
      'ethSrc',
      'ethDst',
      'ethType',
      'arpOp',
      'arpSpa',
      'arpSha',
      'ipProto',
      'ipTtl',
      'ipFrag',
      'ipv4Src',
      'ipv4Dst',
      'udpSrc',
      'udpDst',
      'ipv6Src',
      'icmpv6Type',
      'icmpv6Code',
      'ipv6NdTarget',
      'ipv6NdSll',
    ],
    next: [72, 94],
    delivers: false,
  },
  kind: {
    id: 72,
    name: 'kind',
    purpose: 'what no guest may say, as itself either: the last table, shared by all ports',
    match: [
      'reg0',
      'inPort',
      'ethSrc',
      'ethDst',
      'ethType',
      'ipProto',
      'ipTtl',
      'ipFrag',
      'ipv4Dst',
      'ipv6Src',
      'icmpv4Type',
      'icmpv6Type',
      'icmpv6Code',
      'udpSrc',
      'udpDst',
      'ipv6NdTarget',
      'ipv6NdSll',
      'ipv6NdTll',
    ],
    next: [94],
    delivers: false,
  },
  forward: {
    id: 94,
    name: 'forward',
    purpose: 'where it all comes out: the switch forwards by what it has learned',
    match: ['ethDst'],
    next: [],
    delivers: true,
  },
  toward: {
    id: 95,
    name: 'toward',
    purpose: 'what NORMAL has flooded, handed to the guarded ports that it concerns',
    match: ['vlanTci', 'ethDst'],
    next: [96],
    delivers: true,
  },
  members: {
    id: 96,
    name: 'members',
    purpose:
      'the guarded ports of a VLAN, 64 port numbers in each flow, for broadcast and multicast',
    match: ['reg2'],
    next: [],
    delivers: true,
  },
} as const satisfies Record<string, Table>

/** Bit 0 of reg0: admitted without a guard. Frames enter table 0 with every register zero. */
export const ADMITTED = { field: 'reg0', offset: 0, bits: 1, value: 1n } as const

/**
 * Bits of reg0: what the port is exempted from. Its own flows in table 0 set them; a shared flow that drops wants its bit zero.
 * Of a tag only table 0 itself need know.
 */
export const EXEMPT = {
  arp: 1 << 1,
  nd: 1 << 2,
  source: 1 << 3,
  'dhcp-server': 1 << 4,
  ra: 1 << 5,
  redirect: 1 << 6,
  query: 1 << 7,
  ethertype: 1 << 8,
} as const satisfies { readonly [C in Exclude<Check, 'vlan'>]: number }

/** Where a frame's tag is kept while table 26 looks behind it. */
export const KEPT_TAG = 'reg1'

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
