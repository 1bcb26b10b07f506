// From a port to its flows. Every function here is pure and each flow is built by one short function, named for its purpose.
//
// What a port costs: 4 flows, 4 for each of its MACs, 3 for each binding (IPv4: ARP, ARP probe, source; IPv6: neighbour
// advertisement, source, duplicate address detection). All else is shared by the ports of the bridge.

import type { Ipv4, Ipv6, Mac } from '@portward/addr'
import { bitsOf, maskOf, prefixParts } from '@portward/addr'
import type { Action, Flow, Match } from '@portward/openflow'
import { OFPP } from '@portward/openflow'
import type { Binding, PortSpec } from './binding.ts'
import { SpecError, bindingsOf, macsOf } from './binding.ts'
import type { Checks } from './checks.ts'
import { lists } from './checks.ts'
import { ADMITTED, EXEMPT, KEPT_TAG, tables } from './pipeline.ts'
import type { Rule } from './rule.ts'
import { cookieOf } from './rule.ts'

export const ETH = {
  ipv4: 0x0800,
  arp: 0x0806,
  rarp: 0x8035,
  ipv6: 0x86dd,
  tags: [0x8100, 0x88a8],
} as const
export const PROTO = { icmpv4: 1, igmp: 2, tcp: 6, udp: 17, icmpv6: 58 } as const
/** ICMPv6 types (RFC 4443, 4861, 2710, 3810, 4286). */
export const ICMPV6 = {
  mldQuery: 130,
  mldReport: 131,
  rs: 133,
  ra: 134,
  ns: 135,
  na: 136,
  redirect: 137,
  mldv2Report: 143,
  multicastRouter: 151,
} as const
/** RFC 4861: a neighbour discovery message that crossed no router still has it. */
const ND_HOP_LIMIT = 255
const ZERO_MAC = '00:00:00:00:00:00' as Mac
const BROADCAST = 'ff:ff:ff:ff:ff:ff' as Mac
const ANY_IPV4 = '0.0.0.0' as Ipv4
const ANY_IPV6 = '::' as Ipv6
const IGMPV3_ROUTERS = '224.0.0.22' as Ipv4
const ALL_ROUTERS = '224.0.0.2' as Ipv4
/** IEEE 802.1Q, table 8-1 and after: group addresses of the bridges' own protocols. */
const RESERVED_MULTICAST = {
  value: '01:80:c2:00:00:00' as Mac,
  mask: 'ff:ff:ff:00:00:00' as Mac,
} as const
/** nw_frag of the first of a packet's fragments. */
const FIRST = 1

const DROP: readonly Action[] = []
const toClaim = resubmit(tables.claim.id)
const toMac = resubmit(tables.mac.id)
const toDeliver = resubmit(tables.deliver.id)
const toSource = resubmit(tables.source.id)
const toKind = resubmit(tables.kind.id)
const toForward = resubmit(tables.forward.id)

/** All the flows of a guarded port on one ofport. Throws a SpecError when the port cannot be guarded as declared. */
export function guardFlows(ofport: number, spec: PortSpec): readonly Flow[] {
  const flows = new Flows(spec.portId)
  const inPort = ofport
  addClassify(flows, inPort, checksOf(spec))
  for (const mac of macsOf(spec)) addMac(flows, inPort, mac)
  for (const binding of bindingsOf(spec)) {
    if (prefixParts(binding.prefix).family === 4) addIpv4(flows, inPort, binding)
    else addIpv6(flows, inPort, binding)
  }
  return flows.list
}

/** What lets an interface without a guard speak on a bridge of our own: an uplink, or a port with its port security off. */
export function admitFlows(ofport: number, portId?: string): readonly Flow[] {
  const flows = new Flows(portId)
  const actions: readonly Action[] = [{ type: 'load', ...ADMITTED }, ...toDeliver]
  flows.add(0, tables.classify.id, 8, { inPort: ofport }, actions)
  return flows.list
}

/** What keeps an interface silent where the bridge's own flows would not: a port that is down, or claimed twice. */
export function silenceFlows(ofport: number, portId: string): readonly Flow[] {
  const flows = new Flows(portId)
  flows.add(0, tables.classify.id, 30, { inPort: ofport }, DROP)
  return flows.list
}

/** Whether flows see what is in the first of a packet's fragments. */
export type FragmentView = 'seen' | 'hidden'

/**
 * The flows that belong to no port. On a bridge of our own, table 0 drops whoever is not known; on a shared one it is left
 * alone, and only frames of guarded ports ever come to the other tables.
 */
