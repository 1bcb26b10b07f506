// What we believe the switch has of ours, and whose it is. Belief moves only when the switch has acknowledged.
//
//   propose(owner → flows)  ──►  mods for the switch  ──►  accept()   the switch took them
//                                                     └─►  nothing    it did not: belief stands, the owners stay dirty

import type { Flow, FlowMod } from '@portward/openflow'
import { flowKey } from '@portward/openflow'
import type { FlowMap } from '@portward/portsec'
import { plan } from '@portward/portsec'

export type Proposal = {
  readonly mods: readonly FlowMod[]
  /** Gives the owners of which another hand has changed a flow meanwhile that was right when this was proposed. */
  accept(): ReadonlySet<string>
}

export class Installed {
  readonly #flows = new Map<string, Flow>()
  readonly #keys = new Map<string, readonly string[]>()
  readonly #owners = new Map<string, string>()

  get size(): number {
    return this.#flows.size
  }

  /** By their keys. */
  get flows(): ReadonlyMap<string, Flow> {
    return this.#flows
  }

  /** The owner of the flow with this key, if it is one that we put there. */
  ownerOf(key: string): string | undefined {
    return this.#owners.get(key)
  }

  /** The switch has a flow with this key under our cookies. */
  has(key: string): boolean {
    return this.#flows.has(key)
  }

  /** What the switch has of this owner's. */
  flowsOf(owner: string): readonly Flow[] {
    return this.#keysOf(owner).flatMap((key) => this.#flows.get(key) ?? [])
  }

  /** Another hand, or a fresh look at the switch, says what stands under a key. */
  observe(flow: Flow): void {
    this.#flows.set(flowKey(flow), flow)
  }

  observeRemoved(key: string): void {
    this.#flows.delete(key)
  }

  /** Flows under our cookies that no owner wants: left by an earlier run, or by another hand. */
  #strays(): Map<string, Flow> {
    const strays = new Map<string, Flow>()
    for (const [key, flow] of this.#flows) if (!this.#owners.has(key)) strays.set(key, flow)
    return strays
  }

  /**
   * What to tell the switch so that these owners have these flows. O(flows of those owners); with `strays` also the flows
   * that nobody owns go, which looks at every flow.
   */
  propose(wanted: ReadonlyMap<string, readonly Flow[]>, strays: boolean): Proposal {
    const desired = new Map<string, Flow>()
    const actual = strays ? this.#strays() : new Map<string, Flow>()
    const keysOf = new Map<string, readonly string[]>()
    for (const [owner, flows] of wanted) {
      const own = flowKeys(flows)
      keysOf.set(owner, own)
      for (const [i, flow] of flows.entries()) {
        const key = own[i] ?? ''
        desired.set(key, flow)
        this.#copy(key, actual)
      }
      for (const key of this.#keysOf(owner)) this.#copy(key, actual)
    }
    const mods = plan(desired, actual)
    return { mods, accept: () => this.#accept(mods, { desired, actual, keysOf }) }
  }

  /** Forgets everything: the switch went away, and its flows may have gone with it. */
  clear(): void {
    this.#flows.clear()
    this.#keys.clear()
    this.#owners.clear()
  }

  #copy(key: string, to: Map<string, Flow>): void {
    const flow = this.#flows.get(key)
    if (flow !== undefined) to.set(key, flow)
  }

  /** Those that are still its own: an interface may have come to the number of one that is gone. */
  #keysOf(owner: string): readonly string[] {
    const keys = this.#keys.get(owner) ?? []
    return keys.filter((key) => this.#owners.get(key) === owner)
  }

  /** What was sent is there. Of what needed no sending, the switch may have told otherwise meanwhile. */
  #accept(mods: readonly FlowMod[], proposed: Proposed): ReadonlySet<string> {
    const { desired, actual, keysOf } = proposed
    for (const owner of keysOf.keys()) {
      for (const key of this.#keysOf(owner)) this.#owners.delete(key)
    }
    for (const key of actual.keys()) if (!desired.has(key)) this.#flows.delete(key)
    const sent = new Set(mods.map(({ flow }) => flow))
    const changed = new Set<string>()
    for (const [owner, keys] of keysOf) {
      if (keys.length === 0) this.#keys.delete(owner)
      else this.#keys.set(owner, keys)
      for (const key of keys) {
        this.#owners.set(key, owner)
        const flow = desired.get(key)
        if (flow === undefined) continue
        if (sent.has(flow) || this.#flows.get(key) === actual.get(key)) this.#flows.set(key, flow)
        else changed.add(owner)
      }
    }
    return changed
  }
}

/** Of lists of flows that are asked for again, so that a switch that comes back empty has them at once. */
const known = new WeakMap<readonly Flow[], readonly string[]>()

function flowKeys(flows: readonly Flow[]): readonly string[] {
  const before = known.get(flows)
  if (before !== undefined) return before
  const keys = flows.map(flowKey)
  known.set(flows, keys)
  return keys
}

type Proposed = {
  readonly desired: FlowMap
  readonly actual: FlowMap
  readonly keysOf: ReadonlyMap<string, readonly string[]>
}
