// VRRP as keepalived speaks it: from the virtual MAC (`use_vmac`), and from the station's own. Rules 1, 3, 6, 9, 12.
//
// What is said from a virtual MAC passes only where a pair names that MAC with the address.

import {
  arpReply,
  arpRequest,
  gratuitousArp,
  ipv4,
  ndOption,
  neighbourAdvertisement,
  rarp,
  virtualMac,
  vrrpv2,
  vrrpv3,
} from '../src/frames.ts'
import type { FrameOf, Passes } from './corpus-frame.ts'
import { family, honest, hostile } from './corpus-frame.ts'
import { ALL_NODES, nd, ping4, ping6, toAll, toGroup, toStation } from './send.ts'
import { VIRTUAL } from './stations.ts'

const [GROUP, GROUP6] = ['224.0.0.18', 'ff02::12']
const KEEPALIVED = 'keepalived'
const USE_VMAC = 'keepalived, use_vmac'
/** Where the pair is. */
const PAIRED: Passes = ['pair']

const { vrid, ip, ip6 } = VIRTUAL
const by4 = { mac: VIRTUAL.mac4 }
const by6 = { mac: VIRTUAL.mac6 }
const router = { vrid, addresses: [ip] }
const virtualLinkLocal = 'fe80::200:5eff:fe00:207'

const na = (target: string, mac: string): ReturnType<typeof neighbourAdvertisement> =>
  neighbourAdvertisement({
    target,
    router: true,
    override: true,
    options: [ndOption.targetLinkLayer(mac)],
  })

const advertises =
  (mac: string | undefined, how: 2 | 3, priority = 100): FrameOf =>
  (own) => {
    const message = how === 2 ? vrrpv2({ ...router, priority }) : vrrpv3({ ...router, priority })
    return toGroup(
      { mac: mac ?? own.mac },
      GROUP,
      ipv4({ src: own.ip, dst: GROUP, ttl: 255 }, message),
    )
  }

