// A disk that is full: the transaction is undone and the store goes on, for what is leased at once, for the rest once
// there is room again.

import assert from 'node:assert/strict'
import { mkdtemp, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from '@portward/testkit'

/** Runs with a file system of 1 MB mounted on `process.argv[1]`, which goes with the process. */
const script = `
  import assert from 'node:assert/strict'
  import { rmSync, writeFileSync } from 'node:fs'
  import { openSqlite } from ${JSON.stringify(import.meta.resolve('@portward/store'))}

  const [, directory] = process.argv
  const file = directory + '/store.db'
  const ballast = directory + '/ballast'
  writeFileSync(ballast, Buffer.alloc(500_000))
  const put = (key, lease) => ({ type: 'put', key, value: 'x'.repeat(2000), lease })

  let store = await openSqlite({ file })
  const lease = await store.lease(60)
  let last = 0
  const refused = await (async () => {
    for (;;) last = (await store.txn([], [put('a/' + (last + 1)), put('b/' + (last + 1))])).revision
  })().catch((error) => error)
  assert.equal(refused.name, 'StoreError')
  assert.ok(refused.message.startsWith(file + ': the disk is full, and nothing of the transaction was written: make room'))

  const before = await store.range('')
  assert.equal(before.revision, last)
  assert.equal(before.entries.length, 2 * last)
  await assert.rejects(store.txn([], [put('leased', lease.id), put('c')]), { name: 'StoreError' })
  assert.deepEqual(await store.range(''), before)
  assert.equal((await store.txn([], [put('leased', lease.id)])).revision, last + 1)

  rmSync(ballast)
  assert.equal((await store.txn([], [put('c')])).revision, last + 2)
  await store[Symbol.asyncDispose]()
  store = await openSqlite({ file })
  const { entries } = await store.range('')
  assert.deepEqual(entries.map(({ key }) => key), [...before.entries.map(({ key }) => key), 'c'])
  await store[Symbol.asyncDispose]()
  console.log(last, 'transactions fitted')`

void test('on a full disk a transaction is undone, and the store goes on', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'portward-full-'))
  try {
    const mounted = 'mount -t tmpfs -o size=1m tmpfs "$0" && exec "$@" "$0"'
    const node = [process.execPath, '--input-type=module', '-e', script]
    const { stdout } = await run(['unshare', '--mount', 'sh', '-c', mounted, directory, ...node])
    assert.match(stdout, /^[1-9]\d* transactions fitted/)
  } finally {
    await rmdir(directory)
  }
})
