// What many ports on one bridge cost, beside Neutron and OVN on the same machine in the same run: the agent killed, the switch
// killed, one port changed, memory. The times are those at which the switch tells an observer of its flows (`ovs-ofctl monitor`).

import { setTimeout as sleep } from 'node:timers/promises'
import type { Switch } from '@portward/testkit'
import { spreadOf } from './figures.ts'
import type { Limit, Result } from './figures.ts'
import type { FlowRecord } from './lab.ts'
import { milestone, progress, reachable, recordFlows } from './lab.ts'
import { memoryOf } from './memory.ts'
import { absenceIn } from './scale/absence.ts'
import { neutron } from './scale/neutron.ts'
import { ovn } from './scale/ovn.ts'
import type { Peer, Site } from './scale/peer.ts'
import { portward } from './scale/portward.ts'

const PEERS = [ovn, neutron]
const PORTS = [100, 500, 1000]
/** With which Portward is alone. */
const MANY = 10_000
const LIMIT_RATIO = 1.5
/** What Portward is to need no more of than each of the others. */
const COMPARED = [
  { figure: 'agent', what: 'agent killed, s' },
  { figure: 'missing', what: 'flows missing, s' },
  { figure: 'vswitchd', what: 'switch killed, s' },
  { figure: 'toggle', what: 'toggle, ms' },
  { figure: 'allMb', what: 'memory with servers, MB' },
  { figure: 'switchMb', what: 'memory of the switch, MB' },
] as const
const FLOWS_EVERY_MS = 250
const FLOWS_WITHIN_MS = 900_000
const TOGGLE_WITHIN_MS = 60_000

export type ScaleOptions = {
  /** Names of those to measure; Portward is always. Default all. */
  readonly only?: readonly string[]
}

export async function scale({ only }: ScaleOptions = {}): Promise<Result> {
  const known = new Set([portward, ...PEERS].map(({ name }) => name))
  const unknown = only?.find((name) => !known.has(name))
  if (unknown !== undefined)
    throw new Error(`no peer ${unknown}; there are ${[...known].join(', ')}`)
  const peers = PEERS.filter(({ name }) => only?.includes(name) ?? true)
  const missing = await Promise.all(peers.map(async (peer) => await peer.missing?.()))
  const there = peers.filter((_, i) => missing[i] === undefined)
  const figures: Figures[] = []
  const failures: string[] = []
  const add = async (peer: Peer, ports: number): Promise<void> => {
    const each = await measure(peer, ports)
    figures.push(each)
    milestone(JSON.stringify(rowOf(each)))
  }
  for (const ports of PORTS) {
    await add(portward, ports)
    for (const peer of there) {
      try {
        await add(peer, ports)
      } catch (error) {
        // What was measured in half an hour before is not to go with it.
        const failure = `${peer.name}, ${ports} ports: ${String(error)}`
        failures.push(failure)
        milestone(failure)
      }
    }
  }
  await add(portward, MANY)
  return {
    bench: 'scale: ports on one bridge, medians',
    rows: figures.map(rowOf),
    notes: [
      ...failures,
      ...peers.flatMap(({ name }, i) =>
        missing[i] === undefined ? [] : [`${name}: not measured: ${missing[i]}`],
      ),
      ...[portward, ...there].map(
        ({ name, pace: { restarts, toggles } }) =>
          `${name}: agent and switch killed ${restarts} times, ports toggled ${toggles} times off and on`,
      ),
    ],
    limits: [...there.flatMap(({ name }) => besides(name, figures)), ofMany(figures)],
  }
}

function rowOf(each: Figures) {
  return {
    by: each.peer,
    ports: each.ports,
    flows: each.flows,
    'agent killed, s': each.agent,
    'flows missing, s': each.missing,
    'at once': each.missed,
    'switch killed, s': each.vswitchd,
    'toggle, ms': each.toggle,
    'agent, MB': each.agentMb,
    'with servers, MB': each.allMb,
    'switch, MB': each.switchMb,
  }
}

type Figures = {
  readonly peer: string
  readonly ports: number
  readonly flows: number
  /** Seconds from the kill until it, started anew, has said that all is done, or until the last flow that changed then. */
  readonly agent: number
  /** Seconds in which flows were missing meanwhile; how many at once. */
  readonly missing: number
  readonly missed: number
  /** Seconds from when the switch takes connections again until the last flow. */
  readonly vswitchd: number
  /** Milliseconds from the request until the last flow. */
  readonly toggle: number
  readonly agentMb: number
  readonly allMb: number
  readonly switchMb: number
}

