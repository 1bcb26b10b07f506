// The agent's one loop, without its sockets: events mark what is dirty; `step` compiles it, compares it with what the switch
// is believed to have, sends one bundle, and believes once that is acknowledged. A failure leaves it dirty. Where the switch
// refuses a flow, each owner is tried apart: who is refused keeps its last good guard, or silence, and holds up nobody.
//
//   OVSDB ─► Inventory ─┐                                        ┌─► Report (seen, applied)
//   store ─► Inventory ─┼─ marks ─► step: verdict ─► propose ─► commit ─► accept
//   flow monitor ───────┘
//
// On a bridge with a pair, guarded and silent ports are kept from floods, and guarded ones handed what concerns them by the
// flows of the audience (ADR 9). Floods are kept from a port before it may speak, and let to it again when those flows have it no
// longer. One that they have reached so far is guarded first: until floods are kept from it, a broadcast comes to it twice.

import type { FloodControl, Flow, FlowEvent, FlowMod } from '@portward/openflow'
import { SwitchError, flowKey, sameActions } from '@portward/openflow'
import type { FragmentView, Pair } from '@portward/portsec'
import { Audience, bridgeFlows, isAudienceKey, isOurs, pairFlows, tables } from '@portward/portsec'
import type { Belief } from './audit.ts'
import { Installed } from './installed.ts'
import type { Iface } from './interface.ts'
import { BRIDGE, Inventory } from './inventory.ts'
import { Others } from './others.ts'
import { Tags } from './tags.ts'
import { refusedVerdict, verdictOn, wantedTag } from './verdict.ts'
import type { Mode, Setting, Verdict } from './verdict.ts'

/** What the loop needs of a switch. */
export type FlowTable = {
  /**
   * All changes or none, in one bundle; resolves when the switch has acknowledged them. `accepted` is called before any
   * later word of the switch is heard: what it then tells of another hand is newer than what we put there. They take effect
   * after `ready` has resolved; they may be on their way before.
   */
  commit(mods: readonly FlowMod[], accepted: () => void, ready?: Promise<void>): Promise<void>
}

/** What the loop needs to keep floods from ports. */
export type Floods = Pick<FloodControl, 'set'>

type Kept = Map<number, Outcome>

/** What the loop tells of an interface, once the switch has acknowledged what follows from it. */
export type Outcome = {
  readonly name: string
  /** Undefined: the interface is gone. */
  readonly iface: Iface | undefined
  readonly verdict: Verdict | undefined
}

export class Reconciler {
  readonly inventory: Inventory
  readonly tags: Tags
  readonly installed = new Installed()
  readonly #setting: Setting
  #mode: Mode = 'own'
  #fragments: FragmentView = 'hidden'
  #dirty = new Set<string>()
  #strays = false
  /** Whom floods reach is to be settled for all; the guards that stand are right as they are. */
  #rearranging = false
  readonly #others = new Others()
  /** Who gave way to another's flow, by its key: judged again when that changes or goes. */
  readonly #gaveWay = new Map<string, string>()
  /** Of each interface that is guarded, the guard that the switch took last. */
  readonly #guards = new Map<string, Outcome>()
  /** Whose flows the switch has refused, and what it said. */
  readonly #refused = new Map<string, string>()
  readonly #isolate: boolean
  readonly #audience = new Audience()
  #pair: Pair | undefined
  #floods: Floods | undefined
  /** Why ports can't be isolated at all; of guarded ones, why floods reach them all the same. */
  #hindrance: string | undefined
  readonly #exposed = new Map<string, string>()
  /** The interfaces that floods reach because we let them, and their ports. */
  readonly #reached = new Map<string, number>()
  #losses = 0
  #wake: () => void

