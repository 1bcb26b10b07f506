import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fragments } from '@portward/openflow'
import { SwitchError } from '@portward/openflow'
import { fragmentView, noteOnFragments } from './fragments.ts'

/** A switch that has this mode, and takes another or does not. */
function switchWith(start: Fragments, takes = true) {
  let now = start
  return {
    now: () => now,
    fragments: () => Promise.resolve(now),
    setFragments(wish: Fragments) {
      if (!takes) return Promise.reject(new SwitchError('no'))
      now = wish
      return Promise.resolve()
    },
  }
}

void test('on a bridge of our own, flows come to see what is in first fragments', async () => {
  for (const start of ['normal', 'drop', 'nx-match'] as const) {
    const sw = switchWith(start)
    assert.equal(await fragmentView(sw, 'own'), 'seen')
    assert.equal(sw.now(), 'nx-match')
  }
})

void test('where the switch will not have it, the safe side is that they see nothing', async () => {
  assert.equal(await fragmentView(switchWith('normal', false), 'own'), 'hidden')
})

void test('a shared bridge stays as it is', async () => {
  for (const [start, view] of [
    ['normal', 'hidden'],
    ['drop', 'seen'],
    ['nx-match', 'seen'],
  ] as const) {
    const sw = switchWith(start)
    assert.equal(await fragmentView(sw, 'shared'), view)
    assert.equal(sw.now(), start)
  }
})

void test('an operator hears what is dropped for it, and what to do', () => {
  assert.equal(noteOnFragments('seen', 'br-int'), undefined)
  assert.match(noteOnFragments('hidden', 'br-int') ?? '', /ovs-ofctl set-frags br-int nx-match/)
})
