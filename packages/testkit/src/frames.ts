// Frames for tests, byte by byte as the standards draw them. Layers nest as on the wire, and every field is the caller's,
// so that a frame can lie in any of them:
//
//   ethernet({ src, dst }, ipv4({ src, dst }, udp({ src: 68, dst: 67 }, dhcpDiscover({ mac, xid }))))
//
// Lengths and checksums are right, whatever the rest says: a switch that drops the frame shall have had no other reason.
// Addresses are text in any spelling that `addr` takes; what is no address throws its TypeError.

import {
  bytesOfIpv4,
  bytesOfIpv6,
  bytesOfMac,
  parseIpv4,
  parseIpv6,
  parseMac,
} from '@portward/addr'

export const BROADCAST = 'ff:ff:ff:ff:ff:ff'
const ZERO_MAC = '00:00:00:00:00:00'
const ANY_IPV4 = '0.0.0.0'

/** IEEE 802.1Q, 9.6: a tag's EtherType and its control information. */
export type Tag = {
  readonly vid: number
  readonly pcp?: number
  /** Default 0x8100; 0x88a8 is the service tag. */
  readonly tpid?: number
}

/** What an Ethernet frame carries. */
export type Packet = { readonly etherType: number; readonly bytes: Uint8Array }

/** What IP carries. Some protocols' checksum also covers the addresses: IP hands that in. */
export type Segment = {
  readonly protocol: number
  readonly bytes: (checksum: (segment: Uint8Array) => number) => Uint8Array
}

/** IEEE 802.3, clause 3. Neither padding nor a frame check sequence: virtual devices have none. */
export function ethernet(
  header: { readonly src: string; readonly dst: string; readonly tags?: readonly Tag[] },
  packet: Packet,
): Uint8Array {
  const tags = (header.tags ?? []).flatMap(({ vid, pcp = 0, tpid = 0x8100 }) => [
    u16(tpid),
    u16((pcp << 13) | vid),
  ])
  return join(mac(header.dst), mac(header.src), ...tags, u16(packet.etherType), packet.bytes)
}

/** RFC 826. */
export type Arp = {
  /** 1 request, 2 reply. */
  readonly op: number
  readonly sha: string
  readonly spa: string
  /** Default zero: not known. */
  readonly tha?: string
  readonly tpa: string
}

export function arp({ op, sha, spa, tha = ZERO_MAC, tpa }: Arp): Packet {
  return { etherType: 0x0806, bytes: arpBytes({ op, sha, spa, tha, tpa }) }
}

export function arpRequest(who: Pick<Arp, 'sha' | 'spa' | 'tpa'>): Packet {
  return arp({ op: 1, ...who })
}

export function arpReply(who: Omit<Required<Arp>, 'op'>): Packet {
  return arp({ op: 2, ...who })
}

/** RFC 5227, 1.1: a request that claims nothing yet. */
export function arpProbe(who: Pick<Arp, 'sha' | 'tpa'>): Packet {
  return arp({ op: 1, spa: ANY_IPV4, ...who })
}

/** RFC 5227, 1.1, the announcement: a request for the sender's own address. With op 2, the reply some stations use instead. */
export function gratuitousArp({
  op = 1,
  sha,
  spa,
}: Pick<Arp, 'sha' | 'spa'> & { op?: number }): Packet {
  return arp({ op, sha, spa, tpa: spa, ...(op === 2 && { tha: sha }) })
}

/** RFC 903, request reverse, as QEMU announces a guest that has arrived: both hardware addresses are its own. */
export function rarp({ mac }: { readonly mac: string }): Packet {
  const who = { sha: mac, spa: ANY_IPV4, tha: mac, tpa: ANY_IPV4 }
  return { etherType: 0x8035, bytes: arpBytes({ op: 3, ...who }) }
}

function arpBytes({ op, sha, spa, tha, tpa }: Required<Arp>): Uint8Array {
  const kinds = join(u16(1), u16(0x0800), Uint8Array.of(6, 4))
  return join(kinds, u16(op), mac(sha), ip4(spa), mac(tha), ip4(tpa))
}

/** RFC 791, 3.1, without options. */
export function ipv4(
  header: {
    readonly src: string
    readonly dst: string
    /** Default 64. */
    readonly ttl?: number
    /** Default 0. */
    readonly id?: number
  },
  { protocol, bytes }: Segment,
): Packet {
  const { ttl = 64, id = 0 } = header
  const addresses = join(ip4(header.src), ip4(header.dst))
  const segment = bytes((all) => internetChecksum(addresses, u16(protocol), u16(all.length), all))
  const fixed = join(Uint8Array.of(0x45, 0), u16(20 + segment.length), u16(id), u16(0))
  const first = join(fixed, Uint8Array.of(ttl, protocol))
  const headerSum = u16(internetChecksum(first, addresses))
  return { etherType: 0x0800, bytes: join(first, headerSum, addresses, segment) }
}

/** RFC 8200, 3, without extension headers. */
export function ipv6(
  header: {
    readonly src: string
    readonly dst: string
    /** Default 64; neighbour discovery wants 255 (RFC 4861, 7.1). */
    readonly hopLimit?: number
  },
  { protocol, bytes }: Segment,
): Packet {
  const { hopLimit = 64 } = header
  const addresses = join(ip6(header.src), ip6(header.dst))
  // RFC 8200, 8.1: the pseudo-header.
  const segment = bytes((all) => internetChecksum(addresses, u32(all.length), u32(protocol), all))
  const first = join(u32(0x60000000), u16(segment.length), Uint8Array.of(protocol, hopLimit))
  return { etherType: 0x86dd, bytes: join(first, addresses, segment) }
}

