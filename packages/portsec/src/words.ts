// A flow in words: which frames it takes, and what becomes of them.

import type { Action, Flow, Match, Masked } from '@portward/openflow'
import { OFPP } from '@portward/openflow'
import { ETH, ICMPV6, PROTO } from './guard.ts'
import type { Table } from './pipeline.ts'
import { tables } from './pipeline.ts'

/** E.g. `ARP as 10.0.0.5 from fa:16:3e:00:00:10 on port 7: goes on to table 25 (mac)`. */
export function wordsOf(flow: Flow): string {
  const where = flow.match.inPort === undefined ? '' : ` on port ${flow.match.inPort}`
  return `${subject(flow)}${where}: ${outcome(flow.actions)}`
}

function subject({ match, table, priority }: Flow): string {
  if (match.vlanTci !== undefined) return 'any frame with a VLAN tag'
  const kind = kindOf(match)
  const claim = claimOf(match)
  const from = match.ethSrc === undefined ? '' : ` from ${show(match.ethSrc)}`
  if (kind === undefined && claim === '' && from === '') {
    if (match.reg0 !== undefined) return 'frames admitted without a guard'
    if (priority === 0 && table !== 60) return 'everything else'
    return match.inPort === undefined ? 'frames of guarded ports' : 'any other frame'
  }
  return `${kind ?? 'any frame'}${claim}${from}`
}

function kindOf(match: Match): string | undefined {
  switch (match.ethType) {
    case undefined:
      return undefined
    case ETH.arp:
      if (match.arpSpa === '0.0.0.0') return 'an ARP probe'
      return match.arpOp === 1 ? 'ARP requests' : match.arpOp === 2 ? 'ARP replies' : 'ARP'
    case ETH.rarp:
      return 'RARP'
    case ETH.ipv4:
      return ipv4Kind(match)
    case ETH.ipv6:
      return ipv6Kind(match)
    default:
      return `EtherType 0x${match.ethType.toString(16)}`
  }
}

function ipv4Kind(match: Match): string {
  if (match.ipProto === PROTO.udp && match.udpSrc === 67) return 'a DHCP server’s answers'
  if (match.ipProto === PROTO.udp && match.udpSrc === 68) return 'a DHCP client’s requests'
  if (match.ipProto === PROTO.igmp) return 'IGMP reports'
  if (match.icmpv4Type === 5) return 'ICMP redirects'
  return 'IPv4'
}

function ipv6Kind(match: Match): string {
  if (match.ipProto === PROTO.udp && match.udpSrc === 547) return 'a DHCPv6 server’s answers'
  if (match.icmpv6Type === undefined) return 'IPv6'
  if (match.icmpv6Type === ICMPV6.ns && match.ipv6Src === '::') return 'duplicate address detection'
  return icmpv6Kinds.get(match.icmpv6Type) ?? `ICMPv6 type ${match.icmpv6Type}`
}

const icmpv6Kinds = new Map<number, string>([
  [ICMPV6.mldQuery, 'MLD queries'],
  [ICMPV6.mldReport, 'MLD reports'],
  [ICMPV6.mldv2Report, 'MLDv2 reports'],
  [ICMPV6.rs, 'router solicitations'],
  [ICMPV6.ra, 'router advertisements'],
  [ICMPV6.ns, 'neighbour solicitations'],
  [ICMPV6.na, 'neighbour advertisements'],
  [ICMPV6.redirect, 'ICMPv6 redirects'],
])

/** The address a frame must claim for the flow to take it. */
function claimOf(match: Match): string {
  if (match.arpSpa === '0.0.0.0' && match.arpTpa !== undefined) return ` for ${show(match.arpTpa)}`
  const address = match.arpSpa ?? match.ipv6NdTarget ?? match.ipv4Src ?? match.ipv6Src
  return address === undefined ? '' : ` as ${show(address)}`
}

function outcome(actions: readonly Action[]): string {
  const last = actions.at(-1)
  if (last === undefined) return 'dropped'
  if (last.type === 'resubmit') {
    const next: Table | undefined = Object.values(tables).find(({ id }) => id === last.table)
    return `goes on to table ${last.table}${next === undefined ? '' : ` (${next.name})`}`
  }
  if (last.type === 'output' && last.port === OFPP.normal) return 'passes'
  return last.type
}

function show(field: Masked<string>): string {
  if (typeof field === 'string') return field
  return `${field.value}/${field.mask}`
}
