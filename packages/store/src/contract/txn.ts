// Ranges and transactions.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Op } from '../store.ts'
import { absent, commit, keysUnder, put, remove } from './words.ts'
import type { Open } from './words.ts'

export function ranges(open: Open): void {
  void test('an empty store has nothing under any prefix', async () => {
    await using store = await open()
    assert.deepEqual((await store.range('')).entries, [])
    assert.deepEqual((await store.range('ports/')).entries, [])
  })

  void test('an entry tells when it was made and last written', async () => {
    await using store = await open()
    const created = await commit(store, put('ports/a', '1'))
    const modified = await commit(store, put('ports/a', '2'))
    assert.ok(modified > created)
    assert.deepEqual(await store.range('ports/'), {
      revision: modified,
      entries: [{ key: 'ports/a', value: '2', created, modified }],
    })
  })

  void test('an entry that went and came back is a new one', async () => {
    await using store = await open()
    await commit(store, put('a', '1'))
    await commit(store, { type: 'delete', key: 'a' })
    assert.deepEqual((await store.range('')).entries, [])
    const revision = await commit(store, put('a', '1'))
    assert.deepEqual((await store.range('')).entries, [
      { key: 'a', value: '1', created: revision, modified: revision },
    ])
  })

  void test('a range holds what begins with the prefix, ordered as ASCII, and nothing beside it', async () => {
    await using store = await open()
    const keys = ['ports', 'ports/', 'ports/Z', 'ports/a', 'ports/a/b', 'ports/~~', 'ports0', 'z']
    for (const key of keys.toReversed()) await commit(store, put(key, key))
    assert.deepEqual(await keysUnder(store, ''), keys)
    assert.deepEqual(await keysUnder(store, 'ports/'), keys.slice(1, 6))
    assert.deepEqual(await keysUnder(store, 'ports/a'), ['ports/a', 'ports/a/b'])
    assert.deepEqual(await keysUnder(store, 'ports/b'), [])
  })

  void test('values come back as they were put, whatever their size and script', async () => {
    await using store = await open()
    const values = ['', 'null', '"Übergröße 🚪"', JSON.stringify('\0\n'), 'x'.repeat(300_000)]
    await commit(store, ...values.map((value, i) => put(`v/${i}`, value)))
    const { entries } = await store.range('v/')
    assert.deepEqual(
      entries.map(({ value }) => value),
      values,
    )
  })
}

