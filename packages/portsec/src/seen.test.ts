import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Packet, Segment } from '@portward/testkit'
import {
  arpRequest,
  ethernet,
  icmpv6Echo,
  ipv4,
  ipv6,
  ndOption,
  neighbourAdvertisement,
  neighbourSolicitation,
  pcap,
  rarp,
  routerAdvertisement,
  run,
  udp,
  wildFrames,
} from '@portward/testkit'
import type { Seen } from './seen.ts'
import { LATER, seenOf } from './seen.ts'

const src = 'fa:16:3e:00:00:10'
const dst = 'fa:16:3e:00:00:11'
const other = 'fa:16:3e:00:00:99'
const zero = '00:00:00:00:00:00'

const frame = (packet: Packet, ...vids: readonly number[]): Uint8Array =>
  ethernet({ src, dst, tags: vids.map((vid) => ({ vid })) }, packet)
const from6 = (segment: Segment, hopLimit = 255): Packet =>
  ipv6({ src: 'fe80::1', dst: 'ff02::1', hopLimit }, segment)
const from4 = (segment: Segment): Packet => ipv4({ src: '10.0.0.1', dst: '10.0.0.2' }, segment)
/** A header in front, `protocol` being its own. */
const behind = (protocol: number, rest: readonly number[], inner: Segment): Segment => ({
  protocol,
  bytes: (checksum) => Uint8Array.of(inner.protocol, ...rest, ...inner.bytes(checksum)),
})
const fragment = (offsetAndFlags: number, inner: Segment): Segment =>
  behind(44, [0, offsetAndFlags >> 8, offsetAndFlags & 0xff, 0, 0, 0, 1], inner)
const patched = (bytes: Uint8Array, at: number, ...to: readonly number[]): Uint8Array => {
  const copy = bytes.slice()
  copy.set(to, at)
  return copy
}

const request = arpRequest({ sha: other, spa: '10.0.0.1', tpa: '10.0.0.2' })
const dhcp = from4(udp({ src: 67, dst: 68 }, ''))
const na = (...options: readonly Uint8Array[]): Segment =>
  neighbourAdvertisement({ target: 'fd00::7', options })
const ra = routerAdvertisement({})
const long = Uint8Array.of(2, 2, 1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0, 0, 0, 0)

/** Some of what is seen. */
type Expected = { readonly [Name in keyof Seen]?: unknown }

const table: readonly [string, Uint8Array, Expected][] = [
  ['no tag', frame(request), { ethSrc: src, ethDst: dst, ethType: 0x0806, vlanTci: 0, tags: [] }],
  ['ARP', frame(request), { arpOp: 1, arpSha: other, arpSpa: '10.0.0.1', arpTpa: '10.0.0.2' }],
  ['ARP of an odd size', patched(frame(request), 18, 7), { arpOp: 0, arpSha: zero }],
  ['ARP operation 257', patched(frame(request), 20, 1, 1), { arpOp: 0, arpSha: other }],
  ['ARP cut off', frame(request).subarray(0, 41), { arpOp: 0, arpSpa: '0.0.0.0' }],
  ['RARP', frame(rarp({ mac: other })), { ethType: 0x8035, arpOp: 3, arpSha: other }],
  ['a priority tag', frame(request, 0), { vlanTci: 0x1000, ethType: 0x0806, arpOp: 1 }],
  ['two tags', frame(request, 5, 6), { vlanTci: 0x1005, ethType: 0x8100, tags: [0x1005] }],
  ['a tag cut off', frame(request, 5).subarray(0, 17), { vlanTci: 0, ethType: 0x8100 }],
  ['not even Ethernet', frame(request).subarray(0, 13), { ethSrc: zero, ethType: 0 }],
  ['a DHCP server', frame(dhcp), { ipProto: 17, udpSrc: 67, udpDst: 68, ipFrag: 0, ipTtl: 64 }],
  ['a first fragment', patched(frame(dhcp), 20, 0x20, 0), { ipFrag: 1, udpSrc: 67 }],
  ['a later one', patched(frame(dhcp), 20, 0, 1), { ipFrag: 3, ipProto: 17, udpSrc: 0 }],
  ['UDP cut off', patched(frame(dhcp), 17, 27), { ipProto: 17, udpSrc: 0 }],
  ['IPv4 longer than it is', patched(frame(dhcp), 16, 0xff), { ipProto: 0, ipv4Src: '0.0.0.0' }],
  ['an IHL too small', patched(frame(dhcp), 14, 0x44), { ipProto: 0, ipv4Src: '0.0.0.0' }],
  ['an IP version 6 in IPv4', patched(frame(dhcp), 14, 0x65), { udpSrc: 67 }],
  ['LLC', frame({ etherType: 3, bytes: Uint8Array.of(0x42, 0x42, 3) }), { ethType: 0x5ff }],
  [
    'an NA',
    frame(from6(na())),
    { icmpv6Type: 136, ipv6NdTarget: 'fd00::7', ipv6NdTll: zero, ipTtl: 255 },
  ],
  ['a target’s MAC', frame(from6(na(ndOption.targetLinkLayer(other)))), { ipv6NdTll: other }],
  [
    'two of them',
    frame(from6(na(ndOption.targetLinkLayer(other), ndOption.targetLinkLayer(src)))),
    { icmpv6Type: 136, ipv6NdTarget: '::', ipv6NdTll: zero },
  ],
  ['a MAC of 14 bytes', frame(from6(na(long))), { ipv6NdTarget: 'fd00::7', ipv6NdTll: zero }],
  [
    'a MAC behind an option of length 0',
    frame(from6(na(new Uint8Array(8), ndOption.targetLinkLayer(other)))),
    { ipv6NdTarget: 'fd00::7', ipv6NdTll: zero },
  ],
  [
    'an NS',
    frame(
      from6(
        neighbourSolicitation({ target: 'fd00::7', options: [ndOption.sourceLinkLayer(other)] }),
      ),
    ),
    { icmpv6Type: 135, ipv6NdSll: other },
  ],
  ['an RA', frame(from6(ra)), { icmpv6Type: 134, icmpv6Code: 0 }],
  [
    'an RA behind extension headers',
    frame(from6(behind(0, [0, 1, 4, 0, 0, 0, 0], behind(60, [0, 1, 4, 0, 0, 0, 0], ra)))),
    { icmpv6Type: 134 },
  ],
  ['an RA in an atomic fragment', frame(from6(fragment(0, ra))), { icmpv6Type: 134, ipFrag: 0 }],
  ['an RA in a first fragment', frame(from6(fragment(1, ra))), { icmpv6Type: 134, ipFrag: 1 }],
  ['an RA in a later one', frame(from6(fragment(8, ra))), { ipProto: 44, ipFrag: 3, ipTtl: 255 }],
  [
    'a chain that breaks off',
    frame(from6(behind(60, [99, 0, 0, 0, 0, 0, 0], ra))),
    { ipProto: 0, ipTtl: 0, ipFrag: 0, ipv6Src: 'fe80::1' },
  ],
  ['IPv6 longer than it is', patched(frame(from6(ra)), 18, 1), { ipProto: 0, ipv6Src: '::' }],
  ['ICMPv6 of 7 bytes', patched(frame(from6(icmpv6Echo({}))), 19, 7), { icmpv6Type: 0 }],
]

