// What was told so far, in order, and a way to wait for what has not been told yet.

export class Inbox<T> {
  #items: T[] = []
  readonly #waiting = new Set<(item: T) => void>()
  readonly #missing: (items: readonly T[], ms: number) => string

  /** `missing` words the error of an `until` in vain. */
  constructor(missing: (items: readonly T[], ms: number) => string) {
    this.#missing = missing
  }

  get items(): readonly T[] {
    return this.#items
  }

  put(item: T): void {
    this.#items.push(item)
    for (const look of this.#waiting) look(item)
  }

  /** Everything since the last call. */
  take(): readonly T[] {
    const items = this.#items
    this.#items = []
    return items
  }

  /** The first that fits, of those here or to come; throws when there is none within `ms`. */
  until(fits: (item: T) => boolean, ms: number): Promise<T> {
    const here = this.#items.find(fits)
    if (here !== undefined) return Promise.resolve(here)
    return new Promise((resolve, reject) => {
      const look = (item: T): void => {
        if (!fits(item)) return
        clearTimeout(timer)
        this.#waiting.delete(look)
        resolve(item)
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(look)
        reject(new Error(this.#missing(this.#items, ms)))
      }, ms)
      this.#waiting.add(look)
    })
  }
}
