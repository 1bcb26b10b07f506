// What Open vSwitch sees of a frame: the values that flows can match, with its own limits (lib/flow.c, miniflow_extract). What it
// doesn't see here no flow can judge, so whoever asks whether the guards hold must look through these eyes.
//
// It stops reading where something makes no sense to it: fields not reached by then are zero, those before stay as read.

import type { Fragments, OxmName, RegisterName } from '@portward/openflow'
import type { FieldValue } from './fields.ts'
import {
  FIELDS_SIZE,
  clearField,
  copyField,
  isZero,
  readField,
  readNumber,
  writeNumber,
} from './fields.ts'
import { ETH, ICMPV6, PROTO } from './guard.ts'

/** How the switch and the bridge are set. */
export type View = {
  /** `other_config:vlan-limit` of Open_vSwitch: how many tags are looked through. 0 is as many as it can, which are 2. Default 1. */
  readonly vlanLimit?: 0 | 1 | 2
  /** `ovs-ofctl get-frags`. Default `nx-match`, which the agent sets on a bridge of our own. */
  readonly fragments?: Exclude<Fragments, 'reassemble'>
}

type FrameField = Exclude<OxmName, RegisterName | 'metadata' | 'inPort' | 'pktMark'>
type AlwaysThere = 'ethSrc' | 'ethDst' | 'ethType' | 'vlanTci'

/** Fields that such a frame has not are left out; those it should have, but that can't be read, are zero. */
export type Seen = { readonly [Name in AlwaysThere]: FieldValue<Name> } & {
  readonly [Name in Exclude<FrameField, AlwaysThere>]?: FieldValue<Name>
} & {
  /** Every tag that was looked through, outermost first, with the CFI bit set. Flows see the first. */
  readonly tags: readonly number[]
}

export function seenOf(frame: Uint8Array, view: View = {}): Seen {
  const { fields, tags } = readFrame(frame, view)
  const names = namesOf(fields)
  const entries = names.map((name) => [name, readField(fields, name)] as const)
  return { ...Object.fromEntries(entries), tags } as Seen
}

/** Of a frame that has just come in: registers are zero, and so is the port. */
export type FrameFields = { readonly fields: Uint8Array; readonly tags: readonly number[] }

export function readFrame(frame: Uint8Array, view: View = {}): FrameFields {
  const fields = new Uint8Array(FIELDS_SIZE)
  const packet = new Cursor(frame)
  const tags: number[] = []
  if (packet.left < ETHERNET_SIZE) return { fields, tags }
  packet.copy(0, fields, 'ethDst')
  packet.copy(6, fields, 'ethSrc')
  packet.pull(ADDRESSES_SIZE)
  readTags(packet, tags, view.vlanLimit ?? 1)
  writeNumber(fields, 'vlanTci', tags[0] ?? 0)
  const ethType = readEtherType(packet)
  writeNumber(fields, 'ethType', ethType)
  switch (ethType) {
    case ETH.arp:
    case ETH.rarp:
      readArp(packet, fields)
      break
    case ETH.ipv4:
      readIpv4(packet, fields)
      break
    case ETH.ipv6:
      readIpv6(packet, fields)
      break
  }
  if (view.fragments === 'normal' && (readNumber(fields, 'ipFrag') & FRAGMENT) !== 0) {
    for (const name of TRANSPORT) clearField(fields, name)
  }
  return { fields, tags }
}

export function isTag(ethType: number): boolean {
  return ethType === 0x8100 || ethType === 0x88a8
}

/** How many tags of a frame Open vSwitch knows at most. */
export const MAX_TAGS = 2
/** The bit of vlan_tci that says that there is a tag. */
export const CFI = 0x1000
/** What ip_frag says: of any fragment, and besides of any but the first. */
export const FRAGMENT = 1
export const LATER = 2

