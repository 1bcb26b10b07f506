// The agent of one host, wired: what OVSDB, the store and the switch say goes in; bundles and reports come out.
//
//   OVSDB ──► BridgeView ─┐                                     ┌─► Report ──► store: seen, applied, alive
//   store ──► declared   ─┼─► Reconciler ──► one bundle ──► switch
//   switch ─► its flows  ─┘
//
// An outcome is reported when the switch has acknowledged its flows, and its datapath no longer judges by others.
//
// Nothing is sent before all three have said what there is: an agent that takes "not heard yet" for "nothing there" would
// silence the whole host when it starts.

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Flow, FlowEvent, SwitchConnection } from '@portward/openflow'
import { SwitchError, openFloodControl, openSwitch } from '@portward/openflow'
import type { Ovsdb, VswitchSchema } from '@portward/ovsdb'
import { keepLock, openOvsdb, vswitch } from '@portward/ovsdb'
import type { FlowRow, FragmentView } from '@portward/portsec'
import { flowRows } from '@portward/portsec'
import type {
  AliveRecord,
  HostPortRecord,
  Lease,
  PlugRecord,
  Revision,
  Store,
} from '@portward/store'
import { LeaseExpired, keys, records } from '@portward/store'
import { LOCAL_PACE, keepConnected } from '@portward/wire'
import { audit } from './audit.ts'
import type { BridgeRow } from './bridge.ts'
import { BridgeView, vlanLimitOf } from './bridge.ts'
import { controllersOf, notesOnBypass } from './bypass.ts'
import { askSwitch } from './control.ts'
import type { Cache } from './cache.ts'
import { clings, emptyCache } from './datapath.ts'
import { followDeclared } from './declared.ts'
import { noteOnFights } from './drift.ts'
import { fragmentView, noteOnFragments } from './fragments.ts'
import type { Iface } from './interface.ts'
import { BRIDGE } from './inventory.ts'
import { noteOnExposed } from './isolation.ts'
import type { Log } from './log.ts'
import type { ModeWish } from './mode.ts'
import { modeOf, noteOnForeign, noteOnRefused, notesOn } from './mode.ts'
import { keepPair } from './pair-keeper.ts'
import type { PairKeeperOptions } from './pair-keeper.ts'
import { PairPorts } from './pair.ts'
import { Plugs, ifaceIdOp } from './plugs.ts'
import { Reconciler } from './reconciler.ts'
import type { Floods, Outcome } from './reconciler.ts'
import { Report } from './report.ts'
import { Rounds } from './rounds.ts'
import { writeTags } from './tag-writer.ts'
import { traceFrame } from './trace.ts'
import type { Trace } from './trace.ts'
import type { Mode } from './verdict.ts'
import { Wake } from './wake.ts'

export type AgentOptions = {
  readonly store: Store
  /** What to go on with while the store is away. Without it, the store is one that has to be there. */
  readonly cache?: Cache
  /** This host's name in the store, and in `binding:host_id`. */
  readonly host: string
  readonly version: string
  /** The switch's run directory, with `db.sock` and `BRIDGE.mgmt`. */
  readonly rundir: string
  readonly bridge: string
  readonly mode: ModeWish
  readonly uplinks: ReadonlySet<string>
  /** On a bridge of our own, keep what is flooded for others from guarded ports. */
  readonly isolate: boolean
  readonly log: Log
}

/** Seconds after which what a silent agent said is forgotten. */
const LEASE_TTL = 10
/** The wait after a failure, in milliseconds; each further one doubles it. The log is told of the same one as often as `saidEach`. */
const RETRY = { first: 20, most: 1000, saidEach: 60_000 }
/** How long a port that fell silent waits until that is on the disk, in milliseconds. */
const KEPT_MS = 1000
/** Between two lines of the log on what another hand does to our flows, and two looks at whether a fight is over. */
const DRIFT_MS = 1000
/** Between two comparisons of all flows; and how many times as long as one took it rests at least. */
const AUDIT = { ms: 60_000, rest: 100 }
/** Between two looks at how the switch treats fragments: nobody tells when another hand changes that. */
const FRAGMENTS_MS = 5000

