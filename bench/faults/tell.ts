// The runs of a fault as a row of the table, with the windows behind it and the limits on it.

import type { Limit } from '../figures.ts'
import { spreadOf } from '../figures.ts'
import type { Window } from './account.ts'
import { framesIn } from './account.ts'
import type { Fault } from './fault.ts'
import type { Plugs } from './plug.ts'
import type { Run } from './run.ts'
import { RATE } from './run.ts'

/** To be added to what the switch takes until it has the port: with a thousand others, that is more than this. */
const PLUG_LIMIT_MS = 20

export type Told = {
  readonly row: Readonly<Record<string, string | number>>
  readonly notes: readonly string[]
  readonly limits: readonly Limit[]
}

type Named = Pick<Fault, 'name' | 'lossless' | 'opens'>

export function tell(fault: Named, runs: readonly Run[]): Told {
  return { row: rowOf(fault, runs), notes: notesOn(fault, runs), limits: limitsOf(fault, runs) }
}

/** `bare` is the same without a guard. */
export function tellPlugs(
  name: string,
  { times, spoofed, leaked, missed }: Plugs,
  bare: Plugs,
): Told {
  const { n, median, p95, max } = spreadOf(times)
  const floor = spreadOf(bare.times)
  return {
    row: {
      ...emptyRow,
      fault: name,
      rounds: n,
      spoofed,
      leaked,
      'recovered, median': finite(median),
      'recovered, max': finite(max),
      'frames/s': RATE,
    },
    notes: [
      `${name}, no guard: median ${floor.median.toFixed(1)} ms, p95 ${floor.p95.toFixed(1)} ms`,
    ],
    limits: [
      { what: `${name}: spoofed frames leaked: ${leaked}`, limit: '0', holds: leaked === 0 },
      {
        what: `${name}: plug to the first honest frame, median ${median.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms`,
        limit: `median ${PLUG_LIMIT_MS} ms more than without a guard`,
        holds: median - floor.median <= PLUG_LIMIT_MS,
      },
      {
        what: `${name}: frames that the capture missed: ${missed}`,
        limit: '0',
        holds: missed === 0,
      },
    ],
  }
}

/** A fault that could not be run to its end, and why. */
export function tellFailed({ name }: Named, why: unknown): Told {
  const text = why instanceof Error ? why.message : String(why)
  return {
    row: { ...emptyRow, fault: name, rounds: 0 },
    notes: [`${name}: ${text.split('\n')[0]}`],
    limits: [{ what: name, limit: 'it runs', holds: false }],
  }
}

const emptyRow = {
  fault: '',
  rounds: 0,
  spoofed: '-',
  leaked: '-',
  stale: '-',
  honest: '-',
  lost: '-',
  unread: '-',
  'recovered, median': '-',
  'recovered, max': '-',
  'frames/s': '-',
} as const

function rowOf({ name }: Named, runs: readonly Run[]) {
  const sum = (of: (run: Run) => number): number =>
    runs.reduce((total, each) => total + of(each), 0)
  const recovery = spreadOf(runs.map(({ recoveredMs }) => recoveredMs))
  return {
    fault: name,
    rounds: runs.length,
    spoofed: sum(({ spoofed }) => spoofed),
    leaked: sum(({ leaked }) => framesIn(leaked)),
    stale: sum(({ stale }) => framesIn(stale)),
    honest: sum(({ honest }) => honest),
    lost: sum(({ lost }) => framesIn(lost)),
    unread: sum(({ unread }) => unread),
    'recovered, median': finite(recovery.median),
    'recovered, max': finite(recovery.max),
    'frames/s': Math.min(...runs.map(({ rate }) => rate)),
  }
}

function finite(ms: number): number | string {
  return Number.isFinite(ms) ? ms : 'never'
}

function notesOn({ name }: Named, runs: readonly Run[]): readonly string[] {
  return runs.flatMap(({ lost, leaked, stale, kinds }, i) => {
    const round = `${name}, round ${i + 1}`
    const which = Object.entries(kinds).map(([kind, n]) => `${n} of ${kind}`)
    return [
      ...(leaked.length > 0 ? [`${round}: leaked ${shown(leaked)}: ${which.join(', ')}`] : []),
      ...(stale.length > 0 ? [`${round}: stale ${shown(stale)}: ${which.join(', ')}`] : []),
      ...(lost.length > 0 ? [`${round}: lost ${shown(lost)}`] : []),
    ]
  })
}

const WINDOWS_SHOWN = 5

function shown(windows: readonly Window[]): string {
  const first = windows.slice(0, WINDOWS_SHOWN)
  const texts = first.map(
    ({ from, to, frames }) => `${frames} at ${from.toFixed(0)}..${to.toFixed(0)}`,
  )
  const more = windows.length - first.length
  return [...texts, ...(more > 0 ? [`and in ${more} more windows`] : [])].join(', ')
}

function limitsOf(fault: Named, runs: readonly Run[]): readonly Limit[] {
  const { name, lossless } = fault
  const sum = (of: (run: Run) => number): number =>
    runs.reduce((total, each) => total + of(each), 0)
  const leaked = sum((each) => framesIn(each.leaked))
  const lost = sum(lostByFlows)
  const again = runs.every(({ recoveredMs }) => Number.isFinite(recoveredMs))
  const closed = runs.every(({ closed: each }) => each)
  return [
    guarding(fault, leaked, closed),
    lossless
      ? { what: `${name}: honest frames lost to flows: ${lost}`, limit: '0', holds: lost === 0 }
      : { what: `${name}: honest frames pass again`, limit: 'yes', holds: again },
  ]
}

function guarding({ name, opens }: Named, leaked: number, closed: boolean): Limit {
  const what = `${name}: spoofed frames leaked: ${leaked}`
  if (opens === undefined) return { what, limit: '0', holds: leaked === 0 }
  return opens === 'may'
    ? { what: `${name}: the hole is closed again`, limit: 'yes', holds: closed }
    : { what: `${what}, and then no more`, limit: 'some', holds: leaked > 0 && closed }
}

/** Of what the switch did not read, every other frame was honest, give or take one a window. */
function lostByFlows({ lost, unread }: Run): number {
  const frames = framesIn(lost)
  return unread > 0 ? Math.max(0, frames - Math.ceil(unread / 2) - lost.length) : frames
}
