// What other hands do to the flows of the bridge: how often, what last, and whether somebody keeps undoing what we put right.
// Pure: no clock.
//
//   note ──► disturbed ──► repaired, so many times within a while ──► a fight ──► over, when nothing has been undone for as long

import type { FlowEvent } from '@portward/openflow'
import { flowText } from '@portward/openflow'
import { BRIDGE } from './inventory.ts'

/** So many repairs of the same owner's flows within so many milliseconds are a fight. */
const FIGHT = { repairs: 5, ms: 10_000 }
/** In milliseconds: between two repairs of a fight. Sooner would help nobody, and keep switch and agent busy for ever. */
const PACE_MS = 50

export class Drift {
  #count = 0
  #last: FlowEvent | undefined
  /** Owners whose flows another hand has changed and that are not put right yet. */
  readonly #disturbed = new Set<string>()
  /** When those of an owner were put right lately. */
  readonly #repairs = new Map<string, readonly number[]>()
  #repairedAt = -Infinity

  /** How many changes there were. */
  get count(): number {
    return this.#count
  }

  /** The last of them, in words; undefined: there was none. */
  get last(): string | undefined {
    return this.#last && `${this.#last.type}: ${flowText(this.#last.flow)}`
  }

  /** Another hand has changed flows of this owner. */
  note(owner: string, event: FlowEvent): void {
    this.#count++
    this.#last = event
    this.#disturbed.add(owner)
  }

  /** Gives who is disturbed now, and `repaired` is to be told of once the switch has what puts them right. */
  take(): ReadonlySet<string> {
    const owners = new Set(this.#disturbed)
    this.#disturbed.clear()
    return owners
  }

  repaired(owners: ReadonlySet<string>, now: number): void {
    if (owners.size === 0) return
    this.#repairedAt = now
    for (const owner of owners) {
      this.#repairs.set(owner, [...this.#recent(owner, now), now])
    }
  }

  /** Those whose flows are fought over, and how often they were put right lately. */
  fights(now: number): ReadonlyMap<string, number> {
    const fights = new Map<string, number>()
    for (const owner of this.#repairs.keys()) {
      const recent = this.#recent(owner, now)
      if (recent.length === 0) this.#repairs.delete(owner)
      else if (recent.length >= FIGHT.repairs) fights.set(owner, recent.length)
    }
    return fights
  }

  isFought(owner: string, now: number): boolean {
    return this.#recent(owner, now).length >= FIGHT.repairs
  }

  /** When the next repair may be made: in a fight, not at once. */
  dueAt(now: number): number {
    if (this.#disturbed.size === 0 || this.fights(now).size === 0) return now
    return Math.max(now, this.#repairedAt + PACE_MS)
  }

  #recent(owner: string, now: number): readonly number[] {
    return (this.#repairs.get(owner) ?? []).filter((at) => now - at < FIGHT.ms)
  }
}

/** What an operator must know of it, in a sentence; undefined: there is no fight. */
export function noteOnFights(
  fights: ReadonlyMap<string, number>,
  last: string | undefined,
): string | undefined {
  const [first] = fights
  if (first === undefined) return undefined
  const [owner, times] = first
  const whose =
    owner === BRIDGE ? 'that all ports share, or puts its own among them' : `of ${owner}`
  const more = fights.size === 1 ? '' : `, and those of ${fights.size - 1} more`
  return (
    `another hand keeps changing flows ${whose}${more}: put right ${times} times within ${FIGHT.ms / 1000} s, and every ` +
    `${PACE_MS} ms as long as it goes on. Find who writes to this bridge and stop it; the last was ${last}`
  )
}
