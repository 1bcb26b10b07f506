// ICMPv6 (RFC 4443): echo, neighbour discovery (RFC 4861), multicast listener discovery (RFC 2710, 3810).

import type { Packet, Segment } from './frame-bytes.ts'
import { ip6, join, mac, u16, u32, u8 } from './frame-bytes.ts'

/** RFC 4443, 2.1. */
export function icmpv6(type: number, body: Uint8Array, code = 0): Segment {
  return {
    protocol: 58,
    bytes(checksum) {
      const head = u8(type, code)
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
  const { type = 128, id = 0, seq = 0, data = u8() } = message
  return icmpv6(type, join(u16(id), u16(seq), data))
}

type WithOptions = { readonly options?: readonly Uint8Array[] }

/** RFC 4861, 4.3. */
export function neighbourSolicitation(message: WithOptions & { readonly target: string }): Segment {
  return icmpv6(135, join(u32(0), ip6(message.target), ...(message.options ?? [])))
}

/** RFC 4861, 4.4. Without flags, it is unsolicited and overrides nothing. */
export function neighbourAdvertisement(
  message: WithOptions & {
    readonly target: string
    readonly router?: boolean
    readonly solicited?: boolean
    readonly override?: boolean
  },
): Segment {
  const { target, router = false, solicited = false, override = false, options = [] } = message
  const flags = (router ? 0x80 : 0) | (solicited ? 0x40 : 0) | (override ? 0x20 : 0)
  return icmpv6(136, join(u8(flags, 0, 0, 0), ip6(target), ...options))
}

/** RFC 4861, 4.1. */
export function routerSolicitation(message: WithOptions = {}): Segment {
  return icmpv6(133, join(u32(0), ...(message.options ?? [])))
}

/** RFC 4861, 4.2. */
export function routerAdvertisement(
  message: WithOptions & {
    /** Seconds. Default 1800. */
    readonly lifetime?: number
  },
): Segment {
  const { lifetime = 1800, options = [] } = message
  const curHopLimit = 64
  return icmpv6(134, join(u8(curHopLimit, 0), u16(lifetime), u32(0), u32(0), ...options))
}

/** RFC 4861, 4.5: packets to `destination` shall go to `target`; the one that caused it may be quoted. */
export function icmpv6Redirect(
  message: WithOptions & { readonly target: string; readonly destination: string },
): Segment {
  const { target, destination, options = [] } = message
  return icmpv6(137, join(u32(0), ip6(target), ip6(destination), ...options))
}

/** Options of neighbour discovery: RFC 4861, 4.6; RFC 3971, 5.3.2; RFC 8106, 5.1. */
export const ndOption = {
  sourceLinkLayer: (address: string): Uint8Array => join(u8(1, 1), mac(address)),
  targetLinkLayer: (address: string): Uint8Array => join(u8(2, 1), mac(address)),
  /** On link and for autoconfiguration, for an hour. */
  prefix: (prefix: string, length: number): Uint8Array => {
    const onLinkAutonomous = 0xc0
    const head = u8(3, 4, length, onLinkAutonomous)
    return join(head, u32(3600), u32(3600), u32(0), ip6(prefix))
  },
  /** By which a station knows its own probe when it comes back (RFC 7527). */
  nonce: (...six: readonly number[]): Uint8Array => join(u8(14, 1), Uint8Array.from(six)),
  /** The packet that a redirect is about, its first bytes, a multiple of 8. */
  redirected: (about: Packet): Uint8Array => {
    const quoted = about.bytes.subarray(0, about.bytes.length & ~7)
    return join(u8(4, 1 + quoted.length / 8), new Uint8Array(6), quoted)
  },
  /** Recursive DNS server, for an hour. */
  dnsServer: (address: string): Uint8Array => join(u8(25, 3, 0, 0), u32(3600), ip6(address)),
} as const

/** RFC 2710, 3: 130 query, 131 report, 132 done. */
export function mld(message: {
  readonly type: 130 | 131 | 132
  readonly group: string
  /** Milliseconds; of a query alone. */
  readonly maxResponse?: number
}): Segment {
  const { type, group, maxResponse = 0 } = message
  return icmpv6(type, join(u16(maxResponse), u16(0), ip6(group)))
}

/** RFC 3810, 5.1: a query, general by default. */
export function mldv2Query(message: { readonly group?: string } = {}): Segment {
  const { group = '::' } = message
  return icmpv6(130, join(u16(10_000), u16(0), ip6(group), u8(2, 125, 0, 0)))
}

/** RFC 3810, 5.2: joins, unless another kind of record is named. */
export function mldv2Report(message: {
  readonly groups: readonly string[]
  readonly record?: number
}): Segment {
  const { groups, record = 4 } = message
  const records = groups.map((group) => join(u8(record, 0), u16(0), ip6(group)))
  return icmpv6(143, join(u16(0), u16(groups.length), ...records))
}