async function measure(peer: Peer, ports: number): Promise<Figures> {
  const say = (what: string): void => progress(`${peer.name}, ${ports} ports: ${what}`)
  say('opening')
  await using site = await peer.open(ports)
  const { sw } = site
  const { restarts, warmUp, toggles, stillMs } = peer.pace
  await stillness(sw, stillMs)
  const flows = await flowsOf(sw)
  const agents: Awaited<ReturnType<typeof agentKilled>>[] = []
  const switches: number[] = []
  for (let i = 0; i < restarts; i++) {
    say(`killing the agent, ${i + 1} of ${restarts}`)
    agents.push(await agentKilled(site, flows, stillMs))
    say(`killing the switch, ${i + 1} of ${restarts}`)
    switches.push(await switchKilled(sw, flows, stillMs))
  }
  const times: number[] = []
  await using record = await recordFlows(sw)
  for (let i = 0; i < warmUp + toggles; i++) {
    say(`toggling, ${i + 1} of ${warmUp + toggles}`)
    const off = await toggled({ site, record, stillMs }, i % ports, false)
    const on = await toggled({ site, record, stillMs }, i % ports, true)
    if (i >= warmUp) times.push(off, on)
  }
  const { agent: agentMb, all: allMb } = await site.memory()
  return {
    peer: peer.name,
    ports,
    flows,
    agent: spreadOf(agents.map(({ seconds }) => seconds)).median,
    missing: spreadOf(agents.map(({ missing }) => missing)).median,
    missed: spreadOf(agents.map(({ missed }) => missed)).median,
    vswitchd: spreadOf(switches).median,
    toggle: spreadOf(times).median,
    agentMb,
    allMb,
    switchMb: await memoryOf([sw.pid()]),
  }
}

/** There must be as many flows after it as before. */
async function agentKilled(site: Site, flows: number, stillMs: number) {
  await using record = await recordFlows(site.sw)
  const begun = performance.now()
  const done = await site.restart()
  await record.still(stillMs)
  const count = await flowsOf(site.sw)
  if (count !== flows) throw new Error(`${count} flows of ${flows} are left`)
  const changes = record.changes()
  const { ms, most } = absenceIn(changes)
  const last = Math.max(done, changes.at(-1)?.at ?? 0)
  return { seconds: (last - begun) / 1000, missing: ms / 1000, missed: most }
}

/** Seconds from when the switch takes connections again until it told of the last flow, and has as many as before. */
async function switchKilled(sw: Switch, flows: number, stillMs: number): Promise<number> {
  await sw.restartVswitchd('SIGKILL')
  await reachable(sw)
  const begun = performance.now()
  await using record = await recordFlows(sw)
  for (const end = begun + FLOWS_WITHIN_MS; ; await sleep(FLOWS_EVERY_MS)) {
    const count = await flowsOf(sw)
    if (count === flows) break
    if (performance.now() > end) throw new Error(`${count} flows of ${flows} are back`)
  }
  await record.still(stillMs)
  return (record.lastAt - begun) / 1000
}

/** Milliseconds from the request to the last of the changes. */
async function toggled(
  { site, record, stillMs }: { site: Site; record: FlowRecord; stillMs: number },
  port: number,
  on: boolean,
): Promise<number> {
  const before = record.lastAt
  const asked = await site.toggle(port, on)
  const end = asked + TOGGLE_WITHIN_MS
  while (record.lastAt === before) {
    if (performance.now() > end) throw new Error(`no flow of port ${port} has changed`)
    await sleep(1)
  }
  await record.still(stillMs)
  return record.lastAt - asked
}

async function stillness(sw: Switch, ms: number): Promise<void> {
  await using record = await recordFlows(sw)
  await record.still(ms)
}

async function flowsOf(sw: Switch): Promise<number> {
  const text = await sw.ofctl('dump-aggregate', sw.bridge)
  return Number(/flow_count=(\d+)/.exec(text)?.[1])
}

/** With the numbers of ports that it was measured with. */
function besides(peer: string, figures: readonly Figures[]): readonly Limit[] {
  const pairs = figures
    .filter((each) => each.peer === peer)
    .map((theirs) => ({ ours: figureOf(figures, portward.name, theirs.ports), theirs }))
  if (pairs.length === 0) return [{ what: `beside ${peer}`, limit: 'measured', holds: false }]
  const ports = pairs.map(({ ours }) => ours.ports)
  return COMPARED.map(({ figure, what }) => {
    const words = pairs.map(
      (pair) => `${rounded(pair.ours[figure])} of ${rounded(pair.theirs[figure])}`,
    )
    return {
      what: `${what}, with ${ports.join(', ')} ports: ${words.join(', ')}`,
      limit: `no more than ${peer}`,
      holds: pairs.every(({ ours, theirs }) => ours[figure] <= theirs[figure]),
    }
  })
}

/** As many digits as can be told from run to run. */
function rounded(value: number): number {
  return Number(value.toPrecision(2))
}

function ofMany(figures: readonly Figures[]): Limit {
  const [less = Number.NaN, more = Number.NaN] = [PORTS.at(-1) ?? 0, MANY].map(
    (ports) => figureOf(figures, portward.name, ports).toggle,
  )
  return {
    what: `toggle with ${MANY} ports, of that with ${PORTS.at(-1)}: ${(more / less).toFixed(2)} times`,
    limit: `${LIMIT_RATIO} times`,
    holds: more / less <= LIMIT_RATIO,
  }
}

function figureOf(figures: readonly Figures[], peer: string, ports: number): Figures {
  const found = figures.find((each) => each.peer === peer && each.ports === ports)
  if (found === undefined) throw new Error(`${peer} was not measured with ${ports} ports`)
  return found
}
