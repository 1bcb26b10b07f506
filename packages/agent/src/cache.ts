// What the store has declared for this host, kept in a file: with the store away, the agent goes on with it, across a restart
// of its own and of the host too. It is as of its revision. A port that was given an address meanwhile can't use it yet, and
// one that was deleted still speaks, until the store is back: what was right lately protects better than nothing does.

import type { Change, Entry, Revision } from '@portward/store'
import { isEntry, readSealed, writeSealed } from '@portward/store'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Log } from './log.ts'

const FORMAT = 'portward agent cache 1'
/** Before a write that nobody waits for: after a change, and as a multiple of the time that the last one took; and after one that failed. */
const PAUSE = { ms: 1000, rest: 20, failed: 60_000 }

/** The first line; the rest are entries. */
type Head = {
  readonly format: typeof FORMAT
  readonly host: string
  /** When it was written: what it holds was declared by then. */
  readonly at: string
  readonly revisions: Readonly<Record<string, Revision>>
}

/** All that was declared under a prefix, at one revision. */
type Part = { revision: Revision; readonly entries: Map<string, Entry> }

export type CacheOptions = {
  /** Made if there is none, and its directory. */
  readonly file: string
  readonly host: string
  readonly log: Log
}

/** One that is damaged, or another host's, is said in the log, and counts for nothing: never is a declaration guessed. */
export async function openCache(options: CacheOptions): Promise<Cache> {
  const { file, log } = options
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    return new Cache(options, await read(options))
  } catch (err) {
    if (!(err instanceof Error && 'code' in err && err.code === 'ENOENT')) {
      log.error({ err, file }, 'what was declared cannot be read from the cache: it is left out')
    }
    return new Cache(options, undefined)
  }
}

type Kept = { readonly at: string; readonly parts: ReadonlyMap<string, Part> }

async function read({ file, host }: CacheOptions): Promise<Kept> {
  const values: unknown[] = []
  for await (const value of readSealed(file)) values.push(value)
  const [head, ...entries] = values
  if (!isHead(head)) throw new Error(`${file}: is no cache that this version writes`)
  if (head.host !== host) throw new Error(`${file}: is the cache of ${head.host}, not of ${host}`)
  const parts = new Map<string, Part>()
  for (const [prefix, revision] of Object.entries(head.revisions)) {
    parts.set(prefix, { revision, entries: new Map() })
  }
  for (const entry of entries) {
    const part = isEntry(entry) ? partOf(parts, entry.key) : undefined
    if (!isEntry(entry) || part === undefined) throw new Error(`${file}: holds no declarations`)
    part.entries.set(entry.key, entry)
  }
  return { at: head.at, parts }
}

function isHead(value: unknown): value is Head {
  const { format, host, at, revisions } = Object(value) as Readonly<Record<string, unknown>>
  const known = format === FORMAT && typeof host === 'string' && typeof at === 'string'
  return known && Object.values(Object(revisions)).every(Number.isSafeInteger)
}

function partOf(parts: ReadonlyMap<string, Part>, key: string): Part | undefined {
  for (const [prefix, part] of parts) if (key.startsWith(prefix)) return part
  return undefined
}

export class Cache implements AsyncDisposable {
  readonly #options: CacheOptions
  /** From an earlier run. */
  readonly #kept: Kept | undefined
  /** What this run has heard; a prefix that it has not heard of yet is as it was kept. */
  readonly #parts: Map<string, Part>
  /** Prefixes for which this run goes by what was kept. */
  readonly #recalled = new Set<string>()
  #dirty = false
  #timer: NodeJS.Timeout | undefined
  #writing = Promise.resolve()
  #pause = PAUSE.ms
  #closed = false

  constructor(options: CacheOptions, kept: Kept | undefined) {
    this.#options = options
    this.#kept = kept
    this.#parts = new Map(kept?.parts)
  }

  /** What an earlier run kept of a prefix, for a run that does not hear from the store; undefined where it kept nothing. */
  recall(
    prefix: string,
  ): { readonly revision: Revision; readonly entries: readonly Entry[] } | undefined {
    const part = this.#kept?.parts.get(prefix)
    if (part === undefined) return undefined
    this.#recalled.add(prefix)
    return { revision: part.revision, entries: [...part.entries.values()] }
  }

  /** What is to be said while declarations are those of an earlier run. */
  get note(): string | undefined {
    if (this.#recalled.size === 0) return undefined
    return `the store is away: going on with what was declared at ${this.#kept?.at}`
  }

  /** The store has told all that there is under the prefix. */
  snapshot(prefix: string, entries: readonly Entry[], revision: Revision): void {
    this.#recalled.delete(prefix)
    this.#parts.set(prefix, { revision, entries: new Map(entries.map((one) => [one.key, one])) })
    this.#changed()
  }

  /** The store has told a change under a prefix of which it had told all. */
  change(prefix: string, { revision, events }: Change): void {
    const part = this.#parts.get(prefix)
    if (part === undefined) return
    part.revision = revision
    for (const event of events) {
      if (event.type === 'put') part.entries.set(event.entry.key, event.entry)
      else part.entries.delete(event.key)
    }
    this.#changed()
  }

  /** Writes now what is not written yet. Where that fails, the log says so. */
  async kept(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write())
    await this.#writing
  }

  /** Writes what is not written yet. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await this.kept()
  }

  #changed(): void {
    this.#dirty = true
    if (!this.#closed) this.#timer ??= setTimeout(() => void this.kept(), this.#pause)
  }

  /** When it fails, the file is as it was. */
  async #write(): Promise<void> {
    const { file, log } = this.#options
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (!this.#dirty) return
    this.#dirty = false
    const begun = performance.now()
    try {
      await writeSealed(file, this.#lines())
      this.#pause = Math.max(PAUSE.ms, (performance.now() - begun) * PAUSE.rest)
    } catch (err) {
      this.#pause = PAUSE.failed
      log.error(
        { err, file },
        'what is declared cannot be kept: a restart without the store would go on with what was kept before',
      )
      this.#changed()
    }
  }

  *#lines(): Generator<Head | Entry> {
    const { host } = this.#options
    const parts = [...this.#parts].map(([prefix, { revision, entries }]) => ({
      prefix,
      revision,
      entries: [...entries.values()],
    }))
    yield {
      format: FORMAT,
      host,
      at: new Date().toISOString(),
      revisions: Object.fromEntries(parts.map(({ prefix, revision }) => [prefix, revision])),
    }
    for (const { entries } of parts) yield* entries
  }
}
