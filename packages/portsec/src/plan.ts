// What must be said to the switch so that it has the flows we want and no other of ours. Pure, and in one direction:
// apply(plan(desired, actual), actual) is desired, and then there is nothing left to say.

import type { Flow, FlowMod } from '@portward/openflow'
import { flowKey, sameFlow } from '@portward/openflow'

/** Flows by what makes the switch take two for the same: table, priority and match. */
export type FlowMap = ReadonlyMap<string, Flow>

export function flowMap(flows: Iterable<Flow>): Map<string, Flow> {
  const map = new Map<string, Flow>()
  for (const flow of flows) map.set(flowKey(flow), flow)
  return map
}

/** An `add` replaces a flow of the same key whole, its counters with it; a flow that is right is never touched. */
export function plan(desired: FlowMap, actual: FlowMap): readonly FlowMod[] {
  const mods: FlowMod[] = []
  for (const [key, flow] of desired) {
    const there = actual.get(key)
    if (there === undefined || !sameFlow(there, flow)) mods.push({ command: 'add', flow })
  }
  for (const [key, flow] of actual) {
    if (!desired.has(key)) mods.push({ command: 'deleteStrict', flow })
  }
  return mods
}
