// What became of every frame of a run: how many were lost or leaked, and when.

import type { Counted, Emitted } from '@portward/testkit'
import type { Kind } from './frames.ts'

/** Milliseconds after the fault; before it, negative. */
export type Window = { readonly from: number; readonly to: number; readonly frames: number }

export type Account = {
  readonly honest: number
  readonly lost: readonly Window[]
  readonly spoofed: number
  readonly leaked: readonly Window[]
  readonly stale: readonly Window[]
  /** Whether nothing leaked in the end. */
  readonly closed: boolean
  /** Of the kinds that leaked or were stale, how many each. */
  readonly kinds: Readonly<Record<string, number>>
  /** From the fault to the last honest frame that was lost; 0 where none was, infinite where none came after it. */
  readonly recoveredMs: number
  /** Frames a second. */
  readonly rate: number
}

/** What lies closer together is one window. */
const APART_MS = 50
/** Before the end of the stream. */
const CLOSED_MS = 200

/** Of each stream what was sent, and what its templates were. */
export type Spoken = { readonly emitted: Emitted; readonly kinds: readonly Kind[] }

export function accountOf(spoken: readonly Spoken[], counted: Counted, struckAt: number): Account {
  const came = spoken.map(() => new Set<number>())
  for (const { stream, number } of counted.arrivals) came[stream]?.add(number)
  const sent = spoken.flatMap(({ emitted, kinds }, stream) =>
    [...sentOf(emitted)].flatMap(({ number, at }) => {
      const kind = kinds[number % kinds.length]
      if (kind === undefined) return []
      const ms = at - struckAt
      const nature = ms < 0 ? kind.nature : (kind.after ?? kind.nature)
      return [{ ms, nature, name: kind.name, arrived: came[stream]?.has(number) === true }]
    }),
  )
  sent.sort((a, b) => a.ms - b.ms)
  const honest = sent.filter(({ nature }) => nature === 'honest')
  const guarded = sent.filter(({ nature }) => nature !== 'honest')
  const passed = guarded.filter(({ arrived }) => arrived)
  const lost = honest.filter(({ arrived }) => !arrived)
  const last = sent.at(-1)?.ms ?? 0
  const lastArrived = honest.findLast(({ arrived }) => arrived)
  return {
    honest: honest.length,
    lost: windowsOf(lost),
    spoofed: guarded.length,
    leaked: windowsOf(passed.filter(({ nature }) => nature === 'spoofed')),
    stale: windowsOf(passed.filter(({ nature }) => nature === 'stale')),
    closed: !passed.some(({ ms }) => ms > last - CLOSED_MS),
    kinds: Object.fromEntries(
      [...Map.groupBy(passed, ({ name }) => name)].map(([name, frames]) => [name, frames.length]),
    ),
    recoveredMs: recovery(lost.at(-1)?.ms, lastArrived?.ms),
    rate: Math.min(...spoken.map(({ emitted }) => rateOf(emitted))),
  }
}

function rateOf({ batches, sent }: Emitted): number {
  const [first, last] = [batches[0]?.at ?? 0, batches.at(-1)?.at ?? 0]
  return (sent / (last - first)) * 1000
}

function* sentOf({ batches, sent }: Emitted): Generator<{ number: number; at: number }> {
  for (const [i, { first, at }] of batches.entries()) {
    const next = batches[i + 1]?.first ?? sent
    for (let number = first; number < next; number++) yield { number, at }
  }
}

function recovery(lastLost: number | undefined, lastArrived = Number.NEGATIVE_INFINITY): number {
  if (lastLost === undefined) return 0
  return lastArrived > lastLost ? lastLost : Number.POSITIVE_INFINITY
}

/** Of frames in order of time. */
function windowsOf(frames: readonly { readonly ms: number }[]): readonly Window[] {
  const windows: { from: number; to: number; frames: number }[] = []
  for (const { ms } of frames) {
    const open = windows.at(-1)
    if (open !== undefined && ms - open.to <= APART_MS) {
      open.to = ms
      open.frames++
    } else {
      windows.push({ from: ms, to: ms, frames: 1 })
    }
  }
  return windows
}

export function framesIn(windows: readonly Window[]): number {
  return windows.reduce((sum, { frames }) => sum + frames, 0)
}
