import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SchemaError } from './errors.ts'
import { checkSchema } from './schema.ts'

// As get_schema has it; RFC 7047, section 3.2.
const served = {
  name: 'Lab',
  version: '1.2.3',
  tables: {
    T: {
      columns: {
        one: { type: 'string' },
        restricted: { type: { key: { type: 'integer', minInteger: 1 } } },
        optional: { type: { key: { type: 'string', enum: ['set', ['a', 'b']] }, min: 0 } },
        some: { type: { key: 'integer', min: 0, max: 4096 } },
        many: { type: { key: { type: 'uuid', refTable: 'T' }, min: 0, max: 'unlimited' } },
        map: { type: { key: 'string', value: 'string', min: 0, max: 'unlimited' } },
        other: { type: { key: 'string', value: 'uuid', min: 0, max: 'unlimited' } },
      },
    },
  },
}

void test('a database that has what was declared, and more, is fine', () => {
  checkSchema(
    {
      T: {
        one: 'string',
        restricted: 'integer',
        optional: 'optionalString',
        some: 'integers',
        many: 'uuids',
        map: 'stringMap',
      },
    },
    served,
  )
})

void test('every column that is missing or holds something else is named', () => {
  const declared = {
    T: {
      one: 'optionalString',
      some: 'integer',
      many: 'strings',
      other: 'stringMap',
      nope: 'uuid',
    },
    U: { a: 'string' },
  } as const
  assert.throws(
    () => checkSchema(declared, served),
    (error) => {
      assert.ok(error instanceof SchemaError)
      assert.deepEqual(error.message.split(/: |; /).slice(1, -1), [
        'T.one holds one string, not optional string',
        'T.some holds set of integer, not one integer',
        'T.many holds set of uuid, not set of string',
        'T.other holds map of string to uuid, not map of string to string',
        'T.nope is not there',
        'U.a is not there',
      ])
      assert.match(error.message, /^database Lab 1\.2\.3 /)
      return true
    },
  )
  assert.throws(() => checkSchema({ T: { one: 'string' } }, null), SchemaError)
})
