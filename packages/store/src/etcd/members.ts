// The members of a cluster: whom to ask, and whom next when that one is dead, cut off or silent. What reads, or may be done twice, is
// asked again of another; what else writes is not, for nobody knows whether the first has done it.

import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ChannelCredentials, ClientDuplexStream, ServiceError } from '@grpc/grpc-js'
import { Client, Metadata, connectivityState, credentials, status } from '@grpc/grpc-js'
import { StoreError } from '../errors.ts'
import type { Method } from './rpc.ts'
import { rpc } from './rpc.ts'

export type MembersOptions = {
  /** As `http://127.0.0.1:2379`; all http, or all https. */
  readonly endpoints: readonly string[]
  /** PEM: who must have signed the members' certificates, and who we are. */
  readonly tls?: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer }
}

/**
 * In milliseconds: for an answer at all; for a member to be connected to; for one to answer what another may be asked too. What is asked
 * while there is no leader may be dropped without a word, so that it takes more than one other; the last has all that is left.
 */
const PATIENCE_MS = 5000
const CONNECT_MS = 500
const TRY_MS = 1500
const PAUSE_MS = 50

const channelOptions = {
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  // A member that is silent is noticed, also by who only listens. etcd allows a ping each 5 s.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 3000,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1000,
}

export type Stream<Q, A> = {
  readonly stream: ClientDuplexStream<Q, A>
  /** Its member does not answer. */
  readonly left: () => void
}

export class Members {
  readonly #endpoints: readonly string[]
  readonly #clients: readonly Client[]
  /** Those that have not ended: a channel is closed only when they have. */
  readonly #streams = new Set<{ cancel(): void }>()
  /** Not all ask the same one. */
  #current: number
  #closed = false

  /** Throws a TypeError that names the endpoint where one is none. */
  constructor({ endpoints, tls }: MembersOptions) {
    const urls = endpoints.map(parseEndpoint)
    const secure = urls[0]?.protocol === 'https:'
    if (urls.length === 0 || urls.some(({ protocol }) => (protocol === 'https:') !== secure)) {
      throw new TypeError(
        `etcd at '${endpoints.join(',')}': give at least one URL, and all with http or all with https`,
      )
    }
    const how: ChannelCredentials = secure
      ? credentials.createSsl(tls?.ca, tls?.key ?? null, tls?.cert ?? null)
      : credentials.createInsecure()
    this.#endpoints = endpoints
    this.#clients = urls.map(({ host }) => new Client(host, how, channelOptions))
    this.#current = randomInt(urls.length)
  }

  /**
   * `again`: it may be asked of another member too; then `onAgain` hears why. Throws a ServiceError, or a StoreError when no member
   * answers.
   */
  async ask<Q, A>(
    method: Method<Q, A>,
    request: Q,
    { again, onAgain }: { readonly again: boolean; readonly onAgain?: (why: unknown) => void },
  ): Promise<A> {
    const until = performance.now() + PATIENCE_MS
    for (;;) {
      const client = await this.#connected(until)
      const left = until - performance.now()
      try {
        return await unary(client, method, request, again && left > 2 * TRY_MS ? TRY_MS : left)
      } catch (error) {
        if (isOvertaken(error) && performance.now() < until) continue
        if (!isAway(error)) throw error
        this.#leave(client)
        if (!again || performance.now() + PAUSE_MS >= until) throw error
        onAgain?.(error)
        // One that has no leader says so at once.
        await sleep(PAUSE_MS)
      }
    }
  }