export function bridgeFlows(mode: 'own' | 'shared', fragments: FragmentView): readonly Flow[] {
  const flows = new Flows(undefined)
  const { classify, claim, mac, deliver } = tables
  if (mode === 'own') {
    flows.add(0, classify.id, 0, {}, DROP)
    flows.add(0, deliver.id, 1, { reg0: { value: 1, mask: 1 } }, toForward)
  }
  // A prefix that has 0.0.0.0 in it is no claim to ask for every address.
  flows.add(4, claim.id, 3, { ethType: ETH.arp, arpSpa: ANY_IPV4 }, DROP)
  flows.add(0, claim.id, 0, {}, DROP)
  flows.add(1, mac.id, 0, {}, DROP)
  addBehindTag(flows)
  flows.add(0, deliver.id, 0, {}, toSource)
  addUnspecified(flows)
  addSourceRest(flows)
  addKind(flows)
  addFragments(flows, fragments)
  flows.add(0, tables.forward.id, 0, {}, [{ type: 'output', port: OFPP.normal }])
  return flows.list
}

/** A list that names what has rules of its own would be a way around them. */
function checksOf({ portId, checks = {} }: PortSpec): Checks {
  for (const name of ['vlan', 'ethertype'] as const) {
    const wrong = (checks[name] || []).find((entry) => !lists[name].permits(entry))
    if (wrong !== undefined) {
      throw new SpecError(`port ${portId}: checks.${name} cannot permit 0x${wrong.toString(16)}`)
    }
  }
  return checks
}

/** Table 0: whose frame it is, what that port is exempted from, and where the frame goes to be judged. */
function addClassify(flows: Flows, inPort: number, checks: Checks): void {
  const table = tables.classify.id
  const exempted = exemptionsOf(checks)
  if (checks.vlan !== false) flows.add(2, table, 20, { inPort, vlanTci: TAGGED }, DROP)
  for (const vid of checks.vlan || []) {
    const vlanTci = { value: 0x1000 | vid, mask: 0x1fff }
    flows.add(2, table, 21, { inPort, vlanTci }, [...exempted, ...takeTagOff])
  }
  if (checks.arp !== false) {
    flows.add(3, table, 10, { inPort, ethType: ETH.arp }, [...exempted, ...toClaim])
  }
  if (checks.nd !== false) {
    flows.add(12, table, 10, { inPort, ...icmpv6(ICMPV6.na) }, [...exempted, ...toClaim])
  }
  flows.add(1, table, 9, { inPort }, [...exempted, ...toMac])
  for (const ethType of checks.ethertype || []) {
    flows.add(16, tables.source.id, 10, { inPort, ethType }, toForward)
  }
}

function exemptionsOf(checks: Checks): readonly Action[] {
  let bits = 0
  for (const [check, bit] of Object.entries(EXEMPT)) {
    if (checks[check as keyof typeof EXEMPT] === false) bits |= bit
  }
  return bits === 0
    ? []
    : [{ type: 'load', field: 'reg0', offset: 0, bits: 32, value: BigInt(bits) }]
}

/** How many bits a tag's control information has. */
const TCI_BITS = 16
const takeTagOff: readonly Action[] = [
  { type: 'move', from: 'vlanTci', to: KEPT_TAG, bits: TCI_BITS },
  { type: 'popVlan' },
  ...resubmit(tables.tag.id),
]
const putTagOn: readonly Action[] = [
  { type: 'pushVlan', tpid: 0x8100 },
  { type: 'move', from: KEPT_TAG, to: 'vlanTci', bits: TCI_BITS },
]

/**
 * Table 26 sees a trunk's frame without its permitted tag. Depending on the switch's vlan-limit a second tag is a tag to it,
 * or an EtherType. The tag goes back on as it was, for the judgement does not hang on it and NORMAL needs it.
 */
function addBehindTag(flows: Flows): void {
  const table = tables.tag.id
  flows.add(2, table, 3, { vlanTci: TAGGED }, DROP)
  for (const ethType of ETH.tags) flows.add(2, table, 3, { ethType }, DROP)
  const arp = { ...checked('arp'), ethType: ETH.arp }
  flows.add(3, table, 2, arp, [...putTagOn, ...toClaim])
  flows.add(12, table, 2, { ...checked('nd'), ...icmpv6(ICMPV6.na) }, [...putTagOn, ...toClaim])
  flows.add(1, table, 1, {}, [...putTagOn, ...toMac])
}

