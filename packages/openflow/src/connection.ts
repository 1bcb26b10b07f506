// A connection to one switch: requests and their answers, bundles, and the flow monitor, over one channel.
//
// The management socket of a bridge (BRIDGE.mgmt) takes this without any Controller row. Whoever keeps the connection alive
// (wire's keepConnected) calls `probe` when the switch has long said nothing.

import { openChannel, traceOf } from '@portward/wire'
import type { Channel } from '@portward/wire'
import { isBundleReply, writeBundleAdd, writeBundleControl } from './bundle.ts'
import type { BundleRequest } from './bundle.ts'
import { Writer } from './bytes.ts'
import { describe, messagesIn } from './describe.ts'
import { SwitchError, isHelloFailed, refusal } from './error.ts'
import type { Flow, FlowEvent, FlowMod, FlowStats } from './flow.ts'
import { readConfig, writeConfig } from './fragments.ts'
import type { Fragments, SwitchConfig } from './fragments.ts'
import { writeFlowMod } from './flow-mod.ts'
import { openflowFramer } from './framer.ts'
import { OFPT, agreedVersion, bodyOf, datapathIdOf, hello, message, offeredBy } from './message.ts'
import type { Message } from './message.ts'
import { flowMonitorRequest, readFlowUpdates } from './monitor.ts'
import { flowStatsRequest, readFlowStats } from './stats.ts'
import type { FlowFilter } from './stats.ts'
import { dialects, versions } from './version.ts'
import type { Version } from './version.ts'

export type SwitchConnection = AsyncDisposable & {
  /** The version byte of the messages: 4, 5, 6 for OpenFlow 1.3, 1.4, 1.5. */
  readonly version: Version
  readonly datapathId: bigint
  /**
   * One bundle, atomic and ordered: all or none. `accepted` is called when the acknowledgement is read, before any later
   * message of the switch is looked at. All is sent at once, but asked to take effect when `ready` has resolved; should that
   * be rejected, it never does. Throws a SwitchError that names the flow and the OpenFlow error; when it is the connection that
   * failed, nobody knows whether the switch has done it.
   */
  commit(mods: readonly FlowMod[], accepted?: () => void, ready?: Promise<unknown>): Promise<void>
  /** Deletes these at once: no bundle, no answer; the switch does it before all that is asked of it later. */
  deleteNow(flows: readonly Flow[]): void
  flowStats(filter?: FlowFilter): Promise<readonly FlowStats[]>
  /**
   * Watches every table: resolves with all flows there are; from then on `onEvent` is told of every change by another hand,
   * in the switch's order. Events may come before whoever awaits the flows goes on. Once a connection.
   */
  watchFlows(onEvent: (event: FlowEvent) => void): Promise<readonly Flow[]>
  /** How flows see fragments. */
  fragments(): Promise<Fragments>
  /** Throws a SwitchError where the switch goes on as it was. Every other setting stays. */
  setFragments(fragments: Fragments): Promise<void>
  /** Asks for a sign of life; the answer moves `heardAt`. */
  probe(): void
  /** When the switch was last heard, in milliseconds of `performance.now()`. */
  readonly heardAt: number
  /** Resolves once, with undefined if we closed it, and else with the reason. Never rejects. */
  readonly closed: Promise<Error | undefined>
}

/**
 * Connects and agrees on the highest version that both sides speak. Throws a ConnectError where nobody listens, a SwitchError
 * where no version is common. The signal ends the attempt, and later the connection.
 */
export async function openSwitch(options: {
  /** `unix:PATH`, a path, or `tcp:HOST:PORT`. */
  readonly address: string
  readonly signal: AbortSignal
}): Promise<SwitchConnection> {
  const { address, signal } = options
  let connection: Connection | undefined
  const channel = await openChannel({
    address,
    signal,
    framer: openflowFramer(),
    onFrame: (message) => connection?.receive(message),
  })
  connection = new Connection(address, channel)
  try {
    await connection.start()
    return connection
  } catch (error) {
    await channel[Symbol.asyncDispose]()
    signal.throwIfAborted()
    throw error
  }
}

/** How much of a bundle is put into words before the system must have taken it. */
const CHUNK_SIZE = 1 << 18
/** One monitor a connection. */
const MONITOR_ID = 1
const LAST_XID = 0xffff_ffff

/** A request whose answer is awaited. */
type Waiter = {
  /** A message with the request's transaction id, other than an error. */
  readonly take: (message: Message) => void
  readonly fail: (error: Error) => void
  /** In words, for an error that names it. */
  readonly what: string
}

/** The changes of a bundle under way. Each has its own transaction id, counted from `firstXid`. */
type Bundle = {
  readonly id: number
  readonly firstXid: number
  readonly mods: readonly FlowMod[]
  /** The first refusal of one of them. */
  refused: SwitchError | undefined
}

