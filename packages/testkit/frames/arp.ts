// ARP and RARP. Rules 3, 4, 5.

import {
  altered,
  arp,
  arpProbe,
  arpReply,
  arpRequest,
  BROADCAST,
  gratuitousArp,
  padded,
  rarp,
} from '../src/frames.ts'
import type { FrameOf, Passes } from './corpus-frame.ts'
import { family, honest, hostile } from './corpus-frame.ts'
import { IPV4_BROADCAST, toAll, toStation } from './send.ts'

const RFC = 'RFC 826'
const ARPSPOOF = 'arpspoof (dsniff)'
const ANY_IPV4 = '0.0.0.0'

/** At these kinds, the other's address is the port's to claim. */
const WHERE_OTHERS: Passes = ['pair', 'zero', 'exempt-arp']
const WHERE_ANY: Passes = ['zero', 'exempt-arp']
const EXEMPT: Passes = ['exempt-arp']

/** Where to lie in a frame: RFC 826. */
const [HARDWARE_TYPE, PROTOCOL_TYPE, HARDWARE_SIZE, PROTOCOL_SIZE] = [14, 16, 18, 19]
const HEADER = 14

const operation =
  (op: number): FrameOf =>
  (own, _, peer) =>
    toStation(own, peer, arp({ op, sha: own.mac, spa: own.ip, tha: peer.mac, tpa: peer.ip }))

const claim =
  (spa: string): FrameOf =>
  (own, _, peer) =>
    toStation(own, peer, arpReply({ sha: own.mac, spa, tha: peer.mac, tpa: peer.ip }))

/** Its own address, from another hardware address than the frame's. */
const hardware =
  (sha: string): FrameOf =>
  (own, _, peer) =>
    toStation(own, peer, arpReply({ sha, spa: own.ip, tha: peer.mac, tpa: peer.ip }))

const poison: FrameOf = (own, other, peer) =>
  toStation(own, peer, arpReply({ sha: own.mac, spa: other.ip, tha: peer.mac, tpa: peer.ip }))

const alteredPoison =
  (at: number, ...bytes: readonly number[]): FrameOf =>
  (own, other, peer) =>
    altered(poison(own, other, peer), at, ...bytes)

