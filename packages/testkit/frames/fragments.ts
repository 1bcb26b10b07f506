// Fragments: honest ones, and those that hide what they are parts of. Rules 6, 7, 8, 9, 13, 14, 15.
//
// A part that is not the first says nothing of what it is a part of: it passes when its source does, and helps no attack
// whose first part was dropped.

import {
  dhcp,
  dhcpv6,
  extension,
  icmp,
  icmpRedirect,
  icmpRouterAdvertisement,
  icmpv6Echo,
  icmpv6Redirect,
  igmpv3Query,
  ipv4,
  ipv4Fragments,
  ipv6,
  ipv6Fragments,
  mldv2Query,
  ndOption,
  neighbourAdvertisement,
  neighbourSolicitation,
  routerAdvertisement,
  routerSolicitation,
  segment,
  tcp,
  udp,
} from '../src/frames.ts'
import type { Extension, Packet, Segment } from '../src/frames.ts'
import type { FrameOf, Passes, Said, Station } from './corpus-frame.ts'
import { family, fragmentSet, honest, hostile, undecidable } from './corpus-frame.ts'
import { ALL_NODES, echo4, echo6, talk, toAll, toGroup, toStation } from './send.ts'

const EVADES = 'RFC 6980; RFC 7113, 2'
const WHERE_OTHERS: Passes = ['pair', 'zero', 'exempt-source']

const passes =
  (rule: number, source: string) =>
  (frame: FrameOf): Said =>
    honest(rule, source, frame)
const later =
  (rule: number, source: string) =>
  (frame: FrameOf): Said =>
    undecidable(rule, `${source}; a later part`, frame)
const dropped =
  (rule: number, source: string, at: Passes = []) =>
  (frame: FrameOf): Said =>
    hostile(rule, source, frame, at)

const filling = (label: string): Uint8Array =>
  Uint8Array.from({ length: 1200 }, (_, i) => label.charCodeAt(i % label.length))

/** Parts of an IPv4 packet to the peer. */
const parts4 =
  (carried: Segment, id: number, ...cuts: readonly number[]) =>
  (own: Station, _: Station, peer: Station): readonly Uint8Array[] =>
    ipv4Fragments(ipv4({ src: own.ip, dst: peer.ip, id }, carried), ...cuts).map((part) =>
      toStation(own, peer, part),
    )

type How6 = {
  readonly id: number
  readonly before?: Extension
  readonly inside?: readonly Extension[]
}

/** Parts of an IPv6 packet from an address of its own to the peer's; `inside` is in the parts, `before` in front of each. */
const parts6 =
  (carried: Segment, { id, before, inside = [] }: How6, ...cuts: readonly number[]) =>
  (own: Station, _: Station, peer: Station): readonly Uint8Array[] => {
    const extensions = before === undefined ? inside : [before, ...inside]
    const whole = ipv6({ src: own.ip6, dst: peer.ip6, hopLimit: 255, extensions }, carried)
    const how = { id, headers: before === undefined ? 0 : 1 }
    return ipv6Fragments(whole, how, ...cuts).map((part) => toStation(own, peer, part))
  }

/** Parts of what a router would say to all nodes. */
const partsOfRa =
  (how: How6, ...cuts: readonly number[]) =>
  (own: Station): readonly Uint8Array[] => {
    const { id, before, inside = [] } = how
    const extensions = before === undefined ? inside : [before, ...inside]
    const options = [ndOption.sourceLinkLayer(own.mac), ndOption.prefix('2001:db8::', 64)]
    const whole = ipv6(
      { src: own.linkLocal, dst: ALL_NODES, hopLimit: 255, extensions },
      routerAdvertisement({ options }),
    )
    const headers = before === undefined ? 0 : 1
    return ipv6Fragments(whole, { id, headers }, ...cuts).map((part) =>
      toGroup(own, ALL_NODES, part),
    )
  }

