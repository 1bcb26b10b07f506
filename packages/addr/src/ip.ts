// IP addresses. IPv4 as four decimal parts without leading zeros; IPv6 as RFC 5952 writes it.
// Strict on purpose: 010.0.0.1 is 8.0.0.1 to some programs and 10.0.0.1 to others, so it is nothing here (CVE-2021-28918).

import ipaddr from 'ipaddr.js'

/** A canonical IPv4 address, e.g. `10.0.0.5`. */
export type Ipv4 = string & { readonly __ipv4: unique symbol }
/** A canonical IPv6 address, e.g. `fd00::5`; never with a zone. */
export type Ipv6 = string & { readonly __ipv6: unique symbol }
export type Ip = Ipv4 | Ipv6
export type Family = 4 | 6

/** Throws a TypeError that names the text. */
export function parseIp(text: string): Ip {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return text as Ipv4
  const groups = withoutDots(text)
  if (groups?.includes(':') === true && !groups.includes('%') && ipaddr.IPv6.isValid(groups)) {
    return ipOfBytes(Uint8Array.from(ipaddr.IPv6.parse(groups).toByteArray()))
  }
  throw new TypeError(`not an IP address: ${JSON.stringify(text)}`)
}

/**
 * RFC 4291, 2.2: the last 32 bits may be written as IPv4. In groups here, as ipaddr.js takes `::10.0.0.1` for another address,
 * `::ffff:10.0.0.1`. Undefined where the tail is no IPv4 address as this file reads one.
 */
function withoutDots(text: string): string | undefined {
  if (!text.includes('.')) return text
  const at = text.lastIndexOf(':') + 1
  const tail = text.slice(at)
  if (!ipaddr.IPv4.isValidFourPartDecimal(tail)) return undefined
  const [a = 0, b = 0, c = 0, d = 0] = tail.split('.').map(Number)
  const groups = [(a << 8) | b, (c << 8) | d].map((group) => group.toString(16))
  return text.slice(0, at) + groups.join(':')
}

export function parseIpv4(text: string): Ipv4 {
  const ip = parseIp(text)
  if (!isIpv4(ip)) throw new TypeError(`not an IPv4 address: ${JSON.stringify(text)}`)
  return ip
}

export function parseIpv6(text: string): Ipv6 {
  const ip = parseIp(text)
  if (isIpv4(ip)) throw new TypeError(`not an IPv6 address: ${JSON.stringify(text)}`)
  return ip
}

export function isIpv4(ip: Ip): ip is Ipv4 {
  return !ip.includes(':')
}

export function familyOf(ip: Ip): Family {
  return isIpv4(ip) ? 4 : 6
}

/** How many bits an address of the family has. */
export function bitsOf(family: Family): 32 | 128 {
  return family === 4 ? 32 : 128
}

/** 4 or 16 bytes, network order. */
export function ipOfBytes(bytes: Uint8Array): Ip {
  if (bytes.length === 4) return bytes.join('.') as Ipv4
  const groups: number[] = []
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0))
  const { start, length } = longestZeros(groups)
  const text = (from: number, to?: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':')
  if (length < 2) return text(0) as Ipv6
  return `${text(0, start)}::${text(start + length)}` as Ipv6
}

/** 4 or 16 bytes, network order. Takes the canonical form only, and for speed trusts it. */
export function bytesOfIp(ip: Ip): Uint8Array {
  return isIpv4(ip) ? bytesOfIpv4(ip) : bytesOfIpv6(ip)
}

export function bytesOfIpv4(ip: Ipv4): Uint8Array {
  const bytes = new Uint8Array(4)
  let at = 0
  let part = 0
  for (let i = 0; i < ip.length; i++) {
    const c = ip.charCodeAt(i)
    if (c === 0x2e) {
      bytes[at++] = part
      part = 0
    } else part = part * 10 + c - 0x30
  }
  bytes[at] = part
  return bytes
}

export function bytesOfIpv6(ip: Ipv6): Uint8Array {
  const bytes = new Uint8Array(16)
  const gap = ip.indexOf('::')
  const head = gap < 0 ? ip : ip.slice(0, gap)
  const tail = gap < 0 ? '' : ip.slice(gap + 2)
  let at = 0
  for (const group of head === '' ? [] : head.split(':')) at = putGroup(bytes, at, group)
  if (tail !== '') {
    const groups = tail.split(':')
    at = 16 - groups.length * 2
    for (const group of groups) at = putGroup(bytes, at, group)
  }
  return bytes
}

/** The address as an unsigned number: for ranges and for counting. */
export function bigintOfIp(ip: Ip): bigint {
  let n = 0n
  for (const byte of bytesOfIp(ip)) n = (n << 8n) | BigInt(byte)
  return n
}

export function ipOfBigint(n: bigint, family: Family): Ip {
  const bytes = new Uint8Array(bitsOf(family) / 8)
  for (let i = bytes.length - 1; i >= 0; i--) {
    bytes[i] = Number(n & 0xffn)
    n >>= 8n
  }
  return ipOfBytes(bytes)
}

export function isMulticastIp(ip: Ip): boolean {
  const first = bytesOfIp(ip)[0] ?? 0
  return isIpv4(ip) ? first >= 224 && first < 240 : first === 0xff
}

/** RFC 5952, 4.2: of the runs of zero groups the longest, and of equal ones the first, is what `::` stands for. */
function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 }
  let length = 0
  for (const [i, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0
    if (length > longest.length) longest = { start: i + 1 - length, length }
  }
  return longest
}

function putGroup(bytes: Uint8Array, at: number, group: string): number {
  const n = Number.parseInt(group, 16)
  bytes[at] = n >> 8
  bytes[at + 1] = n & 0xff
  return at + 2
}
