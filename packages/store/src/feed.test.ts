import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Compacted } from './errors.ts'
import { Feed, HISTORY_EVENTS } from './feed.ts'
import type { Change, Revision, StoreEvent } from './store.ts'

function puts(revision: Revision, keys: readonly string[]): Change {
  return { revision, events: keys.map((key) => put(revision, key)) }
}

function put(revision: Revision, key: string): StoreEvent {
  return { type: 'put', entry: { key, value: '', created: revision, modified: revision } }
}

/** Publishes as many revisions of one event as the history holds. */
function fill(feed: Feed, key: string): void {
  for (let i = 0; i < HISTORY_EVENTS; i++) feed.publish(puts(feed.revision + 1, [key]))
}

const forever = new AbortController().signal

void test('the history reaches back as far as it says, and not one revision further', async () => {
  const feed = new Feed(100)
  fill(feed, 'a')
  feed.publish(puts(feed.revision + 1, ['a']))
  const first = await feed.watch('', 101, forever).next()
  assert.equal(first.done === false && first.value.revision, 102)
  await assert.rejects(feed.watch('', 100, forever).next(), (error) => {
    assert.ok(error instanceof Compacted)
    assert.deepEqual([error.oldest, error.newest], [102, 100 + HISTORY_EVENTS + 1])
    return true
  })
})

void test('what came before the feed began is compacted, what it has not reached too', async () => {
  const feed = new Feed(100)
  await assert.rejects(feed.watch('', 99, forever).next(), Compacted)
  await assert.rejects(feed.watch('', 101, forever).next(), Compacted)
})

void test('a reader that falls behind the history is told so, and the others go on', async () => {
  const feed = new Feed(0)
  const behind = feed.watch('a', 0, forever)
  const behindFirst = behind.next()
  const other = feed.watch('b', 0, forever)
  const otherFirst = other.next()
  feed.publish(puts(1, ['a', 'b']))
  feed.publish(puts(2, ['a', 'b']))
  await behindFirst
  fill(feed, 'a')
  await assert.rejects(behind.next(), Compacted)
  assert.deepEqual((await otherFirst).value, puts(1, ['b']))
  assert.deepEqual((await other.next()).value, puts(2, ['b']))
})

void test('a reader whose prefix is quiet is not behind, however much happens elsewhere', async () => {
  const feed = new Feed(0)
  const quiet = feed.watch('quiet', 0, forever)
  const next = quiet.next()
  fill(feed, 'busy')
  fill(feed, 'busy')
  const change = puts(feed.revision + 1, ['quiet'])
  feed.publish(change)
  assert.deepEqual((await next).value, change)
})

void test('a revision larger than the history reaches those who kept up', async () => {
  const feed = new Feed(0)
  const watch = feed.watch('', 0, forever)
  const next = watch.next()
  const keys = Array.from({ length: HISTORY_EVENTS + 1 }, (_, i) => `k/${i}`)
  feed.publish(puts(1, ['a']))
  await next
  feed.publish(puts(2, keys))
  assert.deepEqual((await watch.next()).value, puts(2, keys))
})

void test('a feed that is closed delivers what it had, then throws its error, for ever', async () => {
  const feed = new Feed(0)
  const watch = feed.watch('', 0, forever)
  const next = watch.next()
  feed.publish(puts(1, ['a']))
  const end = new Error('closed')
  feed.close(end)
  assert.deepEqual((await next).value, puts(1, ['a']))
  await assert.rejects(watch.next(), end)
  await assert.rejects(feed.watch('', 1, forever).next(), end)
})

void test('each watch is told what begins with its prefix, as if every event were compared with it', async () => {
  const texts = fc.array(fc.constantFrom('a', 'b', '/'), { maxLength: 4 }).map((s) => s.join(''))
  await fc.assert(
    fc.asyncProperty(
      fc.array(texts, { minLength: 1, maxLength: 6 }),
      fc.array(fc.uniqueArray(texts, { minLength: 1, maxLength: 5 }), { maxLength: 6 }),
      async (prefixes, revisions) => {
        const feed = new Feed(0)
        const aborter = new AbortController()
        const told = prefixes.map((prefix) => read(feed.watch(prefix, 0, aborter.signal)))
        const changes = revisions.map((keys, i) => puts(i + 1, keys))
        for (const change of changes) feed.publish(change)
        await new Promise((resolve) => setImmediate(resolve))
        aborter.abort()
        for (const [i, prefix] of prefixes.entries()) {
          const fitting = revisions.map((keys) => keys.filter((key) => key.startsWith(prefix)))
          const expected = fitting.flatMap((keys, i) =>
            keys.length > 0 ? [puts(i + 1, keys)] : [],
          )
          assert.deepEqual(await told[i], expected)
        }
      },
    ),
  )
})

async function read(watch: AsyncIterable<Change>): Promise<readonly Change[]> {
  const changes: Change[] = []
  for await (const change of watch) changes.push(change)
  return changes
}
