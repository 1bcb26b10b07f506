// Neighbour discovery: solicitations and advertisements. Rules 10, 11, 12.

import { bytesOfIp, parseIp } from '@portward/addr'
import {
  extension,
  icmpv6,
  ipv6,
  ndOption,
  neighbourAdvertisement,
  neighbourSolicitation,
  padded,
  routerSolicitation,
} from '../src/frames.ts'
import type { Extension } from '../src/frames.ts'
import type { FrameOf, Passes, Station } from './corpus-frame.ts'
import { family, honest, hostile, undecidable } from './corpus-frame.ts'
import { ALL_NODES, ALL_ROUTERS, nd, solicitedNode, toGroup, toStation } from './send.ts'

const RFC = 'RFC 4861'
const DAD = 'RFC 4862, 5.4.2'
const UNREAD =
  'RFC 4861, 4.6: OVS reads no further than such an option, and receivers drop the message'
const PARASITE = 'parasite6 (THC-IPv6)'
const WHERE_OTHERS: Passes = ['pair', 'zero', 'exempt-nd']
const WHERE_ANY: Passes = ['zero', 'exempt-nd']
const EXEMPT: Passes = ['exempt-nd']

const { sourceLinkLayer, targetLinkLayer, nonce } = ndOption

/** To the solicited-node group of the target, from an address of its own. */
const ns =
  (
    targetOf: (own: Station, other: Station, peer: Station) => string,
    ...options: readonly Option[]
  ): FrameOf =>
  (own, other, peer) => {
    const target = targetOf(own, other, peer)
    const given = options.map((option) => option(own, other))
    const message = neighbourSolicitation({ target, options: given })
    return nd(own, { src: own.ip6, dst: solicitedNode(target) }, message)
  }

/** To all nodes, from an address of its own. */
const na =
  (targetOf: (own: Station, other: Station) => string, ...options: readonly Option[]): FrameOf =>
  (own, other) => {
    const given = options.map((option) => option(own, other))
    const message = neighbourAdvertisement({
      target: targetOf(own, other),
      override: true,
      options: given,
    })
    return nd(own, { src: own.ip6, dst: ALL_NODES }, message)
  }

const dad =
  (
    targetOf: (own: Station, other: Station) => string,
    ...options: readonly Uint8Array[]
  ): FrameOf =>
  (own, other) => {
    const target = targetOf(own, other)
    return nd(
      own,
      { src: '::', dst: solicitedNode(target) },
      neighbourSolicitation({ target, options }),
    )
  }

const naBehind =
  (
    targetOf: (own: Station, other: Station) => string,
    ...extensions: readonly Extension[]
  ): FrameOf =>
  (own, other) => {
    const options = [targetLinkLayer(own.mac)]
    const message = neighbourAdvertisement({
      target: targetOf(own, other),
      override: true,
      options,
    })
    const header = { src: own.ip6, dst: ALL_NODES, hopLimit: 255, extensions }
    return toGroup(own, ALL_NODES, ipv6(header, message))
  }

type Option = (own: Station, other: Station) => Uint8Array

const itsOwn = ({ ip6 }: Station): string => ip6
const theOthers = (_: Station, other: Station): string => other.ip6
const thePeers = (_own: Station, _other: Station, peer: Station): string => peer.ip6
const ownSll: Option = ({ mac }) => sourceLinkLayer(mac)
const otherSll: Option = (_, { mac }) => sourceLinkLayer(mac)
const ownTll: Option = ({ mac }) => targetLinkLayer(mac)
const otherTll: Option = (_, { mac }) => targetLinkLayer(mac)
const raw =
  (...bytes: readonly number[]): Option =>
  () =>
    Uint8Array.from(bytes)
const noUnits = (type: number): Option => raw(type, 0, 0, 0, 0, 0, 0, 0)
const tooLong = (type: number): Option => raw(type, 9, 2, 0, 0, 0, 0, 9)
const someNonce = raw(14, 1, 1, 2, 3, 4, 5, 6)
/** An option of two units that begins as one with another's MAC does: OVS and Linux both pass over it. */
const twoUnits =
  (type: number): Option =>
  (_, { mac }) =>
    Uint8Array.from([type, 2, ...sourceLinkLayer(mac).subarray(2), ...new Uint8Array(8)])

