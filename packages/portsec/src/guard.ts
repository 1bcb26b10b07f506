// From a port to its flows. Every function here is pure and each flow is built by one short function, named for its purpose.

import type { Ipv4, Ipv6, Mac } from '@portward/addr'
import { bitsOf, maskOf, prefixParts } from '@portward/addr'
import type { Action, Flow, Match } from '@portward/openflow'
import { OFPP } from '@portward/openflow'
import type { Binding, PortSpec } from './binding.ts'
import { bindingsOf, macsOf } from './binding.ts'
import { ADMITTED, tables } from './pipeline.ts'
import type { Rule } from './rule.ts'
import { cookieOf } from './rule.ts'

export const ETH = { ipv4: 0x0800, arp: 0x0806, rarp: 0x8035, ipv6: 0x86dd } as const
export const PROTO = { icmpv4: 1, igmp: 2, tcp: 6, udp: 17, icmpv6: 58 } as const
/** ICMPv6 types (RFC 4443, 4861, 2710, 3810). */
export const ICMPV6 = {
  mldQuery: 130,
  mldReport: 131,
  rs: 133,
  ra: 134,
  ns: 135,
  na: 136,
  redirect: 137,
  mldv2Report: 143,
} as const
/** RFC 4861: a neighbour discovery message that crossed no router still has it. */
const ND_HOP_LIMIT = 255
const ZERO_MAC = '00:00:00:00:00:00' as Mac
const BROADCAST = 'ff:ff:ff:ff:ff:ff' as Mac
const ANY_IPV4 = '0.0.0.0' as Ipv4
const ANY_IPV6 = '::' as Ipv6

const NORMAL: readonly Action[] = [{ type: 'output', port: OFPP.normal }]
const DROP: readonly Action[] = []
const toClaim = resubmit(tables.claim.id)
const toMac = resubmit(tables.mac.id)
const toDeliver = resubmit(tables.deliver.id)
const toSource = resubmit(tables.source.id)

