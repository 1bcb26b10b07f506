// Records of one kind as the store has them, in memory: by id, in the order of their ids, and by whatever else is asked for.

import type { Entry, RecordCodec, Revision } from '@portward/store'

export type Stored<R> = { readonly record: R; readonly modified: Revision }

/** Ids by a key that several records may share. */
export type Index = {
  of(key: string): ReadonlySet<string>
  /** The same, sorted. O(1) where it was asked before: it is kept so from then on. */
  inOrder(key: string): readonly string[]
}

export class Table<R> {
  readonly #codec: RecordCodec<R>
  readonly #rows = new Map<string, Stored<R>>()
  readonly #indexes: SharedKey<R>[] = []
  #ids: string[] = []

  constructor(codec: RecordCodec<R>) {
    this.#codec = codec
  }

  get size(): number {
    return this.#rows.size
  }

  /** Every id, in order. */
  get ids(): readonly string[] {
    return this.#ids
  }

  get(id: string): Stored<R> | undefined {
    return this.#rows.get(id)
  }

  /** In the order of their ids. */
  *records(): IterableIterator<R> {
    for (const id of this.#ids) {
      const row = this.#rows.get(id)
      if (row !== undefined) yield row.record
    }
  }

  /** An index that follows every later change. To be made while the table is empty. */
  indexBy(keysOf: (record: R, id: string) => readonly string[]): Index {
    const index = new SharedKey(keysOf)
    this.#indexes.push(index)
    return index
  }

  /** Throws what the codec throws; the table then still has the old record. */
  put(id: string, entry: Entry): void {
    const record = this.#codec.decode(entry)
    const before = this.#rows.get(id)?.record
    if (before === undefined) this.#ids.splice(placeOf(this.#ids, id), 0, id)
    this.#rows.set(id, { record, modified: entry.modified })
    for (const index of this.#indexes) index.move(id, before, record)
  }

  delete(id: string): void {
    const before = this.#rows.get(id)?.record
    if (before === undefined) return
    this.#rows.delete(id)
    this.#ids.splice(placeOf(this.#ids, id), 1)
    for (const index of this.#indexes) index.move(id, before, undefined)
  }

  clear(): void {
    this.#rows.clear()
    this.#ids = []
    for (const index of this.#indexes) index.clear()
  }
}

/** What is in one of the sorted lists, each once, sorted. */
export function union(lists: readonly (readonly string[])[]): readonly string[] {
  const [first = [], ...others] = lists
  return others.length === 0 ? first : inOrder(lists.flat())
}

/** Each once, sorted. */
export function inOrder(ids: Iterable<string>): readonly string[] {
  return [...new Set(ids)].sort()
}

/** Where the id stands among sorted ids, or belongs. */
export function placeOf(ids: readonly string[], id: string): number {
  let low = 0
  let high = ids.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ids[middle] ?? '') < id) low = middle + 1
    else high = middle
  }
  return low
}

/** Fewer are sorted as quickly as found. */
const MANY = 64

class SharedKey<R> implements Index {
  readonly #keysOf: (record: R, id: string) => readonly string[]
  /** Most keys have one id; a set for each of those would take as much memory as the records. */
  readonly #ids = new Map<string, string | Set<string>>()
  /** Of keys with many ids that somebody has asked for in order. */
  readonly #sorted = new Map<string, string[]>()

  constructor(keysOf: (record: R, id: string) => readonly string[]) {
    this.#keysOf = keysOf
  }

  of(key: string): ReadonlySet<string> {
    const ids = this.#ids.get(key)
    if (ids === undefined) return none
    return typeof ids === 'string' ? new Set([ids]) : ids
  }

  inOrder(key: string): readonly string[] {
    const there = this.#sorted.get(key)
    if (there !== undefined) return there
    const ids = [...this.of(key)].sort()
    if (ids.length >= MANY) this.#sorted.set(key, ids)
    return ids
  }

  move(id: string, before: R | undefined, after: R | undefined): void {
    const had = before === undefined ? [] : this.#keysOf(before, id)
    const has = after === undefined ? [] : this.#keysOf(after, id)
    for (const key of had) if (!has.includes(key)) this.#remove(key, id)
    for (const key of has) if (!had.includes(key)) this.#add(key, id)
  }

  clear(): void {
    this.#ids.clear()
    this.#sorted.clear()
  }

  #add(key: string, id: string): void {
    const sorted = this.#sorted.get(key)
    sorted?.splice(placeOf(sorted, id), 0, id)
    const ids = this.#ids.get(key)
    if (ids === undefined) this.#ids.set(key, id)
    else if (typeof ids !== 'string') ids.add(id)
    else if (ids !== id) this.#ids.set(key, new Set([ids, id]))
  }

  #remove(key: string, id: string): void {
    const sorted = this.#sorted.get(key)
    sorted?.splice(placeOf(sorted, id), 1)
    if (sorted?.length === 0) this.#sorted.delete(key)
    const ids = this.#ids.get(key)
    if (ids === id) this.#ids.delete(key)
    if (ids === undefined || typeof ids === 'string') return
    ids.delete(id)
    if (ids.size === 0) this.#ids.delete(key)
  }
}

const none: ReadonlySet<string> = new Set()
