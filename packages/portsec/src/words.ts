// A flow in words: which frames it takes, and what becomes of them.

import type { Ip } from '@portward/addr'
import { bitsOf, familyOf, maskOf } from '@portward/addr'
import type { Action, Flow, Match, Masked } from '@portward/openflow'
import { OFPP, isMasked } from '@portward/openflow'
import { ETH, ICMPV6, PROTO } from './guard.ts'
import type { Table } from './pipeline.ts'
import { ADMITTED, EXEMPT, tables } from './pipeline.ts'

/** E.g. `ARP as 10.0.0.5 from fa:16:3e:00:00:10 on port 7: on to table 25 (mac)`. */
export function wordsOf(flow: Flow): string {
  const { inPort } = flow.match
  const where = inPort === undefined ? '' : ` on port ${inPort === OFPP.local ? 'LOCAL' : inPort}`
  return `${subject(flow)}${where}: ${outcome(flow.actions)}`
}

function subject(flow: Flow): string {
  const { match, table, priority } = flow
  if (table === tables.toward.id && match.ethDst !== undefined) return floodedTo(match)
  if (table === tables.members.id) return membersOf(match)
  if (table === tables.classify.id && priority === 50) return 'what NORMAL has flooded'
  if (match.vlanTci !== undefined) return taggedKind(flow)
  if (sameMask(match.reg0, Number(ADMITTED.value))) return 'frames admitted without a guard'
  const kind = kindOf(match, table)
  const from = match.ethSrc === undefined ? '' : ` from ${show(match.ethSrc)}`
  const whose = exemptedOf(match)
  if (kind !== undefined) return `${kind}${claimOf(match)}${from}${linkLayerOf(match)}${whose}`
  if (table === tables.forward.id && match.ethDst !== undefined) {
    return 'broadcast and multicast that may pass'
  }
  if (match.ethDst !== undefined) return 'frames to the reserved multicast of bridges'
  if (from !== '') return `any frame${from}`
  if (whose !== '') return `any other frame${whose}`
  if (match.inPort !== undefined)
    return table === 0 && priority === 9 ? 'any other frame' : 'any frame'
  return misses.get(table) ?? 'any other frame'
}

/** What is left for the last flow of a table. */
const misses = new Map<number, string>([
  [tables.classify.id, 'frames of every other interface'],
  [tables.claim.id, 'every other ARP and neighbour advertisement'],
  [tables.mac.id, 'frames from every other MAC'],
  [tables.tag.id, 'any other frame behind its tag'],
  [tables.deliver.id, 'frames of guarded ports'],
  [tables.source.id, 'every other EtherType'],
  [tables.kind.id, 'all else that a port says as itself'],
  [tables.forward.id, 'frames that may pass'],
  [tables.toward.id, 'what was flooded for nobody here'],
])

/** By the number of a part of a VLAN: toward.ts. */
function membersOf({ reg2 = 0 }: Match): string {
  const part = isMasked(reg2) ? reg2.value : reg2
  const vid = part >>> 16
  const first = (part & 0x7fff) << 6
  const which = (part & 0x8000) === 0 ? '' : ', tagged,'
  const what = vid === 0 ? 'broadcast and multicast' : `broadcast and multicast of VLAN ${vid}`
  return `${what}${which} for ports ${first} to ${first + 63}`
}

/** What comes to table 95. */
function floodedTo({ ethDst, vlanTci = 0 }: Match): string {
  const what = typeof ethDst === 'string' ? `frames to ${ethDst}` : 'broadcast and multicast'
  const vid = (isMasked(vlanTci) ? vlanTci.value : vlanTci) & 0xfff
  return vid === 0 ? what : `${what} of VLAN ${vid}`
}

