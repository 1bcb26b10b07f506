// Single cases that every verdict must agree on: found by random frames once, or thought of where a switch could be led
// astray. A case that the test of verdicts reports is added here, with its hex, and with what the rules say of it.

import { parseIp, parseMac, parsePrefix } from '@portward/addr'
import type { Eyes } from '../src/dissect.ts'
import {
  BROADCAST,
  altered,
  arp,
  arpProbe,
  ethernet,
  extension,
  icmp,
  icmpv6Echo,
  ipv4,
  ipv4Fragments,
  ipv6,
  ipv6Fragments,
  mldv2Report,
  ndOption,
  neighbourAdvertisement,
  neighbourSolicitation,
  packet,
  routerAdvertisement,
  segment,
  snap,
  udp,
} from '../src/frames.ts'
import type { Extension, Packet, Segment, Tag } from '../src/frames.ts'
import type { DeclaredPort } from '../src/rules.ts'

export type Regression = {
  readonly name: string
  readonly port: DeclaredPort
  /** Default: `vlanLimit` 1, fragments `seen`. */
  readonly eyes?: Partial<Eyes>
  readonly frame: Uint8Array
  readonly passes: boolean
}

const [own, other, peer] = [1, 2, 3].map((n) => ({
  mac: `fa:16:3e:00:00:0${n}`,
  ip: `10.0.0.${n}`,
  ip6: `fd00::${n}`,
})) as [Station, Station, Station]
type Station = { readonly mac: string; readonly ip: string; readonly ip6: string }

const plain = declared({})
const everyIpv4 = declared({}, '0.0.0.0/0')
const everyIpv6 = declared({}, '::/0')
const halfOfIpv4 = declared({}, '0.0.0.0/1')
const edges = declared({}, '10.0.9.2/31', '10.1.0.0/24', 'fd00:9::2/127', 'fd01::/64')
const trunk = declared({ vlan: [100] })
const anyTag = declared({ vlan: false })
const anyType = declared({ ethertype: false })
const trunkOfAnyType = declared({ vlan: [100], ethertype: false })
const noArpCheck = declared({ arp: false })
const everyIpv6NoNdCheck = declared({ nd: false }, '::/0')

const hidden = { fragments: 'hidden' } as const
const two = { vlanLimit: 2 } as const
const most = { vlanLimit: 0 } as const

