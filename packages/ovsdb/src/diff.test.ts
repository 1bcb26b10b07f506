import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ColumnTypeName, Value } from './column.ts'
import { columnTypes } from './column.ts'
import { applyDiff, sameValue } from './diff.ts'
import type { Json } from './notation.ts'

// Before, the difference as ovsdb-server 3.1 sent it, after.
const golden: readonly (readonly [ColumnTypeName, Value, Json, Value])[] = [
  ['optionalInteger', undefined, 5, 5],
  ['optionalInteger', 5, 6, 6],
  ['optionalInteger', 6, ['set', []], undefined],
  ['string', 'a', '', ''],
  ['integers', new Set(), ['set', [1, 2, 3]], new Set([1, 2, 3])],
  ['integers', new Set([1, 2, 3]), ['set', [1, 4]], new Set([2, 3, 4])],
  ['integers', new Set([2]), 9, new Set([2, 9])],
  [
    'stringMap',
    new Map([['a', 'b']]),
    ['map', [['c', 'd']]],
    new Map([
      ['a', 'b'],
      ['c', 'd'],
    ]),
  ],
  [
    'stringMap',
    new Map([
      ['a', 'b'],
      ['c', 'd'],
    ]),
    ['map', [['a', 'x']]],
    new Map([
      ['a', 'x'],
      ['c', 'd'],
    ]),
  ],
  [
    'stringMap',
    new Map([
      ['a', 'x'],
      ['c', 'd'],
    ]),
    ['map', [['a', 'x']]],
    new Map([['c', 'd']]),
  ],
]
for (const [name, before, wire, after] of golden) {
  void test(`${name}: ${JSON.stringify(wire)}`, () => {
    const untouched = structuredClone(before)
    assert.deepEqual(applyDiff(columnTypes[name], before, wire, 'T.c'), after)
    assert.deepEqual(before, untouched)
  })
}

void test('values are the same by what they hold', () => {
  const distinct: readonly Value[] = [
    undefined,
    0,
    false,
    '',
    new Set(),
    new Set(['a']),
    new Set(['b']),
    new Set(['a', 'b']),
    new Map(),
    new Map([['a', 'a']]),
    new Map([['a', 'b']]),
    new Map([['b', 'a']]),
    new Map([
      ['a', 'a'],
      ['b', 'a'],
    ]),
  ]
  for (const [i, a] of distinct.entries()) {
    for (const [j, b] of distinct.entries()) {
      assert.equal(sameValue(a, structuredClone(b)), i === j, `${String(i)} ${String(j)}`)
    }
  }
})
