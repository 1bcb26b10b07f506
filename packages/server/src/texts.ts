// Schemas of addresses as text: they take what @portward/addr reads, no more and no less. Their titles are their names in the
// API's description.

import { Type } from 'typebox'

const octet = String.raw`(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)`
const ipv4 = String.raw`${octet}(?:\.${octet}){3}`
const ipv6 = ipv6Pattern()
const cidr4 = String.raw`${ipv4}/(?:3[0-2]|[12]?\d)`
const cidr6 = String.raw`${ipv6}/(?:12[0-8]|1[01]\d|[1-9]?\d)`
const pair = '[0-9a-fA-F]{2}'

export const ipText = Type.String({
  title: 'Ip',
  description: 'An IPv4 or IPv6 address.',
  pattern: whole(`${ipv4}|${ipv6}`),
})
export const cidrText = Type.String({
  title: 'Cidr',
  description: 'A prefix: an address and a length, such as 10.0.0.0/24.',
  pattern: whole(`${cidr4}|${cidr6}`),
})
export const ipOrCidrText = Type.String({
  title: 'IpOrCidr',
  description: 'An address, or a prefix.',
  pattern: whole(`${ipv4}|${ipv6}|${cidr4}|${cidr6}`),
})

/** Any but that of nobody. */
export const macText = Type.String({
  title: 'AnyMac',
  description: 'A MAC address in any spelling.',
  pattern: macPattern(pair),
})
/** Likewise, without the group bit. */
export const unicastMacText = Type.String({
  title: 'AnyUnicastMac',
  description: 'The MAC address of a station, in any spelling.',
  pattern: macPattern('[0-9a-fA-F][02468aceACE]'),
})
export const canonicalMacText = Type.String({
  title: 'Mac',
  description: 'A MAC address: six lower-case pairs joined by colons.',
  pattern: whole('[0-9a-f]{2}(?::[0-9a-f]{2}){5}'),
})

/** An integer as Python's int() reads it. */
export const decimalText = Type.String({
  description: 'The same as decimal text.',
  pattern: whole(String.raw`\s*[+-]?\d+\s*`),
})

/** One of the words, in either case, with what may stand before and after it. */
export function wordText(
  words: Iterable<string>,
  before = String.raw`\s*`,
  after = before,
): ReturnType<typeof Type.String> {
  const either = [...words].map((word) =>
    word.replaceAll(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`),
  )
  return Type.String({ pattern: whole(`${before}(?:${either.join('|')})${after}`) })
}

/** RFC 3986, section 3.2.2: its rule IPv6address. */
function ipv6Pattern(): string {
  const group = '[0-9a-fA-F]{1,4}'
  const last = `(?:${group}:${group}|${ipv4})`
  const before = (most: number): string =>
    most === 0 ? '' : `(?:(?:${group}:){0,${most - 1}}${group})?`
  const gaps = [5, 4, 3, 2, 1, 0].map((after, i) => `${before(i)}::(?:${group}:){${after}}${last}`)
  return `(?:${[`(?:${group}:){6}${last}`, ...gaps, `${before(6)}::${group}`, `${before(7)}::`].join('|')})`
}

function macPattern(first: string): string {
  const rest = `(?::${pair}){5}|(?:-${pair}){5}|(?:${pair}){5}`
  return `^(?!(?:00[:-]?){6}$)${first}(?:${rest})$`
}

function whole(pattern: string): string {
  return `^(?:${pattern})$`
}
