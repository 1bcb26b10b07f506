// A frame asked for in words, as its port would send it: `arp 10.0.0.9`, `vlan 100 ip from 10.0.0.9 to 10.0.0.1`, `dhcp-offer`.
// What is not said is the port's own: its MAC, the link-local address of that MAC, its first address of the family.

import type { Ip, Ipv4, Ipv6, Mac } from '@portward/addr'
import {
  bytesOfIpv6,
  familyOf,
  isIpv4,
  linkLocalOf,
  macOfBytes,
  parseIp,
  parseIpv4,
  parseIpv6,
  parseMac,
} from '@portward/addr'
import type { Packet, Segment } from '@portward/frames'
import {
  BROADCAST,
  arp,
  arpProbe,
  bpdu,
  dhcp,
  dhcpv6,
  ethernet,
  extension,
  gratuitousArp,
  icmpRedirect,
  icmpv6Redirect,
  igmpv3Query,
  igmpv3Report,
  ipv4,
  ipv4Option,
  ipv6,
  lldp,
  mldv2Query,
  mldv2Report,
  ndOption,
  neighbourAdvertisement,
  neighbourSolicitation,
  packet,
  rarp,
  routerAdvertisement,
  routerSolicitation,
  udp,
} from '@portward/frames'

/** Words that are no frame's; the message says which, and what is understood. */
export class PhraseError extends Error {
  override readonly name = 'PhraseError'
}

/** Throws a PhraseError. */
export function frameOf(
  phrase: string,
  port: { readonly mac: Mac; readonly ips: readonly Ip[] },
): Uint8Array {
  const words = new Words(phrase)
  const tags: { vid: number }[] = []
  let { mac } = port
  for (;;) {
    if (words.take('vlan')) tags.push({ vid: words.number('a VLAN id', 0xfff) })
    else if (words.take('mac')) mac = words.mac()
    else break
  }
  const kind = words.next('a kind of frame')
  const build = kinds.get(kind.toLowerCase())
  if (build === undefined) throw words.unknown(kind)
  const { to = BROADCAST, packet } = build(new Speaker(kind, mac, port.ips), words)
  words.end()
  return ethernet({ src: mac, dst: to, tags }, packet)
}

/** Every form that is understood. */
export const phrases = [
  'arp IP [to IP]',
  'arp-reply IP [to IP]',
  'arp-probe IP',
  'rarp',
  'ip from IP [to IP]',
  'na IP',
  'ns IP',
  'dad IP',
  'ra',
  'rs',
  'redirect',
  'redirect6',
  'dhcp-discover',
  'dhcp-offer',
  'dhcpv6-solicit',
  'dhcpv6-reply',
  'mld-query',
  'mld-report',
  'igmp-query',
  'igmp-report',
  'lldp',
  'bpdu',
  'ethertype NUMBER',
] as const

const UNDERSTOOD = `understood are ${phrases.join(', ')}; each may begin with "vlan VID" (again for more tags) and "mac MAC"`

/** `to` is the destination MAC; all stations where it is left out. */
type Sent = { readonly to?: string; readonly packet: Packet }
type Build = (speaker: Speaker, words: Words) => Sent

const ALL_NODES = 'ff02::1'
const ALL_ROUTERS = 'ff02::2'
const ALL_DHCP = 'ff02::1:2'
const MLDV2_ROUTERS = 'ff02::16'
const SOME_GROUP = { 4: '239.0.0.1', 6: 'ff05::1' } as const
const EVERYBODY = '255.255.255.255'
/** TEST-NET-1 and the documentation prefix: RFC 5737, 3849. */
const ELSEWHERE = { 4: '192.0.2.1', 6: '2001:db8::1' } as const
const LAST_ETHERTYPE = 0xffff
const FIRST_ETHERTYPE = 0x600
const XID = 0x70774452