export const arpFrames = family({
  'arp-request': honest(3, RFC, (own, _, peer) =>
    toAll(own, arpRequest({ sha: own.mac, spa: own.ip, tpa: peer.ip })),
  ),
  'arp-request-padded': honest(3, 'IEEE 802.3, 4.2.3.3', (own, other) =>
    padded(toAll(own, arpRequest({ sha: own.mac, spa: own.ip, tpa: other.ip }))),
  ),
  'arp-request-unicast': honest(3, 'RFC 1122, 2.3.2.1', (own, _, peer) =>
    toStation(own, peer, arpRequest({ sha: own.mac, spa: own.ip, tpa: peer.ip })),
  ),
  'arp-request-target-filled': honest(3, 'RFC 826, any value in ar$tha', (own, _, peer) =>
    toAll(own, arp({ op: 1, sha: own.mac, spa: own.ip, tha: BROADCAST, tpa: peer.ip })),
  ),
  'arp-reply': honest(3, RFC, (own, _, peer) =>
    toStation(own, peer, arpReply({ sha: own.mac, spa: own.ip, tha: peer.mac, tpa: peer.ip })),
  ),
  'arp-reply-broadcast': honest(3, 'RFC 5227, 2.6', (own, _, peer) =>
    toAll(own, arpReply({ sha: own.mac, spa: own.ip, tha: peer.mac, tpa: peer.ip })),
  ),
  'arp-announcement': honest(3, 'RFC 5227, 2.3', (own) =>
    toAll(own, gratuitousArp({ sha: own.mac, spa: own.ip })),
  ),
  'arp-gratuitous-reply': honest(3, 'arping -A', (own) =>
    toAll(own, gratuitousArp({ op: 2, sha: own.mac, spa: own.ip })),
  ),
  'arp-probe': honest(4, 'RFC 5227, 2.1.1', (own) =>
    toAll(own, arpProbe({ sha: own.mac, tpa: own.ip })),
  ),
  'arp-probe-padded': honest(4, 'RFC 5227, 2.1.1', (own) =>
    padded(toAll(own, arpProbe({ sha: own.mac, tpa: own.ip }))),
  ),
  'rarp-announcement': honest(5, 'QEMU, after migration', (own) =>
    toAll(own, rarp({ mac: own.mac })),
  ),
  'rarp-announcement-padded': honest(5, 'QEMU, after migration: 60 bytes', (own) =>
    padded(toAll(own, rarp({ mac: own.mac }))),
  ),

  'arp-poison-reply': hostile(3, ARPSPOOF, poison, WHERE_OTHERS),
  'arp-poison-request': hostile(
    3,
    'ettercap, ARP poisoning by request',
    (own, other, peer) =>
      toStation(own, peer, arpRequest({ sha: own.mac, spa: other.ip, tpa: peer.ip })),
    WHERE_OTHERS,
  ),
  'arp-request-other-address': hostile(
    3,
    RFC,
    (own, other, peer) => toAll(own, arpRequest({ sha: own.mac, spa: other.ip, tpa: peer.ip })),
    WHERE_OTHERS,
  ),
  'arp-announcement-other-address': hostile(
    3,
    'RFC 5227, 2.3',
    (own, other) => toAll(own, gratuitousArp({ sha: own.mac, spa: other.ip })),
    WHERE_OTHERS,
  ),
  'arp-gratuitous-reply-other-address': hostile(
    3,
    'arping -A -s',
    (own, other) => toAll(own, gratuitousArp({ op: 2, sha: own.mac, spa: other.ip })),
    WHERE_OTHERS,
  ),
  'arp-poison-padded': hostile(
    3,
    ARPSPOOF,
    (own, other, peer) => padded(poison(own, other, peer)),
    WHERE_OTHERS,
  ),
  'arp-address-of-prefix': hostile(3, RFC, claim('10.0.9.5'), WHERE_OTHERS),
  'arp-address-after-prefix': hostile(3, RFC, claim('10.0.10.0'), WHERE_ANY),
  'arp-address-nobody': hostile(3, RFC, claim('10.0.0.200'), WHERE_ANY),
  'arp-address-broadcast': hostile(3, RFC, claim(IPV4_BROADCAST), WHERE_ANY),
  'arp-address-multicast': hostile(3, RFC, claim('224.0.0.1'), WHERE_ANY),
  'arp-address-loopback': hostile(3, RFC, claim('127.0.0.1'), WHERE_ANY),
  'arp-hardware-other': hostile(
    3,
    RFC,
    (own, other, peer) => hardware(other.mac)(own, other, peer),
    EXEMPT,
  ),
  'arp-hardware-and-address-other': hostile(
    3,
    ARPSPOOF,
    (own, other, peer) =>
      toStation(
        own,
        peer,
        arpReply({ sha: other.mac, spa: other.ip, tha: peer.mac, tpa: peer.ip }),
      ),
    EXEMPT,
  ),
  'arp-hardware-broadcast': hostile(3, 'RFC 1812, 3.3.2', hardware(BROADCAST), EXEMPT),
  'arp-hardware-multicast': hostile(
    3,
    'RFC 1812, 3.3.2; Microsoft NLB, multicast mode',
    hardware('03:bf:0a:00:00:01'),
    EXEMPT,
  ),
  'arp-hardware-zero': hostile(3, RFC, hardware('00:00:00:00:00:00'), EXEMPT),
  'arp-ethernet-other': hostile(1, RFC, (own, other, peer) =>
    toStation(other, peer, arpReply({ sha: own.mac, spa: own.ip, tha: peer.mac, tpa: peer.ip })),
  ),
  'arp-all-other': hostile(1, ARPSPOOF, (_, other, peer) =>
    toStation(
      other,
      peer,
      arpReply({ sha: other.mac, spa: other.ip, tha: peer.mac, tpa: peer.ip }),
    ),
  ),
  'arp-probe-other-address': hostile(
    4,
    'RFC 5227, 2.1.1: it keeps the other from its address',
    (own, other) => toAll(own, arpProbe({ sha: own.mac, tpa: other.ip })),
    WHERE_OTHERS,
  ),
  'arp-probe-other-hardware': hostile(
    4,
    'RFC 5227, 2.1.1',
    (own, other) => toAll(own, arpProbe({ sha: other.mac, tpa: own.ip })),
    EXEMPT,
  ),
  'arp-probe-for-nothing': hostile(
    4,
    'RFC 5227, 2.1.1',
    (own) => toAll(own, arpProbe({ sha: own.mac, tpa: ANY_IPV4 })),
    WHERE_ANY,
  ),
  'arp-reply-from-no-address': hostile(
    4,
    RFC,
    (own, _, peer) =>
      toStation(own, peer, arpReply({ sha: own.mac, spa: ANY_IPV4, tha: peer.mac, tpa: own.ip })),
    EXEMPT,
  ),
  // Neither request nor reply, or nothing that OVS can read: dropped, whatever the port is exempted from.
  'arp-operation-0': hostile(3, RFC, operation(0)),
  'arp-operation-3': hostile(3, 'RFC 903, as ARP', operation(3)),
  'arp-operation-4': hostile(3, 'RFC 903, as ARP', operation(4)),
  'arp-operation-8': hostile(3, 'RFC 2390, inverse ARP request', operation(8)),
  'arp-operation-9': hostile(3, 'RFC 2390, inverse ARP reply', operation(9)),
  'arp-operation-10': hostile(3, 'RFC 2225, ARP NAK', operation(10)),
  'arp-operation-high-byte': hostile(3, RFC, operation(0x0102)),
  'arp-operation-65535': hostile(3, RFC, operation(0xffff)),
  'arp-hardware-type': hostile(
    3,
    'RFC 5342, B: hardware type 6 is taken for Ethernet',
    alteredPoison(HARDWARE_TYPE, 0, 6),
  ),
  'arp-protocol-type': hostile(3, RFC, alteredPoison(PROTOCOL_TYPE, 0x86, 0xdd)),
  'arp-hardware-size': hostile(3, RFC, alteredPoison(HARDWARE_SIZE, 7)),
  'arp-protocol-size': hostile(3, RFC, alteredPoison(PROTOCOL_SIZE, 16)),
  'arp-cut-short': hostile(3, RFC, (own, other, peer) =>
    poison(own, other, peer).subarray(0, HEADER + 20),
  ),
  'arp-empty': hostile(3, RFC, (own, other, peer) => poison(own, other, peer).subarray(0, HEADER)),
  'rarp-other': hostile(5, 'RFC 903', (own, other) => toAll(own, rarp({ mac: other.mac }))),
  'rarp-ethernet-other': hostile(1, 'RFC 903', (own, other) =>
    toAll(other, rarp({ mac: own.mac })),
  ),
  'rarp-own-address': hostile(5, 'RFC 903', (own) =>
    toAll(own, rarp({ mac: own.mac, spa: own.ip })),
  ),
  'rarp-other-address': hostile(5, 'RFC 903', (own, other) =>
    toAll(own, rarp({ mac: own.mac, spa: other.ip })),
  ),
  'rarp-server': hostile(5, 'RFC 903: a reply that gives addresses away', (own, other, peer) =>
    toStation(own, peer, rarp({ op: 4, mac: own.mac, spa: own.ip, tha: peer.mac, tpa: other.ip })),
  ),
  'rarp-cut-short': hostile(5, 'RFC 903', (own) =>
    toAll(own, rarp({ mac: own.mac })).subarray(0, HEADER + 12),
  ),
})
