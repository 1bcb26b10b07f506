import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bigintOfIp, ipOfBigint, parseIp, parsePrefix, prefixOf, prefixParts } from '@portward/addr'
import type { Ip } from '@portward/addr'
import * as fc from 'fast-check'
import { checkPools, defaultPools, isHostAddress, pickFree } from './pools.ts'

const base = parseIp('10.0.0.0')
const smallPools = fc
  .uniqueArray(fc.nat({ max: 60 }), { minLength: 2, maxLength: 8 })
  .map((edges) => edges.sort((a, b) => a - b))
  .map((edges) =>
    edges.flatMap((start, i) =>
      i % 2 === 0 && edges[i + 1] !== undefined
        ? [{ start: at(start), end: at(edges[i + 1] ?? start) }]
        : [],
    ),
  )

function at(n: number): Ip {
  return ipOfBigint(bigintOfIp(base) + BigInt(n), 4)
}

function all(pools: readonly { readonly start: Ip; readonly end: Ip }[]): readonly Ip[] {
  const ips: Ip[] = []
  for (let n = 0; n <= 60; n++) {
    const ip = at(n)
    const inside = pools.some(
      ({ start, end }) => bigintOfIp(start) <= bigintOfIp(ip) && bigintOfIp(ip) <= bigintOfIp(end),
    )
    if (inside) ips.push(ip)
  }
  return ips
}

void test('what is picked is in the pools and free, and only a full pool has nothing left', () => {
  fc.assert(
    fc.property(
      smallPools,
      fc.func(fc.boolean()),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (pools, hash, random) => {
        const taken = new Set(all(pools).filter((ip) => hash(ip)))
        const free = all(pools).filter((ip) => !taken.has(ip))
        const ip = pickFree(
          pools,
          taken.size,
          (one) => taken.has(one),
          () => random,
        )
        if (free.length === 0) assert.equal(ip, undefined)
        else assert.ok(ip !== undefined && free.includes(ip), `${ip} of ${free.join(' ')}`)
      },
    ),
  )
})

void test('an address in a huge and half used pool takes a few looks, not a search', () => {
  const pools = defaultPools(parsePrefix('fd00::/64'), null)
  const used = 50_000
  let looks = 0
  const isTaken = (ip: Ip): boolean => {
    looks++
    return bigintOfIp(ip) - bigintOfIp(parseIp('fd00::')) <= BigInt(used)
  }
  for (let i = 0; i < 20; i++)
    assert.notEqual(
      pickFree(pools, used, isTaken, () => 0.6),
      undefined,
    )
  assert.equal(looks, 20)
})

void test('the last of many addresses takes as few looks as the first', () => {
  const pools = defaultPools(parsePrefix('10.0.0.0/16'), null)
  const given = new Set<Ip>()
  let looks = 0
  const isTaken = (ip: Ip): boolean => {
    looks++
    return given.has(ip)
  }
  for (let i = 0; i < 5000; i++) {
    const ip = pickFree(pools, given.size, isTaken)
    if (ip !== undefined) given.add(ip)
  }
  assert.equal(given.size, 5000)
  assert.ok(looks < 4 * given.size, `${looks} looks`)
})

void test('the default pools are the host addresses but the gateway, and pass their own check', () => {
  const prefixes = fc
    .tuple(fc.nat({ max: 0xffff_ffff }), fc.integer({ min: 24, max: 32 }))
    .map(([n, length]) => prefixOf(ipOfBigint(BigInt(n), 4), length))
  fc.assert(
    fc.property(prefixes, fc.nat({ max: 255 }), fc.boolean(), (cidr, n, hasGateway) => {
      const { ip, length } = prefixParts(cidr)
      const first = bigintOfIp(ip)
      const size = 2 ** (32 - length)
      const gateway = hasGateway ? ipOfBigint(first + BigInt(n % size), 4) : null
      const pools = defaultPools(cidr, gateway)
      checkPools(cidr, gateway, pools)
      for (let i = 0; i < size; i++) {
        const n = first + BigInt(i)
        const inPool = pools.some(
          ({ start, end }) => bigintOfIp(start) <= n && n <= bigintOfIp(end),
        )
        const one = ipOfBigint(n, 4)
        assert.equal(inPool, isHostAddress(cidr, one) && one !== gateway, one)
      }
    }),
  )
})

void test('the addresses of a network that no station has', () => {
  const rows: readonly (readonly [string, string, boolean])[] = [
    ['10.0.0.0/24', '10.0.0.0', false],
    ['10.0.0.0/24', '10.0.0.255', false],
    ['10.0.0.0/24', '10.0.0.1', true],
    ['10.0.0.0/24', '10.0.1.1', false],
    ['10.0.0.0/31', '10.0.0.0', true],
    ['10.0.0.0/31', '10.0.0.1', true],
    ['10.0.0.7/32', '10.0.0.7', true],
    ['fd00::/64', 'fd00::', false],
    ['fd00::/64', 'fd00::ffff:ffff:ffff:ffff', true],
    ['fd00::/127', 'fd00::', true],
    ['::/0', '10.0.0.1', false],
  ]
  for (const [cidr, ip, is] of rows) {
    assert.equal(isHostAddress(parsePrefix(cidr), parseIp(ip)), is, `${ip} in ${cidr}`)
  }
})
