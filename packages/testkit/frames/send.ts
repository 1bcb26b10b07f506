// How frames of the corpus are addressed: to a station, to a group, to all.

import { bytesOfIp, macOfBytes, parseIp } from '@portward/addr'
import type { Packet, Segment } from '../src/frames.ts'
import { BROADCAST, ethernet, icmp, icmpv6Echo, ipv4, ipv6, udp } from '../src/frames.ts'
import type { Station } from './corpus-frame.ts'

export const ALL_HOSTS = '224.0.0.1'
export const ALL_NODES = 'ff02::1'
export const ALL_ROUTERS = 'ff02::2'
export const ALL_DHCP = 'ff02::1:2'
export const IPV4_BROADCAST = '255.255.255.255'

/** RFC 1035, 4: one question, for the address of "a". */
export const DNS_QUERY = Uint8Array.of(0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 97, 0, 0, 1, 0, 1)

type Sender = Pick<Station, 'mac'>

export function toStation(from: Sender, to: Sender, packet: Packet): Uint8Array {
  return ethernet({ src: from.mac, dst: to.mac }, packet)
}

export function toAll(from: Sender, packet: Packet): Uint8Array {
  return ethernet({ src: from.mac, dst: BROADCAST }, packet)
}

/** To the MAC of an IP group: RFC 1112, 6.4 and RFC 2464, 7. */
export function toGroup(from: Sender, group: string, packet: Packet): Uint8Array {
  return ethernet({ src: from.mac, dst: groupMac(group) }, packet)
}

/** RFC 4291, 2.7.1. */
export function solicitedNode(ip6: string): string {
  const [a = 0, b = 0, c = 0] = bytesOfIp(parseIp(ip6)).subarray(13)
  return `ff02::1:ff${hex(a)}:${hex(b)}${hex(c)}`
}

/** An echo request to the peer, told from others by what it carries. */
export function ping4(from: Sender, src: string, peer: Station, label: string): Uint8Array {
  return toStation(from, peer, ipv4({ src, dst: peer.ip }, echo4(label)))
}

export function ping6(from: Sender, src: string, peer: Station, label: string): Uint8Array {
  return toStation(from, peer, ipv6({ src, dst: peer.ip6 }, echo6(label)))
}

export function echo4(label: string): Segment {
  return icmp({ id: 1, seq: 1, data: new TextEncoder().encode(label) })
}

export function echo6(label: string): Segment {
  return icmpv6Echo({ id: 1, seq: 1, data: new TextEncoder().encode(label) })
}

/** To a port where nobody listens, told from others by what it carries. */
export function talk(label: string): Segment {
  return udp({ src: 9, dst: 9 }, label)
}

/** A message of neighbour discovery, to a group or to the peer's address: with the hop limit that it must have. */
export function nd(
  from: Sender,
  way: { readonly src: string; readonly dst: string; readonly to?: Sender },
  message: Segment,
): Uint8Array {
  const packet = ipv6({ src: way.src, dst: way.dst, hopLimit: 255 }, message)
  return way.to === undefined ? toGroup(from, way.dst, packet) : toStation(from, way.to, packet)
}

function groupMac(group: string): string {
  const bytes = bytesOfIp(parseIp(group))
  const low = bytes.subarray(bytes.length - 4)
  if (bytes.length === 16) return macOfBytes(Uint8Array.of(0x33, 0x33, ...low))
  return macOfBytes(Uint8Array.of(1, 0, 0x5e, (low[1] ?? 0) & 0x7f, low[2] ?? 0, low[3] ?? 0))
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}
