// Debian's Keystone on loopback, with everything of its own in a directory that goes with it.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { PYTHON } from './programs.ts'

export type User = {
  readonly name: string
  /** In which project, and as what; none: the user belongs nowhere. */
  readonly project?: string
  readonly role?: string
}

export type Keystone = AsyncDisposable & {
  /** With /v3 at its end. */
  readonly url: string
  /** The path of a clouds.yaml in which each user is a cloud. */
  readonly clouds: string
  /** Ends it, for good. */
  stop(): Promise<void>
}

const PROGRAM = fileURLToPath(new URL('serve-keystone.py', import.meta.url))
const PASSWORD = 'secret'

/** With these users, and a catalog in which the network service is at `network`. */
export async function openKeystone(network: string, users: readonly User[]): Promise<Keystone> {
  const directory = await mkdtemp(join(tmpdir(), 'portward-keystone-'))
  const told = JSON.stringify({ directory, network, password: PASSWORD, users })
  const child = spawn(PYTHON, [PROGRAM, told], { stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = once(child, 'close')
  const stop = async (): Promise<void> => {
    child.kill()
    await ended
  }
  const line = once(createInterface({ input: child.stdout }), 'line')
  const [url] = (await Promise.race([line, ended])) as [unknown]
  if (typeof url !== 'string') throw new Error(`${PROGRAM} ended: see ${directory}/keystone.log`)
  const clouds = join(directory, 'clouds.yaml')
  await writeFile(clouds, JSON.stringify({ clouds: cloudsOf(url, users) })) // JSON is YAML
  return {
    url,
    clouds,
    stop,
    async [Symbol.asyncDispose]() {
      await stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** A token of the user, for the project if there is one. Throws an error with Keystone's answer if it gives none. */
export async function issue(url: string, { name, project }: User): Promise<string> {
  const domain = { id: 'default' }
  const user = { name, domain, password: PASSWORD }
  const identity = { methods: ['password'], password: { user } }
  const scope = project === undefined ? {} : { scope: { project: { name: project, domain } } }
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ auth: { identity, ...scope } })
  const answer = await fetch(`${url}/auth/tokens`, { method: 'POST', headers, body })
  const token = answer.headers.get('x-subject-token')
  if (token === null) throw new Error(`no token for ${name}: ${await answer.text()}`)
  return token
}

function cloudsOf(url: string, users: readonly User[]): object {
  const domains = { user_domain_id: 'default', project_domain_id: 'default' }
  const clouds = users.map(({ name, project }) => {
    const auth = { auth_url: url, username: name, password: PASSWORD, ...domains }
    return [name, { auth: { ...auth, project_name: project }, region_name: 'RegionOne' }]
  })
  return Object.fromEntries(clouds)
}
