// What is flooded, on its way toward the ports: ADR 9. NORMAL floods to the one port of a pair, and it comes in again at the
// other, tagged with its VLAN; table 95 hands it to the guarded ports that it concerns.
//
//   NORMAL floods ──► flood ═══ again ──► 0 classify ──► 95 toward ──► multicast: the guarded ports of its VLAN
//   (pkt_mark: the port that spoke)                                └─► unicast: those that own its destination; else nobody
//
// The members of a VLAN are kept here, so that a change of one costs its own flows and one of multicast: that of the 64 port numbers
// among which it is, which table 96 has.

import type { Mac } from '@portward/addr'
import type { Action, Flow, Match } from '@portward/openflow'
import { OFPP } from '@portward/openflow'
import type { PortSpec } from './binding.ts'
import { macsOf } from './binding.ts'
import { tables } from './pipeline.ts'
import { cookieOf } from './rule.ts'

/** The OpenFlow ports of the pair: NORMAL floods to the first, and what it flooded comes in at the second. */
export type Pair = { readonly flood: number; readonly again: number }

/** A port that is handed what concerns it, and nothing else of what is flooded. */
export type Member = {
  readonly ofport: number
  /** What it owns, its own MAC and those of its pairs: what is for these reaches it. */
  readonly macs: readonly Mac[]
  /** Where it hears untagged frames; 0 is no VLAN. */
  readonly vlan: number
  /** VLANs that it hears tagged: those that it may speak in so. */
  readonly tagged: readonly number[]
}

/** Undefined for a port exempted from `vlan` whole: any tag may concern it. `vlan` is the VLAN its port is an access port of, or 0. */
export function memberOf(ofport: number, vlan: number, spec: PortSpec): Member | undefined {
  const tags = spec.checks?.vlan ?? []
  if (tags === false) return undefined
  // An access port carries one VLAN, and no tags.
  const tagged = vlan === 0 ? [...new Set(tags)] : []
  return { ofport, macs: macsOf(spec), vlan, tagged }
}

/** The flows that belong to no port, on a bridge with such a pair. */
export function pairFlows({ flood, again }: Pair): readonly Flow[] {
  const { classify, forward, toward } = tables
  // A broadcast must not return to who spoke: what comes in again has that one's in_port, to which nothing is output.
  const keep: Action = { type: 'move', from: 'inPort', to: 'pktMark', bits: 32 }
  const takeBack: Action = { type: 'move', from: 'pktMark', to: 'inPort', bits: 32 }
  const clear: Action = { type: 'load', field: 'pktMark', offset: 0, bits: 32, value: 0n }
  const on: Action = { type: 'resubmit', table: toward.id }
  return [
    flow(classify.id, 50, { inPort: flood }, []),
    flow(classify.id, 50, { inPort: again }, [takeBack, clear, on]),
    flow(forward.id, 2, { ethDst: MULTICAST }, [keep, { type: 'output', port: OFPP.normal }]),
    flow(toward.id, 0, {}, []),
  ]
}

/**
 * The members, and the flows of tables 95 and 96 that follow, each under a key: of a VLAN and a MAC, what is for that; of a VLAN, its
 * multicast, which goes to parts of the VLAN; of such a part, its ports.
 */
export class Audience {
  readonly #members = new Map<string, Member>()
  /** Those of each key, by name. */
  readonly #listeners = new Map<string, Map<string, Listener>>()
  /** Those of each VLAN. */
  readonly #parts = new Map<number, Set<number>>()

  get members(): ReadonlyMap<string, Member> {
    return this.#members
  }

