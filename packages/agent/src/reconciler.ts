// The agent's one loop, without its sockets: events mark what is dirty; `step` compiles it, compares it with what the switch
// is believed to have, sends one bundle, and believes once that is acknowledged. A failure leaves it dirty.
//
//   OVSDB ─► Inventory ─┐                                        ┌─► Report (seen, applied)
//   store ─► Inventory ─┼─ marks ─► step: verdict ─► propose ─► commit ─► accept
//   flow monitor ───────┘

import type { Flow, FlowEvent, FlowMod } from '@portward/openflow'
import { flowKey, sameActions } from '@portward/openflow'
import { bridgeFlows, isOurs } from '@portward/portsec'
import { Installed } from './installed.ts'
import type { Iface } from './interface.ts'
import { BRIDGE, Inventory } from './inventory.ts'
import { verdictOn } from './verdict.ts'
import type { Mode, Setting, Verdict } from './verdict.ts'

/** What the loop needs of a switch. */
export type FlowTable = {
  /**
   * All changes or none, in one bundle; resolves when the switch has acknowledged them. `accepted` is called before any
   * later word of the switch is heard: what it then tells of another hand is newer than what we put there.
   */
  commit(mods: readonly FlowMod[], accepted: () => void): Promise<void>
}

/** What the loop tells of an interface, once the switch has acknowledged what follows from it. */
export type Outcome = {
  readonly name: string
  /** Undefined: the interface is gone. */
  readonly iface: Iface | undefined
  readonly verdict: Verdict | undefined
}

export class Reconciler {
  readonly inventory: Inventory
  readonly installed = new Installed()
  readonly #setting: Setting
  #mode: Mode = 'own'
  #dirty = new Set<string>()
  #strays = false
  #foreign = new Map<string, Flow>()
  #wake: () => void

  /** `wake` is called whenever there is something to do. */
  constructor(options: { readonly uplinks: ReadonlySet<string>; readonly wake: () => void }) {
    this.#wake = options.wake
    this.inventory = new Inventory((owner) => this.#mark(owner))
    const { inventory } = this
    const mode = (): Mode => this.#mode
    this.#setting = {
      get mode() {
        return mode()
      },
      uplinks: options.uplinks,
      portOf: (portId) => inventory.ports.get(portId),
      namesOf: (portId) => inventory.namesOf(portId),
    }
  }

  get dirty(): boolean {
    return this.#dirty.size > 0 || this.#strays
  }

  get mode(): Mode {
    return this.#mode
  }

  /** Flows in our way: another's, under a key of ours and with another outcome. */
  get foreign(): ReadonlyMap<string, Flow> {
    return this.#foreign
  }

  /** A switch is there and this is all it has. Adopts what is right by its content; everything is looked at again. */
  adopt(flows: Iterable<Flow>, mode: Mode): void {
    this.#mode = mode
    this.installed.clear()
    this.#foreign.clear()
    for (const flow of flows) {
      if (isOurs(flow.cookie)) this.installed.observe(flow)
      else this.#foreign.set(flowKey(flow), flow)
    }
    this.#strays = true
    this.inventory.markAll()
    this.#wake()
  }

  /** The switch changed by another hand than ours. Returns whether that touched flows of ours. */
  observe(event: FlowEvent): boolean {
    const key = flowKey(event.flow)
    const owner = this.installed.ownerOf(key)
    const ours = isOurs(event.flow.cookie)
    if (event.type === 'removed') {
      if (!ours) this.#foreign.delete(key)
      else this.installed.observeRemoved(key)
    } else if (ours) {
      this.installed.observe(event.flow)
    } else if (owner === undefined) {
      this.#foreign.set(key, event.flow)
    } else {
      this.installed.observeRemoved(key)
    }
    if (owner !== undefined) this.#mark(owner)
    else if (ours) this.#strays = true
    if (owner !== undefined || ours) this.#wake()
    return owner !== undefined || ours
  }

  /** Does what is to be done, in one bundle. Throws what the switch threw; then all of it is still to be done. */
  async step(table: FlowTable): Promise<readonly Outcome[]> {
    const owners = this.#dirty
    const strays = this.#strays
    this.#dirty = new Set()
    this.#strays = false
    try {
      const outcomes: Outcome[] = []
      const wanted = new Map<string, readonly Flow[]>()
      for (const owner of owners) {
        const outcome = this.#judge(owner)
        wanted.set(owner, outcome.verdict?.flows ?? [])
        if (owner !== BRIDGE) outcomes.push(outcome)
      }
      const proposal = this.installed.propose(wanted, strays)
      if (proposal.mods.length === 0) proposal.accept()
      else await table.commit(proposal.mods, () => proposal.accept())
      return outcomes
    } catch (error) {
      for (const owner of owners) this.#dirty.add(owner)
      this.#strays ||= strays
      throw error
    }
  }

  #judge(name: string): Outcome {
    if (name === BRIDGE) return { name, iface: undefined, verdict: this.#bridgeVerdict() }
    const iface = this.inventory.ifaces.get(name)
    if (iface === undefined) return { name, iface, verdict: undefined }
    const verdict = verdictOn(iface, this.#setting)
    if (verdict.keep === true) {
      const kept = this.installed.flowsOf(name).filter(({ match }) => match.inPort === iface.ofport)
      if (kept.length > 0) return { name, iface, verdict: { ...verdict, flows: kept } }
    }
    return { name, iface, verdict: this.#unlessBlocked(verdict) }
  }

  #bridgeVerdict(): Verdict {
    const flows = bridgeFlows(this.#mode)
    return this.#unlessBlocked({ state: 'guarded', reason: undefined, flows, fulfils: undefined })
  }

  /** Never writes over a flow that isn't ours: adding one with the same key would replace it. */
  #unlessBlocked(verdict: Verdict): Verdict {
    if (this.#foreign.size === 0) return verdict
    const flows: Flow[] = []
    for (const flow of verdict.flows) {
      const other = this.#foreign.get(flowKey(flow))
      if (other === undefined) flows.push(flow)
      else if (!sameActions(other, flow)) return blockedBy(other)
    }
    return { ...verdict, flows }
  }

  #mark(owner: string): void {
    this.#dirty.add(owner)
    this.#wake()
  }
}

function blockedBy({ table, priority, cookie }: Flow): Verdict {
  const where = `table ${table}, priority ${priority}, cookie 0x${cookie.toString(16)}`
  const reason = `not guarded: another's flow stands where a flow of its guard belongs (${where}): remove it`
  return { state: 'blocked', reason, flows: [], fulfils: undefined }
}
