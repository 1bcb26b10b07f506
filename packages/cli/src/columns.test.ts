import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import * as fc from 'fast-check'
import { columns, pairs, printable } from './columns.ts'

const plain = (text: string): readonly string[] => stripVTControlCharacters(text).split('\n')

void test('every column begins where its heading does, and no line ends in blanks', () => {
  const rows = [
    ['a', '', 'x'],
    ['longer', 'b', ''],
  ]
  assert.deepEqual(plain(columns(['ID', 'NAME', 'Z'], rows, '')), [
    'ID      NAME  Z',
    'a             x',
    'longer  b',
  ])
  assert.equal(columns(['ID'], [], 'There is none.'), 'There is none.')
})

void test('columns stay under each other beside names in other scripts', () => {
  const rows = [
    ['漢字', 'x'],
    ['e\u0301te\u0301', 'x'],
    ['ünï', 'x'],
    ['👩‍💻!', 'x'],
  ]
  assert.deepEqual(plain(columns(['NAME', 'Z'], rows, '')), [
    'NAME  Z',
    '漢字  x',
    'e\u0301te\u0301   x',
    'ünï   x',
    '👩‍💻!   x',
  ])
})

void test('what others named cannot move the cursor, break a line or write backwards', () => {
  assert.equal(printable('a\u001b[31m\nb\u202ec'), String.raw`a\u{1b}[31m\u{a}b\u{202e}c`)
  assert.deepEqual(plain(columns(['NAME'], [['\u001b[2J'], ['a\nb']], '')), [
    'NAME',
    String.raw`\u{1b}[2J`,
    String.raw`a\u{a}b`,
  ])
  assert.equal(pairs([['name', 'a\nb']]), String.raw`name  a\u{a}b`)
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), (names) => {
      const rows = names.map((name) => [name, 'x'])
      assert.equal(columns(['NAME', 'Z'], rows, 'none').split('\n').length, names.length + 1)
    }),
  )
})

void test('names and values of one thing', () => {
  assert.equal(
    pairs([
      ['id', '1'],
      ['longer', '2'],
      ['', '3'],
      ['none', ''],
    ]),
    'id      1\nlonger  2\n        3\nnone',
  )
})