class Connection implements SwitchConnection {
  datapathId = 0n
  readonly #address: string
  readonly #channel: Channel
  readonly #trace = traceOf('openflow')
  readonly #waiters = new Map<number, Waiter>()
  readonly #bundles = new Set<Bundle>()
  readonly #agreed = Promise.withResolvers<Version>()
  #version: Version = versions[0]
  #nextXid = 1
  #nextBundle = 1
  #onEvent: ((event: FlowEvent) => void) | undefined
  /** Why nothing more can be asked of the switch. */
  #ended: Error | undefined

  constructor(address: string, channel: Channel) {
    this.#address = address
    this.#channel = channel
    void channel.closed.then((why) => this.#end(why))
  }

  get version(): Version {
    return this.#version
  }

  get heardAt(): number {
    return this.#channel.heardAt
  }

  get closed(): Promise<Error | undefined> {
    return this.#channel.closed
  }

  async start(): Promise<void> {
    this.#send(hello(this.#takeXids(1)))
    this.#version = await this.#agreed.promise
    this.datapathId = await this.#request(
      'to say who it is',
      (xid) => message(this.#version, OFPT.featuresRequest, xid),
      (reply) => (reply.type === OFPT.featuresReply ? datapathIdOf(reply) : undefined),
    )
  }

  /** What it throws closes the channel, and is the reason given. */
  receive(message: Message): void {
    this.#trace?.(`< ${describe(message)}`)
    switch (message.type) {
      case OFPT.hello:
        this.#agree(message)
        return
      case OFPT.echoRequest:
        this.#answerEcho(message)
        return
      case OFPT.error:
        this.#refused(message)
        return
      default:
    }
    const waiter = this.#waiters.get(message.xid)
    if (waiter !== undefined) waiter.take(message)
    else if (this.#onEvent !== undefined) this.#tell(message, this.#onEvent)
  }

  async commit(
    mods: readonly FlowMod[],
    accepted?: () => void,
    ready?: Promise<unknown>,
  ): Promise<void> {
    if (mods.length === 0) {
      await ready
      accepted?.()
      return
    }
    const firstXid = this.#takeXids(mods.length)
    const bundle: Bundle = { id: this.#nextBundle++, firstXid, mods, refused: undefined }
    this.#bundles.add(bundle)
    try {
      const opened = this.#control(bundle, 'open')
      opened.catch(() => {}) // awaited below, when all that belongs to the bundle has been sent
      await this.#add(bundle)
      await Promise.all([opened, this.#control(bundle, 'close')])
      try {
        if (bundle.refused !== undefined) throw bundle.refused
        await ready
      } catch (error) {
        await this.#control(bundle, 'discard')
        throw error
      }
      await this.#control(bundle, 'commit', accepted)
    } catch (error) {
      throw bundle.refused ?? error
    } finally {
      this.#bundles.delete(bundle)
    }
  }

  deleteNow(flows: readonly Flow[]): void {
    if (flows.length === 0) return
    const writer = new Writer(CHUNK_SIZE)
    const first = this.#takeXids(flows.length)
    for (const [i, flow] of flows.entries()) {
      writeFlowMod(writer, this.#version, first + i, { command: 'deleteStrict', flow })
    }
    this.#send(writer.bytes())
  }

  async flowStats(filter: FlowFilter = {}): Promise<readonly FlowStats[]> {
    const all: FlowStats[] = []
    return this.#request(
      'flow statistics',
      (xid) => flowStatsRequest(this.#version, xid, filter),
      (message) => {
        const reply = readFlowStats(message, this.#version)
        for (const flow of reply?.flows ?? []) all.push(flow)
        return reply === undefined || reply.more ? undefined : all
      },
    )
  }

  async watchFlows(onEvent: (event: FlowEvent) => void): Promise<readonly Flow[]> {
    if (this.#onEvent !== undefined) throw new Error('the flows of this connection are watched')
    this.#onEvent = onEvent
    const all: Flow[] = []
    return this.#request(
      'a flow monitor',
      (xid) => flowMonitorRequest(this.#version, xid, MONITOR_ID),
      (message) => {
        const reply = readFlowUpdates(message, this.#version)
        for (const { flow } of reply?.events ?? []) all.push(flow)
        return reply === undefined || reply.more ? undefined : all
      },
    )
  }

  async fragments(): Promise<Fragments> {
    return (await this.#config()).fragments
  }

  async setFragments(fragments: Fragments): Promise<void> {
    const config = { ...(await this.#config()), fragments }
    const xid = this.#takeXids(1)
    this.#send(message(this.#version, OFPT.setConfig, xid, (writer) => writeConfig(writer, config)))
    // It is not acknowledged, but messages are handled in their order.
    const { fragments: now } = await this.#config()
    if (now === fragments) return
    throw new SwitchError(`the switch goes on to treat fragments as ${now}, asked for ${fragments}`)
  }

  #config(): Promise<SwitchConfig> {
    return this.#request(
      'for its configuration',
      (xid) => message(this.#version, OFPT.getConfigRequest, xid),
      readConfig,
    )
  }

  probe(): void {
    this.#send(message(this.#version, OFPT.echoRequest, this.#takeXids(1)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#channel[Symbol.asyncDispose]()
  }

  /** Writes the changes in large pieces, and goes on when the system has taken one: a bundle may have megabytes. */
  async #add(bundle: Bundle): Promise<void> {
    const { id, firstXid, mods } = bundle
    const version = this.#version
    let writer = new Writer(CHUNK_SIZE)
    for (const [i, mod] of mods.entries()) {
      writeBundleAdd(writer, { version, xid: firstXid + i, bundle: id }, mod)
      if (writer.size < CHUNK_SIZE) continue
      this.#send(writer.bytes())
      writer = new Writer(CHUNK_SIZE)
      await this.#channel.drained()
      if (bundle.refused !== undefined || this.#ended !== undefined) return
    }
    this.#send(writer.bytes())
  }

  async #control(bundle: Bundle, request: BundleRequest, replied?: () => void): Promise<void> {
    await this.#request(
      `to ${request} a bundle of ${bundle.mods.length} flows`,
      (xid) => {
        const writer = new Writer(32)
        const version = this.#version
        writeBundleControl(writer, { version, xid, bundle: bundle.id }, request)
        return writer.bytes()
      },
      (message) => {
        if (!isBundleReply(message, this.#version, request)) return undefined
        replied?.()
        return true
      },
    )
  }

  /** Sends one request. `take` gets each message that answers it, and gives the result when it has all of it. */
  #request<T>(
    what: string,
    write: (xid: number) => Uint8Array,
    take: (message: Message) => T | undefined,
  ): Promise<T> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    const xid = this.#takeXids(1)
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    this.#waiters.set(xid, {
      what,
      take: (message) => {
        const result = take(message)
        if (result === undefined) return
        this.#waiters.delete(xid)
        resolve(result)
      },
      fail: (error) => {
        this.#waiters.delete(xid)
        reject(error)
      },
    })
    this.#send(write(xid))
    return promise
  }

  #send(bytes: Uint8Array): void {
    if (this.#trace !== undefined) {
      for (const sent of messagesIn(bytes)) this.#trace(`> ${describe(sent)}`)
    }
    this.#channel.send(bytes)
  }

  /** That many transaction ids in a row; 0 is the switch's own. */
  #takeXids(count: number): number {
    if (this.#nextXid + count > LAST_XID) this.#nextXid = 1
    const first = this.#nextXid
    this.#nextXid += count
    return first
  }

  #agree(hello: Message): void {
    const offered = offeredBy(hello)
    const version = agreedVersion(offered)
    if (version === undefined) throw noCommonVersion(this.#address, offered)
    this.#agreed.resolve(version)
  }

  #answerEcho(request: Message): void {
    const body = bodyOf(request)
    const data = body.take(body.left)
    this.#send(message(this.#version, OFPT.echoReply, request.xid, (writer) => writer.put(data)))
  }

  #refused(error: Message): void {
    if (isHelloFailed(error)) throw noCommonVersion(this.#address, [])
    const waiter = this.#waiters.get(error.xid)
    if (waiter !== undefined) {
      waiter.fail(refusal(error, waiter.what))
      return
    }
    for (const bundle of this.#bundles) {
      const mod = bundle.mods[error.xid - bundle.firstXid]
      if (mod !== undefined) bundle.refused ??= refusal(error, mod.flow)
    }
  }

  #tell(message: Message, onEvent: (event: FlowEvent) => void): void {
    for (const event of readFlowUpdates(message, this.#version)?.events ?? []) onEvent(event)
  }

  #end(why: Error | undefined): void {
    const ended = why ?? new SwitchError(`the connection to ${this.#address} is closed`)
    this.#ended = ended
    this.#agreed.reject(ended)
    for (const waiter of this.#waiters.values()) waiter.fail(ended)
  }
}

function noCommonVersion(address: string, offered: readonly number[]): SwitchError {
  const bridge = /([^/]+)\.mgmt$/.exec(address)?.[1] ?? 'BRIDGE'
  const names = versions.map((version) => dialects[version].name)
  const theirs = offered.filter((version) => version > 0).map((version) => `1.${version - 1}`)
  const speaks = theirs.length === 0 ? 'refuses' : `speaks ${theirs.join(', ')} and none of`
  const wayOut = `ovs-vsctl set bridge ${bridge} protocols=${names.toReversed().join(',')}`
  return new SwitchError(
    `${address}: the switch ${speaks} ${names.join(', ')}: allow one: ${wayOut}`,
  )
}
