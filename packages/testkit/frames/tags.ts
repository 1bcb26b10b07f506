// VLAN tags: permitted ones of a trunk port, and every way to hide something behind others. Rule 2.

import {
  altered,
  arpReply,
  arpRequest,
  BROADCAST,
  dhcp,
  dhcpDiscover,
  ethernet,
  ipv4,
  ipv6,
  lldp,
  ndOption,
  neighbourAdvertisement,
  packet,
  routerAdvertisement,
  snap,
  tcp,
  udp,
} from '../src/frames.ts'
import type { Packet, Tag } from '../src/frames.ts'
import type { FrameOf, Passes, Station } from './corpus-frame.ts'
import { family, honest, hostile, undecidable, unforwardable } from './corpus-frame.ts'
import { ALL_NODES, IPV4_BROADCAST, echo4, echo6, talk } from './send.ts'

const RFC = 'IEEE 802.1Q'
const SKIP = 'CVE-2021-27853: stacked tags hide what they carry'
const LLC = 'CVE-2021-27854: a tag before LLC/SNAP hides what it carries'
const SNAP_TAG = 'CVE-2021-27862: a tag behind LLC/SNAP'
const HOPPING = 'VLAN hopping (yersinia)'
/** Of a trunk port, and of one that may say any tag. */
const PERMITTED: Passes = ['trunk', 'exempt-vlan']
const ANY_TAG: Passes = ['exempt-vlan']
/** No tag to OVS: an EtherType like any other. */
const ANY_TYPE: Passes = ['exempt-ethertype']

const [SERVICE, OLD_SERVICE, OLDER_SERVICE] = [0x88a8, 0x9100, 0x9200]

type Carries = (own: Station, other: Station, peer: Station) => Packet

const tagged =
  (tags: readonly Tag[], carries: Carries): FrameOf =>
  (own, other, peer) =>
    ethernet({ src: own.mac, dst: peer.mac, tags }, carries(own, other, peer))

const vlan = (vid: number, carries: Carries): FrameOf => tagged([{ vid }], carries)

const ping =
  (label: string): Carries =>
  (own, _, peer) =>
    ipv4({ src: own.ip, dst: peer.ip }, echo4(label))

const poison: Carries = (own, other, peer) =>
  arpReply({ sha: own.mac, spa: other.ip, tha: peer.mac, tpa: peer.ip })

const spoofed: Carries = (_, other, peer) => ipv4({ src: other.ip, dst: peer.ip }, echo4('spoofed'))

const advertisesRouter: Carries = (own) =>
  ipv6({ src: own.linkLocal, dst: ALL_NODES, hopLimit: 255 }, routerAdvertisement({}))

/** The same with bytes behind it, by which a frame is told from others when the switch has taken its tags off. */
const marked =
  (carries: Carries, label: string): Carries =>
  (own, other, peer) => {
    const { etherType, bytes } = carries(own, other, peer)
    return packet(etherType, Uint8Array.from([...bytes, ...Buffer.from(label)]))
  }

const priority = (depth: number): readonly Tag[] =>
  Array.from({ length: depth }, () => ({ vid: 0 }))