export const regressions: readonly Regression[] = [
  // Found by random frames, as a few more below: a probe was taken for a claim of 0.0.0.0, which the prefix has.
  dropped(
    'a probe for what is not the port’s, by a prefix with 0.0.0.0',
    halfOfIpv4,
    probe('172.16.0.1'),
  ),
  dropped(
    'the same, as it was found',
    declaredAs('fa:16:3e:00:00:03', ['10.0.0.5', 'fd00::3'], [['fa:16:3e:00:00:03', '0.0.0.0/24']]),
    bytes('fffffffffffffa163e00000308060001080006040001fa163e00000300000000000000000000ffffffff'),
  ),
  passed('a probe for what is in the prefix', halfOfIpv4, probe('10.9.9.9')),
  passed('a probe for anything, by a pair for any address', everyIpv4, probe('172.16.0.1')),

  // Both ends of a prefix, and what lies beyond.
  ...['10.0.9.2', '10.0.9.3', '10.1.0.0', '10.1.0.255'].flatMap((ip) => [
    passed(`IPv4 from ${ip}`, edges, talk4(ip)),
    passed(`ARP for ${ip}`, edges, claim(ip)),
  ]),
  ...['10.0.9.1', '10.0.9.4', '10.0.255.255', '10.1.1.0'].flatMap((ip) => [
    dropped(`IPv4 from ${ip}`, edges, talk4(ip)),
    dropped(`ARP for ${ip}`, edges, claim(ip)),
  ]),
  ...['fd00:9::2', 'fd00:9::3', 'fd01::', 'fd01::ffff:ffff:ffff:ffff'].flatMap((ip) => [
    passed(`IPv6 from ${ip}`, edges, talk6(ip)),
    passed(`an advertisement of ${ip}`, edges, advertises(ip)),
  ]),
  ...['fd00:9::1', 'fd00:9::4', 'fd00:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'fd01:0:0:1::'].flatMap(
    (ip) => [
      dropped(`IPv6 from ${ip}`, edges, talk6(ip)),
      dropped(`an advertisement of ${ip}`, edges, advertises(ip)),
    ],
  ),

  // A pair for any address is one of its family, and no way around what can't be read.
  dropped('IPv6 of another, by a pair for any IPv4 address', everyIpv4, talk6(other.ip6)),
  dropped('IPv4 of another, by a pair for any IPv6 address', everyIpv6, talk4(other.ip)),
  dropped('a header of IPv4 that is too short', everyIpv4, altered(talk4(own.ip), 14, 0x44)),
  dropped('a length of IPv4 beyond the frame', everyIpv4, altered(talk4(own.ip), 16, 0xff)),
  dropped('a length of IPv6 beyond the frame', everyIpv6, altered(talk6(own.ip6), 18, 0xff)),
  dropped('an advertisement of ::', everyIpv6, advertises('::')),
  dropped('a solicitation of ::', everyIpv6, solicits('::')),
  dropped('ping from ::', everyIpv6, talk6('::')),

  // Tags: half ones, and those behind something else than a tag.
  dropped('half a tag', anyType, halfATag([])),
  dropped('half a tag of a trunk', trunkOfAnyType, halfATag([])),
  dropped('half a tag behind a permitted one', trunkOfAnyType, halfATag([{ vid: 100 }])),
  dropped('a tag behind SNAP', anyType, tagInSnap([])),
  dropped('a tag behind SNAP behind a permitted tag', trunkOfAnyType, tagInSnap([{ vid: 100 }])),
  dropped(
    'a tag behind SNAP behind a permitted tag, seen deeper',
    trunkOfAnyType,
    tagInSnap([{ vid: 100 }]),
    two,
  ),
  passed('IP behind SNAP behind a permitted tag', trunk, frame(snap(ip4(own.ip)), [{ vid: 100 }])),
  dropped(
    'another’s IP behind SNAP behind a tag',
    trunk,
    frame(snap(ip4(other.ip)), [{ vid: 100 }]),
  ),
  ...([{ vlanLimit: 1 }, two, most] as const).flatMap((eyes) => [
    dropped('two tags of a trunk', trunk, tags(own.ip, 100, 100), eyes),
    dropped('two tags of a trunk, the second its own', trunk, tags(own.ip, 7, 100), eyes),
    dropped('two tags of a trunk with any EtherType', trunkOfAnyType, tags(own.ip, 100, 7), eyes),
    dropped('another’s address behind two tags', anyTag, tags(other.ip, 7, 8), eyes),
    dropped('three tags', anyTag, tags(own.ip, 7, 8, 9), eyes),
    passed('a tag, where any may be', anyTag, tags(own.ip, 7), eyes),
    dropped('another’s address behind a tag, where any may be', anyTag, tags(other.ip, 7), eyes),
  ]),
  dropped('two tags, where any may be, but one is looked through', anyTag, tags(own.ip, 7, 8)),
  passed('two tags, where any may be, and two are looked through', anyTag, tags(own.ip, 7, 8), two),

  // Fragments.
  passed('the first part of a ping', plain, first(ping4())),
  dropped('the first part of a ping, if it shows nothing', plain, first(ping4()), hidden),
  passed('a later part of a ping, if it shows nothing', plain, later(ping4()), hidden),
  passed('the first part of a report from ::', plain, first6(report())),
  dropped(
    'the first part of a report from ::, if it shows nothing',
    plain,
    first6(report()),
    hidden,
  ),
  passed('an atomic fragment with an advertisement', plain, advertisesBehind(extension.fragment())),
  dropped('a fragment that only a reserved bit makes one', plain, advertisesBehind(reserved())),
  dropped('a router’s in a fragment in a fragment', plain, fragmentInFragment(0)),
  dropped(
    'the first part of a part, which ends where it would say what it is',
    plain,
    headerAlone(58),
  ),
  dropped('the first part of a part, which ends in an options header', plain, headerAlone(60)),
  passed(
    'the first part of a later part: the first part of all cannot come',
    plain,
    fragmentInFragment(64),
  ),
  dropped(
    'a protocol that reads as none',
    plain,
    frame(ipv4({ src: own.ip, dst: peer.ip }, segment(0, 'data'))),
  ),

  // What is no message, as nobody that receives it would take it for one.
  passed(
    'router advertisement in IPv4',
    plain,
    frame(ipv4({ src: own.ip, dst: peer.ip }, bare(routerAdvertisement({})))),
  ),
  dropped('router advertisement as IPv4', plain, frame(packet(0x0800, ra().bytes))),
  passed('router advertisement behind the end of the packet', plain, shortened(ra(), 0)),
  passed('router advertisement of 4 bytes', plain, shortened(ra(), 4)),
  dropped('router advertisement of 8 bytes', plain, shortened(ra(), 8)),
  passed(
    'another’s hardware address behind the end of the packet',
    plain,
    shortened(na(other.mac), 24),
  ),
  dropped('another’s hardware address in it', plain, shortened(na(other.mac), 32)),
  passed(
    'UDP-Lite as of a DHCP server',
    plain,
    frame(ipv4({ src: own.ip, dst: peer.ip }, lite(67, 68))),
  ),

  // Neighbour discovery.
  dropped(
    'a solicitation of :: from ::, by a pair for any address',
    everyIpv6NoNdCheck,
    bytes(
      '3333ff000000fa163e00000186dd6000000000183aff00000000000000000000000000000000ff0200000000000000000001ff000000' +
        '87007aa80000000000000000000000000000000000000000',
    ),
  ),
  dropped(
    'a solicitation from :: that can’t be read, by a pair for any address',
    everyIpv6NoNdCheck,
    bytes(
      '3333ff000001fa163e00000186dd6000000000283aff00000000000000000000000000000000ff0200000000000000000001ff000001' +
        '87000b6300000000fd0000000000000000000000000000010101fa163e0000010101fa163e000001',
    ),
  ),
  dropped(
    'no hardware address, then another’s',
    plain,
    solicits(peer.ip6, ['00:00:00:00:00:00', other.mac]),
  ),
  passed(
    'no hardware address, then its own',
    plain,
    solicits(peer.ip6, ['00:00:00:00:00:00', own.mac]),
  ),
  dropped(
    'its own hardware address, then another’s',
    plain,
    solicits(peer.ip6, [own.mac, other.mac]),
  ),
  dropped('its own hardware address twice', plain, solicits(peer.ip6, [own.mac, own.mac])),

  // ARP of IEEE 802 networks (type 6), which Linux takes from Ethernet too.
  dropped('ARP of hardware type 6', plain, altered(claim(own.ip), 15, 6)),
  dropped(
    'ARP of hardware type 6, where ARP is not checked',
    noArpCheck,
    altered(claim(other.ip), 15, 6),
  ),
  passed('ARP for another, where it is not checked', noArpCheck, claim(other.ip)),
  dropped('inverse ARP, where ARP is not checked', noArpCheck, altered(claim(own.ip), 20, 0, 8)),
]

