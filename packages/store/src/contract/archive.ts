// The archive: what happened, kept beside the entries.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ARCHIVED_MAX } from '../store.ts'
import type { Archived, Store } from '../store.ts'
import { absent, archive, commit, keysUnder, put, Reader, remove, shortened } from './words.ts'
import type { Open } from './words.ts'

export function archives(open: Open): void {
  void test('an empty store has nothing archived, and nothing to forget', async () => {
    await using store = await open()
    assert.deepEqual(await store.archived({ limit: 10 }), [])
    assert.deepEqual(await store.archived({ name: 'a', limit: 10 }), [])
    assert.equal(await store.forget(Number.MAX_SAFE_INTEGER), 0)
  })

  void test('what was archived comes newest first, of all names or of one, and not of one that begins like it', async () => {
    await using store = await open()
    await commit(store, archive('ports/a', 30, '"1"'), archive('ports/b', 10, '"2"'))
    await commit(store, archive('ports/a', 20, '"3"'), put('ports/a', ''))
    await commit(store, archive('ports/a/x', 20, '"4"'), archive('ports/', 20, '"5"'))
    assert.deepEqual(withoutIds(await store.archived({ limit: 10 })), [
      { name: 'ports/', at: 20, value: '"5"' },
      { name: 'ports/a/x', at: 20, value: '"4"' },
      { name: 'ports/a', at: 20, value: '"3"' },
      { name: 'ports/b', at: 10, value: '"2"' },
      { name: 'ports/a', at: 30, value: '"1"' },
    ])
    assert.deepEqual(withoutIds(await store.archived({ name: 'ports/a', limit: 10 })), [
      { name: 'ports/a', at: 20, value: '"3"' },
      { name: 'ports/a', at: 30, value: '"1"' },
    ])
    assert.deepEqual(await store.archived({ name: 'ports/c', limit: 10 }), [])
  })

  void test('it is read page by page, though more comes meanwhile, and what a page ended with is forgotten', async () => {
    await using store = await open()
    for (let i = 1; i <= 7; i++) {
      await commit(store, archive('a', i, `${i}`), archive('b', i, `${-i}`))
    }
    const first = await store.archived({ name: 'a', limit: 3 })
    assert.deepEqual(valuesOf(first), ['7', '6', '5'])
    const before = first[2]?.id ?? assert.fail()
    await commit(store, archive('a', 1, '8'))
    assert.equal((await store.archived({ before, limit: 1 }))[0]?.value, '-4')
    const second = await store.archived({ name: 'a', before, limit: 3 })
    assert.deepEqual(valuesOf(second), ['4', '3', '2'])
    assert.equal(await store.forget(3), 5)
    assert.deepEqual(await store.archived({ name: 'a', before: idOf(second[2]), limit: 3 }), [])
    assert.deepEqual(valuesOf(await store.archived({ name: 'a', before, limit: 3 })), ['4', '3'])
  })

  void test('ids ascend as text, over a tenth and a hundredth too', async () => {
    await using store = await open()
    const ops = Array.from({ length: 15 }, (_, i) => archive('a', i, `${i}`))
    for (let round = 0; round < 7; round++) await commit(store, ...ops)
    const ids = (await store.archived({ limit: ARCHIVED_MAX })).map(idOf)
    assert.equal(new Set(ids).size, 105)
    assert.deepEqual(ids, ids.toSorted().toReversed())
  })

  void test('no id comes back, though the newest was forgotten', async () => {
    await using store = await open()
    await commit(store, archive('a', 1, '1'), archive('a', 1, '2'))
    const id = idOf((await store.archived({ limit: 1 }))[0])
    assert.equal(await store.forget(2), 2)
    await commit(store, archive('a', 1, '3'))
    assert.ok(idOf((await store.archived({ limit: 1 }))[0]) > id)
  })

  void test('no range and no watch tells of it', async () => {
    await using store = await open()
    const before = await commit(store, put('a', '1'))
    const changes = new Reader(store, '', before)
    assert.ok((await commit(store, archive('a', 1, '"alone"'))) >= before)
    assert.ok((await commit(store, archive('a', 1, '"beside"'), remove('none'))) >= before)
    const after = await commit(store, archive('a', 1, '"with"'), put('b', '1'))
    assert.deepEqual(shortened(await changes.next()), [after, 'put b'])
    await store.forget(2)
    assert.deepEqual(
      (await store.range('')).entries.map(({ modified }) => modified),
      [before, after],
    )
    await changes.stop()
    assert.deepEqual(await keysUnder(store, ''), ['a', 'b'])
  })

  void test('a name and a key have nothing to do with one another', async () => {
    await using store = await open()
    await commit(store, archive('a', 1, '1'), put('a', '2'), archive('a', 1, '3'))
    await commit(store, { type: 'deletePrefix', prefix: '' }, archive('a/b', 1, '4'))
    assert.deepEqual(valuesOf(await store.archived({ limit: 10 })), ['4', '3', '1'])
    assert.ok((await store.txn([absent('a')], [archive('a', 1, '5')])).succeeded)
    assert.deepEqual(await keysUnder(store, ''), [])
  })

  void test('it is archived with the rest of its transaction, or not at all', async () => {
    await using store = await open()
    const lease = await store.lease(60)
    await commit(store, put('a', '1'), archive('a', 1, '"kept"'))
    const refused = await store.txn([absent('a')], [put('b', ''), archive('b', 1, '"lost"')])
    assert.equal(refused.succeeded, false)
    await lease.revoke()
    await assert.rejects(store.txn([], [archive('c', 1, '"lost"'), put('c', '', lease)]))
    await assert.rejects(store.txn([], [archive('d', 1, '"lost"'), put('d', ''), remove('d')]))
    assert.deepEqual(valuesOf(await store.archived({ limit: 10 })), ['"kept"'])
    assert.deepEqual(await keysUnder(store, ''), ['a'])
  })

  void test('what is archived beside a leased entry stays when the lease goes', async () => {
    await using store = await open()
    const lease = await store.lease(60)
    await commit(store, put('a', '1', lease), archive('a', 1, '1'))
    await lease.revoke()
    assert.deepEqual(valuesOf(await store.archived({ limit: 10 })), ['1'])
  })

  void test('forgotten is what happened before, in whatever order it was archived', async () => {
    await using store = await open()
    const times = [50, 10, 40, 20, 30, 20]
    for (const at of times) await commit(store, archive(`n/${at}`, at, `${at}`))
    assert.equal(await store.forget(10), 0)
    assert.equal(await store.forget(21), 3)
    assert.deepEqual(valuesOf(await store.archived({ limit: 10 })), ['30', '40', '50'])
    assert.deepEqual(await store.archived({ name: 'n/20', limit: 10 }), [])
    assert.equal(await store.forget(21), 0)
    assert.equal(await store.forget(51), 3)
  })

  void test('of many that archive at once, none is lost', async () => {
    await using store = await open()
    await Promise.all(Array.from({ length: 20 }, (_, i) => commit(store, archive('a', i, `${i}`))))
    const archived = await store.archived({ name: 'a', limit: 100 })
    assert.equal(new Set(valuesOf(archived)).size, 20)
    assert.equal(new Set(archived.map(idOf)).size, 20)
  })

  void test('values and times come back as they were, whatever their size and script', async () => {
    await using store = await open()
    const values = ['null', '"Übergröße 🚪"', JSON.stringify('\0\n'), `"${'x'.repeat(300_000)}"`]
    const times = [0, 1, Date.UTC(2026, 10, 25), Number.MAX_SAFE_INTEGER]
    await commit(store, ...values.map((value, i) => archive('a', times[i] ?? 0, value)))
    const archived = (await store.archived({ limit: 10 })).toReversed()
    assert.deepEqual(valuesOf(archived), values)
    assert.deepEqual(
      archived.map(({ at }) => at),
      times,
    )
  })

  for (const name of ['', 'a b', 'a\n', 'ä', '🚪']) {
    void test(`${JSON.stringify(name)} is not a name to archive under`, async () => {
      await using store = await open()
      const error = { name: 'TypeError', message: /not a name/ }
      await assert.rejects(store.txn([], [put('a', ''), archive(name, 1, '1')]), error)
      await assert.rejects(store.archived({ name, limit: 10 }), error)
      await nothingIn(store)
    })
  }

  for (const at of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    void test(`nothing happened at ${at}`, async () => {
      await using store = await open()
      const error = { name: 'TypeError', message: /^a: archived at \S+, which is no time/ }
      await assert.rejects(store.txn([], [put('a', ''), archive('a', at, '1')]), error)
      await nothingIn(store)
    })
  }

  for (const limit of [0, -1, 0.5, Number.NaN, ARCHIVED_MAX + 1]) {
    void test(`the archive does not give ${limit} at once`, async () => {
      await using store = await open()
      const error = { name: 'RangeError', message: new RegExp(`^limit ${limit}: `) }
      await assert.rejects(store.archived({ limit }), error)
    })
  }

  for (const before of ['', 'nonsense', '-1', '1e3', ' 1']) {
    void test(`${JSON.stringify(before)} is no id to read on from`, async () => {
      await using store = await open()
      const error = { name: 'TypeError', message: /not an id/ }
      await assert.rejects(store.archived({ before, limit: 1 }), error)
      await assert.rejects(store.archived({ name: 'a', before, limit: 1 }), error)
    })
  }
}

function idOf(archived: Archived | undefined): string {
  return archived?.id ?? assert.fail('nothing was archived')
}

function valuesOf(archived: readonly Archived[]): readonly string[] {
  return archived.map(({ value }) => value)
}

function withoutIds(archived: readonly Archived[]): readonly Omit<Archived, 'id'>[] {
  return archived.map(({ name, at, value }) => ({ name, at, value }))
}

async function nothingIn(store: Store): Promise<void> {
  assert.deepEqual((await store.range('')).entries, [])
  assert.deepEqual(await store.archived({ limit: 10 }), [])
}