/** All the flows of a guarded port on one ofport. Throws a SpecError when the port cannot be guarded as declared. */
export function guardFlows(ofport: number, spec: PortSpec): readonly Flow[] {
  const flows = new Flows(spec.portId)
  const inPort = ofport
  const { classify, mac: macTable } = tables

  flows.add(2, classify.id, 20, { inPort, vlanTci: TAGGED }, DROP)
  flows.add(3, classify.id, 10, { inPort, ethType: ETH.arp }, toClaim)
  flows.add(12, classify.id, 10, { inPort, ...icmpv6(ICMPV6.na) }, toClaim)
  flows.add(1, classify.id, 9, { inPort }, toMac)

  for (const mac of macsOf(spec)) {
    flows.add(1, macTable.id, 2, { inPort, ethSrc: mac }, toDeliver)
    flows.add(5, tables.source.id, 10, rarpOf(inPort, mac), NORMAL)
  }
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

/**
 * The flows that belong to no port. On a bridge of our own, table 0 drops whoever is not known; on a shared one it is left
 * alone, and only frames of guarded ports ever come to the other tables.
 */
export function bridgeFlows(mode: 'own' | 'shared'): readonly Flow[] {
  const flows = new Flows(undefined)
  const { classify, claim, mac, deliver } = tables
  if (mode === 'own') {
    flows.add(0, classify.id, 0, {}, DROP)
    flows.add(0, deliver.id, 1, { reg0: { value: 1, mask: 1 } }, NORMAL)
  }
  // OVS reads the target of a malformed NA as ::, which no station owns but a pair of ::/0 would cover.
  flows.add(12, claim.id, 3, { ...icmpv6(ICMPV6.na), ipv6NdTarget: ANY_IPV6 }, DROP)
  flows.add(0, claim.id, 0, {}, DROP)
  flows.add(1, mac.id, 0, {}, DROP)
  flows.add(0, deliver.id, 0, {}, toSource)
  addShared(flows)
  return flows.list
}

/** Guards that name no port: whoever gets to table 71 is guarded, and its MAC was already judged. */
function addShared(flows: Flows): void {
  const table = tables.source.id
  const udp = (ethType: number, ports: Match): Match => ({ ethType, ipProto: PROTO.udp, ...ports })
  flows.add(8, table, 100, udp(ETH.ipv4, { udpSrc: 67 }), DROP)
  flows.add(14, table, 100, udp(ETH.ipv6, { udpSrc: 547 }), DROP)
  flows.add(13, table, 100, { ethType: ETH.ipv4, ipProto: PROTO.icmpv4, icmpv4Type: 5 }, DROP)
  flows.add(13, table, 100, icmpv6(ICMPV6.ra), DROP)
  flows.add(13, table, 100, icmpv6(ICMPV6.redirect), DROP)
  flows.add(13, table, 100, icmpv6(ICMPV6.mldQuery), DROP)

  flows.add(3, table, 10, { ethType: ETH.arp, arpOp: 1 }, NORMAL)
  flows.add(3, table, 10, { ethType: ETH.arp, arpOp: 2 }, NORMAL)
  // Whatever pairs a port has, from no address it may say only this. So reads the switch a packet, too, whose header makes no
  // sense to it: a pair for any address is no way around the rules that look into packets.
  flows.add(7, table, 15, { ethType: ETH.ipv4, ipv4Src: ANY_IPV4 }, DROP)
  flows.add(10, table, 15, { ethType: ETH.ipv6, ipv6Src: ANY_IPV6 }, DROP)
  const dhcp = { ethDst: BROADCAST, ipv4Src: ANY_IPV4, ipv4Dst: '255.255.255.255' as Ipv4 }
  flows.add(7, table, 20, { ...dhcp, ...udp(ETH.ipv4, { udpSrc: 68, udpDst: 67 }) }, NORMAL)
  // Only IGMPv3 reports have a destination of their own (RFC 3376, 4.2.14). OVS does not show the IGMP type, so a v2
  // report to a group looks like a query to it: the safe side is to drop both.
  const igmp = { ethType: ETH.ipv4, ipProto: PROTO.igmp, ipv4Src: ANY_IPV4 }
  flows.add(7, table, 20, { ...igmp, ipv4Dst: '224.0.0.22' as Ipv4 }, NORMAL)
  const unspecified = { ipv6Src: ANY_IPV6 }
  const rs = { ...unspecified, ipTtl: ND_HOP_LIMIT, ...icmpv6(ICMPV6.rs) }
  flows.add(10, table, 20, rs, NORMAL)
  // RFC 2710 and 3810: multicast listener messages go no further than the link, and say so with hop limit 1.
  flows.add(10, table, 20, { ...unspecified, ipTtl: 1, ...icmpv6(ICMPV6.mldReport) }, NORMAL)
  flows.add(10, table, 20, { ...unspecified, ipTtl: 1, ...icmpv6(ICMPV6.mldv2Report) }, NORMAL)
  // The last drop would do for these as well: they are what an operator looks for, so they are counted apart.
  flows.add(6, table, 1, { ethType: ETH.ipv4 }, DROP)
  flows.add(9, table, 1, { ethType: ETH.ipv6 }, DROP)
  // Rule 0, as it takes whatever any of the rules from 4 to 16 does not let pass.
  flows.add(0, table, 0, {}, DROP)
}

function addIpv4(flows: Flows, inPort: number, { mac, prefix }: Binding): void {
  const from = { inPort, ethSrc: mac }
  const arp = { ...from, ethType: ETH.arp, arpSha: mac }
  const claim = tables.claim.id
  flows.add(3, claim, 2, { ...arp, ...ipv4('arpSpa', prefix) }, toMac)
  flows.add(4, claim, 2, { ...arp, arpOp: 1, arpSpa: ANY_IPV4, ...ipv4('arpTpa', prefix) }, toMac)
  flows.add(
    6,
    tables.source.id,
    10,
    { ...from, ethType: ETH.ipv4, ...ipv4('ipv4Src', prefix) },
    NORMAL,
  )
}

function addIpv6(flows: Flows, inPort: number, { mac, prefix }: Binding): void {
  const from = { inPort, ethSrc: mac }
  const source = tables.source.id
  const target = ipv6('ipv6NdTarget', prefix)
  const na = { ...from, ipTtl: ND_HOP_LIMIT, ...icmpv6(ICMPV6.na), ...target }
  flows.add(12, tables.claim.id, 2, { ...na, ipv6NdTll: mac }, toMac)
  // An option that is absent reads as zero. One that says zero does too, and would only make the sender unreachable.
  flows.add(12, tables.claim.id, 2, { ...na, ipv6NdTll: ZERO_MAC }, toMac)
  flows.add(9, source, 10, { ...from, ethType: ETH.ipv6, ...ipv6('ipv6Src', prefix) }, NORMAL)
  // RFC 4861, 4.3: from the unspecified address there is no source link-layer option.
  const dad = { ...from, ipTtl: ND_HOP_LIMIT, ipv6Src: ANY_IPV6, ...icmpv6(ICMPV6.ns), ...target }
  flows.add(10, source, 20, { ...dad, ipv6NdSll: ZERO_MAC }, NORMAL)
}

function rarpOf(inPort: number, mac: Mac): Match {
  return { inPort, ethSrc: mac, ethType: ETH.rarp, arpSpa: ANY_IPV4, arpSha: mac }
}

/** Any VLAN tag: OVS sets the CFI bit of vlan_tci where the outermost header is a tag, 802.1Q or 802.1ad, also with VID 0. */
const TAGGED = { value: 0x1000, mask: 0x1000 } as const

function icmpv6(type: number): Match {
  return { ethType: ETH.ipv6, ipProto: PROTO.icmpv6, icmpv6Type: type }
}

function ipv4(name: 'arpSpa' | 'arpTpa' | 'ipv4Src', prefix: Binding['prefix']): Match {
  return inPrefix(name, prefix)
}

function ipv6(name: 'ipv6Src' | 'ipv6NdTarget', prefix: Binding['prefix']): Match {
  return inPrefix(name, prefix)
}

/** A field inside a prefix: matched whole, by its first bits, or for length 0 not at all. */
function inPrefix(name: string, prefix: Binding['prefix']): Match {
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
