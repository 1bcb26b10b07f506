import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Flow, FlowMod } from '@portward/openflow'
import { flowKey, sameFlow } from '@portward/openflow'
import { flowMap, plan } from './plan.ts'
import type { FlowMap } from './plan.ts'

const flows: fc.Arbitrary<Flow> = fc
  .record(
    {
      table: fc.constantFrom(0, 24, 25),
      priority: fc.integer({ min: 0, max: 3 }),
      cookie: fc.bigInt({ min: 0n, max: 2n }),
      inPort: fc.integer({ min: 1, max: 4 }),
      to: fc.constantFrom(undefined, 25, 60),
    },
    { noNullPrototype: true },
  )
  .map(({ table, priority, cookie, inPort, to }) => ({
    table,
    priority,
    cookie,
    match: { inPort },
    actions: to === undefined ? [] : [{ type: 'resubmit', table: to }],
  }))
const flowMaps = fc.array(flows, { maxLength: 12 }).map(flowMap)

function apply(mods: readonly FlowMod[], actual: FlowMap): Map<string, Flow> {
  const after = new Map(actual)
  for (const { command, flow } of mods) {
    if (command === 'add') after.set(flowKey(flow), flow)
    else after.delete(flowKey(flow))
  }
  return after
}

function sorted(map: FlowMap): readonly [string, Flow][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1))
}

void test('the plan reaches the desired flows, and then there is nothing left to do', () => {
  fc.assert(
    fc.property(flowMaps, flowMaps, (desired, actual) => {
      const after = apply(plan(desired, actual), actual)
      assert.deepEqual(sorted(after), sorted(desired))
      assert.deepEqual(plan(desired, after), [])
    }),
  )
})

void test('the plan touches no flow that is right', () => {
  fc.assert(
    fc.property(flowMaps, flowMaps, (desired, actual) => {
      for (const { flow } of plan(desired, actual)) {
        const key = flowKey(flow)
        const [want, have] = [desired.get(key), actual.get(key)]
        assert.ok(want === undefined || have === undefined || !sameFlow(want, have))
      }
    }),
  )
})