function passed(
  name: string,
  port: DeclaredPort,
  frame: Uint8Array,
  eyes: Partial<Eyes> = {},
): Regression {
  return { name, port, frame, eyes, passes: true }
}

function dropped(
  name: string,
  port: DeclaredPort,
  frame: Uint8Array,
  eyes: Partial<Eyes> = {},
): Regression {
  return { name, port, frame, eyes, passes: false }
}

function declared(
  checks: NonNullable<DeclaredPort['checks']>,
  ...prefixes: string[]
): DeclaredPort {
  const pairs = prefixes.map((prefix): [string, string] => [own.mac, prefix])
  return { ...declaredAs(own.mac, [own.ip, own.ip6], pairs), checks }
}

function declaredAs(
  mac: string,
  ips: readonly string[],
  pairs: readonly (readonly [string, string])[],
): DeclaredPort {
  const allowedAddressPairs = pairs.map(([of, text]) => ({
    mac: parseMac(of),
    prefix: parsePrefix(text),
  }))
  return { mac: parseMac(mac), ips: ips.map(parseIp), allowedAddressPairs }
}

/** A case that a test has reported. */
function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'))
}

function frame(payload: Packet, tagged: readonly Tag[] = []): Uint8Array {
  return ethernet({ src: own.mac, dst: peer.mac, tags: tagged }, payload)
}

function ip4(src: string): Packet {
  return ipv4({ src, dst: peer.ip }, udp({ src: 9, dst: 9 }, 'data'))
}

function talk4(src: string): Uint8Array {
  return frame(ip4(src))
}

function talk6(src: string): Uint8Array {
  return frame(ipv6({ src, dst: peer.ip6 }, icmpv6Echo({})))
}