/**
 * Whatever pairs a port has, from no address it may say only this. So reads the switch a packet, too, whose header makes no
 * sense to it: a pair for any address is no way around the rules that look into packets.
 */
function addUnspecified(flows: Flows): void {
  const table = tables.source.id
  const from4 = { ethType: ETH.ipv4, ipv4Src: ANY_IPV4 }
  const from6 = { ipv6Src: ANY_IPV6 }
  const dhcp = { ethDst: BROADCAST, ipv4Dst: '255.255.255.255' as Ipv4, ipFrag: 0 }
  const client = { ipProto: PROTO.udp, udpSrc: 68, udpDst: 67 }
  flows.add(7, table, 20, { ...from4, ...dhcp, ...client }, toKind)
  flows.add(7, table, 20, { ...from4, ipProto: PROTO.igmp, ipv4Dst: IGMPV3_ROUTERS }, toKind)
  const rs = { ...from6, ipTtl: ND_HOP_LIMIT, ...icmpv6(ICMPV6.rs) }
  flows.add(10, table, 20, rs, toKind)
  // RFC 2710 and 3810: multicast listener messages go no further than the link, and say so with hop limit 1.
  for (const report of [ICMPV6.mldReport, ICMPV6.mldv2Report]) {
    flows.add(10, table, 20, { ...from6, ipTtl: 1, ...icmpv6(report) }, toKind)
  }
  // As OVS reads a malformed one; a pair for any address, or a prefix with :: in it, would cover that.
  const unread = { ...from6, ...discovery(ICMPV6.ns), ipv6NdTarget: ANY_IPV6 }
  flows.add(10, table, 21, { ...checked('source'), ...unread }, DROP)
  flows.add(7, table, 15, { ...checked('source'), ...from4 }, DROP)
  flows.add(10, table, 15, { ...checked('source'), ethType: ETH.ipv6, ...from6 }, DROP)
}

/** What table 71 makes of a frame whose source no port's own flow lets pass. */
function addSourceRest(flows: Flows): void {
  const table = tables.source.id
  // Judged in table 24, or exempted from that.
  for (const arpOp of [1, 2]) flows.add(3, table, 10, { ethType: ETH.arp, arpOp }, toKind)
  flows.add(6, table, 5, { ...exempt('source'), ethType: ETH.ipv4 }, toKind)
  flows.add(9, table, 5, { ...exempt('source'), ethType: ETH.ipv6 }, toKind)
  // The last drop would do for these as well: they are what an operator looks for, so they are counted apart.
  flows.add(6, table, 2, { ethType: ETH.ipv4 }, DROP)
  flows.add(9, table, 2, { ethType: ETH.ipv6 }, DROP)
  flows.add(3, table, 2, { ethType: ETH.arp }, DROP)
  flows.add(5, table, 2, { ethType: ETH.rarp }, DROP)
  flows.add(16, table, 1, exempt('ethertype'), toForward)
  flows.add(16, table, 0, {}, DROP)
}

