import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checks, lists } from './checks.ts'
import { rules } from './rule.ts'

void test('what a list can name are the ids of VLANs, and EtherTypes that nothing else judges, and LLC', () => {
  const named = ({ permits }: { readonly permits: (number: number) => boolean }) =>
    Array.from({ length: 0x10001 }, (_, number) => number).filter(permits)
  const vids = named(lists.vlan)
  assert.deepEqual([vids.length, vids[0], vids.at(-1)], [4094, 1, 4094])
  const types = named(lists.ethertype)
  assert.deepEqual([types[0], types[1], types.at(-1)], [0x05ff, 0x0600, 0xffff])
  const missing = Array.from({ length: 0x10000 - 0x0600 }, (_, i) => 0x0600 + i)
    .filter((type) => !types.includes(type))
    .map((type) => type.toString(16))
  assert.equal(missing.join(' '), '800 806 8035 8100 86dd 88a8 9100 9200 9300')
  for (const odd of [1.5, NaN, Infinity, -1]) {
    assert.deepEqual([lists.vlan.permits(odd), lists.ethertype.permits(odd)], [false, false])
  }
})

void test('every rule has a check, but that of the source MAC and those of the way and of hiding', () => {
  const covered = new Set(Object.values(checks).flatMap((check) => [...check.rules] as number[]))
  const rest = Object.keys(rules).filter((rule) => !covered.has(Number(rule)))
  assert.deepEqual(rest, ['0', '1', '5', '15'])
})
