// Flows of others on the bridge. On a bridge of our own those in our tables are intruders: they may let pass what a guard drops,
// and go. On a shared bridge, and in tables that are not ours, they stay, and whoever would have to write over one gives way.

import type { Flow, FlowMod } from '@portward/openflow'
import { tables } from '@portward/portsec'
import type { Mode } from './verdict.ts'

const ourTables: ReadonlySet<number> = new Set(Object.values(tables).map(({ id }) => id))

export class Others {
  #mode: Mode = 'own'
  readonly #standing = new Map<string, Flow>()
  readonly #intruders = new Map<string, Flow>()

  /** Those that stay, by their keys. */
  get standing(): ReadonlyMap<string, Flow> {
    return this.#standing
  }

  get intruders(): ReadonlyMap<string, Flow> {
    return this.#intruders
  }

  clear(mode: Mode): void {
    this.#mode = mode
    this.#standing.clear()
    this.#intruders.clear()
  }

  /** Gives whether it is an intruder. */
  put(key: string, flow: Flow): boolean {
    const intrudes = this.#mode === 'own' && ourTables.has(flow.table)
    const flows = intrudes ? this.#intruders : this.#standing
    flows.set(key, flow)
    return intrudes
  }

  remove(key: string): void {
    this.#standing.delete(key)
    this.#intruders.delete(key)
  }

  /** What makes the intruders go, by the cookies they have: a flow of ours that comes to the place of one stays. */
  get mods(): readonly FlowMod[] {
    return [...this.#intruders.values()].map((flow) => ({ command: 'deleteStrict', flow }))
  }

  /** The switch has taken these. */
  accept(mods: readonly FlowMod[]): void {
    const gone = new Set(mods.map(({ flow }) => flow))
    for (const [key, flow] of this.#intruders) if (gone.has(flow)) this.#intruders.delete(key)
  }
}
