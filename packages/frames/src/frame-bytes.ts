// What frames are put together from: numbers and addresses as the wire has them, and the checksum of the Internet.
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
export const ZERO_MAC = '00:00:00:00:00:00'
export const ANY_IPV4 = '0.0.0.0'

/** What an Ethernet frame carries. */
export type Packet = { readonly etherType: number; readonly bytes: Uint8Array }

/** What IP carries. Some protocols' checksum also covers the addresses: IP hands that in. */
export type Segment = {
  readonly protocol: number
  readonly bytes: (checksum: (segment: Uint8Array) => number) => Uint8Array
}

/** A packet of any EtherType, or of any length below 0x600. */
export function packet(etherType: number, bytes: Uint8Array | string): Packet {
  return { etherType, bytes: bytesOf(bytes) }
}

/** What IP carries, of any protocol, without a checksum. */
export function segment(protocol: number, bytes: Uint8Array | string): Segment {
  return { protocol, bytes: () => bytesOf(bytes) }
}

/** The same with other bytes from an offset on: where a frame shall be wrong in a way that no builder offers. */
export function altered(frame: Uint8Array, at: number, ...bytes: readonly number[]): Uint8Array {
  return Uint8Array.from(frame, (byte, i) => bytes[i - at] ?? byte)
}

/** With zeros behind it up to this size, as a driver pads a frame that is too short for the wire. */
export function padded(frame: Uint8Array, size = 60): Uint8Array {
  return join(frame, new Uint8Array(Math.max(0, size - frame.length)))
}

/** RFC 1071: the ones' complement sum of 16-bit words over all parts; each but the last has an even size. */
export function internetChecksum(...parts: readonly Uint8Array[]): number {
  let sum = 0
  for (const part of parts) {
    for (let i = 0; i < part.length; i += 2) {
      sum += ((part[i] ?? 0) << 8) | (part[i + 1] ?? 0)
    }
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

export function bytesOf(data: Uint8Array | string): Uint8Array {
  return typeof data === 'string' ? new TextEncoder().encode(data) : data
}

export function u8(...n: readonly number[]): Uint8Array {
  return Uint8Array.from(n)
}

export function u16(n: number): Uint8Array {
  return Uint8Array.of(n >> 8, n)
}

export function u32(n: number): Uint8Array {
  return Uint8Array.of(n >>> 24, n >>> 16, n >>> 8, n)
}

export function mac(text: string): Uint8Array {
  return bytesOfMac(parseMac(text))
}

export function ip4(text: string): Uint8Array {
  return bytesOfIpv4(parseIpv4(text))
}

export function ip6(text: string): Uint8Array {
  return bytesOfIpv6(parseIpv6(text))
}
