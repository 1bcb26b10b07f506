// The rules of port security once more, as plain predicates over a frame taken apart: no flow, no table, no order in which
// things are tried. Read them beside the normative text. What the switch does must be this and nothing else.
//
// A rule that has nothing to say of a frame holds. A frame passes where all hold. `dissect` says what the switch is blind
// to; where a rule is decided for that, it says so here.

import type { Ip, Mac, Prefix } from '@portward/addr'
import { contains, isMulticastMac, linkLocalOf } from '@portward/addr'
import type { Eyes, Frame, Ip4, Ip6 } from './dissect.ts'
import { ETHER, PROTOCOL, TPIDS, dissect } from './dissect.ts'

/** A port as it is declared. Absent from `checks`: checked. */
export type DeclaredPort = {
  readonly mac: Mac
  readonly ips: readonly Ip[]
  readonly allowedAddressPairs: readonly { readonly mac: Mac; readonly prefix: Prefix }[]
  readonly checks?: {
    readonly arp?: false
    readonly nd?: false
    readonly source?: false
    readonly 'dhcp-server'?: false
    readonly ra?: false
    readonly redirect?: false
    readonly query?: false
    readonly vlan?: false | readonly number[]
    readonly ethertype?: false | readonly number[]
  }
}

export type RuleVerdict = {
  readonly passes: boolean
  /** The rules that the frame breaks, lowest first. */
  readonly broken: readonly number[]
}

type Rule = (port: DeclaredPort, frame: Frame) => boolean

export function verdictByRules(port: DeclaredPort, bytes: Uint8Array, eyes: Eyes): RuleVerdict {
  const frame = dissect(bytes, eyes)
  const broken = sixteen.flatMap((holds, i) => (holds(port, frame) ? [] : [i + 1]))
  return { passes: broken.length === 0, broken }
}

/** 1. Source MAC is one of the port's MACs, and not multicast. */
const sourceMac: Rule = (port, { src }) => macsOf(port).includes(src) && !isMulticastMac(src)

/** 2. Any tag: never, on an access port. Trunk ports: the configured VIDs, one tag. */
const tag: Rule = ({ checks }, { tags, etherType }) => {
  if (checks?.vlan === false || tags.length === 0) return true
  const [vid = 0, ...further] = tags
  const hidden = etherType !== undefined && TPIDS.includes(etherType)
  return checks?.vlan?.includes(vid) === true && further.length === 0 && !hidden
}

/** 3. ARP request or reply, incl. gratuitous: Ethernet source = `arp_sha`, and (`arp_sha`, `arp_spa`) is a binding. */
const arpClaim: Rule = (port, frame) => {
  if (frame.etherType !== ETHER.arp) return true
  const { arp } = frame
  // There is no other kind of ARP, exempted or not.
  if (arp === undefined || (arp.op !== REQUEST && arp.op !== REPLY)) return false
  if (isAny(arp.spa) || port.checks?.arp === false) return true
  return arp.sha === frame.src && owns(port, arp.sha, arp.spa)
}

/** 4. ARP probe (`arp_spa` 0.0.0.0, request): `arp_sha` = Ethernet source, `arp_tpa` is one of the port's own addresses. */
const arpProbe: Rule = (port, { etherType, arp, src }) => {
  if (etherType !== ETHER.arp || port.checks?.arp === false) return true
  // What has no address that could be read has none.
  if (arp === undefined) return false
  if (!isAny(arp.spa)) return true
  // From no address there is nothing else to say, whatever prefix has it.
  return arp.op === REQUEST && arp.sha === src && owns(port, src, arp.tpa)
}

/** 5. RARP: `arp_sha` = Ethernet source = one of the port's MACs, sender address 0.0.0.0. The request, as QEMU says it. */
const rarp: Rule = (port, { etherType, arp, src }) => {
  if (etherType !== ETHER.rarp) return true
  return arp?.op === RARP_REQUEST && arp.sha === src && macsOf(port).includes(src) && isAny(arp.spa)
}

/** 6. IPv4: (source MAC, source address) is a binding. */
const ipv4Source: Rule = (port, frame) => {
  const ip = ipv4Of(frame)
  if (ip?.src === undefined || isAny(ip.src) || port.checks?.source === false) return true
  return owns(port, frame.src, ip.src)
}