/** Table 72: guards that name no port. Whoever gets here speaks as itself. */
function addKind(flows: Flows): void {
  const table = tables.kind.id
  const server = { ...checked('dhcp-server'), ipProto: PROTO.udp }
  // By what it says to clients, too: they take an answer from any port (udhcpc and dhclient -6 do).
  for (const ports of [{ udpSrc: 67 }, { udpDst: 68 }]) {
    flows.add(8, table, 100, { ...server, ethType: ETH.ipv4, ...ports }, DROP)
  }
  for (const ports of [{ udpSrc: 547 }, { udpDst: 546 }]) {
    flows.add(14, table, 100, { ...server, ethType: ETH.ipv6, ...ports }, DROP)
  }
  // RFC 8415, 13.1: a client speaks from its link-local address.
  const client = { ...server, ethType: ETH.ipv6, udpDst: 547 }
  const linkLocal = { value: 'fe80::' as Ipv6, mask: maskOf(6, 10) as Ipv6 }
  flows.add(14, table, 91, { ...client, ipv6Src: linkLocal }, toForward)
  flows.add(14, table, 90, client, DROP)

  const icmp4 = { ethType: ETH.ipv4, ipProto: PROTO.icmpv4 }
  flows.add(13, table, 100, { ...checked('redirect'), ...icmp4, icmpv4Type: 5 }, DROP)
  flows.add(13, table, 100, { ...checked('ra'), ...icmp4, icmpv4Type: 9 }, DROP)
  flows.add(13, table, 100, { ...checked('ra'), ...icmpv6(ICMPV6.ra) }, DROP)
  flows.add(13, table, 100, { ...checked('redirect'), ...icmpv6(ICMPV6.redirect) }, DROP)
  // RFC 4286: bridges that snoop take an advertisement of a multicast router for what a query is to them.
  for (const type of [ICMPV6.mldQuery, ICMPV6.multicastRouter]) {
    flows.add(13, table, 100, { ...checked('query'), ...icmpv6(type) }, DROP)
  }
  // OVS does not show the IGMP type. Only IGMPv3 reports (RFC 3376, 4.2.14) and what leaves a group (RFC 2236, 3) have
  // destinations of their own; a v2 report to a group looks like a query to it: the safe side is to drop both.
  const igmp = { ethType: ETH.ipv4, ipProto: PROTO.igmp }
  for (const ipv4Dst of [IGMPV3_ROUTERS, ALL_ROUTERS]) {
    flows.add(13, table, 91, { ...igmp, ipv4Dst }, toForward)
  }
  flows.add(13, table, 90, { ...checked('query'), ...igmp }, DROP)

  // OVS reads the target of a malformed solicitation or advertisement as ::, which no station owns.
  const [ns, na] = [icmpv6(ICMPV6.ns), icmpv6(ICMPV6.na)]
  const [readNs, readNa] = [discovery(ICMPV6.ns), discovery(ICMPV6.na)]
  flows.add(11, table, 81, { ...checked('nd'), ...readNs, ipv6NdTarget: ANY_IPV6 }, DROP)
  flows.add(12, table, 81, { ...checked('nd'), ...readNa, ipv6NdTarget: ANY_IPV6 }, DROP)
  // An option that is absent reads as zero. One that says zero does too, and would only make the sender unreachable.
  flows.add(11, table, 80, { ...readNs, ipTtl: ND_HOP_LIMIT, ipv6NdSll: ZERO_MAC }, toForward)
  flows.add(12, table, 80, { ...readNa, ipTtl: ND_HOP_LIMIT, ipv6NdTll: ZERO_MAC }, toForward)
  flows.add(11, table, 79, { ...checked('nd'), ...ns }, DROP)
  flows.add(12, table, 79, { ...checked('nd'), ...na }, DROP)

  flows.add(16, table, 110, { ...checked('ethertype'), ethDst: RESERVED_MULTICAST }, DROP)
  flows.add(0, table, 0, {}, toForward)
}

/** Table 72: what hides from the other flows there. No port is exempted from these. */
function addFragments(flows: Flows, view: FragmentView): void {
  const table = tables.kind.id
  const [ipv4, ipv6] = [{ ethType: ETH.ipv4 }, { ethType: ETH.ipv6 }]
  // So OVS reads a packet whose header, or chain of headers, it cannot follow to its end.
  flows.add(15, table, 120, { ...ipv4, ipProto: 0 }, DROP)
  flows.add(15, table, 120, { ...ipv6, ipProto: 0 }, DROP)
  // RFC 6980: neighbour discovery is never fragmented.
  for (const type of [ICMPV6.rs, ICMPV6.ra, ICMPV6.ns, ICMPV6.na, ICMPV6.redirect]) {
    flows.add(15, table, 120, { ...icmpv6(type), ipFrag: FIRST }, DROP)
  }
  // A first fragment that ends before the header that would say what it is (RFC 7112), or whose header OVS does not show:
  // either way its type, or its ports, read as zero.
  flows.add(15, table, 120, { ...icmpv6(0), ipFrag: FIRST }, DROP)
  for (const ip of [ipv4, ipv6]) {
    const udp = { ...ip, ipProto: PROTO.udp, udpSrc: 0, udpDst: 0 }
    flows.add(15, table, 120, { ...udp, ipFrag: FIRST }, DROP)
  }
  // Type 0 is a type in ICMPv4: an echo reply. Where it says nothing, nothing can be told apart.
  if (view === 'hidden') {
    flows.add(15, table, 120, { ...ipv4, ipProto: PROTO.icmpv4, ipFrag: FIRST }, DROP)
  }
}