export const vrrpFrames = family({
  vrrpv2: honest(6, `${KEEPALIVED}; RFC 3768`, advertises(undefined, 2)),
  'vrrpv2-goes': honest(6, `${KEEPALIVED}: priority 0`, advertises(undefined, 2, 0)),
  vrrpv3: honest(6, `${KEEPALIVED}; RFC 5798`, advertises(undefined, 3)),
  'vrrpv3-ipv6': honest(9, `${KEEPALIVED}; RFC 5798`, (own) => {
    const message = vrrpv3({ vrid, addresses: [virtualLinkLocal, ip6] })
    return nd(own, { src: own.linkLocal, dst: GROUP6 }, message)
  }),

  'vrrpv2-virtual-mac': honest(1, USE_VMAC, advertises(VIRTUAL.mac4, 2), PAIRED),
  'vrrpv3-virtual-mac': honest(1, USE_VMAC, advertises(VIRTUAL.mac4, 3), PAIRED),
  'vrrpv3-ipv6-virtual-mac': honest(
    1,
    USE_VMAC,
    (own) => {
      const message = vrrpv3({ vrid, addresses: [virtualLinkLocal, ip6] })
      return nd(by6, { src: own.linkLocal, dst: GROUP6 }, message)
    },
    PAIRED,
  ),
  'vrrp-announcement-virtual-mac': honest(
    3,
    `${USE_VMAC}: gratuitous ARP of the new master`,
    () => toAll(by4, gratuitousArp({ sha: by4.mac, spa: ip })),
    PAIRED,
  ),
  'vrrp-arp-reply-virtual-mac': honest(
    3,
    'RFC 5798, 8.1.2',
    (_own, _other, peer) =>
      toStation(by4, peer, arpReply({ sha: by4.mac, spa: ip, tha: peer.mac, tpa: peer.ip })),
    PAIRED,
  ),
  'vrrp-arp-request-virtual-mac': honest(
    3,
    USE_VMAC,
    (_own, _other, peer) => toAll(by4, arpRequest({ sha: by4.mac, spa: ip, tpa: peer.ip })),
    PAIRED,
  ),
  'vrrp-rarp-virtual-mac': honest(
    5,
    'VMware, after a move',
    () => toAll(by4, rarp({ mac: by4.mac })),
    PAIRED,
  ),
  'vrrp-ping-virtual-mac': honest(
    6,
    USE_VMAC,
    (_own, _other, peer) => ping4(by4, ip, peer, 'virtual'),
    PAIRED,
  ),
  'vrrp-na-virtual-mac': honest(
    12,
    `${USE_VMAC}: unsolicited advertisement of the new master`,
    () => nd(by6, { src: ip6, dst: ALL_NODES }, na(ip6, by6.mac)),
    PAIRED,
  ),
  'vrrp-na-virtual-mac-link-local': honest(
    12,
    'RFC 5798, 8.2.2',
    () => nd(by6, { src: virtualLinkLocal, dst: ALL_NODES }, na(virtualLinkLocal, by6.mac)),
    PAIRED,
  ),
  'vrrp-ping6-virtual-mac': honest(
    9,
    USE_VMAC,
    (_own, _other, peer) => ping6(by6, ip6, peer, 'virtual'),
    PAIRED,
  ),
  'vrrp-announcement': honest(
    3,
    `${KEEPALIVED}: gratuitous ARP of the new master`,
    (own) => toAll(own, gratuitousArp({ sha: own.mac, spa: ip })),
    ['pair', 'zero', 'exempt-arp'],
  ),
  'vrrp-announcement-reply': honest(
    3,
    `${KEEPALIVED}: gratuitous ARP of the new master`,
    (own) => toAll(own, gratuitousArp({ op: 2, sha: own.mac, spa: ip })),
    ['pair', 'zero', 'exempt-arp'],
  ),
  'vrrp-na': honest(
    12,
    `${KEEPALIVED}: unsolicited advertisement of the new master`,
    (own) => nd(own, { src: ip6, dst: ALL_NODES }, na(ip6, own.mac)),
    ['pair', 'zero'],
  ),
  'vrrp-ping': honest(6, KEEPALIVED, (own, _, peer) => ping4(own, ip, peer, 'virtual'), [
    'pair',
    'zero',
    'exempt-source',
  ]),

  'vrrp-other-virtual-router': hostile(1, 'RFC 3768: a router nobody named', (own) => {
    const message = vrrpv2({ vrid: 8, addresses: [ip], priority: 255 })
    const header = { src: own.ip, dst: GROUP, ttl: 255 }
    return toGroup({ mac: virtualMac(4, 8) }, GROUP, ipv4(header, message))
  }),
  'vrrp-as-other': hostile(
    6,
    'yersinia, VRRP: the name of another router',
    (own, other) => {
      const message = vrrpv2({ vrid, addresses: [ip], priority: 255 })
      return toGroup(own, GROUP, ipv4({ src: other.ip, dst: GROUP, ttl: 255 }, message))
    },
    ['pair', 'zero', 'exempt-source'],
  ),
  'vrrp-virtual-mac-other-address': hostile(
    3,
    'a pair’s MAC with another pair’s address',
    (_, other) => toAll(by4, gratuitousArp({ sha: by4.mac, spa: other.ip })),
  ),
  'vrrp-virtual-mac-ping-other': hostile(
    6,
    'a pair’s MAC with another pair’s address',
    (_, other, peer) => ping4(by4, other.ip, peer, 'mixed'),
  ),
  'vrrp-virtual-mac-ipv6': hostile(9, 'the MAC of IPv4, an address of IPv6', (_own, _other, peer) =>
    ping6(by4, ip6, peer, 'mixed'),
  ),
  'vrrp-virtual-mac6-ipv4': hostile(
    6,
    'the MAC of IPv6, an address of IPv4',
    (_own, _other, peer) => ping4(by6, ip, peer, 'mixed'),
  ),
  'vrrp-virtual-mac6-arp': hostile(3, 'the MAC of IPv6, an address of IPv4', () =>
    toAll(by6, gratuitousArp({ sha: by6.mac, spa: ip })),
  ),
  'vrrp-virtual-mac-na': hostile(12, 'the MAC of IPv4, an address of IPv6', () =>
    nd(by4, { src: ip6, dst: ALL_NODES }, na(ip6, by4.mac)),
  ),
  'vrrp-virtual-mac-na-other': hostile(12, 'a pair’s MAC with another pair’s address', (_, other) =>
    nd(by6, { src: ip6, dst: ALL_NODES }, na(other.ip6, by6.mac)),
  ),
  'vrrp-hardware-virtual': hostile(
    3,
    'keepalived without use_vmac never says so: the frame’s MAC is the port’s',
    (own) => toAll(own, gratuitousArp({ sha: by4.mac, spa: ip })),
    ['exempt-arp'],
  ),
  'vrrp-na-hardware-virtual': hostile(
    12,
    'keepalived without use_vmac never says so: the frame’s MAC is the port’s',
    (own) => nd(own, { src: own.ip6, dst: ALL_NODES }, na(ip6, by6.mac)),
    ['exempt-nd'],
  ),
})
