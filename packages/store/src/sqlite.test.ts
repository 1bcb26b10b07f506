import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { storeContract } from './contract.ts'
import { archive, commit, put, remove } from './contract/words.ts'
import { Compacted, StoreError } from './errors.ts'
import { FORGET_PIECE, RESERVE, openSqlite } from './sqlite.ts'
import type { Store } from './store.ts'

const directory = mkdtempSync(join(tmpdir(), 'portward-store-'))
after(() => rmSync(directory, { recursive: true }))
let files = 0
const newFile = (): string => join(directory, `${files++}.db`)

storeContract('sqlite', () => openSqlite({ file: newFile() }))

void test('what lasts is there after a restart as it was, and what was leased is not', async () => {
  const file = newFile()
  const before = await reopened(file, async (store) => {
    await commit(store, put('a', '1'), put('b', '1'), put('c', '1'))
    await commit(store, put('b', '2'), remove('c'))
    const { entries } = await store.range('')
    await commit(store, put('d', '1', await store.lease(60)))
    return entries
  })
  await reopened(file, async (store) => assert.deepEqual((await store.range('')).entries, before))
})

void test('a lasting key that was put under a lease does not come back', async () => {
  const file = newFile()
  await reopened(file, async (store) => {
    await commit(store, put('a', '1'))
    await commit(store, put('a', '2', await store.lease(60)))
  })
  await reopened(file, async (store) => assert.deepEqual((await store.range('')).entries, []))
})

void test('a start is at a revision that no run before has come to, though leased ones left no trace', async () => {
  const file = newFile()
  let last = 0
  for (const writes of [1, RESERVE - 1, RESERVE, RESERVE + 1]) {
    await reopened(file, async (store) => {
      assert.ok((await store.range('')).revision > last || last === 0)
      const lease = await store.lease(60)
      for (let i = 0; i < writes; i++) last = await commit(store, put('a', `${i}`, lease))
    })
  }
})

void test('a watch from a revision of an earlier run is told to range again', async () => {
  const file = newFile()
  const kept = await reopened(file, async (store) => {
    await commit(store, put('a', '1'))
    return commit(store, put('b', '1', await store.lease(60)))
  })
  await reopened(file, async (store) => {
    for (let i = 0; i < 5; i++) await commit(store, put('a', `${i}`))
    await assert.rejects(async () => {
      for await (const _ of store.watch('', kept, AbortSignal.timeout(60_000))) assert.fail()
    }, Compacted)
  })
})

void test('writing under a lease does not touch the disk', async () => {
  const file = newFile()
  await using store = await openSqlite({ file })
  await using lease = await store.lease(60)
  await commit(store, put('lasting', '1'), put('leased', '1', lease))
  const traces = () =>
    [file, `${file}-wal`].map((file) => {
      const { size, mtimeNs } = statSync(file, { bigint: true })
      return [size, mtimeNs]
    })
  const before = traces()
  for (let i = 0; i < 100; i++) await commit(store, put('leased', `${i}`, lease), remove('none'))
  await store.txn([{ key: 'lasting', modified: 0 }], [put('lasting', '2')])
  await commit(store, { type: 'deletePrefix', prefix: 'leased' })
  assert.deepEqual(traces(), before)
})

void test('what was archived is there after a restart, and so is the knowledge of ids used before', async () => {
  const file = newFile()
  const before = await reopened(file, async (store) => {
    await commit(store, put('leased', '1', await store.lease(60)), archive('a', 1, '1'))
    await commit(store, archive('b', 2, '2'))
    return store.archived({ limit: 10 })
  })
  assert.equal(before.length, 2)
  await reopened(file, async (store) => {
    assert.deepEqual(await store.archived({ limit: 10 }), before)
    assert.equal(await store.forget(3), 2)
  })
  await reopened(file, async (store) => {
    await commit(store, archive('a', 1, '3'))
    const [first] = await store.archived({ limit: 10 })
    assert.ok(first !== undefined && before.every(({ id }) => id < first.id))
  })
})