export class Agent {
  readonly #options: AgentOptions
  readonly #startedAt = new Date().toISOString()
  readonly #reconciler: Reconciler
  readonly #report: Report
  readonly #rounds: Rounds
  readonly #plugs = new Plugs()
  readonly #view: BridgeView
  readonly #pair = new PairPorts()
  /** Interfaces that OVSDB tells of at the moment, as they were before. */
  readonly #told = new Map<string, Iface>()
  /**
   * There may be flows to write; outcomes to settle; something to report; an iface-id to set; a tag to set; a pair to put up or
   * take away.
   */
  readonly #work = new Wake()
  readonly #settling = new Wake()
  readonly #news = new Wake()
  readonly #plugging = new Wake()
  readonly #tagging = new Wake()
  readonly #pairing = new Wake()
  /** OVSDB has told what interfaces there are; the store, what ports. */
  readonly #seen = Promise.withResolvers<void>()
  readonly #declared = Promise.withResolvers<void>()
  readonly #inSync = Promise.withResolvers<void>()
  #bridge: BridgeRow | undefined
  #ovsVersion: string | undefined
  #vlanLimit: 0 | 1 | 2 = 1
  /** The switch whose flows were adopted. */
  #switch: SwitchConnection | undefined
  #state: AliveRecord['state'] = 'connecting'
  /** What log and store have of it, and when they may have more. */
  #driftTold: { readonly count: number; readonly last?: string; readonly due: number } = {
    count: 0,
    due: 0,
  }
  /** What is to be said of the flows of others; whether they have changed since. */
  #others: string | undefined
  #foreignChanged = false
  /** What the switch refuses, in a sentence. */
  #refusal: string | undefined
  /** Why there is no switch, for an operator. */
  #trouble = 'connecting to the switch'
  /** Why the datapath may not follow the flows, likewise. */
  #doubt: string | undefined
  /** What frames reach before any flow, likewise. */
  #bypass: readonly string[] = []
  /** Why floods can't be kept from any port, likewise. */
  #flooded: string | undefined
  /** Ports that had lost a MAC when the switch last forgot what it had learned. */
  #forgotten = 0
  /** What this switch has acknowledged was reported, since it was in sync for the first time. */
  #hasTold = false
  /** Under the lease that it has now, the store has everything it said. */
  #saidAgain = false
  /** When the log may hear again that another agent has this host's name. */
  #namesakeDue = -Infinity
  /** There was a fight over flows when last looked. */
  #fighting = false

  constructor(options: AgentOptions) {
    this.#options = options
    const { bridge, host, uplinks, isolate } = options
    this.#reconciler = new Reconciler({
      uplinks,
      isolate,
      wake: () => this.#work.ring(),
      wakeTags: () => this.#tagging.ring(),
    })
    this.#report = new Report({
      host,
      wake: () => this.#news.ring(),
      another: () => this.#noteNamesake(),
    })
    this.#rounds = new Rounds({
      reconciler: this.#reconciler,
      report: this.#report,
      clock: () => performance.now(),
    })
    this.#view = new BridgeView(bridge, (name, iface) => {
      const before = this.#reconciler.inventory.ifaces.get(name)
      if (before !== undefined && !this.#told.has(name)) this.#told.set(name, before)
      const ours = this.#pair.set(name, iface)
      this.#reconciler.tags.setIface(name, ours ? undefined : iface)
      this.#reconciler.inventory.setIface(name, ours ? undefined : iface)
      if (this.#plugs.concern(name)) this.#plugging.ring()
    })
  }

  /** Resolves when the switch has, for the first time, all the flows that it should have, and that is reported. */
  get inSync(): Promise<void> {
    return this.#inSync.promise
  }

  /** What this host says of itself. */
  get alive(): AliveRecord {
    const { host, version, bridge } = this.#options
    const { mode } = this.#reconciler
    const notes = this.#switch === undefined ? [this.#trouble] : this.#notes()
    const { count, last } = this.#driftTold
    return {
      host,
      version,
      startedAt: this.#startedAt,
      bridge,
      mode,
      // Not before what it sees is told too: whoever reads it goes by that.
      state:
        this.#state !== 'connecting' && !(this.#hasTold && this.#saidAgain)
          ? 'syncing'
          : this.#state,
      notes,
      ...(last !== undefined && { drift: { count, last } }),
    }
  }

  #notes(): string[] {
    const { mode, foreign } = this.#reconciler
    // Looked through only when others have changed something: a report of ours costs what we changed.
    if (this.#foreignChanged) this.#others = noteOnForeign(foreign)
    this.#foreignChanged = false
    const hidden = noteOnFragments(this.#reconciler.fragments, this.#options.bridge)
    const { hindrance, exposed } = this.#reconciler
    const apart = noteOnExposed(this.#options.bridge, this.#flooded ?? hindrance, exposed)
    const { drift } = this.#rounds
    const fights = noteOnFights(drift.fights(performance.now()), drift.last)
    const stale = this.#options.cache?.note
    const switchNotes = [...this.#bypass, hidden, this.#others, this.#refusal, this.#doubt]
    const notes = [stale, ...switchNotes, apart, fights]
    const more = notes.filter((note) => note !== undefined)
    return [...notesOn(mode, this.#options.bridge, this.#bridge?.fail_mode), ...more]
  }

  /** All flows of the bridge, or those of one port. Throws when there is no switch to ask. */
  async flows(portId?: string): Promise<readonly FlowRow[]> {
    if (this.#switch === undefined) throw new Error(this.#trouble)
    const ports = new Map<number, string>()
    for (const { ofport, portId } of this.#reconciler.inventory.ifaces.values()) {
      if (ofport !== undefined && portId !== undefined) ports.set(ofport, portId)
    }
    const rows = flowRows(await this.#switch.flowStats(), (ofport) => ports.get(ofport))
    return portId === undefined ? rows : rows.filter((row) => row.portId === portId)
  }

  /** How many tags the switch looks through; 0 is as many as it can, which are 2. */
  get vlanLimit(): 0 | 1 | 2 {
    return this.#vlanLimit
  }

  /** What flows see of fragments. */
  get fragments(): FragmentView {
    return this.#reconciler.fragments
  }

  /** What the running switch makes of a frame of the port. Throws when it cannot be asked. */
  async trace(portId: string, frame: Uint8Array): Promise<Trace> {
    if (this.#switch === undefined) throw new Error(this.#trouble)
    const ifaces = [...this.#reconciler.inventory.ifaces.values()]
    const ofport = ifaces.find((iface) => iface.portId === portId)?.ofport
    if (ofport === undefined) throw new Error(`it has no interface with iface-id ${portId}`)
    return traceFrame(this.#options, ofport, frame)
  }

  /**
   * Runs until the signal aborts; what it has written on the switch stays there. Throws when the store can no longer be
   * followed and there is no cache: whoever runs it opens the store anew.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { rundir, bridge, log } = this.#options
    log.info({ rundir, bridge }, 'the agent starts')
    const stop = new AbortController()
    const until = AbortSignal.any([signal, stop.signal])
    // Whoever still waits to hear of interfaces or ports waits for nothing once it is over.
    until.addEventListener('abort', () => {
      this.#seen.resolve()
      this.#declared.resolve()
    })
    await using ovsdb: Ovsdb<VswitchSchema> = openOvsdb({
      address: join(rundir, 'db.sock'),
      schema: vswitch,
      signal: until,
      onChanges: (changes) => {
        this.#view.apply(changes, ovsdb)
        this.#silence()
        for (const row of ovsdb.rows('Open_vSwitch').values()) {
          this.#ovsVersion = row.ovs_version
          this.#vlanLimit = vlanLimitOf(row.other_config.get('vlan-limit'))
          this.#reconciler.tags.cfg(row.next_cfg, row.cur_cfg)
        }
        const row = this.#view.row(ovsdb)
        this.#bridgeIs(row)
        this.#noteBypass(row === undefined ? [] : notesOnBypass(row, controllersOf(row, ovsdb)))
        this.#pairIs()
      },
      onState: (state, why) => {
        if (state === 'synced') this.#seen.resolve()
        else if (why !== undefined) this.#troubled(why.message)
      },
    })
    const tasks = [
      this.#followPorts(until),
      this.#followPlugs(until),
      this.#keepSwitch(ovsdb, until),
      this.#persist('writing flows', until, () => this.#reconcile(until)),
      this.#persist('emptying the cache of the datapath', until, () => this.#settle(until)),
      this.#persist('looking at fragments', until, () => this.#watchFragments(until)),
      this.#persist('comparing all flows', until, () => this.#audit(until)),
      this.#persist('reporting', until, () => this.#tell(until)),
      this.#persist('setting iface-ids', until, () => this.#plug(ovsdb, until)),
      this.#persist('setting the VLANs of ports', until, () => this.#keepTags(ovsdb, until)),
      this.#persist('making the pair of ports', until, () => this.#keepPair(ovsdb, until)),
    ]
    try {
      await Promise.all(tasks)
      log.info({}, 'the agent ends: the flows it has written stay')
    } finally {
      stop.abort()
      await Promise.allSettled(tasks)
    }
  }

  #followPorts(signal: AbortSignal): Promise<void> {
    const { store, cache, host, log } = this.#options
    const { inventory } = this.#reconciler
    const declarations = {
      prefix: keys.hostPorts(host),
      codec: records.hostPort,
      set: (id: string, record: HostPortRecord | undefined, revision: Revision) =>
        inventory.setPort(id, record && { record, revision }),
      complete: () => this.#declared.resolve(),
    }
    return followDeclared(store, declarations, { cache, log }, signal)
  }

  #followPlugs(signal: AbortSignal): Promise<void> {
    const { store, cache, host, log } = this.#options
    const declarations = {
      prefix: keys.hostPlugs(host),
      codec: records.plug,
      set: (iface: string, plug: PlugRecord | undefined) => {
        this.#plugs.wish(iface, plug)
        this.#plugging.ring()
      },
    }
    return followDeclared(store, declarations, { cache, log }, signal)
  }

  /**
   * Two agents on one bridge would remove each other's flows for ever, with a hole each time: the one that holds the lock
   * of the switch's database guards, and the other waits.
   */
  async #keepSwitch(ovsdb: Ovsdb<VswitchSchema>, signal: AbortSignal): Promise<void> {
    const { rundir, bridge } = this.#options
    let turn: AbortController | undefined
    let guarding = Promise.resolve()
    await keepLock({
      address: join(rundir, 'db.sock'),
      name: `portward_${bridge.replaceAll(/\W/g, '_')}`,
      signal,
      onState: (state) => {
        if (state === 'taken') {
          turn?.abort()
          turn = undefined
          const trouble = `another Portward guards ${bridge}: waiting until it ends`
          guarding = guarding.then(() => this.#troubled(trouble))
        } else if (turn === undefined) {
          turn = new AbortController()
          const until = AbortSignal.any([signal, turn.signal])
          guarding = guarding.then(() => this.#connectSwitch(ovsdb, until))
        }
      },
    })
    await guarding
  }

  async #connectSwitch(ovsdb: Ovsdb<VswitchSchema>, signal: AbortSignal): Promise<void> {
    const { rundir, bridge } = this.#options
    await this.#seen.promise
    await keepConnected({
      pace: LOCAL_PACE,
      signal,
      connect: (attempt) =>
        openSwitch({ address: join(rundir, `${bridge}.mgmt`), signal: attempt }),
      onState: (kept) => {
        if (kept.state === 'up') void this.#adopt(ovsdb, kept.session, signal)
        else if (kept.state === 'backoff') this.#disconnected(kept.why)
      },
    })
    this.#letGo()
  }

  /** Takes the switch as it is found: what is right of ours stays, untouched. */
  async #adopt(
    ovsdb: Ovsdb<VswitchSchema>,
    session: SwitchConnection,
    signal: AbortSignal,
  ): Promise<void> {
    const { bridge, mode: wish, log } = this.#options
    try {
      const early: FlowEvent[] = []
      const flows = await session.watchFlows((event) => {
        if (this.#switch === session) this.#observe(event)
        else early.push(event)
      })
      if (this.#bridge === undefined) throw new Error(`OVSDB does not know ${bridge} yet`)
      const mode = modeOf(wish, { failMode: this.#bridge.fail_mode, flows })
      const floods = await this.#openFloods(ovsdb, session, mode, signal)
      this.#reconciler.setFragments(await fragmentView(session, mode))
      this.#reconciler.setPair(this.#pair.numbers)
      this.#reconciler.adopt(flows, mode, floods)
      this.#foreignChanged = true
      this.#rounds.changed()
      this.#switch = session
      this.#reconciler.tags.begin()
      this.#pairing.ring()
      for (const event of early) this.#observe(event)
      this.#enter('syncing')
      log.info({ bridge, mode, flows: flows.length }, `connected to ${bridge}`)
      for (const note of this.alive.notes) log.warn({ bridge }, note)
    } catch (err) {
      log.warn({ err, bridge }, 'the flows of the bridge could not be read: connecting again')
      await session[Symbol.asyncDispose]()
    }
  }

  /** A second connection, that lives as long as the first; and the other way round, for what it set is as old as its flows. */
  async #openFloods(
    ovsdb: Ovsdb<VswitchSchema>,
    session: SwitchConnection,
    mode: Mode,
    signal: AbortSignal,
  ): Promise<Floods | undefined> {
    const { rundir, bridge, isolate, log } = this.#options
    this.#flooded = undefined
    this.#view.forgetNumbers(ovsdb)
    // Without a pair, nothing has ever been kept from a port.
    if ((!isolate || mode === 'shared') && this.#pair.names.length === 0) return undefined
    try {
      const floods = await openFloodControl({
        address: join(rundir, `${bridge}.mgmt`),
        onChange: (ofport) => {
          log.warn({ ofport }, 'another hand changed whether floods reach a port: put right')
          this.#reconciler.floodsChanged(ofport)
        },
        onPort: (name, ofport) => {
          // After what the database has told by now: the row may be another's since.
          setImmediate(() => {
            if (signal.aborted) return
            this.#view.numbered(name, ofport, ovsdb)
            this.#silence()
            this.#pairIs()
          })
        },
        signal,
      })
      void session.closed.then(() => floods[Symbol.asyncDispose]())
      void floods.closed.then(() => {
        this.#view.forgetNumbers(ovsdb)
        return session[Symbol.asyncDispose]()
      })
      return floods
    } catch (error) {
      if (!(error instanceof SwitchError)) throw error
      this.#flooded = error.message
      return undefined
    }
  }

  /** Guests come and go faster than the loop may come round: whoever is no longer who it was has fallen silent before it does. */
  #silence(): void {
    const flows = [...this.#told].flatMap(([name, before]) =>
      this.#reconciler.silenced(name, before),
    )
    this.#told.clear()
    if (flows.length === 0) return
    this.#switch?.deleteNow(flows)
    this.#rounds.changed()
    this.#settling.ring()
  }

  #pairIs(): void {
    // While a part is missing, all else stays as it is: it is put back in milliseconds.
    const { numbers } = this.#pair
    if (numbers !== undefined) this.#reconciler.setPair(numbers)
    this.#pairing.ring()
  }

  async #keepPair(ovsdb: Ovsdb<VswitchSchema>, signal: AbortSignal): Promise<void> {
    await this.#seen.promise
    const options: PairKeeperOptions = {
      ...this.#options,
      pair: this.#pair,
      reconciler: this.#reconciler,
      ovsdb,
      wake: this.#pairing,
      ready: () => this.#switch !== undefined,
      floodsAreBack: () => this.#state === 'in-sync' && !this.#reconciler.dirty,
      hindered: () => this.#news.ring(),
    }
    await keepPair(options, signal)
  }

  /** The pair is on its way: its ports are a part of being in sync. */
  get #awaitsPair(): boolean {
    return this.#reconciler.wantsPair && this.#pair.numbers === undefined
  }

  async #watchFragments(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(FRAGMENTS_MS, undefined, { signal })
      const target = this.#switch
      if (target === undefined) continue
      const view = await fragmentView(target, this.#reconciler.mode)
      if (this.#switch !== target || view === this.#reconciler.fragments) continue
      this.#reconciler.setFragments(view)
      this.#news.ring()
    }
  }

  async #audit(signal: AbortSignal): Promise<void> {
    const reconciler = this.#reconciler
    let rest = AUDIT.ms
    while (!signal.aborted) {
      await sleep(rest, undefined, { signal })
      const target = this.#switch
      if (target === undefined || this.#state !== 'in-sync') continue
      const begun = performance.now()
      const flowsOf = (table: number): Promise<readonly Flow[]> => target.flowStats({ table })
      const events = await audit(flowsOf, () => reconciler.belief, signal)
      if (this.#switch !== target) continue
      for (const event of events) this.#observe(event)
      rest = Math.max(AUDIT.ms, (performance.now() - begun) * AUDIT.rest)
    }
  }

  #observe(event: FlowEvent): void {
    this.#foreignChanged = true
    const owner = this.#rounds.observe(event)
    if (owner === BRIDGE && this.#state === 'in-sync') this.#enter('disturbed')
    this.#news.ring()
  }

  /** One line for however many: whoever deletes all flows makes thousands of events, and may do so again and again. */
  #tellDrift(): void {
    const { count, last } = this.#rounds.drift
    const now = performance.now()
    const more = count - this.#driftTold.count
    if (last === undefined || more === 0 || now < this.#driftTold.due) return
    this.#driftTold = { count, last, due: now + DRIFT_MS }
    this.#options.log.warn({ count: more, last }, 'another hand changed our flows: put right')
    this.#news.ring()
  }

  #disconnected(why: Error): void {
    const { bridge } = this.#options
    this.#letGo()
    const missing = `there is no bridge ${bridge} on this switch: waiting for it (ovs-vsctl add-br ${bridge})`
    this.#troubled(this.#bridge === undefined ? missing : why.message)
  }

  #letGo(): void {
    this.#switch = undefined
    this.#rounds.letGo()
    this.#doubt = undefined
    this.#hasTold = false
    this.#enter('connecting')
  }

  #bridgeIs(row: BridgeRow | undefined): void {
    const before = this.#bridge
    this.#bridge = row
    // Whose bridge it is hangs on its fail_mode: look at it anew, as after a restart.
    if (before !== undefined && row !== undefined && before.fail_mode !== row.fail_mode) {
      void this.#switch?.[Symbol.asyncDispose]()
    }
  }

  #noteBypass(notes: readonly string[]): void {
    if (notes.join() === this.#bypass.join()) return
    this.#bypass = notes
    for (const note of notes) this.#options.log.warn({}, note)
    this.#news.ring()
  }

  #troubled(trouble: string): void {
    if (this.#switch !== undefined || this.#trouble === trouble) return
    this.#trouble = trouble
    this.#options.log.warn({}, trouble)
    this.#news.ring()
  }

  #noteNamesake(): void {
    const now = performance.now()
    if (now < this.#namesakeDue) return
    this.#namesakeDue = now + RETRY.saidEach
    const { host, log } = this.#options
    log.warn(
      { host },
      'another agent tells the store of this host: give one of the two its own --host',
    )
  }

  #enter(state: AliveRecord['state']): void {
    this.#state = state
    this.#news.ring()
  }

  async #reconcile(signal: AbortSignal): Promise<void> {
    await this.#declared.promise
    while (!signal.aborted) {
      const target = this.#switch
      if (target !== undefined && this.#rounds.isDue) {
        await this.#rounds.write(target)
        this.#settling.ring()
        this.#noteRefusals()
        this.#pairing.ring()
      }
      if (target !== undefined && target === this.#switch) this.#synced()
      this.#tellDrift()
      const roundAt = this.#switch === undefined ? Infinity : this.#rounds.dueAt
      const due = Math.min(roundAt, this.#lookAgainAt())
      await this.#work.wait(signal, due === Infinity ? undefined : due - performance.now())
    }
  }

  /** There is nothing left to send, and nobody keeps undoing what all ports share. */
  #synced(): void {
    const settled = !this.#reconciler.dirty && !this.#awaitsPair
    if (!settled || this.#state === 'in-sync' || this.#rounds.isFought(BRIDGE)) return
    this.#enter('in-sync')
    this.#settling.ring()
  }

  /** When the loop has something to say that no event tells of: more of drift, or that a fight is over. */
  #lookAgainAt(): number {
    const now = performance.now()
    const { drift } = this.#rounds
    if (drift.count > this.#driftTold.count) return this.#driftTold.due
    if (this.#fighting === drift.fights(now).size > 0) {
      return this.#fighting ? now + DRIFT_MS : Infinity
    }
    this.#fighting = !this.#fighting
    this.#settling.ring()
    this.#news.ring()
    return now + DRIFT_MS
  }

  /** Told once, not at every further try. */
  #noteRefusals(): void {
    const note = noteOnRefused(this.#reconciler.refused)
    if (note === this.#refusal) return
    this.#refusal = note
    if (note !== undefined) this.#options.log.warn({}, note)
    this.#news.ring()
  }

  /** Reports what the datapath follows. The loop that writes flows waits for none of it. */
  async #settle(signal: AbortSignal): Promise<void> {
    const secure = async (outcomes: readonly Outcome[], changed: boolean): Promise<void> => {
      // Another host may speak once this is said: we, begun anew without the store, must not.
      const armed = outcomes.some(({ verdict }) => verdict?.fulfils?.record.standby === true)
      if (armed) await this.#keepDeclared(signal)
      if (!changed) return
      await this.#forget(signal)
      if (!clings(this.#bridge?.datapath_type, this.#ovsVersion)) return
      await emptyCache(this.#options.rundir, signal)
    }
    while (!signal.aborted) {
      if (this.#switch !== undefined) {
        try {
          await this.#rounds.settle(secure)
          this.#doubt = undefined
        } catch (error) {
          if (!signal.aborted) this.#distrust(error)
          throw error
        } finally {
          if (this.#state === 'in-sync' && !this.#hasTold) {
            this.#hasTold = true
            this.#news.ring()
          }
          if (this.#state === 'in-sync') this.#inSync.resolve()
        }
      }
      await this.#settling.wait(signal)
    }
  }

  /** A disk that is full or hangs is no reason for a guest that has moved to stay silent: then the log says what a restart would do. */
  async #keepDeclared(signal: AbortSignal): Promise<void> {
    const kept = this.#options.cache?.kept().then(() => true)
    const over = sleep(KEPT_MS, false, { signal, ref: false })
    if (await Promise.race([kept ?? true, over])) return
    const text =
      'the disk takes long to keep what is declared: a restart without the store may let a port speak that has moved'
    this.#options.log.warn({}, text)
  }

  /** What the switch has learned may send a port what is for a MAC that it no longer has. */
  async #forget(signal: AbortSignal): Promise<void> {
    const { losses } = this.#reconciler
    if (losses === this.#forgotten) return
    await askSwitch(this.#options.rundir, 'fdb/flush', [this.#options.bridge], signal)
    this.#forgotten = losses
  }

  #distrust(error: unknown): void {
    const why = error instanceof Error ? error.message : String(error)
    this.#doubt =
      `the datapath may still judge frames by flows that are gone, and can't be made to forget them: ${why}. ` +
      'Until then no port becomes ACTIVE'
    this.#rounds.distrust(this.#doubt)
    this.#news.ring()
  }

  /**
   * Under one lease until that has expired. It is not given back at the end: the flows stand, and for as long as an agent needs to
   * begin anew, nobody is to take its host for one of which nothing is known.
   */
  async #tell(signal: AbortSignal): Promise<void> {
    const lease = await this.#options.store.lease(LEASE_TTL)
    this.#saidAgain = false
    this.#report.sayAgain()
    const expired = new AbortController()
    const until = AbortSignal.any([signal, expired.signal])
    const keeping = async (work: () => Promise<void>): Promise<void> => {
      try {
        await work()
      } catch (error) {
        if (!(error instanceof LeaseExpired)) throw error
        expired.abort()
      }
    }
    // A write that fails, or takes long, is no death: the lease is kept meanwhile, and with it what was said.
    await Promise.all([
      this.#persist('reporting', until, () => keeping(() => this.#write(lease, until))),
      this.#persist('renewing the lease', until, () => keeping(() => renew(lease, until))),
    ])
    if (!signal.aborted) await lease.revoke()
  }

  async #write({ id }: Lease, signal: AbortSignal): Promise<void> {
    const { store } = this.#options
    while (!signal.aborted) {
      this.#report.alive(this.alive)
      await this.#report.flush(store, id)
      if (this.#hasTold && !this.#saidAgain) {
        await this.#report.retract(store)
        await this.#report.flush(store, id)
        this.#saidAgain = true
        continue
      }
      await this.#news.wait(signal)
    }
  }

  async #plug(ovsdb: Ovsdb<VswitchSchema>, signal: AbortSignal): Promise<void> {
    const { log } = this.#options
    const { ifaces } = this.#reconciler.inventory
    await this.#seen.promise
    while (!signal.aborted) {
      const steps = this.#plugs.steps(ifaces)
      if (steps.length > 0) {
        await ovsdb.transact(steps.map(ifaceIdOp))
        this.#plugs.done(steps)
        log.info({ steps }, 'set iface-ids as declared')
      }
      await this.#plugging.wait(signal)
    }
  }

  async #keepTags(ovsdb: Ovsdb<VswitchSchema>, signal: AbortSignal): Promise<void> {
    const { log } = this.#options
    const { tags } = this.#reconciler
    await this.#seen.promise
    const ready = (): boolean => this.#switch !== undefined
    const givenUp = (): void => this.#work.ring()
    await writeTags({ tags, ovsdb, wake: this.#tagging, ready, givenUp, log }, signal)
  }

  /** Failures of switch and store pass: what was to be done is done again. */
  async #persist(doing: string, signal: AbortSignal, task: () => Promise<void>): Promise<void> {
    let wait = RETRY.first
    let said = { what: '', at: -Infinity }
    while (!signal.aborted) {
      const begun = performance.now()
      try {
        await task()
      } catch (err) {
        if (signal.aborted) return
        if (performance.now() - begun > RETRY.most) wait = RETRY.first
        // What lasts a night does not fill the disk.
        const [what, at] = [String(err), performance.now()]
        if (what !== said.what || at - said.at > RETRY.saidEach) {
          said = { what, at }
          this.#options.log.warn({ err }, `${doing} failed: trying again in ${wait} ms`)
        }
        await sleep(wait, undefined, { signal }).catch(() => {})
        wait = Math.min(wait * 2, RETRY.most)
      }
    }
  }
}

/** Until the signal aborts; throws what the store throws. */
async function renew(lease: Lease, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await lease.keepAlive()
    await sleep(LEASE_TTL * 500, undefined, { signal })
  }
}