for (const [name, bytes, expected] of table) {
  void test(`seen: ${name}`, () => {
    const seen: Record<string, unknown> = seenOf(bytes)
    for (const [field, value] of Object.entries(expected))
      assert.deepEqual(seen[field], value, field)
  })
}

void test('what a frame has not is left out', () => {
  assert.equal('ipv4Src' in seenOf(frame(request)), false)
  assert.equal('arpSha' in seenOf(frame(dhcp)), false)
  assert.equal('icmpv6Type' in seenOf(frame(dhcp)), false)
})

void test('a switch that looks through two tags sees what is behind them', () => {
  const stacked = frame(request, 5, 6)
  for (const vlanLimit of [0, 2] as const) {
    const { vlanTci, ethType, tags } = seenOf(stacked, { vlanLimit })
    assert.deepEqual([vlanTci, ethType, tags], [0x1005, 0x0806, [0x1005, 0x1006]])
  }
  assert.equal(seenOf(frame(request, 5, 6, 7), { vlanLimit: 0 }).ethType, 0x8100)
})

void test('in fragment mode normal, of no fragment ports and ICMP types are seen', () => {
  const first = patched(frame(dhcp), 20, 0x20, 0)
  assert.equal(seenOf(first, { fragments: 'normal' }).udpSrc, 0)
  assert.equal(seenOf(frame(dhcp), { fragments: 'normal' }).udpSrc, 67)
  assert.equal(seenOf(frame(from6(fragment(1, ra))), { fragments: 'normal' }).icmpv6Type, 0)
})

const pools = {
  macs: [src, dst, other, zero, 'ff:ff:ff:ff:ff:ff'],
  ipv4s: ['10.0.0.1', '10.0.0.2', '0.0.0.0', '224.0.0.22'],
  ipv6s: ['fd00::7', 'fe80::1', '::', 'ff02::1'],
}
const installed = await run(['ovs-ofctl', '--version']).then(
  () => true,
  () => false,
)
const skip = installed ? false : 'ovs-ofctl is not installed: apt-get install openvswitch-common'

void test('of any frame the same is seen as by Open vSwitch', { skip }, async () => {
  const frames = fc.sample(wildFrames(pools), 4000)
  const dir = await mkdtemp(join(tmpdir(), 'seen-'))
  try {
    await writeFile(join(dir, 'frames.pcap'), pcap(frames))
    const { stdout } = await run(['ovs-ofctl', 'parse-pcap', join(dir, 'frames.pcap')])
    const lines = stdout.trimEnd().split('\n')
    assert.equal(lines.length, frames.length)
    for (const [i, bytes] of frames.entries()) {
      // ovs-ofctl looks through as many tags as it can, a switch by default through one: the same, but for frames with more.
      const deep = seenOf(bytes, { vlanLimit: 0 })
      const hex = Buffer.from(bytes).toString('hex')
      assert.deepEqual(textOf(deep), told(lines[i] ?? ''), `${hex}\n${lines[i]}`)
      if (deep.tags.length < 2) assert.deepEqual(seenOf(bytes), deep, hex)
    }
  } finally {
    await rm(dir, { recursive: true })
  }
})

