// What an attack is: somebody, what it makes its victim believe, and how to tell. The tools are in attackers.test.ts.

import { bytesOfIpv6, parseIpv6 } from '@portward/addr'
import type { Stage, Station } from './scene.ts'
import { ipJson, neighbour, shell } from './scene.ts'

export type Cast = {
  readonly stage: Stage
  /** The victim. */
  readonly alice: Station
  /** Whom the attacker claims to be. */
  readonly bob: Station
  readonly mallory: Station
}

export type Attack = {
  readonly name: string
  /** Before all, such as an honest server or router at bob. */
  readonly prepare?: (cast: Cast) => Promise<unknown>
  /** Runs the tool to its end, or to the end of its time. */
  readonly strike: (cast: Cast) => Promise<unknown>
  /** What the attack is after; its value before; and the one when the attack has worked. */
  readonly belief: (cast: Cast) => Promise<unknown>
  readonly truth: (cast: Cast) => unknown
  readonly lie: (cast: Cast) => unknown
  /** Further fields of bob's port. */
  readonly bob?: object
  /** Tags that the stations may use. */
  readonly trunks?: readonly number[]
}

/** A router's or server's port. */
export const TRUSTED = { port_security_enabled: false }

/** Alice is to believe bob's address at mallory's MAC. */
export function arpPoisoning(name: string, strike: Attack['strike']): Attack {
  return {
    name,
    strike,
    belief: ({ alice, bob }) => neighbour(alice, bob.ip),
    truth: ({ bob }) => bob.mac,
    lie: ({ mallory }) => mallory.mac,
  }
}

export function ndPoisoning(name: string, strike: Attack['strike']): Attack {
  return {
    name,
    strike,
    belief: ({ alice, bob }) => neighbour(alice, bob.ip6),
    truth: ({ bob }) => bob.mac,
    lie: ({ mallory }) => mallory.mac,
  }
}

/** The switch is to give mallory what is bob's. */
export function macTheft(name: string, strike: Attack['strike']): Attack {
  return {
    name,
    strike,
    belief: ({ stage, bob }) => stage.portsOf(bob.mac),
    truth: ({ bob }) => [bob.ofport],
    lie: ({ mallory }) => [mallory.ofport],
  }
}

/** The switch is to fill its table with what mallory makes up. */
export function macFlood(name: string, strike: Attack['strike']): Attack {
  return {
    name,
    strike,
    belief: async ({ stage, mallory }) => (await stage.macsAt(mallory.ofport)).length > 20,
    truth: () => false,
    lie: () => true,
  }
}

/** Alice, who has her default route from bob, is to have one by mallory. */
export function routeTheft(name: string, strike: Attack['strike']): Attack {
  return {
    name,
    strike,
    bob: TRUSTED,
    async prepare({ stage, bob }) {
      await shell(bob, 'echo 1 >/proc/sys/net/ipv6/conf/all/forwarding')
      await stage.radvd(bob, '2001:db8:1::/64')
    },
    belief: ({ alice }) => defaultRouters(alice),
    truth: ({ bob }) => [bob.linkLocal],
    lie: ({ bob, mallory }) => [bob.linkLocal, mallory.linkLocal].toSorted(),
  }
}

/** Frames that alice is to receive. */
export function arrival(
  name: string,
  fits: (frame: Frame, cast: Cast) => boolean,
  strike: Attack['strike'],
): Attack {
  return {
    name,
    strike,
    prepare: ({ alice }) => alice.guest.wire(),
    async belief(cast) {
      const wire = await cast.alice.guest.wire()
      return wire.received((bytes) => fits(new Frame(bytes), cast)).length > 0
    },
    truth: () => false,
    lie: () => true,
  }
}

/** What is asked of a frame at the victim. */
export class Frame {
  readonly #bytes: Buffer
  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes)
  }
  get source(): string {
    return this.#bytes.toString('hex', 6, 12).replaceAll(/..(?!$)/g, '$&:')
  }
  get etherType(): number {
    return this.#bytes.readUInt16BE(12)
  }
  get tagged(): boolean {
    return this.etherType === 0x8100
  }
  get ipv4():
    | { readonly protocol: number; readonly source: string; readonly type: number }
    | undefined {
    if (this.etherType !== 0x0800) return undefined
    const source = this.#bytes.subarray(26, 30).join('.')
    return { source, protocol: this.#bytes[23] ?? 0, type: this.#bytes[34] ?? 0 }
  }
  isFromIpv6(ip: string): boolean {
    const source = bytesOfIpv6(parseIpv6(ip))
    return this.etherType === 0x86dd && this.#bytes.subarray(22, 38).equals(source)
  }
  /** The ICMPv6 type, also behind a hop-by-hop header of eight bytes. */
  get icmpv6(): number | undefined {
    if (this.etherType !== 0x86dd) return undefined
    const next = this.#bytes[20]
    if (next === 58) return this.#bytes[54]
    return next === 0 && this.#bytes[54] === 58 ? this.#bytes[62] : undefined
  }
  get firstFragment(): boolean {
    const fragment = this.etherType === 0x86dd && this.#bytes[20] === 44
    return fragment && this.#bytes.readUInt16BE(56) >> 3 === 0
  }
}

async function defaultRouters(station: Station): Promise<readonly string[]> {
  type Route = { readonly gateway?: string; readonly nexthops?: readonly Route[] }
  const routes = await ipJson<Route>(station, '-6', 'route', 'show', 'default')
  return routes
    .flatMap((route) => route.nexthops ?? [route])
    .map(({ gateway = '' }) => gateway)
    .toSorted()
}
