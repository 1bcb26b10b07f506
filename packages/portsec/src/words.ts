// A flow in words: which frames it takes, and what becomes of them.

import type { Ip } from '@portward/addr'
import { bitsOf, familyOf, maskOf } from '@portward/addr'
import type { Action, Flow, Match, Masked } from '@portward/openflow'
import { OFPP } from '@portward/openflow'
import { ETH, ICMPV6, PROTO } from './guard.ts'
import type { Table } from './pipeline.ts'
import { ADMITTED, tables } from './pipeline.ts'

/** E.g. `ARP as 10.0.0.5 from fa:16:3e:00:00:10 on port 7: on to table 25 (mac)`. */
export function wordsOf(flow: Flow): string {
  const { inPort } = flow.match
  const where = inPort === undefined ? '' : ` on port ${inPort === OFPP.local ? 'LOCAL' : inPort}`
  return `${subject(flow)}${where}: ${outcome(flow.actions)}`
}

function subject({ match, table, priority }: Flow): string {
  if (match.vlanTci !== undefined) return 'any frame with a VLAN tag'
  if (match.reg0 !== undefined) return 'frames admitted without a guard'
  const kind = kindOf(match)
  const from = match.ethSrc === undefined ? '' : ` from ${show(match.ethSrc)}`
  if (kind !== undefined) return `${kind}${claimOf(match)}${from}${linkLayerOf(match)}`
  if (from !== '') return `any frame${from}`
  if (match.inPort !== undefined)
    return table === 0 && priority === 9 ? 'any other frame' : 'any frame'
  return misses.get(table) ?? 'any other frame'
}

/** What is left for the last flow of a table. */
const misses = new Map<number, string>([
  [tables.classify.id, 'frames of every other interface'],
  [tables.claim.id, 'every other ARP and neighbour advertisement'],
  [tables.mac.id, 'frames from every other MAC'],
  [tables.deliver.id, 'frames of guarded ports'],
  [tables.source.id, 'everything that nothing above lets pass'],
])

function kindOf(match: Match): string | undefined {
  switch (match.ethType) {
    case undefined:
      return undefined
    case ETH.arp:
      if (match.arpSpa === '0.0.0.0') return 'ARP probes'
      return match.arpOp === 1 ? 'ARP requests' : match.arpOp === 2 ? 'ARP replies' : 'ARP'
    case ETH.rarp:
      return 'RARP announcements of the own MAC'
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
  if (match.ipProto === PROTO.igmp) return 'IGMPv3 reports'
  if (match.icmpv4Type === 5) return 'ICMP redirects'
  if (match.ipv4Src === '0.0.0.0') return 'any other IPv4 from 0.0.0.0'
  return match.ethSrc === undefined ? 'IPv4 from every other source' : 'IPv4'
}

function ipv6Kind(match: Match): string {
  if (match.ipProto === PROTO.udp && match.udpSrc === 547) return 'a DHCPv6 server’s answers'
  if (match.icmpv6Type === undefined) {
    if (match.ipv6Src === '::') return 'any other IPv6 from ::'
    return match.ethSrc === undefined ? 'IPv6 from every other source' : 'IPv6'
  }
  if (match.icmpv6Type === ICMPV6.ns && match.ipv6Src === '::') return 'duplicate address detection'
  if (match.icmpv6Type === ICMPV6.na && match.ipv6NdTarget === '::') {
    return 'malformed neighbour advertisements'
  }
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

/** The address that the frame claims or, where it has none of its own yet, asks for. */
function claimOf(match: Match): string {
  const asked =
    match.arpSpa === '0.0.0.0' ? match.arpTpa : match.ipv6Src === '::' && match.ipv6NdTarget
  if (asked) return ` for ${show(asked)}`
  const address = [match.arpSpa, match.ipv6NdTarget, match.ipv4Src, match.ipv6Src].find(
    (one) => one !== undefined && one !== '0.0.0.0' && one !== '::',
  )
  return address === undefined ? '' : ` as ${show(address)}`
}

/** What sets the two advertisements apart that a binding may send. */
function linkLayerOf({ ipv6NdTll }: Match): string {
  if (ipv6NdTll === undefined) return ''
  return ipv6NdTll === '00:00:00:00:00:00'
    ? ' that name no link-layer address'
    : ' that name this MAC'
}

function outcome(actions: readonly Action[]): string {
  const last = actions.at(-1)
  if (last === undefined) return 'dropped'
  if (last.type === 'output' && last.port === OFPP.normal) return 'delivered'
  if (last.type !== 'resubmit') return last.type
  const next: Table | undefined = Object.values(tables).find(({ id }) => id === last.table)
  const on = `on to table ${last.table}${next === undefined ? '' : ` (${next.name})`}`
  const admitted = actions.some((one) => one.type === 'load' && one.field === ADMITTED.field)
  return admitted ? `admitted without a guard, ${on}` : on
}

/** An address, or a prefix as people write it. */
function show(field: Masked<string>): string {
  if (typeof field === 'string') return field
  const family = familyOf(field.value as Ip)
  for (let length = 0; length <= bitsOf(family); length++) {
    if (maskOf(family, length) === field.mask) return `${field.value}/${length}`
  }
  return `${field.value}/${field.mask}`
}