  /** `wake` is called whenever there is something to do. */
  constructor(options: {
    readonly uplinks: ReadonlySet<string>
    readonly wake: () => void
    /** Keep what is flooded for others from guarded ports. Default false. */
    readonly isolate?: boolean
    /** Called whenever there may be a tag to write. */
    readonly wakeTags?: () => void
  }) {
    this.#wake = options.wake
    this.#isolate = options.isolate ?? false
    this.inventory = new Inventory((owner) => this.#mark(owner))
    const { inventory } = this
    const mode = (): Mode => this.#mode
    this.tags = new Tags({
      wanted: (iface) => wantedTag(iface, this.#setting),
      mark: (name) => this.#mark(name),
      wake: options.wakeTags ?? (() => {}),
    })
    this.#setting = {
      tags: this.tags,
      get mode() {
        return mode()
      },
      uplinks: options.uplinks,
      portOf: (portId) => inventory.ports.get(portId),
      namesOf: (portId) => inventory.namesOf(portId),
    }
  }

  get dirty(): boolean {
    return this.#dirty.size > 0 || this.#strays || this.#others.intruders.size > 0
  }

  get mode(): Mode {
    return this.#mode
  }

  get fragments(): FragmentView {
    return this.#fragments
  }

  /** What flows see of fragments on this switch: until it is known, the safe side is that they see nothing. */
  setFragments(view: FragmentView): void {
    if (this.#fragments === view) return
    this.#fragments = view
    this.#mark(BRIDGE)
  }

  /** Flows of others that stay: one may be under a key of ours and with another outcome. */
  get foreign(): ReadonlyMap<string, Flow> {
    return this.#others.standing
  }

  /** What the switch has in our tables, as far as we know. */
  get belief(): Belief {
    return [this.installed.flows, this.#others.standing, this.#others.intruders]
  }

  /** What the switch said to those whose flows it has refused; theirs are tried again when they change, or by `retry`. */
  get refused(): ReadonlyMap<string, string> {
    return this.#refused
  }

  /** Whether the bridge should have a pair. */
  get wantsPair(): boolean {
    const able = this.#floods !== undefined && this.#hindrance === undefined
    return this.#isolate && this.#mode === 'own' && able
  }

  /** Why floods reach guarded ports: all of them, or some, by interface. */
  get hindrance(): string | undefined {
    return this.#hindrance
  }

  get exposed(): ReadonlyMap<string, string> {
    return this.#exposed
  }

  /** How often a port on the switch has lost a MAC: until the switch forgets it, what is for that MAC may still go there. */
  get losses(): number {
    return this.#losses
  }

  /** The pair is on the bridge, under these numbers; undefined when it is there no longer, or not for long enough. */
  setPair(pair: Pair | undefined): void {
    if (pair?.flood === this.#pair?.flood && pair?.again === this.#pair?.again) return
    const all = (pair === undefined) !== (this.#pair === undefined)
    this.#pair = pair
    if (all) this.#rearrange()
    else this.#mark(BRIDGE)
  }

  /** Ports can't be isolated: floods are let to them again. */
  hinder(why: string): void {
    if (this.#hindrance === why) return
    this.#hindrance = why
    this.#rearrange()
  }

  /** Another hand has changed whether floods reach this port. */
  floodsChanged(ofport: number): void {
    for (const iface of this.inventory.ifaces.values()) {
      if (iface.ofport === ofport) this.#mark(iface.name)
    }
  }

  retry(): void {
    for (const owner of this.#refused.keys()) this.#mark(owner)
  }

  /**
   * A switch is there and this is all it has. Adopts what is right by its content; everything is looked at again. Without
   * `floods`, which ports they reach is left alone.
   */
  adopt(flows: Iterable<Flow>, mode: Mode, floods?: Floods): void {
    this.#mode = mode
    this.#floods = floods
    this.#hindrance = undefined
    this.#audience.clear()
    this.#exposed.clear()
    this.#reached.clear()
    this.installed.clear()
    this.#others.clear(mode)
    this.#gaveWay.clear()
    this.#refused.clear()
    for (const flow of flows) {
      if (isOurs(flow.cookie)) this.installed.observe(flow)
      else this.#others.put(flowKey(flow), flow)
    }
    this.#strays = true
    this.inventory.markAll()
    this.#wake()
  }

  /**
   * The switch was changed by another hand than ours. Gives whose flows that touched: of an interface; of BRIDGE, where it
   * may concern every port; undefined where it is none of our business.
   */
  observe(event: FlowEvent): string | undefined {
    const key = flowKey(event.flow)
    const owner = this.installed.ownerOf(key)
    const ours = isOurs(event.flow.cookie)
    let intrudes = false
    if (ours) {
      if (event.type === 'removed') this.installed.observeRemoved(key)
      else this.installed.observe(event.flow)
    } else {
      if (event.type === 'removed') this.#others.remove(key)
      else {
        this.installed.observeRemoved(key)
        // On a shared bridge it is written over. On our own it goes, though its owner may not want that place any more.
        if (owner === undefined || this.#mode === 'own') {
          intrudes = this.#others.put(key, event.flow)
        }
      }
      const waiting = this.#gaveWay.get(key)
      this.#gaveWay.delete(key)
      if (waiting !== undefined) this.#mark(waiting)
    }
    if (owner !== undefined) this.#mark(owner)
    else if (ours) this.#strays = true
    if (owner === undefined && !ours && !intrudes) return undefined
    this.#wake()
    return owner === undefined || isAudienceKey(owner) ? BRIDGE : owner
  }

  /**
   * What of the interface's flows must go before anything else is done: it was `before`, and by those it would speak as what it is
   * no longer, on a number that may be another's by now. They are believed to be gone. On a shared bridge there are none: without
   * its guard, it would speak by the flows of others.
   */
  silenced(name: string, before: Iface): readonly Flow[] {
    if (this.#mode !== 'own' || before.ofport === undefined) return []
    const now = this.inventory.ifaces.get(name)
    const same = now?.ofport === before.ofport && now.portId === before.portId
    if (same && this.#judgeIface(name).verdict?.state !== 'silent') return []
    const flows = this.installed.flowsOf(name).filter(({ table, actions }) => {
      return table === tables.classify.id && actions.length > 0
    })
    for (const flow of flows) this.installed.observeRemoved(flowKey(flow))
    return flows
  }

  /** Does what is to be done, in one bundle. Throws what the switch threw; then all of it is still to be done. */
  async step(table: FlowTable): Promise<readonly Outcome[]> {
    const owners = this.#dirty
    const strays = this.#strays
    const rearranging = this.#rearranging
    this.#dirty = new Set()
    this.#strays = false
    this.#rearranging = false
    for (const owner of owners) this.#refused.delete(owner)
    try {
      const standing = rearranging ? this.#standing(owners) : []
      const outcomes = await this.#write(table, owners, strays, standing)
      return outcomes.filter(({ name }) => name !== BRIDGE)
    } catch (error) {
      for (const owner of owners) this.#dirty.add(owner)
      this.#strays ||= strays
      this.#rearranging ||= rearranging
      throw error
    }
  }

  async #write(
    table: FlowTable,
    owners: Set<string>,
    strays: boolean,
    standing: readonly Outcome[],
  ): Promise<readonly Outcome[]> {
    const ifaces = [...owners].filter((owner) => !isAudienceKey(owner))
    const judged = ifaces.map((owner) => this.#judge(owner))
    const { before, after } = this.#arrange([...judged, ...standing])
    const kept = this.#keepFloods(before)
    const ready = allKept(kept)
    ready.catch(() => {}) // whoever commits waits for it
    const flows = this.#takeAudience(owners).map((owner) => this.#judge(owner))
    try {
      await this.#commit(table, [...judged, ...flows], strays, ready)
      await this.#keepFloods(after)
      await this.#letFloods([...judged, ...standing])
      return judged
    } catch (error) {
      if (!isRefusal(error) && !(error instanceof NotKept)) throw error
    }
    await kept
    const outcomes: Outcome[] = []
    for (const owner of ifaces) outcomes.push(await this.#writeApart(table, owner))
    for (const kept of Object.values(this.#arrange([...outcomes, ...standing])))
      await this.#keepFloods(kept)
    for (const owner of this.#takeAudience(owners)) await this.#writeAudience(table, owner)
    await this.#letFloods([...outcomes, ...standing])
    // Last: of a switch just adopted, what its owners have not claimed by now is nobody's.
    await this.#commit(table, [], strays)
    return outcomes
  }

  /** The owners of flows of the audience that are to be written; they are then among the owners of this step. */
  #takeAudience(owners: Set<string>): readonly string[] {
    for (const owner of this.#dirty) {
      if (!isAudienceKey(owner)) continue
      this.#dirty.delete(owner)
      owners.add(owner)
    }
    return [...owners].filter(isAudienceKey)
  }

  /** A port that is in no list must have its floods: when one is refused, no port is isolated. */
  async #writeAudience(table: FlowTable, owner: string): Promise<void> {
    const refusal = await this.#refusalOf(table, this.#judge(owner))
    if (refusal !== undefined) this.hinder(refusal)
  }

  #rearrange(): void {
    this.#rearranging = true
    for (const name of this.inventory.ifaces.keys()) if (!this.#guards.has(name)) this.#mark(name)
    this.#mark(BRIDGE)
  }

  /** Of the guards that stay as they are, what the switch took. */
  #standing(owners: ReadonlySet<string>): readonly Outcome[] {
    const { ifaces } = this.inventory
    return [...this.#guards.values()].filter(({ name }) => ifaces.has(name) && !owners.has(name))
  }

  get #isolating(): boolean {
    return this.wantsPair && this.#pair !== undefined
  }

  /**
   * Who is in the audience, and from which ports floods are to be kept for it: before the flows from a port that has heard
   * nothing yet, so that it is handed nothing of others for a moment; after them from one that floods have reached so far, for
   * what it may say must not wait for what it hears.
   */
  #arrange(outcomes: readonly Outcome[]): { readonly before: Kept; readonly after: Kept } {
    const [before, after]: [Kept, Kept] = [new Map(), new Map()]
    for (const outcome of outcomes) {
      const { name, iface, verdict } = outcome
      if (name === BRIDGE) continue
      this.#exposed.delete(name)
      const why = this.#isolating ? exposureOf(outcome) : undefined
      if (why !== undefined) this.#exposed.set(name, why)
      const apart = this.#isolating && why === undefined
      this.#listen(outcome, apart)
      const ofport = iface?.ofport
      if (!apart || ofport === undefined || floodable(verdict)) continue
      const kept = this.#reached.get(name) === ofport ? after : before
      kept.set(ofport, outcome)
    }
    return { before, after }
  }

  /** Only those from whom floods are kept stay in the audience. Gives whether all do. */
  async #keepFloods(kept: Kept): Promise<boolean> {
    if (kept.size === 0 || this.#floods === undefined) return true
    const wanted = new Map([...kept.keys()].map((ofport) => [ofport, false]))
    const refused = await this.#floods.set(wanted)
    for (const [ofport, outcome] of kept) {
      const why = refused.get(ofport)
      if (why === undefined) {
        this.#reached.delete(outcome.name)
        continue
      }
      if (outcome.verdict?.state === 'guarded') this.#exposed.set(outcome.name, why)
      this.#listen(outcome, false)
      this.#wake()
    }
    return refused.size === 0
  }

  /** After the flows. */
  async #letFloods(outcomes: readonly Outcome[]): Promise<void> {
    if (this.#floods === undefined) return
    const allowed = new Map<number, boolean>()
    for (const { name, iface, verdict } of outcomes) {
      if (iface?.ofport === undefined) this.#reached.delete(name)
      else if (!this.#isolating || this.#exposed.has(name) || floodable(verdict)) {
        allowed.set(iface.ofport, true)
        this.#reached.set(name, iface.ofport)
      }
    }
    if (allowed.size > 0) await this.#floods.set(allowed)
  }

  #listen({ name, verdict }: Outcome, apart: boolean): void {
    const before = this.#audience.members.get(name)
    const member = apart ? verdict?.member : undefined
    for (const key of this.#audience.set(name, member)) this.#dirty.add(key)
    // With a port that is gone, the switch forgets what it had learned there.
    if (before === undefined || verdict === undefined || verdict.state === 'open') return
    const macs = verdict.member?.macs ?? []
    if (before.macs.some((mac) => !macs.includes(mac))) this.#losses++
  }

  /** The flows of one owner; else its last good guard, or silence; else none. */
  async #writeApart(table: FlowTable, owner: string): Promise<Outcome> {
    const wanted = this.#judge(owner)
    const refusal = await this.#refusalOf(table, wanted)
    if (refusal === undefined) return wanted
    this.#refused.set(owner, refusal)
    const instead = this.#judge(owner)
    const again = await this.#refusalOf(table, instead)
    if (again === undefined || owner === BRIDGE) return instead
    const nothing = { ...instead, verdict: blocked(`not guarded: ${again}`) }
    await this.#commit(table, [nothing], false)
    return nothing
  }

  async #refusalOf(table: FlowTable, outcome: Outcome): Promise<string | undefined> {
    try {
      await this.#commit(table, [outcome], false)
      return undefined
    } catch (error) {
      if (isRefusal(error)) return error.message
      throw error
    }
  }

  async #commit(
    table: FlowTable,
    outcomes: readonly Outcome[],
    strays: boolean,
    ready: Promise<void> = Promise.resolve(),
  ): Promise<void> {
    const wanted = new Map(outcomes.map(({ name, verdict }) => [name, verdict?.flows ?? []]))
    const proposal = this.installed.propose(wanted, strays)
    const intruders = this.#others.mods
    const mods = [...proposal.mods, ...intruders]
    const accepted = (): void => {
      this.#others.accept(intruders)
      for (const owner of proposal.accept()) this.#mark(owner)
    }
    if (mods.length > 0) await table.commit(mods, accepted, ready)
    else {
      await ready
      accepted()
    }
    for (const outcome of outcomes) {
      if (!isAudienceKey(outcome.name)) this.#noteGuard(outcome)
    }
  }

  #noteGuard(outcome: Outcome): void {
    const { name, verdict } = outcome
    if (verdict?.state !== 'guarded') this.#guards.delete(name)
    else if (verdict.keep !== true) this.#guards.set(name, outcome)
  }

  #judge(name: string): Outcome {
    if (name === BRIDGE) return { name, iface: undefined, verdict: this.#bridgeVerdict() }
    if (isAudienceKey(name)) {
      return { name, iface: undefined, verdict: this.#shared(name, this.#audience.flowsOf(name)) }
    }
    const outcome = this.#judgeIface(name)
    this.tags.judged(outcome)
    return outcome
  }

  #judgeIface(name: string): Outcome {
    const iface = this.inventory.ifaces.get(name)
    if (iface === undefined) return { name, iface, verdict: undefined }
    const refusal = this.#refused.get(name)
    const judged = verdictOn(iface, this.#setting)
    const verdict =
      refusal === undefined ? judged : refusedVerdict(iface, judged, refusal, this.#mode)
    const guard = verdict.keep === true ? this.#guardOf(iface) : undefined
    const standing: Verdict =
      guard === undefined ? verdict : { ...verdict, ...guard, reason: verdict.reason }
    return { name, iface, verdict: this.#unlessBlocked(name, standing) }
  }

  /** The last good guard, if it is of the port that the interface says it is. */
  #guardOf({ name, ofport, portId }: Iface): Guard | undefined {
    const guard = this.#guards.get(name)
    if (guard?.verdict === undefined) return undefined
    if (guard.iface?.ofport !== ofport || guard.iface?.portId !== portId) return undefined
    const { flows, member } = guard.verdict
    return { state: 'guarded', flows, ...(member && { member }) }
  }

  #bridgeVerdict(): Verdict {
    const pair = this.#isolating && this.#pair !== undefined ? pairFlows(this.#pair) : []
    const all = [...bridgeFlows(this.#mode, this.#fragments), ...pair]
    const flows = this.#refused.has(BRIDGE)
      ? all.filter((flow) => this.installed.has(flowKey(flow)))
      : all
    return this.#shared(BRIDGE, flows)
  }

  /** Flows of no port. */
  #shared(owner: string, flows: readonly Flow[]): Verdict {
    const verdict = { state: 'guarded', reason: undefined, flows, fulfils: undefined } as const
    return this.#unlessBlocked(owner, verdict)
  }

  /** Never writes over a flow that isn't ours: adding one with the same key would replace it. */
  #unlessBlocked(owner: string, verdict: Verdict): Verdict {
    if (this.#others.standing.size === 0) return verdict
    const flows: Flow[] = []
    for (const flow of verdict.flows) {
      const key = flowKey(flow)
      const other = this.#others.standing.get(key)
      if (other === undefined) {
        flows.push(flow)
        continue
      }
      this.#gaveWay.set(key, owner)
      if (!sameActions(other, flow)) return blockedBy(other)
    }
    return { ...verdict, flows }
  }

  #mark(owner: string): void {
    this.#dirty.add(owner)
    this.#wake()
  }
}

/** Floods cannot be kept from a port: the flows that would hand them to it a second time must not be. */
class NotKept extends Error {}

async function allKept(kept: Promise<boolean>): Promise<void> {
  if (!(await kept)) throw new NotKept()
}

type Guard = Pick<Verdict, 'state' | 'flows' | 'member'>

/** Why floods must reach a guarded port. */
function exposureOf({ iface, verdict }: Outcome): string | undefined {
  if (verdict?.state !== 'guarded' || verdict.member !== undefined) return undefined
  if (iface?.vlan === 'other') return 'its port in OVSDB has trunks or a vlan_mode'
  return 'it is exempted from the check `vlan`'
}

/** Whether floods reach an interface on a bridge where guarded ones are kept from them. */
function floodable(verdict: Verdict | undefined): boolean {
  const { state } = verdict ?? {}
  return state !== 'guarded' && state !== 'silent' && state !== 'blocked'
}

/** The switch is there, and will not have a flow. */
function isRefusal(error: unknown): error is SwitchError {
  return error instanceof SwitchError && error.flow !== undefined
}

function blockedBy({ table, priority, cookie }: Flow): Verdict {
  const where = `table ${table}, priority ${priority}, cookie 0x${cookie.toString(16)}`
  return blocked(
    `not guarded: another's flow stands where a flow of its guard belongs (${where}): remove it`,
  )
}

function blocked(reason: string): Verdict {
  return { state: 'blocked', reason, flows: [], fulfils: undefined }
}
