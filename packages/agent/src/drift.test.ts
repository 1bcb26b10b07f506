import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FlowEvent } from '@portward/openflow'
import { Drift, noteOnFights } from './drift.ts'
import { BRIDGE } from './inventory.ts'

const event: FlowEvent = {
  type: 'removed',
  flow: { table: 24, priority: 2, cookie: 0n, match: { inPort: 7 }, actions: [] },
}

/** Another hand undoes what was put right, and it is put right again as soon as may be; gives when. */
function undo(drift: Drift, owner: string, now: number): number {
  drift.note(owner, event)
  const due = drift.dueAt(now)
  drift.repaired(drift.take(), due)
  return due
}

void test('what other hands do is counted and put right at once; done once more and again it is a fight, with a pace', () => {
  const drift = new Drift()
  assert.deepEqual([drift.count, drift.last], [0, undefined])
  for (let i = 1; i <= 5; i++) assert.equal(undo(drift, 'tap1', i), i)
  assert.equal(drift.count, 5)
  assert.match(drift.last ?? '', /^removed: .*table=24.*in_port=7/)
  assert.deepEqual(drift.fights(6), new Map([['tap1', 5]]))
  assert.equal(undo(drift, 'tap1', 6), 55, 'not more often than every 50 ms')
  assert.equal(undo(drift, 'tap1', 56), 105)
  assert.equal(undo(drift, 'tap1', 1000), 1000, 'under 100 ms all the same')
})

void test('many changes that are put right together are no fight; one that is over is forgotten', () => {
  const drift = new Drift()
  for (let i = 0; i < 1000; i++) drift.note(BRIDGE, event)
  drift.repaired(drift.take(), 1)
  assert.equal(drift.fights(2).size, 0)
  for (let i = 2; i < 6; i++) undo(drift, BRIDGE, i)
  assert.equal(drift.fights(6).size, 1)
  assert.equal(drift.fights(10_006).size, 0)
  assert.equal(drift.dueAt(10_006), 10_006)
})

void test('nothing to put right is no repair', () => {
  const drift = new Drift()
  for (let i = 0; i < 9; i++) drift.repaired(drift.take(), i)
  assert.equal(drift.fights(9).size, 0)
  assert.equal(drift.dueAt(9), 9)
})

void test('an operator is told whose flows are fought over, and what happened last', () => {
  assert.equal(noteOnFights(new Map(), undefined), undefined)
  const note = noteOnFights(
    new Map([
      ['tap1', 6],
      ['tap2', 7],
    ]),
    'removed: table=24',
  )
  assert.match(
    note ?? '',
    /of tap1, and those of 1 more: put right 6 times .* the last was removed: table=24/,
  )
  assert.match(noteOnFights(new Map([[BRIDGE, 5]]), 'x') ?? '', /that all ports share/)
})
