import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMac } from '@portward/addr'
import type { Compare, Op, Store } from '@portward/store'
import { keys } from '@portward/store'
import type { Iface } from './interface.ts'
import type { Outcome } from './reconciler.ts'
import { Report } from './report.ts'

const TURN = keys.hostTurn('h')

class FakeStore {
  readonly entries = new Map<string, string>()
  txns = 0
  fails = false
  /** What was told as failed, and is yet to come. */
  late: (() => boolean)[] | undefined
  #turn = 0
  txn(compares: readonly Compare[], ops: readonly Op[]): ReturnType<Store['txn']> {
    if (this.fails) return Promise.reject(new Error('away'))
    if (this.late !== undefined) {
      this.late.push(() => this.#write(compares, ops))
      return Promise.reject(new Error('no answer'))
    }
    if (!this.#write(compares, ops)) return Promise.resolve({ succeeded: false, failed: compares })
    return Promise.resolve({ succeeded: true, revision: this.#turn })
  }
  #write(compares: readonly Compare[], ops: readonly Op[]): boolean {
    assert.deepEqual(
      compares.map(({ key }) => key),
      [TURN],
    )
    if (compares.some(({ modified }) => modified !== this.#turn)) return false
    for (const op of ops) {
      if (op.type === 'put' && op.key === TURN) this.#turn = ++this.txns
      else if (op.type === 'put') this.entries.set(op.key, op.value)
      else if (op.type === 'delete') this.entries.delete(op.key)
    }
    return true
  }
  range(prefix: string): ReturnType<Store['range']> {
    const all = new Map(this.entries)
    if (this.#turn > 0) all.set(TURN, '')
    const entries = [...all].flatMap(([key, value]) =>
      key.startsWith(prefix) ? [{ key, value, created: 1, modified: this.#turn }] : [],
    )
    return Promise.resolve({ revision: this.txns, entries })
  }
}

function outcome(name: string, portId: string | undefined, revision = 1): Outcome {
  const iface: Iface = { name, type: '', ofport: 3, portId, mac: undefined, error: undefined }
  const record = {
    portId: portId ?? '',
    networkId: 'n',
    mac: parseMac('fa:16:3e:00:00:01'),
    ips: [],
    allowedAddressPairs: [],
    guarded: true,
    up: true,
    checks: {},
    vlan: 0,
  }
  const fulfils = portId === undefined ? undefined : { record, revision }
  return { name, iface, verdict: { state: 'guarded', reason: undefined, flows: [], fulfils } }
}

function gone(name: string): Outcome {
  return { name, iface: undefined, verdict: undefined }
}

const appliedKey = keys.hostAppliedPort('h', 'p')
const ifaceIn = (store: FakeStore): unknown =>
  (JSON.parse(store.entries.get(appliedKey) ?? '{}') as { iface?: unknown }).iface

void test('what is the same as before is not written again', async () => {
  const [store, report] = [new FakeStore(), new Report({ host: 'h', wake: () => {} })]
  report.outcome(outcome('tap1', 'p'))
  await report.flush(store, 'lease')
  report.outcome(outcome('tap1', 'p'))
  await report.flush(store, 'lease')
  assert.equal(store.txns, 1)
  report.outcome(outcome('tap1', 'p', 2))
  await report.flush(store, 'lease')
  assert.equal(store.txns, 2)
})

void test('a port that moved to another interface stays applied, in whichever order the two are told', async () => {
  for (const order of [
    [gone('tap1'), outcome('tap2', 'p')],
    [outcome('tap2', 'p'), gone('tap1')],
  ]) {
    const [store, report] = [new FakeStore(), new Report({ host: 'h', wake: () => {} })]
    report.outcome(outcome('tap1', 'p'))
    await report.flush(store, 'lease')
    for (const told of order) report.outcome(told)
    await report.flush(store, 'lease')
    assert.equal(ifaceIn(store), 'tap2')
    assert.equal(store.entries.has(keys.hostSeenIface('h', 'tap1')), false)
  }
})

void test('an interface that fulfils its port no longer is withdrawn', async () => {
  for (const told of [gone('tap1'), outcome('tap1', undefined)]) {
    const [store, report] = [new FakeStore(), new Report({ host: 'h', wake: () => {} })]
    report.outcome(outcome('tap1', 'p'))
    await report.flush(store, 'lease')
    report.outcome(told)
    await report.flush(store, 'lease')
    assert.equal(store.entries.has(appliedKey), false)
  }
})

void test('a pending outcome says why, and leaves what was applied as it was', async () => {
  const [store, report] = [new FakeStore(), new Report({ host: 'h', wake: () => {} })]
  const seen = () => store.entries.get(keys.hostSeenIface('h', 'tap1')) ?? ''
  report.outcome(outcome('tap1', 'p', 1))
  await report.flush(store, 'lease')
  const before = store.entries.get(appliedKey)
  report.pending(outcome('tap1', 'p', 2), 'not sure')
  await report.flush(store, 'lease')
  assert.match(seen(), /not sure/)
  assert.equal(store.entries.get(appliedKey), before)
  report.outcome(outcome('tap1', 'p', 2))
  await report.flush(store, 'lease')
  assert.doesNotMatch(seen(), /not sure/)
  assert.notEqual(store.entries.get(appliedKey), before)
})

void test('what the store did not take is written when it does', async () => {
  const [store, report] = [new FakeStore(), new Report({ host: 'h', wake: () => {} })]
  for (let i = 0; i < 250; i++) report.outcome(outcome(`tap${i}`, `p${i}`))
  store.fails = true
  await assert.rejects(report.flush(store, 'lease'), /away/)
  store.fails = false
  await report.flush(store, 'lease')
  assert.equal(store.entries.size, 500)
})

void test('what comes late, after it was told as failed and something else was said, is nothing', async () => {
  const [store, report] = [new FakeStore(), new Report({ host: 'h', wake: () => {} })]
  report.outcome(outcome('tap1', 'p', 1))
  await report.flush(store, 'lease')
  store.late = []
  report.outcome(outcome('tap1', 'p', 2))
  await assert.rejects(report.flush(store, 'lease'), /no answer/)
  report.withdraw('tap1')
  const [late] = store.late
  store.late = undefined
  await report.flush(store, 'lease')
  assert.equal(late?.(), false)
  assert.equal(store.entries.has(appliedKey), false)
})

void test('where the late one comes first, what was said since is written on top', async () => {
  const [store, report] = [new FakeStore(), new Report({ host: 'h', wake: () => {} })]
  store.late = []
  report.outcome(outcome('tap1', 'p', 2))
  await assert.rejects(report.flush(store, 'lease'), /no answer/)
  report.withdraw('tap1')
  assert.equal(store.late[0]?.(), true)
  store.late = undefined
  await report.flush(store, 'lease')
  assert.equal(store.entries.has(appliedKey), false)
})

void test('two that write under one name are told so, and each has said all of its own in the end', async () => {
  const store = new FakeStore()
  const told: string[] = []
  const [one, other] = ['one', 'other'].map((name) => {
    return new Report({ host: 'h', wake: () => {}, another: () => told.push(name) })
  })
  one?.outcome(outcome('tap1', 'p'))
  await one?.flush(store, 'lease')
  other?.outcome(outcome('tap2', 'q'))
  await other?.flush(store, 'lease')
  assert.deepEqual(told, [], 'one that has just begun does not know')
  one?.outcome(outcome('tap3', 'r'))
  await one?.flush(store, 'lease')
  assert.deepEqual(told, ['one'])
  assert.equal(store.entries.size, 6)
})

void test('a new lease is told everything again', async () => {
  const [store, report] = [new FakeStore(), new Report({ host: 'h', wake: () => {} })]
  report.outcome(outcome('tap1', 'p'))
  await report.flush(store, 'lease')
  store.entries.clear()
  report.sayAgain()
  await report.flush(store, 'another')
  assert.equal(store.entries.size, 2)
})

void test('what an earlier run has left, and this one does not say, is taken back', async () => {
  const [store, report] = [new FakeStore(), new Report({ host: 'h', wake: () => {} })]
  const elsewhere = [keys.hostAppliedPort('h2', 'gone'), keys.hostPort('h', 'gone')]
  const left = [keys.hostAppliedPort('h', 'gone'), keys.hostSeenIface('h', 'tap9')]
  for (const key of [...left, ...elsewhere]) store.entries.set(key, '{}')
  report.outcome(outcome('tap1', 'p'))
  await report.flush(store, 'lease')
  await report.retract(store)
  await report.flush(store, 'lease')
  const here = [appliedKey, keys.hostSeenIface('h', 'tap1')]
  assert.deepEqual([...store.entries.keys()].toSorted(), [...here, ...elsewhere].toSorted())
})
