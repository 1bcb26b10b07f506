// What a year of history costs: at a start and a range of everything, kept in the archive or as entries of their own; in the
// transaction that leaves it; and to whoever writes while it is forgotten.

import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { openSqlite } from '@portward/store'
import type { Op, Store } from '@portward/store'
import { spreadOf } from './figures.ts'
import type { Result, Spread } from './figures.ts'
import { progress } from './lab.ts'

const LIVE = 10_000
const PAST = 1_000_000
const ROUNDS = 15
const TXNS = 500
const AT_ONCE = 1000
const VALUE = JSON.stringify('x'.repeat(498))
const LIMIT_TIMES = 2
const LIMIT_HELD_MS = 25

type Row = Readonly<Record<string, string | number>>

export async function archive(): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), 'portward-archive-'))
  try {
    const none = await starts(join(directory, 'none.db'), 'nowhere', undefined)
    const beside = await starts(join(directory, 'beside.db'), 'in the archive', pastArchived)
    const among = await starts(join(directory, 'among.db'), 'as entries', pastEntry)
    const { notes, held } = await writes(join(directory, 'beside.db'))
    const times = beside.median / none.median
    return {
      bench: `archive: a start and a range of everything, ${LIVE} live entries and ${PAST} of history`,
      rows: [none.row, beside.row, among.row],
      limits: [
        {
          what: `a start with ${PAST} archived takes ${times.toFixed(2)} times one with none`,
          limit: `${LIMIT_TIMES} times`,
          holds: times <= LIMIT_TIMES,
        },
        {
          what: `a piece of what is forgotten holds up others for ${held.median.toFixed(1)} ms`,
          limit: `${LIMIT_HELD_MS} ms`,
          holds: held.median <= LIMIT_HELD_MS,
        },
      ],
      notes,
    }
  } finally {
    await rm(directory, { recursive: true })
  }
}

function pastArchived(i: number): Op {
  return { type: 'archive', name: nameOf(i), at: i, value: VALUE }
}

function pastEntry(i: number): Op {
  return { type: 'put', key: `history/${nameOf(i)}/${i}`, value: VALUE }
}

function nameOf(i: number): string {
  return `ports/${i % LIVE}`
}

async function starts(file: string, kept: string, past: ((i: number) => Op) | undefined) {
  {
    await using store = await openSqlite({ file })
    await fill(store, LIVE, () => ({ type: 'put', key: `ports/${randomUUID()}`, value: VALUE }))
    if (past !== undefined) await fill(store, PAST, past)
  }
  const opened: number[] = []
  const ranged: number[] = []
  const both: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    progress(`history ${kept}: start ${round + 1} of ${ROUNDS}`)
    const start = performance.now()
    await using store = await openSqlite({ file })
    const open = performance.now()
    await store.range('')
    opened.push(open - start)
    ranged.push(performance.now() - open)
    both.push(performance.now() - start)
  }
  const row: Row = {
    history: kept,
    'file, MB': (await stat(file)).size / 1e6,
    'open, ms': spreadOf(opened).median,
    'range, ms': spreadOf(ranged).median,
    'both, ms': spreadOf(both).median,
    'were all of the file checked, ms': checkedWhole(file),
  }
  return { row, median: spreadOf(both).median }
}

async function fill(store: Store, count: number, op: (i: number) => Op): Promise<void> {
  for (let i = 0; i < count; i += AT_ONCE) {
    await store.txn(
      [],
      Array.from({ length: Math.min(AT_ONCE, count - i) }, (_, j) => op(i + j)),
    )
  }
}

function checkedWhole(file: string): number {
  using database = new DatabaseSync(file)
  const start = performance.now()
  database.prepare('PRAGMA quick_check').all()
  return performance.now() - start
}

/** Of a store that has all the history in its archive. */
async function writes(file: string) {
  await using store = await openSqlite({ file })
  const one: number[] = []
  const plain: number[] = []
  const archiving: number[] = []
  for (let i = 0; i < TXNS; i++) {
    progress(`transaction ${i + 1} of ${TXNS}`)
    const puts = Array.from(
      { length: 5 },
      (_, j): Op => ({ type: 'put', key: `written/${(i * 5 + j) % 1000}`, value: VALUE }),
    )
    one.push(await took(() => store.txn([], puts.slice(0, 1))))
    plain.push(await took(() => store.txn([], puts)))
    archiving.push(await took(() => store.txn([], [...puts, pastArchived(PAST + i)])))
  }
  const pages: number[] = []
  for (let i = 0; i < TXNS; i++) {
    pages.push(await took(() => store.archived({ name: nameOf(i), limit: 100 })))
  }
  const held: number[] = []
  const whole = await took(async () => {
    const forgetting = { done: false }
    const forgotten = store.forget(PAST / 10).finally(() => (forgetting.done = true))
    while (!forgetting.done) held.push(await took(() => setImmediate()))
    await forgotten
  })
  const heldUp = spreadOf(held)
  return {
    held: heldUp,
    notes: [
      `a transaction of one put: ${shown(spreadOf(one))}`,
      `a transaction of 5 puts: ${shown(spreadOf(plain))}`,
      `the same, and one archived: ${shown(spreadOf(archiving))}`,
      `100 of one name: ${shown(spreadOf(pages))}`,
      `${PAST / 10} of ${PAST} forgotten in ${(whole / 1000).toFixed(1)} s; others waited ${shown(heldUp)}`,
    ],
  }
}

async function took(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

function shown({ n, median, p95, max }: Spread): string {
  const [a, b, c] = [median, p95, max].map((ms) => ms.toFixed(2))
  return `median ${a}, p95 ${b}, max ${c} ms (n=${n})`
}
