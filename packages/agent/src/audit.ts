// The slow full comparison: all that the switch has in our tables against all that we believe it has there. The flow monitor tells
// of every change; this finds what it did not tell.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Flow, FlowEvent } from '@portward/openflow'
import { flowKey, sameFlow } from '@portward/openflow'
import { tables } from '@portward/portsec'

/** What we believe the switch has, by key: our flows, and those of others. */
export type Belief = Iterable<ReadonlyMap<string, Flow>>

/** What was on its way at one look is there at the next. */
const SECOND_LOOK_MS = 500

/**
 * What would have to be told to make the belief true. A table at a time, so that a bridge of 200,000 flows is never in memory
 * twice. `flowsOf` gives all flows of a table; `belief` is asked at each look.
 */
export async function audit(
  flowsOf: (table: number) => Promise<readonly Flow[]>,
  belief: () => Belief,
  signal: AbortSignal,
): Promise<readonly FlowEvent[]> {
  const events: FlowEvent[] = []
  for (const { id } of Object.values(tables)) {
    const first = differences(id, belief(), await flowsOf(id))
    if (first.size === 0) continue
    await sleep(SECOND_LOOK_MS, undefined, { signal })
    events.push(...lasting(first, differences(id, belief(), await flowsOf(id))))
  }
  return events
}

type Differences = ReadonlyMap<string, FlowEvent>

function differences(table: number, belief: Belief, flows: readonly Flow[]): Differences {
  const there = new Map(flows.map((flow) => [flowKey(flow), flow]))
  const found = new Map<string, FlowEvent>()
  const right = new Set<string>()
  for (const map of belief) {
    for (const [key, believed] of map) {
      if (believed.table !== table) continue
      const flow = there.get(key)
      if (flow === undefined) found.set(key, { type: 'removed', flow: believed })
      else if (sameFlow(believed, flow)) right.add(key)
    }
  }
  for (const [key, flow] of there) {
    if (!right.has(key)) found.set(key, { type: 'present', flow })
  }
  return found
}

function lasting(first: Differences, second: Differences): readonly FlowEvent[] {
  return [...second].flatMap(([key, event]) => {
    const before = first.get(key)
    return before?.type === event.type && sameFlow(before.flow, event.flow) ? [event] : []
  })
}
