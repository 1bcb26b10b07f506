// How mallory claims to be bob. Each attack is sent as it stands, whether the switch guards mallory's port or not.

import type { Switch } from '@portward/testkit'
import {
  BROADCAST,
  arpReply,
  arpRequest,
  ethernet,
  icmp,
  icmpv6Echo,
  ipv4,
  ipv6,
  ndOption,
  neighbourAdvertisement,
} from '@portward/testkit'
import type { Cast, Station } from './cast.ts'
import { macFor } from './cast.ts'
import { learnedAt } from './flows.ts'

export type Harm = {
  /** Undefined: neither; the victim knows nothing. */
  readonly done: boolean | undefined
  readonly text: string
}

export type Attack = {
  readonly name: string
  /** Who suffers if it succeeds, and how. */
  readonly victim: string
  /** The table that judges this kind of claim. */
  readonly table: number
  readonly act: () => Promise<unknown>
  /** Whether a frame at alice's is the one. */
  readonly isForged: (frame: Uint8Array) => boolean
  /** What there is to see at the victim. */
  readonly harm: () => Promise<Harm>
  /** The address for which alice learns mallory's MAC, if that is what the attack is for. */
  readonly poisons?: string
}

/** IPv6 all nodes, and its Ethernet group (RFC 2464, 7). */
const ALL_NODES = 'ff02::1'
const ALL_NODES_MAC = '33:33:00:00:00:01'
const ECHO_ID = 0x666

export function attacksOf(sw: Switch, cast: Cast): readonly Attack[] {
  const { alice, bob, mallory } = cast
  const toAlice = { src: mallory.mac, dst: alice.mac }
  const claim = { sha: mallory.mac, spa: bob.ipv4, tpa: alice.ipv4 }
  const poisoning = (ip: string): Omit<Attack, 'name' | 'act' | 'isForged'> => ({
    victim: `alice: what she sends to ${ip} goes to mallory`,
    table: 24,
    poisons: ip,
    harm: () => cacheOf(cast, ip),
  })

  return [
    {
      name: `ARP reply: ${bob.ipv4} is at ${mallory.mac}`,
      ...raw(mallory, ethernet(toAlice, arpReply({ ...claim, tha: alice.mac }))),
      ...poisoning(bob.ipv4),
    },
    {
      name: `ARP request as ${bob.ipv4}, broadcast`,
      ...raw(mallory, ethernet({ ...toAlice, dst: BROADCAST }, arpRequest(claim))),
      ...poisoning(bob.ipv4),
    },
    {
      name: `mallory configures ${bob.ipv4} and announces it (arping -U)`,
      act: () => announce(mallory, bob.ipv4),
      isForged: (frame) => claimsByArp(frame, bob.ipv4, mallory.mac),
      ...poisoning(bob.ipv4),
    },
    {
      name: `neighbour advertisement: ${bob.ipv6} is at ${mallory.mac}`,
      ...raw(mallory, advertisement(mallory, bob.ipv6)),
      ...poisoning(bob.ipv6),
    },
    {
      name: `IPv4 packet as ${bob.ipv4}`,
      ...intruding(
        cast,
        ethernet(toAlice, ipv4({ src: bob.ipv4, dst: alice.ipv4 }, icmp({ id: ECHO_ID }))),
      ),
    },
    {
      name: `IPv6 packet as ${bob.ipv6}`,
      ...intruding(
        cast,
        ethernet(toAlice, ipv6({ src: bob.ipv6, dst: alice.ipv6 }, icmpv6Echo({ id: ECHO_ID }))),
      ),
    },
    {
      name: `frame from bob’s MAC, ${bob.mac}`,
      ...raw(
        mallory,
        ethernet(
          { ...toAlice, src: bob.mac },
          ipv4({ src: mallory.ipv4, dst: alice.ipv4 }, icmp({ id: ECHO_ID })),
        ),
      ),
      victim: 'bob: the switch takes what is for him to mallory',
      table: 25,
      harm: () => learningOf(sw, cast),
    },
  ]
}

/** An advertisement nobody asked for, to all nodes (RFC 4861, 7.2.6): `ip` is at the station's own MAC. */
export function advertisement(station: Station, ip: string): Uint8Array {
  const options = [ndOption.targetLinkLayer(station.mac)]
  return ethernet(
    { src: station.mac, dst: ALL_NODES_MAC },
    ipv6(
      { src: station.ipv6, dst: ALL_NODES, hopLimit: 255 },
      neighbourAdvertisement({ target: ip, override: true, options }),
    ),
  )
}

function raw(mallory: Station, frame: Uint8Array): Pick<Attack, 'act' | 'isForged'> {
  return { act: () => mallory.wire.send(frame), isForged: (got) => Buffer.from(got).equals(frame) }
}

/** An attack that has reached its end when alice has the packet. */
function intruding({ alice, mallory }: Cast, frame: Uint8Array): Omit<Attack, 'name'> {
  const { act, isForged } = raw(mallory, frame)
  return {
    act,
    isForged,
    victim: 'alice: she takes it for a packet of bob’s; bob gets the answer',
    table: 71,
    async harm() {
      const done = alice.wire.received(isForged).length > 0
      return { done, text: done ? 'the packet is at alice' : 'no such packet is at alice' }
    },
  }
}

async function cacheOf({ alice, bob, mallory }: Cast, ip: string): Promise<Harm> {
  const mac = await macFor(alice, ip)
  return oneOf(`alice has ${ip} at ${mac ?? 'no MAC'}`, mac, { bob: bob.mac, mallory: mallory.mac })
}

async function learningOf(sw: Switch, { bob, mallory }: Cast): Promise<Harm> {
  const port = await learnedAt(sw, bob.mac)
  const text = `the switch has ${bob.mac} at ${port === undefined ? 'no port' : `port ${port}`}`
  const [bobs, mallorys] = await Promise.all([bob.guest.ofport(), mallory.guest.ofport()])
  return oneOf(text, port, { bob: bobs, mallory: mallorys })
}

function oneOf<T>(text: string, found: T, whose: { bob: T; mallory: T }): Harm {
  if (found === whose.bob) return { done: false, text: `${text}, bob’s` }
  if (found === whose.mallory) return { done: true, text: `${text}, mallory’s` }
  return { done: undefined, text }
}

/** What an ordinary guest does that was given the address by its owner. */
async function announce(station: Station, ip: string): Promise<void> {
  await station.guest.run(['ip', 'addr', 'add', `${ip}/24`, 'dev', 'eth0'])
  // 1 where nobody answers, and nobody should.
  await station.guest.run(['arping', '-U', '-c', '1', '-I', 'eth0', ip], { accept: [0, 1] })
  await station.guest.run(['ip', 'addr', 'del', `${ip}/24`, 'dev', 'eth0'])
}

/** RFC 826, in Ethernet: the type at byte 12, the sender's MAC at 22 and its IP at 28. */
function claimsByArp(frame: Uint8Array, ip: string, mac: string): boolean {
  const hex = Buffer.from(frame).toString('hex')
  const sender = mac.replaceAll(':', '') + Buffer.from(ip.split('.').map(Number)).toString('hex')
  return hex.startsWith('0806', 24) && hex.startsWith(sender, 44)
}