const atomic =
  (message: (own: Station, other: Station) => Segment): FrameOf =>
  (own, other) =>
    toGroup(
      own,
      ALL_NODES,
      ipv6(
        {
          src: own.ip6,
          dst: ALL_NODES,
          hopLimit: 255,
          extensions: [extension.fragment({ id: 9 })],
        },
        message(own, other),
      ),
    )

const na = (target: string, mac: string): Segment =>
  neighbourAdvertisement({ target, override: true, options: [ndOption.targetLinkLayer(mac)] })

function single(header: { src: string; dst: string }, carried: Segment, part: Extension): Packet {
  return ipv6({ ...header, hopLimit: 255, extensions: [part] }, carried)
}

const firstOf = (id: number): Extension => extension.fragment({ id, more: true })

export const fragmentFrames = family({
  ...fragmentSet(
    'fragment4-ping',
    parts4(icmp({ id: 1, data: filling('ping') }), 1, 800),
    passes(6, 'RFC 791, 3.2'),
    passes(6, 'RFC 791, 3.2'),
  ),
  ...fragmentSet(
    'fragment4-udp',
    parts4(udp({ src: 9, dst: 9 }, filling('udp')), 2, 400, 800),
    passes(6, 'RFC 791, 3.2'),
    passes(6, 'RFC 791, 3.2'),
    passes(6, 'RFC 791, 3.2'),
  ),
  ...fragmentSet(
    'fragment4-tcp',
    parts4(tcp({ src: 40_000, dst: 80, flags: 0x18 }, filling('tcp')), 3, 800),
    passes(6, 'RFC 791, 3.2'),
    passes(6, 'RFC 791, 3.2'),
  ),
  ...fragmentSet(
    'fragment4-unknown-protocol',
    parts4(segment(253, filling('253')), 4, 800),
    passes(6, 'RFC 791, 3.2'),
    passes(6, 'RFC 791, 3.2'),
  ),
  ...fragmentSet(
    'fragment6-ping',
    parts6(icmpv6Echo({ id: 1, data: filling('ping') }), { id: 1 }, 800),
    passes(15, 'RFC 8200, 4.5'),
    passes(15, 'RFC 8200, 4.5'),
  ),
  ...fragmentSet(
    'fragment6-udp',
    parts6(udp({ src: 9, dst: 9 }, filling('udp')), { id: 2 }, 400, 800),
    passes(15, 'RFC 8200, 4.5'),
    passes(15, 'RFC 8200, 4.5'),
    passes(15, 'RFC 8200, 4.5'),
  ),
  ...fragmentSet(
    'fragment6-tcp',
    parts6(tcp({ src: 40_000, dst: 80, flags: 0x18 }, filling('tcp')), { id: 3 }, 800),
    passes(15, 'RFC 8200, 4.5'),
    passes(15, 'RFC 8200, 4.5'),
  ),
  ...fragmentSet(
    'fragment6-hop-by-hop',
    parts6(udp({ src: 9, dst: 9 }, filling('hbh')), { id: 4, before: extension.hopByHop() }, 800),
    passes(15, 'RFC 8200, 4.5'),
    passes(15, 'RFC 8200, 4.5'),
  ),
  ...fragmentSet(
    'fragment6-options-inside',
    parts6(
      udp({ src: 9, dst: 9 }, filling('in')),
      { id: 5, inside: [extension.destination()] },
      800,
    ),
    passes(15, 'RFC 8200, 4.5'),
    passes(15, 'RFC 8200, 4.5'),
  ),
  'fragment6-atomic-ping': honest(15, 'RFC 6946', (own, _, peer) =>
    toStation(
      own,
      peer,
      single({ src: own.ip6, dst: peer.ip6 }, echo6('atomic'), extension.fragment()),
    ),
  ),
  'fragment6-atomic-udp': honest(15, 'RFC 6946', (own, _, peer) =>
    toStation(
      own,
      peer,
      single({ src: own.ip6, dst: peer.ip6 }, talk('atomic'), extension.fragment()),
    ),
  ),

  'fragment6-atomic-na': undecidable(
    15,
    'RFC 6980: no station sends it; OVS reads it like any other, and it claims what is its own',
    atomic((own) => na(own.ip6, own.mac)),
  ),
  'fragment6-atomic-ns': undecidable(
    15,
    'RFC 6980: no station sends it; OVS reads it like any other',
    atomic(() => neighbourSolicitation({ target: 'fd00::1' })),
  ),
  'fragment6-atomic-rs': undecidable(
    15,
    'RFC 6980: no station sends it; OVS reads it like any other',
    atomic(() => routerSolicitation()),
  ),
  'fragment6-atomic-na-other': hostile(
    15,
    EVADES,
    atomic((own, other) => na(other.ip6, own.mac)),
    ['pair', 'zero', 'exempt-nd'],
  ),

  ...fragmentSet('fragment6-ra', partsOfRa({ id: 20 }, 24), dropped(15, EVADES), later(15, EVADES)),
  ...fragmentSet(
    'fragment6-ra-tiny',
    partsOfRa({ id: 21 }, 8, 16),
    dropped(15, EVADES),
    later(15, EVADES),
    later(15, EVADES),
  ),
  ...fragmentSet(
    'fragment6-ra-hop-by-hop',
    partsOfRa({ id: 22, before: extension.hopByHop() }, 24),
    dropped(15, EVADES),
    later(15, EVADES),
  ),
  ...fragmentSet(
    'fragment6-ra-options-first',
    partsOfRa({ id: 23, inside: [extension.destination()] }, 8),
    dropped(15, 'RFC 7112: the first part has no upper-layer header'),
    later(15, EVADES),
  ),
  ...fragmentSet(
    'fragment6-ra-options-cut',
    partsOfRa(
      { id: 24, inside: [extension.destination(Uint8Array.of(0x1e, 60, ...new Uint8Array(60)))] },
      32,
    ),
    dropped(15, 'RFC 7112: the first part ends amid the options'),
    later(15, EVADES),
  ),
  ...fragmentSet(
    'fragment6-ra-options-inside',
    partsOfRa({ id: 25, inside: [extension.destination(), extension.authentication()] }, 48),
    dropped(15, EVADES),
    later(15, EVADES),
  ),
  ...fragmentSet(
    'fragment6-ra-many-headers',
    partsOfRa(
      { id: 26, inside: Array.from({ length: 6 }, () => extension.destination()) },
      16,
      32,
      48,
    ),
    dropped(15, EVADES),
    later(15, EVADES),
    later(15, EVADES),
    later(15, EVADES),
  ),
  'fragment6-ra-first-alone': hostile(15, EVADES, (own) =>
    toGroup(
      own,
      ALL_NODES,
      single({ src: own.linkLocal, dst: ALL_NODES }, routerAdvertisement({}), firstOf(27)),
    ),
  ),
  'fragment6-ra-atomic-then-first': hostile(15, EVADES, (own) =>
    toGroup(
      own,
      ALL_NODES,
      ipv6(
        {
          src: own.linkLocal,
          dst: ALL_NODES,
          hopLimit: 255,
          extensions: [extension.fragment(), firstOf(28)],
        },
        routerAdvertisement({}),
      ),
    ),
  ),
  ...fragmentSet(
    'fragment6-na-other',
    (own, other, peer) => parts6(na(other.ip6, own.mac), { id: 30 }, 24)(own, other, peer),
    dropped(15, EVADES),
    later(15, EVADES),
  ),
  ...fragmentSet(
    'fragment6-na-own',
    (own, other, peer) => parts6(na(own.ip6, own.mac), { id: 31 }, 24)(own, other, peer),
    dropped(15, 'RFC 6980: never in fragments'),
    later(15, EVADES),
  ),
  ...fragmentSet(
    'fragment6-ns',
    (own, other, peer) => {
      const options = [ndOption.sourceLinkLayer(other.mac)]
      const message = neighbourSolicitation({ target: peer.ip6, options })
      return parts6(message, { id: 32 }, 24)(own, other, peer)
    },
    dropped(15, EVADES),
    later(15, EVADES),
  ),
  ...fragmentSet(
    'fragment6-rs',
    (own, other, peer) => {
      const message = routerSolicitation({ options: [ndOption.sourceLinkLayer(other.mac)] })
      return parts6(message, { id: 33 }, 8)(own, other, peer)
    },
    dropped(15, EVADES),
    later(15, EVADES),
  ),
  ...fragmentSet(
    'fragment6-redirect',
    (own, other, peer) => {
      const message = icmpv6Redirect({ target: own.linkLocal, destination: other.ip6 })
      return parts6(message, { id: 34 }, 24)(own, other, peer)
    },
    dropped(15, EVADES),
    later(15, EVADES),
  ),
  ...fragmentSet(
    'fragment6-mld-query',
    parts6(mldv2Query(), { id: 42 }, 8),
    dropped(13, 'RFC 3810, in fragments', ['exempt-query']),
    later(13, 'RFC 3810, in fragments'),
  ),
  ...fragmentSet(
    'fragment6-overlap',
    (own, other, peer) => {
      // First options and an echo request; then, over the request, an advertisement, which old receivers would take instead.
      const inside = [extension.destination()]
      const echo = parts6(
        icmpv6Echo({ id: 35, data: filling('e').subarray(0, 16) }),
        { id: 35, inside },
        24,
      )
      const ra = parts6(na(other.ip6, own.mac), { id: 35, inside }, 8)
      return [
        echo(own, other, peer)[0] ?? new Uint8Array(),
        ra(own, other, peer)[1] ?? new Uint8Array(),
      ]
    },
    (frame) => undecidable(15, 'RFC 5722: receivers drop what overlaps', frame),
    later(15, 'RFC 5722: receivers drop what overlaps'),
  ),
  'fragment6-first-without-ports': hostile(
    15,
    'RFC 7112: the first part has no upper-layer header',
    (own, _, peer) =>
      toStation(own, peer, single({ src: own.ip6, dst: peer.ip6 }, segment(17, ''), firstOf(36))),
  ),
  'fragment6-first-without-type': hostile(
    15,
    'RFC 7112: the first part has no upper-layer header',
    (own, _, peer) =>
      toStation(own, peer, single({ src: own.ip6, dst: peer.ip6 }, segment(58, ''), firstOf(37))),
  ),
  'fragment6-first-other-source': hostile(
    9,
    'RFC 2827',
    (own, other, peer) =>
      toStation(own, peer, single({ src: other.ip6, dst: peer.ip6 }, talk('other'), firstOf(38))),
    WHERE_OTHERS,
  ),
  'fragment6-later-other-source': hostile(
    9,
    'RFC 2827',
    (own, other, peer) =>
      toStation(
        own,
        peer,
        single(
          { src: other.ip6, dst: peer.ip6 },
          talk('other'),
          extension.fragment({ id: 39, at: 800 }),
        ),
      ),
    WHERE_OTHERS,
  ),
  'fragment6-later-no-source': hostile(
    10,
    'RFC 4291, 2.5.2',
    (own, _, peer) =>
      toStation(
        own,
        peer,
        single({ src: '::', dst: peer.ip6 }, talk('none'), extension.fragment({ id: 40, at: 800 })),
      ),
    ['exempt-source'],
  ),
  ...fragmentSet(
    'fragment6-dhcp-server',
    (own, other, peer) => {
      const message = dhcpv6({ type: 'reply', mac: peer.mac, xid: 60 })
      return parts6(udp({ src: 547, dst: 546 }, message), { id: 41 }, 8)(own, other, peer)
    },
    dropped(14, 'RFC 7610, 4', ['exempt-dhcp-server']),
    later(14, 'RFC 7610, 4'),
  ),

  ...fragmentSet(
    'fragment4-dhcp-server',
    (own, other, peer) => {
      const message = dhcp({ type: 'offer', mac: peer.mac, xid: 61, yiaddr: peer.ip })
      return parts4(udp({ src: 67, dst: 68 }, message), 20, 200)(own, other, peer)
    },
    dropped(8, 'RFC 2131, in fragments', ['exempt-dhcp-server']),
    later(8, 'RFC 2131, in fragments'),
  ),
  ...fragmentSet(
    'fragment4-dhcp-server-tiny',
    (own, other, peer) => {
      const message = dhcp({ type: 'ack', mac: peer.mac, xid: 62, yiaddr: peer.ip })
      return parts4(udp({ src: 67, dst: 68 }, message), 21, 8)(own, other, peer)
    },
    dropped(8, 'RFC 1858, the tiny fragment', ['exempt-dhcp-server']),
    later(8, 'RFC 1858, the tiny fragment'),
  ),
  ...fragmentSet(
    'fragment4-redirect',
    (own, other, peer) => {
      const about = ipv4({ src: peer.ip, dst: other.ip }, talk(''))
      return parts4(icmpRedirect({ gateway: own.ip, about }), 22, 8)(own, other, peer)
    },
    dropped(13, 'RFC 792, in fragments', ['exempt-redirect']),
    later(13, 'RFC 792, in fragments'),
  ),
  ...fragmentSet(
    'fragment4-router-advertisement',
    (own, other, peer) =>
      parts4(icmpRouterAdvertisement({ router: own.ip }), 23, 8)(own, other, peer),
    dropped(13, 'RFC 1256, in fragments', ['exempt-ra']),
    later(13, 'RFC 1256, in fragments'),
  ),
  ...fragmentSet(
    'fragment4-igmp-query',
    parts4(igmpv3Query(), 30, 8),
    dropped(13, 'RFC 3376, in fragments', ['exempt-query']),
    dropped(13, 'RFC 3376, in fragments: OVS sees IGMP in every part', ['exempt-query']),
  ),
  'fragment4-first-without-ports': hostile(
    6,
    'RFC 1858: a first part that ends before the ports',
    (own, _, peer) =>
      toStation(
        own,
        peer,
        ipv4(
          { src: own.ip, dst: peer.ip, id: 24, part: { more: true } },
          segment(17, Uint8Array.of(0, 67)),
        ),
      ),
  ),
  'fragment4-overlap-ports': undecidable(
    6,
    'RFC 3128: a later part at offset 8; receivers keep what came first, or nothing',
    (own, _, peer) => {
      const [, second = new Uint8Array()] = parts4(udp({ src: 9, dst: 9 }, filling('o')), 25, 8)(
        own,
        own,
        peer,
      )
      return second
    },
  ),
  'fragment4-at-the-end': undecidable(
    6,
    'CA-1996-26, ping of death: receivers drop what is longer than a packet may be',
    (own, _, peer) =>
      toStation(
        own,
        peer,
        ipv4(
          { src: own.ip, dst: peer.ip, id: 26, part: { at: 65_528 } },
          segment(1, filling('end')),
        ),
      ),
  ),
  'fragment4-first-other-source': hostile(
    6,
    'RFC 2827',
    (own, other, peer) =>
      toStation(
        own,
        peer,
        ipv4({ src: other.ip, dst: peer.ip, id: 27, part: { more: true } }, echo4('12345678')),
      ),
    WHERE_OTHERS,
  ),
  'fragment4-later-other-source': hostile(
    6,
    'RFC 2827',
    (own, other, peer) => {
      const whole = ipv4({ src: other.ip, dst: peer.ip, id: 28 }, icmp({ data: filling('o') }))
      const [, second] = ipv4Fragments(whole, 800)
      return toStation(own, peer, second ?? whole)
    },
    WHERE_OTHERS,
  ),
  'fragment4-later-no-source': hostile(
    7,
    'RFC 1122, 3.2.1.3: a part of what may have been DHCP',
    (own) => {
      const whole = ipv4(
        { src: '0.0.0.0', dst: '255.255.255.255', id: 29 },
        udp({ src: 68, dst: 67 }, dhcp({ type: 'discover', mac: own.mac, xid: 63 })),
      )
      const [, second] = ipv4Fragments(whole, 200)
      return toAll(own, second ?? whole)
    },
    ['exempt-source'],
  ),
})