  /** A member came, changed, or (undefined) went. Gives the keys whose flows are others than before. */
  set(name: string, member: Member | undefined): ReadonlySet<string> {
    const [before, after] = [listensOf(this.#members.get(name)), listensOf(member)]
    if (member === undefined) this.#members.delete(name)
    else this.#members.set(name, member)
    const touched = new Set<string>()
    for (const [key, listener] of before) {
      const now = after.get(key)
      if (now?.ofport === listener.ofport && now.tagged === listener.tagged) continue
      touched.add(key)
      const there = this.#listeners.get(key)
      there?.delete(name)
      if (there?.size !== 0) continue
      this.#listeners.delete(key)
      this.#part(key, touched)
    }
    for (const [key, listener] of after) {
      const there = this.#listeners.get(key) ?? new Map<string, Listener>()
      if (there.has(name)) continue
      touched.add(key)
      const first = there.size === 0
      this.#listeners.set(key, there.set(name, listener))
      if (first) this.#part(key, touched)
    }
    return touched
  }

  /** At most one flow; none where nobody listens. */
  flowsOf(key: string): readonly Flow[] {
    const { vlan, mac, part } = readKey(key)
    if (part !== undefined) return this.#partFlows(key, part)
    const vlanTci = vlan === 0 ? { value: 0, mask: 0xfff } : { value: 0x1000 | vlan, mask: 0x1fff }
    const match = { vlanTci, ethDst: mac ?? MULTICAST }
    const actions = mac === undefined ? this.#toParts(vlan) : this.#toOwners(key, vlan)
    return actions.length === 0 ? [] : [flow(tables.toward.id, 2, match, actions)]
  }

  clear(): void {
    this.#members.clear()
    this.#listeners.clear()
    this.#parts.clear()
  }

  /** If it is the key of a part: there is one part more or less of its VLAN. */
  #part(key: string, touched: Set<string>): void {
    const { vlan, part } = readKey(key)
    if (part === undefined) return
    const parts = this.#parts.get(vlan) ?? new Set<number>()
    if (this.#listeners.has(key)) this.#parts.set(vlan, parts.add(part))
    else if (parts.delete(part) && parts.size === 0) this.#parts.delete(vlan)
    touched.add(keyOf(vlan))
  }

  #toOwners(key: string, vlan: number): readonly Action[] {
    const listeners = inOrder(this.#listeners.get(key))
    const tagged = outputs(listeners.filter((one) => one.tagged))
    const plain = outputs(listeners.filter((one) => !one.tagged))
    return [...tagged, ...untagged(vlan, plain)]
  }

  #toParts(vlan: number): readonly Action[] {
    const parts = [...(this.#parts.get(vlan) ?? [])].toSorted((a, b) => a - b)
    const to = (part: number): readonly Action[] => [
      { type: 'load', field: PART, offset: 0, bits: 32, value: BigInt(part) },
      { type: 'resubmit', table: tables.members.id },
    ]
    const tagged = parts.filter((part) => (part & TAGGED_PART) !== 0)
    const plain = parts.filter((part) => (part & TAGGED_PART) === 0)
    return [...tagged.flatMap(to), ...untagged(vlan, plain.flatMap(to))]
  }

  #partFlows(key: string, part: number): readonly Flow[] {
    const actions = outputs(inOrder(this.#listeners.get(key)))
    return actions.length === 0 ? [] : [flow(tables.members.id, 2, { [PART]: part }, actions)]
  }
}

/** Nothing else is called so: OVSDB takes no name with a NUL. */
export function isAudienceKey(name: string): boolean {
  return name.startsWith(MARK)
}

const MARK = '\0'

type Listener = { readonly ofport: number; readonly tagged: boolean }

const MULTICAST = { value: '01:00:00:00:00:00' as Mac, mask: '01:00:00:00:00:00' as Mac } as const
const popVlan: Action = { type: 'popVlan' }

function keyOf(vlan: number, mac?: Mac): string {
  return mac === undefined ? `${MARK}${vlan}` : `${MARK}${vlan}/${mac}`
}

function keyOfPart(part: number): string {
  return `${MARK}${part >>> 16}#${part}`
}

type Key = { readonly vlan: number; readonly mac?: Mac; readonly part?: number }

function readKey(key: string): Key {
  const [, vlan, mac, part] = /^(\d+)(?:\/(.+)|#(\d+))?$/.exec(key.slice(MARK.length)) ?? []
  return {
    vlan: Number(vlan),
    ...(mac !== undefined && { mac: mac as Mac }),
    ...(part !== undefined && { part: Number(part) }),
  }
}

/** The register by which table 96 knows a part: VLAN, whether its frames stay tagged, and 64 port numbers. */
const PART = 'reg2'
const TAGGED_PART = 0x8000

function partOf(vlan: number, { ofport, tagged }: Listener): number {
  return ((vlan << 16) | (tagged ? TAGGED_PART : 0) | ((ofport & 0xffff) >>> 6)) >>> 0
}

/** The keys under which it hears, and how. */
function listensOf(member: Member | undefined): ReadonlyMap<string, Listener> {
  const listens = new Map<string, Listener>()
  if (member === undefined) return listens
  const { ofport, macs, vlan, tagged } = member
  for (const vid of [vlan, ...tagged]) {
    const listener = { ofport, tagged: vid !== vlan }
    listens.set(keyOfPart(partOf(vid, listener)), listener)
    for (const mac of macs) listens.set(keyOf(vid, mac), listener)
  }
  return listens
}

function inOrder(listeners: ReadonlyMap<string, Listener> | undefined): readonly Listener[] {
  return [...(listeners?.values() ?? [])].toSorted((a, b) => a.ofport - b.ofport)
}

/** NORMAL has tagged it, unless it is of no VLAN. */
function untagged(vlan: number, actions: readonly Action[]): readonly Action[] {
  return vlan === 0 || actions.length === 0 ? actions : [popVlan, ...actions]
}

function outputs(ports: readonly Listener[]): readonly Action[] {
  return ports.map(({ ofport: port }) => ({ type: 'output', port }))
}

function flow(table: number, priority: number, match: Match, actions: readonly Action[]): Flow {
  return { table, priority, cookie: cookieOf(0), match, actions }
}
