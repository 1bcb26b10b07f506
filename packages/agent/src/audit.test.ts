import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Flow } from '@portward/openflow'
import { flowKey } from '@portward/openflow'
import { audit } from './audit.ts'

const one: Flow = { table: 24, priority: 2, cookie: 5n, match: { inPort: 7 }, actions: [] }
const other: Flow = { ...one, match: { inPort: 8 } }
const changed: Flow = { ...one, actions: [{ type: 'resubmit', table: 25 }] }

function mapOf(...flows: readonly Flow[]): ReadonlyMap<string, Flow> {
  return new Map(flows.map((flow) => [flowKey(flow), flow]))
}

/** The switch has `looks` at each look at table 24, the last of them from then on. */
async function audited(believed: readonly Flow[], ...looks: (readonly Flow[])[]) {
  let look = 0
  const flowsOf = async (table: number): Promise<readonly Flow[]> =>
    table === 24 ? (looks[Math.min(look++, looks.length - 1)] ?? []) : []
  return audit(flowsOf, () => [mapOf(...believed), mapOf()], new AbortController().signal)
}

void test('the comparison finds what is missing, too much or changed, and nothing where all is as believed', async () => {
  assert.deepEqual(await audited([one, other], [other, one]), [])
  assert.deepEqual(await audited([one], []), [{ type: 'removed', flow: one }])
  assert.deepEqual(await audited([one], [one, other]), [{ type: 'present', flow: other }])
  assert.deepEqual(await audited([one], [changed]), [{ type: 'present', flow: changed }])
})

void test('what is otherwise at the second look was only on its way', async () => {
  assert.deepEqual(await audited([one], [], [one]), [])
  assert.deepEqual(await audited([one], [], [changed]), [])
  assert.deepEqual(await audited([one], [one, other], []), [])
})
