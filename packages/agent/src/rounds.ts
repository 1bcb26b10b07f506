// The agent's loop in time: one round after another, each of which writes what is to be written and reports what came
// of it. Pure: the clock is an argument, the switch and its datapath are what they are given as.
//
//   another hand ─► observe ─┐                       ┌─► Report: at once, what promises nothing
//   inventory, tags ─────────┼─► isDue ─► write ─────┤
//   the clock ───────────────┘                       └─► settle: what the datapath follows ─► Report
//
// In a fight it writes at a pace, and what the switch has refused again after a while.
// What promises something waits for the datapath. What somebody keeps undoing is not applied, however often it has been put right.

import type { FlowEvent } from '@portward/openflow'
import { Drift } from './drift.ts'
import { BRIDGE } from './inventory.ts'
import type { FlowTable, Outcome, Reconciler } from './reconciler.ts'
import type { Report } from './report.ts'
import { Unsettled } from './unsettled.ts'

/** After which what the switch has refused is tried again, in milliseconds: mostly it is for an operator to mend. */
const REFUSED_MS = 2000

/** In milliseconds, from any moment on. */
export type Clock = () => number

export class Rounds {
  readonly drift = new Drift()
  readonly #unsettled = new Unsettled()
  readonly #reconciler: Reconciler
  readonly #report: Report
  readonly #clock: Clock
  #retryAt = Infinity

  constructor(options: {
    readonly reconciler: Reconciler
    readonly report: Report
    readonly clock: Clock
  }) {
    this.#reconciler = options.reconciler
    this.#report = options.report
    this.#clock = options.clock
  }

  /** Something is to be written, and the time for it has come. */
  get isDue(): boolean {
    const now = this.#clock()
    const { dirty, tags } = this.#reconciler
    const wanted = dirty || now >= this.#retryAt
    return wanted && !tags.starting && this.drift.dueAt(now) <= now
  }

  /** With a switch: when something is to be done that no event tells of, after a round; Infinity: never. */
  get dueAt(): number {
    const now = this.#clock()
    const { dirty, tags } = this.#reconciler
    if (tags.starting) return Infinity // they wake it
    return Math.max(dirty ? now : this.#retryAt, this.drift.dueAt(now))
  }

  /**
   * Another hand has changed a flow. Gives whose flows that touched, as `Reconciler.observe` does: what was applied of them is so no
   * longer, and that is reported.
   */
  observe(event: FlowEvent): string | undefined {
    const owner = this.#reconciler.observe(event)
    if (owner === undefined) return undefined
    this.drift.note(owner, event)
    if (owner !== BRIDGE) this.#report.withdraw(owner)
    return owner
  }

  /** One round. Throws what the switch threw; then all of it is still to be done. */
  async write(table: FlowTable): Promise<void> {
    if (this.#clock() >= this.#retryAt) {
      this.#retryAt = Infinity
      this.#reconciler.retry()
    }
    const disturbed = this.drift.take()
    const noting: FlowTable = {
      commit: (mods, accepted, ready) =>
        table.commit(
          mods,
          () => {
            this.changed()
            accepted()
          },
          ready,
        ),
    }
    for (const outcome of await this.#reconciler.step(noting)) this.#acknowledged(outcome)
    const now = this.#clock()
    this.drift.repaired(disturbed, now)
    if (this.#reconciler.refused.size === 0) this.#retryAt = Infinity
    else if (this.#retryAt === Infinity) this.#retryAt = now + REFUSED_MS
  }

  /** The switch has other flows, or may have had others before we came: what the datapath goes by is to be looked at. */
  changed(): void {
    this.#unsettled.changed()
  }

  /**
   * Reports what the datapath follows. `secure` makes sure of that: it is called with what waits for it, and whether flows have
   * changed since it was called last. Throws what it threw; then all of them still wait.
   */
  async settle(
    secure: (outcomes: readonly Outcome[], changed: boolean) => Promise<void>,
  ): Promise<void> {
    for (const outcome of await this.#unsettled.settle(secure)) {
      this.#settled(outcome)
      this.#reconciler.tags.stands(outcome)
    }
  }

  /** Why none of those that wait can be relied on. */
  distrust(reason: string): void {
    for (const outcome of this.#unsettled.outcomes) this.#report.pending(outcome, reason)
  }

  /** The switch is gone, and with it what it had acknowledged. */
  letGo(): void {
    this.#unsettled.clear()
  }

  isFought(owner: string): boolean {
    return this.drift.isFought(owner, this.#clock())
  }

  /**
   * Bad news of a port that is fulfilled no longer waits for nothing; but before its tag is changed, a port must be silent in the
   * datapath too.
   */
  #acknowledged(outcome: Outcome): void {
    const { name, iface, verdict } = outcome
    const declared = this.#reconciler.inventory.ports.has(iface?.portId ?? '')
    if (verdict === undefined || (verdict.fulfils === undefined && declared)) {
      this.#report.outcome(outcome)
    }
    if (verdict === undefined) this.#unsettled.remove(name)
    else this.#unsettled.add(outcome)
  }

  /** Fought over, it waits until that is over. */
  #settled(outcome: Outcome): void {
    if (!this.isFought(outcome.name)) return this.#report.outcome(outcome)
    this.#report.pending(outcome, 'another hand keeps changing its flows')
    this.#unsettled.add(outcome)
  }
}
