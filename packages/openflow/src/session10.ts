// A connection that speaks OpenFlow 1.0: requests and their answers, and what the switch tells unasked. Of 1.0 only what flooding.ts
// needs.

import { openChannel, traceOf } from '@portward/wire'
import type { Channel } from '@portward/wire'
import type { Writer } from './bytes.ts'
import { describe, messagesIn } from './describe.ts'
import { SwitchError, errorCodeOf, isHelloFailed } from './error.ts'
import { openflowFramer } from './framer.ts'
import { OFPT, bodyOf, message } from './message.ts'
import type { Message } from './message.ts'

const VERSION = 1

export type SessionOptions = {
  /** `unix:PATH`, a path, or `tcp:HOST:PORT`. */
  readonly address: string
  /** Given what is no answer. */
  readonly onMessage: (message: Message) => void
  readonly signal: AbortSignal
}

type Waiter = {
  readonly take: (message: Message) => void
  readonly fail: (error: Error) => void
}

/** Has said hello; whether the switch speaks 1.0 shows by its answers. Throws a ConnectError where nobody listens. */
export async function openSession10(options: SessionOptions): Promise<Session10> {
  const { address, signal } = options
  let session: Session10 | undefined
  const channel = await openChannel({
    address,
    signal,
    framer: openflowFramer(),
    onFrame: (frame) => session?.receive(frame),
  })
  session = new Session10(channel, options)
  return session
}

export class Session10 implements AsyncDisposable {
  readonly #channel: Channel
  readonly #options: SessionOptions
  readonly #trace = traceOf('openflow')
  readonly #waiters = new Map<number, Waiter>()
  /** Of what was sent without waiting for an answer. */
  readonly #refused = new Map<number, string>()
  #nextXid = 1
  #ended: Error | undefined

  constructor(channel: Channel, options: SessionOptions) {
    this.#channel = channel
    this.#options = options
    void channel.closed.then((why) => this.#end(why))
    this.send(OFPT.hello)
  }

  /** Resolves once, with undefined if we closed it, and else with the reason. Never rejects. */
  get closed(): Promise<Error | undefined> {
    return this.#channel.closed
  }

  /** What it throws closes the channel, and is the reason given. */
  receive(message: Message): void {
    this.#trace?.(`< ${describe(message)}`)
    switch (message.type) {
      case OFPT.echoRequest: {
        const body = bodyOf(message)
        const data = body.take(body.left)
        this.send(OFPT.echoReply, (writer) => writer.put(data), message.xid)
        return
      }
      case OFPT.error:
        this.#failed(message)
        return
      default: {
        const waiter = this.#waiters.get(message.xid)
        if (waiter === undefined) this.#options.onMessage(message)
        else waiter.take(message)
      }
    }
  }

  /** Gives the transaction id. */
  send(type: number, body?: (writer: Writer) => void, xid = this.#nextXid++): number {
    const bytes = message(VERSION, type, xid, body)
    if (this.#trace !== undefined) {
      for (const sent of messagesIn(bytes)) this.#trace(`> ${describe(sent)}`)
    }
    this.#channel.send(bytes)
    return xid
  }

  /** `take` gets each message that answers it, and gives the result when it has all of it. */
  request<T>(
    type: number,
    body: ((writer: Writer) => void) | undefined,
    take: (message: Message) => T | undefined,
  ): Promise<T> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const xid = this.send(type, body)
    const done = (): void => void this.#waiters.delete(xid)
    this.#waiters.set(xid, {
      take: (message) => {
        const result = take(message)
        if (result === undefined) return
        done()
        resolve(result)
      },
      fail: (error) => {
        done()
        reject(error)
      },
    })
    return promise
  }

  /** Why the switch refused what was sent under this id, if it did by now; told once. */
  refusalOf(xid: number): string | undefined {
    const why = this.#refused.get(xid)
    this.#refused.delete(xid)
    return why
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#channel[Symbol.asyncDispose]()
  }

  #failed(error: Message): void {
    const code = errorCodeOf(error)
    if (isHelloFailed(error)) {
      const bridge = /([^/]+)\.mgmt$/.exec(this.#options.address)?.[1] ?? 'BRIDGE'
      throw new SwitchError(
        `the switch does not speak OpenFlow 1.0 there: ovs-vsctl add bridge ${bridge} protocols OpenFlow10`,
        { code },
      )
    }
    const waiter = this.#waiters.get(error.xid)
    if (waiter === undefined) this.#refused.set(error.xid, code)
    else
      waiter.fail(
        new SwitchError(`the switch refused what it was asked in OpenFlow 1.0: ${code}`, { code }),
      )
  }

  #end(why: Error | undefined): void {
    const ended = why ?? new SwitchError(`the connection to ${this.#options.address} is closed`)
    this.#ended = ended
    for (const waiter of this.#waiters.values()) waiter.fail(ended)
  }
}