void test('whoever writes while much is forgotten comes in between', async () => {
  await using store = await openSqlite({ file: newFile() })
  const count = 2 * FORGET_PIECE + 1
  await commit(store, ...Array.from({ length: count }, (_, i) => archive('a', i, '0')))
  const forgetting = store.forget(count)
  await commit(store, put('a', '1'), archive('a', count, '1'))
  // That one, and something that was not forgotten yet.
  assert.ok((await store.archived({ limit: 2 * FORGET_PIECE })).length >= 2)
  assert.equal(await forgetting, count)
  assert.equal((await store.archived({ limit: 10 })).length, 1)
})

void test('transactions asked for together: each sees those before it, one that cannot be made holds up no other', async () => {
  await using store = await openSqlite({ file: newFile() })
  const { revision } = await store.range('')
  const gone = await store.lease(60)
  await gone.revoke()
  const compare = [{ key: 'a', modified: 0 }]
  const [first, second, leased, third] = await Promise.allSettled([
    store.txn(compare, [put('a', '1')]),
    store.txn(compare, [put('a', '2'), put('b', '2')]),
    store.txn([], [put('c', '1'), { type: 'put', key: 'd', value: '1', lease: gone.id }]),
    store.txn([], [put('e', '1')]),
  ])
  assert.deepEqual(first, {
    status: 'fulfilled',
    value: { succeeded: true, revision: revision + 1 },
  })
  assert.deepEqual(second, { status: 'fulfilled', value: { succeeded: false, failed: compare } })
  assert.equal(leased.status === 'rejected' && leased.reason.name, 'LeaseExpired')
  assert.deepEqual(third, {
    status: 'fulfilled',
    value: { succeeded: true, revision: revision + 2 },
  })
  const { entries } = await store.range('')
  assert.deepEqual(
    entries.map(({ key, value }) => [key, value]),
    [
      ['a', '1'],
      ['e', '1'],
    ],
  )
})

void test('everything acknowledged survives kill -9', async () => {
  const file = newFile()
  let acknowledged = 0
  for (let round = 0; round < 5; round++) {
    const child = script(`
      import { writeSync } from 'node:fs'
      const store = await openSqlite({ file: ${JSON.stringify(file)} })
      for (let i = ${acknowledged + 1}; ; i++) {
        const ops = ['n/' + i, 'last'].map((key) => ({ type: 'put', key, value: String(i) }))
        const { revision } = await store.txn([], ops)
        writeSync(1, i + ' ' + revision + '\\n')
      }`)
    let revision = 0
    const enough = acknowledged + 20 + round * 10
    for await (const line of createInterface(child.stdout)) {
      ;[acknowledged = 0, revision = 0] = line.split(' ').map(Number)
      if (acknowledged === enough) child.kill('SIGKILL')
    }
    assert.ok(acknowledged >= enough)
    await reopened(file, async (store) => {
      const { revision: now, entries } = await store.range('n/')
      assert.ok(now >= revision)
      // One more may have been written than its writer lived to tell, but whole.
      assert.ok(entries.length === acknowledged || entries.length === acknowledged + 1)
      const values = entries.map(({ value }) => Number(value)).sort((a, b) => a - b)
      assert.deepEqual(
        values,
        entries.map((_, i) => i + 1),
      )
      assert.equal((await store.range('last')).entries[0]?.value, `${entries.length}`)
      acknowledged = entries.length
    })
  }
})

void test('one process has the file, whoever else comes: this one again, or another', async () => {
  const file = newFile()
  await reopened(file, async (store) => void (await commit(store, put('a', '1'))))
  const error = new RegExp(`^${file}: another portward holds it`)
  await reopened(file, async (store) => {
    await assert.rejects(openSqlite({ file }), { name: 'StoreError', message: error })
    assert.match(await failureOf(`await openSqlite({ file: ${JSON.stringify(file)} })`), error)
    // Neither of the two took the lock away.
    assert.match(await failureOf(`await openSqlite({ file: ${JSON.stringify(file)} })`), error)
    await commit(store, put('b', '1'))
  })
  await reopened(file, async (store) => assert.equal((await store.range('')).entries.length, 2))
})

