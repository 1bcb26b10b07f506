// The fields a flow can match: OXM (OpenFlow 1.3 section 7.2.3) and NXM (Open vSwitch ovs-fields(7)). One row a field;
// the codec, the text form and the type `Match` all come from these rows.
//
// `class` and `code` are the wire's; `text` is the name ovs-ofctl prints. Row order is the order on the wire and in text: that
// of ovs-ofctl, in which every field stands behind those it needs.

import type { Ipv4, Ipv6, Mac } from '@portward/addr'

export const OXM_CLASS = {
  nxm0: 0x0000,
  nxm1: 0x0001,
  openflowBasic: 0x8000,
  packetRegs: 0x8001,
  experimenter: 0xffff,
} as const

/** What a field's bytes mean, by codec name. */
export type OxmValues = {
  readonly u8: number
  readonly u16: number
  readonly u32: number
  readonly u64: bigint
  readonly mac: Mac
  readonly ipv4: Ipv4
  readonly ipv6: Ipv6
}

export type OxmField = {
  readonly class: number
  readonly code: number
  readonly codec: keyof OxmValues
  readonly text: string
  readonly maskable?: true
  /** How many low bits mean something, where that is not all of them. */
  readonly bits?: number
}

const basic = OXM_CLASS.openflowBasic
const { nxm0, nxm1 } = OXM_CLASS

export const oxm = {
  /** What the host's kernel knows as the frame's `skb->mark`. */
  pktMark: { class: nxm1, code: 33, codec: 'u32', text: 'pkt_mark', maskable: true },
  reg0: { class: nxm1, code: 0, codec: 'u32', text: 'reg0', maskable: true },
  reg1: { class: nxm1, code: 1, codec: 'u32', text: 'reg1', maskable: true },
  reg2: { class: nxm1, code: 2, codec: 'u32', text: 'reg2', maskable: true },
  reg3: { class: nxm1, code: 3, codec: 'u32', text: 'reg3', maskable: true },
  reg4: { class: nxm1, code: 4, codec: 'u32', text: 'reg4', maskable: true },
  reg5: { class: nxm1, code: 5, codec: 'u32', text: 'reg5', maskable: true },
  reg6: { class: nxm1, code: 6, codec: 'u32', text: 'reg6', maskable: true },
  reg7: { class: nxm1, code: 7, codec: 'u32', text: 'reg7', maskable: true },
  reg8: { class: nxm1, code: 8, codec: 'u32', text: 'reg8', maskable: true },
  reg9: { class: nxm1, code: 9, codec: 'u32', text: 'reg9', maskable: true },
  reg10: { class: nxm1, code: 10, codec: 'u32', text: 'reg10', maskable: true },
  reg11: { class: nxm1, code: 11, codec: 'u32', text: 'reg11', maskable: true },
  reg12: { class: nxm1, code: 12, codec: 'u32', text: 'reg12', maskable: true },
  reg13: { class: nxm1, code: 13, codec: 'u32', text: 'reg13', maskable: true },
  reg14: { class: nxm1, code: 14, codec: 'u32', text: 'reg14', maskable: true },
  reg15: { class: nxm1, code: 15, codec: 'u32', text: 'reg15', maskable: true },
  metadata: { class: basic, code: 2, codec: 'u64', text: 'metadata', maskable: true },
  inPort: { class: basic, code: 0, codec: 'u32', text: 'in_port' },
  /**
   * The outermost tag: PCP, CFI (set where there is a tag at all), VID. OVS tells it back exactly where the mask covers the
   * PCP whole or not at all, and the PCP only together with CFI or VID bits that are set; other masks it widens.
   */
  vlanTci: { class: nxm0, code: 4, codec: 'u16', text: 'vlan_tci', maskable: true },
  ethSrc: { class: basic, code: 4, codec: 'mac', text: 'dl_src', maskable: true },
  ethDst: { class: basic, code: 3, codec: 'mac', text: 'dl_dst', maskable: true },
  ethType: { class: basic, code: 5, codec: 'u16', text: 'dl_type' },
  ipv6Src: { class: basic, code: 26, codec: 'ipv6', text: 'ipv6_src', maskable: true },
  ipv6Dst: { class: basic, code: 27, codec: 'ipv6', text: 'ipv6_dst', maskable: true },
  arpSpa: { class: basic, code: 22, codec: 'ipv4', text: 'arp_spa', maskable: true },
  arpTpa: { class: basic, code: 23, codec: 'ipv4', text: 'arp_tpa', maskable: true },
  ipv4Src: { class: basic, code: 11, codec: 'ipv4', text: 'nw_src', maskable: true },
  ipv4Dst: { class: basic, code: 12, codec: 'ipv4', text: 'nw_dst', maskable: true },
  arpOp: { class: basic, code: 21, codec: 'u16', text: 'arp_op' },
  ipProto: { class: basic, code: 10, codec: 'u8', text: 'nw_proto' },
  arpSha: { class: basic, code: 24, codec: 'mac', text: 'arp_sha', maskable: true },
  arpTha: { class: basic, code: 25, codec: 'mac', text: 'arp_tha', maskable: true },
  ipTtl: { class: nxm1, code: 29, codec: 'u8', text: 'nw_ttl' },
  /** Bit 0: a fragment; bit 1: a later one than the first. */
  ipFrag: { class: nxm1, code: 26, codec: 'u8', text: 'nw_frag', maskable: true, bits: 2 },
  icmpv4Type: { class: basic, code: 19, codec: 'u8', text: 'icmp_type' },
  icmpv4Code: { class: basic, code: 20, codec: 'u8', text: 'icmp_code' },
  icmpv6Type: { class: basic, code: 29, codec: 'u8', text: 'icmp_type' },
  icmpv6Code: { class: basic, code: 30, codec: 'u8', text: 'icmp_code' },
  ipv6NdTarget: { class: basic, code: 31, codec: 'ipv6', text: 'nd_target', maskable: true },
  ipv6NdSll: { class: basic, code: 32, codec: 'mac', text: 'nd_sll', maskable: true },
  ipv6NdTll: { class: basic, code: 33, codec: 'mac', text: 'nd_tll', maskable: true },
  tcpSrc: { class: basic, code: 13, codec: 'u16', text: 'tp_src', maskable: true },
  tcpDst: { class: basic, code: 14, codec: 'u16', text: 'tp_dst', maskable: true },
  udpSrc: { class: basic, code: 15, codec: 'u16', text: 'tp_src', maskable: true },
  udpDst: { class: basic, code: 16, codec: 'u16', text: 'tp_dst', maskable: true },
} as const satisfies Record<string, OxmField>

