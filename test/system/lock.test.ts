import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { keepLock } from '@portward/ovsdb'
import { startSwitch } from '@portward/testkit'
import { until } from './lab.ts'

function keeper(address: string) {
  const end = new AbortController()
  const told: string[] = []
  const onState = (state: string): void => void told.push(state)
  const ended = keepLock({ address, name: 'portward_test', onState, signal: end.signal })
  return {
    told,
    async [Symbol.asyncDispose]() {
      end.abort()
      await ended
    },
  }
}

void test('a lock is held by one at a time, in turn, and again after the database came back', async () => {
  await using sw = await startSwitch()
  const address = join(sw.rundir, 'db.sock')
  await using second = await (async () => {
    await using first = keeper(address)
    await until(() => first.told.length === 1, 'the first is told')
    const waiting = keeper(address)
    await until(() => waiting.told.length === 1, 'the second is told')
    assert.deepEqual([first.told, waiting.told], [['held'], ['taken']])
    return waiting
  })()
  await until(() => second.told.length === 2, 'the second is told that it is free')
  assert.deepEqual(second.told, ['taken', 'held'])
  await sw.restartOvsdb()
  await until(() => second.told.length === 3, 'the second has it again')
  assert.deepEqual(second.told, ['taken', 'held', 'held'])
})
