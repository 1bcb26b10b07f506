// Records of one kind as the store has them, in memory: by id, in the order of their ids, and by whatever else is asked for.

import type { Entry, RecordCodec, Revision } from '@portward/store'

export type Stored<R> = { readonly record: R; readonly modified: Revision }

/** Ids by a key that several records may share. */
export type Index = {
  of(key: string): ReadonlySet<string>
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

class SharedKey<R> implements Index {
  readonly #keysOf: (record: R, id: string) => readonly string[]
  /** Most keys have one id; a set for each of those would take as much memory as the records. */
  readonly #ids = new Map<string, string | Set<string>>()

  constructor(keysOf: (record: R, id: string) => readonly string[]) {
    this.#keysOf = keysOf
  }

  of(key: string): ReadonlySet<string> {
    const ids = this.#ids.get(key)
    if (ids === undefined) return none
    return typeof ids === 'string' ? new Set([ids]) : ids
  }

  move(id: string, before: R | undefined, after: R | undefined): void {
    if (before !== undefined) for (const key of this.#keysOf(before, id)) this.#remove(key, id)
    if (after !== undefined) for (const key of this.#keysOf(after, id)) this.#add(key, id)
  }

  clear(): void {
    this.#ids.clear()
  }

  #add(key: string, id: string): void {
    const ids = this.#ids.get(key)
    if (ids === undefined) this.#ids.set(key, id)
    else if (typeof ids !== 'string') ids.add(id)
    else if (ids !== id) this.#ids.set(key, new Set([ids, id]))
  }

  #remove(key: string, id: string): void {
    const ids = this.#ids.get(key)
    if (ids === id) this.#ids.delete(key)
    if (ids === undefined || typeof ids === 'string') return
    ids.delete(id)
    if (ids.size === 0) this.#ids.delete(key)
  }
}

const none: ReadonlySet<string> = new Set()
