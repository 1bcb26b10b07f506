import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Atom, ColumnType, Schema, Value } from './column.ts'
import { columnTypes } from './column.ts'
import { NotationError } from './errors.ts'
import { defaultOf, encode } from './notation.ts'
import type { Json } from './notation.ts'
import { NO_TXN, Replica } from './replica.ts'
import type { Change } from './replica.ts'

const schema = {
  Bridge: { name: 'string', ports: 'uuids', fail_mode: 'optionalString', up: 'boolean' },
  Port: { tag: 'optionalInteger', trunks: 'integers', external_ids: 'stringMap', mirror: 'uuid' },
} as const satisfies Schema

// The twin of the server: a database is plain data, and what it tells follows ovsdb-server(7), 4.1.14, word by word.

type Row = Readonly<Record<string, Value>>
type Database = ReadonlyMap<string, ReadonlyMap<string, Row>>

const uuids = ['0', '1', '2', 'a', 'f'].map((d) => `${d.repeat(8)}-0000-4000-8000-${d.repeat(12)}`)
const atoms = {
  boolean: fc.boolean(),
  integer: fc.nat(3),
  real: fc.constantFrom(0, 0.5),
  string: fc.constantFrom('', 'a', 'b', 'ü', '__proto__'),
  uuid: fc.constantFrom(NO_TXN, ...uuids),
}

function values(column: ColumnType): fc.Arbitrary<Value> {
  const atom: fc.Arbitrary<Atom> = atoms[column.of]
  switch (column.shape) {
    case 'one':
      return atom
    case 'optional':
      return fc.option(atom, { nil: undefined })
    case 'set':
      return fc.array(atom).map((elements) => new Set(elements))
    case 'map':
      return fc
        .array(fc.tuple<[Atom, Atom]>(atoms[column.key], atom))
        .map((pairs) => new Map(pairs))
    default:
      column satisfies never
      throw new Error('unreachable')
  }
}

function tables<T>(
  of: (name: keyof typeof schema) => fc.Arbitrary<T>,
): fc.Arbitrary<Map<string, T>> {
  return fc.tuple(of('Bridge'), of('Port')).map(
    ([b, p]) =>
      new Map([
        ['Bridge', b],
        ['Port', p],
      ]),
  )
}

const databases: fc.Arbitrary<Database> = tables((name) => {
  const columns = Object.entries(schema[name]).map(([column, type]) =>
    values(columnTypes[type]).map((value): [string, Value] => [column, value]),
  )
  const row: fc.Arbitrary<Row> = fc.tuple(...columns).map((cells) => Object.fromEntries(cells))
  return fc.array(fc.tuple(fc.constantFrom(...uuids), row)).map((rows) => new Map(rows))
})

function typeOf(table: string, column: string): ColumnType {
  const columns: Readonly<Record<string, keyof typeof columnTypes>> =
    table === 'Bridge' ? schema.Bridge : schema.Port
  return columnTypes[columns[column] ?? assert.fail(`${table}.${column}`)]
}

function same(a: unknown, b: unknown): boolean {
  try {
    assert.deepStrictEqual(a, b)
    return true
  } catch {
    return false
  }
}

/** "<row> omits columns whose values equal the default value of the column type." */
function told(table: string, row: Row): Json {
  const cells = Object.entries(row).filter(
    ([column, value]) => !same(value, defaultOf(typeOf(table, column))),
  )
  return Object.fromEntries(
    cells.map(([column, value]) => [column, encode(typeOf(table, column), value)]),
  )
}

/** "<row> contains only the columns that are modified", as differences. */
function differences(table: string, before: Row, after: Row): Record<string, Json> {
  const cells = Object.entries(after).filter(([column, value]) => !same(value, before[column]))
  return Object.fromEntries(
    cells.map(([column, value]) => [
      column,
      encode(typeOf(table, column), difference(before[column], value)),
    ]),
  )
}

function difference(before: Value, after: Value): Value {
  if (before instanceof Set && after instanceof Set) {
    return new Set([...before, ...after].filter((x) => !(before.has(x) && after.has(x))))
  }
  if (before instanceof Map && after instanceof Map) {
    const gone = [...before].filter(([key]) => !after.has(key))
    return new Map([...gone, ...[...after].filter(([key, value]) => before.get(key) !== value)])
  }
  return after
}

/** <table-updates2> of the whole contents. */
function contents(database: Database): Json {
  return Object.fromEntries(
    [...database].map(([table, rows]) => [
      table,
      Object.fromEntries([...rows].map(([uuid, row]) => [uuid, { initial: told(table, row) }])),
    ]),
  )
}

/** <table-updates2> of one transaction. */
function step(before: Database, after: Database): Json {
  const updates: Record<string, Record<string, Json>> = {}
  for (const [table, rows] of after) {
    const old = before.get(table) ?? new Map<string, Row>()
    const update: Record<string, Json> = {}
    for (const uuid of old.keys()) if (!rows.has(uuid)) update[uuid] = { delete: null }
    for (const [uuid, row] of rows) {
      const was = old.get(uuid)
      if (was === undefined) update[uuid] = { insert: told(table, row) }
      else if (!same(was, row)) update[uuid] = { modify: differences(table, was, row) }
    }
    if (Object.keys(update).length > 0) updates[table] = update
  }
  return updates
}

