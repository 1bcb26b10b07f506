// The rules as predicates say of the corpus what the corpus says of itself; both were written from the text, each by itself.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIp, parseMac, parsePrefix } from '@portward/addr'
import type { Kind } from '../frames/index.ts'
import { corpusFamilies, kinds, passesAt, portFields, station } from '../frames/index.ts'
import { regressions } from '../frames/regressions.ts'
import type { DeclaredPort } from './rules.ts'
import { verdictByRules } from './rules.ts'

const [own, other, peer] = [station(3), station(2), station(1)]
const eyes = { vlanLimit: 1, fragments: 'seen' } as const

for (const [family, frames] of Object.entries(corpusFamilies)) {
  void test(`${family}: by the rules passes what shall pass`, () => {
    const wrong: string[] = []
    for (const kind of kinds.filter((each) => each !== 'off')) {
      for (const frame of frames) {
        const bytes = frame.frame(own, other, peer)
        const { passes, broken } = verdictByRules(declared(kind), bytes, eyes)
        if (passes === passesAt(frame, kind)) continue
        wrong.push(`${frame.name} at ${kind}: broken are ${broken.join(', ') || 'none'}`)
      }
    }
    assert.deepEqual(wrong, [])
  })
}

void test('the rules decide the kept cases as they should', () => {
  for (const { name, port, frame, eyes: as, passes } of regressions) {
    const verdict = verdictByRules(port, frame, { ...eyes, ...as })
    assert.equal(verdict.passes, passes, `${name}: broken are ${verdict.broken.join(', ')}`)
  }
})

/** A port as the API is told of it, as the rules know it. */
function declared(kind: Kind): DeclaredPort {
  const fields = portFields(kind, own, other)
  const pairs = (fields['allowed_address_pairs'] ?? []) as readonly {
    readonly ip_address: string
    readonly mac_address?: string
  }[]
  const checks = (fields['portward:checks'] ?? {}) as Record<string, false | readonly unknown[]>
  const numbers = Object.entries(checks).map(([check, value]) => [
    check,
    value === false ? false : value.map(Number),
  ])
  return {
    mac: parseMac(own.mac),
    ips: [own.ip, own.ip6].map(parseIp),
    allowedAddressPairs: pairs.map(({ ip_address: ip, mac_address: mac = own.mac }) => ({
      mac: parseMac(mac),
      prefix: parsePrefix(ip),
    })),
    checks: Object.fromEntries(numbers) as NonNullable<DeclaredPort['checks']>,
  }
}
