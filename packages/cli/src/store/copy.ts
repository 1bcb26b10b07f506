// What a copy of a store holds: its head, then every entry that lasts, as all were at one revision, then the archive, from its
// oldest. What agents observe is left out: it is under their leases, and they say it again.

import type { Archived, Entry, Store } from '@portward/store'
import { ARCHIVED_MAX, isEntry, parseHostKey } from '@portward/store'
import { Complaint } from '../complaint.ts'
import { VERSION } from '../version.ts'

const FORMAT = 'portward copy 1'

export type Head = {
  readonly format: typeof FORMAT
  /** Of the program that made it, and when. */
  readonly version: string
  readonly at: string
  readonly entries: number
  readonly archived: number
}
export type Past = { readonly archived: Omit<Archived, 'id'> }
export type Line = Head | Entry | Past

/**
 * While somebody changes the store all the time, the archive may lack the changes that were made while the entries were
 * read; never does it tell of one that they don't show.
 */
export async function* copyOf(store: Store): AsyncGenerator<Line> {
  const { entries, newest } = await read(store)
  const pages = await pagesBefore(store, newest)
  const archived = pages.reduce((sum, { count }) => sum + count, newest.length)
  const lasting = entries.filter(({ key }) => !isObserved(key))
  const at = new Date().toISOString()
  yield { format: FORMAT, version: VERSION, at, entries: lasting.length, archived }
  yield* lasting
  for (const { before, last } of pages.toReversed()) {
    const page = await store.archived({ before, limit: ARCHIVED_MAX })
    // What was forgotten meanwhile has let later ones in, which are of another page.
    yield* page
      .filter(({ id }) => id >= last)
      .toReversed()
      .map(past)
  }
  yield* newest.toReversed().map(past)
}

/** All entries, and the newest of the archive: as of the same moment, unless somebody writes at each try. */
async function read(
  store: Store,
): Promise<{ readonly entries: readonly Entry[]; readonly newest: readonly Archived[] }> {
  for (let tries = 1; ; tries++) {
    const newest = await store.archived({ limit: ARCHIVED_MAX })
    const { entries } = await store.range('')
    const [now] = await store.archived({ limit: 1 })
    if (now?.id === newest[0]?.id || tries === 3) return { entries, newest }
  }
}

type Page = { readonly before: string; readonly last: string; readonly count: number }

/** Where the pages of the archive are, newest first, and not what is in them: it may be more than memory has. */
async function pagesBefore(store: Store, newest: readonly Archived[]): Promise<readonly Page[]> {
  const pages: Page[] = []
  let before = newest.at(-1)?.id
  while (before !== undefined) {
    const page = await store.archived({ before, limit: ARCHIVED_MAX })
    const last = page.at(-1)?.id
    if (last !== undefined) pages.push({ before, last, count: page.length })
    before = last
  }
  return pages
}

function past({ name, at, value }: Archived): Past {
  return { archived: { name, at, value } }
}

function isObserved(key: string): boolean {
  const kind = parseHostKey(key)?.kind
  return kind !== undefined && kind !== 'ports' && kind !== 'plugs'
}

export type Counts = {
  entries: number
  archived: number
  networks: number
  subnets: number
  ports: number
}

/** How far it has come: what is done, of how many. */
export type Progress = (done: number, all: number) => void

export function noCounts(): Counts {
  return { entries: 0, archived: 0, networks: 0, subnets: 0, ports: 0 }
}

/** Passes the lines on, once they are known to be a copy's, and counts them. Throws a Complaint at what is none. */
export async function* counted(
  lines: AsyncIterable<unknown>,
  counts: Counts,
  progress: Progress,
): AsyncGenerator<Line> {
  let head: Head | undefined
  for await (const line of lines) {
    if (head === undefined) {
      if (!isHead(line)) throw new Complaint('it is no copy that this version of portward knows')
      head = line
    } else if (isEntry(line)) {
      counts.entries++
      const [kind] = line.key.split('/')
      if (kind === 'networks' || kind === 'subnets' || kind === 'ports') counts[kind]++
    } else if (isPast(line)) {
      counts.archived++
    } else {
      throw new Complaint('the copy holds what this version of portward does not know')
    }
    progress(counts.entries + counts.archived, head.entries + head.archived)
    yield line
  }
  if (counts.entries === head?.entries) return
  throw new Complaint(
    `the copy has ${counts.entries} entries, and says ${head?.entries ?? 'nothing'}`,
  )
}

function isHead(value: unknown): value is Head {
  const { format, entries, archived } = membersOf(value)
  return format === FORMAT && Number.isSafeInteger(entries) && Number.isSafeInteger(archived)
}

export function isPast(value: unknown): value is Past {
  const { name, at, value: text } = membersOf(membersOf(value)['archived'])
  return typeof name === 'string' && Number.isSafeInteger(at) && typeof text === 'string'
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return Object(value) as Readonly<Record<string, unknown>>
}