const ETHERNET_SIZE = 14
const ADDRESSES_SIZE = 12
const TAG_SIZE = 4
const TYPE_SIZE = 2
/** Below, it is a length (IEEE 802.3, 3.2.6). */
const MIN_ETHER_TYPE = 0x600
const NO_ETHER_TYPE = 0x5ff
const LLC_SNAP = [0xaa, 0xaa, 3, 0, 0, 0] as const
const ARP_SIZE = 28
const IPV4_SIZE = 20
const IPV6_SIZE = 40
const MAX_PADDING = 0xffff
const TCP_SIZE = 20
const UDP_SIZE = 8
const ICMP_SIZE = 8
const IPV6_ADDRESS_SIZE = 16
/** RFC 8200, 4: of extension headers that are looked through. AH: RFC 4302. */
const NEXT = { hopByHop: 0, routing: 43, fragment: 44, ah: 51, destination: 60 } as const
const EXTENSION_SIZE = 8
const ND_OPTION_SIZE = 8
const ND_OPTIONS: { readonly [type: number]: 'ipv6NdSll' | 'ipv6NdTll' } = {
  1: 'ipv6NdSll',
  2: 'ipv6NdTll',
}
const TRANSPORT = [
  'tcpSrc',
  'tcpDst',
  'udpSrc',
  'udpDst',
  'icmpv4Type',
  'icmpv4Code',
  'icmpv6Type',
  'icmpv6Code',
] as const

/** The fields that frames like this one have; what each needs is ovs-fields(7)'s. */
function namesOf(fields: Uint8Array): readonly OxmName[] {
  const always = ['ethSrc', 'ethDst', 'ethType', 'vlanTci'] as const
  const ethType = readNumber(fields, 'ethType')
  if (ethType === ETH.arp || ethType === ETH.rarp) {
    return [...always, 'arpOp', 'arpSpa', 'arpTpa', 'arpSha', 'arpTha']
  }
  if (ethType !== ETH.ipv4 && ethType !== ETH.ipv6) return always
  const ip = ['ipProto', 'ipTtl', 'ipFrag'] as const
  const names: OxmName[] =
    ethType === ETH.ipv4
      ? [...always, 'ipv4Src', 'ipv4Dst', ...ip]
      : [...always, 'ipv6Src', 'ipv6Dst', ...ip]
  switch (readNumber(fields, 'ipProto')) {
    case PROTO.tcp:
      names.push('tcpSrc', 'tcpDst')
      break
    case PROTO.udp:
      names.push('udpSrc', 'udpDst')
      break
    case PROTO.icmpv4:
      if (ethType === ETH.ipv4) names.push('icmpv4Type', 'icmpv4Code')
      break
    case PROTO.icmpv6:
      if (ethType !== ETH.ipv6) break
      names.push('icmpv6Type', 'icmpv6Code')
      if (isNd(readNumber(fields, 'icmpv6Type'), readNumber(fields, 'icmpv6Code'))) {
        names.push('ipv6NdTarget', 'ipv6NdSll', 'ipv6NdTll')
      }
      break
  }
  return names
}

function readTags(packet: Cursor, tags: number[], vlanLimit: number): void {
  const limit = vlanLimit === 0 ? MAX_TAGS : vlanLimit
  while (tags.length < limit && isTag(packet.u16(0)) && packet.left >= TAG_SIZE + TYPE_SIZE) {
    tags.push(packet.u16(TYPE_SIZE) | CFI)
    packet.pull(TAG_SIZE)
  }
}

/** SNAP with an OUI of zero (RFC 1042) reads like the EtherType it carries; any other LLC has none. */
function readEtherType(packet: Cursor): number {
  const type = packet.u16(0)
  packet.pull(TYPE_SIZE)
  if (type >= MIN_ETHER_TYPE) return type
  const size = LLC_SNAP.length + TYPE_SIZE
  if (packet.left < size || LLC_SNAP.some((byte, i) => packet.u8(i) !== byte)) return NO_ETHER_TYPE
  const inner = packet.u16(LLC_SNAP.length)
  packet.pull(size)
  return inner >= MIN_ETHER_TYPE ? inner : NO_ETHER_TYPE
}

