import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Lru } from './lru.ts'

void test('what was not asked for the longest makes room', () => {
  const lru = new Lru<number>(2)
  lru.set('a', 1)
  lru.set('b', 2)
  assert.equal(lru.get('a'), 1)
  lru.set('c', 3)
  assert.deepEqual(
    ['a', 'b', 'c'].map((key) => lru.get(key)),
    [1, undefined, 3],
  )
  lru.delete('a')
  assert.equal(lru.get('a'), undefined)
})