function taggedKind({ table, match: { vlanTci = 0 } }: Flow): string {
  if (table === tables.tag.id) return 'frames with a second VLAN tag'
  const [value, mask] = isMasked(vlanTci) ? [vlanTci.value, vlanTci.mask] : [vlanTci, 0xffff]
  return (mask & 0xfff) === 0 ? 'any frame with a VLAN tag' : `frames of VLAN ${value & 0xfff}`
}

/** Shared flows take frames by what their port is exempted from. */
function exemptedOf({ reg0 }: Match): string {
  for (const [check, bit] of Object.entries(EXEMPT)) {
    if (sameMask(reg0, bit)) return ` of ports exempted from ${check}`
  }
  return ''
}

function sameMask(field: Match['reg0'], bit: number): boolean {
  if (field === undefined || !isMasked(field)) return false
  return field.value === bit && field.mask === bit
}

function kindOf(match: Match, table: number): string | undefined {
  switch (match.ethType) {
    case undefined:
      return undefined
    case ETH.arp:
      return arpKind(match, table)
    case ETH.rarp:
      return match.arpOp === undefined ? 'every other RARP' : 'RARP announcements of the own MAC'
    case ETH.ipv4:
      return fragmentOf(match, ipv4Kind(match, table))
    case ETH.ipv6:
      return fragmentOf(match, ipv6Kind(match, table))
    default:
      return table === tables.tag.id
        ? 'frames with a second VLAN tag'
        : `EtherType 0x${match.ethType.toString(16).padStart(4, '0')}`
  }
}

function arpKind(match: Match, table: number): string {
  if (match.arpSpa === '0.0.0.0')
    return match.ethSrc === undefined ? 'every other ARP probe' : 'ARP probes'
  if (match.arpOp !== undefined) return match.arpOp === 1 ? 'ARP requests' : 'ARP replies'
  return table === tables.source.id ? 'every other ARP' : 'ARP'
}

function fragmentOf({ ipFrag }: Match, kind: string): string {
  return ipFrag === 1 ? `first fragments of ${kind}` : kind
}

function ipv4Kind(match: Match, table: number): string {
  const { ipProto, icmpv4Type } = match
  if (ipProto === 0) return 'IPv4 whose header makes no sense'
  if (ipProto === PROTO.udp) return udpKind(match, { server: 67, client: 68, name: 'DHCP' })
  if (ipProto === PROTO.icmpv4) {
    if (icmpv4Type === undefined) return 'ICMP'
    return icmpv4Kinds.get(icmpv4Type) ?? `ICMP type ${icmpv4Type}`
  }
  if (ipProto === PROTO.igmp) {
    if (match.ipv4Dst === '224.0.0.22') return 'IGMPv3 reports'
    return match.ipv4Dst === '224.0.0.2' ? 'IGMPv2 leave messages' : 'IGMP queries and reports'
  }
  if (match.ipv4Src === '0.0.0.0') return 'any other IPv4 from 0.0.0.0'
  return anySource('IPv4', match, table)
}

function ipv6Kind(match: Match, table: number): string {
  if (match.ipProto === 0) return 'IPv6 whose headers cannot be followed to their end'
  if (match.ipProto === PROTO.udp)
    return udpKind(match, { server: 547, client: 546, name: 'DHCPv6' })
  const { icmpv6Type } = match
  if (icmpv6Type === undefined) {
    return match.ipv6Src === '::' ? 'any other IPv6 from ::' : anySource('IPv6', match, table)
  }
  if (icmpv6Type === 0) return 'ICMPv6 of a type that is not in it'
  if (icmpv6Type === ICMPV6.ns && match.ipv6Src === '::' && match.ipv6NdTarget !== '::') {
    return 'duplicate address detection'
  }
  const kind = icmpv6Kinds.get(icmpv6Type) ?? `ICMPv6 type ${icmpv6Type}`
  const malformed = match.ipv6NdTarget === '::'
  return malformed ? `malformed ${kind}` : kind
}

