// DHCP of both families: clients, servers, and what only looks like a client. Rules 6, 7, 8, 14.

import {
  dhcp,
  dhcpAddress,
  dhcpDiscover,
  dhcpv6,
  dhcpv6Relay,
  ethernet,
  extension,
  ipv4,
  ipv4Option,
  ipv6,
  padded,
  tcp,
  udp,
} from '../src/frames.ts'
import type { DHCPV6, Extension, Packet } from '../src/frames.ts'
import type { FrameOf, Passes, Station } from './corpus-frame.ts'
import { family, honest, hostile, undecidable } from './corpus-frame.ts'
import { ALL_DHCP, IPV4_BROADCAST, toAll, toGroup, toStation } from './send.ts'

const RFC = 'RFC 2131'
const RFC6 = 'RFC 8415'
const CVE = 'CVE-2016-5362: the DHCP exemption let any source pass'
const ANY_IPV4 = '0.0.0.0'
const WHERE_OTHERS: Passes = ['pair', 'zero', 'exempt-source']
const WHERE_ANY: Passes = ['zero', 'exempt-source']
const EXEMPT_SOURCE: Passes = ['exempt-source']
const EXEMPT_SERVER: Passes = ['exempt-dhcp-server']

/** From a client's port to a server's. */
function client(src: string, dst: string, message: Uint8Array): Packet {
  return ipv4({ src, dst }, udp({ src: 68, dst: 67 }, message))
}

function fromNowhere(message: Uint8Array): Packet {
  return client(ANY_IPV4, IPV4_BROADCAST, message)
}

/** UDP broadcast from 0.0.0.0 that keeps not quite to rule 7. */
const almost =
  (src: number, dst: number): FrameOf =>
  (own) =>
    toAll(
      own,
      ipv4(
        { src: ANY_IPV4, dst: IPV4_BROADCAST },
        udp({ src, dst }, dhcpDiscover({ mac: own.mac, xid: 20 })),
      ),
    )

function serves(
  type: 'offer' | 'ack' | 'nak',
  server: Station,
  victim: Station,
  src = server.ip,
): Packet {
  const options = [dhcpAddress(54, server.ip), dhcpAddress(3, server.ip), dhcpAddress(6, server.ip)]
  const message = dhcp({ type, mac: victim.mac, xid: 30, yiaddr: victim.ip, options })
  return ipv4({ src, dst: IPV4_BROADCAST }, udp({ src: 67, dst: 68 }, message))
}

type Message6 = keyof typeof DHCPV6

const client6 =
  (type: Message6): FrameOf =>
  (own) =>
    toGroup(own, ALL_DHCP, speaks6(own.linkLocal, ALL_DHCP, own, type))

function speaks6(src: string, dst: string, { mac }: Station, type: Message6): Packet {
  return ipv6({ src, dst }, udp({ src: 546, dst: 547 }, dhcpv6({ type, mac, xid: 40 })))
}

function serves6(
  server: Station,
  victim: Station,
  how: { type?: Message6; src?: string; extensions?: readonly Extension[] } = {},
): Packet {
  const { type = 'advertise', src = server.linkLocal, extensions = [] } = how
  const message = dhcpv6({ type, mac: victim.mac, xid: 50 })
  return ipv6({ src, dst: victim.linkLocal, extensions }, udp({ src: 547, dst: 546 }, message))
}

