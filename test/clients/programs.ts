// The programs people have: python-neutronclient and python-openstackclient, against a server of ours on loopback.

import { openServer } from '@portward/server'
import { keys, openSqlite, records } from '@portward/store'
import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { requestLog } from './request-log.ts'

export type Outcome = { readonly code: number; readonly stdout: string; readonly stderr: string }

export type Program = (...args: readonly string[]) => Promise<Outcome>

export type ProgramName = 'neutron' | 'openstack'

export type Bench = AsyncDisposable & {
  readonly url: string
  /** `neutron …`, told where to go by its environment. */
  readonly neutron: Program
  /** `openstack …`, told by its arguments. */
  readonly openstack: Program
  /** Either with this environment alone, beside HOME and PATH: in the process that runs all, or in one of its own. */
  run(program: ProgramName, args: readonly string[], env: Environment): Promise<Outcome>
  start(program: ProgramName, args: readonly string[], env: Environment): Promise<Outcome>
  /** Requests that were answered since this was called last, such as `GET /v2.0/ports 200`. */
  asked(): readonly string[]
  /** The resources of a collection, as the API has them. */
  all(collection: string): Promise<readonly Readonly<Record<string, unknown>>[]>
  /** Makes a resource through the API and gives its id. */
  post(noun: string, members: object): Promise<string>
  /** An agent has told that it is there. */
  alive(host: string): Promise<void>
}

export type Environment = Readonly<Record<string, string>>

const DRIVER = fileURLToPath(new URL('driver.py', import.meta.url))
/** Debian's, which has the clients. */
export const PYTHON = '/usr/bin/python3'

export async function openBench(): Promise<Bench> {
  const directory = await mkdtemp(join(tmpdir(), 'portward-clients-'))
  const stop = new AbortController()
  const store = await openSqlite({ file: join(directory, 'store.db') })
  const { log, asked } = requestLog()
  const server = await openServer({
    store,
    host: '127.0.0.1',
    port: 0,
    log,
    version: '0.0.0',
    signal: stop.signal,
  })
  const { url } = server
  const environment = { PATH: process.env['PATH'] ?? '', HOME: directory }
  const driver = startDriver()
  const run: Bench['run'] = (program, args, env) =>
    driver.run(program, args, { ...environment, ...env })
  return {
    url,
    neutron: (...args) => run('neutron', args, { OS_AUTH_TYPE: 'none', OS_ENDPOINT: url }),
    openstack: (...args) =>
      run('openstack', ['--os-auth-type', 'none', '--os-endpoint', url, ...args], {}),
    run,
    start: (program, args, env) => start(program, args, { ...environment, ...env }),
    asked,
    async all(collection) {
      const body: unknown = await (await fetch(`${url}/v2.0/${collection}`)).json()
      asked()
      const list: unknown = Object(body)[collection.replace('-', '_')]
      return Array.isArray(list) ? list : []
    },
    async post(noun, members) {
      const body = JSON.stringify({ [noun]: members })
      const answer = await fetch(`${url}/v2.0/${noun}s`, { method: 'POST', body })
      const text = await answer.text()
      if (!answer.ok) throw new Error(`${noun}: ${text}`)
      return String(Object(JSON.parse(text))[noun].id)
    },
    async alive(host) {
      const value = records.alive.encode({
        host,
        version: '0.0.0',
        startedAt: new Date().toISOString(),
        bridge: 'br-int',
        mode: 'own',
        state: 'in-sync',
        notes: [],
      })
      await store.txn([], [{ type: 'put', key: keys.hostAlive(host), value }])
    },
    async [Symbol.asyncDispose]() {
      await driver[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** One process that runs what it is told, in order. */
function startDriver(): AsyncDisposable & {
  run(program: ProgramName, args: readonly string[], env: Environment): Promise<Outcome>
} {
  const child = spawn(PYTHON, [DRIVER], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => child.once('close', resolve))
  const waiting: PromiseWithResolvers<Outcome>[] = []
  createInterface({ input: child.stdout }).on('line', (line) =>
    waiting.shift()?.resolve(JSON.parse(line)),
  )
  child.once('close', () => {
    for (const { reject } of waiting) reject(new Error(`${DRIVER} ended`))
  })
  return {
    run(program, args, env) {
      const answer = Promise.withResolvers<Outcome>()
      waiting.push(answer)
      child.stdin.write(`${JSON.stringify({ program, args, env })}\n`)
      return answer.promise
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await ended
    },
  }
}

/** `program` in a process of its own, with this environment alone. */
export function start(
  program: string,
  args: readonly string[],
  env: Environment,
): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>()
  const child = execFile(program, args, { env }, (error, stdout, stderr) =>
    resolve({ code: error === null ? 0 : (child.exitCode ?? -1), stdout, stderr }),
  )
  return promise
}
