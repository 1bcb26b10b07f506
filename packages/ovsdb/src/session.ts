// JSON-RPC 1.0 over a channel, as OVSDB speaks it: RFC 7047, section 4. Either side asks, answers, and echoes.

import type { Session } from '@portward/wire'
import { openChannel, traceOf } from '@portward/wire'
import { Disconnected, NotationError, OvsdbError } from './errors.ts'
import { jsonFramer } from './framer.ts'
import { isError } from './operation.ts'

export type OvsdbSession = Session & {
  /** The result. Rejects with an OvsdbError if the server refused, with a Disconnected if it went away meanwhile. */
  request(method: string, params: readonly unknown[]): Promise<unknown>
  /** Closes at once; `closed` resolves with `why`. */
  close(why: Error): void
}

export type SessionOptions = {
  readonly address: string
  /** Called synchronously and in order; an exception closes the session, and is the reason given. */
  readonly onNotification: (method: string, params: unknown) => void
  readonly signal: AbortSignal
}

type Pending = {
  readonly method: string
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

/** Of our echo requests, whose answer matters only in that it comes. */
const ECHO_ID = 'echo'

/** Throws a ConnectError if nobody is there. */
export async function openSession(options: SessionOptions): Promise<OvsdbSession> {
  const { address, onNotification, signal } = options
  const trace = traceOf('ovsdb')
  const pending = new Map<unknown, Pending>()
  let lastId = 0
  let gone: Disconnected | undefined

  const channel = await openChannel({ address, framer: jsonFramer(), onFrame: receive, signal })
  const closed = channel.closed.then((why) => {
    gone = new Disconnected(`${address}: the connection ended before the answer came`, {
      cause: why,
    })
    for (const { reject } of pending.values()) reject(gone)
    return why
  })

  function send(message: object): void {
    const text = JSON.stringify(message)
    trace?.(`> ${text}`)
    channel.send(text)
  }

  function receive(message: unknown): void {
    trace?.(`< ${JSON.stringify(message)}`)
    const { id, method, params, result, error } = envelope(message)
    if (typeof method !== 'string') answer(id, result, error)
    else if (id === null || id === undefined) onNotification(method, params)
    else if (method === 'echo') send({ id, result: params, error: null })
    else send({ id, result: null, error: `unknown method ${method}` })
  }

  function answer(id: unknown, result: unknown, error: unknown): void {
    if (id === ECHO_ID) return
    const asked = pending.get(id)
    if (asked === undefined)
      throw new NotationError(`an answer to nothing that was asked: id ${JSON.stringify(id)}`)
    pending.delete(id)
    if (error === null || error === undefined) asked.resolve(result)
    else asked.reject(refusal(asked.method, error))
  }

  return {
    request(method, params) {
      return new Promise((resolve, reject) => {
        if (gone !== undefined) return reject(gone)
        const id = ++lastId
        pending.set(id, { method, resolve, reject })
        send({ id, method, params })
      })
    },
    probe: () => send({ id: ECHO_ID, method: 'echo', params: [] }),
    close: (why) => channel.close(why),
    get heardAt() {
      return channel.heardAt
    },
    closed,
    async [Symbol.asyncDispose]() {
      await channel[Symbol.asyncDispose]()
      await closed
    },
  }
}

type Envelope = {
  id?: unknown
  method?: unknown
  params?: unknown
  result?: unknown
  error?: unknown
}

function envelope(message: unknown): Envelope {
  if (typeof message === 'object' && message !== null) return message
  throw new NotationError('a message that is no object')
}

/** `<error>` is an object with details, or a bare word. */
function refusal(method: string, error: unknown): OvsdbError {
  return isError(error)
    ? new OvsdbError(method, error.error, error.details)
    : new OvsdbError(method, typeof error === 'string' ? error : JSON.stringify(error), undefined)
}
