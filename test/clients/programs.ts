// The programs people have: python-neutronclient and python-openstackclient, against a server of ours on loopback.

import { openServer } from '@portward/server'
import { openSqlite } from '@portward/store'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type Outcome = { readonly code: number; readonly stdout: string; readonly stderr: string }

export type Program = (...args: readonly string[]) => Promise<Outcome>

export type Bench = AsyncDisposable & {
  readonly url: string
  /** `neutron …`, told where to go by its environment. */
  readonly neutron: Program
  /** `openstack …`, told by its arguments. */
  readonly openstack: Program
  /** The resources of a collection, as the API has them. */
  all(collection: string): Promise<readonly Readonly<Record<string, unknown>>[]>
}

export async function openBench(): Promise<Bench> {
  const directory = await mkdtemp(join(tmpdir(), 'portward-clients-'))
  const stop = new AbortController()
  const store = await openSqlite({ file: join(directory, 'store.db') })
  const server = await openServer({
    store,
    host: '127.0.0.1',
    port: 0,
    log: undefined,
    version: '0.0.0',
    signal: stop.signal,
  })
  const { url } = server
  const environment = { PATH: process.env['PATH'], HOME: directory }
  return {
    url,
    neutron: (...args) =>
      run('neutron', args, { ...environment, OS_AUTH_TYPE: 'none', OS_ENDPOINT: url }),
    openstack: (...args) =>
      run('openstack', ['--os-auth-type', 'none', '--os-endpoint', url, ...args], environment),
    async all(collection) {
      const body: unknown = await (await fetch(`${url}/v2.0/${collection}`)).json()
      const list: unknown = Object(body)[collection]
      return Array.isArray(list) ? list : []
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>()
  const child = execFile(program, args, { env }, (error, stdout, stderr) =>
    resolve({ code: error === null ? 0 : (child.exitCode ?? -1), stdout, stderr }),
  )
  return promise
}
