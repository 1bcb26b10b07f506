// What only routers say: advertisements and redirects of both families, also behind extension headers. Rules 13, 15.

import {
  extension,
  icmpRedirect,
  icmpRouterAdvertisement,
  icmpv6,
  icmpv6Redirect,
  ipv4,
  ipv4Option,
  ipv6,
  ndOption,
  routerAdvertisement,
} from '../src/frames.ts'
import type { Extension, Segment } from '../src/frames.ts'
import type { FrameOf, Passes } from './corpus-frame.ts'
import { family, honest, hostile } from './corpus-frame.ts'
import { ALL_HOSTS, ALL_NODES, talk, toGroup, toStation } from './send.ts'

const RFC = 'RFC 4861'
const GUARD = 'RFC 7113, 2: a way around RA-Guard'
const EXEMPT_RA: Passes = ['exempt-ra']
const EXEMPT_REDIRECT: Passes = ['exempt-redirect']

const ra =
  (message: Segment = routerAdvertisement({}), hopLimit = 255): FrameOf =>
  (own) =>
    toGroup(own, ALL_NODES, ipv6({ src: own.linkLocal, dst: ALL_NODES, hopLimit }, message))

const behind =
  (message: Segment, ...extensions: readonly Extension[]): FrameOf =>
  (own) =>
    toGroup(
      own,
      ALL_NODES,
      ipv6({ src: own.linkLocal, dst: ALL_NODES, hopLimit: 255, extensions }, message),
    )

const raBehind = (...extensions: readonly Extension[]): FrameOf =>
  behind(routerAdvertisement({}), ...extensions)

const { hopByHop, routerAlert, destination, routing, authentication, fragment } = extension

const redirect =
  (code: number, options?: Uint8Array): FrameOf =>
  (own, other, peer) => {
    const about = ipv4({ src: peer.ip, dst: other.ip }, talk(''))
    const message = icmpRedirect({ gateway: own.ip, about, code })
    return toStation(
      own,
      peer,
      ipv4({ src: own.ip, dst: peer.ip, ...(options && { options }) }, message),
    )
  }

const redirect6 =
  (...extensions: readonly Extension[]): FrameOf =>
  (own, other, peer) => {
    const about = ipv6({ src: peer.ip6, dst: other.ip6 }, talk(''))
    const message = icmpv6Redirect({
      target: own.linkLocal,
      destination: other.ip6,
      options: [ndOption.targetLinkLayer(own.mac), ndOption.redirected(about)],
    })
    const header = { src: own.linkLocal, dst: peer.ip6, hopLimit: 255, extensions }
    return toStation(own, peer, ipv6(header, message))
  }