const builders: Readonly<Record<string, Build>> = {
  arp({ mac }, words) {
    const spa = words.ipv4()
    const tpa = words.take('to') ? words.ipv4() : spa
    return { packet: arp({ op: 1, sha: mac, spa, tpa }) }
  },
  'arp-reply'({ mac }, words) {
    const spa = words.ipv4()
    if (!words.take('to')) return { packet: gratuitousArp({ op: 2, sha: mac, spa }) }
    return { packet: arp({ op: 2, sha: mac, spa, tha: BROADCAST, tpa: words.ipv4() }) }
  },
  'arp-probe': ({ mac }, words) => ({ packet: arpProbe({ sha: mac, tpa: words.ipv4() }) }),
  rarp: ({ mac }) => ({ packet: rarp({ mac }) }),
  ip(_, words) {
    words.need('from')
    const src = words.ip()
    const dst = words.take('to') ? words.ip() : isIpv4(src) ? EVERYBODY : ALL_NODES
    if (familyOf(parseIp(dst)) !== familyOf(src)) throw words.mixed(src, dst)
    const discard = udp({ src: 49152, dst: 9 }, '')
    return isIpv4(src)
      ? { packet: ipv4({ src, dst }, discard) }
      : toGroup(dst, ipv6({ src, dst }, discard))
  },
  na({ mac, linkLocal }, words) {
    const target = words.ipv6()
    const options = [ndOption.targetLinkLayer(mac)]
    return nd(linkLocal, ALL_NODES, neighbourAdvertisement({ target, override: true, options }))
  },
  ns({ mac, linkLocal }, words) {
    const target = words.ipv6()
    const options = [ndOption.sourceLinkLayer(mac)]
    return nd(linkLocal, solicitedNode(target), neighbourSolicitation({ target, options }))
  },
  dad(_, words) {
    const target = words.ipv6()
    return nd('::', solicitedNode(target), neighbourSolicitation({ target }))
  },
  ra({ mac, linkLocal }) {
    const options = [ndOption.sourceLinkLayer(mac), ndOption.prefix('2001:db8::', 64)]
    return nd(linkLocal, ALL_NODES, routerAdvertisement({ options }))
  },
  rs({ mac, linkLocal }) {
    const options = [ndOption.sourceLinkLayer(mac)]
    return nd(linkLocal, ALL_ROUTERS, routerSolicitation({ options }))
  },
  redirect(speaker) {
    const src = speaker.ipv4()
    const about = ipv4({ src: ELSEWHERE[4], dst: ELSEWHERE[4] }, udp({ src: 9, dst: 9 }, ''))
    return { packet: ipv4({ src, dst: EVERYBODY }, icmpRedirect({ gateway: src, about })) }
  },
  redirect6: ({ linkLocal }) =>
    nd(linkLocal, ALL_NODES, icmpv6Redirect({ target: linkLocal, destination: ELSEWHERE[6] })),
  'dhcp-discover': ({ mac }) => ({
    packet: ipv4(
      { src: '0.0.0.0', dst: EVERYBODY },
      udp({ src: 68, dst: 67 }, dhcp({ type: 'discover', mac, xid: XID })),
    ),
  }),
  'dhcp-offer'(speaker) {
    const src = speaker.ipv4()
    const offer = dhcp({
      type: 'offer',
      mac: speaker.mac,
      xid: XID,
      yiaddr: ELSEWHERE[4],
      siaddr: src,
    })
    return { packet: ipv4({ src, dst: EVERYBODY }, udp({ src: 67, dst: 68 }, offer)) }
  },
  'dhcpv6-solicit'({ mac, linkLocal }) {
    const solicit = udp({ src: 546, dst: 547 }, dhcpv6({ type: 'solicit', mac, xid: XID }))
    return toGroup(ALL_DHCP, ipv6({ src: linkLocal, dst: ALL_DHCP }, solicit))
  },
  'dhcpv6-reply'({ mac, linkLocal }) {
    const reply = udp({ src: 547, dst: 546 }, dhcpv6({ type: 'reply', mac, xid: XID }))
    return toGroup(ALL_NODES, ipv6({ src: linkLocal, dst: ALL_NODES }, reply))
  },
  'mld-query': ({ linkLocal }) => mld(linkLocal, ALL_NODES, mldv2Query()),
  'mld-report': ({ linkLocal }) =>
    mld(linkLocal, MLDV2_ROUTERS, mldv2Report({ groups: [SOME_GROUP[6]] })),
  'igmp-query': (speaker) => igmp(speaker.ipv4(), '224.0.0.1', igmpv3Query()),
  'igmp-report': (speaker) =>
    igmp(speaker.ipv4(), '224.0.0.22', igmpv3Report({ groups: [SOME_GROUP[4]] })),
  lldp: ({ mac }) => ({ to: '01:80:c2:00:00:0e', packet: lldp({ mac }) }),
  bpdu: ({ mac }) => ({ to: '01:80:c2:00:00:00', packet: bpdu({ mac }) }),
  ethertype(_, words) {
    const type = words.number('an EtherType from 0x0600', LAST_ETHERTYPE, FIRST_ETHERTYPE)
    return { packet: packet(type, new Uint8Array(46)) }
  },
}
/** Names come from outside: `constructor` is none. */
const kinds: ReadonlyMap<string, Build> = new Map(Object.entries(builders))

