// The fragments are cut by the frames' own makers, with other code than what puts them together.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { bare, saidBy } from './delivery.ts'
import { ethernet, extension, ipv4, ipv4Fragments, ipv6, ipv6Fragments, udp } from './frames.ts'
import type { Packet, Tag } from './frames.ts'

const ends = { src: 'fa:16:3e:00:00:03', dst: 'fa:16:3e:00:00:01' }
const frame = (packet: Packet, tags: readonly Tag[] = []): Uint8Array =>
  ethernet({ ...ends, tags }, packet)
const padded = (bytes: Uint8Array): Uint8Array => Uint8Array.from([...bytes, ...new Uint8Array(7)])

const data = udp({ src: 9, dst: 9 }, 'x'.repeat(400))
const packet4 = ipv4({ src: '10.0.0.3', dst: '10.0.0.1', id: 7 }, data)
const packet6 = ipv6({ src: 'fd00::3', dst: 'fd00::1' }, data)
const cuts = fc
  .uniqueArray(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 })
  .map((list) => list.toSorted((a, b) => a - b).map((n) => n * 8))

const ways: Readonly<Record<string, (...at: readonly number[]) => readonly Packet[]>> = {
  'an IPv4 packet': (...at) => ipv4Fragments(packet4, ...at),
  'an IPv6 packet': (...at) => ipv6Fragments(packet6, { id: 8 }, ...at),
  'an IPv6 packet with options in front of each part': (...at) => {
    const extensions = [extension.hopByHop()]
    const whole = ipv6({ src: 'fd00::3', dst: 'fd00::1', extensions }, data)
    return ipv6Fragments(whole, { id: 9, headers: 1 }, ...at)
  },
}

for (const [what, cut] of Object.entries(ways)) {
  void test(`fragments of ${what} say the same however it is cut, in any order`, () => {
    fc.assert(
      fc.property(cuts, cuts, fc.boolean(), (one, other, backwards) => {
        const ordered = cut(...one).map((part) => frame(part))
        const said = new Set(saidBy(backwards ? ordered.toReversed() : ordered))
        assert.equal(said.size, 1)
        assert.ok(!said.has(undefined))
        assert.deepEqual(said, new Set(saidBy(cut(...other).map((part) => frame(part)))))
      }),
    )
  })

  void test(`fragments of ${what} say nothing while one is missing`, () => {
    fc.assert(
      fc.property(cuts, fc.nat(), (at, which) => {
        const parts = cut(...at).map((part) => frame(part))
        const left = parts.filter((_, i) => i !== which % parts.length)
        assert.deepEqual(new Set(saidBy(left)), new Set([undefined]))
      }),
    )
  })
}

void test('fragments say what the packet says', () => {
  for (const [whole, parts] of [
    [packet4, ipv4Fragments(packet4, 80)],
    [packet6, ipv6Fragments(packet6, {}, 80)],
    [packet6, ipv6Fragments(packet6, {})],
  ] as const) {
    const [said] = saidBy([frame(whole)])
    for (const part of saidBy(parts.map((each) => frame(each)))) assert.equal(part, said)
  }
})

void test('parts of different packets do not make one', () => {
  const [first] = ipv6Fragments(packet6, { id: 1 }, 80)
  const [, second] = ipv6Fragments(packet6, { id: 2 }, 80)
  assert.ok(first && second)
  assert.deepEqual(saidBy([frame(first), frame(second)]), [undefined, undefined])
})

void test('tags, and bytes behind the packet, are no difference; one byte of the packet is', () => {
  for (const packet of [packet4, packet6]) {
    const plain = frame(packet)
    const tagged = frame(packet, [{ vid: 5, tpid: 0x88a8 }, { vid: 0 }])
    assert.deepEqual([...bare(padded(tagged))], [...plain])
    for (const at of [0, 6, 20, plain.length - 1]) {
      const other = plain.map((byte, i) => (i === at ? byte ^ 1 : byte))
      assert.notDeepEqual(saidBy([other]), saidBy([plain]))
    }
  }
})

void test('what is cut short, or no IP, is taken as it is', () => {
  fc.assert(
    fc.property(fc.nat({ max: 60 }), (size) => {
      for (const packet of [packet4, packet6]) {
        const short = frame(packet).subarray(0, size)
        assert.deepEqual([...bare(short)], [...short])
        assert.equal(saidBy([short]).length, 1)
      }
    }),
  )
})
