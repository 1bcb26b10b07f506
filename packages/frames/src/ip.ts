// IPv4 with options, IPv6 with extension headers, and both cut into fragments.

import type { Packet, Segment } from './frame-bytes.ts'
import { internetChecksum, ip4, ip6, join, u16, u32, u8 } from './frame-bytes.ts'

const NEXT_FRAGMENT = 44
const IPV6_SIZE = 40

/** RFC 791, 3.1. */
export function ipv4(
  header: {
    readonly src: string
    readonly dst: string
    /** Default 64. */
    readonly ttl?: number
    /** Default 0. */
    readonly id?: number
    /** Type of service. Default 0. */
    readonly tos?: number
    readonly dontFragment?: boolean
    /** A fragment: its payload stands at this byte of the whole, a multiple of 8. */
    readonly part?: { readonly at?: number; readonly more?: boolean }
    /** `ipv4Option`, or any bytes; filled up with end-of-options to whole words. */
    readonly options?: Uint8Array
  },
  { protocol, bytes }: Segment,
): Packet {
  const { ttl = 64, id = 0, tos = 0, dontFragment = false, part = {}, options = u8() } = header
  const filled = join(options, new Uint8Array(-options.length & 3))
  const size = 20 + filled.length
  const addresses = join(ip4(header.src), ip4(header.dst))
  const carried = bytes((all) => internetChecksum(addresses, u16(protocol), u16(all.length), all))
  const fixed = join(u8(0x40 | (size / 4), tos), u16(size + carried.length), u16(id))
  const place = (dontFragment ? 0x4000 : 0) | fragmentBits(part)
  const first = join(fixed, u16(place), u8(ttl, protocol))
  const headerSum = u16(internetChecksum(first, addresses, filled))
  return { etherType: 0x0800, bytes: join(first, headerSum, addresses, filled, carried) }
}

/** RFC 791, 3.1; RFC 2113. */
export const ipv4Option = {
  routerAlert: u8(0x94, 4, 0, 0),
  recordRoute: u8(7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0),
  timestamp: u8(68, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0),
  looseSourceRoute: (...hops: readonly string[]): Uint8Array =>
    join(u8(131, 3 + 4 * hops.length, 4), ...hops.map(ip4)),
} as const

/** RFC 791, 3.2: cuts the packet's payload at these offsets, multiples of 8; options stay with every part. */
export function ipv4Fragments(whole: Packet, ...cuts: readonly number[]): readonly Packet[] {
  const size = ((whole.bytes[0] ?? 0) & 0xf) * 4
  return slices(whole.bytes.subarray(size), cuts).map(({ at, part, more }) => {
    const head = Uint8Array.from(whole.bytes.subarray(0, size))
    head.set(u16(size + part.length), 2)
    head.set(u16(fragmentBits({ at, more })), 6)
    head.set(u16(0), 10)
    head.set(u16(internetChecksum(head)), 10)
    return { etherType: whole.etherType, bytes: join(head, part) }
  })
}

function fragmentBits({ at = 0, more = false }): number {
  return (more ? 0x2000 : 0) | (at / 8)
}

/** What stands between the IPv6 header and what it carries: RFC 8200, 4. */
export type Extension = {
  readonly protocol: number
  readonly bytes: (next: number) => Uint8Array
}

/** RFC 8200, 3. */
export function ipv6(
  header: {
    readonly src: string
    readonly dst: string
    /** Default 64; neighbour discovery wants 255 (RFC 4861, 7.1). */
    readonly hopLimit?: number
    readonly trafficClass?: number
    readonly flowLabel?: number
    /** In the order of the wire. */
    readonly extensions?: readonly Extension[]
  },
  { protocol, bytes }: Segment,
): Packet {
  const { hopLimit = 64, trafficClass = 0, flowLabel = 0, extensions = [] } = header
  const addresses = join(ip6(header.src), ip6(header.dst))
  // RFC 8200, 8.1: the pseudo-header.
  const carried = bytes((all) => internetChecksum(addresses, u32(all.length), u32(protocol), all))
  const chain = extensions.map((extension, i) =>
    extension.bytes(extensions[i + 1]?.protocol ?? protocol),
  )
  const payload = join(...chain, carried)
  const word = u32(((6 << 28) | (trafficClass << 20) | flowLabel) >>> 0)
  const next = extensions[0]?.protocol ?? protocol
  const first = join(word, u16(payload.length), u8(next, hopLimit))
  return { etherType: 0x86dd, bytes: join(first, addresses, payload) }
}

