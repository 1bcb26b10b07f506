// A program that stays, in the foreground inside an enclosure, started and stopped by its process number.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Writable } from 'node:stream'
import type { Enclosure } from './enclosure.ts'

export type DaemonOptions = {
  readonly env?: Readonly<Record<string, string>>
  /** Runs it in the network namespace of this process instead of the enclosure's. */
  readonly netOf?: number
  /** Each line of its standard output; without it, the output is thrown away. */
  readonly heard?: (line: string) => void
}

export type Daemon = {
  /** As the machine numbers it, not its namespace. */
  readonly pid: number
  readonly stdin: Writable
  readonly running: () => boolean
  /** What it wrote on standard error so far. */
  readonly said: () => string
  /** Resolves when it has ended, with its exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>
  /** Sends the signal and waits for the end. */
  readonly stop: (signal: 'SIGTERM' | 'SIGKILL') => Promise<number | null>
}

export async function startDaemon(
  enclosure: Enclosure,
  argv: readonly string[],
  options: DaemonOptions = {},
): Promise<Daemon> {
  const { env, netOf, heard } = options
  const [command = '', ...args] = enclosure.inside(argv, netOf)
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    detached: true, // Ctrl-C is for the owner, who ends its daemons in the order it likes
    stdio: 'pipe',
  })
  await once(child, 'spawn')
  let said = ''
  child.stderr
    .setEncoding('utf8')
    .on('data', (text: string) => (said = (said + text).slice(-10_000)))
  if (heard === undefined) child.stdout.resume()
  else createInterface({ input: child.stdout }).on('line', heard)
  child.stdin.on('error', () => {}) // it may have ended: `ended` tells
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const running = (): boolean => child.exitCode === null && child.signalCode === null
  const pid = await childOf(child.pid ?? 0, running)
  if (pid === undefined) throw new Error(`${argv[0]} ended at once: ${said.trim()}`)
  return {
    pid,
    stdin: child.stdin,
    running,
    said: () => said,
    ended,
    stop(signal) {
      if (running()) kill(pid, signal)
      return ended
    },
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    // It ended a moment ago, and this process has not been told yet.
    const over = error instanceof Error && 'code' in error && error.code === 'ESRCH'
    if (!over) throw error
  }
}

/** nsenter forks to get into the process namespace: the daemon is its only child. */
async function childOf(pid: number, running: () => boolean): Promise<number | undefined> {
  while (running()) {
    const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
    if (text.trim() !== '') return Number(text.trim())
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return undefined
}
