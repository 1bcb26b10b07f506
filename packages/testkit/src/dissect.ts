// A frame taken apart as the standards draw it: IEEE 802.3 and 802.1Q, RFC 826, 791, 8200, 768, 792, 4443, 4861. This is
// what the rules of port security speak of, and it is written apart from portsec's own reading of frames, so that an error
// of the one is not one of the other.
//
// Who enforces the rules is Open vSwitch, and a few things it cannot see, or takes for another. Such a place says `Blind:`.

import type { Ipv4, Ipv6, Mac } from '@portward/addr'
import { ipOfBytes, macOfBytes } from '@portward/addr'

/** How the switch and the bridge are set. */
export type Eyes = {
  /** `other_config:vlan-limit`: tags that are looked through. 0 is as many as can be, which are 2. */
  readonly vlanLimit: 0 | 1 | 2
  /** Whether the first of a packet's fragments shows what it carries (`ovs-ofctl get-frags`: `nx-match`, or `normal`). */
  readonly fragments: 'seen' | 'hidden'
}

export type Frame = {
  readonly src: Mac
  readonly dst: Mac
  /** VLAN ids of the tags, outermost first. */
  readonly tags: readonly number[]
  /** What the tags are in front of; undefined for LLC that names no EtherType. */
  readonly etherType: number | undefined
  readonly arp: Arp | undefined
  readonly ip: Ip4 | Ip6 | undefined
}

/** ARP or RARP; `undefined` fields where it isn't about Ethernet and IPv4, or is cut off. */
export type Arp = { readonly op: number; readonly sha: Mac; readonly spa: Ipv4; readonly tpa: Ipv4 }

/** `later`: a fragment without the beginning of the packet. */
type Part = 'whole' | 'first' | 'later'

type Carried = {
  readonly part: Part
  /** Blind: a part of which the switch is set to see no more than the protocol. */
  readonly hidden: boolean
  /** Undefined where it cannot be found: behind a header that is cut off, or contradicts itself. */
  readonly protocol: number | undefined
  readonly udp: { readonly src: number; readonly dst: number } | undefined
  /** Of either family. */
  readonly icmp: { readonly type: number } | undefined
}
/** The addresses are undefined where the header makes no sense. */
export type Ip4 = Carried & {
  readonly version: 4
  readonly src: Ipv4 | undefined
  readonly dst: Ipv4 | undefined
}
export type Ip6 = Carried & {
  readonly version: 6
  readonly src: Ipv6 | undefined
  readonly hopLimit: number
  readonly nd: Nd | undefined
}

/** A solicitation or advertisement of a neighbour. Undefined: no such option. */
export type Nd = {
  readonly target: Ipv6
  readonly sourceLinkLayer: Mac | undefined
  readonly targetLinkLayer: Mac | undefined
}

export const ETHER = { ipv4: 0x0800, arp: 0x0806, rarp: 0x8035, ipv6: 0x86dd } as const
/** 802.1Q and 802.1ad. Blind: other numbers that some vendors used for stacked tags are EtherTypes like any other. */
export const TPIDS: readonly number[] = [0x8100, 0x88a8]
export const PROTOCOL = { icmp: 1, igmp: 2, udp: 17, fragment: 44, icmpv6: 58 } as const

const SMALLEST_ETHERTYPE = 0x600
const MOST_TAGS = 2
/** What the length of an extension header of IPv6 counts in; the fragment header (44) has none. */
const EXTENSIONS: Readonly<Record<number, number>> = { 0: 8, 43: 8, 60: 8, 51: 4, 44: 0 }

