// Whether prefixes overlap, of many at once: a list of thousands in one request must not hold up everybody else. Of two that
// overlap one holds the other; in order of their first addresses, what a prefix holds comes right beside it. So each need be
// compared with the next alone.

import { bytesOfIp, overlaps, prefixParts } from '@portward/addr'
import type { Prefix } from '@portward/addr'

/** Two that overlap, in the order in which they were given. */
export function overlapping<T extends { readonly cidr: Prefix }>(
  all: readonly T[],
): readonly [T, T] | undefined {
  const sorted = all
    .map((one, at) => ({ one, at, key: keyOf(one.cidr) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
  for (const [i, b] of sorted.entries()) {
    const a = sorted[i - 1]
    if (a === undefined || !overlaps(a.one.cidr, b.one.cidr)) continue
    return a.at < b.at ? [a.one, b.one] : [b.one, a.one]
  }
  return undefined
}

/** As texts these are in that order; the families are apart. */
function keyOf(prefix: Prefix): string {
  const { ip, family } = prefixParts(prefix)
  return `${family} ${Buffer.from(bytesOfIp(ip)).toString('hex')}`
}
