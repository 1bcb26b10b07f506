// A daemon in the foreground inside an enclosure, started and stopped by its process number.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { Enclosure } from './enclosure.ts'

export type Daemon = {
  /** As the machine numbers it, not its namespace. */
  readonly pid: number
  readonly running: () => boolean
  /** What it wrote on standard error so far. */
  readonly said: () => string
  /** Sends the signal and waits for the end. */
  readonly stop: (signal: 'SIGTERM' | 'SIGKILL') => Promise<void>
}

export async function startDaemon(
  enclosure: Enclosure,
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Daemon> {
  const [command = '', ...args] = enclosure.inside(argv)
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  await once(child, 'spawn')
  let said = ''
  child.stderr
    .setEncoding('utf8')
    .on('data', (text: string) => (said = (said + text).slice(-10_000)))
  const ended = once(child, 'close')
  const running = (): boolean => child.exitCode === null && child.signalCode === null
  const pid = await childOf(child.pid ?? 0, running)
  if (pid === undefined) throw new Error(`${argv[0]} ended at once: ${said.trim()}`)
  return {
    pid,
    running,
    said: () => said,
    async stop(signal) {
      if (running()) process.kill(pid, signal)
      await ended
    },
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
