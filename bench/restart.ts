// How long an agent takes from its start to the last port guarded, on an empty bridge and on one that is right; beside
// `ovs-ofctl --bundle add-flows` with the very same flows in the same run. And what memory it then holds.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Switch } from '@portward/testkit'
import { spreadOf } from './figures.ts'
import type { Limit, Result } from './figures.ts'
import { flowLines, openLab, progress, recordFlows } from './lab.ts'
import { residentMb } from './memory.ts'

const RUNS = [
  { count: 1000, rounds: 5 },
  { count: 10_000, rounds: 3 },
]
const LIMIT_TIMES = 3
const LIMIT_MB = 150

export async function restart(): Promise<Result> {
  const rows = []
  const limits: Limit[] = []
  for (const { count, rounds } of RUNS) {
    const { flows, addFlows, agent, whole, right, touched, rss } = await measure(count, rounds)
    const times = agent.median / addFlows.median
    rows.push({
      ports: count,
      flows,
      'add-flows, s': addFlows.median / 1000,
      'from agent, s': agent.median / 1000,
      times,
      'from process, s': whole.median / 1000,
      'right bridge, s': right.median / 1000,
      'flows touched': touched,
      'resident, MB': rss,
    })
    limits.push(
      {
        what: `${count} ports: agent start to guarded takes ${times.toFixed(2)} times add-flows`,
        limit: `${LIMIT_TIMES} times`,
        holds: times <= LIMIT_TIMES,
      },
      {
        what: `${count} ports: flows touched by a restart on a bridge that is right: ${touched}`,
        limit: 'none',
        holds: touched === 0,
      },
    )
    if (count === 1000) {
      limits.push({
        what: `${count} ports: resident memory ${rss.toFixed(0)} MB`,
        limit: `${LIMIT_MB} MB`,
        holds: rss <= LIMIT_MB,
      })
    }
  }
  return {
    bench: 'restart: start of `portward up` to the last flow of the last port',
    rows,
    limits,
  }
}

async function measure(count: number, rounds: number) {
  await using lab = await openLab()
  const { sw } = lab
  {
    await using first = await lab.start()
    await lab.populate(first, count)
  }
  const file = join(sw.rundir, 'flows.txt')
  const flows = await flowLines(sw)
  await writeFile(file, flows.join('\n'))

  const addFlows: number[] = []
  const empty: Start[] = []
  const right: Start[] = []
  let touched = 0
  let rss = 0
  for (let round = 0; round < rounds; round++) {
    progress(`${count} ports: round ${round + 1} of ${rounds}`)
    await sw.ofctl('del-flows', sw.bridge)
    const begun = performance.now()
    await sw.ofctl('--bundle', 'add-flows', sw.bridge, file)
    addFlows.push(performance.now() - begun)

    await sw.ofctl('del-flows', sw.bridge)
    empty.push(await startUnder(lab, sw))
    const again = await startUnder(lab, sw)
    right.push(again)
    touched += again.events
    rss = Math.max(rss, again.rss)
  }
  return {
    flows: flows.length,
    touched,
    rss,
    addFlows: spreadOf(addFlows),
    agent: spreadOf(empty.map(({ guarded, agent }) => guarded - agent)),
    whole: spreadOf(empty.map(({ guarded, process }) => guarded - process)),
    right: spreadOf(right.map(({ ready, process }) => ready - process)),
  }
}

/** Times of `performance.now()`: when the process and its agent began, when the last flow came, when it said `ready`. */
type Start = {
  readonly process: number
  readonly agent: number
  readonly guarded: number
  readonly ready: number
  readonly events: number
  readonly rss: number
}

/** Starts it, waits until it is ready and no flow event has come for a while; then ends it. */
async function startUnder(lab: Awaited<ReturnType<typeof openLab>>, sw: Switch): Promise<Start> {
  await using watch = await recordFlows(sw)
  const begun = performance.now()
  await using portward = await lab.start('info')
  const ready = performance.now()
  await watch.still(300)
  const rss = await residentMb(portward.pid)
  const said = /"time":(\d+),"part":"agent"[^\n]*"the agent starts"/.exec(portward.said())?.[1]
  const agent = Number(said) - performance.timeOrigin
  return {
    process: begun,
    agent,
    guarded: watch.lastAt,
    ready,
    events: watch.changes().length,
    rss,
  }
}
