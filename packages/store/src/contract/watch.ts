// Watches: no gap, nothing twice, and nobody waits for a slow reader.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Compacted } from '../errors.ts'
import type { Change, Entry, Revision } from '../store.ts'
import { commit, ordered, put, Reader, remove, shortened } from './words.ts'
import type { Open } from './words.ts'

export function watches(open: Open): void {
  void test('a watch from the past tells every revision whole, in order, then goes on with what comes', async () => {
    await using store = await open()
    const { revision: start } = await store.range('')
    const first = await commit(store, put('a', '1'), put('b', '1'))
    const second = await commit(store, put('a', '2'), remove('b'))
    const changes = new Reader(store, '', start)
    const a1 = { key: 'a', value: '1', created: first, modified: first }
    assert.deepEqual(ordered(await changes.next()), {
      revision: first,
      events: [
        { type: 'put', entry: a1 },
        { type: 'put', entry: { ...a1, key: 'b' } },
      ],
    })
    assert.deepEqual(ordered(await changes.next()), {
      revision: second,
      events: [
        { type: 'put', entry: { ...a1, value: '2', modified: second } },
        { type: 'delete', key: 'b', modified: second },
      ],
    })
    const later = changes.next()
    const third = await commit(store, remove('a'))
    assert.deepEqual(await later, {
      revision: third,
      events: [{ type: 'delete', key: 'a', modified: third }],
    })
    await changes.stop()
  })

  void test('a watch tells of its prefix only, and nothing of revisions that did not touch it', async () => {
    await using store = await open()
    const { revision: start } = await store.range('')
    const changes = new Reader(store, 'hosts/a/', start)
    const live = changes.next()
    await commit(store, put('hosts/ab/x', '1'))
    await commit(store, put('hosts/a', '1'), put('hosts/b/y', '1'))
    const both = await commit(store, put('hosts/a/x', '1'), put('hosts/b/x', '1'))
    await commit(store, { type: 'deletePrefix', prefix: 'hosts/b' })
    const gone = await commit(store, { type: 'deletePrefix', prefix: 'hosts/' })
    assert.deepEqual(shortened(await live), [both, 'put hosts/a/x'])
    assert.deepEqual(shortened(await changes.next()), [gone, 'delete hosts/a/x'])
    await changes.stop()
    const replay = new Reader(store, 'hosts/a/', start)
    assert.deepEqual(shortened(await replay.next()), [both, 'put hosts/a/x'])
    assert.deepEqual(shortened(await replay.next()), [gone, 'delete hosts/a/x'])
    await replay.stop()
  })

  void test('a transaction that fails, or changes nothing, is not told', async () => {
    await using store = await open()
    const { revision: start } = await store.range('')
    const changes = new Reader(store, '', start)
    await store.txn([{ key: 'a', modified: start + 1 }], [put('a', '1')])
    await commit(store, remove('a'))
    const revision = await commit(store, put('b', '1'))
    assert.deepEqual(shortened(await changes.next()), [revision, 'put b'])
    await changes.stop()
  })

  void test('what sync gives is reached by a watch of everything, after all that was committed before', async () => {
    await using store = await open()
    const { revision: start } = await store.range('')
    const told: Revision[] = []
    const progress = { seen: start }
    const over = new AbortController()
    const watching = (async () => {
      for await (const { revision, events } of store.watch('', start, over.signal)) {
        progress.seen = revision
        if (events.length > 0) told.push(revision)
      }
    })()
    const reached = async (revision: Revision): Promise<void> => {
      while (progress.seen < revision) await new Promise((resolve) => setTimeout(resolve, 1))
    }
    const first = await commit(store, put('a', '1'))
    await reached(await store.sync())
    assert.deepEqual(told, [first])
    // Revisions that no watch tells of.
    await commit(store, { type: 'archive', name: 'a', at: 1, value: '1' })
    await reached(await store.sync())
    const nothing = await store.txn([], [remove('b')])
    await reached(nothing.succeeded ? nothing.revision : Infinity)
    assert.deepEqual(told, [first])
    assert.equal((await store.range('')).entries.length, 1, 'it leaves nothing there')
    over.abort()
    await watching
  })

  void test('a watch from a revision the store has not reached is told to range again', async () => {
    await using store = await open()
    const revision = await commit(store, put('a', '1'))
    const changes = new Reader(store, '', revision + 1000)
    await assert.rejects(changes.next(), Compacted)
  })

  void test('a watch ends when its signal aborts: before, while it waits, and with changes left', async () => {
    await using store = await open()
    const { revision: start } = await store.range('')
    for await (const _ of store.watch('', start, AbortSignal.abort())) assert.fail('not ended')
    const waiting = new Reader(store, '', start)
    const next = waiting.next()
    await waiting.stop()
    assert.equal(await next, undefined)
    await commit(store, put('a', '1'))
    await commit(store, put('a', '2'))
    const aborter = new AbortController()
    let told = 0
    for await (const { events } of store.watch('', start, aborter.signal)) {
      told += events.length
      aborter.abort()
    }
    assert.equal(told, 1)
  })

  void test('a reader that does not read holds up neither the writers nor the others, and loses nothing', async () => {
    await using store = await open()
    const { revision: start } = await store.range('')
    const slow = new Reader(store, 'n/', start)
    const first = slow.next()
    const quick = new Reader(store, 'n/', start)
    const revisions: Revision[] = []
    for (let i = 0; i < 200; i++) {
      revisions.push(await commit(store, put(`n/${i % 7}`, `${i}`)))
      assert.equal((await quick.next())?.revision, revisions.at(-1))
    }
    const told = [await first]
    while (told.length < revisions.length) told.push(await slow.next())
    assert.deepEqual(
      told.map((change) => change?.revision),
      revisions,
    )
    await Promise.all([slow.stop(), quick.stop()])
  })

  void test('a range and a watch from its revision leave no gap and repeat nothing, while many write', async () => {
    await using store = await open()
    const writing = new AbortController()
    const write = async (writer: number): Promise<void> => {
      for (let i = 0; !writing.signal.aborted; i++) {
        const key = `k/${(i * 7 + writer) % 11}`
        await commit(store, i % 3 === 0 ? remove(key) : put(key, `${writer}:${i}`))
        await turn()
      }
    }
    const writers = [0, 1, 2].map(write)
    const copyUntilLast = async (): Promise<readonly Entry[]> => {
      const { revision, entries } = await store.range('k/')
      const copy = new Map(entries.map((entry) => [entry.key, entry]))
      await turn()
      const changes = new Reader(store, 'k/', revision)
      for (let seen = revision; !copy.has('k/last'); ) {
        const change = await changes.next()
        assert.ok(change !== undefined && change.revision > seen)
        seen = change.revision
        replay(copy, change)
      }
      await changes.stop()
      return sorted(copy)
    }
    const copies: Promise<readonly Entry[]>[] = []
    for (let i = 0; i < 10; i++) {
      copies.push(copyUntilLast())
      await turn()
    }
    writing.abort()
    await Promise.all(writers)
    await commit(store, put('k/last', ''))
    const { entries } = await store.range('k/')
    for (const copy of await Promise.all(copies)) assert.deepEqual(copy, entries)
  })
}

/** Does to a copy of the store what was done to the store. */
function replay(copy: Map<string, Entry>, { events }: Change): void {
  for (const event of events) {
    if (event.type === 'put') copy.set(event.entry.key, event.entry)
    else copy.delete(event.key)
  }
}

/** Lets go of the event loop once. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function sorted(copy: ReadonlyMap<string, Entry>): readonly Entry[] {
  return [...copy.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
}