/** RFC 8200, 4.3 to 4.6; RFC 2711; RFC 4302. */
export const extension = {
  hopByHop: (options: Uint8Array = u8()): Extension => optionsHeader(0, options),
  /** As multicast listener discovery has it: RFC 2710, 3. */
  routerAlert: (): Extension => optionsHeader(0, u8(5, 2, 0, 0)),
  destination: (options: Uint8Array = u8()): Extension => optionsHeader(60, options),
  /** Type 2, with all its segments behind it unless said otherwise. The checksum does not know of segments that are left. */
  routing: (
    address: string,
    { type = 2, segmentsLeft = 0 }: { readonly type?: number; readonly segmentsLeft?: number } = {},
  ): Extension => ({
    protocol: 43,
    bytes: (next) => join(u8(next, 2, type, segmentsLeft), u32(0), ip6(address)),
  }),
  /** With an integrity check value of 12 bytes. */
  authentication: (): Extension => ({
    protocol: 51,
    bytes: (next) => join(u8(next, 4, 0, 0), u32(0x1001), u32(1), new Uint8Array(12).fill(0xa5)),
  }),
  /** Atomic (RFC 6946) by default: a fragment that is all of it. `at` counts bytes. */
  fragment: (part: { readonly id?: number; readonly at?: number; readonly more?: boolean } = {}) =>
    fragmentHeader(part),
} as const

function fragmentHeader({ id = 1, at = 0, more = false }): Extension {
  return {
    protocol: NEXT_FRAGMENT,
    bytes: (next) => join(u8(next, 0), u16(at | (more ? 1 : 0)), u32(id)),
  }
}

/** Options, filled up to a multiple of 8 bytes with PadN. */
function optionsHeader(protocol: number, options: Uint8Array): Extension {
  return {
    protocol,
    bytes(next) {
      const left = -(2 + options.length) & 7
      const pad =
        left === 0 ? u8() : left === 1 ? u8(0) : join(u8(1, left - 2), new Uint8Array(left - 2))
      const all = join(options, pad)
      return join(u8(next, (2 + all.length) / 8 - 1), all)
    },
  }
}

/**
 * RFC 8200, 4.5: cuts what comes behind the header, and behind as many extension headers as every part shall have, at these
 * offsets, multiples of 8.
 */
export function ipv6Fragments(
  whole: Packet,
  how: { readonly id?: number; readonly headers?: number },
  ...cuts: readonly number[]
): readonly Packet[] {
  const { bytes } = whole
  let nextAt = 6
  let size = IPV6_SIZE
  for (let i = 0; i < (how.headers ?? 0); i++) {
    nextAt = size
    size += ((bytes[size + 1] ?? 0) + 1) * 8
  }
  const next = bytes[nextAt] ?? 0
  return slices(bytes.subarray(size), cuts).map(({ at, part, more }) => {
    const head = Uint8Array.from(bytes.subarray(0, size))
    head[nextAt] = NEXT_FRAGMENT
    const fragment = fragmentHeader({ id: how.id ?? 1, at, more }).bytes(next)
    const all = join(head, fragment, part)
    all.set(u16(all.length - IPV6_SIZE), 4)
    return { etherType: whole.etherType, bytes: all }
  })
}

function slices(
  payload: Uint8Array,
  cuts: readonly number[],
): readonly { at: number; part: Uint8Array; more: boolean }[] {
  const starts = [0, ...cuts]
  return starts.map((at, i) => {
    const end = starts[i + 1]
    return { at, part: payload.subarray(at, end), more: end !== undefined }
  })
}