void test('a closed store says so, to every verb and every watch', async () => {
  const file = newFile()
  const store = await openSqlite({ file })
  const lease = await store.lease(60)
  const watch = store.watch('', 0, AbortSignal.timeout(60_000))[Symbol.asyncIterator]()
  const next = assert.rejects(watch.next(), StoreError)
  await store[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
  await next
  const closed = { name: 'StoreError', message: `${file}: was closed: open it again` }
  await assert.rejects(store.range(''), closed)
  await assert.rejects(store.txn([], [put('a', '')]), closed)
  await assert.rejects(store.lease(60), closed)
  await assert.rejects(lease.keepAlive(), closed)
  await lease.revoke()
})

void test('the directory and the file are made for their owner alone', async () => {
  const file = join(directory, 'made', 'deep', 'store.db')
  await reopened(file, async (store) => {
    await commit(store, put('a', '1'))
    const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)
    assert.equal(mode(join(directory, 'made', 'deep')), '700')
    assert.equal(mode(file), '600')
    assert.equal(mode(`${file}-wal`), '600')
  })
})

void test('a directory that cannot be written, or is none, is an error that says what to do', async () => {
  const error = /cannot be opened for writing: give it and its directory to the user/
  const inFile = join(newFile(), 'store.db')
  writeFileSync(join(inFile, '..'), '')
  await assert.rejects(openSqlite({ file: inFile }), { name: 'StoreError', message: error })
  await assert.rejects(openSqlite({ file: directory }), { name: 'StoreError', message: error })

  chmodSync(directory, 0o555)
  try {
    // Root may write anywhere, so as another user.
    const said = await failureOf(`
      process.seteuid(process.getuid() || 65534)
      await openSqlite({ file: ${JSON.stringify(newFile())} })`)
    assert.match(said, error)
  } finally {
    chmodSync(directory, 0o700)
  }
})

/** Files that must be refused, and left as they are. */
const refused: readonly (readonly [string, RegExp, (file: string) => void | Promise<void>])[] = [
  [
    'is no database',
    /is not a database, and was left as it is: put a backup in its place/,
    (file) => writeFileSync(file, 'Port security for Open vSwitch.\n'.repeat(500)),
  ],
  [
    'has a page that is damaged',
    /is damaged, and was left as it is: put a backup in its place/,
    async (file) => {
      await reopened(file, async (store) => {
        for (let i = 0; i < 50; i++) await commit(store, put(`k/${i}`, 'x'.repeat(1000)))
      })
      const bytes = readFileSync(file)
      bytes.fill(0x5a, 9 * 4096, 9 * 4096 + 200)
      writeFileSync(file, bytes)
    },
  ],
  [
    'was cut short',
    /is damaged, and was left as it is: put a backup in its place/,
    async (file) => {
      await reopened(file, async (store) => {
        for (let i = 0; i < 50; i++) await commit(store, put(`k/${i}`, 'x'.repeat(1000)))
      })
      writeFileSync(file, readFileSync(file).subarray(0, 6 * 4096))
    },
  ],
  [
    'is of another program',
    /is the database of another program: name another file/,
    (file) => execute(file, 'CREATE TABLE entries (key TEXT)'),
  ],
  [
    'is of a later portward',
    /a later portward wrote it, in version 3 of its tables, and this one knows 2/,
    async (file) => {
      await reopened(file, async (store) => void (await commit(store, put('a', '1'))))
      execute(file, 'PRAGMA user_version = 3')
    },
  ],
]
for (const [what, message, make] of refused) {
  void test(`a file that ${what} is refused, and left as it is`, async () => {
    const file = newFile()
    await make(file)
    const before = readFileSync(file)
    await assert.rejects(openSqlite({ file }), { name: 'StoreError', message })
    await assert.rejects(openSqlite({ file }), (error: Error) => error.message.startsWith(file))
    assert.deepEqual(readFileSync(file), before)
    assert.equal(existsSync(`${file}-wal`), false)
  })
}

void test('a file of version 1 gets what it lacks, and is then like one made today', async () => {
  const file = newFile()
  execute(
    file,
    `PRAGMA journal_mode = WAL; PRAGMA application_id = 0x50575244; PRAGMA user_version = 1;
    CREATE TABLE entries (
      key TEXT PRIMARY KEY,
      value TEXT NOT NULL,
      created INTEGER NOT NULL,
      modified INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE revisions (unused INTEGER NOT NULL) STRICT;
    INSERT INTO revisions VALUES (10000);
    INSERT INTO entries VALUES ('a', '1', 7, 9)`,
  )
  await reopened(file, async (store) => {
    const { revision, entries } = await store.range('')
    assert.equal(revision, 10_000)
    assert.deepEqual(entries, [{ key: 'a', value: '1', created: 7, modified: 9 }])
    await commit(store, put('b', '1'), archive('b', 1, '1'))
  })
  await reopened(file, async (store) => {
    assert.equal((await store.range('')).entries.length, 2)
    assert.equal((await store.archived({ limit: 10 })).length, 1)
  })
  const today = newFile()
  await reopened(today, async () => {})
  assert.deepEqual(tablesOf(file), tablesOf(today))
})