export type OxmName = keyof typeof oxm

export function isOxmName(name: string): name is OxmName {
  return Object.hasOwn(oxm, name)
}

/** A value matched whole, or only where the mask has ones. A mask of all ones is always written as the bare value. */
export type Masked<T> = T | { readonly value: T; readonly mask: T }

/** No value of a field is an object itself. */
export function isMasked<T>(field: Masked<T>): field is { readonly value: T; readonly mask: T } {
  return typeof field === 'object'
}

type ValueOf<F extends OxmField> = F extends { maskable: true }
  ? Masked<OxmValues[F['codec']]>
  : OxmValues[F['codec']]

/** What a flow matches; a field left out matches anything. */
export type Match = { readonly [Name in OxmName]?: ValueOf<(typeof oxm)[Name]> } & {
  /** Fields a switch reported that have no row here, as they stand on the wire, in hexadecimal digits. Never ours. */
  readonly unknown?: string
}

export type RegisterName = Extract<OxmName, `reg${number}`>

export function isRegisterName(name: OxmName): name is RegisterName {
  return name.startsWith('reg')
}

/** What a `load` can set. */
export type LoadableName = RegisterName | 'pktMark'

export function isLoadableName(name: OxmName): name is LoadableName {
  return name === 'pktMark' || isRegisterName(name)
}

/** What a `move` can copy from and to. */
export type MovableName = LoadableName | 'vlanTci' | 'inPort'

export function isMovableName(name: OxmName): name is MovableName {
  return name === 'vlanTci' || name === 'inPort' || isLoadableName(name)
}
