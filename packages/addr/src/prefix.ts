// Prefixes (CIDR): an address with its host bits zero, and a length. Canonically `10.0.99.0/24`, `fd00::/64`;
// always with the length, so a single address is `10.0.0.5/32`.

import type { Family, Ip } from './ip.ts'
import { bitsOf, bytesOfIp, familyOf, ipOfBytes, parseIp } from './ip.ts'

/** A canonical prefix. */
export type Prefix = string & { readonly __prefix: unique symbol }

/**
 * The canonical form of `10.0.99.7/24` (host bits are cleared) or of a bare address (full length).
 * Throws a TypeError that names the text.
 */
export function parsePrefix(text: string): Prefix {
  const slash = text.indexOf('/')
  const ip = parseIp(slash < 0 ? text : text.slice(0, slash))
  const bits = bitsOf(familyOf(ip))
  const lengthText = slash < 0 ? String(bits) : text.slice(slash + 1)
  const length = Number(lengthText)
  if (!/^(?:0|[1-9]\d{0,2})$/.test(lengthText) || length > bits) {
    throw new TypeError(`not a prefix: ${JSON.stringify(text)}: its length goes from 0 to ${bits}`)
  }
  return prefixOf(ip, length)
}

export function prefixOf(ip: Ip, length: number): Prefix {
  const bytes = bytesOfIp(ip)
  const mask = maskBytes(familyOf(ip), length)
  for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i] ?? 0) & (mask[i] ?? 0)
  return `${ipOfBytes(bytes)}/${length}` as Prefix
}

export function prefixParts(prefix: Prefix): { ip: Ip; length: number; family: Family } {
  const slash = prefix.indexOf('/')
  const ip = prefix.slice(0, slash) as Ip
  return { ip, length: Number(prefix.slice(slash + 1)), family: familyOf(ip) }
}

/** The netmask of a prefix length as an address: 24 is 255.255.255.0. */
export function maskOf(family: Family, length: number): Ip {
  return ipOfBytes(maskBytes(family, length))
}

/** Whether the address lies in the prefix; one of another family never does. */
export function contains(prefix: Prefix, ip: Ip): boolean {
  const { length, family } = prefixParts(prefix)
  return family === familyOf(ip) && prefixOf(ip, length) === prefix
}

export function overlaps(a: Prefix, b: Prefix): boolean {
  return contains(a, prefixParts(b).ip) || contains(b, prefixParts(a).ip)
}

function maskBytes(family: Family, length: number): Uint8Array {
  const bytes = new Uint8Array(bitsOf(family) / 8)
  for (let i = 0; i < bytes.length; i++) {
    const ones = Math.min(8, Math.max(0, length - i * 8))
    bytes[i] = (0xff << (8 - ones)) & 0xff
  }
  return bytes
}
