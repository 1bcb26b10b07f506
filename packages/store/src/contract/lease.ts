// Leases: keys that go with the one who holds them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LeaseExpired } from '../errors.ts'
import { absent, commit, keysUnder, put, Reader, remove, shortened } from './words.ts'
import type { Open } from './words.ts'

export function leases(open: Open): void {
  void test('what stands under a lease is seen and compared like anything else', async () => {
    await using store = await open()
    await using lease = await store.lease(60)
    const { revision: start } = await store.range('')
    const changes = new Reader(store, '', start)
    const lasting = await commit(store, put('b', '2'))
    const leased = await commit(store, put('a', '1', lease), put('c', '3', lease))
    assert.ok(leased > lasting)
    assert.deepEqual(await store.range(''), {
      revision: leased,
      entries: [
        { key: 'a', value: '1', created: leased, modified: leased },
        { key: 'b', value: '2', created: lasting, modified: lasting },
        { key: 'c', value: '3', created: leased, modified: leased },
      ],
    })
    assert.deepEqual(shortened(await changes.next()), [lasting, 'put b'])
    assert.deepEqual(shortened(await changes.next()), [leased, 'put a', 'put c'])
    await changes.stop()
    assert.equal((await store.txn([absent('a')], [])).succeeded, false)
    assert.equal((await store.txn([{ key: 'a', modified: leased }], [])).succeeded, true)
  })

  void test('revoking a lease deletes its keys in one revision, and no others', async () => {
    await using store = await open()
    await using other = await store.lease(60)
    const lease = await store.lease(60)
    const before = await commit(
      store,
      put('b', '', lease),
      put('a', '', lease),
      put('c', '', other),
      put('d', ''),
    )
    const changes = new Reader(store, '', before)
    await lease.revoke()
    const change = await changes.next()
    assert.ok(change !== undefined && change.revision > before)
    assert.deepEqual(shortened(change).slice(1), ['delete a', 'delete b'])
    assert.deepEqual(await keysUnder(store, ''), ['c', 'd'])
    await changes.stop()
  })

  void test('a lease that was revoked is gone, and may be revoked again', async () => {
    await using store = await open()
    const lease = await store.lease(60)
    await lease.revoke()
    await lease.revoke()
    await assert.rejects(lease.keepAlive(), LeaseExpired)
    await assert.rejects(store.txn([], [put('a', ''), put('b', '', lease)]), LeaseExpired)
    assert.deepEqual((await store.range('')).entries, [])
  })

  void test('a lease goes with its scope', async () => {
    await using store = await open()
    {
      await using lease = await store.lease(60)
      await commit(store, put('a', '', lease))
    }
    assert.deepEqual((await store.range('')).entries, [])
  })

  void test('a lease nobody keeps alive expires, and its keys go in one revision', async () => {
    await using store = await open()
    const lease = await store.lease(1)
    const before = await commit(store, put('a', '', lease), put('b', '', lease), put('c', ''))
    const changes = new Reader(store, '', before)
    assert.deepEqual(shortened(await changes.next()).slice(1), ['delete a', 'delete b'])
    assert.deepEqual(await keysUnder(store, ''), ['c'])
    await assert.rejects(lease.keepAlive(), LeaseExpired)
    await assert.rejects(store.txn([], [put('a', '', lease)]), LeaseExpired)
    await lease.revoke()
    await changes.stop()
  })

  void test('a lease kept alive outlives others that were taken later, for the same time', async () => {
    await using store = await open()
    await using kept = await store.lease(1)
    const before = await commit(store, put('kept', '', kept))
    const keeper = setInterval(() => void kept.keepAlive(), 250)
    const changes = new Reader(store, '', before)
    for (const key of ['left', 'right']) {
      await commit(store, put(key, '', await store.lease(1)))
      await changes.next()
      assert.deepEqual(shortened(await changes.next()).slice(1), [`delete ${key}`])
    }
    clearInterval(keeper)
    assert.deepEqual(await keysUnder(store, ''), ['kept'])
    await changes.stop()
  })

  void test('each put says anew whether a key is leased, and by which lease', async () => {
    await using store = await open()
    const [first, second] = [await store.lease(60), await store.lease(60)]
    const created = await commit(store, put('lasting', '1', first), put('moved', '1', first))
    await commit(store, put('leased', '1'))
    const modified = await commit(
      store,
      put('lasting', '2'),
      put('moved', '2', second),
      put('leased', '2', first),
    )
    await first.revoke()
    assert.deepEqual((await store.range('')).entries, [
      { key: 'lasting', value: '2', created, modified },
      { key: 'moved', value: '2', created, modified },
    ])
    await second.revoke()
    assert.deepEqual(await keysUnder(store, ''), ['lasting'])
  })

  void test('a leased key that was deleted, and made again to last, has nothing to do with the lease', async () => {
    await using store = await open()
    const lease = await store.lease(60)
    await commit(store, put('a', '1', lease))
    await commit(store, remove('a'))
    await commit(store, put('a', '2'))
    await lease.revoke()
    assert.deepEqual(await keysUnder(store, ''), ['a'])
  })

  for (const seconds of [0, 0.5, -1, Number.NaN, 3_000_000]) {
    void test(`no lease lasts ${seconds} s`, async () => {
      await using store = await open()
      await assert.rejects(store.lease(seconds), RangeError)
    })
  }
}