/** Ethernet and IPv4 alone (RFC 826), and of operations those of one byte. */
function readArp(packet: Cursor, fields: Uint8Array): void {
  if (packet.left < ARP_SIZE) return
  if (packet.u16(0) !== 1 || packet.u16(2) !== ETH.ipv4) return
  if (packet.u8(4) !== 6 || packet.u8(5) !== 4) return
  const op = packet.u16(6)
  if (op <= 0xff) writeNumber(fields, 'arpOp', op)
  packet.copy(8, fields, 'arpSha')
  packet.copy(14, fields, 'arpSpa')
  packet.copy(18, fields, 'arpTha')
  packet.copy(24, fields, 'arpTpa')
}

/** RFC 791, 3.1. Neither the version nor the checksum is looked at. */
function readIpv4(packet: Cursor, fields: Uint8Array): void {
  if (packet.left < IPV4_SIZE) return
  const headerSize = (packet.u8(0) & 0xf) * 4
  if (headerSize < IPV4_SIZE || packet.left < headerSize) return
  const size = packet.u16(2)
  if (headerSize > size || !packet.cut(size)) return
  packet.copy(12, fields, 'ipv4Src')
  packet.copy(16, fields, 'ipv4Dst')
  const proto = packet.u8(9)
  const flagsAndOffset = packet.u16(6)
  const later = (flagsAndOffset & 0x1fff) !== 0
  const fragment = later || (flagsAndOffset & 0x2000) !== 0
  writeNumber(fields, 'ipTtl', packet.u8(8))
  writeNumber(fields, 'ipProto', proto)
  writeNumber(fields, 'ipFrag', fragOf(fragment, later))
  if (later) return
  packet.pull(headerSize)
  if (proto !== PROTO.icmpv4) readPorts(packet, fields, proto)
  else if (packet.left >= ICMP_SIZE) {
    packet.copy(0, fields, 'icmpv4Type')
    packet.copy(1, fields, 'icmpv4Code')
  }
}

/** RFC 8200, 3. The version isn't looked at. A chain of extension headers that breaks off leaves but the addresses. */
function readIpv6(packet: Cursor, fields: Uint8Array): void {
  if (packet.left < IPV6_SIZE) return
  if (!packet.cut(IPV6_SIZE + packet.u16(4))) return
  packet.copy(8, fields, 'ipv6Src')
  packet.copy(24, fields, 'ipv6Dst')
  const hopLimit = packet.u8(7)
  const first = packet.u8(6)
  packet.pull(IPV6_SIZE)
  const chain = walkExtensions(packet, first)
  if (chain === undefined) return
  const { proto, frag } = chain
  writeNumber(fields, 'ipTtl', hopLimit)
  writeNumber(fields, 'ipProto', proto)
  writeNumber(fields, 'ipFrag', frag)
  if ((frag & LATER) !== 0) return
  if (proto === PROTO.icmpv6) readIcmpv6(packet, fields)
  else readPorts(packet, fields, proto)
}

/** To the first header that is none of them; to the fragment header of a later fragment. Undefined where they break off. */
function walkExtensions(
  packet: Cursor,
  first: number,
): { proto: number; frag: number } | undefined {
  let proto = first
  let frag = 0
  for (;;) {
    switch (proto) {
      case NEXT.hopByHop:
      case NEXT.routing:
      case NEXT.destination:
      case NEXT.ah: {
        if (packet.left < EXTENSION_SIZE) return undefined
        const length = packet.u8(1)
        const size = proto === NEXT.ah ? (length + 2) * 4 : (length + 1) * 8
        if (packet.left < size) return undefined
        proto = packet.u8(0)
        packet.pull(size)
        break
      }
      case NEXT.fragment: {
        if (packet.left < EXTENSION_SIZE) return undefined
        proto = packet.u8(0)
        const offsetAndFlags = packet.u16(2)
        packet.pull(EXTENSION_SIZE)
        // Not atomic (RFC 6946). The two reserved bits count as well.
        if (offsetAndFlags !== 0) {
          const later = (offsetAndFlags & 0xfff8) !== 0
          frag = fragOf(true, later)
          if (later) return { proto: NEXT.fragment, frag }
        }
        break
      }
      default:
        return { proto, frag }
    }
  }
}

