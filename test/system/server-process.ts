// A server on a store of its own as a process of its own, which can be killed. Run with a file, it is that process.

import { openServer } from '@portward/server'
import { openSqlite } from '@portward/store'
import { spawn } from 'node:child_process'
import { flushCompileCache } from 'node:module'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export type ServerProcess = AsyncDisposable & {
  readonly url: string
  readonly pid: number
  /** Resolves when it has ended, with what it wrote on standard error. */
  readonly ended: Promise<string>
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>
}

/** Compiled code, which halves the time that a start takes. */
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/portward', import.meta.url))

/** Answers when it serves. Throws with what it said if it ends before. It does not outlive this process. */
export async function startServer(file: string): Promise<ServerProcess> {
  const argv = ['--pdeathsig', 'KILL', '--', process.execPath, fileURLToPath(import.meta.url), file]
  const child = spawn('setpriv', argv, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_COMPILE_CACHE: CACHE },
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  const ended = new Promise<string>((resolve) => child.once('close', () => resolve(said)))
  const ready = new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).once('line', resolve)
  })
  const dead = ended.then(() => {
    throw new Error(`the server ended: ${said.trim()}`)
  })
  const url = await Promise.race([ready, dead])
  dead.catch(() => {}) // from now on it may end
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  return { url, pid: child.pid ?? 0, ended, kill, [Symbol.asyncDispose]: kill }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const store = await openSqlite({ file: process.argv[2] ?? '' })
  const { url } = await openServer({
    store,
    host: '127.0.0.1',
    port: 0,
    log: undefined,
    version: '0.0.0',
    signal: new AbortController().signal,
  })
  flushCompileCache() // it may be killed at any moment
  process.stdout.write(`${url}\n`)
}