export const ndFrames = family({
  'nd-dad': honest(10, DAD, dad(itsOwn)),
  'nd-dad-link-local': honest(
    10,
    DAD,
    dad(({ linkLocal }) => linkLocal),
  ),
  'nd-dad-nonce': honest(10, 'RFC 7527', dad(itsOwn, nonce(6, 5, 4, 3, 2, 1))),
  'nd-rs-no-source': honest(10, RFC, (own) =>
    nd(own, { src: '::', dst: ALL_ROUTERS }, routerSolicitation()),
  ),
  'nd-rs': honest(9, RFC, (own) =>
    nd(
      own,
      { src: own.linkLocal, dst: ALL_ROUTERS },
      routerSolicitation({ options: [sourceLinkLayer(own.mac)] }),
    ),
  ),
  'nd-rs-without-option': honest(9, RFC, (own) =>
    nd(own, { src: own.linkLocal, dst: ALL_ROUTERS }, routerSolicitation()),
  ),
  'nd-ns': honest(11, RFC, ns(thePeers, ownSll)),
  'nd-ns-for-other': honest(11, RFC, ns(theOthers, ownSll)),
  'nd-ns-nonce': honest(11, 'RFC 7527', ns(thePeers, ownSll, someNonce)),
  'nd-ns-link-local': honest(11, RFC, (own, _, peer) =>
    nd(
      own,
      { src: own.linkLocal, dst: solicitedNode(peer.ip6) },
      neighbourSolicitation({ target: peer.ip6, options: [sourceLinkLayer(own.mac)] }),
    ),
  ),
  'nd-ns-unicast': honest(11, 'RFC 4861, 7.3.3', (own, _, peer) =>
    nd(
      own,
      { src: own.ip6, dst: peer.ip6, to: peer },
      neighbourSolicitation({ target: peer.ip6, options: [sourceLinkLayer(own.mac)] }),
    ),
  ),
  'nd-ns-unicast-without-option': honest(11, 'RFC 4861, 7.3.3', (own, _, peer) =>
    nd(own, { src: own.ip6, dst: peer.ip6, to: peer }, neighbourSolicitation({ target: peer.ip6 })),
  ),
  'nd-na-solicited': honest(12, RFC, (own, _, peer) =>
    nd(
      own,
      { src: own.ip6, dst: peer.ip6, to: peer },
      neighbourAdvertisement({
        target: own.ip6,
        solicited: true,
        override: true,
        options: [targetLinkLayer(own.mac)],
      }),
    ),
  ),
  'nd-na-solicited-without-option': honest(12, RFC, (own, _, peer) =>
    nd(
      own,
      { src: own.ip6, dst: peer.ip6, to: peer },
      neighbourAdvertisement({ target: own.ip6, solicited: true }),
    ),
  ),
  'nd-na-unsolicited': honest(12, 'RFC 4861, 7.2.6', na(itsOwn, ownTll)),
  'nd-na-link-local': honest(
    12,
    RFC,
    na(({ linkLocal }) => linkLocal, ownTll),
  ),
  'nd-na-from-link-local': honest(12, RFC, (own) =>
    nd(
      own,
      { src: own.linkLocal, dst: ALL_NODES },
      neighbourAdvertisement({ target: own.ip6, options: [targetLinkLayer(own.mac)] }),
    ),
  ),
  'nd-na-nonce': honest(12, 'RFC 3971, 5.3.2', na(itsOwn, someNonce, ownTll)),
  'nd-na-padded': honest(12, RFC, (own, other, peer) =>
    padded(na(itsOwn, ownTll)(own, other, peer), 100),
  ),

  'nd-rs-hardware-other': undecidable(
    9,
    'RFC 4861, 4.1: OVS reads no options of a router solicitation',
    (own, other) =>
      nd(
        own,
        { src: own.linkLocal, dst: ALL_ROUTERS },
        routerSolicitation({ options: [sourceLinkLayer(other.mac)] }),
      ),
  ),
  'nd-ns-option-of-two-units': undecidable(
    11,
    'RFC 4861, 4.6.1: neither OVS nor Linux takes it for an address',
    ns(thePeers, twoUnits(1)),
  ),
  'nd-na-option-of-two-units': undecidable(
    12,
    'RFC 4861, 4.6.1: neither OVS nor Linux takes it for an address',
    na(itsOwn, twoUnits(2)),
  ),
  'nd-ns-hardware-zero': undecidable(
    11,
    'RFC 4861: reads like an option that is absent, and makes only the sender unreachable',
    ns(thePeers, () => sourceLinkLayer('00:00:00:00:00:00')),
  ),
  'nd-na-hardware-zero': undecidable(
    12,
    'RFC 4861: reads like an option that is absent, and makes only the sender unreachable',
    na(itsOwn, () => targetLinkLayer('00:00:00:00:00:00')),
  ),

  'nd-ns-option-of-no-units': undecidable(11, UNREAD, ns(thePeers, noUnits(1))),
  'nd-ns-option-of-no-units-then-other': undecidable(
    11,
    UNREAD,
    ns(thePeers, noUnits(14), otherSll),
  ),
  'nd-ns-option-too-long': undecidable(11, UNREAD, ns(thePeers, tooLong(1))),
  'nd-na-option-of-no-units': undecidable(12, UNREAD, na(itsOwn, noUnits(2))),
  'nd-na-option-of-no-units-then-other': undecidable(12, UNREAD, na(itsOwn, noUnits(14), otherTll)),
  'nd-na-option-too-long': undecidable(12, UNREAD, na(itsOwn, tooLong(2))),
  'nd-na-hop-by-hop': undecidable(
    15,
    'RFC 6980: no station sends it; OVS reads it like any other, and it claims what is its own',
    naBehind(itsOwn, extension.hopByHop()),
  ),

  'nd-na-other-option-of-no-units': hostile(12, UNREAD, na(theOthers, noUnits(2)), WHERE_OTHERS),
  'nd-na-other-hop-by-hop': hostile(
    15,
    'RFC 7113',
    naBehind(theOthers, extension.hopByHop()),
    WHERE_OTHERS,
  ),
  'nd-na-other-destination-options': hostile(
    15,
    'RFC 7113',
    naBehind(theOthers, extension.destination()),
    WHERE_OTHERS,
  ),
  'nd-na-other-five-deep': hostile(
    15,
    'RFC 7113',
    naBehind(
      theOthers,
      extension.hopByHop(),
      extension.destination(),
      extension.routing('fd00::77'),
      extension.authentication(),
      extension.destination(),
    ),
    WHERE_OTHERS,
  ),
  'nd-ns-hardware-other-hop-by-hop': hostile(
    15,
    'RFC 7113',
    (own, other, peer) => {
      const options = [sourceLinkLayer(other.mac)]
      const message = neighbourSolicitation({ target: peer.ip6, options })
      const header = { src: own.ip6, dst: peer.ip6, hopLimit: 255 }
      return toStation(own, peer, ipv6({ ...header, extensions: [extension.hopByHop()] }, message))
    },
    EXEMPT,
  ),

  'nd-dad-other': hostile(
    10,
    'dos-new-ip6 (THC-IPv6): it keeps the other from its address',
    dad(theOthers),
    ['pair', 'zero', 'exempt-source'],
  ),
  'nd-dad-other-link-local': hostile(
    10,
    'dos-new-ip6 (THC-IPv6)',
    dad((_, other) => other.linkLocal),
    ['zero', 'exempt-source'],
  ),
  'nd-dad-with-hardware': hostile(
    10,
    'RFC 4861, 7.1.1: no such option from the unspecified address',
    (own, other, peer) => dad(itsOwn, sourceLinkLayer(own.mac))(own, other, peer),
    ['exempt-source'],
  ),
  'nd-dad-mac-other': hostile(1, DAD, (_, other) =>
    nd(
      other,
      { src: '::', dst: solicitedNode(other.ip6) },
      neighbourSolicitation({ target: other.ip6 }),
    ),
  ),
  'nd-dad-hop-limit': hostile(11, 'RFC 4861, 7.1.1', (own) =>
    toGroup(
      own,
      solicitedNode(own.ip6),
      ipv6({ src: '::', dst: solicitedNode(own.ip6) }, neighbourSolicitation({ target: own.ip6 })),
    ),
  ),
  'nd-na-no-source': hostile(
    10,
    RFC,
    (own) =>
      nd(
        own,
        { src: '::', dst: ALL_NODES },
        neighbourAdvertisement({ target: own.ip6, options: [targetLinkLayer(own.mac)] }),
      ),
    ['exempt-source'],
  ),

  'nd-ns-hardware-other': hostile(11, 'RFC 3756, 4.1.1', ns(thePeers, otherSll), EXEMPT),
  'nd-ns-hardware-broadcast': hostile(
    11,
    RFC,
    ns(thePeers, () => sourceLinkLayer('ff:ff:ff:ff:ff:ff')),
    EXEMPT,
  ),
  'nd-ns-source-other': hostile(
    11,
    'RFC 3756, 4.1.1',
    (own, other, peer) =>
      nd(
        own,
        { src: other.ip6, dst: solicitedNode(peer.ip6) },
        neighbourSolicitation({ target: peer.ip6, options: [sourceLinkLayer(own.mac)] }),
      ),
    ['pair', 'zero', 'exempt-source'],
  ),
  'nd-ns-hop-limit': hostile(
    11,
    'RFC 4861, 7.1.1',
    (own, _, peer) =>
      toStation(
        own,
        peer,
        ipv6(
          { src: own.ip6, dst: peer.ip6, hopLimit: 64 },
          neighbourSolicitation({ target: peer.ip6 }),
        ),
      ),
    EXEMPT,
  ),
  'nd-ns-two-options': hostile(11, 'RFC 4861, 4.3', ns(thePeers, ownSll, otherSll), EXEMPT),
  'nd-ns-nonce-then-other': hostile(
    11,
    'RFC 3756, 4.1.1',
    ns(thePeers, someNonce, otherSll),
    EXEMPT,
  ),
  'nd-ns-cut-short': hostile(
    11,
    'RFC 4861, 7.1.1',
    (own, _, peer) =>
      nd(own, { src: own.ip6, dst: peer.ip6, to: peer }, icmpv6(135, new Uint8Array(12))),
    EXEMPT,
  ),

  'nd-na-other': hostile(12, PARASITE, na(theOthers, ownTll), WHERE_OTHERS),
  'nd-na-other-without-option': hostile(12, PARASITE, na(theOthers), WHERE_OTHERS),
  'nd-na-other-unicast': hostile(
    12,
    PARASITE,
    (own, other, peer) =>
      nd(
        own,
        { src: own.ip6, dst: peer.ip6, to: peer },
        neighbourAdvertisement({
          target: other.ip6,
          solicited: true,
          override: true,
          options: [targetLinkLayer(own.mac)],
        }),
      ),
    WHERE_OTHERS,
  ),
  'nd-na-other-link-local': hostile(
    12,
    PARASITE,
    na((_, other) => other.linkLocal, ownTll),
    WHERE_ANY,
  ),
  'nd-na-of-prefix': hostile(
    12,
    RFC,
    na(() => 'fd00:9::5', ownTll),
    WHERE_OTHERS,
  ),
  'nd-na-nobody': hostile(
    12,
    RFC,
    na(() => '2001:db8::9', ownTll),
    WHERE_ANY,
  ),
  'nd-na-multicast': hostile(
    12,
    'RFC 4861, 7.1.2',
    na(() => ALL_NODES, ownTll),
    WHERE_ANY,
  ),
  'nd-na-unspecified': hostile(
    12,
    RFC,
    na(() => '::', ownTll),
    EXEMPT,
  ),
  'nd-na-hardware-other': hostile(12, 'RFC 3756, 4.1.1', na(itsOwn, otherTll), EXEMPT),
  'nd-na-other-hardware-other': hostile(12, 'RFC 3756, 4.1.1', na(theOthers, otherTll), EXEMPT),
  'nd-na-hardware-broadcast': hostile(
    12,
    RFC,
    na(itsOwn, () => targetLinkLayer('ff:ff:ff:ff:ff:ff')),
    EXEMPT,
  ),
  'nd-na-source-other': hostile(
    12,
    RFC,
    (own, other) =>
      nd(
        own,
        { src: other.ip6, dst: ALL_NODES },
        neighbourAdvertisement({ target: own.ip6, options: [targetLinkLayer(own.mac)] }),
      ),
    ['pair', 'zero', 'exempt-source'],
  ),
  'nd-na-mac-other': hostile(1, PARASITE, (_, other) =>
    nd(
      other,
      { src: other.ip6, dst: ALL_NODES },
      neighbourAdvertisement({ target: other.ip6, options: [targetLinkLayer(other.mac)] }),
    ),
  ),
  'nd-na-hop-limit': hostile(
    12,
    'RFC 4861, 7.1.2',
    (own) =>
      toGroup(
        own,
        ALL_NODES,
        ipv6(
          { src: own.ip6, dst: ALL_NODES, hopLimit: 254 },
          neighbourAdvertisement({ target: own.ip6 }),
        ),
      ),
    EXEMPT,
  ),
  'nd-na-two-options': hostile(12, 'RFC 4861, 4.4', na(itsOwn, ownTll, otherTll), EXEMPT),
  'nd-na-other-two-options': hostile(12, 'RFC 4861, 4.4', na(theOthers, ownTll, ownTll), EXEMPT),
  'nd-na-nonce-then-other': hostile(12, 'RFC 3756, 4.1.1', na(itsOwn, someNonce, otherTll), EXEMPT),
  'nd-na-cut-short': hostile(
    12,
    'RFC 4861, 7.1.2',
    (own) => nd(own, { src: own.ip6, dst: ALL_NODES }, icmpv6(136, new Uint8Array(12))),
    EXEMPT,
  ),
  'nd-na-code': hostile(
    12,
    'RFC 4861, 7.1.2',
    (own, other) => {
      const body = new Uint8Array([
        0x20,
        0,
        0,
        0,
        ...bytesOfIp(parseIp(other.ip6)),
        2,
        1,
        ...new Uint8Array(6),
      ])
      return nd(own, { src: own.ip6, dst: ALL_NODES }, icmpv6(136, body, 1))
    },
    EXEMPT,
  ),
  'nd-na-other-trailing-bytes': hostile(
    12,
    PARASITE,
    (own, other, peer) => padded(na(theOthers, ownTll)(own, other, peer), 300),
    WHERE_OTHERS,
  ),
})