function claim(spa: string): Uint8Array {
  return frame(arp({ op: 2, sha: own.mac, spa, tha: peer.mac, tpa: peer.ip }))
}

function probe(tpa: string): Uint8Array {
  return ethernet({ src: own.mac, dst: BROADCAST }, arpProbe({ sha: own.mac, tpa }))
}

function tags(src: string, ...vids: readonly number[]): Uint8Array {
  return frame(
    ip4(src),
    vids.map((vid) => ({ vid })),
  )
}

function halfATag(before: readonly Tag[]): Uint8Array {
  return frame(packet(0x8100, Uint8Array.of(0, 7)), before)
}

function tagInSnap(before: readonly Tag[]): Uint8Array {
  const { etherType, bytes: inner } = ip4(other.ip)
  const tag = Uint8Array.of(0, 7, etherType >> 8, etherType & 0xff, ...inner)
  return frame(snap(packet(0x8100, tag)), before)
}

function na(tll: string, target = own.ip6, ...before: readonly Extension[]): Packet {
  const options = [ndOption.targetLinkLayer(tll)]
  const header = { src: own.ip6, dst: peer.ip6, hopLimit: 255, extensions: before }
  return ipv6(header, neighbourAdvertisement({ target, options }))
}

function advertises(target: string): Uint8Array {
  return frame(na(own.mac, target))
}

function advertisesBehind(before: Extension): Uint8Array {
  return frame(na(own.mac, own.ip6, before))
}

function solicits(target: string, hardware: readonly string[] = []): Uint8Array {
  const options = hardware.map(ndOption.sourceLinkLayer)
  const header = { src: own.ip6, dst: peer.ip6, hopLimit: 255 }
  return frame(ipv6(header, neighbourSolicitation({ target, options })))
}

function ra(): Packet {
  return ipv6({ src: own.ip6, dst: peer.ip6, hopLimit: 255 }, routerAdvertisement({}))
}

/** IPv6 that says to carry no more than this, and is followed by the rest. */
function shortened(whole: Packet, size: number): Uint8Array {
  return altered(frame(whole), 14 + 4, 0, size)
}

function ping4(): Packet {
  return ipv4({ src: own.ip, dst: peer.ip }, icmp({ data: new Uint8Array(24) }))
}

function report(): Packet {
  return ipv6({ src: '::', dst: 'ff02::16', hopLimit: 1 }, mldv2Report({ groups: ['ff02::fb'] }))
}

function first(whole: Packet): Uint8Array {
  return frame(part(ipv4Fragments(whole, 16), 0))
}

function later(whole: Packet): Uint8Array {
  return frame(part(ipv4Fragments(whole, 16), 1))
}

function first6(whole: Packet): Uint8Array {
  return frame(part(ipv6Fragments(whole, {}, 16), 0))
}

function part(parts: readonly Packet[], i: number): Packet {
  const found = parts[i]
  if (found === undefined) throw new RangeError(`no part ${i}`)
  return found
}

/** RFC 8200, 4.5: two bits between the offset and the flag, "initialized to zero, ignored on reception". */
function reserved(): Extension {
  return { protocol: 44, bytes: (next) => Uint8Array.of(next, 0, 0, 2, 0, 0, 0, 1) }
}

/** The first part of a packet, which is a part itself, from this offset on. */
function fragmentInFragment(offset: number): Uint8Array {
  const extensions = [
    extension.fragment({ id: 1, more: true }),
    extension.fragment({ id: 2, at: offset, more: true }),
  ]
  const header = { src: own.ip6, dst: peer.ip6, hopLimit: 255, extensions }
  return frame(ipv6(header, routerAdvertisement({})))
}

/** The first part of a packet, in which there is no more than the header of a fragment. */
function headerAlone(next: number): Uint8Array {
  const inner = Uint8Array.of(next, 0, 0, 1, 0, 0, 0, 2)
  const extensions = [extension.fragment({ more: true })]
  return frame(ipv6({ src: own.ip6, dst: peer.ip6, extensions }, segment(44, inner)))
}

/** With the checksum of no address at all. */
function bare(of: Segment): Segment {
  return segment(
    of.protocol,
    of.bytes(() => 0),
  )
}

/** RFC 3828. */
function lite(src: number, dst: number): Segment {
  return { ...udp({ src, dst }, 'data'), protocol: 136 }
}
