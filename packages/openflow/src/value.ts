// How a field's value stands in bytes, one row a codec.

import type { Ipv4, Ipv6 } from '@portward/addr'
import { bytesOfIpv4, bytesOfIpv6, bytesOfMac, ipOfBytes, isIpv4, macOfBytes } from '@portward/addr'
import type { OxmValues } from './oxm.ts'

export type ValueCodec<T> = {
  readonly size: number
  write(bytes: Uint8Array, at: number, value: T): void
  read(bytes: Uint8Array, at: number): T
}

type Codecs = { readonly [Name in keyof OxmValues]: ValueCodec<OxmValues[Name]> }

export const valueCodecs: Codecs = {
  u8: uint(1),
  u16: uint(2),
  u32: uint(4),
  u64: {
    size: 8,
    write(bytes, at, value) {
      writeUint(bytes, at, 4, Number(value >> 32n))
      writeUint(bytes, at + 4, 4, Number(value & 0xffff_ffffn))
    },
    read: (bytes, at) =>
      (BigInt(readUint(bytes, at, 4)) << 32n) | BigInt(readUint(bytes, at + 4, 4)),
  },
  mac: {
    size: 6,
    write: (bytes, at, value) => bytes.set(bytesOfMac(value), at),
    read: (bytes, at) => macOfBytes(bytes.subarray(at, at + 6)),
  },
  ipv4: {
    size: 4,
    write: (bytes, at, value) => bytes.set(bytesOfIpv4(value), at),
    read: (bytes, at) => ipv4Of(bytes.subarray(at, at + 4)),
  },
  ipv6: {
    size: 16,
    write: (bytes, at, value) => bytes.set(bytesOfIpv6(value), at),
    read: (bytes, at) => ipv6Of(bytes.subarray(at, at + 16)),
  },
}

/** Of 4 bytes. */
export function ipv4Of(bytes: Uint8Array): Ipv4 {
  const ip = ipOfBytes(bytes)
  if (!isIpv4(ip)) throw new TypeError(`an IPv4 address of ${bytes.length} bytes, want 4`)
  return ip
}

/** Of 16 bytes. */
export function ipv6Of(bytes: Uint8Array): Ipv6 {
  const ip = ipOfBytes(bytes)
  if (isIpv4(ip)) throw new TypeError(`an IPv6 address of ${bytes.length} bytes, want 16`)
  return ip
}

function uint(size: 1 | 2 | 4): ValueCodec<number> {
  return {
    size,
    write: (bytes, at, value) => writeUint(bytes, at, size, value),
    read: (bytes, at) => readUint(bytes, at, size),
  }
}

function writeUint(bytes: Uint8Array, at: number, size: number, value: number): void {
  for (let i = size - 1; i >= 0; i--) {
    bytes[at + i] = value
    value >>>= 8
  }
}

function readUint(bytes: Uint8Array, at: number, size: number): number {
  let n = 0
  for (let i = 0; i < size; i++) n = n * 0x100 + (bytes[at + i] ?? 0)
  return n
}