function readPorts(packet: Cursor, fields: Uint8Array, proto: number): void {
  if (proto === PROTO.udp && packet.left >= UDP_SIZE) {
    packet.copy(0, fields, 'udpSrc')
    packet.copy(2, fields, 'udpDst')
  }
  if (proto === PROTO.tcp && packet.left >= TCP_SIZE) {
    const headerSize = (packet.u8(12) >> 4) * 4
    if (headerSize < TCP_SIZE || packet.left < headerSize) return
    packet.copy(0, fields, 'tcpSrc')
    packet.copy(2, fields, 'tcpDst')
  }
}

function readIcmpv6(packet: Cursor, fields: Uint8Array): void {
  if (packet.left < ICMP_SIZE) return
  packet.copy(0, fields, 'icmpv6Type')
  packet.copy(1, fields, 'icmpv6Code')
  const nd = isNd(packet.u8(0), packet.u8(1))
  packet.pull(ICMP_SIZE)
  if (nd && packet.left >= IPV6_ADDRESS_SIZE) readNd(packet, fields)
}

/** Solicitations and advertisements; no other message of neighbour discovery is looked into. */
function isNd(type: number, code: number): boolean {
  return code === 0 && (type === ICMPV6.ns || type === ICMPV6.na)
}

/**
 * RFC 4861, 4.3, 4.4, 4.6. A link-layer address of another size than Ethernet's is passed over. An option that doesn't fit ends
 * the reading, and what was read so far counts. A second link-layer address of the same kind spoils all.
 */
function readNd(packet: Cursor, fields: Uint8Array): void {
  packet.copy(0, fields, 'ipv6NdTarget')
  packet.pull(IPV6_ADDRESS_SIZE)
  while (packet.left >= ND_OPTION_SIZE) {
    const size = packet.u8(1) * 8
    if (size === 0 || size > packet.left) return
    const name = ND_OPTIONS[packet.u8(0)]
    if (name !== undefined && size === ND_OPTION_SIZE) {
      if (!isZero(fields, name)) {
        for (const spoilt of ['ipv6NdTarget', 'ipv6NdSll', 'ipv6NdTll'] as const) {
          clearField(fields, spoilt)
        }
        return
      }
      packet.copy(2, fields, name)
    }
    packet.pull(size)
  }
}

function fragOf(fragment: boolean, later: boolean): number {
  return (fragment ? FRAGMENT : 0) | (later ? LATER : 0)
}

/** What is left of a packet. Who reads has looked first how much that is; beyond are zeros. */
class Cursor {
  readonly #bytes: Uint8Array
  #at = 0
  #end: number
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#end = bytes.length
  }
  get left(): number {
    return this.#end - this.#at
  }
  u8(offset: number): number {
    return this.#bytes[this.#at + offset] ?? 0
  }
  u16(offset: number): number {
    return (this.u8(offset) << 8) | this.u8(offset + 1)
  }
  pull(size: number): void {
    this.#at += size
  }
  /** Takes off what is behind the first `size` bytes: padding. False where there are fewer, or far too many. */
  cut(size: number): boolean {
    const padding = this.left - size
    if (padding < 0 || padding > MAX_PADDING) return false
    this.#end = this.#at + size
    return true
  }
  copy(offset: number, fields: Uint8Array, name: OxmName): void {
    copyField(fields, name, this.#bytes, this.#at + offset)
  }
}
