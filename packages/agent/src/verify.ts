// Whether the switch does what is declared, by eyes of our own: not the running agent's. Nothing is changed.
//
//   OVSDB, all flows ─► a Reconciler that has only just begun ─► what it would change is what is wrong
//   each port        ─► frames, judged as it is declared ═══ compared with ═══ ofproto/trace of the running switch

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Flow, FlowMod } from '@portward/openflow'
import { flowKey, flowText, openSwitch } from '@portward/openflow'
import type { Ovsdb, VswitchSchema } from '@portward/ovsdb'
import { openOvsdb, vswitch } from '@portward/ovsdb'
import type { FragmentView, Subject } from '@portward/portsec'
import { explain, frameOf } from '@portward/portsec'
import type { HostPortRecord, Revision } from '@portward/store'
import { BridgeView, vlanLimitOf } from './bridge.ts'
import { controllersOf, notesOnBypass } from './bypass.ts'
import { noteOnFragments, viewOf } from './fragments.ts'
import type { ModeWish } from './mode.ts'
import { modeOf, notesOn } from './mode.ts'
import { PairPorts } from './pair.ts'
import { Reconciler } from './reconciler.ts'
import type { Outcome } from './reconciler.ts'
import { traceFrame } from './trace.ts'
import type { Mode } from './verdict.ts'
import { phrasesFor } from './verify-frames.ts'

/** What the host must enforce, and whether the server says that it does. */
export type Expected = {
  readonly record: HostPortRecord
  readonly revision: Revision
  readonly applied: boolean
}

export type VerifyOptions = {
  readonly rundir: string
  readonly bridge: string
  readonly mode: ModeWish
  readonly uplinks: ReadonlySet<string>
  readonly isolate: boolean
  /** Asked anew at each look. */
  readonly ports: () => Promise<readonly Expected[]>
  /** Only of this one frames are judged, and differences told. */
  readonly portId?: string
  readonly signal: AbortSignal
  /** Told of each port whose frames were judged. */
  readonly onProgress?: (done: number, all: number) => void
}

export type Difference = {
  /** Empty where it is the bridge's. */
  readonly iface: string
  readonly portId: string | null
  readonly what: string
}

export type Verification = {
  readonly mode: Mode
  readonly ports: number
  readonly flows: number
  readonly frames: number
  readonly differences: readonly Difference[]
  readonly notes: readonly string[]
}

/** How long database and switch may take to answer at all. */
const PATIENCE_MS = 10_000
/** Beyond as many of an interface's frames, or differences in all, the rest is counted alone. */
const FRAMES_TOLD = 3
const TOLD_MAX = 1000

/** What is on its way to the switch at one look is there at the next. */
const SECOND_LOOK_MS = 1000

/** Throws an error that says what to do where the switch can't be looked at: then nothing is proven. */
export async function verify(options: VerifyOptions): Promise<Verification> {
  const first = await lookOnce(options)
  if (first.differences.length === 0) return first
  await sleep(SECOND_LOOK_MS, undefined, { signal: options.signal })
  const second = await lookOnce(options)
  const told = new Set(first.differences.map(textOf))
  return { ...second, differences: second.differences.filter((one) => told.has(textOf(one))) }
}

function textOf({ iface, portId, what }: Difference): string {
  return JSON.stringify([iface, portId, what])
}

async function lookOnce(options: VerifyOptions): Promise<Verification> {
  const { rundir, bridge } = options
  const end = new AbortController()
  const signal = AbortSignal.any([options.signal, end.signal])
  try {
    const look = new Look(options, await options.ports())
    await using ovsdb = openOvsdb({
      address: join(rundir, 'db.sock'),
      schema: vswitch,
      signal,
      onChanges: (changes) => look.view.apply(changes, ovsdb),
      onState: (_, why) => void (look.trouble = why),
    })
    await within(ovsdb.synced, () => look.trouble ?? new Error(`${rundir}: no answer from OVSDB`))
    if (look.view.row(ovsdb) === undefined) {
      throw new Error(`there is no bridge ${bridge} on this switch: name it with --bridge`)
    }
    await using session = await openSwitch({ address: join(rundir, `${bridge}.mgmt`), signal })
    // Without their counts, which differ from look to look.
    const flows = (await session.flowStats()).map(
      ({ table, priority, cookie, match, actions }): Flow => ({
        table,
        priority,
        cookie,
        match,
        actions,
      }),
    )
    const fragments = viewOf(await session.fragments())
    await look.atFlows(flows, fragments, ovsdb)
    await look.atFrames()
    return look.verification
  } finally {
    end.abort()
  }
}

