// Multicast listener discovery: listeners report, only routers query. Rules 9, 10, 13.

import { extension, icmpv6, ipv6, mld, mldv2Query, mldv2Report } from '../src/frames.ts'
import type { Segment } from '../src/frames.ts'
import type { FrameOf, Passes } from './corpus-frame.ts'
import { family, honest, hostile } from './corpus-frame.ts'
import { ALL_NODES, ALL_ROUTERS, toGroup, toStation } from './send.ts'

const GROUP = 'ff05::1234'
const V2_REPORTS = 'ff02::16'
const EXEMPT: Passes = ['exempt-query']

const says =
  (dst: string, message: Segment, src?: string): FrameOf =>
  (own) => {
    const header = { src: src ?? own.linkLocal, dst, hopLimit: 1 }
    return toGroup(own, dst, ipv6({ ...header, extensions: [extension.routerAlert()] }, message))
  }

const joins = mldv2Report({ groups: [GROUP] })

export const mldFrames = family({
  'mldv1-report': honest(9, 'RFC 2710', says(GROUP, mld({ type: 131, group: GROUP }))),
  'mldv1-report-no-source': honest(
    10,
    'RFC 3590',
    says(GROUP, mld({ type: 131, group: GROUP }), '::'),
  ),
  'mldv1-done': honest(9, 'RFC 2710', says(ALL_ROUTERS, mld({ type: 132, group: GROUP }))),
  'mldv2-report': honest(9, 'RFC 3810', says(V2_REPORTS, joins)),
  'mldv2-report-no-source': honest(10, 'RFC 3810, 5.2.13', says(V2_REPORTS, joins, '::')),
  'mldv2-report-leave': honest(
    9,
    'RFC 3810',
    says(V2_REPORTS, mldv2Report({ groups: [GROUP], record: 3 })),
  ),
  'mldv2-report-many': honest(
    9,
    'RFC 3810',
    says(V2_REPORTS, mldv2Report({ groups: [GROUP, 'ff05::2', 'ff05::3', 'ff05::4'] })),
  ),

  'mldv1-query': hostile(
    13,
    'RFC 2710',
    says(ALL_NODES, mld({ type: 130, group: '::', maxResponse: 10_000 })),
    EXEMPT,
  ),
  'mldv1-query-group': hostile(
    13,
    'RFC 2710',
    says(GROUP, mld({ type: 130, group: GROUP, maxResponse: 1000 })),
    EXEMPT,
  ),
  'mldv2-query': hostile(
    13,
    'RFC 3810; fake_mldrouter6 (THC-IPv6)',
    says(ALL_NODES, mldv2Query()),
    EXEMPT,
  ),
  'mldv2-query-group': hostile(13, 'RFC 3810', says(GROUP, mldv2Query({ group: GROUP })), EXEMPT),
  'mldv2-query-without-alert': hostile(
    13,
    'RFC 3810, 6.2',
    (own) =>
      toGroup(
        own,
        ALL_NODES,
        ipv6({ src: own.linkLocal, dst: ALL_NODES, hopLimit: 1 }, mldv2Query()),
      ),
    EXEMPT,
  ),
  'mldv2-query-unicast': hostile(
    13,
    'RFC 3810, 5.1.15',
    (own, _, peer) =>
      toStation(
        own,
        peer,
        ipv6(
          {
            src: own.linkLocal,
            dst: peer.linkLocal,
            hopLimit: 1,
            extensions: [extension.routerAlert()],
          },
          mldv2Query(),
        ),
      ),
    EXEMPT,
  ),
  'mldv2-query-atomic': hostile(
    13,
    'RFC 6946',
    (own) =>
      toGroup(
        own,
        ALL_NODES,
        ipv6(
          {
            src: own.linkLocal,
            dst: ALL_NODES,
            hopLimit: 1,
            extensions: [extension.routerAlert(), extension.fragment()],
          },
          mldv2Query(),
        ),
      ),
    EXEMPT,
  ),
  'mld-multicast-router': hostile(
    13,
    'RFC 4286, 3.1: a bridge that snoops takes it for a router',
    says('ff02::6a', icmpv6(151, Uint8Array.of(0, 20, 0, 2))),
    EXEMPT,
  ),
  'mldv2-query-no-source': hostile(13, 'RFC 3810, 5.1.14', says(ALL_NODES, mldv2Query(), '::')),
  'mldv2-query-as-other': hostile(13, 'RFC 3810', (own, other, peer) =>
    says(ALL_NODES, mldv2Query(), other.linkLocal)(own, other, peer),
  ),
  'mldv2-report-as-other': hostile(
    9,
    'RFC 3810',
    (own, other, peer) => says(V2_REPORTS, joins, other.linkLocal)(own, other, peer),
    ['zero', 'exempt-source'],
  ),
})
