import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Link, Pace } from './link.ts'
import {
  LOCAL_PACE,
  PACE,
  connected,
  connecting,
  due,
  heard,
  lost,
  probed,
  startLink,
} from './link.ts'

// What may happen to a link: time passes, and what is due is then done; the peer speaks; the link goes.
type Event =
  | { readonly type: 'wait'; readonly ms: number }
  | { readonly type: 'heard' | 'answered' | 'lost' }

const events: fc.Arbitrary<readonly Event[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.nat(70_000).map((ms): Event => ({ type: 'wait', ms })) },
    fc.constantFrom<Event>({ type: 'heard' }, { type: 'answered' }, { type: 'lost' }),
  ),
  { maxLength: 200, size: 'max' },
)

type Step = {
  readonly before: Link
  readonly now: number
  readonly act: string
  readonly after: Link
}

/** Plays events as the driver would: it looks at a link exactly when something is due or happens. */
function play(script: readonly Event[], pace: Pace): readonly Step[] {
  const steps: Step[] = []
  let now = 0
  let link = startLink(now, pace)
  const move = (act: string, after: Link): void => {
    steps.push({ before: link, now, act, after })
    link = after
  }
  for (const event of script) {
    switch (event.type) {
      case 'wait': {
        const { act, at } = due(link, pace)
        if (at > now + event.ms) {
          now += event.ms
          break
        }
        now = Math.max(now, at)
        if (act === 'connect') move(act, connecting(link, now))
        else if (act === 'probe') move(act, probed(link, now))
        else move(act, lost(link, now, pace))
        break
      }
      case 'heard':
        move('heard', heard(link, now))
        break
      case 'answered':
        if (link.state === 'connecting') move('answered', connected(link, now))
        break
      case 'lost':
        if (link.state !== 'backoff') move('lost', lost(link, now, pace))
        break
      default:
        event satisfies never
    }
  }
  return steps
}

const paces = fc.constantFrom(PACE, LOCAL_PACE)

void test('waits double up to the longest, and begin anew after a link that lived', () => {
  fc.assert(
    fc.property(events, paces, (script, pace) => {
      let last = 0
      for (const { before, now, act, after } of play(script, pace)) {
        if (after.state !== 'backoff' || act === 'heard') continue
        const wait = after.until - now
        const came = before.state === 'up' || before.state === 'probing'
        const longest = came ? pace.flapBackoff : pace.maxBackoff
        if (came && now - before.since >= pace.flapBackoff) assert.equal(wait, pace.firstBackoff)
        else assert.equal(wait, Math.min(Math.max(last * 2, pace.firstBackoff), longest))
        last = wait
      }
    }),
  )
})

void test('a link is probed after silence alone, and dropped only when the probe found no answer', () => {
  fc.assert(
    fc.property(events, paces, (script, pace) => {
      let spoke = 0
      for (const { before, now, act, after } of play(script, pace)) {
        if (act === 'heard' || act === 'answered') spoke = now
        if (act === 'probe') assert.equal(now, spoke + pace.probe)
        if (act === 'drop' && before.state === 'probing') assert.equal(now, spoke + pace.probe * 2)
        if (act === 'drop' && before.state === 'connecting') {
          assert.equal(now, before.since + pace.patience)
        }
        if (act === 'heard' && before.state === 'probing') assert.equal(after.state, 'up')
      }
    }),
  )
})

void test('something is always due, and never before what it follows from', () => {
  fc.assert(
    fc.property(events, paces, (script, pace) => {
      for (const { now, after } of play(script, pace)) assert.ok(due(after, pace).at >= now)
    }),
  )
})

void test('waits double from 10 ms', () => {
  const waits = (pace: Pace, up: boolean): readonly number[] => {
    let link = startLink(0, pace)
    return Array.from({ length: 9 }, () => {
      const attempt = connecting(link, 0)
      link = lost(up ? connected(attempt, 0) : attempt, 0, pace)
      return due(link, pace).at
    })
  }
  const toSecond = [10, 20, 40, 80, 160, 320, 640, 1000, 1000]
  assert.deepEqual(waits(PACE, false), toSecond)
  assert.deepEqual(waits(PACE, true), toSecond)
  assert.deepEqual(
    waits(LOCAL_PACE, false),
    Array.from({ length: 9 }, () => 10),
  )
  assert.deepEqual(waits(LOCAL_PACE, true), toSecond)
})

void test('a probe is asked of a link that is up, not of one that is not', () => {
  const away = startLink(0, PACE)
  assert.equal(probed(away, 1), away)
  assert.equal(heard(away, 1), away)
  const up = connected(connecting(away, 0), 0)
  assert.equal(probed(up, 1).state, 'probing')
  assert.equal(heard(up, 0), up)
})
