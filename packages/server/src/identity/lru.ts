// A map of so many entries and no more: what was not asked for the longest makes room.

export class Lru<V> {
  readonly #size: number
  readonly #entries = new Map<string, V>() // in the order in which they were asked for

  constructor(size: number) {
    this.#size = size
  }

  get(key: string): V | undefined {
    const value = this.#entries.get(key)
    if (value !== undefined) this.set(key, value)
    return value
  }

  set(key: string, value: V): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    const [oldest] = this.#entries.size > this.#size ? this.#entries.keys() : []
    if (oldest !== undefined) this.#entries.delete(oldest)
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }
}
