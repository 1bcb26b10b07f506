// Ranges of addresses within a subnet: which of its addresses are a host's, and which the server gives out by itself.

import { bigintOfIp, bitsOf, familyOf, ipOfBigint, prefixParts } from '@portward/addr'
import type { Ip, Prefix } from '@portward/addr'
import { errors } from './errors.ts'

export type Pool = { readonly start: Ip; readonly end: Ip }

type Range = { readonly first: bigint; readonly last: bigint }

/**
 * The addresses a station can have: in IPv4 without the network's and the broadcast address (but for /31, RFC 3021, and /32),
 * in IPv6 without the subnet-router anycast address (RFC 4291, 2.6.1; but for /127, RFC 6164, and /128).
 */
function hostsOf(cidr: Prefix): Range {
  const { ip, length, family } = prefixParts(cidr)
  const bits = BigInt(bitsOf(family) - length)
  const first = bigintOfIp(ip)
  const last = first + (1n << bits) - 1n
  if (bits < 2n) return { first, last }
  return family === 4 ? { first: first + 1n, last: last - 1n } : { first: first + 1n, last }
}

export function isHostAddress(cidr: Prefix, ip: Ip): boolean {
  if (prefixParts(cidr).family !== familyOf(ip)) return false
  const { first, last } = hostsOf(cidr)
  const n = bigintOfIp(ip)
  return n >= first && n <= last
}

export function firstHost(cidr: Prefix): Ip {
  return ipOfBigint(hostsOf(cidr).first, prefixParts(cidr).family)
}

/** All host addresses but the gateway's. */
export function defaultPools(cidr: Prefix, gateway: Ip | null): readonly Pool[] {
  const { family } = prefixParts(cidr)
  const { first, last } = hostsOf(cidr)
  const gap = gateway === null ? undefined : bigintOfIp(gateway)
  const inside = gateway !== null && isHostAddress(cidr, gateway)
  const ranges =
    gap === undefined || !inside
      ? [{ first, last }]
      : [
          { first, last: gap - 1n },
          { first: gap + 1n, last },
        ]
  return ranges
    .filter((range) => range.first <= range.last)
    .map((range) => ({
      start: ipOfBigint(range.first, family),
      end: ipOfBigint(range.last, family),
    }))
}

/** Throws an ApiError for a pool that isn't one, isn't in the subnet, overlaps another, or holds the gateway. */
export function checkPools(cidr: Prefix, gateway: Ip | null, pools: readonly Pool[]): void {
  const ranges = pools.map((pool) => ({ ...rangeOf(pool), text: `${pool.start}-${pool.end}` }))
  for (const { start, end } of pools) {
    if (familyOf(start) !== familyOf(end) || bigintOfIp(start) > bigintOfIp(end)) {
      throw errors.badPool(start, end)
    }
    if (!isHostAddress(cidr, start) || !isHostAddress(cidr, end)) {
      throw errors.poolOutside(start, end, cidr)
    }
  }
  ranges.sort((a, b) => (a.first < b.first ? -1 : 1))
  for (const [i, range] of ranges.entries()) {
    const before = ranges[i - 1]
    if (before !== undefined && before.last >= range.first) {
      throw errors.poolsOverlap(before.text, range.text)
    }
    const n = gateway === null ? undefined : bigintOfIp(gateway)
    if (gateway !== null && n !== undefined && n >= range.first && n <= range.last) {
      if (familyOf(gateway) === prefixParts(cidr).family) {
        throw errors.gatewayInPool(gateway, range.text)
      }
    }
  }
}

/**
 * An address of the pools that isn't taken, or undefined when none is left. `used` is about how many of them are taken.
 *
 * Random, so that servers side by side seldom choose the same; from the beginning of the pools, so that addresses stay short.
 * The window is twice as large as what is used and more, so that every other look finds one. Each look is anywhere in it:
 * the beginning of the window is older and full, and whoever searches on from there searches long. Only a window in which
 * that many looks found none is searched through, then doubled.
 */
export function pickFree(
  pools: readonly Pool[],
  used: number,
  isTaken: (ip: Ip) => boolean,
  random: () => number = Math.random,
): Ip | undefined {
  const [{ start } = { start: undefined }] = pools
  if (start === undefined) return undefined
  const family = familyOf(start)
  const ranges = pools.map(rangeOf)
  const size = ranges.reduce((sum, { first, last }) => sum + last - first + 1n, 0n)
  const at = (n: number): Ip => ipOfBigint(nth(ranges, BigInt(n)), family)
  for (let wide = BigInt(WINDOW_MIN + 2 * used); ; wide *= 2n) {
    const window = Number(wide < size ? wide : size)
    for (let look = 0; look < LOOKS; look++) {
      const ip = at(Math.floor(random() * window))
      if (!isTaken(ip)) return ip
    }
    const from = Math.floor(random() * window)
    for (let i = 0; i < window; i++) {
      const ip = at((from + i) % window)
      if (!isTaken(ip)) return ip
    }
    if (wide >= size) return undefined
  }
}

const LOOKS = 16
const WINDOW_MIN = 256

function rangeOf({ start, end }: Pool): Range {
  return { first: bigintOfIp(start), last: bigintOfIp(end) }
}

function nth(ranges: readonly Range[], n: bigint): bigint {
  for (const { first, last } of ranges) {
    const size = last - first + 1n
    if (n < size) return first + n
    n -= size
  }
  throw new RangeError('beyond the pools')
}