/** RFC 768. */
export function udp(
  ports: { readonly src: number; readonly dst: number },
  data: Uint8Array | string,
): Segment {
  const payload = typeof data === 'string' ? new TextEncoder().encode(data) : data
  return {
    protocol: 17,
    bytes(checksum) {
      const head = join(u16(ports.src), u16(ports.dst), u16(8 + payload.length))
      // Zero means that there is none, so a sum that is zero is sent as its other spelling.
      const sum = checksum(join(head, u16(0), payload)) || 0xffff
      return join(head, u16(sum), payload)
    },
  }
}

/** RFC 792: an echo (type 8) unless said otherwise. */
export function icmp(message: {
  readonly type?: number
  readonly code?: number
  readonly id?: number
  readonly seq?: number
  readonly data?: Uint8Array
}): Segment {
  const { type = 8, code = 0, id = 0, seq = 0, data = new Uint8Array() } = message
  return {
    protocol: 1,
    bytes() {
      const body = join(u16(id), u16(seq), data)
      const head = Uint8Array.of(type, code)
      return join(head, u16(internetChecksum(head, u16(0), body)), body)
    },
  }
}

/** RFC 4443, 2.1. */
export function icmpv6(type: number, body: Uint8Array, code = 0): Segment {
  return {
    protocol: 58,
    bytes(checksum) {
      const head = Uint8Array.of(type, code)
      return join(head, u16(checksum(join(head, u16(0), body))), body)
    },
  }
}

/** RFC 4443, 4.1 and 4.2. */
export function icmpv6Echo(message: {
  /** Default 128, the request; 129 is the reply. */
  readonly type?: 128 | 129
  readonly id?: number
  readonly seq?: number
  readonly data?: Uint8Array
}): Segment {
  const { type = 128, id = 0, seq = 0, data = new Uint8Array() } = message
  return icmpv6(type, join(u16(id), u16(seq), data))
}

/** RFC 4861, 4.3. */
export function neighbourSolicitation(message: {
  readonly target: string
  readonly options?: readonly Uint8Array[]
}): Segment {
  return icmpv6(135, join(u32(0), ip6(message.target), ...(message.options ?? [])))
}

/** RFC 4861, 4.4. Without flags, it is unsolicited and overrides nothing. */
export function neighbourAdvertisement(message: {
  readonly target: string
  readonly router?: boolean
  readonly solicited?: boolean
  readonly override?: boolean
  readonly options?: readonly Uint8Array[]
}): Segment {
  const { target, router = false, solicited = false, override = false, options = [] } = message
  const flags = (router ? 0x80 : 0) | (solicited ? 0x40 : 0) | (override ? 0x20 : 0)
  return icmpv6(136, join(Uint8Array.of(flags, 0, 0, 0), ip6(target), ...options))
}

/** RFC 4861, 4.2. */
export function routerAdvertisement(message: {
  /** Seconds. Default 1800. */
  readonly lifetime?: number
  readonly options?: readonly Uint8Array[]
}): Segment {
  const { lifetime = 1800, options = [] } = message
  const curHopLimit = 64
  const head = join(Uint8Array.of(curHopLimit, 0), u16(lifetime), u32(0), u32(0))
  return icmpv6(134, join(head, ...options))
}

/** Options of neighbour discovery: RFC 4861, 4.6. */
export const ndOption = {
  sourceLinkLayer: (address: string): Uint8Array => join(Uint8Array.of(1, 1), mac(address)),
  targetLinkLayer: (address: string): Uint8Array => join(Uint8Array.of(2, 1), mac(address)),
  /** On link and for autoconfiguration, for an hour. */
  prefix: (prefix: string, length: number): Uint8Array => {
    const onLinkAutonomous = 0xc0
    const head = Uint8Array.of(3, 4, length, onLinkAutonomous)
    return join(head, u32(3600), u32(3600), u32(0), ip6(prefix))
  },
} as const

/** RFC 2131, 3.1 and table 1: what a client says first, for UDP 68 to 67 as broadcast. */
export function dhcpDiscover(client: { readonly mac: string; readonly xid: number }): Uint8Array {
  const head = join(Uint8Array.of(1, 1, 6, 0), u32(client.xid), u32(0))
  const noAddresses = new Uint8Array(4 * 4)
  const chaddr = join(mac(client.mac), new Uint8Array(10))
  const noNames = new Uint8Array(64 + 128)
  const cookie = u32(0x63825363)
  const discover = Uint8Array.of(53, 1, 1)
  const end = Uint8Array.of(255)
  return join(head, noAddresses, chaddr, noNames, cookie, discover, end)
}

/** RFC 1071: the ones' complement sum of 16-bit words over all parts; each but the last has an even size. */
function internetChecksum(...parts: readonly Uint8Array[]): number {
  let sum = 0
  for (const part of parts) {
    for (let i = 0; i < part.length; i += 2) {
      sum += ((part[i] ?? 0) << 8) | (part[i + 1] ?? 0)
    }
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

function u16(n: number): Uint8Array {
  return Uint8Array.of(n >> 8, n)
}

function u32(n: number): Uint8Array {
  return Uint8Array.of(n >>> 24, n >>> 16, n >>> 8, n)
}

function mac(text: string): Uint8Array {
  return bytesOfMac(parseMac(text))
}

function ip4(text: string): Uint8Array {
  return bytesOfIpv4(parseIpv4(text))
}

function ip6(text: string): Uint8Array {
  return bytesOfIpv6(parseIpv6(text))
}