export const routerFrames = family({
  // Traffic of honest routers, which a guest may send as well: what they say of themselves is what is judged.
  'router-forwards': honest(6, 'RFC 1812: to a station beyond the network', (own, _, peer) =>
    toStation(own, peer, ipv4({ src: own.ip, dst: '198.51.100.7', ttl: 63 }, talk('beyond'))),
  ),

  ra: hostile(13, 'fake_router6 (THC-IPv6)', ra(), EXEMPT_RA),
  'ra-options': hostile(
    13,
    'fake_router6 (THC-IPv6)',
    (own, other, peer) =>
      ra(
        routerAdvertisement({
          options: [
            ndOption.sourceLinkLayer(own.mac),
            ndOption.prefix('2001:db8::', 64),
            ndOption.dnsServer(own.ip6),
          ],
        }),
      )(own, other, peer),
    EXEMPT_RA,
  ),
  'ra-router-gone': hostile(
    13,
    'kill_router6 (THC-IPv6)',
    ra(routerAdvertisement({ lifetime: 0 })),
    EXEMPT_RA,
  ),
  'ra-hop-limit': hostile(13, 'RFC 4861, 6.1.2', ra(routerAdvertisement({}), 64), EXEMPT_RA),
  'ra-code': hostile(13, 'RFC 4861, 6.1.2', ra(icmpv6(134, new Uint8Array(12), 1)), EXEMPT_RA),
  'ra-unicast': hostile(
    13,
    'RFC 4861, 6.2.6',
    (own, _, peer) =>
      toStation(
        own,
        peer,
        ipv6({ src: own.linkLocal, dst: peer.linkLocal, hopLimit: 255 }, routerAdvertisement({})),
      ),
    EXEMPT_RA,
  ),
  'ra-from-global': hostile(
    13,
    RFC,
    (own) =>
      toGroup(
        own,
        ALL_NODES,
        ipv6({ src: own.ip6, dst: ALL_NODES, hopLimit: 255 }, routerAdvertisement({})),
      ),
    EXEMPT_RA,
  ),
  'ra-as-other': hostile(13, 'RFC 3756, 4.2.1', (own, other) =>
    toGroup(
      own,
      ALL_NODES,
      ipv6({ src: other.linkLocal, dst: ALL_NODES, hopLimit: 255 }, routerAdvertisement({})),
    ),
  ),
  'ra-no-source': hostile(13, RFC, (own) =>
    toGroup(
      own,
      ALL_NODES,
      ipv6({ src: '::', dst: ALL_NODES, hopLimit: 255 }, routerAdvertisement({})),
    ),
  ),
  'ra-mac-other': hostile(1, RFC, (_, other, peer) => ra()(other, other, peer)),
  'ra-hop-by-hop': hostile(15, GUARD, raBehind(hopByHop()), EXEMPT_RA),
  'ra-router-alert': hostile(15, GUARD, raBehind(routerAlert()), EXEMPT_RA),
  'ra-destination-options': hostile(15, GUARD, raBehind(destination()), EXEMPT_RA),
  'ra-long-options': hostile(
    15,
    GUARD,
    raBehind(destination(Uint8Array.of(0x1e, 254, ...new Uint8Array(254)))),
    EXEMPT_RA,
  ),
  'ra-routing': hostile(15, GUARD, raBehind(routing('fd00::77')), EXEMPT_RA),
  'ra-authentication': hostile(15, GUARD, raBehind(authentication()), EXEMPT_RA),
  'ra-atomic': hostile(15, 'RFC 6946; RFC 6980', raBehind(fragment()), EXEMPT_RA),
  'ra-atomic-twice': hostile(15, 'RFC 6946', raBehind(fragment(), fragment({ id: 2 })), EXEMPT_RA),
  'ra-hop-by-hop-atomic': hostile(15, GUARD, raBehind(hopByHop(), fragment()), EXEMPT_RA),
  'ra-atomic-destination-options': hostile(
    15,
    GUARD,
    raBehind(fragment(), destination()),
    EXEMPT_RA,
  ),
  'ra-five-deep': hostile(
    15,
    GUARD,
    raBehind(hopByHop(), destination(), routing('fd00::77'), authentication(), destination()),
    EXEMPT_RA,
  ),
  'ra-hop-by-hop-last': hostile(
    15,
    'RFC 8200, 4.1: where hop-by-hop options must not be',
    raBehind(destination(), hopByHop()),
    EXEMPT_RA,
  ),
  'ra-ten-deep': hostile(
    15,
    GUARD,
    raBehind(...Array.from({ length: 10 }, () => destination())),
    EXEMPT_RA,
  ),
  'icmp-router-advertisement': hostile(
    13,
    'RFC 1256; CVE-1999-0875',
    (own) => {
      const message = icmpRouterAdvertisement({ router: own.ip })
      return toGroup(own, ALL_HOSTS, ipv4({ src: own.ip, dst: ALL_HOSTS, ttl: 1 }, message))
    },
    EXEMPT_RA,
  ),
  'icmp-router-advertisement-options': hostile(
    13,
    'RFC 1256',
    (own, _, peer) => {
      const message = icmpRouterAdvertisement({ router: own.ip })
      const header = { src: own.ip, dst: peer.ip, ttl: 1, options: ipv4Option.routerAlert }
      return toStation(own, peer, ipv4(header, message))
    },
    EXEMPT_RA,
  ),

  'redirect-network': hostile(13, 'RFC 792', redirect(0), EXEMPT_REDIRECT),
  'redirect-host': hostile(13, 'icmp_redirect (ettercap)', redirect(1), EXEMPT_REDIRECT),
  'redirect-service': hostile(13, 'RFC 792', redirect(3), EXEMPT_REDIRECT),
  'redirect-options': hostile(13, 'RFC 792', redirect(1, ipv4Option.recordRoute), EXEMPT_REDIRECT),
  'redirect-as-other': hostile(13, 'RFC 792: in the name of the gateway', (own, other, peer) => {
    const about = ipv4({ src: peer.ip, dst: '198.51.100.7' }, talk(''))
    const message = icmpRedirect({ gateway: own.ip, about })
    return toStation(own, peer, ipv4({ src: other.ip, dst: peer.ip }, message))
  }),
  redirect6: hostile(13, 'redir6 (THC-IPv6)', redirect6(), EXEMPT_REDIRECT),
  'redirect6-hop-by-hop': hostile(15, 'redir6 (THC-IPv6)', redirect6(hopByHop()), EXEMPT_REDIRECT),
  'redirect6-atomic': hostile(15, 'RFC 6980', redirect6(fragment()), EXEMPT_REDIRECT),
  'redirect6-five-deep': hostile(
    15,
    'RFC 7113',
    redirect6(hopByHop(), destination(), routing('fd00::77'), authentication(), destination()),
    EXEMPT_REDIRECT,
  ),
})
