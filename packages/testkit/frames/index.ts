// The corpus: frames that honest and hostile stations send, and at which kinds of port each passes. A frame stands in the file
// of its protocol.

import { arpFrames } from './arp.ts'
import type { CorpusFrame } from './corpus-frame.ts'
import { dhcpFrames } from './dhcp.ts'
import { etherTypeFrames } from './ethertypes.ts'
import { fragmentFrames } from './fragments.ts'
import { igmpFrames } from './igmp.ts'
import { ipv4Frames } from './ipv4.ts'
import { ipv6Frames } from './ipv6.ts'
import { mldFrames } from './mld.ts'
import { ndFrames } from './nd.ts'
import { routerFrames } from './routers.ts'
import { tagFrames } from './tags.ts'
import { vrrpFrames } from './vrrp.ts'

export type { CorpusFrame, FrameOf, Kind, Passes, Station } from './corpus-frame.ts'
export { canonical, kinds, passesAt } from './corpus-frame.ts'
export { LISTED_ETHERTYPES, TRUNK_VLANS, portFields, station } from './stations.ts'

export const corpusFamilies = {
  arp: arpFrames,
  ipv4: ipv4Frames,
  dhcp: dhcpFrames,
  igmp: igmpFrames,
  ipv6: ipv6Frames,
  nd: ndFrames,
  mld: mldFrames,
  routers: routerFrames,
  fragments: fragmentFrames,
  tags: tagFrames,
  ethertypes: etherTypeFrames,
  vrrp: vrrpFrames,
} as const satisfies Record<string, readonly CorpusFrame[]>

export const corpus: readonly CorpusFrame[] = Object.values(corpusFamilies).flat()
