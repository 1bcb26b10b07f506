import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Table } from './table.ts'

type Row = { readonly keys: readonly string[] }

const codec = {
  decode: ({ value }: { readonly value: string }): Row => JSON.parse(value),
  encode: (row: Row): string => JSON.stringify(row),
}
const names = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const steps = fc.array(
  fc.record(
    {
      id: names,
      keys: fc.option(fc.uniqueArray(fc.constantFrom('x', 'y', 'z')), { nil: undefined }),
    },
    { noNullPrototype: true },
  ),
)

void test('ids stay in order and indexes follow, whatever comes and goes', () => {
  fc.assert(
    fc.property(steps, (changes) => {
      const table = new Table<Row>(codec)
      const index = table.indexBy(({ keys }) => keys)
      const naive = new Map<string, readonly string[]>()
      for (const [i, { id, keys }] of changes.entries()) {
        if (keys === undefined) {
          table.delete(id)
          naive.delete(id)
        } else {
          table.put(id, { key: id, value: codec.encode({ keys }), created: 1, modified: i })
          naive.set(id, keys)
        }
      }
      assert.deepEqual(table.ids, [...naive.keys()].sort())
      assert.equal(table.size, naive.size)
      for (const key of ['x', 'y', 'z']) {
        const ids = [...naive].filter(([, keys]) => keys.includes(key)).map(([id]) => id)
        assert.deepEqual([...index.of(key)].sort(), ids.sort())
      }
    }),
  )
})

void test('what an index has kept in order stays so', () => {
  const many = Array.from({ length: 100 }, (_, i) => `m${i}`)
  const step = fc.record({ id: fc.constantFrom(...many, 'a', 'z'), has: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step), (changes) => {
      const table = new Table<Row>(codec)
      const index = table.indexBy(({ keys }) => keys)
      const put = (id: string, keys: readonly string[]): void =>
        table.put(id, { key: id, value: codec.encode({ keys }), created: 1, modified: 1 })
      for (const id of many) put(id, ['x', 'y'])
      for (const { id, has } of changes) {
        put(id, has ? ['y', 'x'] : ['y'])
        assert.deepEqual(index.inOrder('x'), [...index.of('x')].sort())
      }
      for (const id of table.ids.slice()) table.delete(id)
      assert.deepEqual(index.inOrder('x'), [])
    }),
  )
})

void test('a record that cannot be read leaves the old one', () => {
  const table = new Table<Row>(codec)
  const entry = { key: 'a', created: 1, modified: 1 }
  table.put('a', { ...entry, value: codec.encode({ keys: ['x'] }) })
  assert.throws(() => table.put('a', { ...entry, modified: 2, value: '{' }))
  assert.equal(table.get('a')?.modified, 1)
})