/** The first word of what ovs-ofctl prints, where it stands for EtherType and protocol. */
const WORDS: { readonly [word: string]: readonly [ethType: string, proto?: string] } = {
  arp: ['0x0806'],
  rarp: ['0x8035'],
  ip: ['0x0800'],
  ipv6: ['0x86dd'],
  icmp: ['0x0800', '1'],
  tcp: ['0x0800', '6'],
  udp: ['0x0800', '17'],
  sctp: ['0x0800', '132'],
  icmp6: ['0x86dd', '58'],
  tcp6: ['0x86dd', '6'],
  udp6: ['0x86dd', '17'],
  sctp6: ['0x86dd', '132'],
  mpls: ['0x8847'],
  mplsm: ['0x8848'],
}
/** Fields of Open vSwitch that no flow of ours matches; that there is no second tag. */
const UNUSED =
  /^(in_port|vlan_tci1|ipv6_label|nw_tos|nw_ecn|tcp_flags|mpls_|nsh|nd_reserved|nd_options_type)/
const NO_TAG: readonly [string, string][] = [['vlan_tci', '0x0000']]
const FRAG: { readonly [text: string]: string } = { no: '0', first: '1', later: '3' }

/** What ovs-ofctl prints of a frame, field by field. */
function told(line: string): Record<string, string> {
  const fields: Record<string, string> = {}
  for (const part of line.split(',')) {
    const [name = '', value] = part.split('=')
    if (value !== undefined) fields[name] = value
    else {
      const [ethType = '', proto] = WORDS[name] ?? []
      fields['dl_type'] = ethType
      if (proto !== undefined) fields['nw_proto'] = proto
    }
  }
  for (const name of Object.keys(fields)) if (UNUSED.test(name)) delete fields[name]
  // Ports of protocols that our flows know no ports of.
  const { nw_proto: proto = '' } = fields
  if (!['6', '17'].includes(proto)) for (const name of ['tp_src', 'tp_dst']) delete fields[name]
  // It writes ::1.2.3.4 for what is canonically ::102:304.
  for (const name of ['ipv6_src', 'ipv6_dst', 'nd_target']) {
    const text = fields[name]
    if (text !== undefined) fields[name] = new URL(`http://[${text}]`).hostname.slice(1, -1)
  }
  if (fields['nw_frag'] !== undefined) fields['nw_frag'] = FRAG[fields['nw_frag']] ?? ''
  return fields
}

/** The same of what is seen, with the names and spellings of ovs-ofctl. */
function textOf(seen: Seen): Record<string, string> {
  const { tags } = seen
  // It prints no ports that can but be zero.
  const later = ((seen.ipFrag ?? 0) & LATER) !== 0
  const tagTexts = tags.flatMap((tci, i): [string, string][] => [
    [`dl_vlan${i === 0 ? '' : i}`, String(tci & 0xfff)],
    [`dl_vlan_pcp${i === 0 ? '' : i}`, String(tci >> 13)],
  ])
  const fields: readonly [string, string | number | undefined][] = [
    ['dl_src', seen.ethSrc],
    ['dl_dst', seen.ethDst],
    ['dl_type', `0x${seen.ethType.toString(16).padStart(4, '0')}`],
    ...(tags.length === 0 ? NO_TAG : tagTexts),
    ['arp_op', seen.arpOp],
    ['arp_spa', seen.arpSpa],
    ['arp_tpa', seen.arpTpa],
    ['arp_sha', seen.arpSha],
    ['arp_tha', seen.arpTha],
    ['nw_src', seen.ipv4Src],
    ['nw_dst', seen.ipv4Dst],
    ['ipv6_src', seen.ipv6Src],
    ['ipv6_dst', seen.ipv6Dst],
    ['nw_proto', seen.ipProto],
    ['nw_ttl', seen.ipTtl],
    ['nw_frag', seen.ipFrag],
    ['tp_src', later ? undefined : (seen.udpSrc ?? seen.tcpSrc)],
    ['tp_dst', later ? undefined : (seen.udpDst ?? seen.tcpDst)],
    ['icmp_type', later ? undefined : (seen.icmpv4Type ?? seen.icmpv6Type)],
    ['icmp_code', later ? undefined : (seen.icmpv4Code ?? seen.icmpv6Code)],
    ['nd_target', seen.ipv6NdTarget],
    ['nd_sll', seen.ipv6NdSll],
    ['nd_tll', seen.ipv6NdTll],
  ]
  return Object.fromEntries(
    fields.flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  )
}