/** 7. IPv4 from 0.0.0.0: DHCP client only, UDP 68 to 67, to broadcast; and IGMP reports. */
const ipv4Unspecified: Rule = (port, frame) => {
  const ip = ipv4Of(frame)
  if (ip === undefined || port.checks?.source === false) return true
  // What has no address that could be read has none.
  if (ip.src === undefined) return false
  if (!isAny(ip.src)) return true
  const { part, protocol, udp, dst } = ip
  const toAll = frame.dst === 'ff:ff:ff:ff:ff:ff' && dst === '255.255.255.255'
  const client = part === 'whole' && udp?.src === 68 && udp.dst === 67 && toAll
  // Blind: the type of IGMP. What goes to this address is a report of version 3.
  return client || (protocol === PROTOCOL.igmp && dst === '224.0.0.22')
}

/** 8. DHCPv4 server, UDP source 67 (to 68): never; a per-check exemption can allow it. */
const dhcpServer: Rule = ({ checks }, frame) => {
  const udp = ipv4Of(frame)?.udp
  // Either port will do: clients take what comes to 68 from any, relays and servers speak from 67 to any.
  const serves = udp?.src === 67 || udp?.dst === 68
  return !serves || checks?.['dhcp-server'] === false
}

/** 9. IPv6: (source MAC, source address) is a binding. */
const ipv6Source: Rule = (port, frame) => {
  const ip = ipv6Of(frame)
  if (ip?.src === undefined || isAny(ip.src) || port.checks?.source === false) return true
  return owns(port, frame.src, ip.src)
}

/** 10. IPv6 from `::`: DAD solicitation whose target is the port's own; router solicitation; MLDv1/v2 report. */
const ipv6Unspecified: Rule = (port, frame) => {
  const ip = ipv6Of(frame)
  if (ip === undefined || port.checks?.source === false) return true
  if (ip.src === undefined) return false
  if (!isAny(ip.src)) return true
  const { icmp, nd, hopLimit } = ip
  // RFC 4861, 7.1.1: no source link-layer option where there is no source.
  const target = nd !== undefined && nd.sourceLinkLayer === undefined ? nd.target : undefined
  const detects = target !== undefined && !isAny(target) && owns(port, frame.src, target)
  return (
    (icmp?.type === TYPE.ns && hopLimit === 255 && detects) ||
    // RFC 4861, 6.1.1
    (icmp?.type === TYPE.rs && hopLimit === 255) ||
    // RFC 2710, 3; RFC 3810, 5
    ((icmp?.type === TYPE.mldReport || icmp?.type === TYPE.mldv2Report) && hopLimit === 1)
  )
}

/** 11. NS: 6/9 hold, hop limit 255; a source-link-layer option, if present, equals the source MAC. */
const solicitation: Rule = ({ checks }, frame) => {
  const ip = ipv6Of(frame)
  if (ip?.icmp?.type !== TYPE.ns || checks?.nd === false) return true
  const { nd, hopLimit } = ip
  if (nd === undefined || isAny(nd.target)) return false
  return hopLimit === 255 && (nd.sourceLinkLayer ?? frame.src) === frame.src
}

/**
 * 12. NA: hop limit 255, target and Ethernet source are a binding; a target-link-layer option, if present, equals the
 * source.
 */
const advertisement: Rule = (port, frame) => {
  const ip = ipv6Of(frame)
  if (ip?.icmp?.type !== TYPE.na || port.checks?.nd === false) return true
  const { nd, hopLimit } = ip
  if (nd === undefined || isAny(nd.target) || !owns(port, frame.src, nd.target)) return false
  return hopLimit === 255 && (nd.targetLinkLayer ?? frame.src) === frame.src
}

/** 13. RA, ICMPv6 redirect, ICMPv4 redirect, MLD query, IGMP query: never; per-check exemption. */
const routersWord: Rule = ({ checks = {} }, frame) => {
  const [v4, v6] = [ipv4Of(frame), ipv6Of(frame)]
  const advertises = v6?.icmp?.type === TYPE.ra || v4?.icmp?.type === 9
  const redirects = v6?.icmp?.type === TYPE.redirect || v4?.icmp?.type === 5
  // Blind: the type of IGMP. These are destinations of reports of version 3, and of leave messages; all else may be a query.
  const mayQuery =
    v4?.protocol === PROTOCOL.igmp && !['224.0.0.22', '224.0.0.2'].includes(v4.dst ?? '')
  // RFC 4286: who advertises itself as a multicast router is one to whoever snoops, as who queries is.
  const type = v6?.icmp?.type
  const queries = type === TYPE.mldQuery || type === TYPE.multicastRouter || mayQuery
  return (
    (!advertises || checks.ra === false) &&
    (!redirects || checks.redirect === false) &&
    (!queries || checks.query === false)
  )
}

