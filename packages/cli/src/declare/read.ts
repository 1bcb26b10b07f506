// How values of a declaration are read: each reader takes what is written, says what is wrong with it, and gives the one form
// in which what is declared and what the server shows are compared.

import { parseIp, parseMac, parsePrefix } from '@portward/addr'
import type { Say, Tree } from './tree.ts'
import { plainOf, treeOf } from './tree.ts'

/** Undefined: it cannot be taken, and `say` was told why. */
export type Read<T> = (tree: Tree, say: Say) => T | undefined

export type Fields = Readonly<Record<string, Read<unknown>>>

/** What was written, and where each of it stands. */
export type Filled = {
  readonly values: Readonly<Record<string, unknown>>
  readonly places: Readonly<Record<string, string>>
}

const TEXT_MAX = 255

/** `convert` throws, or gives undefined, for what is not wanted. */
export function scalar<T>(wanted: string, convert: (value: unknown) => T | undefined): Read<T> {
  return (tree, say) => {
    const value = tree.type === 'scalar' ? attempt(() => convert(tree.value)) : undefined
    if (value === undefined) say(tree.at, `wanted ${wanted}, got ${shown(plainOf(tree))}`)
    return value
  }
}

export function list<T>(item: Read<T>, wanted: string): Read<readonly T[]> {
  return (tree, say) => {
    if (tree.type !== 'list') {
      say(tree.at, `wanted a list of ${wanted}, got ${shown(plainOf(tree))}`)
      return undefined
    }
    const items = tree.items.map((one) => item(one, say))
    const good = items.filter((one) => one !== undefined)
    return good.length === items.length ? good : undefined
  }
}

/** The members of a map that has no others than these. */
export function fill(
  tree: Tree,
  noun: string,
  fields: Fields,
  say: Say,
  required: readonly string[] = [],
): Filled | undefined {
  if (tree.type !== 'map') {
    say(
      tree.at,
      `wanted ${noun} as a map (${Object.keys(fields).slice(0, 3).join(', ')}, …), got ${shown(plainOf(tree))}`,
    )
    return undefined
  }
  const values: Record<string, unknown> = {}
  const places: Record<string, string> = {}
  let good = true
  for (const { key, at, value } of tree.entries) {
    const read = Object.hasOwn(fields, key) ? fields[key] : undefined
    if (read === undefined) {
      good = false
      say(at, `${noun} has no '${key}': ${instead(key, Object.keys(fields))}`)
      continue
    }
    const got = read(value, say)
    if (got === undefined) good = false
    else values[key] = got
    places[key] = at
  }
  for (const name of required.filter((one) => !Object.hasOwn(places, one))) {
    good = false
    say(tree.at, `${noun} needs '${name}'`)
  }
  return good ? { values, places } : undefined
}

export function object(noun: string, fields: Fields, required: readonly string[]): Read<object> {
  return (tree, say) => fill(tree, noun, fields, say, required)?.values
}

/** A short form in place of a map. */
export function either<A, B>(short: Read<A>, long: Read<B>): Read<A | B> {
  return (tree, say) => (tree.type === 'map' ? long(tree, say) : short(tree, say))
}

export function nullable<T>(read: Read<T>): Read<T | null> {
  return (tree, say) => (tree.type === 'scalar' && tree.value === null ? null : read(tree, say))
}

export const text = scalar(`text of at most ${TEXT_MAX} characters`, (value) =>
  typeof value === 'string' && value.length <= TEXT_MAX ? value : undefined,
)
export const name = scalar('a name; put one of digits, or such as true, in quotes', (value) =>
  typeof value === 'string' && value !== '' && value.length <= TEXT_MAX ? value : undefined,
)
export const boolean = scalar('true or false', (value) =>
  typeof value === 'boolean' ? value : undefined,
)
export const ip = scalar('an IPv4 or IPv6 address', (value) => parseIp(textIn(value)))
export const mac = scalar('a MAC address such as fa:16:3e:00:00:10', (value) => {
  const parsed = parseMac(textIn(value))
  return parsed === '00:00:00:00:00:00' ? undefined : parsed
})
export const cidr = scalar('a CIDR such as 10.0.0.0/24', (value) =>
  textIn(value).includes('/') ? parsePrefix(textIn(value)) : undefined,
)
/** An address or a CIDR, as it is written: that is how the API shows it. */
export const range = scalar('an address, or a CIDR whose host bits are zero', (value) => {
  const written = textIn(value)
  const [address = ''] = parsePrefix(written).split('/')
  return parseIp(written.replace(/\/.*/s, '')) === address ? written : undefined
})

export function integer(minimum: number, maximum: number): Read<number> {
  return scalar(`an integer from ${minimum} to ${maximum}`, (value) =>
    Number.isInteger(value) && Number(value) >= minimum && Number(value) <= maximum
      ? Number(value)
      : undefined,
  )
}

export function oneOf(...words: readonly string[]): Read<string> {
  return scalar(`one of ${words.join(', ')}`, (value) => words.find((word) => word === value))
}

/** Any map, with its keys in order. */
export const dict: Read<object> = (tree, say) => {
  if (tree.type === 'map') return Object(sorted(plainOf(tree))) as object
  say(tree.at, `wanted a map, got ${shown(plainOf(tree))}`)
  return undefined
}

/** What the API shows, in the one form; as it is, where it is no value of that kind. */
export function formOf(read: Read<unknown> | undefined, shown: unknown): unknown {
  return read?.(treeOf(shown), () => {}) ?? shown
}

/** A value as a person wrote it, cut where it gets long. */
function shown(value: unknown): string {
  const written = value === null ? 'nothing' : JSON.stringify(value)
  return written.length <= 60 ? written : `${written.slice(0, 60)}…`
}

function instead(key: string, known: readonly string[]): string {
  const [nearest] = known
    .map((one) => ({ one, far: distance(key, one) }))
    .filter(({ one, far }) => far <= Math.max(2, one.length / 3))
    .sort((a, b) => a.far - b.far)
  return nearest === undefined ? `it has ${known.join(', ')}` : `is ${nearest.one} meant?`
}

/** How many letters are to be put in, left out or changed (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j++) {
      const changed = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1)
      next.push(Math.min(changed, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, of]): [string, unknown] => [key, sorted(of)])
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

function textIn(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('no text')
  return value
}

function attempt<T>(convert: () => T): T | undefined {
  try {
    return convert()
  } catch {
    return undefined
  }
}