export const dhcpFrames = family({
  'dhcp-discover': honest(7, RFC, (own) =>
    toAll(own, fromNowhere(dhcpDiscover({ mac: own.mac, xid: 1 }))),
  ),
  'dhcp-discover-padded': honest(7, 'RFC 951: 300 bytes of BOOTP', (own) =>
    padded(toAll(own, fromNowhere(dhcpDiscover({ mac: own.mac, xid: 2 }))), 342),
  ),
  'dhcp-request': honest(7, RFC, (own, other) => {
    const options = [dhcpAddress(50, own.ip), dhcpAddress(54, other.ip)]
    return toAll(own, fromNowhere(dhcp({ type: 'request', mac: own.mac, xid: 3, options })))
  }),
  'dhcp-decline': honest(7, RFC, (own, other) => {
    const options = [dhcpAddress(50, own.ip), dhcpAddress(54, other.ip)]
    return toAll(own, fromNowhere(dhcp({ type: 'decline', mac: own.mac, xid: 4, options })))
  }),
  'dhcp-renew': honest(6, 'RFC 2131, 4.3.2', (own, _, peer) =>
    toStation(
      own,
      peer,
      client(own.ip, peer.ip, dhcp({ type: 'request', mac: own.mac, xid: 5, ciaddr: own.ip })),
    ),
  ),
  'dhcp-rebind': honest(6, 'RFC 2131, 4.3.2', (own) =>
    toAll(
      own,
      client(
        own.ip,
        IPV4_BROADCAST,
        dhcp({ type: 'request', mac: own.mac, xid: 6, ciaddr: own.ip }),
      ),
    ),
  ),
  'dhcp-inform': honest(6, RFC, (own) =>
    toAll(
      own,
      client(
        own.ip,
        IPV4_BROADCAST,
        dhcp({ type: 'inform', mac: own.mac, xid: 7, ciaddr: own.ip }),
      ),
    ),
  ),
  'dhcp-release': honest(6, RFC, (own, _, peer) =>
    toStation(
      own,
      peer,
      client(own.ip, peer.ip, dhcp({ type: 'release', mac: own.mac, xid: 8, ciaddr: own.ip })),
    ),
  ),
  'dhcpv6-solicit': honest(14, RFC6, client6('solicit')),
  'dhcpv6-request': honest(14, RFC6, client6('request')),
  'dhcpv6-confirm': honest(14, RFC6, client6('confirm')),
  'dhcpv6-renew': honest(14, RFC6, client6('renew')),
  'dhcpv6-rebind': honest(14, RFC6, client6('rebind')),
  'dhcpv6-release': honest(14, RFC6, client6('release')),
  'dhcpv6-information-request': honest(14, RFC6, client6('informationRequest')),

  'dhcp-discover-for-other': undecidable(
    7,
    'gobbler, dhcpstarv: chaddr is the other’s, and OVS does not see it',
    (own, other) => toAll(own, fromNowhere(dhcpDiscover({ mac: other.mac, xid: 9 }))),
  ),
  'dhcp-client-other-mac': hostile(1, RFC, (_, other) =>
    toAll(other, fromNowhere(dhcpDiscover({ mac: other.mac, xid: 10 }))),
  ),
  'dhcp-client-other-source': hostile(
    6,
    CVE,
    (own, other) =>
      toAll(own, client(other.ip, IPV4_BROADCAST, dhcpDiscover({ mac: own.mac, xid: 11 }))),
    WHERE_OTHERS,
  ),
  'dhcp-client-other-source-unicast': hostile(
    6,
    CVE,
    (own, other, peer) =>
      toStation(own, peer, client(other.ip, peer.ip, dhcpDiscover({ mac: own.mac, xid: 12 }))),
    WHERE_OTHERS,
  ),
  'dhcp-client-nobodys-source': hostile(
    6,
    CVE,
    (own) =>
      toAll(own, client('203.0.113.9', IPV4_BROADCAST, dhcpDiscover({ mac: own.mac, xid: 13 }))),
    WHERE_ANY,
  ),
  'dhcp-client-no-source-unicast': hostile(
    7,
    CVE,
    (own, _, peer) =>
      toStation(own, peer, client(ANY_IPV4, peer.ip, dhcpDiscover({ mac: own.mac, xid: 14 }))),
    EXEMPT_SOURCE,
  ),
  'dhcp-client-no-source-to-station': hostile(
    7,
    CVE,
    (own, _, peer) => toStation(own, peer, fromNowhere(dhcpDiscover({ mac: own.mac, xid: 15 }))),
    EXEMPT_SOURCE,
  ),
  'dhcp-client-no-source-to-group': hostile(
    7,
    CVE,
    (own) =>
      ethernet(
        { src: own.mac, dst: '01:00:5e:00:00:01' },
        fromNowhere(dhcpDiscover({ mac: own.mac, xid: 16 })),
      ),
    EXEMPT_SOURCE,
  ),
  'dhcp-client-no-source-subnet': hostile(
    7,
    CVE,
    (own) => toAll(own, client(ANY_IPV4, '10.0.0.255', dhcpDiscover({ mac: own.mac, xid: 17 }))),
    EXEMPT_SOURCE,
  ),
  'dhcp-client-no-source-68-68': hostile(8, CVE, almost(68, 68)),
  'dhcp-client-no-source-1068-67': hostile(7, CVE, almost(1068, 67), EXEMPT_SOURCE),
  'dhcp-client-no-source-68-53': hostile(7, CVE, almost(68, 53), EXEMPT_SOURCE),
  'dhcp-client-no-source-67-67': hostile(8, CVE, almost(67, 67)),
  'dhcp-client-no-source-tcp': hostile(
    7,
    CVE,
    (own) => toAll(own, ipv4({ src: ANY_IPV4, dst: IPV4_BROADCAST }, tcp({ src: 68, dst: 67 }))),
    EXEMPT_SOURCE,
  ),

  'dhcp-offer': hostile(
    8,
    'yersinia, rogue DHCP server',
    (own, other) => toAll(own, serves('offer', own, other)),
    EXEMPT_SERVER,
  ),
  'dhcp-ack': hostile(8, RFC, (own, other) => toAll(own, serves('ack', own, other)), EXEMPT_SERVER),
  'dhcp-nak': hostile(8, RFC, (own, other) => toAll(own, serves('nak', own, other)), EXEMPT_SERVER),
  'dhcp-offer-unicast': hostile(
    8,
    RFC,
    (own, _, peer) => toStation(own, peer, serves('offer', own, peer)),
    EXEMPT_SERVER,
  ),
  'dhcp-offer-behind-options': hostile(
    8,
    'RFC 791: options move the ports',
    (own, _, peer) => {
      const message = dhcp({ type: 'offer', mac: peer.mac, xid: 33, yiaddr: peer.ip })
      const header = { src: own.ip, dst: peer.ip, options: ipv4Option.recordRoute }
      return toStation(own, peer, ipv4(header, udp({ src: 67, dst: 68 }, message)))
    },
    EXEMPT_SERVER,
  ),
  'dhcp-offer-as-other': hostile(8, RFC, (own, other, peer) =>
    toStation(own, peer, serves('offer', own, peer, other.ip)),
  ),
  'dhcp-offer-no-source': hostile(8, RFC, (own, _, peer) =>
    toStation(own, peer, serves('offer', own, peer, ANY_IPV4)),
  ),
  'dhcp-relay': hostile(
    8,
    'RFC 1542, 4.1: a relay speaks from 67 to 67',
    (own, _, peer) => {
      const message = dhcp({ type: 'discover', mac: own.mac, xid: 31, giaddr: own.ip })
      return toStation(
        own,
        peer,
        ipv4({ src: own.ip, dst: peer.ip }, udp({ src: 67, dst: 67 }, message)),
      )
    },
    EXEMPT_SERVER,
  ),
  'dhcp-ack-from-other-port': hostile(
    8,
    'dhclient and udhcpc look at the port a server sends to, not at the one it sends from',
    (own, other) => {
      const message = dhcp({ type: 'ack', mac: other.mac, xid: 32, yiaddr: other.ip })
      const header = { src: own.ip, dst: IPV4_BROADCAST }
      return toAll(own, ipv4(header, udp({ src: 1067, dst: 68 }, message)))
    },
    EXEMPT_SERVER,
  ),
  'dhcpv6-reply-from-other-port': hostile(
    14,
    'RFC 8415, 7.2: a server may send from any port, and dhclient takes what it says',
    (own, _, peer) => {
      const message = dhcpv6({ type: 'reply', mac: peer.mac, xid: 52 })
      const header = { src: own.linkLocal, dst: peer.linkLocal }
      return toStation(own, peer, ipv6(header, udp({ src: 5470, dst: 546 }, message)))
    },
    EXEMPT_SERVER,
  ),
  'dhcpv6-advertise': hostile(
    14,
    'fake_server6 (THC-IPv6)',
    (own, _, peer) => toStation(own, peer, serves6(own, peer)),
    EXEMPT_SERVER,
  ),
  'dhcpv6-reply': hostile(
    14,
    RFC6,
    (own, _, peer) => toStation(own, peer, serves6(own, peer, { type: 'reply' })),
    EXEMPT_SERVER,
  ),
  'dhcpv6-advertise-from-global': hostile(
    14,
    RFC6,
    (own, _, peer) => toStation(own, peer, serves6(own, peer, { src: own.ip6 })),
    EXEMPT_SERVER,
  ),
  'dhcpv6-advertise-as-other': hostile(14, RFC6, (own, other, peer) =>
    toStation(own, peer, serves6(own, peer, { src: other.linkLocal })),
  ),
  'dhcpv6-relay': hostile(
    14,
    'RFC 8415, 9',
    (own, other, peer) => {
      const message = dhcpv6({ type: 'solicit', mac: other.mac, xid: 51 })
      const passedOn = dhcpv6Relay({ link: own.ip6, client: other.linkLocal, message })
      const header = { src: own.ip6, dst: peer.ip6 }
      return toStation(own, peer, ipv6(header, udp({ src: 547, dst: 547 }, passedOn)))
    },
    EXEMPT_SERVER,
  ),
  'dhcpv6-advertise-behind-options': hostile(
    14,
    'RFC 7610, 4: extension headers hide a server',
    (own, _, peer) =>
      toStation(
        own,
        peer,
        serves6(own, peer, { extensions: [extension.hopByHop(), extension.destination()] }),
      ),
    EXEMPT_SERVER,
  ),
  'dhcpv6-advertise-atomic': hostile(
    14,
    'RFC 7610, 4',
    (own, _, peer) =>
      toStation(own, peer, serves6(own, peer, { extensions: [extension.fragment()] })),
    EXEMPT_SERVER,
  ),
  'dhcpv6-client-from-global': hostile(
    14,
    RFC6,
    (own) => toGroup(own, ALL_DHCP, speaks6(own.ip6, ALL_DHCP, own, 'solicit')),
    EXEMPT_SERVER,
  ),
  'dhcpv6-client-as-other': hostile(
    9,
    'CVE-2016-5362, its IPv6 half',
    (own, other) => toGroup(own, ALL_DHCP, speaks6(other.linkLocal, ALL_DHCP, own, 'solicit')),
    WHERE_ANY,
  ),
  'dhcpv6-client-no-source': hostile(10, RFC6, (own) =>
    toGroup(own, ALL_DHCP, speaks6('::', ALL_DHCP, own, 'solicit')),
  ),
})
