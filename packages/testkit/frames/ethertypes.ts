// Everything that is neither ARP nor IP: other EtherTypes, LLC and SNAP, and what bridges say to each other. Rule 16.

import {
  arpReply,
  bpdu,
  cdp,
  ethernet,
  ipv4,
  ipv6,
  lldp,
  llc,
  mpls,
  ndOption,
  neighbourAdvertisement,
  packet,
  padded,
  pppoe,
  pvst,
  routerAdvertisement,
  snap,
} from '../src/frames.ts'
import type { Packet } from '../src/frames.ts'
import type { FrameOf, Passes, Said, Station } from './corpus-frame.ts'
import { family, hostile, undecidable, unforwardable } from './corpus-frame.ts'
import { ALL_NODES, echo4, talk, toAll, toStation } from './send.ts'

const EXEMPT: Passes = ['exempt-ethertype']
/** LLDP and IPX. */
const LISTED: Passes = ['exempt-ethertype', 'exempt-ethertype-list']
const RFC1042 = 'RFC 1042: SNAP with OUI 0 is to OVS the EtherType that it carries'
const LENGTH = 'CVE-2021-27861: LLC/SNAP with a length that is none'

/** IEEE 802.1Q, table 8-1: what no bridge forwards. */
const reserved = (last: number): string => `01:80:c2:00:00:0${last.toString(16)}`

type Carries = (own: Station, other: Station, peer: Station) => Packet

const to =
  (dst: string, carries: Carries): FrameOf =>
  (own, other, peer) =>
    ethernet({ src: own.mac, dst }, carries(own, other, peer))

const toPeer =
  (carries: Carries): FrameOf =>
  (own, other, peer) =>
    toStation(own, peer, carries(own, other, peer))

/** Of a type that nobody here has a builder for. */
const type = (etherType: number, source: string, passes: Passes = EXEMPT): Said =>
  hostile(
    16,
    source,
    toPeer(() => packet(etherType, someBytes(etherType))),
    passes,
  )

const inReserved = (
  last: number,
  source: string,
  carries: Carries,
  passes: Passes = EXEMPT,
): Said =>
  unforwardable('reserved address', hostile(16, source, to(reserved(last), carries), passes))

function someBytes(seed: number): Uint8Array {
  return Uint8Array.from({ length: 46 }, (_, i) => (seed + i) & 0xff)
}

const itsLldp: Carries = ({ mac }) => lldp({ mac })
const itsBpdu: Carries = ({ mac }) => bpdu({ mac })
const eapol: Carries = () => packet(0x888e, Uint8Array.of(1, 1, 0, 0))
const poison: Carries = (own, other, peer) =>
  arpReply({ sha: own.mac, spa: other.ip, tha: peer.mac, tpa: peer.ip })
const advertisesRouter: Carries = (own) =>
  ipv6({ src: own.linkLocal, dst: ALL_NODES, hopLimit: 255 }, routerAdvertisement({}))
const innerPing: Carries = (_, other, peer) => ipv4({ src: other.ip, dst: peer.ip }, echo4('inner'))