/** From 14 bytes on, an Ethernet header. */
export function dissect(bytes: Uint8Array, eyes: Eyes): Frame {
  const most = eyes.vlanLimit === 0 ? MOST_TAGS : eyes.vlanLimit
  const tags: number[] = []
  let at = 12
  // A TPID without a whole tag and an EtherType behind it is no tag, but an EtherType nobody knows.
  // Blind: so is the TPID of a tag that is deeper than the switch looks.
  while (tags.length < most && TPIDS.includes(u16(bytes, at)) && bytes.length >= at + 6) {
    tags.push(u16(bytes, at + 2) & 0xfff)
    at += 4
  }
  const { etherType, payload } = carriedBy(bytes, at)
  const isArp = etherType === ETHER.arp || etherType === ETHER.rarp
  return {
    dst: macOfBytes(bytes.subarray(0, 6)),
    src: macOfBytes(bytes.subarray(6, 12)),
    tags,
    etherType,
    arp: isArp ? arpOf(payload) : undefined,
    ip:
      etherType === ETHER.ipv4
        ? ipv4Of(payload, eyes)
        : etherType === ETHER.ipv6
          ? ipv6Of(payload, eyes)
          : undefined,
  }
}

/**
 * IEEE 802.3, 3.2.6: an EtherType, or a length with LLC behind it, which can name an EtherType by SNAP with OUI 0 (RFC
 * 1042).
 */
function carriedBy(
  bytes: Uint8Array,
  at: number,
): { etherType: number | undefined; payload: Uint8Array } {
  const type = u16(bytes, at)
  if (type >= SMALLEST_ETHERTYPE) return { etherType: type, payload: bytes.subarray(at + 2) }
  // Blind: whether the length is the frame's; what is behind it counts.
  const llc = bytes.subarray(at + 2)
  const snap = [0xaa, 0xaa, 3, 0, 0, 0].every((byte, i) => llc[i] === byte)
  const inner = u16(llc, 6)
  return snap && llc.length >= 8 && inner >= SMALLEST_ETHERTYPE
    ? { etherType: inner, payload: llc.subarray(8) }
    : { etherType: undefined, payload: llc }
}

/** RFC 826, for hardware Ethernet and protocol IPv4. */
function arpOf(b: Uint8Array): Arp | undefined {
  const kinds = [0, 1, 8, 0, 6, 4]
  if (b.length < 28 || kinds.some((byte, i) => b[i] !== byte)) return undefined
  return {
    op: u16(b, 6),
    sha: macOfBytes(b.subarray(8, 14)),
    spa: ipOfBytes(b.subarray(14, 18)) as Ipv4,
    tpa: ipOfBytes(b.subarray(24, 28)) as Ipv4,
  }
}

/** RFC 791, 3.1. Blind: the version; who receives the EtherType of IPv4 refuses any but 4. */
function ipv4Of(b: Uint8Array, eyes: Eyes): Ip4 {
  const header = ((b[0] ?? 0) & 0xf) * 4
  const total = u16(b, 2)
  const sound = b.length >= 20 && header >= 20 && header <= total && total <= b.length
  if (!sound) return { version: 4, src: undefined, dst: undefined, ...nothing }
  const MORE = 0x2000
  const fragment = u16(b, 6) & (MORE | 0x1fff)
  const part = fragment === 0 ? 'whole' : (fragment & 0x1fff) === 0 ? 'first' : 'later'
  return {
    version: 4,
    src: ipOfBytes(b.subarray(12, 16)) as Ipv4,
    dst: ipOfBytes(b.subarray(16, 20)) as Ipv4,
    ...carried(part, b[9] ?? 0, PROTOCOL.icmp, b.subarray(header, total), eyes),
  }
}

/**
 * RFC 8200, 3. Blind: the version, as with IPv4. Jumbograms (RFC 2675) say length 0, and then nothing is behind the header.
 */
function ipv6Of(b: Uint8Array, eyes: Eyes): Ip6 {
  const size = 40 + u16(b, 4)
  if (b.length < size || b.length < 40) {
    return { version: 6, src: undefined, hopLimit: 0, nd: undefined, ...nothing }
  }
  const packet = b.subarray(0, size)
  const src = ipOfBytes(b.subarray(8, 24)) as Ipv6
  const hopLimit = b[7] ?? 0
  const { part, protocol, at } = lastHeader(packet)
  if (protocol === undefined) return { version: 6, src, hopLimit, nd: undefined, ...nothing, part }
  const all = carried(part, protocol, PROTOCOL.icmpv6, packet.subarray(at), eyes)
  const message = all.icmp === undefined ? undefined : packet.subarray(at)
  return { version: 6, src, hopLimit, ...all, nd: message && ndOf(message) }
}