export const tagFrames = family({
  'vlan-100-arp': honest(
    2,
    RFC,
    vlan(100, (own, _, peer) => arpRequest({ sha: own.mac, spa: own.ip, tpa: peer.ip })),
    PERMITTED,
  ),
  'vlan-100-ipv4': honest(2, RFC, vlan(100, ping('vlan 100')), PERMITTED),
  'vlan-100-ipv6': honest(
    2,
    RFC,
    vlan(100, (own, _, peer) => ipv6({ src: own.ip6, dst: peer.ip6 }, echo6('vlan 100'))),
    PERMITTED,
  ),
  'vlan-100-na': honest(
    2,
    RFC,
    vlan(100, (own) =>
      ipv6(
        { src: own.ip6, dst: ALL_NODES, hopLimit: 255 },
        neighbourAdvertisement({ target: own.ip6, options: [ndOption.targetLinkLayer(own.mac)] }),
      ),
    ),
    PERMITTED,
  ),
  'vlan-100-dhcp': honest(
    2,
    RFC,
    (own) =>
      ethernet(
        { src: own.mac, dst: BROADCAST, tags: [{ vid: 100 }] },
        ipv4(
          { src: '0.0.0.0', dst: IPV4_BROADCAST },
          udp({ src: 68, dst: 67 }, dhcpDiscover({ mac: own.mac, xid: 70 })),
        ),
      ),
    PERMITTED,
  ),
  'vlan-200': honest(2, RFC, vlan(200, ping('vlan 200')), PERMITTED),
  'vlan-200-priority': honest(
    2,
    'IEEE 802.1Q, 6.9.3',
    tagged([{ vid: 200, pcp: 5 }], ping('priority 5')),
    PERMITTED,
  ),
  'vlan-200-drop-eligible': honest(
    2,
    'IEEE 802.1Q, 9.6: a bit that OVS does not keep',
    tagged([{ vid: 0x1000 | 200 }], ping('drop eligible')),
    PERMITTED,
  ),
  'vlan-200-full-size': honest(
    2,
    'IEEE 802.3, 3.2.7: 1518 bytes',
    vlan(200, (own, _, peer) =>
      ipv4({ src: own.ip, dst: peer.ip }, tcp({ src: 1, dst: 2 }, 'x'.repeat(1460))),
    ),
    PERMITTED,
  ),
  'vlan-service-100': undecidable(
    2,
    'IEEE 802.1ad: OVS tells no service tag from a customer’s',
    tagged([{ vid: 100, tpid: SERVICE }], ping('service 100')),
    PERMITTED,
  ),

  'vlan-0': hostile(2, RFC, vlan(0, ping('vlan 0')), ANY_TAG),
  'vlan-0-priority': hostile(2, RFC, tagged([{ vid: 0, pcp: 7 }], ping('priority 7')), ANY_TAG),
  'vlan-1': hostile(2, HOPPING, vlan(1, ping('vlan 1')), ANY_TAG),
  'vlan-101': hostile(2, HOPPING, vlan(101, ping('vlan 101')), ANY_TAG),
  'vlan-300': hostile(2, HOPPING, vlan(300, ping('vlan 300')), ANY_TAG),
  'vlan-4094': hostile(2, HOPPING, vlan(4094, ping('vlan 4094')), ANY_TAG),
  'vlan-service-0': hostile(
    2,
    SKIP,
    tagged([{ vid: 0, tpid: SERVICE }], ping('service 0')),
    ANY_TAG,
  ),
  'vlan-service-5': hostile(
    2,
    RFC,
    tagged([{ vid: 5, tpid: SERVICE }], ping('service 5')),
    ANY_TAG,
  ),
  'vlan-9100': hostile(
    2,
    'QinQ before 802.1ad',
    tagged([{ vid: 5, tpid: OLD_SERVICE }], ping('9100')),
    ANY_TYPE,
  ),
  'vlan-9100-vlan-100': hostile(
    2,
    'QinQ before 802.1ad',
    tagged([{ vid: 100, tpid: OLD_SERVICE }, { vid: 100 }], ping('9100 and 8100')),
    ANY_TYPE,
  ),
  'vlan-9200': hostile(
    2,
    'QinQ before 802.1ad',
    tagged([{ vid: 5, tpid: OLDER_SERVICE }], ping('9200')),
    ANY_TYPE,
  ),
  'vlan-100-9100': hostile(
    2,
    'QinQ before 802.1ad',
    tagged([{ vid: 100 }, { vid: 100, tpid: OLD_SERVICE }], ping('8100 and 9100')),
  ),
  'vlan-two': hostile(2, HOPPING, tagged([{ vid: 100 }, { vid: 200 }], ping('two'))),
  'vlan-two-spoofed': hostile(2, HOPPING, tagged([{ vid: 100 }, { vid: 200 }], spoofed)),
  'vlan-service-then-customer': hostile(
    2,
    'IEEE 802.1ad',
    tagged([{ vid: 100, tpid: SERVICE }, { vid: 100 }], ping('service and customer')),
  ),
  'vlan-customer-then-service': hostile(
    2,
    SKIP,
    tagged([{ vid: 100 }, { vid: 100, tpid: SERVICE }], ping('customer and service')),
  ),
  'vlan-three': hostile(
    2,
    HOPPING,
    tagged([{ vid: 100 }, { vid: 100 }, { vid: 100 }], ping('three')),
  ),
  'vlan-four': hostile(
    2,
    HOPPING,
    tagged([{ vid: 100 }, { vid: 100 }, { vid: 100 }, { vid: 100 }], ping('four')),
  ),
  'vlan-100-then-0': hostile(2, SKIP, tagged([{ vid: 100 }, { vid: 0 }], ping('100 and 0'))),
  'vlan-0-ra': hostile(2, SKIP, tagged(priority(1), marked(advertisesRouter, 'vlan-0-ra'))),
  'vlan-0-twice-ra': hostile(
    2,
    SKIP,
    tagged(priority(2), marked(advertisesRouter, 'vlan-0-twice-ra')),
  ),
  'vlan-0-twice-arp': hostile(2, SKIP, tagged(priority(2), marked(poison, 'vlan-0-twice-arp'))),
  'vlan-0-three-times-arp': hostile(
    2,
    SKIP,
    tagged(priority(3), marked(poison, 'vlan-0-three-times-arp')),
  ),
  'vlan-0-four-times-ipv4': hostile(
    2,
    SKIP,
    tagged(priority(4), marked(spoofed, 'vlan-0-four-times-ipv4')),
  ),
  'vlan-service-0-then-0-ra': hostile(
    2,
    SKIP,
    tagged(
      [{ vid: 0, tpid: SERVICE }, { vid: 0 }],
      marked(advertisesRouter, 'vlan-service-0-then-0-ra'),
    ),
  ),
  'vlan-100-poison': hostile(2, 'arpspoof (dsniff), in a permitted VLAN', vlan(100, poison)),
  'vlan-100-spoofed': hostile(2, 'RFC 2827, in a permitted VLAN', vlan(100, spoofed)),
  'vlan-100-na-other': hostile(
    2,
    'parasite6 (THC-IPv6), in a permitted VLAN',
    vlan(100, (own, other) =>
      ipv6(
        { src: own.ip6, dst: ALL_NODES, hopLimit: 255 },
        neighbourAdvertisement({ target: other.ip6, options: [ndOption.targetLinkLayer(own.mac)] }),
      ),
    ),
  ),
  'vlan-100-ra': hostile(
    2,
    'fake_router6 (THC-IPv6), in a permitted VLAN',
    vlan(100, advertisesRouter),
  ),
  'vlan-100-dhcp-server': hostile(
    2,
    'rogue DHCP server, in a permitted VLAN',
    vlan(100, (own, _, peer) => {
      const message = dhcp({ type: 'offer', mac: peer.mac, xid: 71, yiaddr: peer.ip })
      return ipv4({ src: own.ip, dst: peer.ip }, udp({ src: 67, dst: 68 }, message))
    }),
  ),
  'vlan-100-lldp': hostile(
    2,
    'IEEE 802.1AB',
    vlan(100, (own) => lldp({ mac: own.mac })),
  ),
  'vlan-100-mac-other': hostile(1, 'macchanger', (own, other, peer) =>
    ethernet(
      { src: other.mac, dst: peer.mac, tags: [{ vid: 100 }] },
      ping('mac other')(own, other, peer),
    ),
  ),
  'vlan-cut-short': unforwardable(
    'partial tag',
    hostile(2, RFC, (own, other, peer) =>
      vlan(100, ping('cut'))(own, other, peer).subarray(0, 14 + 2),
    ),
  ),
  'vlan-0-snap-ra': hostile(2, LLC, (own, other, peer) =>
    vlan(0, () => snap(marked(advertisesRouter, 'vlan-0-snap-ra')(own, other, peer)))(
      own,
      other,
      peer,
    ),
  ),
  'vlan-0-snap-arp': hostile(2, LLC, (own, other, peer) =>
    vlan(0, () => snap(marked(poison, 'vlan-0-snap-arp')(own, other, peer)))(own, other, peer),
  ),
  'vlan-0-snap-wrong-length': hostile(
    2,
    'CVE-2021-27861: a length that is none, behind a tag',
    (own, other, peer) =>
      vlan(0, () =>
        snap(marked(advertisesRouter, 'vlan-0-snap-wrong-length')(own, other, peer), { length: 0 }),
      )(own, other, peer),
  ),
  'snap-vlan-ra': unforwardable(
    'partial tag',
    hostile(2, SNAP_TAG, (own, other, peer) =>
      ethernet(
        { src: own.mac, dst: peer.mac },
        snap(behindTag(0, advertisesRouter(own, other, peer))),
      ),
    ),
  ),
  'snap-vlan-arp': unforwardable(
    'partial tag',
    hostile(2, SNAP_TAG, (own, other, peer) =>
      ethernet({ src: own.mac, dst: peer.mac }, snap(behindTag(0, poison(own, other, peer)))),
    ),
  ),
  'snap-vlan-100': unforwardable(
    'partial tag',
    hostile(2, SNAP_TAG, (own, other, peer) =>
      ethernet(
        { src: own.mac, dst: peer.mac },
        snap(behindTag(100, ping('in snap')(own, other, peer))),
      ),
    ),
  ),
  'vlan-mpls': hostile(
    2,
    'RFC 3032',
    vlan(100, () => packet(0x8847, altered(talkBytes(), 0, 0, 0))),
  ),
})

/** The tag and what it carries, as the payload of SNAP. */
function behindTag(vid: number, { etherType, bytes }: Packet): Packet {
  return packet(0x8100, Uint8Array.from([vid >> 8, vid, etherType >> 8, etherType, ...bytes]))
}

function talkBytes(): Uint8Array {
  return ipv4({ src: '192.0.2.1', dst: '192.0.2.2' }, talk('mpls')).bytes
}