void test('a start reads nothing of the archive: damage there is told to whoever reads it', async () => {
  const file = newFile()
  await reopened(file, async (store) => {
    await commit(store, put('a', '1'))
    const ops = Array.from({ length: 50 }, (_, i) => archive('a', i, 'x'.repeat(1000)))
    for (const op of ops) await commit(store, op)
  })
  const bytes = readFileSync(file)
  writeFileSync(file, bytes.fill(0x5a, bytes.length - 4096))
  await reopened(file, async (store) => {
    assert.equal((await store.range('')).entries.length, 1)
    await commit(store, put('b', '1'))
    const error = new RegExp(`^${file}: is damaged, `)
    await assert.rejects(store.archived({ limit: 100 }), { name: 'StoreError', message: error })
    await commit(store, put('c', '1'))
  })
  await reopened(file, async (store) => assert.equal((await store.range('')).entries.length, 3))
})

void test('a disk that fails stops the store, and what it had acknowledged is there at the next start', async () => {
  const file = newFile()
  // A limit on the size of files is how a process without privileges meets a write that fails.
  const { stdout } = spawnSync(
    'sh',
    [
      '-c',
      'ulimit -f 400; exec "$0" "$@"',
      process.execPath,
      ...scriptArgs(`
      const store = await openSqlite({ file: ${JSON.stringify(file)} })
      const lease = await store.lease(60)
      const watch = store.watch('', 0, new AbortController().signal)[Symbol.asyncIterator]()
      const first = watch.next()
      let acknowledged = 0, error
      while (error === undefined) {
        const put = { type: 'put', key: 'n/' + (acknowledged + 1), value: 'x'.repeat(2000) }
        await store.txn([], [put]).then(() => acknowledged++, (cause) => (error = cause))
      }
      const later = [store.range(''), store.txn([], []), lease.keepAlive(), store.lease(60)]
      const reasons = (await Promise.allSettled(later)).map(({ reason }) => reason === error)
      await first
      for (let i = 1; i < acknowledged; i++) await watch.next()
      reasons.push(await watch.next().catch((reason) => reason === error))
      console.log(JSON.stringify({ acknowledged, message: error.message, reasons }))`),
    ],
    { encoding: 'utf8' },
  )
  const { acknowledged, message, reasons } = JSON.parse(stdout)
  assert.match(message, new RegExp(`^${file}: the disk failed, and what it did last is not known`))
  assert.deepEqual(reasons, [true, true, true, true, true])
  await reopened(file, async (store) => {
    const { entries } = await store.range('n/')
    assert.ok(entries.length === acknowledged || entries.length === acknowledged + 1)
  })
})

/** Opens the store, and closes it again. */
async function reopened<T>(file: string, work: (store: Store) => Promise<T>): Promise<T> {
  await using store = await openSqlite({ file })
  return await work(store)
}

function execute(file: string, sql: string): void {
  const database = new DatabaseSync(file)
  database.exec(sql)
  database.close()
}

/** Its version, and how its tables are made. */
function tablesOf(file: string): readonly unknown[] {
  using database = new DatabaseSync(file)
  const read = (sql: string) => database.prepare(sql).all().flatMap(Object.values)
  const schema = read('SELECT sql FROM sqlite_schema ORDER BY name')
  return [...read('PRAGMA user_version'), ...schema.map((sql) => String(sql).replace(/\s+/g, ' '))]
}

function scriptArgs(text: string): readonly string[] {
  const opening = `import { openSqlite } from ${JSON.stringify(import.meta.resolve('./sqlite.ts'))}\n`
  return ['--input-type=module', '-e', opening + text]
}

function script(text: string) {
  return spawn(process.execPath, scriptArgs(text), { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** The message of the error that the script ends with. */
async function failureOf(text: string): Promise<string> {
  const child = script(`try { ${text} } catch ({ message }) { console.log(message) }`)
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  await once(child, 'close')
  return said
}