export const etherTypeFrames = family({
  lldp: inReserved(14, 'IEEE 802.1AB', itsLldp, LISTED),
  'lldp-unicast': hostile(16, 'IEEE 802.1AB', toPeer(itsLldp), LISTED),
  'lldp-padded': hostile(
    16,
    'IEEE 802.1AB',
    (own, other, peer) => padded(toPeer(itsLldp)(own, other, peer)),
    LISTED,
  ),
  ipx: type(0x8137, 'Novell IPX', LISTED),
  'ipx-other': type(0x8138, 'Novell IPX'),
  stp: inReserved(0, 'IEEE 802.1D; yersinia', itsBpdu),
  rstp: inReserved(0, 'IEEE 802.1D; yersinia', ({ mac }) => bpdu({ mac, version: 2 })),
  'stp-unicast': hostile(16, 'IEEE 802.1D', toPeer(itsBpdu), EXEMPT),
  pvst: hostile(
    16,
    'Cisco PVST+; yersinia',
    to('01:00:0c:cc:cc:cd', ({ mac }) => pvst({ mac, vid: 100 })),
    EXEMPT,
  ),
  cdp: hostile(
    16,
    'Cisco Discovery Protocol; yersinia',
    to('01:00:0c:cc:cc:cc', () => cdp({ name: 'switch' })),
    EXEMPT,
  ),
  pause: inReserved(1, 'IEEE 802.3, annex 31B', () =>
    packet(0x8808, Uint8Array.of(0, 1, 255, 255)),
  ),
  lacp: inReserved(2, 'IEEE 802.1AX', () => packet(0x8809, Uint8Array.of(1, 1, 1, 20))),
  eapol: inReserved(3, 'IEEE 802.1X', eapol),
  'eapol-unicast': hostile(16, 'IEEE 802.1X', toPeer(eapol), EXEMPT),
  'ptp-peer-delay': inReserved(14, 'IEEE 1588', () => packet(0x88f7, someBytes(2))),
  'reserved-ipv4': inReserved(8, 'IEEE 802.1Q, 8.6.3', (own, _, peer) =>
    ipv4({ src: own.ip, dst: peer.ip }, echo4('reserved')),
  ),
  'reserved-ipv6': inReserved(9, 'IEEE 802.1Q, 8.6.3', (own, _, peer) =>
    ipv6({ src: own.ip6, dst: peer.ip6 }, talk('reserved')),
  ),
  'reserved-arp': inReserved(10, 'IEEE 802.1Q, 8.6.3', (own, _, peer) =>
    arpReply({ sha: own.mac, spa: own.ip, tha: peer.mac, tpa: peer.ip }),
  ),
  'reserved-after-ipv4': hostile(
    16,
    'IEEE 802.1Q, table 8-1 and after: the address of MVRP, which bridges forward',
    to('01:80:c2:00:00:21', (own, _, peer) => ipv4({ src: own.ip, dst: peer.ip }, talk('mvrp'))),
    EXEMPT,
  ),
  'reserved-last': inReserved(15, 'IEEE 802.1Q, 8.6.3', () => packet(0x0842, someBytes(15))),
  mvrp: hostile(
    16,
    'IEEE 802.1Q, 11',
    to('01:80:c2:00:00:21', () => packet(0x88f5, someBytes(0))),
    EXEMPT,
  ),
  ptp: hostile(
    16,
    'IEEE 1588',
    to('01:1b:19:00:00:00', () => packet(0x88f7, someBytes(0))),
    EXEMPT,
  ),
  cfm: hostile(
    16,
    'IEEE 802.1ag',
    to('01:80:c2:00:00:30', () => packet(0x8902, someBytes(0))),
    EXEMPT,
  ),
  'wake-on-lan': hostile(
    16,
    'etherwake',
    (own, _, peer) => {
      const target = peer.mac.split(':').map((byte) => Number.parseInt(byte, 16))
      const magic = [
        ...Array<number>(6).fill(255),
        ...Array.from({ length: 16 }, () => target).flat(),
      ]
      return toAll(own, packet(0x0842, Uint8Array.from(magic)))
    },
    EXEMPT,
  ),
  'mpls-ipv4': hostile(
    16,
    'RFC 3032: IP behind a label',
    toPeer((own, other, peer) => mpls(16, innerPing(own, other, peer))),
    EXEMPT,
  ),
  'mpls-multicast': type(0x8848, 'RFC 5332'),
  'pppoe-discovery': type(0x8863, 'RFC 2516'),
  'pppoe-ipv4': hostile(
    16,
    'RFC 2516: IP behind PPP',
    toPeer((own, other, peer) => pppoe(1, innerPing(own, other, peer))),
    EXEMPT,
  ),
  'pppoe-ra': hostile(
    16,
    'RFC 2516: IP behind PPP',
    toPeer((own, other, peer) => pppoe(1, advertisesRouter(own, other, peer))),
    EXEMPT,
  ),
  macsec: type(0x88e5, 'IEEE 802.1AE'),
  'transparent-bridging': type(0x6558, 'RFC 1701: Ethernet in Ethernet'),
  erspan: type(0x88be, 'ERSPAN'),
  nsh: type(0x894f, 'RFC 8300'),
  trill: type(0x22f3, 'RFC 6325'),
  'provider-backbone': type(0x88e7, 'IEEE 802.1ah'),
  'loopback-test': type(0x9000, 'Ethernet configuration test'),
  appletalk: type(0x809b, 'AppleTalk'),
  'appletalk-arp': type(0x80f3, 'AppleTalk ARP'),
  decnet: type(0x6003, 'DECnet'),
  'decnet-remote-console': type(0x6002, 'DEC MOP'),
  fcoe: type(0x8906, 'Fibre Channel over Ethernet'),
  rocev1: type(0x8915, 'RDMA over Converged Ethernet'),
  'ata-over-ethernet': type(0x88a2, 'AoE'),
  profinet: type(0x8892, 'PROFINET'),
  ethercat: type(0x88a4, 'EtherCAT'),
  goose: type(0x88b8, 'IEC 61850'),
  batman: type(0x4305, 'B.A.T.M.A.N.'),
  'ieee-1905': type(0x893a, 'IEEE 1905.1'),
  homeplug: type(0x88e1, 'HomePlug AV'),
  experimental: type(0x88b5, 'IEEE 802, local experimental'),
  trailers: type(0x1001, 'RFC 893, trailer encapsulation'),
  'type-first': type(0x0600, 'IEEE 802.3, 3.2.6: the first EtherType'),
  'type-last': type(0xffff, 'IEEE 802.3, 3.2.6: the last EtherType'),
  'length-last': type(0x05ff, 'IEEE 802.3, 3.2.6: no EtherType yet, and no length any more'),
  'length-longer-than-frame': type(0x05dc, 'IEEE 802.3, 3.2.6'),
  'length-zero': type(0x0000, 'IEEE 802.3, 3.2.6'),
  runt: hostile(
    16,
    'a frame of 14 bytes',
    toPeer(() => packet(0x88b6, '')),
    EXEMPT,
  ),
  'runt-length': hostile(
    16,
    'a frame of 14 bytes',
    toPeer(() => packet(0, '')),
    EXEMPT,
  ),

  'llc-netbeui': hostile(
    16,
    'NetBEUI',
    toPeer(() => llc({ dsap: 0xf0 }, 'netbeui')),
    EXEMPT,
  ),
  'llc-isis': hostile(
    16,
    'ISO 10589',
    to('01:80:c2:00:00:14', () => llc({ dsap: 0xfe }, 'is-is hello')),
    EXEMPT,
  ),
  'llc-ipx-raw': hostile(
    16,
    'Novell 802.3',
    toPeer(() => packet(30, new Uint8Array(30).fill(255))),
    EXEMPT,
  ),
  'llc-test': hostile(
    16,
    'IEEE 802.2, TEST',
    toPeer(() => llc({ dsap: 0, control: 0xe3 }, 'test')),
    EXEMPT,
  ),
  'llc-ip': hostile(
    16,
    'IEEE 802.2: SAP 6 is IP',
    toPeer((own, other, peer) => llc({ dsap: 6 }, innerPing(own, other, peer).bytes)),
    EXEMPT,
  ),
  'snap-cut-short': hostile(
    16,
    'IEEE 802, 9',
    toPeer(() => packet(6, Uint8Array.of(0xaa, 0xaa, 3, 0, 0, 0))),
    EXEMPT,
  ),
  'snap-other-oui': hostile(
    16,
    'IEEE 802.1H: taken for an encapsulated frame',
    toPeer((own, other, peer) => snap(poison(own, other, peer), { oui: 0x0000f8 })),
    EXEMPT,
  ),
  'snap-other-oui-ra': hostile(
    16,
    'IEEE 802.1H: taken for an encapsulated frame',
    toPeer((own, other, peer) => snap(advertisesRouter(own, other, peer), { oui: 0x0000f8 })),
    EXEMPT,
  ),
  'snap-length': hostile(
    16,
    'IEEE 802, 9: no EtherType behind OUI 0',
    toPeer(() => snap(packet(0x0100, 'no type'))),
    EXEMPT,
  ),
  'snap-lldp': hostile(
    16,
    RFC1042,
    toPeer((own) => snap(lldp({ mac: own.mac }))),
    LISTED,
  ),
  'snap-ipv4': undecidable(
    16,
    RFC1042,
    toPeer((own, _, peer) => snap(ipv4({ src: own.ip, dst: peer.ip }, echo4('snap')))),
  ),
  'snap-ipv6': undecidable(
    16,
    RFC1042,
    toPeer((own, _, peer) => snap(ipv6({ src: own.ip6, dst: peer.ip6 }, talk('snap')))),
  ),
  'snap-arp': undecidable(
    16,
    RFC1042,
    toPeer((own, _, peer) =>
      snap(arpReply({ sha: own.mac, spa: own.ip, tha: peer.mac, tpa: peer.ip })),
    ),
  ),
  'snap-arp-poison': hostile(
    16,
    RFC1042,
    toPeer((own, other, peer) => snap(poison(own, other, peer))),
    ['pair', 'zero', 'exempt-arp'],
  ),
  'snap-ipv4-other': hostile(
    16,
    RFC1042,
    toPeer((own, other, peer) => snap(innerPing(own, other, peer))),
    ['pair', 'zero', 'exempt-source'],
  ),
  'snap-ra': hostile(
    16,
    RFC1042,
    toPeer((own, other, peer) => snap(advertisesRouter(own, other, peer))),
    ['exempt-ra'],
  ),
  'snap-ra-length-zero': hostile(
    16,
    LENGTH,
    toPeer((own, other, peer) => snap(advertisesRouter(own, other, peer), { length: 0 })),
    ['exempt-ra'],
  ),
  'snap-ra-length-too-long': hostile(
    16,
    LENGTH,
    toPeer((own, other, peer) => snap(advertisesRouter(own, other, peer), { length: 0x05dc })),
    ['exempt-ra'],
  ),
  'snap-arp-poison-length-zero': hostile(
    16,
    LENGTH,
    toPeer((own, other, peer) => snap(poison(own, other, peer), { length: 0 })),
    ['pair', 'zero', 'exempt-arp'],
  ),
  'snap-na-other': hostile(
    16,
    RFC1042,
    toPeer((own, other, peer) => {
      const options = [ndOption.targetLinkLayer(own.mac)]
      const message = neighbourAdvertisement({ target: other.ip6, options })
      return snap(ipv6({ src: own.ip6, dst: peer.ip6, hopLimit: 255 }, message))
    }),
    ['pair', 'zero', 'exempt-nd'],
  ),
})
