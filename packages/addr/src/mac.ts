// MAC addresses (IEEE 802 EUI-48), canonically six lower-case pairs joined by colons: fa:16:3e:00:00:10.

import type { Ipv6 } from './ip.ts'
import { ipOfBytes } from './ip.ts'

/** A canonical MAC address. Only `parseMac` and `macOfBytes` make one. */
export type Mac = string & { readonly __mac: unique symbol }

export const MAC_SIZE = 6

const spellings = /^[0-9a-f]{2}(?:(?::[0-9a-f]{2}){5}|(?:-[0-9a-f]{2}){5}|[0-9a-f]{10})$/i

/** The canonical form of `fa:16:…`, `fa-16-…` or `fa16…`, in either case. Throws a TypeError that names the text. */
export function parseMac(text: string): Mac {
  if (!spellings.test(text)) throw new TypeError(`not a MAC address: ${JSON.stringify(text)}`)
  const hex = text.replaceAll(/[:-]/g, '').toLowerCase()
  return hex.replaceAll(/(..)(?!$)/g, '$1:') as Mac
}

export function macOfBytes(bytes: Uint8Array): Mac {
  let text = hexPairs[bytes[0] ?? 0] ?? ''
  for (let i = 1; i < MAC_SIZE; i++) text += `:${hexPairs[bytes[i] ?? 0]}`
  return text as Mac
}

export function bytesOfMac(mac: Mac): Uint8Array {
  const bytes = new Uint8Array(MAC_SIZE)
  for (let i = 0; i < MAC_SIZE; i++) bytes[i] = Number.parseInt(mac.slice(i * 3, i * 3 + 2), 16)
  return bytes
}

/** The group bit of the first octet: multicast, broadcast included. */
export function isMulticastMac(mac: Mac): boolean {
  return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1
}

/** The link-local address a MAC stands for: fe80::/64 and the modified EUI-64 of RFC 4291, appendix A. */
export function linkLocalOf(mac: Mac): Ipv6 {
  const m = bytesOfMac(mac)
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = m
  return ipOfBytes(
    Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f),
  ) as Ipv6
}

const hexPairs = Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(2, '0'))
