// `portward up` beside the lab's switch, and its API, as any other program would speak to it.

import { once } from 'node:events'
import { join } from 'node:path'
import type { Switch } from '@portward/testkit'
import { startDaemon } from '@portward/testkit'

export type Resource = { readonly id: string }

export type Portward = AsyncDisposable & {
  readonly url: string
  /** Resolves with the reason when it ends by itself. */
  readonly ended: Promise<string>
  /** POST /v2.0/KINDs. Throws with the answer's text when it is refused. */
  readonly create: (kind: Kind, attributes: object) => Promise<Resource>
  /** PUT /v2.0/ports/ID; answers when the switch has acknowledged what follows from it. */
  readonly updatePort: (id: string, attributes: object) => Promise<void>
}

type Kind = 'network' | 'subnet' | 'port'

const READY_MS = 20_000
const MAIN = join(import.meta.dirname, '../../packages/cli/src/main.ts')

/**
 * Answers when it serves and its agent is in sync. It is a process of the lab, so it goes when the lab does, but stays in
 * this machine's network, where people can reach its API.
 */
export async function startPortward(sw: Switch, stop: AbortSignal): Promise<Portward> {
  const ready = Promise.withResolvers<string>()
  const flags = ['--ovs-rundir', sw.rundir, '--bridge', sw.bridge]
  const own = ['--listen', '127.0.0.1:0', '--state', join(sw.rundir, 'state')]
  const argv = [process.execPath, MAIN, 'up', ...flags, ...own]
  const daemon = await startDaemon(sw.enclosure, argv, {
    netOf: process.pid,
    heard(line) {
      const [, url] = /^ready (\S+)$/.exec(line) ?? []
      if (url !== undefined) ready.resolve(url)
    },
  })
  const ended = daemon.ended.then(
    (code) => `portward up ended with code ${code}:\n${daemon.said().trim()}`,
  )
  const late = once(AbortSignal.any([stop, AbortSignal.timeout(READY_MS)]), 'abort')
  const url = await Promise.race([
    ready.promise,
    ended.then((why) => Promise.reject(new Error(why))),
    late.then(() => Promise.reject(new Error(`portward up is not ready:\n${daemon.said()}`))),
  ])

  return {
    url,
    ended,
    async create(kind, attributes) {
      const answer = await ask(`${url}/v2.0/${kind}s`, 'POST', { [kind]: attributes })
      const resource = answer[kind]
      if (resource === undefined) throw new Error(`no ${kind} in ${JSON.stringify(answer)}`)
      return resource
    },
    async updatePort(id, attributes) {
      await ask(`${url}/v2.0/ports/${id}?wait=applied`, 'PUT', { port: attributes })
    },
    async [Symbol.asyncDispose]() {
      await daemon.stop('SIGTERM')
    },
  }
}

async function ask(
  url: string,
  method: 'POST' | 'PUT',
  body: object,
): Promise<Partial<Record<Kind, Resource>>> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(url, { method, headers, body: JSON.stringify(body) })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${text}`)
  const resources: Partial<Record<Kind, Resource>> = JSON.parse(text)
  return resources
}