class Look {
  readonly #options: VerifyOptions
  readonly #ports: readonly Expected[]
  readonly #reconciler: Reconciler
  readonly #pair = new PairPorts()
  readonly #differences: Difference[] = []
  readonly #notes: string[] = []
  readonly view: BridgeView
  trouble: Error | undefined
  #outcomes: readonly Outcome[] = []
  #mode: Mode = 'own'
  #fragments: FragmentView = 'hidden'
  #vlanLimit: 0 | 1 | 2 = 1
  #flows = 0
  #frames = 0

  constructor(options: VerifyOptions, ports: readonly Expected[]) {
    const { bridge, uplinks, isolate } = options
    this.#options = options
    this.#ports = ports
    this.#reconciler = new Reconciler({ uplinks, isolate, wake: () => {} })
    const { inventory, tags } = this.#reconciler
    for (const { record, revision } of ports) {
      inventory.setPort(record.portId, { record, revision })
    }
    this.view = new BridgeView(bridge, (name, iface) => {
      const guests = this.#pair.set(name, iface) ? undefined : iface
      tags.setIface(name, guests)
      inventory.setIface(name, guests)
    })
  }

  get verification(): Verification {
    return {
      mode: this.#mode,
      ports: this.#ports.length,
      flows: this.#flows,
      frames: this.#frames,
      differences: this.#differences,
      notes: this.#notes,
    }
  }