function addMac(flows: Flows, inPort: number, mac: Mac): void {
  const from = { inPort, ethSrc: mac }
  const { source, kind } = tables
  const own = { ...from, ipTtl: ND_HOP_LIMIT }
  const rarp = { ...from, ethType: ETH.rarp, arpOp: 3, arpSpa: ANY_IPV4, arpSha: mac }
  flows.add(1, tables.mac.id, 2, from, toDeliver)
  flows.add(5, source.id, 10, rarp, toKind)
  flows.add(11, kind.id, 80, { ...own, ...discovery(ICMPV6.ns), ipv6NdSll: mac }, toForward)
  flows.add(12, kind.id, 80, { ...own, ...discovery(ICMPV6.na), ipv6NdTll: mac }, toForward)
}

function addIpv4(flows: Flows, inPort: number, { mac, prefix }: Binding): void {
  const from = { inPort, ethSrc: mac }
  const arp = { ...from, ethType: ETH.arp, arpSha: mac }
  const { claim, source } = tables
  const probe = { ...arp, arpOp: 1, arpSpa: ANY_IPV4, ...inPrefix('arpTpa', prefix) }
  flows.add(3, claim.id, 2, { ...arp, ...inPrefix('arpSpa', prefix) }, toMac)
  flows.add(4, claim.id, 4, probe, toMac)
  const ip = { ...from, ethType: ETH.ipv4, ...inPrefix('ipv4Src', prefix) }
  flows.add(6, source.id, 10, ip, toKind)
}

function addIpv6(flows: Flows, inPort: number, { mac, prefix }: Binding): void {
  const from = { inPort, ethSrc: mac }
  const { claim, source } = tables
  const target = inPrefix('ipv6NdTarget', prefix)
  const own = { ...from, ipTtl: ND_HOP_LIMIT }
  flows.add(12, claim.id, 2, { ...own, ...discovery(ICMPV6.na), ...target }, toMac)
  const ip = { ...from, ethType: ETH.ipv6, ...inPrefix('ipv6Src', prefix) }
  flows.add(9, source.id, 10, ip, toKind)
  // RFC 4861, 4.3: from the unspecified address there is no source link-layer option.
  const dad = { ...own, ipv6Src: ANY_IPV6, ...discovery(ICMPV6.ns), ...target }
  flows.add(10, source.id, 20, { ...dad, ipv6NdSll: ZERO_MAC }, toKind)
}

/** reg0 of a frame whose port is not exempted from this check; of one whose port is. */
function checked(check: keyof typeof EXEMPT): Match {
  return { reg0: { value: 0, mask: EXEMPT[check] } }
}

function exempt(check: keyof typeof EXEMPT): Match {
  return { reg0: { value: EXEMPT[check], mask: EXEMPT[check] } }
}

/** Any VLAN tag: OVS sets the CFI bit of vlan_tci where the outermost header is a tag, 802.1Q or 802.1ad, also with VID 0. */
const TAGGED = { value: 0x1000, mask: 0x1000 } as const

function icmpv6(type: number): Match {
  return { ethType: ETH.ipv6, ipProto: PROTO.icmpv6, icmpv6Type: type }
}

/**
 * Of a solicitation or an advertisement, what is in it. Its code belongs to the match: without it Open vSwitch before 2.17.9,
 * 3.0.6, 3.1.4 and 3.2.2 leaves what was looked at in the message out of the verdict that its datapath caches ("odp: ND: Follow
 * Open Flow spec converting from OF to DP"), so that one honest message would open the way for every other. OVS reads no
 * message of another code.
 */
function discovery(type: typeof ICMPV6.ns | typeof ICMPV6.na): Match {
  return { ...icmpv6(type), icmpv6Code: 0 }
}

/** A field inside a prefix: matched whole, by its first bits, or for length 0 not at all. */
function inPrefix(
  name: 'arpSpa' | 'arpTpa' | 'ipv4Src' | 'ipv6Src' | 'ipv6NdTarget',
  prefix: Binding['prefix'],
): Match {
  const { ip, length, family } = prefixParts(prefix)
  if (length === bitsOf(family)) return { [name]: ip }
  if (length === 0) return {}
  return { [name]: { value: ip, mask: maskOf(family, length) } }
}

function resubmit(table: number): readonly Action[] {
  return [{ type: 'resubmit', table }]
}

/** Flows of one owner, each with the cookie that says so. */
class Flows {
  readonly list: Flow[] = []
  readonly #portId: string | undefined
  constructor(portId: string | undefined) {
    this.#portId = portId
  }
  add(rule: Rule, table: number, priority: number, match: Match, actions: readonly Action[]): void {
    this.list.push({ table, priority, cookie: cookieOf(rule, this.#portId), match, actions })
  }
}
