import assert from 'node:assert/strict'
import { test } from 'node:test'
import { overlaps, parsePrefix } from '@portward/addr'
import * as fc from 'fast-check'
import { overlapping } from './overlap.ts'

/** So near each other that many overlap; those of IPv6 begin with the bytes of those of IPv4. */
const near = fc
  .tuple(fc.constantFrom('10.0.0.', '10.0.1.', 'a00::'), fc.nat(255), fc.nat(32))
  .map(([start, n, less]) => {
    const six = start.includes(':')
    const length = (six ? 128 : 32) - (less % 12)
    return { cidr: parsePrefix(`${start}${six ? n.toString(16) : n}/${length}`) }
  })

void test('two overlap where any two do, and the first of them comes first', () => {
  fc.assert(
    fc.property(fc.array(near, { maxLength: 12 }), (all) => {
      const any = all.some((a, i) => all.slice(i + 1).some((b) => overlaps(a.cidr, b.cidr)))
      const found = overlapping(all)
      assert.equal(found !== undefined, any)
      if (found === undefined) return
      const [a, b] = found
      assert.ok(overlaps(a.cidr, b.cidr))
      assert.ok(all.indexOf(a) < all.indexOf(b))
    }),
    { numRuns: 2000 },
  )
})