/** 14. DHCPv6 client (546 to 547): from the port's link-local address; server (source 547) never. */
const dhcpv6: Rule = ({ checks }, frame) => {
  const ip = ipv6Of(frame)
  if (ip?.udp === undefined || checks?.['dhcp-server'] === false) return true
  // To 546 speaks a server, from whichever port (RFC 8415, 7.2).
  if (ip.udp.src === 547 || ip.udp.dst === 546) return false
  // From whichever port. That the address is the port's, rule 9 says.
  return ip.udp.dst !== 547 || (ip.src !== undefined && contains(LINK_LOCAL, ip.src))
}

/** 15. Fragmented ND and RA (RFC 6980), and whatever else hides what it is: never. */
const hidden: Rule = (_, { ip }) => {
  if (ip === undefined) return true
  // No end of its headers. Blind: a protocol 0 that IPv4 really carries looks the same.
  if (ip.protocol === undefined || (ip.version === 4 && ip.protocol === 0)) return false
  if (ip.part !== 'first') return true
  // Neighbour discovery in a fragment, whosoever says it.
  if (ip.version === 6 && ip.icmp !== undefined && discovery.includes(ip.icmp.type)) return false
  // What the first fragment is does not stand in it. Blind: zero that stands there looks the same.
  if (ip.protocol === PROTOCOL.udp) return ip.udp !== undefined && ip.udp.src + ip.udp.dst !== 0
  if (ip.version === 6 && ip.protocol === PROTOCOL.icmpv6) return (ip.icmp?.type ?? 0) !== 0
  return !(ip.protocol === PROTOCOL.icmp && ip.version === 4 && ip.hidden)
}

/** 16. Other EtherTypes, LLC/SNAP, BPDU, LLDP, reserved 01:80:c2 multicast: never, unless listed. */
const otherKind: Rule = ({ checks }, { dst, tags, etherType }) => {
  // Half a tag, or one behind SNAP: the switch itself forwards none.
  if (tags.length === 0 && etherType !== undefined && TPIDS.includes(etherType)) return false
  if (checks?.ethertype === false) return true
  if (etherType !== undefined && checks?.ethertype?.includes(etherType) === true) return true
  const known = Object.values<number | undefined>(ETHER).includes(etherType)
  return known && !dst.startsWith('01:80:c2:')
}

const sixteen: readonly Rule[] = [
  sourceMac,
  tag,
  arpClaim,
  arpProbe,
  rarp,
  ipv4Source,
  ipv4Unspecified,
  dhcpServer,
  ipv6Source,
  ipv6Unspecified,
  solicitation,
  advertisement,
  routersWord,
  dhcpv6,
  hidden,
  otherKind,
]

const [REQUEST, REPLY, RARP_REQUEST] = [1, 2, 3] as const
const TYPE = {
  mldQuery: 130,
  multicastRouter: 151,
  mldReport: 131,
  rs: 133,
  ra: 134,
  ns: 135,
  na: 136,
  redirect: 137,
  mldv2Report: 143,
} as const
const discovery: readonly number[] = [TYPE.rs, TYPE.ra, TYPE.ns, TYPE.na, TYPE.redirect]
const LINK_LOCAL = 'fe80::/10' as Prefix

/** Section 1: a claim holds only when MAC and address come from the same binding. */
function owns(port: DeclaredPort, mac: Mac, ip: Ip): boolean {
  return (
    (mac === port.mac && port.ips.includes(ip)) ||
    port.allowedAddressPairs.some((pair) => pair.mac === mac && contains(pair.prefix, ip)) ||
    (macsOf(port).includes(mac) && linkLocalOf(mac) === ip)
  )
}

function macsOf({ mac, allowedAddressPairs }: DeclaredPort): readonly Mac[] {
  return [mac, ...allowedAddressPairs.map((pair) => pair.mac)]
}

function isAny(ip: Ip): boolean {
  return ip === '0.0.0.0' || ip === '::'
}

function ipv4Of({ ip }: Frame): Ip4 | undefined {
  return ip?.version === 4 ? ip : undefined
}

function ipv6Of({ ip }: Frame): Ip6 | undefined {
  return ip?.version === 6 ? ip : undefined
}
