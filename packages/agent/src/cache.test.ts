import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Entry, PlugRecord, Store } from '@portward/store'
import { StoreError, keys, openSqlite, records } from '@portward/store'
import { openCache } from './cache.ts'
import { followDeclared } from './declared.ts'

const directory = mkdtempSync(join(tmpdir(), 'portward-cache-'))
after(() => rmSync(directory, { recursive: true }))
const file = join(directory, 'state', 'agent-cache')
const PREFIX = keys.hostPlugs('h1')

function entry(name: string, portId: string, modified: number): Entry {
  const key = keys.hostPlug('h1', name)
  return { key, value: records.plug.encode({ portId }), created: modified, modified }
}

function logged() {
  const lines: string[] = []
  const log = (_: object, text: string): void => void lines.push(text)
  return { lines, log: { debug: log, info: log, warn: log, error: log } }
}

async function open(host = 'h1') {
  const { lines, log } = logged()
  return { cache: await openCache({ file, host, log }), lines }
}

void test('what was declared is recalled by the next run, with its changes', async () => {
  {
    await using cache = (await open()).cache
    assert.equal(cache.recall(PREFIX), undefined)
    cache.snapshot(PREFIX, [entry('a', '1', 3), entry('b', '2', 4)], 5)
    cache.change(PREFIX, {
      revision: 7,
      events: [
        { type: 'delete', key: keys.hostPlug('h1', 'a'), modified: 7 },
        { type: 'put', entry: entry('c', '3', 7) },
      ],
    })
  }
  await using cache = (await open()).cache
  assert.equal(cache.note, undefined)
  const entries = [entry('b', '2', 4), entry('c', '3', 7)]
  assert.deepEqual(cache.recall(PREFIX), { revision: 7, entries })
  assert.match(cache.note ?? '', /^the store is away: going on with what was declared at 20/)
  cache.snapshot(PREFIX, [], 9)
  assert.equal(cache.note, undefined)
})

void test('a cache that is damaged, or another host’s, counts for nothing and is said', async () => {
  {
    await using cache = (await open()).cache
    cache.snapshot(PREFIX, [entry('a', '1', 3)], 5)
  }
  const whole = readFileSync(file, 'utf8')
  for (const [text, host] of [
    [whole, 'h2'],
    [whole.slice(0, -10), 'h1'],
    [whole.replace('"modified":3', '"modified":4'), 'h1'],
    ['', 'h1'],
  ] as const) {
    writeFileSync(file, text)
    const { cache, lines } = await open(host)
    assert.equal(cache.recall(PREFIX), undefined)
    assert.deepEqual(lines, ['what was declared cannot be read from the cache: it is left out'])
  }
})

void test('while the store is away the cache is gone by, and the store when it is back', async () => {
  {
    await using cache = (await open()).cache
    cache.snapshot(PREFIX, [entry('gone', '1', 3), entry('stays', '2', 4)], 5)
  }
  await using real = await openSqlite({ file: join(directory, 'store.db') })
  await real.txn(
    [],
    [
      {
        type: 'put',
        key: keys.hostPlug('h1', 'stays'),
        value: records.plug.encode({ portId: '2' }),
      },
      { type: 'put', key: keys.hostPlug('h1', 'new'), value: records.plug.encode({ portId: '3' }) },
    ],
  )
  let away = true
  const store: Store = {
    ...verbsOf(real),
    range: async (prefix) => {
      if (away) throw new StoreError('it is away')
      return await real.range(prefix)
    },
  }
  await using cache = (await open()).cache
  const end = new AbortController()
  const plugs = new Map<string, PlugRecord>()
  const told = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let complete = 0
  const following = followDeclared(
    store,
    {
      prefix: PREFIX,
      codec: records.plug,
      set: (name, plug) => void (plug === undefined ? plugs.delete(name) : plugs.set(name, plug)),
      complete: () => told[complete++]?.resolve(),
    },
    { cache, log: logged().log },
    end.signal,
  )
  await sleep(100)
  assert.equal(complete, 0, 'not a word before the store had its time')
  await told[0]?.promise
  assert.deepEqual([...plugs.keys()], ['gone', 'stays'])
  away = false
  await told[1]?.promise
  assert.deepEqual([...plugs.keys()].toSorted(), ['new', 'stays'])
  assert.equal(cache.note, undefined)
  end.abort()
  await following
})

function verbsOf(store: Store): Store {
  return {
    range: (prefix) => store.range(prefix),
    sync: () => store.sync(),
    txn: (compares, ops) => store.txn(compares, ops),
    watch: (prefix, after, signal) => store.watch(prefix, after, signal),
    lease: (ttl) => store.lease(ttl),
    archived: (query) => store.archived(query),
    forget: (before) => store.forget(before),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}

void test('what somebody waits for is kept at once, and later changes after it', async () => {
  rmSync(file, { force: true })
  await using cache = (await open()).cache
  const keptIn = () => readFileSync(file, 'utf8').split('\n').slice(1, -2).length
  cache.snapshot(PREFIX, [entry('a', '1', 3)], 5)
  await cache.kept()
  assert.equal(keptIn(), 1)
  for (const revision of [6, 7]) {
    const put = { type: 'put' as const, entry: entry(`b${revision}`, '2', revision) }
    cache.change(PREFIX, { revision, events: [put] })
    const both = [cache.kept(), cache.kept()]
    await Promise.all(both)
    assert.equal(keptIn(), revision - 4)
  }
  const { key } = entry('a', '1', 3)
  cache.change(PREFIX, { revision: 8, events: [{ type: 'delete', key, modified: 8 }] })
  const before = performance.now()
  while (keptIn() !== 2) {
    assert.ok(performance.now() - before < 10_000, 'nobody waits for it, and it is never written')
    await sleep(20)
  }
})