/** RFC 8200, 4: hop-by-hop options, routing and destination options count in 8 bytes, authentication (RFC 4302) in 4. */
function lastHeader(b: Uint8Array): { part: Part; protocol: number | undefined; at: number } {
  let part: Part = 'whole'
  let protocol = b[6] ?? 0
  let at = 40
  for (;;) {
    const step = EXTENSIONS[protocol]
    // The rest, if only one that is not known here, is what the packet carries.
    if (step === undefined) return { part, protocol, at }
    if (b.length < at + 8) return { part, protocol: undefined, at }
    const next = b[at] ?? 0
    if (step === 0) {
      // Atomic (RFC 6946): a fragment that is the whole. Blind: with a reserved bit set it is taken for a part.
      const offset = u16(b, at + 2)
      if ((offset & 0xfff8) !== 0) return { part: 'later', protocol, at: at + 8 }
      if (offset !== 0) part = 'first'
      at += 8
    } else {
      at += ((b[at + 1] ?? 0) + (step === 4 ? 2 : 1)) * step
      if (b.length < at) return { part, protocol: undefined, at }
    }
    protocol = next
  }
}

const nothing = {
  part: 'whole',
  hidden: false,
  protocol: undefined,
  udp: undefined,
  icmp: undefined,
} as const

/** What IP carries, if the beginning is there. `icmp` is the protocol that is ICMP to this family. */
function carried(
  part: Part,
  protocol: number,
  icmp: number,
  payload: Uint8Array,
  { fragments }: Eyes,
): Carried {
  const hidden = part !== 'whole' && fragments === 'hidden'
  // Every message of these has 8 bytes at least; shorter ones are none.
  const shown = payload.length >= 8 && part !== 'later' && !hidden
  return {
    part,
    hidden,
    protocol,
    udp:
      shown && protocol === PROTOCOL.udp
        ? { src: u16(payload, 0), dst: u16(payload, 2) }
        : undefined,
    icmp: shown && protocol === icmp ? { type: payload[0] ?? 0 } : undefined,
  }
}

/** RFC 4861, 4.3 and 4.4, as its 7.1 wants them: code 0, and at least a target. */
function ndOf(b: Uint8Array): Nd | undefined {
  const [NS, NA] = [135, 136]
  if ((b[0] !== NS && b[0] !== NA) || b[1] !== 0 || b.length < 24) return undefined
  const found = new Map<number, Mac>()
  // RFC 4861, 4.6. One that is longer than the message, or has no length, has nobody read the message: it is seen as though
  // it ended there. Link-layer addresses of Ethernet are 8 bytes with their head (RFC 2464, 6); others are no Ethernet's.
  for (let at = 24; b.length >= at + 8; at += (b[at + 1] ?? 0) * 8) {
    const [type = 0, words = 0] = b.subarray(at, at + 2)
    if (words === 0 || at + words * 8 > b.length) break
    if (words !== 1 || (type !== 1 && type !== 2)) continue
    // Two of a kind: which of them counts would be the receiver's choice.
    if (found.has(type)) return undefined
    const mac = macOfBytes(b.subarray(at + 2, at + 8))
    // Blind: zero, which is no station's address, looks like no option.
    if (mac !== '00:00:00:00:00:00') found.set(type, mac)
  }
  return {
    target: ipOfBytes(b.subarray(8, 24)) as Ipv6,
    sourceLinkLayer: found.get(1),
    targetLinkLayer: found.get(2),
  }
}

function u16(b: Uint8Array, at: number): number {
  return ((b[at] ?? 0) << 8) | (b[at + 1] ?? 0)
}
