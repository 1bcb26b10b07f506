// Reads files, and reads them again when they are no longer what they were. It looks at them, over and over: that sees a file
// put in another's place, a link that leads elsewhere and a file system without notices, each of which some watch misses.

import { stat } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'

/** Milliseconds: twice this must be well within the second in which what was revoked no longer counts. */
const INTERVAL = 250

export type Following<T> = {
  readonly paths: readonly string[]
  readonly signal: AbortSignal
  readonly read: () => Promise<T>
  /** What was read, each time but the first. */
  readonly changed: (content: T) => void
  /** What `read` threw, once for each state of the files; it is tried again all the same. */
  readonly failed: (error: unknown) => void
}

/** Resolves with what is read first. Rejects with what the first `read` throws; then nothing is followed. */
export async function followFiles<T>(following: Following<T>): Promise<T> {
  // Looked at before it is read: what changes in between is seen as a change.
  const seen = await lookAt(following.paths)
  const content = await following.read()
  void follow(following, seen)
  return content
}

async function follow<T>(
  { paths, signal, read, changed, failed }: Following<T>,
  first: string,
): Promise<void> {
  let seen = first
  let good = true
  while (await pause(signal)) {
    const now = await lookAt(paths)
    if (now === seen && good) continue
    try {
      changed(await read())
      good = true
    } catch (error) {
      if (now !== seen || good) failed(error)
      good = false
    }
    seen = now
  }
}

/** Whether to go on. */
async function pause(signal: AbortSignal): Promise<boolean> {
  await setTimeout(INTERVAL, undefined, { signal, ref: false }).catch(() => undefined)
  return !signal.aborted
}

async function lookAt(paths: readonly string[]): Promise<string> {
  return (await Promise.all(paths.map(lookAtOne))).join('\n')
}

async function lookAtOne(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code)
  }
}
