// IPv6: its sources, its extension headers, what it carries, and headers that make no sense. Rules 1, 9, 10, 15.

import {
  TCP_OPTIONS,
  altered,
  esp,
  extension,
  gre,
  icmpv6,
  icmpv6Echo,
  ipInIp,
  ipv4,
  ipv6,
  packet,
  padded,
  sctp,
  segment,
  tcp,
  udp,
} from '../src/frames.ts'
import type { Extension, Segment } from '../src/frames.ts'
import type { FrameOf, Passes } from './corpus-frame.ts'
import { family, honest, hostile, undecidable } from './corpus-frame.ts'
import { DNS_QUERY, ping6, talk, toGroup, toStation } from './send.ts'

const RFC = 'RFC 8200'
const BCP38 = 'RFC 2827'
const WHERE_OTHERS: Passes = ['pair', 'zero', 'exempt-source']
const WHERE_ANY: Passes = ['zero', 'exempt-source']
const EXEMPT: Passes = ['exempt-source']

/** Where to lie in a frame: RFC 8200, 3. */
const [VERSION, LENGTH, HEADER_END] = [14, 18, 54]

const carries =
  (
    carried: Segment,
    more: {
      hopLimit?: number
      trafficClass?: number
      flowLabel?: number
      extensions?: readonly Extension[]
    } = {},
  ): FrameOf =>
  (own, _, peer) =>
    toStation(own, peer, ipv6({ src: own.ip6, dst: peer.ip6, ...more }, carried))

const behind =
  (label: string, ...extensions: readonly Extension[]): FrameOf =>
  (own, other, peer) =>
    carries(talk(label), { extensions })(own, other, peer)

const group =
  (dst: string, carried: Segment, hopLimit = 1): FrameOf =>
  (own) =>
    toGroup(own, dst, ipv6({ src: own.linkLocal, dst, hopLimit }, carried))

const from =
  (src: string): FrameOf =>
  (own, _, peer) =>
    ping6(own, src, peer, `from ${src}`)

const alteredOther =
  (label: string, at: number, ...bytes: readonly number[]): FrameOf =>
  (own, other, peer) =>
    altered(ping6(own, other.ip6, peer, label), at, ...bytes)

const inner4 = ipv4({ src: '192.0.2.1', dst: '192.0.2.2' }, talk('inside'))
const inner6 = ipv6({ src: '2001:db8::1', dst: '2001:db8::2' }, talk('inside'))
const unused = new Uint8Array(4)
const about = ipv6({ src: 'fd00::1', dst: '2001:db8::2' }, udp({ src: 9, dst: 9 }, ''))
const quoted = Uint8Array.from([...unused, ...about.bytes])