/** In the source table, a flow of no port takes what no port's own flow took. */
function anySource(family: string, match: Match, table: number): string {
  const rest = table === tables.source.id && match.ethSrc === undefined && match.reg0 === undefined
  return rest ? `${family} from every other source` : family
}

function udpKind(
  { udpSrc, udpDst, ipv6Src }: Match,
  { server, client, name }: { server: number; client: number; name: string },
): string {
  if (udpSrc === undefined && udpDst === client) return `UDP to a ${name} client`
  if (udpSrc === server) return `a ${name} server’s answers`
  if (udpSrc === client || (udpDst === server && ipv6Src !== undefined)) {
    return `a ${name} client’s requests`
  }
  if (udpDst === server) return `any other ${name} client’s requests`
  return udpSrc === 0 && udpDst === 0 ? 'UDP whose ports are not in it' : 'UDP'
}

const icmpv4Kinds = new Map<number, string>([
  [5, 'ICMP redirects'],
  [9, 'ICMP router advertisements'],
])

const icmpv6Kinds = new Map<number, string>([
  [ICMPV6.mldQuery, 'MLD queries'],
  [ICMPV6.mldReport, 'MLD reports'],
  [ICMPV6.mldv2Report, 'MLDv2 reports'],
  [ICMPV6.rs, 'router solicitations'],
  [ICMPV6.ra, 'router advertisements'],
  [ICMPV6.ns, 'neighbour solicitations'],
  [ICMPV6.na, 'neighbour advertisements'],
  [ICMPV6.redirect, 'ICMPv6 redirects'],
  [ICMPV6.multicastRouter, 'multicast router advertisements'],
])

/** The address that the frame claims or, where it has none of its own yet, asks for. */
function claimOf(match: Match): string {
  const asked =
    match.arpSpa === '0.0.0.0' ? match.arpTpa : match.ipv6Src === '::' && match.ipv6NdTarget
  if (asked && asked !== '::') return ` for ${show(asked)}`
  const address = [match.arpSpa, match.ipv6NdTarget, match.ipv4Src, match.ipv6Src].find(
    (one) => one !== undefined && one !== '0.0.0.0' && one !== '::',
  )
  return address === undefined ? '' : ` as ${show(address)}`
}

/** What sets apart the two forms of an option that a sender may use. */
function linkLayerOf({ icmpv6Type, ipv6Src, ipv6NdSll, ipv6NdTll }: Match): string {
  const option = icmpv6Type === ICMPV6.ns && ipv6Src === undefined ? ipv6NdSll : ipv6NdTll
  if (option === undefined) return ''
  return option === '00:00:00:00:00:00' ? ' that name no link-layer address' : ' that name this MAC'
}

function outcome(actions: readonly Action[]): string {
  const last = actions.at(-1)
  if (last === undefined) return 'dropped'
  if (last.type === 'output' && last.port === OFPP.normal) return 'delivered'
  if (last.type === 'output') return handedTo(actions)
  if (last.type !== 'resubmit') return last.type
  const next: Table | undefined = Object.values(tables).find(({ id }) => id === last.table)
  const on = `on to table ${last.table}${next === undefined ? '' : ` (${next.name})`}`
  const load = actions.find((one) => one.type === 'load' && one.field === ADMITTED.field)
  if (load?.type !== 'load') return on
  if (load.bits === 1) return `admitted without a guard, ${on}`
  const bits = Number(load.value)
  const names = Object.entries(EXEMPT).filter(([, bit]) => (bits & bit) !== 0)
  return `exempted from ${names.map(([name]) => name).join(', ')}, ${on}`
}

/** The first few, where they are many. */
function handedTo(actions: readonly Action[]): string {
  const ports = actions.flatMap((one) => (one.type === 'output' ? [one.port] : []))
  const named = ports.slice(0, 8).join(', ')
  const more = ports.length > 8 ? ` and ${ports.length - 8} more` : ''
  return `handed to port${ports.length === 1 ? '' : 's'} ${named}${more}`
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
