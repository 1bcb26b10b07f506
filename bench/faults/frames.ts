// What the sender says, in turn: an honest frame, then one that claims to be somebody else's.

import {
  BROADCAST,
  arpRequest,
  ethernet,
  ipv4,
  ipv6,
  neighbourAdvertisement,
  udp,
} from '@portward/testkit'

export type Identity = { readonly mac: string; readonly ip: string; readonly ip6: string }

/** `stale`: what a port might say until it was somebody else's. */
export type Nature = 'honest' | 'spoofed' | 'stale'

export type Kind = {
  readonly name: string
  readonly nature: Nature
  /** From the fault on, where that changes it. */
  readonly after?: Nature
  readonly frame: Uint8Array
}

const PORTS = { src: 4000, dst: 4000 }

/** The frames of `self`, to `to`; `other` is whom the spoofed ones claim to be. Honest and spoofed ones alternate. */
export function kindsOf(self: Identity, other: Identity, to: Identity): readonly Kind[] {
  const honest = honestFrames(self, to)
  return spoofedFrames(self, other, to).flatMap((spoof, i) => {
    const own = honest[i % honest.length]
    return own === undefined ? [spoof] : [own, spoof]
  })
}

export function honestFrames({ mac, ip }: Identity, to: Identity): readonly Kind[] {
  const frames = {
    'own IPv4': ethernet({ src: mac, dst: to.mac }, ipv4({ src: ip, dst: to.ip }, datagram)),
    'own ARP': ethernet(
      { src: mac, dst: BROADCAST },
      arpRequest({ sha: mac, spa: ip, tpa: to.ip }),
    ),
  }
  return Object.entries(frames).map(([name, frame]) => ({ name, nature: 'honest' as const, frame }))
}

/** Of who is not there before the fault: what is honest then is nobody's until it is. */
export function fromThenOn(kinds: readonly Kind[]): readonly Kind[] {
  return kinds.map((kind) =>
    kind.nature === 'honest' ? { ...kind, nature: 'spoofed', after: 'honest' } : kind,
  )
}

function spoofedFrames(self: Identity, other: Identity, to: Identity): readonly Kind[] {
  const { mac, ip, ip6 } = self
  const unicast = { src: mac, dst: to.mac }
  const frames = {
    'ARP sender': ethernet(
      { src: mac, dst: BROADCAST },
      arpRequest({ sha: mac, spa: other.ip, tpa: to.ip }),
    ),
    'Ethernet source': ethernet(
      { src: other.mac, dst: to.mac },
      ipv4({ src: ip, dst: to.ip }, datagram),
    ),
    'IPv4 source': ethernet(unicast, ipv4({ src: other.ip, dst: to.ip }, datagram)),
    'stacked tag': ethernet(
      { ...unicast, tags: [{ vid: 7 }, { vid: 8 }] },
      ipv4({ src: ip, dst: to.ip }, datagram),
    ),
    'IPv6 source': ethernet(unicast, ipv6({ src: other.ip6, dst: to.ip6 }, datagram)),
    'NA target': ethernet(
      unicast,
      ipv6({ src: ip6, dst: to.ip6, hopLimit: 255 }, neighbourAdvertisement({ target: other.ip6 })),
    ),
  }
  return Object.entries(frames).map(([name, frame]) => ({
    name,
    nature: 'spoofed' as const,
    frame,
  }))
}

const datagram = udp(PORTS, 'frame')
