// A client that measures a server: requests over connections that stay, from a process of its own (load-process.ts).

import { fileURLToPath } from 'node:url'
import type { Enclosure } from '@portward/testkit'
import { startDaemon } from '@portward/testkit'
import { spreadOf } from './figures.ts'

export type Request = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** From the root, with its query. */
  readonly path: string
  readonly body?: object
}

/**
 * To 127.0.0.1, each request once, in order; each connection sends its next when it has its answer. After so many seconds
 * none is sent any more.
 */
export type Job = {
  readonly port: number
  readonly connections: number
  readonly requests: readonly Request[]
  readonly seconds: number
}

/** `times` in ms, one a request; `last` is the last answer's body. */
export type Outcome =
  | { readonly seconds: number; readonly times: readonly number[]; readonly last: string }
  | { readonly failure: string }

/** Requests per second; ms from the request to the end of its answer. */
export type Pace = { readonly perSecond: number; readonly p50: number; readonly p99: number }

export type Load = AsyncDisposable & {
  /** Throws if a request is answered with anything but success. */
  readonly run: (job: Omit<Job, 'port'>) => Promise<Pace>
  /** One request, and what it is answered. Throws likewise. */
  readonly ask: <T>(method: Request['method'], path: string, body?: object) => Promise<T>
}

const PROGRAM = fileURLToPath(new URL('load-process.ts', import.meta.url))

export type LoadOptions = {
  readonly enclosure: Enclosure
  /** Of the server, on 127.0.0.1 in the network namespace of process `netOf`. */
  readonly port: number
  readonly netOf: number
}

/** It ends with the enclosure. */
export async function startLoad({ enclosure, port, netOf }: LoadOptions): Promise<Load> {
  let heard: ((line: string) => void) | undefined
  const daemon = await startDaemon(enclosure, [process.execPath, PROGRAM], {
    netOf,
    heard: (line) => heard?.(line),
  })
  const over = daemon.ended.then((code) => {
    throw new Error(`the load ended with ${code}: ${daemon.said().trim()}`)
  })
  over.catch(() => {}) // for whoever waits for an answer
  const perform = async (job: Job) => {
    const answer = new Promise<string>((resolve) => (heard = resolve))
    daemon.stdin.write(`${JSON.stringify(job)}\n`)
    const outcome: Outcome = JSON.parse(await Promise.race([answer, over]))
    if ('failure' in outcome) throw new Error(outcome.failure)
    return outcome
  }
  return {
    async run(job) {
      const { times, seconds } = await perform({ ...job, port })
      const { median: p50, p99 } = spreadOf(times)
      return { perSecond: times.length / seconds, p50, p99 }
    },
    async ask<T>(method: Request['method'], path: string, body?: object) {
      const request = { method, path, ...(body && { body }) }
      const { last } = await perform({ port, connections: 1, requests: [request], seconds: 1 })
      return JSON.parse(last) as T
    },
    async [Symbol.asyncDispose]() {
      await daemon.stop('SIGKILL')
    },
  }
}
