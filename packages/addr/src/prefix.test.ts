import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { bigintOfIp, bitsOf, ipOfBigint } from './ip.ts'
import type { Family } from './ip.ts'
import { contains, maskOf, overlaps, parsePrefix, prefixOf, prefixParts } from './prefix.ts'

const prefixes = (family: Family) =>
  fc
    .record({
      n: fc.bigInt({ min: 0n, max: (1n << BigInt(bitsOf(family))) - 1n }),
      length: fc.integer({ min: 0, max: bitsOf(family) }),
    })
    .map(({ n, length }) => ({ ip: ipOfBigint(n, family), length, family }))
const any = fc.oneof(prefixes(4), prefixes(6))

void test('a prefix has its host bits zero, and is one value however it was written', () => {
  fc.assert(
    fc.property(any, ({ ip, length, family }) => {
      const prefix = prefixOf(ip, length)
      const parts = prefixParts(prefix)
      assert.equal(parsePrefix(`${ip}/${length}`), prefix)
      assert.deepEqual([parts.length, parts.family], [length, family])
      assert.equal(bigintOfIp(parts.ip), bigintOfIp(ip) & bigintOfIp(maskOf(family, length)))
    }),
  )
})

void test('what lies in a prefix is what shares its first bits', () => {
  fc.assert(
    fc.property(any, any, (a, b) => {
      const bits = BigInt(bitsOf(a.family) - a.length)
      const same = a.family === b.family && bigintOfIp(a.ip) >> bits === bigintOfIp(b.ip) >> bits
      assert.equal(contains(prefixOf(a.ip, a.length), b.ip), same)
      assert.ok(contains(prefixOf(a.ip, a.length), a.ip))
    }),
  )
})

void test('two prefixes overlap when one lies in the other', () => {
  const overlap = (a: string, b: string) => overlaps(parsePrefix(a), parsePrefix(b))
  assert.ok(overlap('10.0.0.0/8', '10.1.0.0/16') && overlap('10.1.0.0/16', '10.0.0.0/8'))
  assert.ok(!overlap('10.0.0.0/16', '10.1.0.0/16') && !overlap('0.0.0.0/0', '::/0'))
})

void test('a bare address is a prefix of full length; a wrong length is none', () => {
  assert.equal(parsePrefix('10.0.0.5'), '10.0.0.5/32')
  assert.equal(parsePrefix('fd00::5'), 'fd00::5/128')
  for (const text of [
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
  ]) {
    assert.throws(() => parsePrefix(text), TypeError, text)
  }
})
