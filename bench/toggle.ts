// How long a change takes: from PUT port_security_enabled to the last of the switch's own flow events that follow from it,
// seen by an observer apart from us (`ovs-ofctl monitor … watch:`).

import type { FlowEvent, FlowWatch, Portward } from '@portward/testkit'
import { spreadOf } from './figures.ts'
import type { Result, Spread } from './figures.ts'
import type { PortBody } from './lab.ts'
import { openLab, progress } from './lab.ts'
import { put } from './put.ts'

const TOGGLES = 60
const WARM_UP = 20
const PORTS = [1, 1000]
const LIMIT_MS = 5
const LIMIT_RATIO = 1.5

export async function toggle(): Promise<Result> {
  const rows = []
  const medians: number[] = []
  for (const count of PORTS) {
    const { off, on, both } = await measure(count)
    medians.push(both.median)
    for (const [change, spread] of [
      ['off', off],
      ['on', on],
    ] as const) {
      rows.push({ ports: count, change, ...round(spread) })
    }
  }
  const [one = Number.NaN, thousand = Number.NaN] = medians
  return {
    bench: 'toggle: PUT sent to last flow event seen, ms',
    rows,
    limits: [
      {
        what: `median with 1 port: ${one.toFixed(2)} ms`,
        limit: `${LIMIT_MS} ms`,
        holds: one <= LIMIT_MS,
      },
      {
        what: `median with 1,000 ports, of that with 1: ${(thousand / one).toFixed(2)} times`,
        limit: `${LIMIT_RATIO} times`,
        holds: thousand / one <= LIMIT_RATIO,
      },
    ],
  }
}

async function measure(count: number): Promise<{ off: Spread; on: Spread; both: Spread }> {
  await using lab = await openLab()
  await using portward = await lab.start()
  const ports = await lab.populate(portward, count)
  await using watch = await lab.sw.watchFlows()
  await watch.settled()
  const times = { off: [] as number[], on: [] as number[] }
  for (let i = 0; i < TOGGLES + WARM_UP; i++) {
    const port = ports[i % ports.length]
    if (port === undefined) throw new Error('no ports')
    const off = await timed(portward, watch, port, false)
    const on = await timed(portward, watch, port, true)
    if (i >= WARM_UP) {
      times.off.push(off)
      times.on.push(on)
    }
    progress(`toggled ${i} of ${TOGGLES + WARM_UP} with ${count} ports`)
  }
  const { off, on } = times
  return { off: spreadOf(off), on: spreadOf(on), both: spreadOf([...off, ...on]) }
}

/** Milliseconds to the last flow event; waits for more until the answer is there and it has been still for a while. */
async function timed(
  portward: Portward,
  watch: FlowWatch,
  port: PortBody,
  on: boolean,
): Promise<number> {
  watch.take()
  const url = `${portward.url}/v2.0/ports/${port.id}?wait=applied`
  const sent = await put(url, { port: { port_security_enabled: on } })
  const events: readonly FlowEvent[] = await watch.settled(20)
  const last = events.at(-1)
  if (last === undefined) throw new Error('the switch told of no change')
  return last.at - sent
}

function round({ n, min, median, p95, max }: Spread): Record<string, number> {
  return { n, min, median, p95, max }
}