/** A consumer that knows the database by its changes alone, and holds each against what it knew. */
class Consumer {
  readonly database = new Map(Object.keys(schema).map((name) => [name, new Map<string, Row>()]))
  calls = 0
  readonly replica = new Replica(schema, (changes) => this.#take(changes))

  #take(changes: readonly Change<typeof schema>[]): void {
    this.calls++
    assert.ok(changes.length > 0)
    for (const { table, uuid, before, after } of changes) {
      const rows = this.database.get(table) ?? assert.fail(table)
      assert.deepEqual(before, rows.get(uuid))
      assert.notDeepEqual(before, after)
      if (after === undefined) rows.delete(uuid)
      else rows.set(uuid, after)
    }
    this.#agrees()
  }

  /** The replica has what was told, and nothing later. */
  #agrees(): void {
    assert.deepEqual(this.replica.rows('Bridge'), this.database.get('Bridge'))
    assert.deepEqual(this.replica.rows('Port'), this.database.get('Port'))
  }
}

const steps = fc.array(
  fc.tuple(fc.constantFrom('update', 'contents', 'resumed', 'early'), databases),
)

void test('through updates and reconnects of every kind, the consumer sees each true change once', () => {
  fc.assert(
    fc.property(databases, steps, (first, history) => {
      const consumer = new Consumer()
      const { replica } = consumer
      replica.reply([false, NO_TXN, contents(first)])
      assert.deepEqual(consumer.database, first)
      let last = first
      history.forEach(([how, next], i) => {
        consumer.calls = 0
        const txn = `transaction ${i}`
        if (how !== 'update') replica.disconnected()
        if (how === 'update') replica.update(['portward', txn, step(last, next)])
        else if (how === 'contents') replica.reply([false, txn, contents(next)])
        else if (how === 'resumed') replica.reply([true, txn, step(last, next)])
        else {
          replica.update(['portward', txn, step(last, next)])
          assert.equal(consumer.calls, 0)
          replica.reply([false, 'before', contents(last)])
        }
        assert.deepEqual(consumer.database, next)
        assert.equal(consumer.calls, same(last, next) ? 0 : 1)
        assert.equal(replica.lastTxn, txn)
        last = next
      })
    }),
  )
})

const row = { name: 'br-int', ports: ['uuid', uuids[0] ?? ''] }
const id = uuids[1] ?? ''
const nonsense: readonly (readonly [string, unknown, RegExp])[] = [
  [
    'a change of an unknown row',
    { Port: { [id]: { modify: { tag: 5 } } } },
    /modify of a row that never/,
  ],
  [
    'the end of an unknown row',
    { Port: { [id]: { delete: null } } },
    /delete of a row that never came/,
  ],
  [
    'a row that is there already',
    { Bridge: { [id]: { insert: row } } },
    /Bridge: a row came twice/,
  ],
  [
    'a value of the wrong type',
    { Bridge: { [id]: { modify: { name: 5 } } } },
    /Bridge\.name: want string/,
  ],
  ['an unknown table', { Mirror: {} }, /Mirror: nobody asked/],
  ['an unknown verb', { Bridge: { [id]: { rename: {} } } }, /rename is nothing that happens/],
  ['two verbs', { Bridge: { [id]: { delete: null, insert: row } } }, /more than one thing/],
  ['no verb', { Bridge: { [id]: {} } }, /nothing is nothing/],
  ['no object', { Bridge: { [id]: null } }, /Bridge: want an object, have null/],
  ['rows in no object', { Bridge: [] }, /want an object/],
]
for (const [what, updates, message] of nonsense) {
  void test(`${what} is refused, all of its update with it, and the whole contents are asked for next`, () => {
    const consumer = new Consumer()
    const { replica } = consumer
    replica.reply([false, 'first', { Bridge: { [id]: { initial: row } } }])
    assert.equal(replica.lastTxn, 'first')
    const before = structuredClone(consumer.database)
    const good = { Port: { [uuids[2] ?? '']: { insert: { tag: 5 } } } }
    assert.throws(
      () => replica.update(['portward', 'second', { ...good, ...Object(updates) }]),
      (error) => {
        assert.ok(error instanceof NotationError)
        assert.match(error.message, message)
        return true
      },
    )
    assert.deepEqual(consumer.database, before)
    assert.equal(consumer.calls, 1)
    assert.equal(replica.lastTxn, NO_TXN)
  })
}

void test('a notification that is no update is refused', () => {
  const { replica } = new Consumer()
  assert.throws(() => replica.update(['portward', {}]), /update3: want/)
  assert.throws(() => replica.reply({}), /monitor_cond_since: want/)
})