  /** A stream to a member that has a leader; it ends when that is lost. */
  async open<Q, A>(method: Method<Q, A>): Promise<Stream<Q, A>> {
    const client = await this.#connected(performance.now() + PATIENCE_MS)
    const metadata = new Metadata()
    metadata.set('hasleader', 'true')
    const { path, requestSerialize, responseDeserialize } = method
    const stream = client.makeBidiStreamRequest<Q, A>(
      path,
      requestSerialize,
      responseDeserialize,
      metadata,
    )
    this.#streams.add(stream)
    stream.on('status', () => this.#streams.delete(stream))
    // Whoever reads it hears of it. Nobody may, once it has been cancelled.
    stream.on('error', () => {})
    return { stream, left: () => this.#leave(client) }
  }

  close(): void {
    this.#closed = true
    for (const stream of this.#streams) stream.cancel()
    for (const client of this.#clients) client.close()
  }

  /** Their URLs. */
  get text(): string {
    return this.#endpoints.join(',')
  }

  async #connected(until: number): Promise<Client> {
    for (;;) {
      for (const [i] of this.#clients.entries()) {
        const index = (this.#current + i) % this.#clients.length
        const client = this.#clients[index]
        if (this.#closed) throw new StoreError(`etcd at ${this.text}: closed`)
        if (client === undefined || !(await connects(client))) continue
        this.#current = index
        return client
      }
      if (performance.now() >= until) break
      await sleep(PAUSE_MS)
    }
    throw new StoreError(
      `etcd at ${this.text}: no member takes connections${await this.#why()}: start it, or correct its URLs or certificates`,
    )
  }

  /** What gRPC says of the last attempt. */
  async #why(): Promise<string> {
    const client = this.#clients[this.#current]
    if (client === undefined || this.#closed) return ''
    return unary(client, rpc.range, { key: Buffer.of(0) }, CONNECT_MS).then(
      () => '',
      (error: ServiceError) => ` (${error.details})`,
    )
  }

  /** Others are asked first from now on. */
  #leave(client: Client): void {
    if (this.#clients[this.#current] !== client) return
    this.#current = (this.#current + 1) % this.#clients.length
  }
}

/** The member is not there, has no leader, is silent, or has waited for others in vain: that it does not tell by a code. */
export function isAway(error: unknown): boolean {
  const code = codeOf(error)
  if (code === status.UNKNOWN)
    return /^context (?:deadline exceeded|canceled)$/.test(detailsOf(error))
  return code === status.UNAVAILABLE || code === status.DEADLINE_EXCEEDED
}

/** Users or roles were changed between asking and doing, and nothing was done: etcd leaves it to us to ask again. */
function isOvertaken(error: unknown): boolean {
  return codeOf(error) !== undefined && detailsOf(error).endsWith('revision of auth store is old')
}

export function codeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'number' ? error.code : undefined
}

/** What etcd says. */
export function detailsOf(error: unknown): string {
  if (error instanceof Error && 'details' in error && typeof error.details === 'string') {
    return error.details
  }
  return error instanceof Error ? error.message : String(error)
}

function parseEndpoint(text: string): URL {
  const url = URL.parse(text)
  if (url !== null && ['http:', 'https:'].includes(url.protocol) && url.host !== '') return url
  throw new TypeError(
    `'${text}' is no URL of an etcd member: write http://HOST:PORT or https://HOST:PORT`,
  )
}

function unary<Q, A>(client: Client, method: Method<Q, A>, request: Q, ms: number): Promise<A> {
  const { path, requestSerialize, responseDeserialize } = method
  const deadline = Date.now() + Math.max(1, ms)
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      new Metadata(),
      { deadline },
      (error, answer) => {
        if (error !== null) reject(error)
        else if (answer !== undefined) resolve(answer)
      },
    )
  })
}

/** One that refuses connections costs nothing; one that does not answer at all, CONNECT_MS. */
async function connects(client: Client): Promise<boolean> {
  const channel = client.getChannel()
  const deadline = Date.now() + CONNECT_MS
  for (;;) {
    const state = channel.getConnectivityState(true)
    if (state === connectivityState.READY) return true
    if (state === connectivityState.TRANSIENT_FAILURE || state === connectivityState.SHUTDOWN) {
      return false
    }
    const changed = await new Promise<boolean>((resolve) => {
      channel.watchConnectivityState(state, deadline, (error) => resolve(error === undefined))
    })
    if (!changed) return false
  }
}
