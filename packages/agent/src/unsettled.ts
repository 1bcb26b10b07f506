// Outcomes that the switch has acknowledged, until its datapath is sure to follow the flows they came of. Pure.
//
//   acknowledged ──► add ──► settle: the datapath forgets what it had cached ──► to be reported
//                                                     └─► it could not be made to: all of them wait on

import type { Outcome } from './reconciler.ts'

export class Unsettled {
  readonly #outcomes = new Map<string, Outcome>()
  /** Flows changed since the datapath last forgot. */
  #changed = false

  /** The latest of each interface. */
  get outcomes(): readonly Outcome[] {
    return [...this.#outcomes.values()]
  }

  /** The switch has taken other flows, or may have had others before we came. */
  changed(): void {
    this.#changed = true
  }

  add(outcome: Outcome): void {
    this.#outcomes.set(outcome.name, outcome)
  }

  remove(name: string): void {
    this.#outcomes.delete(name)
  }

  /** The switch is gone, and with it all that it had acknowledged. */
  clear(): void {
    this.#outcomes.clear()
    this.#changed = false
  }

  /**
   * Calls `secure` with the outcomes there are, and whether flows have changed since it was last called; gives those of them that
   * are still the latest after it. Throws what it threw; then all of them still wait.
   */
  async settle(
    secure: (outcomes: readonly Outcome[], changed: boolean) => Promise<void>,
  ): Promise<readonly Outcome[]> {
    const { outcomes } = this
    const changed = this.#changed
    this.#changed = false
    try {
      await secure(outcomes, changed)
    } catch (error) {
      this.#changed ||= changed
      throw error
    }
    const settled = outcomes.filter((outcome) => this.#outcomes.get(outcome.name) === outcome)
    for (const { name } of settled) this.#outcomes.delete(name)
    return settled
  }
}
