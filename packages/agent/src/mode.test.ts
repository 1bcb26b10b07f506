import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Flow } from '@portward/openflow'
import { flowKey } from '@portward/openflow'
import { bridgeFlows } from '@portward/portsec'
import { modeOf, noteOnForeign, notesOn } from './mode.ts'

const theirs: Flow = { table: 0, priority: 0, cookie: 7n, match: {}, actions: [] }

void test('a bridge with fail_mode=secure and no flow of another’s is ours', () => {
  assert.equal(modeOf('auto', { failMode: 'secure', flows: [] }), 'own')
  assert.equal(modeOf('auto', { failMode: 'secure', flows: [theirs] }), 'shared')
  assert.equal(modeOf('auto', { failMode: 'standalone', flows: [] }), 'shared')
  assert.equal(modeOf('auto', { failMode: undefined, flows: [] }), 'shared')
})

void test('a bridge that was ours stays ours when another adds a flow, or its fail_mode changes', () => {
  const flows = [...bridgeFlows('own', 'seen'), theirs]
  assert.equal(modeOf('auto', { failMode: 'secure', flows }), 'own')
  assert.equal(modeOf('auto', { failMode: undefined, flows }), 'own')
})

void test('flows that we left on a shared bridge do not make it ours', () => {
  const flows = [...bridgeFlows('shared', 'seen'), theirs]
  assert.equal(modeOf('auto', { failMode: 'secure', flows }), 'shared')
})

void test('what was asked for holds, and what it cannot promise is said', () => {
  assert.equal(modeOf('own', { failMode: undefined, flows: [theirs] }), 'own')
  assert.equal(modeOf('shared', { failMode: 'secure', flows: [] }), 'shared')
  assert.deepEqual(notesOn('own', 'br-int', 'secure'), [])
  assert.match(notesOn('own', 'br-int', undefined).join(), /ovs-vsctl set-fail-mode br-int secure/)
  assert.match(
    notesOn('shared', 'br-int', 'secure').join(),
    /unguarded between its plug and its guard/,
  )
})

void test('another’s flow is worth a note where frames meet it before our guards', () => {
  const note = (flow: Flow) => noteOnForeign(new Map([[flowKey(flow), flow]]))
  assert.equal(note(theirs), undefined)
  assert.equal(note({ ...theirs, table: 5, priority: 100 }), undefined)
  assert.match(note({ ...theirs, priority: 100 }) ?? '', /table 0, priority 100, cookie 0x7/)
  assert.match(note({ ...theirs, table: 60 }) ?? '', /table 60/)
})
