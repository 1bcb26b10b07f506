// IPv4: its sources, its options, what it carries, and headers that make no sense. Rules 1, 6, 7.

import {
  TCP_OPTIONS,
  altered,
  authenticated,
  esp,
  gre,
  icmp,
  ipInIp,
  ipv4,
  ipv4Option,
  ipv6,
  packet,
  padded,
  sctp,
  segment,
  tcp,
  udp,
} from '../src/frames.ts'
import type { Segment } from '../src/frames.ts'
import type { FrameOf, Passes } from './corpus-frame.ts'
import { family, honest, hostile, undecidable } from './corpus-frame.ts'
import { DNS_QUERY, IPV4_BROADCAST, echo4, ping4, talk, toAll, toGroup, toStation } from './send.ts'

const RFC = 'RFC 791'
const BCP38 = 'RFC 2827'
const ANY_IPV4 = '0.0.0.0'
const WHERE_OTHERS: Passes = ['pair', 'zero', 'exempt-source']
const WHERE_ANY: Passes = ['zero', 'exempt-source']
const EXEMPT: Passes = ['exempt-source']

/** Where to lie in a frame: RFC 791, 3.1. */
const [VERSION_IHL, LENGTH, HEADER_END] = [14, 16, 34]

const carries =
  (
    carried: Segment,
    more: { ttl?: number; tos?: number; dontFragment?: boolean; options?: Uint8Array } = {},
  ): FrameOf =>
  (own, _, peer) =>
    toStation(own, peer, ipv4({ src: own.ip, dst: peer.ip, ...more }, carried))

const group =
  (dst: string, carried: Segment, ttl = 1): FrameOf =>
  (own) =>
    toGroup(own, dst, ipv4({ src: own.ip, dst, ttl }, carried))

const from =
  (src: string): FrameOf =>
  (own, _, peer) =>
    ping4(own, src, peer, `from ${src}`)

const fromMac =
  (mac: string): FrameOf =>
  (own, _, peer) =>
    ping4({ mac }, own.ip, peer, `from ${mac}`)

const fromOther =
  (label: string): FrameOf =>
  (own, other, peer) =>
    ping4(own, other.ip, peer, label)

const alteredOther =
  (label: string, at: number, ...bytes: readonly number[]): FrameOf =>
  (own, other, peer) =>
    altered(ping4(own, other.ip, peer, label), at, ...bytes)

const inner4 = ipv4({ src: '192.0.2.1', dst: '192.0.2.2' }, echo4('inside'))
const inner6 = ipv6({ src: '2001:db8::1', dst: '2001:db8::2' }, talk('inside'))
const quoted = ipv4({ src: '10.0.0.1', dst: '192.0.2.2' }, udp({ src: 9, dst: 9 }, '')).bytes

// RFC 2281, 3: active, hello and hold times, priority, group, "cisco", the virtual address.
const hsrpHello = Uint8Array.of(
  0,
  0,
  16,
  3,
  10,
  100,
  1,
  0,
  99,
  105,
  115,
  99,
  111,
  0,
  0,
  0,
  10,
  0,
  9,
  7,
)

