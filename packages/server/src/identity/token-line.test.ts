import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { TokenLine } from './token-line.ts'
import {
  formatLine,
  hashOf,
  isWord,
  makeToken,
  parseLine,
  parseTokens,
  roles,
} from './token-line.ts'

const seconds = fc
  .integer({ min: 0, max: 253_402_300_799 }) // the years of four digits
  .map((second) => new Date(second * 1000))
const words = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).filter(isWord)
const lines: fc.Arbitrary<TokenLine> = fc.record(
  {
    hash: fc.string().map(hashOf),
    role: fc.constantFrom(...roles),
    project: words,
    name: words,
    created: seconds,
    expires: fc.option(seconds, { nil: undefined }),
  },
  { noNullPrototype: true },
)

const good = (name: string, token = name): string =>
  `${hashOf(token)} member p1 ${name} 2026-01-31T12:00:00Z -`

void test('a line is read as it was written', () => {
  fc.assert(fc.property(lines, (line) => assert.deepEqual(parseLine(formatLine(line)), line)))
})

void test('a token has 256 random bits after its prefix, and its hash is what sha256sum says', () => {
  const token = makeToken()
  assert.match(token, /^pw_[\w-]{43}$/)
  assert.notEqual(token, makeToken())
  assert.equal(hashOf(token), createHash('sha256').update(token).digest('hex'))
})

void test('a line that cannot be read is a fault with its number, and the others stand', () => {
  const text = ['# people', good('ann'), '', 'nonsense', `  ${good('bob')}  `].join('\r\n')
  const { tokens, faults } = parseTokens(text)
  assert.deepEqual(
    [...tokens.values()].map(({ name }) => name),
    ['ann', 'bob'],
  )
  assert.deepEqual(faults, [{ line: 4, why: 'it does not begin with a SHA-256 in hex' }])
})

void test('of two lines with one name, or one hash, the first stands', () => {
  const text = [good('ann', 'x'), good('ann', 'y'), good('bob', 'x')].join('\n')
  const { tokens, faults } = parseTokens(text)
  assert.deepEqual([...tokens.keys()], [hashOf('x')])
  assert.deepEqual(
    faults.map(({ line }) => line),
    [2, 3],
  )
})

void test('what a line lacks, or has too much, is said', () => {
  for (const [from, to, why] of [
    [/^\w{64}/, 'abc', /SHA-256/],
    [/ member/, ' owner', /role is 'owner', and none of admin, member, reader/],
    [/ p1/, ' p\u0007', /project/],
    [/ ann .*/, '', /name is missing/],
    [/ ann/, ' a\u202e', /name/],
    [/2026-01-31/, '2026-01-32', /no time/],
    [/2026-01-31T/, '2026-01-31_', /no time/],
    [/-$/, 'never', /'never' is neither/],
    [/-$/, '', /'' is neither/],
    [/-$/, '- x', /more on it than six/],
  ] as const) {
    const { tokens, faults } = parseTokens(good('ann').replace(from, to))
    assert.equal(tokens.size, 0)
    assert.match(faults[0]?.why ?? '', why)
  }
})
