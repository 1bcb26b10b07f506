// Where in etcd what stands, all below one prefix:
//
//   s/KEY               the state
//   s/ sync             written to make a revision that every watch of the state reaches; no key has a space
//   a/t/NEWEST-FIRST    what was archived
//   a/n/NAME/…          the same by name, without the value
//   a/o/AT/…            the same by its time, with the name: to forget it
//
// An archived id is digits alone. In keys each digit is what it lacks to 9, so that the newest comes first: etcd gives the first of
// a range at no cost, and the last only after it has read all.

import { endOf } from '../limits.ts'

export type Names = ReturnType<typeof namesBelow>

export function namesBelow(prefix: string) {
  const state = `${prefix}s/`
  const archive = `${prefix}a/`
  return {
    state: (key: string) => Buffer.from(state + key),
    stateEnd: (key: string) => Buffer.from(endOf(state + key)),
    /** Of the entry with this name in etcd. */
    keyOf: (name: Buffer) => name.toString('latin1').slice(state.length),
    sync: Buffer.from(`${state}${SYNC}`),
    archived: (id: string) => Buffer.from(`${archive}t/${inverted(id)}`),
    archivedNamed: (name: string, id: string) =>
      Buffer.from(`${archive}n/${encodeURIComponent(name)}/${inverted(id)}`),
    archivedAt: (at: number, id: string) => Buffer.from(`${archive}o/${timed(at)}/${inverted(id)}`),
    /** Ends all of them, and all of a name. */
    archivedEnd: Buffer.from(endOf(`${archive}t/`)),
    archivedNamedEnd: (name: string) =>
      Buffer.from(endOf(`${archive}n/${encodeURIComponent(name)}/`)),
    all: { key: Buffer.from(prefix), end: Buffer.from(endOf(prefix)) },
    /** The id that such a key ends with. */
    idOf: (name: Buffer) => inverted(name.toString('latin1').split('/').at(-1) ?? ''),
  }
}

export const SYNC = ' sync'

/** How many digits an id has: 15 of its writer's clock in ms, 6 that count, 9 of the writer. */
const ID = /^\d{30}$/

export function isId(text: string): boolean {
  return ID.test(text)
}

/** Makes ids that grow, however the clock is set. */
export class Ids {
  readonly #writer = String(Math.floor(Math.random() * 1e9)).padStart(9, '0')
  #ms = 0
  #count = 0

  next(now: number): string {
    if (now > this.#ms) [this.#ms, this.#count] = [now, 0]
    else if (++this.#count === 1e6) [this.#ms, this.#count] = [this.#ms + 1, 0]
    const [ms, count] = [String(this.#ms), String(this.#count)]
    return `${ms.padStart(15, '0')}${count.padStart(6, '0')}${this.#writer}`
  }
}

function inverted(digits: string): string {
  return digits.replaceAll(/\d/g, (digit) => String(9 - Number(digit)))
}

function timed(at: number): string {
  return String(at).padStart(16, '0')
}
