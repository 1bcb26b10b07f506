// IGMP, of which OVS sees where it goes and not what it says. Rules 6, 7, 13.

import { igmp, igmpv3Query, igmpv3Report, ipv4, ipv4Option } from '../src/frames.ts'
import type { Segment } from '../src/frames.ts'
import type { FrameOf, Passes } from './corpus-frame.ts'
import { family, honest, hostile, undecidable } from './corpus-frame.ts'
import { ALL_HOSTS, toGroup, toStation } from './send.ts'

const GROUP = '239.1.2.3'
const V3_REPORTS = '224.0.0.22'
const ALL_IPV4_ROUTERS = '224.0.0.2'
const EXEMPT: Passes = ['exempt-query']

const says =
  (dst: string, message: Segment, src?: string): FrameOf =>
  (own) => {
    const header = { src: src ?? own.ip, dst, ttl: 1, options: ipv4Option.routerAlert }
    return toGroup(own, dst, ipv4(header, message))
  }

export const igmpFrames = family({
  'igmpv3-report': honest(6, 'RFC 3376', says(V3_REPORTS, igmpv3Report({ groups: [GROUP] }))),
  'igmpv3-report-two-groups': honest(
    6,
    'RFC 3376',
    says(V3_REPORTS, igmpv3Report({ groups: [GROUP, '239.1.2.4'] })),
  ),
  'igmpv3-report-leave': honest(
    6,
    'RFC 3376',
    says(V3_REPORTS, igmpv3Report({ groups: [GROUP], record: 3 })),
  ),
  'igmpv3-report-no-source': honest(
    7,
    'RFC 3376, 4.2.13',
    says(V3_REPORTS, igmpv3Report({ groups: [GROUP] }), '0.0.0.0'),
  ),
  'igmpv3-report-without-alert': honest(6, 'RFC 3376: some stations leave the option out', (own) =>
    toGroup(
      own,
      V3_REPORTS,
      ipv4({ src: own.ip, dst: V3_REPORTS, ttl: 1 }, igmpv3Report({ groups: [GROUP] })),
    ),
  ),
  'igmpv2-leave': honest(6, 'RFC 2236', says(ALL_IPV4_ROUTERS, igmp({ type: 0x17, group: GROUP }))),

  'igmpv2-report': undecidable(
    13,
    'RFC 2236: to its group, as a query is',
    says(GROUP, igmp({ type: 0x16, group: GROUP })),
    EXEMPT,
  ),
  'igmpv1-report': undecidable(
    13,
    'RFC 1112: to its group, as a query is',
    says(GROUP, igmp({ type: 0x12, group: GROUP })),
    EXEMPT,
  ),
  'igmpv3-query-to-reports': undecidable(
    13,
    'RFC 3376, 4.1.12: a query where only reports go; no host listens there',
    says(V3_REPORTS, igmpv3Query()),
  ),

  'igmpv3-query': hostile(13, 'RFC 3376', says(ALL_HOSTS, igmpv3Query()), EXEMPT),
  'igmpv3-query-group': hostile(13, 'RFC 3376', says(GROUP, igmpv3Query({ group: GROUP })), EXEMPT),
  'igmpv2-query': hostile(
    13,
    'RFC 2236',
    says(ALL_HOSTS, igmp({ type: 0x11, maxResponse: 100, group: '0.0.0.0' })),
    EXEMPT,
  ),
  'igmpv1-query': hostile(
    13,
    'RFC 1112',
    says(ALL_HOSTS, igmp({ type: 0x11, group: '0.0.0.0' })),
    EXEMPT,
  ),
  'igmpv3-query-unicast': hostile(
    13,
    'RFC 3376, 4.1.12',
    (own, _, peer) =>
      toStation(own, peer, ipv4({ src: own.ip, dst: peer.ip, ttl: 1 }, igmpv3Query())),
    EXEMPT,
  ),
  'igmp-dvmrp': hostile(
    13,
    'RFC 1075: a multicast router',
    says('224.0.0.4', igmp({ type: 0x13, maxResponse: 1, group: '0.0.0.0' })),
    EXEMPT,
  ),
  'igmpv3-query-no-source': hostile(
    13,
    'RFC 4541, 2.1.1: the query of a snooping switch',
    says(ALL_HOSTS, igmpv3Query(), '0.0.0.0'),
  ),
  'igmpv3-report-as-other': hostile(
    6,
    'RFC 3376, 9.2',
    (own, other, peer) =>
      says(V3_REPORTS, igmpv3Report({ groups: [GROUP] }), other.ip)(own, other, peer),
    ['pair', 'zero', 'exempt-source'],
  ),
})
