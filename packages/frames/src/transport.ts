// What IP carries from station to station: UDP, TCP, SCTP, and tunnels.

import type { Packet, Segment } from './frame-bytes.ts'
import { bytesOf, join, segment, u16, u32, u8 } from './frame-bytes.ts'

type Ports = { readonly src: number; readonly dst: number }

/** RFC 768. */
export function udp(ports: Ports, data: Uint8Array | string): Segment {
  const payload = bytesOf(data)
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

/** RFC 9293, 3.1. */
export function tcp(
  header: Ports & {
    /** Default SYN. */
    readonly flags?: number
    /** In whole words. */
    readonly options?: Uint8Array
  },
  data: Uint8Array | string = '',
): Segment {
  const { src, dst, flags = 0x02, options = u8() } = header
  return {
    protocol: 6,
    bytes(checksum) {
      const size = 20 + options.length
      const first = join(u16(src), u16(dst), u32(1), u32(0), u8((size / 4) << 4, flags), u16(65535))
      const rest = join(u16(0), options, bytesOf(data))
      return join(first, u16(checksum(join(first, u16(0), rest))), rest)
    },
  }
}

/** RFC 9293, 3.1 and RFC 7323: what a SYN of today has. Maximum segment size, SACK permitted, timestamps, window scale. */
export const TCP_OPTIONS = u8(2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7)

/** RFC 9260, 3: one chunk of any type. */
export function sctp(ports: Ports, chunk: Uint8Array): Segment {
  const head = join(u16(ports.src), u16(ports.dst), u32(0))
  const sum = crc32c(join(head, u32(0), chunk))
  // RFC 9260, appendix A: least significant byte first.
  return segment(132, join(head, u8(sum, sum >>> 8, sum >>> 16, sum >>> 24), chunk))
}

/** RFC 2784: no checksum, no key. */
export function gre(inner: Packet): Segment {
  return segment(47, join(u16(0), u16(inner.etherType), inner.bytes))
}

/** RFC 2003 and 4213: an IP packet in an IP packet. */
export function ipInIp(inner: Packet): Segment {
  return segment(inner.etherType === 0x0800 ? 4 : 41, inner.bytes)
}

/** RFC 4303: an index, a number, and what nobody else can read. */
export function esp(spi: number): Segment {
  return segment(50, join(u32(spi), u32(1), new Uint8Array(32).fill(0x5a)))
}

/** RFC 4302 on IPv4: before a segment, which has its checksum as though it stood alone. */
export function authenticated(inner: Segment): Segment {
  return {
    protocol: 51,
    bytes: (checksum) =>
      join(
        u8(inner.protocol, 4, 0, 0),
        u32(0x1001),
        u32(1),
        new Uint8Array(12).fill(0xa5),
        inner.bytes(checksum),
      ),
  }
}

function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
  }
  return ~crc >>> 0
}