export const ipv4Frames = family({
  'ipv4-ping': honest(6, 'RFC 792', (own, _, peer) => ping4(own, own.ip, peer, 'ping')),
  'ipv4-ping-reply': honest(6, 'RFC 792', carries(icmp({ type: 0, id: 5, seq: 6 }))),
  'ipv4-udp': honest(6, 'RFC 768', carries(talk('udp'))),
  'ipv4-udp-without-checksum': honest(6, 'RFC 768: a checksum of zero', (own, _, peer) =>
    altered(carries(talk('no sum'))(own, own, peer), HEADER_END + 6, 0, 0),
  ),
  'ipv4-tcp-syn': honest(6, 'RFC 9293', carries(tcp({ src: 40_000, dst: 80 }))),
  'ipv4-tcp-options': honest(
    6,
    'RFC 7323; Linux',
    carries(tcp({ src: 40_001, dst: 80, options: TCP_OPTIONS })),
  ),
  'ipv4-tcp-data': honest(
    6,
    'RFC 9293',
    carries(tcp({ src: 40_002, dst: 80, flags: 0x18 }, 'GET / HTTP/1.0\r\n\r\n')),
  ),
  'ipv4-tcp-fin-urgent-push': honest(
    6,
    'nmap -sX',
    carries(tcp({ src: 40_003, dst: 80, flags: 0x29 })),
  ),
  'ipv4-dns': honest(6, 'RFC 1035', carries(udp({ src: 40_004, dst: 53 }, DNS_QUERY))),
  'ipv4-ttl-1': honest(1, 'traceroute', carries(talk('ttl 1'), { ttl: 1 })),
  'ipv4-padded': honest(1, 'IEEE 802.3, 4.2.3.3', (own, _, peer) =>
    padded(carries(udp({ src: 9, dst: 9 }, 'p'))(own, own, peer)),
  ),
  'ipv4-full-size': honest(
    1,
    'IEEE 802.3: 1514 bytes',
    carries(icmp({ data: new Uint8Array(1500 - 28).fill(0x61) })),
  ),
  'ipv4-trailing-bytes': honest(
    6,
    'RFC 894: what is behind the length is padding',
    (own, _, peer) => padded(carries(talk('trailing'))(own, own, peer), 300),
  ),
  'ipv4-type-of-service': honest(6, 'RFC 2474', carries(talk('tos'), { tos: 0xb8 })),
  'ipv4-congestion': honest(6, 'RFC 3168', carries(talk('ecn'), { tos: 0x03 })),
  'ipv4-dont-fragment': honest(6, 'RFC 1191', carries(talk('df'), { dontFragment: true })),
  'ipv4-router-alert': honest(
    6,
    'RFC 2113',
    carries(talk('ra'), { options: ipv4Option.routerAlert }),
  ),
  'ipv4-record-route': honest(
    6,
    'ping -R',
    carries(talk('rr'), { options: ipv4Option.recordRoute }),
  ),
  'ipv4-timestamp': honest(6, 'ping -T', carries(talk('ts'), { options: ipv4Option.timestamp })),
  'ipv4-source-route': honest(
    6,
    'RFC 791, 3.1: the source is its own',
    carries(talk('lsrr'), { options: ipv4Option.looseSourceRoute('10.0.0.1') }),
  ),
  'ipv4-subnet-broadcast': honest(6, 'RFC 919', (own) =>
    toAll(own, ipv4({ src: own.ip, dst: '10.0.0.255' }, talk('subnet'))),
  ),
  'ipv4-broadcast': honest(6, 'RFC 919', (own) =>
    toAll(own, ipv4({ src: own.ip, dst: IPV4_BROADCAST }, talk('broadcast'))),
  ),
  'ipv4-mdns': honest(
    6,
    'RFC 6762',
    group('224.0.0.251', udp({ src: 5353, dst: 5353 }, DNS_QUERY), 255),
  ),
  'ipv4-ssdp': honest(
    6,
    'UPnP',
    group('239.255.255.250', udp({ src: 1900, dst: 1900 }, 'ssdp'), 4),
  ),
  'ipv4-hsrp': honest(6, 'RFC 2281', group('224.0.0.2', udp({ src: 1985, dst: 1985 }, hsrpHello))),
  'ipv4-ospf': honest(6, 'RFC 2328', group('224.0.0.5', segment(89, 'ospf hello'))),
  'ipv4-pim': honest(6, 'RFC 7761', group('224.0.0.13', segment(103, 'pim hello'))),
  'ipv4-wake-on-lan': honest(6, 'wakeonlan', (own) => {
    const magic = Uint8Array.from([...Array<number>(6).fill(255), ...Array<number>(96).fill(0xaa)])
    return toAll(own, ipv4({ src: own.ip, dst: IPV4_BROADCAST }, udp({ src: 9, dst: 9 }, magic)))
  }),
  'ipv4-unreachable': honest(6, 'RFC 792', carries(icmp({ type: 3, code: 3, data: quoted }))),
  'ipv4-too-big': honest(
    6,
    'RFC 1191',
    carries(icmp({ type: 3, code: 4, seq: 1400, data: quoted })),
  ),
  'ipv4-time-exceeded': honest(6, 'RFC 792', carries(icmp({ type: 11, data: quoted }))),
  'ipv4-icmp-timestamp': honest(
    6,
    'RFC 792',
    carries(icmp({ type: 13, data: new Uint8Array(12) })),
  ),
  'ipv4-router-solicitation': honest(6, 'RFC 1256', group('224.0.0.2', icmp({ type: 10 }))),
  'ipv4-esp': honest(6, 'RFC 4303', carries(esp(0x2001))),
  'ipv4-ah': honest(6, 'RFC 4302', carries(authenticated(talk('ah')))),
  'ipv4-gre': honest(6, 'RFC 2784', carries(gre(inner4))),
  'ipv4-in-ipv4': honest(6, 'RFC 2003', carries(ipInIp(inner4))),
  'ipv6-in-ipv4': honest(6, 'RFC 4213', carries(ipInIp(inner6))),
  'ipv4-sctp': honest(
    6,
    'RFC 9260',
    carries(sctp({ src: 5000, dst: 5001 }, Uint8Array.of(4, 0, 0, 8, 0, 1, 0, 4))),
  ),
  'ipv4-vxlan': honest(6, 'RFC 7348', carries(udp({ src: 40_005, dst: 4789 }, 'vxlan'))),
  'ipv4-unknown-protocol': honest(6, 'RFC 3692', carries(segment(253, 'experiment'))),

  'mac-other': hostile(1, 'macchanger', (own, other, peer) =>
    ping4(other, own.ip, peer, 'mac-other'),
  ),
  'mac-and-address-other': hostile(1, 'macchanger', (_, other, peer) =>
    ping4(other, other.ip, peer, 'all other'),
  ),
  'mac-nobody': hostile(1, 'macof (dsniff)', fromMac('02:00:00:00:00:99')),
  'mac-zero': hostile(1, 'IEEE 802', fromMac('00:00:00:00:00:00')),
  'mac-multicast': hostile(1, 'IEEE 802, 8.2.2', fromMac('01:00:5e:00:00:01')),
  'mac-broadcast': hostile(1, 'IEEE 802, 8.2.2', fromMac('ff:ff:ff:ff:ff:ff')),
  'mac-own-but-group-bit': hostile(1, 'IEEE 802, 8.2.2', (own, _, peer) =>
    ping4({ mac: own.mac.replace('fa', 'fb') }, own.ip, peer, 'group bit'),
  ),

  'ipv4-source-other': hostile(6, BCP38, fromOther('other'), WHERE_OTHERS),
  'ipv4-source-smurf': hostile(
    6,
    'CA-1998-01, smurf',
    (own, other) => toAll(own, ipv4({ src: other.ip, dst: '10.0.0.255' }, echo4('smurf'))),
    WHERE_OTHERS,
  ),
  'ipv4-source-other-tcp-reset': hostile(
    6,
    'RFC 5961: a reset in the name of another',
    (own, other, peer) =>
      toStation(
        own,
        peer,
        ipv4({ src: other.ip, dst: peer.ip }, tcp({ src: 80, dst: 40_000, flags: 4 })),
      ),
    WHERE_OTHERS,
  ),
  'ipv4-source-land': hostile(
    6,
    'CA-1997-28, land',
    (own, _, peer) =>
      toStation(own, peer, ipv4({ src: peer.ip, dst: peer.ip }, tcp({ src: 80, dst: 80 }))),
    WHERE_ANY,
  ),
  'ipv4-source-of-prefix': hostile(6, BCP38, from('10.0.9.5'), WHERE_OTHERS),
  'ipv4-source-before-prefix': hostile(6, BCP38, from('10.0.8.255'), WHERE_ANY),
  'ipv4-source-after-prefix': hostile(6, BCP38, from('10.0.10.0'), WHERE_ANY),
  'ipv4-source-nobody': hostile(6, BCP38, from('203.0.113.9'), WHERE_ANY),
  'ipv4-source-loopback': hostile(6, 'CVE-2020-8558', from('127.0.0.1'), WHERE_ANY),
  'ipv4-source-multicast': hostile(6, 'RFC 1812, 5.3.7', from('224.0.0.5'), WHERE_ANY),
  'ipv4-source-broadcast': hostile(6, 'RFC 1812, 5.3.7', from('255.255.255.255'), WHERE_ANY),
  'ipv4-source-subnet-broadcast': hostile(6, 'RFC 1812, 5.3.7', from('10.0.0.255'), WHERE_ANY),
  'ipv4-source-network': hostile(6, 'RFC 1812, 5.3.7', from('10.0.0.0'), WHERE_ANY),
  'ipv4-source-link-local': hostile(6, 'RFC 3927', from('169.254.7.7'), WHERE_ANY),
  'ipv4-source-metadata': hostile(
    6,
    'RFC 3927; cloud metadata',
    from('169.254.169.254'),
    WHERE_ANY,
  ),
  'ipv4-source-reserved': hostile(6, 'RFC 1112, class E', from('240.0.0.1'), WHERE_ANY),
  'ipv4-source-this-network': hostile(6, 'RFC 1122, 3.2.1.3', from('0.0.0.1'), WHERE_ANY),

  'ipv4-no-source-ping': hostile(7, 'RFC 1122, 3.2.1.3', from(ANY_IPV4), EXEMPT),
  'ipv4-no-source-udp': hostile(
    7,
    'RFC 1122, 3.2.1.3',
    (own) => toAll(own, ipv4({ src: ANY_IPV4, dst: IPV4_BROADCAST }, talk('no source'))),
    EXEMPT,
  ),
  'ipv4-no-source-tcp': hostile(
    7,
    'RFC 1122, 3.2.1.3',
    (own, _, peer) =>
      toStation(own, peer, ipv4({ src: ANY_IPV4, dst: peer.ip }, tcp({ src: 68, dst: 67 }))),
    EXEMPT,
  ),
  'ipv4-no-source-unknown-protocol': hostile(
    7,
    'RFC 1122, 3.2.1.3',
    (own) => toAll(own, ipv4({ src: ANY_IPV4, dst: IPV4_BROADCAST }, segment(253, 'none'))),
    EXEMPT,
  ),

  // OVS reads nothing in them. They are dropped, whatever the port is exempted from.
  'ipv4-header-too-short': hostile(6, RFC, alteredOther('ihl 4', VERSION_IHL, 0x44)),
  'ipv4-header-too-long': hostile(6, RFC, alteredOther('ihl 15', VERSION_IHL, 0x4f)),
  'ipv4-length-too-long': hostile(6, RFC, alteredOther('length', LENGTH, 0xff, 0xff)),
  'ipv4-length-too-short': hostile(6, RFC, alteredOther('short', LENGTH, 0, 19)),
  'ipv4-cut-short': hostile(6, RFC, (own, other, peer) =>
    ping4(own, other.ip, peer, 'cut').subarray(0, HEADER_END - 1),
  ),
  'ipv4-empty': hostile(6, 'a frame of 14 bytes', (own, other, peer) =>
    ping4(own, other.ip, peer, 'cut').subarray(0, 14),
  ),
  'ipv4-version-6-other': hostile(6, RFC, alteredOther('version', VERSION_IHL, 0x65), WHERE_OTHERS),
  'ipv4-version-6-own': undecidable(
    6,
    'RFC 791: OVS does not look at the version; receivers drop it',
    (own, _, peer) => altered(ping4(own, own.ip, peer, 'version'), VERSION_IHL, 0x65),
  ),
  'ipv4-type-with-ipv6': hostile(6, 'RFC 894', (own, other, peer) =>
    toStation(
      own,
      peer,
      packet(0x0800, ipv6({ src: other.ip6, dst: peer.ip6 }, talk('0x0800')).bytes),
    ),
  ),
})
