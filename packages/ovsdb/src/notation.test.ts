import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ColumnTypeName, Value } from './column.ts'
import { columnTypes } from './column.ts'
import { NotationError } from './errors.ts'
import { decode, defaultOf, encode, encodeRow } from './notation.ts'
import type { Json } from './notation.ts'
import { vswitch } from './vswitch.ts'

const uuid = '0e7a1fb8-0b0f-4c44-9b5b-7f0e2c1c8c55'
const other = '5161b2be-315c-480b-83d4-8c529e93e66c'

// RFC 7047, section 5.1: the value, and each way it may stand on the wire; the first is how we write it.
const golden: readonly (readonly [ColumnTypeName, Value, ...Json[]])[] = [
  ['boolean', true, true],
  ['integer', -5, -5],
  ['real', 0.5, 0.5],
  ['real', 2, 2],
  ['string', 'ü"', 'ü"'],
  ['uuid', uuid, ['uuid', uuid]],
  ['optionalInteger', 5, 5, ['set', [5]]],
  ['optionalInteger', undefined, ['set', []]],
  ['optionalString', '', '', ['set', ['']]],
  ['optionalUuid', uuid, ['uuid', uuid], ['set', [['uuid', uuid]]]],
  ['optionalBoolean', false, false],
  ['integers', new Set([1, 2]), ['set', [1, 2]]],
  ['strings', new Set(['OpenFlow14']), ['set', ['OpenFlow14']], 'OpenFlow14'],
  ['strings', new Set(), ['set', []]],
  ['uuids', new Set([uuid]), ['set', [['uuid', uuid]]], ['uuid', uuid]],
  [
    'uuids',
    new Set([uuid, other]),
    [
      'set',
      [
        ['uuid', uuid],
        ['uuid', other],
      ],
    ],
  ],
  [
    'stringMap',
    new Map([
      ['iface-id', 'p'],
      ['__proto__', ''],
    ]),
    [
      'map',
      [
        ['iface-id', 'p'],
        ['__proto__', ''],
      ],
    ],
  ],
  ['stringMap', new Map(), ['map', []]],
]
for (const [name, value, ...wires] of golden) {
  void test(`${name}: ${JSON.stringify(wires[0])}`, () => {
    const type = columnTypes[name]
    for (const wire of wires) assert.deepEqual(decode(type, wire, 'T.c'), value)
    assert.deepEqual(encode(type, value), wires[0])
  })
}

const wrong: readonly (readonly [ColumnTypeName, unknown, RegExp])[] = [
  ['integer', '5', /^NotationError: Port\.tag: want integer, have "5"$/],
  ['integer', 2 ** 53, /want integer/],
  ['integer', 0.5, /want integer/],
  ['string', null, /want string, have null/],
  ['string', undefined, /want string, have nothing/],
  ['boolean', 0, /want boolean/],
  ['uuid', uuid, /want uuid/],
  ['uuid', ['uuid', 'x'], /want uuid/],
  ['uuid', ['named-uuid', 'x'], /want uuid/],
  ['optionalInteger', ['set', [1, 2]], /at most one integer/],
  ['integers', ['set', 1], /want a set of integer/],
  ['integers', ['set', [1, 'x']], /want integer, have "x"/],
  ['stringMap', ['set', []], /want a map of string to string/],
  ['stringMap', ['map', [['k']]], /want a pair/],
  ['stringMap', ['map', [['k', 5]]], /want string, have 5/],
]
for (const [name, wire, message] of wrong) {
  void test(`${name}: not ${JSON.stringify(wire)}`, () => {
    assert.throws(
      () => decode(columnTypes[name], wire, 'Port.tag'),
      (error) => {
        assert.ok(error instanceof NotationError)
        assert.match(String(error), message)
        return true
      },
    )
  })
}

void test('a column that is not mentioned has the default of its type', () => {
  const defaults = Object.entries(columnTypes).map(([name, type]) => [name, defaultOf(type)])
  assert.deepEqual(Object.fromEntries(defaults), {
    boolean: false,
    integer: 0,
    real: 0,
    string: '',
    uuid: '00000000-0000-0000-0000-000000000000',
    optionalBoolean: undefined,
    optionalInteger: undefined,
    optionalString: undefined,
    optionalUuid: undefined,
    integers: new Set(),
    strings: new Set(),
    uuids: new Set(),
    stringMap: new Map(),
  })
})

void test('a row is written column by column, as declared', () => {
  const row = encodeRow(vswitch.Bridge, {
    fail_mode: 'secure',
    controller: new Set<string>(),
    stp_enable: false,
    rstp_enable: false,
    other_config: new Map<string, string>(),
    datapath_id: undefined,
  })
  assert.deepEqual(row, {
    fail_mode: 'secure',
    controller: ['set', []],
    stp_enable: false,
    rstp_enable: false,
    other_config: ['map', []],
    datapath_id: ['set', []],
  })
  const misspelt: object = { failmode: 'secure' }
  assert.throws(() => encodeRow(vswitch.Bridge, misspelt), /no column failmode was declared/)
})
