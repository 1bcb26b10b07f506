import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome } from './reconciler.ts'
import { Unsettled } from './unsettled.ts'

function outcome(name: string): Outcome {
  return { name, iface: undefined, verdict: undefined }
}

/** A datapath that forgets when it is told to. */
class Datapath {
  asked = 0
  #answer = Promise.withResolvers<void>()
  readonly forget = (_: readonly Outcome[], changed: boolean): Promise<void> => {
    if (!changed) return Promise.resolve()
    this.asked++
    this.#answer = Promise.withResolvers()
    return this.#answer.promise
  }
  forgets(): void {
    this.#answer.resolve()
  }
  refuses(): void {
    this.#answer.reject(new Error('refused'))
  }
}

void test('an outcome waits until the datapath has forgotten', async () => {
  const [unsettled, datapath] = [new Unsettled(), new Datapath()]
  const told = outcome('tap1')
  unsettled.changed()
  unsettled.add(told)
  const settling = unsettled.settle(datapath.forget)
  datapath.forgets()
  assert.deepEqual(await settling, [told])
  assert.deepEqual(await unsettled.settle(datapath.forget), [])
})

void test('where no flow changed, nothing needs to be forgotten', async () => {
  const [unsettled, datapath] = [new Unsettled(), new Datapath()]
  unsettled.add(outcome('tap1'))
  assert.equal((await unsettled.settle(datapath.forget)).length, 1)
  assert.equal(datapath.asked, 0)
})

void test('what came while it forgot waits for the next time', async () => {
  const [unsettled, datapath] = [new Unsettled(), new Datapath()]
  const [early, again, late] = [outcome('tap1'), outcome('tap1'), outcome('tap2')]
  unsettled.changed()
  unsettled.add(early)
  unsettled.add(outcome('tap3'))
  const first = unsettled.settle(datapath.forget)
  unsettled.changed()
  unsettled.add(again)
  unsettled.add(late)
  unsettled.remove('tap3')
  datapath.forgets()
  assert.deepEqual(await first, [])
  const second = unsettled.settle(datapath.forget)
  datapath.forgets()
  assert.deepEqual(await second, [again, late])
  assert.equal(datapath.asked, 2)
})

void test('while it can’t be made to forget, all of them wait, and it is asked again', async () => {
  const [unsettled, datapath] = [new Unsettled(), new Datapath()]
  const told = outcome('tap1')
  unsettled.changed()
  unsettled.add(told)
  const refused = unsettled.settle(datapath.forget)
  datapath.refuses()
  await assert.rejects(refused, /refused/)
  assert.deepEqual(unsettled.outcomes, [told])
  const settling = unsettled.settle(datapath.forget)
  datapath.forgets()
  assert.deepEqual(await settling, [told])
})

void test('what a switch had acknowledged goes with it', async () => {
  const [unsettled, datapath] = [new Unsettled(), new Datapath()]
  unsettled.changed()
  unsettled.add(outcome('tap1'))
  const settling = unsettled.settle(datapath.forget)
  unsettled.clear()
  datapath.forgets()
  assert.deepEqual(await settling, [])
})
