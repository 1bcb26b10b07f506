// VRRP: version 2 (RFC 3768) and 3 (RFC 5798), as keepalived sends them.

import type { Segment } from './frame-bytes.ts'
import { internetChecksum, ip4, ip6, join, u16, u8 } from './frame-bytes.ts'

type Advertisement = {
  readonly vrid: number
  /** Default 100; 0 says that the master goes. */
  readonly priority?: number
  /** The virtual ones, all of one family. */
  readonly addresses: readonly string[]
}

/** RFC 3768, 5.3. Its checksum does not cover the addresses of IP, and authentication, none, leaves 8 bytes. */
export function vrrpv2({ vrid, priority = 100, addresses }: Advertisement): Segment {
  const head = u8(0x21, vrid, priority, addresses.length, 0, 1)
  const rest = join(...addresses.map(ip4), new Uint8Array(8))
  const bytes = join(head, u16(internetChecksum(head, u16(0), rest)), rest)
  return { protocol: 112, bytes: () => bytes }
}

/** RFC 5798, 5.2, for IPv4 and IPv6: an advertisement a second. */
export function vrrpv3({ vrid, priority = 100, addresses }: Advertisement): Segment {
  const head = join(u8(0x31, vrid, priority, addresses.length), u16(100))
  const rest = join(...addresses.map((address) => (address.includes(':') ? ip6 : ip4)(address)))
  return {
    protocol: 112,
    bytes: (checksum) => join(head, u16(checksum(join(head, u16(0), rest))), rest),
  }
}

/** RFC 5798, 7.3: the MAC of a virtual router of IPv4 or IPv6. */
export function virtualMac(family: 4 | 6, vrid: number): string {
  return `00:00:5e:00:0${family === 4 ? 1 : 2}:${vrid.toString(16).padStart(2, '0')}`
}
