// ICMP for IPv4 (RFC 792, 1256) and IGMP (RFC 1112, 2236, 3376).

import type { Packet, Segment } from './frame-bytes.ts'
import { internetChecksum, ip4, join, u16, u32, u8 } from './frame-bytes.ts'

/** RFC 792: an echo (type 8) unless said otherwise. */
export function icmp(message: {
  readonly type?: number
  readonly code?: number
  readonly id?: number
  readonly seq?: number
  readonly data?: Uint8Array
}): Segment {
  const { type = 8, code = 0, id = 0, seq = 0, data = u8() } = message
  return summed(1, u8(type, code), join(u16(id), u16(seq), data))
}

/** RFC 792, type 5: packets like this one shall go to the gateway. Its header and 8 bytes are quoted. */
export function icmpRedirect(message: {
  readonly gateway: string
  readonly about: Packet
  /** Default 1: for the host. */
  readonly code?: number
}): Segment {
  const { gateway, about, code = 1 } = message
  return summed(1, u8(5, code), join(ip4(gateway), about.bytes.subarray(0, 28)))
}

/** RFC 1256, 3: one router, for half an hour. */
export function icmpRouterAdvertisement(message: { readonly router: string }): Segment {
  return summed(1, u8(9, 0), join(u8(1, 2), u16(1800), ip4(message.router), u32(0)))
}

/** RFC 2236, 2, and RFC 1112 with the second byte zero. */
export function igmp(message: {
  /** 0x11 query, 0x12 v1 report, 0x16 v2 report, 0x17 leave. */
  readonly type: number
  /** Tenths of a second; of a query alone. */
  readonly maxResponse?: number
  readonly group: string
  /** What a v3 query has behind the group. */
  readonly rest?: Uint8Array
}): Segment {
  const { type, maxResponse = 0, group, rest = u8() } = message
  return summed(2, u8(type, maxResponse), join(ip4(group), rest))
}

/** RFC 3376, 4.1: a query, general by default. */
export function igmpv3Query(message: { readonly group?: string } = {}): Segment {
  const { group = '0.0.0.0' } = message
  return igmp({ type: 0x11, maxResponse: 100, group, rest: u8(2, 125, 0, 0) })
}

/** RFC 3376, 4.2: "change to exclude nothing", that is a join, unless another kind of record is named. */
export function igmpv3Report(message: {
  readonly groups: readonly string[]
  readonly record?: number
}): Segment {
  const { groups, record = 4 } = message
  const records = groups.map((group) => join(u8(record, 0), u16(0), ip4(group)))
  return summed(2, u8(0x22, 0), join(u16(0), u16(groups.length), ...records))
}

/** A head of two bytes, the checksum over all, and the rest. */
function summed(protocol: number, head: Uint8Array, body: Uint8Array): Segment {
  const bytes = join(head, u16(internetChecksum(head, u16(0), body)), body)
  return { protocol, bytes: () => bytes }
}