  /** What an agent that begins now would change. */
  async atFlows(
    flows: readonly Flow[],
    fragments: FragmentView,
    ovsdb: Ovsdb<VswitchSchema>,
  ): Promise<void> {
    const { bridge, isolate, mode } = this.#options
    const row = this.view.row(ovsdb)
    const reconciler = this.#reconciler
    this.#flows = flows.length
    this.#fragments = fragments
    this.#mode = modeOf(mode, { failMode: row?.fail_mode, flows })
    for (const { other_config: config } of ovsdb.rows('Open_vSwitch').values()) {
      this.#vlanLimit = vlanLimitOf(config.get('vlan-limit'))
    }
    this.#note(...notesOn(this.#mode, bridge, row?.fail_mode))
    if (row !== undefined) this.#note(...notesOnBypass(row, controllersOf(row, ovsdb)))
    this.#note(noteOnFragments(fragments, bridge))

    reconciler.setFragments(fragments)
    reconciler.setPair(this.#pair.numbers)
    this.#believeTags()
    // Which ports floods reach is not asked: it lets nothing pass.
    const floods = isolate ? { set: async () => new Map<number, string>() } : undefined
    reconciler.adopt(flows, this.#mode, floods)
    const mods: FlowMod[] = []
    const record = (more: readonly FlowMod[], accepted: () => void): Promise<void> => {
      mods.push(...more)
      accepted()
      return Promise.resolve()
    }
    const outcomes = new Map<string, Outcome>()
    while (reconciler.dirty) {
      for (const outcome of await reconciler.step({ commit: record })) {
        outcomes.set(outcome.name, outcome)
      }
    }
    this.#outcomes = [...outcomes.values()]
    for (const { name, iface, verdict } of this.#outcomes) {
      const { state, reason } = verdict ?? {}
      if (iface?.portId === undefined || reason === undefined) continue
      if (state === 'silent' || state === 'blocked') this.#note(`${name} is ${state}: ${reason}`)
    }
    const there = new Map(flows.map((flow) => [flowKey(flow), flow]))
    for (const { command, flow } of mods) {
      const found = there.get(flowKey(flow))
      const kind =
        command === 'deleteStrict' ? 'too many' : found === undefined ? 'missing' : 'changed'
      const instead = kind === 'changed' && found !== undefined ? `, is ${flowText(found)}` : ''
      this.#differs(
        this.#ifaceAt(flow.match.inPort),
        `a flow is ${kind}: ${flowText(flow)}${instead}`,
      )
    }
    const right = mods.length === 0
    for (const { record: port, applied } of this.#ports) {
      const outcome = this.#outcomes.find(({ iface }) => iface?.portId === port.portId)
      this.#atVlan(port, outcome)
      const fulfilled = outcome?.verdict?.fulfils !== undefined && (right || !this.#isBad(outcome))
      if (applied && !fulfilled) {
        this.#differs(outcome, 'the server says that it is applied, and it is not so', port.portId)
      }
    }
  }

  /** Frames of every port that is plugged. */
  async atFrames(): Promise<void> {
    const asked = this.#outcomes.filter(({ iface }) => iface?.ofport !== undefined)
    for (const [i, outcome] of asked.entries()) {
      await this.#judgeFrames(outcome)
      this.#options.onProgress?.(i + 1, asked.length)
    }
  }

  async #judgeFrames(outcome: Outcome): Promise<void> {
    const { iface, verdict } = outcome
    const { portId: only } = this.#options
    const { ofport, portId } = iface ?? {}
    const declared = this.#reconciler.inventory.ports.get(portId ?? '')?.record
    if (ofport === undefined || verdict === undefined || declared === undefined) return
    if (only !== undefined && portId !== only) return
    const { guarded, up, ...spec } = declared
    const subject: Subject = {
      spec,
      ofport,
      guarded,
      up,
      ...(verdict.state === 'silent' && { silence: verdict.reason ?? 'it is silent' }),
      mode: this.#mode,
      fragments: this.#fragments,
      vlanLimit: this.#vlanLimit,
    }
    // All of a port at once: the switch takes its time between two questions, whoever asks.
    const phrases = phrasesFor({ mac: spec.mac, ips: spec.ips })
    const judged = await Promise.all(phrases.map((phrase) => this.#judgeFrame(subject, phrase)))
    const wrong = judged.flat()
    for (const what of wrong.slice(0, FRAMES_TOLD)) this.#differs(outcome, what)
    const more = wrong.length - FRAMES_TOLD
    if (more > 0)
      this.#differs(outcome, `${more} more of its frames meet another fate than declared`)
  }

  /** What is wrong with what becomes of it. */
  async #judgeFrame(subject: Subject, phrase: string): Promise<readonly string[]> {
    const frame = frameOf(phrase, subject.spec)
    const { verdict, judged, what, rule, ruleText } = explain(subject, frame)
    if (!judged) return []
    const { delivered, text } = await traceFrame(this.#options, subject.ofport, frame)
    this.#frames++
    const seen = delivered ? 'delivered' : 'dropped'
    if (seen === verdict) return []
    const lines = text.split('\n').map((line) => line.trim())
    const [first = 'no flow', ...steps] = lines.filter((line) => /^\d+\. /.test(line))
    const way = [first, ...steps.slice(-1)].join(' … ')
    return [
      `${what}: must be ${verdict} (rule ${rule}: ${ruleText}); the switch has it ${seen}: ${way}`,
    ]
  }

  /** As if ovs-vswitchd had taken what OVSDB has: whether it has is not to be seen from outside. */
  #believeTags(): void {
    const { tags } = this.#reconciler
    tags.cfg(1, 1)
    tags.take()
    tags.sent(1)
  }

  #atVlan({ vlan, portId, checks }: HostPortRecord, outcome: Outcome | undefined): void {
    const { iface } = outcome ?? {}
    if (iface === undefined || vlan === 0 || checks.vlan !== undefined || iface.vlan === vlan)
      return
    const has = iface.vlan === undefined ? 'no tag' : `the tag ${iface.vlan}`
    this.#differs(outcome, `its network has VLAN ${vlan}, and its port in OVSDB ${has}`, portId)
  }

  #isBad({ name }: Outcome): boolean {
    return this.#differences.some(({ iface }) => iface === name || iface === '')
  }

  #ifaceAt(ofport: number | undefined): { name: string; portId: string | undefined } | undefined {
    for (const iface of this.#reconciler.inventory.ifaces.values()) {
      if (ofport !== undefined && iface.ofport === ofport) return iface
    }
    return undefined
  }

  #differs(
    at: Outcome | { readonly name: string; readonly portId: string | undefined } | undefined,
    what: string,
    portId = at !== undefined && 'portId' in at ? at.portId : at?.iface?.portId,
  ): void {
    const only = this.#options.portId
    if (only !== undefined && portId !== undefined && portId !== only) return
    if (this.#differences.length >= TOLD_MAX) return
    this.#differences.push({ iface: at?.name ?? '', portId: portId ?? null, what })
  }

  #note(...notes: readonly (string | undefined)[]): void {
    for (const note of notes) if (note !== undefined) this.#notes.push(note)
  }
}

async function within<T>(answer: Promise<T>, failure: () => Error): Promise<T> {
  const over = Promise.withResolvers<never>()
  const timer = setTimeout(() => over.reject(failure()), PATIENCE_MS)
  try {
    return await Promise.race([answer, over.promise])
  } finally {
    clearTimeout(timer)
  }
}
