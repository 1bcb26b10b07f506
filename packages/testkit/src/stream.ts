// Streams of numbered frames from a guest's device, and which of them came to another's: what is lost, or let through for a
// moment, shows as a few numbers and their times. Python does both (stream.py): Node has no packet sockets.

import { join } from 'node:path'
import { startDaemon } from './daemon.ts'
import type { Enclosure } from './enclosure.ts'

/** Times are milliseconds of `performance.now()`. */
export type Emitted = {
  /** What was sent together, and when: numbers from `first` up to the next batch's. */
  readonly batches: readonly { readonly first: number; readonly at: number }[]
  readonly sent: number
  /** Of them, how many the device did not take. */
  readonly refused: number
}

export type Arrival = { readonly stream: number; readonly number: number; readonly at: number }

export type Counted = {
  readonly arrivals: readonly Arrival[]
  /** Frames that the capture had no room for. */
  readonly missed: number
}

export type Stream<Told> = AsyncDisposable & {
  /** Ends it, and gives what it has to tell. */
  readonly stop: () => Promise<Told>
}

/** Where it happens: `pid` is a process in the network namespace of the device, such as a guest's. */
export type Place = { readonly enclosure: Enclosure; readonly pid: number; readonly device: string }

/**
 * So many frames a second, the templates in turn: the frame with number N is of template N modulo their count. `stream` (0-255)
 * tells this one's frames from those of others.
 */
export async function emit(
  place: Place,
  templates: readonly Uint8Array[],
  { rate, stream }: { readonly rate: number; readonly stream: number },
): Promise<Stream<Emitted>> {
  const marked = templates.map((frame) => numbered(frame, stream))
  const text = marked.map((frame) => `${frame.toString('hex')}\n`).join('')
  const program = await start(place, ['emit', place.device, String(rate)], `${text}\n`)
  return {
    ...program,
    async stop() {
      const { batches, sent, refused }: EmitterTold = JSON.parse(await program.stop())
      return {
        batches: batches.map(([first, at]) => ({ first, at: millisecondsOf(at) })),
        sent,
        refused,
      }
    },
  }
}

/** Every frame of any stream that comes to the device. Answers when none can be missed any more. */
export async function count(place: Place): Promise<Stream<Counted>> {
  const program = await start(place, ['count', place.device])
  return {
    ...program,
    async stop() {
      const { frames, missed }: CounterTold = JSON.parse(await program.stop())
      const arrivals = frames.map(([stream, number, at]) => ({
        stream,
        number,
        at: millisecondsOf(at),
      }))
      return { arrivals, missed }
    },
  }
}

type EmitterTold = {
  readonly batches: readonly [number, number][]
  readonly sent: number
  readonly refused: number
}
type CounterTold = {
  readonly frames: readonly [number, number, number][]
  readonly missed: number
}

const PYTHON = ['/usr/bin/python3', '-I', '-S', join(import.meta.dirname, 'stream.py')]
const SIZE_MIN = 60
const MARK = Buffer.from('pws')
const NUMBER_SIZE = 4

/** With the trailer behind it by which stream.py knows it; a receiver takes that for padding. */
function numbered(frame: Uint8Array, stream: number): Buffer {
  const trailer = Buffer.concat([MARK, Buffer.from([stream]), Buffer.alloc(NUMBER_SIZE)])
  const padding = Buffer.alloc(Math.max(0, SIZE_MIN - trailer.length - frame.length))
  return Buffer.concat([frame, padding, trailer])
}

/** CLOCK_MONOTONIC is what Node's clock counts too, from another beginning. */
function millisecondsOf(seconds: number): number {
  return seconds * 1000 - BEGINNING
}
const BEGINNING = Number(process.hrtime.bigint()) / 1e6 - performance.now()

/** What it has to tell is a line. */
async function start(
  { enclosure, pid }: Place,
  args: readonly string[],
  input = '',
): Promise<Stream<string>> {
  const ready = Promise.withResolvers<void>()
  let told = ''
  const heard = (line: string): void => {
    if (line === 'ready') ready.resolve()
    else told = line
  }
  const program = await startDaemon(enclosure, [...PYTHON, ...args], { netOf: pid, heard })
  const over = program.ended.then(() => {
    throw new Error(`${args.join(' ')} ended: ${program.said().trim()}`)
  })
  over.catch(() => {}) // later on, it was asked to
  program.stdin.write(input)
  await Promise.race([ready.promise, over])
  const finish = async (): Promise<void> => {
    program.stdin.end()
    await program.ended
  }
  return {
    async stop() {
      await finish()
      if (told === '') throw new Error(`${args.join(' ')} told nothing: ${program.said().trim()}`)
      return told
    },
    [Symbol.asyncDispose]: finish,
  }
}