export const ipv6Frames = family({
  'ipv6-ping': honest(9, 'RFC 4443', (own, _, peer) => ping6(own, own.ip6, peer, 'ping')),
  'ipv6-ping-reply': honest(9, 'RFC 4443', carries(icmpv6Echo({ type: 129, id: 5, seq: 6 }))),
  'ipv6-ping-link-local': honest(9, 'RFC 4862', (own, _, peer) =>
    ping6(own, own.linkLocal, peer, 'link-local'),
  ),
  'ipv6-udp': honest(9, 'RFC 768', carries(talk('udp'))),
  'ipv6-tcp-syn': honest(9, 'RFC 9293', carries(tcp({ src: 40_000, dst: 80 }))),
  'ipv6-tcp-options': honest(
    9,
    'RFC 7323; Linux',
    carries(tcp({ src: 40_001, dst: 80, options: TCP_OPTIONS })),
  ),
  'ipv6-hop-limit-1': honest(1, 'traceroute6', carries(talk('hop limit'), { hopLimit: 1 })),
  'ipv6-full-size': honest(
    1,
    'IEEE 802.3: 1514 bytes',
    carries(icmpv6Echo({ data: new Uint8Array(1500 - 48).fill(0x61) })),
  ),
  'ipv6-trailing-bytes': honest(
    9,
    'RFC 2464: what is behind the length is padding',
    (own, _, peer) => padded(carries(talk('trailing'))(own, own, peer), 300),
  ),
  'ipv6-flow-label': honest(
    9,
    'RFC 6437',
    carries(talk('label'), { flowLabel: 0xabcde, trafficClass: 0xb8 }),
  ),
  'ipv6-mdns': honest(
    9,
    'RFC 6762',
    group('ff02::fb', udp({ src: 5353, dst: 5353 }, DNS_QUERY), 255),
  ),
  'ipv6-llmnr': honest(
    9,
    'RFC 4795',
    group('ff02::1:3', udp({ src: 40_000, dst: 5355 }, DNS_QUERY)),
  ),
  'ipv6-ospf': honest(9, 'RFC 5340', group('ff02::5', segment(89, 'ospf hello'))),
  'ipv6-hop-by-hop': honest(9, RFC, behind('hbh', extension.hopByHop())),
  'ipv6-router-alert': honest(9, 'RFC 2711', behind('alert', extension.routerAlert())),
  'ipv6-destination-options': honest(9, RFC, behind('options', extension.destination())),
  'ipv6-long-options': honest(
    9,
    RFC,
    behind('long', extension.destination(Uint8Array.of(0x1e, 30, ...new Uint8Array(30)))),
  ),
  'ipv6-routing-done': honest(9, RFC, behind('routing', extension.routing('fd00::77'))),
  'ipv6-authentication': honest(9, 'RFC 4302', behind('ah', extension.authentication())),
  'ipv6-all-headers': honest(
    9,
    'RFC 8200, 4.1',
    behind(
      'all',
      extension.hopByHop(),
      extension.destination(),
      extension.routing('fd00::77'),
      extension.authentication(),
      extension.destination(),
    ),
  ),
  'ipv6-esp': honest(9, 'RFC 4303', carries(esp(0x2001))),
  'ipv6-nothing': honest(9, 'RFC 8200, 4.7', carries(segment(59, ''))),
  'ipv6-gre': honest(9, 'RFC 7676', carries(gre(inner4))),
  'ipv4-in-ipv6': honest(9, 'RFC 2473', carries(ipInIp(inner4))),
  'ipv6-in-ipv6': honest(9, 'RFC 2473', carries(ipInIp(inner6))),
  'ipv6-sctp': honest(
    9,
    'RFC 9260',
    carries(sctp({ src: 5000, dst: 5001 }, Uint8Array.of(4, 0, 0, 8, 0, 1, 0, 4))),
  ),
  'ipv6-unreachable': honest(9, 'RFC 4443', carries(icmpv6(1, quoted, 4))),
  'ipv6-too-big': honest(9, 'RFC 4443', carries(icmpv6(2, quoted))),
  'ipv6-time-exceeded': honest(9, 'RFC 4443', carries(icmpv6(3, quoted))),
  'ipv6-parameter-problem': honest(9, 'RFC 4443', carries(icmpv6(4, quoted, 1))),
  'ipv6-unknown-protocol': honest(9, 'RFC 3692', carries(segment(253, 'experiment'))),

  'ipv6-mac-other': hostile(1, 'macchanger', (own, other, peer) =>
    ping6(other, own.ip6, peer, 'mac other'),
  ),
  'ipv6-mac-and-address-other': hostile(1, 'macchanger', (_, other, peer) =>
    ping6(other, other.ip6, peer, 'all other'),
  ),
  'ipv6-source-other': hostile(
    9,
    BCP38,
    (own, other, peer) => ping6(own, other.ip6, peer, 'other'),
    WHERE_OTHERS,
  ),
  'ipv6-source-other-link-local': hostile(
    9,
    BCP38,
    (own, other, peer) => ping6(own, other.linkLocal, peer, 'other'),
    WHERE_ANY,
  ),
  'ipv6-source-other-behind-options': hostile(
    9,
    BCP38,
    (own, other, peer) =>
      toStation(
        own,
        peer,
        ipv6(
          { src: other.ip6, dst: peer.ip6, extensions: [extension.destination()] },
          talk('other behind options'),
        ),
      ),
    WHERE_OTHERS,
  ),
  'ipv6-source-of-prefix': hostile(9, BCP38, from('fd00:9::5'), WHERE_OTHERS),
  'ipv6-source-after-prefix': hostile(9, BCP38, from('fd00:9:0:1::'), WHERE_ANY),
  'ipv6-source-nobody': hostile(9, BCP38, from('2001:db8::9'), WHERE_ANY),
  'ipv6-source-loopback': hostile(9, 'RFC 4291, 2.5.3', from('::1'), WHERE_ANY),
  'ipv6-source-multicast': hostile(9, 'RFC 4291, 2.7', from('ff02::1'), WHERE_ANY),
  'ipv6-source-mapped': hostile(
    9,
    'RFC 4942, 2.2: taken for an IPv4 address',
    from('::ffff:10.0.0.2'),
    WHERE_ANY,
  ),
  'ipv6-source-compatible': hostile(9, 'RFC 4942, 2.2', from('::10.0.0.2'), WHERE_ANY),
  'ipv6-source-6to4': hostile(9, 'RFC 3964', from('2002:a00:2::1'), WHERE_ANY),
  'ipv6-source-teredo': hostile(9, 'RFC 4380', from('2001:0:a00:2::1'), WHERE_ANY),
  'ipv6-source-nat64': hostile(9, 'RFC 6052', from('64:ff9b::a00:2'), WHERE_ANY),
  'ipv6-source-site-local': hostile(9, 'RFC 3879', from('fec0::9'), WHERE_ANY),
  'ipv6-source-discard': hostile(9, 'RFC 6666', from('100::9'), WHERE_ANY),
  'ipv6-source-anycast': hostile(9, 'RFC 4291, 2.6.1', from('fd00::'), WHERE_ANY),
  'ipv6-source-isatap': hostile(9, 'RFC 5214', from('fe80::200:5efe:a00:2'), WHERE_ANY),

  'ipv6-no-source-ping': hostile(10, 'RFC 4291, 2.5.2', from('::'), EXEMPT),
  'ipv6-no-source-udp': hostile(
    10,
    'RFC 4291, 2.5.2',
    (own, _, peer) => toStation(own, peer, ipv6({ src: '::', dst: peer.ip6 }, talk('none'))),
    EXEMPT,
  ),
  'ipv6-no-source-tcp': hostile(
    10,
    'RFC 4291, 2.5.2',
    (own, _, peer) =>
      toStation(own, peer, ipv6({ src: '::', dst: peer.ip6 }, tcp({ src: 1, dst: 2 }))),
    EXEMPT,
  ),

  'ipv6-length-too-long': hostile(9, RFC, alteredOther('length', LENGTH, 0xff, 0xff)),
  'ipv6-length-too-long-own': hostile(9, RFC, (own, _, peer) =>
    altered(ping6(own, own.ip6, peer, 'length'), LENGTH, 0xff, 0xff),
  ),
  'ipv6-cut-short': hostile(9, RFC, (own, other, peer) =>
    ping6(own, other.ip6, peer, 'cut').subarray(0, HEADER_END - 1),
  ),
  'ipv6-empty': hostile(9, 'a frame of 14 bytes', (own, other, peer) =>
    ping6(own, other.ip6, peer, 'cut').subarray(0, 14),
  ),
  'ipv6-jumbogram': hostile(
    9,
    'RFC 2675: a length of zero, and the real one in an option that OVS does not read',
    (own, _, peer) => {
      const jumbo = extension.hopByHop(Uint8Array.of(0xc2, 4, 0, 1, 0, 0))
      return altered(behind('jumbo', jumbo)(own, own, peer), LENGTH, 0, 0)
    },
  ),
  'ipv6-chain-cut-short': hostile(
    15,
    'RFC 7112: a header chain that does not end',
    (own, _, peer) => {
      // The options header says that it has 2048 bytes.
      const frame = behind('chain', extension.destination())(own, own, peer)
      return altered(frame, HEADER_END + 1, 255)
    },
  ),
  'ipv6-chain-without-end': hostile(
    15,
    'RFC 7112: options, and nothing where they say that UDP is',
    (own, _, peer) =>
      toStation(
        own,
        peer,
        ipv6(
          { src: own.ip6, dst: peer.ip6, extensions: [extension.destination()] },
          segment(60, ''),
        ),
      ),
  ),
  'ipv6-version-4-other': hostile(9, RFC, alteredOther('version', VERSION, 0x40), WHERE_OTHERS),
  'ipv6-version-4-own': undecidable(
    9,
    'RFC 8200: OVS does not look at the version; receivers drop it',
    (own, _, peer) => altered(ping6(own, own.ip6, peer, 'version'), VERSION, 0x40),
  ),
  'ipv6-type-with-ipv4': hostile(9, 'RFC 2464', (own, other, peer) =>
    toStation(
      own,
      peer,
      packet(0x86dd, ipv4({ src: other.ip, dst: peer.ip }, talk('in a frame for IPv6')).bytes),
    ),
  ),
  'ipv6-routing-header-0': undecidable(
    9,
    'RFC 5095: a routing header with hops to go; its source is its own',
    carries(segment(253, 'hops to go'), {
      extensions: [extension.routing('fd00::77', { type: 0, segmentsLeft: 1 })],
    }),
  ),
})
