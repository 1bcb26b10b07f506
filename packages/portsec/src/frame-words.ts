// A frame in words, as Open vSwitch sees it: `an ARP reply: 10.0.0.9 is at fa:16:3e:00:00:10`.

import { NO_ETHERTYPE } from './checks.ts'
import { ETH, ICMPV6, PROTO } from './guard.ts'
import type { Seen, View } from './seen.ts'
import { FRAGMENT, LATER, isTag, seenOf } from './seen.ts'

export function frameWords(frame: Uint8Array, view: View = {}): string {
  const seen = seenOf(frame, view)
  const vids = seen.tags.map((tci) => tci & 0xfff)
  const tagged = vids.length === 0 ? '' : `, tagged with VLAN ${vids.join(', ')}`
  const { what, sender } = kindOf(seen)
  const from = sender === seen.ethSrc ? '' : `, sent by ${seen.ethSrc}`
  return `${what}${from}${tagged}`
}

/** `sender` is the MAC that the words name as its sender, if they do. */
type Kind = { readonly what: string; readonly sender?: string }

function kindOf(seen: Seen): Kind {
  switch (seen.ethType) {
    case ETH.arp:
      return arpKind(seen)
    case ETH.rarp:
      return { what: `a RARP announcement of ${seen.arpSha}`, ...senderOf(seen.arpSha) }
    case ETH.ipv4:
      return { what: ipKind(seen, ipv4Kind(seen)) }
    case ETH.ipv6:
      return { what: ipKind(seen, ipv6Kind(seen)) }
    default:
      return { what: otherKind(seen) }
  }
}

function arpKind({ arpOp, arpSha, arpSpa, arpTpa }: Seen): Kind {
  const sender = senderOf(arpSha)
  if (arpOp === 1 && arpSpa === '0.0.0.0') {
    return { what: `an ARP probe: ${arpSha} asks whether ${arpTpa} is taken`, ...sender }
  }
  const says = `${arpSpa} is at ${arpSha}`
  if (arpOp === 2) return { what: `an ARP reply: ${says}`, ...sender }
  if (arpOp !== 1) return { what: `an ARP message of no known kind: ${says}`, ...sender }
  if (arpSpa === arpTpa) return { what: `an ARP announcement: ${says}`, ...sender }
  return { what: `an ARP request: ${says}, and asks for ${arpTpa}`, ...sender }
}

function senderOf(sender: string | undefined): { sender?: string } {
  return sender === undefined ? {} : { sender }
}

function ipKind(seen: Seen, kind: string): string {
  const { ipFrag = 0 } = seen
  const source = seen.ipv4Src ?? seen.ipv6Src
  const way = `${kind} from ${source} to ${seen.ipv4Dst ?? seen.ipv6Dst}`
  if ((ipFrag & LATER) !== 0) return `a later fragment of ${way}`
  return (ipFrag & FRAGMENT) === 0 ? way : `the first fragment of ${way}`
}

function ipv4Kind(seen: Seen): string {
  const { ipProto, ipv4Dst, icmpv4Type } = seen
  switch (ipProto) {
    case PROTO.udp:
      return udpKind(seen, 'DHCP', 67)
    case PROTO.tcp:
      return tcpKind(seen)
    case PROTO.igmp:
      return ipv4Dst === '224.0.0.22' ? 'an IGMPv3 report' : 'an IGMP query or report'
    case PROTO.icmpv4:
      return icmpv4Kinds.get(icmpv4Type ?? 0) ?? `an ICMP message of type ${icmpv4Type}`
    case undefined:
    default:
      return ipProto
        ? `an IPv4 packet of protocol ${ipProto}`
        : 'an IPv4 packet that makes no sense'
  }
}

function ipv6Kind(seen: Seen): string {
  const { ipProto, icmpv6Type = 0, ipv6NdTarget } = seen
  switch (ipProto) {
    case PROTO.udp:
      return udpKind(seen, 'DHCPv6', 547)
    case PROTO.tcp:
      return tcpKind(seen)
    case PROTO.icmpv6: {
      if (icmpv6Type === ICMPV6.na) {
        const { ethSrc, ipv6NdTll = '' } = seen
        const at = /[1-9a-f]/.test(ipv6NdTll) ? ipv6NdTll : ethSrc
        return `a neighbour advertisement: ${ipv6NdTarget} is at ${at};`
      }
      if (icmpv6Type === ICMPV6.ns) {
        return seen.ipv6Src === '::'
          ? `duplicate address detection: is ${ipv6NdTarget} taken?`
          : `a neighbour solicitation for ${ipv6NdTarget},`
      }
      return icmpv6Kinds.get(icmpv6Type) ?? `an ICMPv6 message of type ${icmpv6Type}`
    }
    case undefined:
    default:
      return ipProto
        ? `an IPv6 packet of protocol ${ipProto}`
        : 'an IPv6 packet whose headers cannot be followed to their end,'
  }
}

function udpKind({ udpSrc = 0, udpDst = 0 }: Seen, name: string, server: number): string {
  if (udpSrc === server) return `a ${name} server’s answer`
  if (udpDst === server) return `a ${name} client’s request`
  return `a UDP packet (port ${udpSrc} to ${udpDst})`
}

function tcpKind({ tcpSrc = 0, tcpDst = 0 }: Seen): string {
  return `a TCP packet (port ${tcpSrc} to ${tcpDst})`
}

const icmpv4Kinds = new Map([
  [0, 'an ICMP echo reply'],
  [5, 'an ICMP redirect'],
  [8, 'an ICMP echo request'],
  [9, 'an ICMP router advertisement'],
])

const icmpv6Kinds = new Map<number, string>([
  [128, 'an ICMPv6 echo request'],
  [129, 'an ICMPv6 echo reply'],
  [ICMPV6.mldQuery, 'an MLD query'],
  [ICMPV6.multicastRouter, 'a multicast router advertisement'],
  [ICMPV6.mldReport, 'an MLD report'],
  [ICMPV6.mldv2Report, 'an MLDv2 report'],
  [ICMPV6.rs, 'a router solicitation'],
  [ICMPV6.ra, 'a router advertisement'],
  [ICMPV6.redirect, 'an ICMPv6 redirect'],
])

function otherKind({ ethType, ethDst }: Seen): string {
  if (isTag(ethType)) return `a frame with a further VLAN tag (0x${hex(ethType)})`
  if (ethType === NO_ETHERTYPE) {
    return ethDst === STP ? 'a spanning tree frame (LLC)' : `an LLC frame to ${ethDst}`
  }
  const name = names.get(ethType)
  const known = name === undefined ? '' : ` (${name})`
  return `a frame of EtherType 0x${hex(ethType)}${known} to ${ethDst}`
}

const STP = '01:80:c2:00:00:00'
const names = new Map<number, string>([
  [0x8847, 'MPLS'],
  [0x8863, 'PPPoE'],
  [0x8864, 'PPPoE'],
  [0x888e, '802.1X'],
  [0x88cc, 'LLDP'],
  [0x9000, 'loopback'],
])

function hex(number: number): string {
  return number.toString(16).padStart(4, '0')
}
