import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseIpv4 } from '@portward/addr'
import type { Ipv4 } from '@portward/addr'
import { actions, flows } from './testing.ts'
import type { Flow } from './flow.ts'
import { flowKey, sameActions, sameFlow } from './key.ts'
import type { Match } from './oxm.ts'
import { flowText } from './text.ts'

const key = (match: Match): string => flowKey({ table: 0, priority: 1, match })

/** What ovs-ofctl shows of a flow's identity. */
function identity(flow: Flow): string {
  return flowText({ ...flow, cookie: 0n, actions: [] })
}

void test('two flows have one key exactly when they read alike in table, priority and match', () => {
  // Few values, so that equal ones meet.
  const ips = ['10.0.0.1', '10.0.0.2', '255.255.255.255', '255.255.255.254', '0.0.0.0']
  const ip = fc.constantFrom(...ips.map(parseIpv4))
  const field = fc.oneof(ip, fc.record({ value: ip, mask: ip }, { noNullPrototype: true }))
  const flow = fc
    .record(
      {
        table: fc.constantFrom(0, 1),
        priority: fc.constantFrom(1, 256),
        arpSpa: field,
        arpTpa: fc.option(field),
      },
      { noNullPrototype: true },
    )
    .map(({ table, priority, arpSpa, arpTpa }): Flow => {
      const match = { ethType: 0x0806, arpSpa, ...(arpTpa === null ? {} : { arpTpa }) }
      return { table, priority, cookie: 0n, match, actions: [] }
    })
  fc.assert(
    fc.property(flow, flow, (a, b) => {
      assert.equal(flowKey(a) === flowKey(b), identity(a) === identity(b))
    }),
    { numRuns: 3000 },
  )
  fc.assert(
    fc.property(flows, flows, (a, b) => {
      assert.equal(flowKey(a) === flowKey(b), identity(a) === identity(b))
      const reversed = Object.fromEntries(Object.entries(a.match).toReversed()) as Match
      assert.equal(flowKey({ ...a, match: reversed }), flowKey(a))
    }),
  )
})

void test('a mask of ones is the bare value; one of zeros is nothing; a value is cut down to its mask', () => {
  const ip = (text: string): Ipv4 => parseIpv4(text)
  const spa = (value: string, mask: string): Match => ({
    arpSpa: { value: ip(value), mask: ip(mask) },
  })
  assert.equal(key(spa('10.0.0.1', '255.255.255.255')), key({ arpSpa: ip('10.0.0.1') }))
  assert.equal(key(spa('10.0.0.1', '0.0.0.0')), key({}))
  assert.equal(key(spa('10.0.0.1', '255.255.255.0')), key(spa('10.0.0.0', '255.255.255.0')))
  assert.equal(key({ ipFrag: { value: 1, mask: 3 } }), key({ ipFrag: 1 }))
  assert.notEqual(key({ inPort: 1 }), key({ inPort: 1, unknown: '00014a0400000005' }))
})

void test('flows are the same in key, cookie and actions, and in nothing less', () => {
  fc.assert(
    fc.property(flows, actions, (flow, other) => {
      assert.ok(sameFlow(flow, structuredClone(flow)))
      assert.ok(!sameFlow(flow, { ...flow, cookie: flow.cookie ^ 1n }))
      assert.ok(!sameFlow(flow, { ...flow, priority: flow.priority ^ 1 }))
      const alike = flowText({ ...flow, actions: other }) === flowText(flow)
      assert.equal(sameActions(flow, { actions: other }), alike)
      assert.equal(sameFlow(flow, { ...flow, actions: other }), alike)
    }),
  )
})
