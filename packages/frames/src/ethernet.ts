// Ethernet: the frame, its tags, LLC and SNAP, and what bridges and links say to each other on it.

import type { Packet } from './frame-bytes.ts'
import { bytesOf, join, mac, packet, u16, u8 } from './frame-bytes.ts'

/** IEEE 802.1Q, 9.6: a tag's EtherType and its control information. */
export type Tag = {
  readonly vid: number
  readonly pcp?: number
  /** Default 0x8100; 0x88a8 is the service tag. */
  readonly tpid?: number
}

/** IEEE 802.3, clause 3. Neither padding nor a frame check sequence: virtual devices have none. */
export function ethernet(
  header: { readonly src: string; readonly dst: string; readonly tags?: readonly Tag[] },
  { etherType, bytes }: Packet,
): Uint8Array {
  const tags = (header.tags ?? []).flatMap(({ vid, pcp = 0, tpid = 0x8100 }) => [
    u16(tpid),
    u16((pcp << 13) | vid),
  ])
  return join(mac(header.dst), mac(header.src), ...tags, u16(etherType), bytes)
}

/** IEEE 802.2: a length where the EtherType would be, and the service access points. */
export function llc(
  header: { readonly dsap: number; readonly ssap?: number; readonly control?: number },
  data: Uint8Array | string,
): Packet {
  const { dsap, ssap = dsap, control = 3 } = header
  const bytes = join(u8(dsap, ssap, control), bytesOf(data))
  return packet(bytes.length, bytes)
}

/** IEEE 802, 9: a protocol of an organization behind LLC. With OUI 0, the default, the protocol is an EtherType (RFC 1042). */
export function snap(
  { etherType, bytes }: Packet,
  header: { readonly oui?: number; readonly length?: number } = {},
): Packet {
  const { oui = 0 } = header
  const head = u8(0xaa, 0xaa, 3, oui >> 16, oui >> 8, oui)
  const all = join(head, u16(etherType), bytes)
  return packet(header.length ?? all.length, all)
}

/** IEEE 802.1D, 9.3: a configuration BPDU that claims to be the root, of spanning tree or of its rapid form (version 2). */
export function bpdu(bridge: { readonly mac: string; readonly version?: 0 | 2 }): Packet {
  const { version = 0 } = bridge
  const rapid = version === 2
  const id = join(u16(0), mac(bridge.mac))
  const head = u8(0, 0, version, rapid ? 2 : 0, rapid ? 0x3c : 0)
  const times = join(u16(0), u16(20 << 8), u16(2 << 8), u16(15 << 8))
  const body = join(head, id, new Uint8Array(4), id, u16(0x8001), times, u8(...(rapid ? [0] : [])))
  return llc({ dsap: 0x42 }, body)
}

/** Cisco's spanning tree per VLAN: a BPDU behind SNAP, with the VLAN it is of. */
export function pvst(bridge: { readonly mac: string; readonly vid: number }): Packet {
  const llcSize = 3
  const { bytes } = bpdu({ mac: bridge.mac })
  const tlv = join(u16(0), u16(2), u16(bridge.vid))
  return snap(packet(0x010b, join(bytes.subarray(llcSize), tlv)), { oui: 0x00000c })
}

/** Cisco Discovery Protocol, version 2, with a device's name. */
export function cdp(device: { readonly name: string }): Packet {
  const name = bytesOf(device.name)
  const body = join(u8(2, 180, 0, 0), u16(1), u16(4 + name.length), name)
  return snap(packet(0x2000, body), { oui: 0x00000c })
}

/** IEEE 802.1AB: chassis and port by MAC, a time to live, the end. */
export function lldp(station: { readonly mac: string }): Packet {
  const tlv = (type: number, value: Uint8Array): Uint8Array =>
    join(u16((type << 9) | value.length), value)
  const name = join(u8(4), mac(station.mac))
  const port = join(u8(3), mac(station.mac))
  return packet(0x88cc, join(tlv(1, name), tlv(2, port), tlv(3, u16(120)), tlv(0, u8())))
}

/** A PPPoE session (RFC 2516) that carries IP: 0x0021 for IPv4, 0x0057 for IPv6. */
export function pppoe(session: number, inner: Packet): Packet {
  const protocol = u16(inner.etherType === 0x0800 ? 0x0021 : 0x0057)
  const head = join(u8(0x11, 0), u16(session), u16(protocol.length + inner.bytes.length))
  return packet(0x8864, join(head, protocol, inner.bytes))
}

/** RFC 3032: one label, the last of its stack. */
export function mpls(label: number, inner: Packet): Packet {
  const entry = ((label << 12) | 0x100 | 64) >>> 0
  return packet(0x8847, join(u16(entry >>> 16), u16(entry & 0xffff), inner.bytes))
}