export function transactions(open: Open): void {
  void test('all that a transaction writes carries one revision', async () => {
    await using store = await open()
    await commit(store, put('b', '0'), put('c', '0'))
    const revision = await commit(store, put('a', '1'), put('b', '1'), { type: 'delete', key: 'c' })
    const { entries } = await store.range('')
    assert.deepEqual(
      entries.map(({ key, modified }) => [key, modified]),
      [
        ['a', revision],
        ['b', revision],
      ],
    )
  })

  void test('a compare that fails stops everything, and is named', async () => {
    await using store = await open()
    const revision = await commit(store, put('a', '1'))
    const holds = { key: 'a', modified: revision }
    const failed = [
      { key: 'a', modified: 0 },
      { key: 'a', modified: revision + 1 },
      { key: 'b', modified: revision },
    ]
    const before = await store.range('')
    const result = await store.txn(
      [holds, ...failed],
      [put('b', '2'), { type: 'deletePrefix', prefix: 'a' }],
    )
    assert.deepEqual(result, { succeeded: false, failed })
    assert.deepEqual(await store.range(''), before)
    assert.equal((await store.txn([holds, absent('b')], [put('b', '2')])).succeeded, true)
  })

  void test('what was deleted compares as absent', async () => {
    await using store = await open()
    const modified = await commit(store, put('a', '1'))
    await commit(store, { type: 'delete', key: 'a' })
    const stale = { key: 'a', modified }
    assert.deepEqual(await store.txn([stale], [put('a', '2')]), {
      succeeded: false,
      failed: [stale],
    })
    assert.equal((await store.txn([absent('a')], [put('a', '2')])).succeeded, true)
  })

  void test('compares alone read, and change nothing', async () => {
    await using store = await open()
    const revision = await commit(store, put('a', '1'))
    const result = await store.txn([{ key: 'a', modified: revision }], [])
    assert.ok(result.succeeded && result.revision >= revision)
    const a = { key: 'a', value: '1', created: revision, modified: revision }
    assert.deepEqual((await store.range('')).entries, [a])
    assert.equal((await store.txn([absent('a')], [])).succeeded, false)
  })

  void test('deleting what is not there changes nothing', async () => {
    await using store = await open()
    const revision = await commit(store, put('a', '1'))
    const nothing: Op[] = [
      { type: 'delete', key: 'b' },
      { type: 'deletePrefix', prefix: 'c/' },
    ]
    const result = await store.txn([], nothing)
    assert.ok(result.succeeded && result.revision >= revision)
    assert.deepEqual((await store.range('')).entries, [
      { key: 'a', value: '1', created: revision, modified: revision },
    ])
  })

  void test('deletePrefix takes what begins with it, leased or not, and nothing beside it', async () => {
    await using store = await open()
    await using lease = await store.lease(60)
    await commit(store, put('p/1', ''), put('p/2', '', lease), put('p', ''), put('p0', '', lease))
    await commit(store, { type: 'deletePrefix', prefix: 'p/' })
    assert.deepEqual(await keysUnder(store, ''), ['p', 'p0'])
    await commit(store, { type: 'deletePrefix', prefix: '' })
    assert.deepEqual(await keysUnder(store, ''), [])
  })

  const twice: readonly (readonly [string, readonly Op[]])[] = [
    ['by two puts', [put('a', '1'), put('a', '1')]],
    ['by a put and a delete', [put('a', '1'), { type: 'delete', key: 'a' }]],
    ['by two deletes', [remove('a'), remove('a')]],
    [
      'by a put and the deletion of its prefix',
      [{ type: 'deletePrefix', prefix: '' }, put('a', '1')],
    ],
    [
      'by a deletion of its prefix and a put',
      [put('a/b', '1'), { type: 'deletePrefix', prefix: 'a/' }],
    ],
    [
      'by the deletions of two prefixes',
      [
        { type: 'deletePrefix', prefix: 'a/b' },
        { type: 'deletePrefix', prefix: 'a/' },
      ],
    ],
  ]
  for (const [how, ops] of twice) {
    void test(`a key written twice, ${how}, is an error, and nothing is written`, async () => {
      await using store = await open()
      await commit(store, put('a', '0'))
      const before = await store.range('')
      await assert.rejects(store.txn([], [put('other', '1'), ...ops]), {
        name: 'TypeError',
        message: /^\S+: written twice/,
      })
      assert.deepEqual(await store.range(''), before)
    })
  }

  for (const key of ['', 'a b', 'a\n', 'ä', '🚪']) {
    void test(`${JSON.stringify(key)} is not a key`, async () => {
      await using store = await open()
      const error = { name: 'TypeError', message: /not a key/ }
      await assert.rejects(store.txn([], [put(key, '')]), error)
      await assert.rejects(store.txn([], [remove(key)]), error)
      await assert.rejects(store.txn([absent(key)], []), error)
      assert.deepEqual((await store.range('')).entries, [])
    })
  }

  void test('of many that race to make one key, one wins', async () => {
    await using store = await open()
    const racers = Array.from({ length: 20 }, (_, i) =>
      store.txn([absent('unique')], [put('unique', `${i}`), put(`won/${i}`, '')]),
    )
    const won = (await Promise.all(racers)).flatMap(({ succeeded }, i) => (succeeded ? [i] : []))
    assert.equal(won.length, 1)
    assert.deepEqual(await keysUnder(store, 'won/'), [`won/${won[0]}`])
    assert.equal((await store.range('unique')).entries[0]?.value, `${won[0]}`)
  })

  void test('of many that count up one value, none is lost', async () => {
    await using store = await open()
    const countUp = async (): Promise<void> => {
      const entry = (await store.range('count')).entries[0]
      const compare = { key: 'count', modified: entry?.modified ?? 0 }
      const next = put('count', `${Number(entry?.value ?? 0) + 1}`)
      if (!(await store.txn([compare], [next])).succeeded) await countUp()
    }
    await Promise.all(Array.from({ length: 12 }, countUp))
    assert.equal((await store.range('count')).entries[0]?.value, '12')
  })
}