/** RFC 4861: neighbour discovery has hop limit 255. */
function nd(src: string, dst: string, message: Segment): Sent {
  return toGroup(dst, ipv6({ src, dst, hopLimit: 255 }, message))
}

/** RFC 3810, 5: hop limit 1 and a router alert. */
function mld(src: string, dst: string, message: Segment): Sent {
  const header = { src, dst, hopLimit: 1, extensions: [extension.routerAlert()] }
  return toGroup(dst, ipv6(header, message))
}

/** RFC 3376, 4: time to live 1 and a router alert. */
function igmp(src: string, dst: string, message: Segment): Sent {
  return { packet: ipv4({ src, dst, ttl: 1, options: ipv4Option.routerAlert }, message) }
}

/** RFC 2464, 7: what is for a group goes to a MAC of it; the rest to all, so that it gets to whoever it is for. */
function toGroup(dst: string, packet: Packet): Sent {
  const bytes = bytesOfIpv6(parseIp(dst) as Ipv6)
  if (bytes[0] !== 0xff) return { packet }
  return { to: macOfBytes(Uint8Array.of(0x33, 0x33, ...bytes.subarray(12))), packet }
}

/** RFC 4291, 2.7.1. */
function solicitedNode(target: Ipv6): string {
  const [a = 0, b = 0, c = 0] = bytesOfIpv6(target).subarray(13)
  return parseIp(`ff02::1:ff${hex(a)}:${hex(b)}${hex(c)}`)
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}

/** Who says it. */
class Speaker {
  readonly mac: Mac
  readonly linkLocal: Ipv6
  readonly #kind: string
  readonly #ips: readonly Ip[]
  constructor(kind: string, mac: Mac, ips: readonly Ip[]) {
    this.mac = mac
    this.linkLocal = linkLocalOf(mac)
    this.#kind = kind
    this.#ips = ips
  }
  ipv4(): Ipv4 {
    const ip = this.#ips.find(isIpv4)
    if (ip === undefined) {
      throw new PhraseError(
        `"${this.#kind}" comes from the port’s IPv4 address, and it has none: give the frame as hex`,
      )
    }
    return ip
  }
}

class Words {
  readonly #words: string[]
  constructor(phrase: string) {
    this.#words = phrase.split(/\s+/).filter((word) => word !== '')
  }
  /** The next word, if it is this one. */
  take(word: string): boolean {
    const is = this.#words[0]?.toLowerCase() === word
    if (is) this.#words.shift()
    return is
  }
  need(word: string): void {
    if (!this.take(word)) throw this.#wanted(`"${word}"`, this.#words[0])
  }
  next(what: string): string {
    const word = this.#words.shift()
    if (word === undefined) throw this.#wanted(what, undefined)
    return word
  }
  number(what: string, most: number, least = 0): number {
    const word = this.next(what)
    const number = /^(?:0x[0-9a-f]+|\d+)$/i.test(word) ? Number(word) : Number.NaN
    if (!(number >= least && number <= most)) throw this.#wanted(what, word)
    return number
  }
  ip(): Ip {
    return this.#read('an IP address', parseIp)
  }
  ipv4(): Ipv4 {
    return this.#read('an IPv4 address', parseIpv4)
  }
  ipv6(): Ipv6 {
    return this.#read('an IPv6 address', parseIpv6)
  }
  mac(): Mac {
    return this.#read('a MAC address', parseMac)
  }
  end(): void {
    const [word] = this.#words
    if (word !== undefined) throw this.#wanted('nothing more', word)
  }
  unknown(word: string): PhraseError {
    return new PhraseError(`"${word}" is no kind of frame: ${UNDERSTOOD}`)
  }
  mixed(a: string, b: string): PhraseError {
    return new PhraseError(`"${a}" and "${b}" are addresses of two families: give two of one`)
  }
  #read<T>(what: string, parse: (text: string) => T): T {
    const word = this.next(what)
    try {
      return parse(word)
    } catch {
      throw this.#wanted(what, word)
    }
  }
  #wanted(what: string, word: string | undefined): PhraseError {
    const seen = word === undefined ? 'the end' : `"${word}"`
    return new PhraseError(`wanted ${what}, got ${seen}: ${UNDERSTOOD}`)
  }
}
