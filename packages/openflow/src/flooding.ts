// Which ports floods reach: the flag `no-flood` of a port's configuration. Only OpenFlow 1.0 has it (Open vSwitch takes the bit in
// later versions, and ignores it), so this is a connection of its own, in the few messages of 1.0 that it needs (OpenFlow 1.0,
// sections 5.2.1, 5.3 and 5.4).
//
// The switch tells of ports that come, go, or are changed by another hand. It tells the management socket nothing unasked: a
// connection must have set a miss_send_len, and then says what it wants to hear of (nicira-ext.h, NXT_SET_ASYNC_CONFIG).

import { openChannel, traceOf } from '@portward/wire'
import type { Channel } from '@portward/wire'
import type { Reader, Writer } from './bytes.ts'
import { describe, messagesIn } from './describe.ts'
import { SwitchError, errorCodeOf, isHelloFailed } from './error.ts'
import { openflowFramer } from './framer.ts'
import { NICIRA, OFPT, bodyOf, message } from './message.ts'
import type { Message } from './message.ts'

export type FloodControl = AsyncDisposable & {
  /**
   * Whether floods shall reach each of these ports. Only what is not so already is told to the switch; once it resolves, the switch
   * has acknowledged it. Gives the ports of which it did not, and why.
   */
  set(wanted: ReadonlyMap<number, boolean>): Promise<ReadonlyMap<number, string>>
  /** Resolves once, with undefined if we closed it, and else with the reason. Never rejects. */
  readonly closed: Promise<Error | undefined>
}

/** Throws a ConnectError where nobody listens, a SwitchError where the bridge does not allow OpenFlow 1.0. */
export async function openFloodControl(options: {
  /** `unix:PATH`, a path, or `tcp:HOST:PORT`. */
  readonly address: string
  /** Told of every port whose flag another hand has changed. */
  readonly onChange: (port: number) => void
  /** Told of every port that comes or (undefined) goes, while the switch is making it: OVSDB tells later. Not of longer names. */
  readonly onPort: (name: string, port: number | undefined) => void
  readonly signal: AbortSignal
}): Promise<FloodControl> {
  const { address, signal } = options
  let control: Control | undefined
  const channel = await openChannel({
    address,
    signal,
    framer: openflowFramer(),
    onFrame: (frame) => control?.receive(frame),
  })
  control = new Control(address, channel, options)
  try {
    await control.start()
    return control
  } catch (error) {
    await channel[Symbol.asyncDispose]()
    signal.throwIfAborted()
    throw error
  }
}

const VERSION = 1
/** Where the numbers of 1.0 differ from those of 1.3. */
const OFPT10 = {
  portStatus: 12,
  portMod: 15,
  statsRequest: 16,
  statsReply: 17,
  barrierRequest: 18,
  barrierReply: 19,
} as const
/** An extension of Open vSwitch to 1.0: the ports, however many. */
const OFPST_PORT_DESC = 13
const OFPSF_REPLY_MORE = 1
const OFPPC_NO_FLOOD = 1 << 4
const OFPPR_DELETE = 1
const NXT_SET_ASYNC_CONFIG = 19
/** Of a port's: it came, went, or was changed. */
const ALL_REASONS = 0b111
const PORT_SIZE = 48
const NAME_SIZE = 16
/** Reserved numbers have 16 bits in 1.0. */
const FIRST_RESERVED = 0xff00
const RESERVED_32 = 0xffff_0000

type Port = {
  /** Absent where it may have been cut off. */
  readonly name: string | undefined
  readonly hwAddr: Uint8Array
  readonly floods: boolean
}

type Listeners = Pick<Parameters<typeof openFloodControl>[0], 'onChange' | 'onPort'>

type Waiter = {
  readonly take: (message: Message) => void
  readonly fail: (error: Error) => void
}

class Control implements FloodControl {
  readonly #address: string
  readonly #channel: Channel
  readonly #listeners: Listeners
  readonly #trace = traceOf('openflow')
  readonly #waiters = new Map<number, Waiter>()
  /** Of a change under way, what came of it. */
  readonly #refused = new Map<number, string>()
  readonly #ports = new Map<number, Port>()
  #nextXid = 1
  #ended: Error | undefined

  constructor(address: string, channel: Channel, listeners: Listeners) {
    this.#address = address
    this.#channel = channel
    this.#listeners = listeners
    void channel.closed.then((why) => this.#end(why))
  }

  get closed(): Promise<Error | undefined> {
    return this.#channel.closed
  }

  async start(): Promise<void> {
    this.#send(OFPT.hello)
    await this.#listen()
    await this.#readPorts()
  }

  receive(message: Message): void {
    this.#trace?.(`< ${describe(message)}`)
    switch (message.type) {
      case OFPT.echoRequest: {
        const body = bodyOf(message)
        const data = body.take(body.left)
        this.#send(OFPT.echoReply, (writer) => writer.put(data), message.xid)
        return
      }
      case OFPT.error:
        this.#failed(message)
        return
      case OFPT10.portStatus:
        this.#told(message)
        return
      default:
        this.#waiters.get(message.xid)?.take(message)
    }
  }

  async set(wanted: ReadonlyMap<number, boolean>): Promise<ReadonlyMap<number, string>> {
    // OVSDB may tell of a port before the switch does here.
    if ([...wanted.keys()].some((port) => !this.#ports.has(port))) await this.#readPorts()
    const asked = new Map<number, number>()
    const refused = new Map<number, string>()
    for (const [port, floods] of wanted) {
      const there = this.#ports.get(port)
      if (there === undefined) refused.set(port, 'the switch has no such port')
      else if (there.floods !== floods) asked.set(this.#modify(port, there, floods), port)
    }
    if (asked.size === 0) return refused
    const { barrierRequest, barrierReply } = OFPT10
    await this.#request(
      barrierRequest,
      undefined,
      (reply) => reply.type === barrierReply || undefined,
    )
    for (const [xid, port] of asked) {
      const why = this.#refused.get(xid)
      this.#refused.delete(xid)
      const there = this.#ports.get(port)
      if (why !== undefined) refused.set(port, why)
      else if (there !== undefined) {
        this.#ports.set(port, { ...there, floods: wanted.get(port) ?? true })
      }
    }
    return refused
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#channel[Symbol.asyncDispose]()
  }

  /** Gives the transaction id. */
  #modify(port: number, { hwAddr }: Port, floods: boolean): number {
    return this.#send(OFPT10.portMod, (writer) => {
      writer.u16(port & 0xffff)
      writer.put(hwAddr)
      writer.u32(floods ? 0 : OFPPC_NO_FLOOD)
      writer.u32(OFPPC_NO_FLOOD)
      writer.u32(0) // advertise: as it is
      writer.zeros(4)
    })
  }

  /** To hear of ports, and of nothing else. How the bridge treats fragments stands in the same message, and stays. */
  async #listen(): Promise<void> {
    const flags = await this.#request(OFPT.getConfigRequest, undefined, (reply) =>
      reply.type === OFPT.getConfigReply ? bodyOf(reply).u16() : undefined,
    )
    this.#send(OFPT.experimenter, (writer) => {
      writer.u32(NICIRA)
      writer.u32(NXT_SET_ASYNC_CONFIG)
      for (const mask of [0, 0, ALL_REASONS, ALL_REASONS, 0, 0]) writer.u32(mask)
    })
    this.#send(OFPT.setConfig, (writer) => {
      writer.u16(flags)
      writer.u16(1)
    })
  }

  async #readPorts(): Promise<void> {
    const ports = new Map<number, Port>()
    await this.#request(
      OFPT10.statsRequest,
      (writer) => {
        writer.u16(OFPST_PORT_DESC)
        writer.u16(0)
      },
      (reply) => {
        if (reply.type !== OFPT10.statsReply) return undefined
        const body = bodyOf(reply)
        body.skip(2)
        const more = (body.u16() & OFPSF_REPLY_MORE) !== 0
        while (body.left >= PORT_SIZE) ports.set(...readPort(body))
        if (more) return undefined
        // At once: what the switch tells next, it tells of these.
        this.#ports.clear()
        for (const [number, port] of ports) this.#ports.set(number, port)
        return true
      },
    )
  }

  #told(message: Message): void {
    const body = bodyOf(message)
    const reason = body.u8()
    body.skip(7)
    const [number, port] = readPort(body)
    const before = this.#ports.get(number)
    const { onChange, onPort } = this.#listeners
    const gone = reason === OFPPR_DELETE
    if (gone) this.#ports.delete(number)
    else this.#ports.set(number, port)
    if (before !== undefined && before.floods !== port.floods) onChange(number)
    if (port.name !== undefined && gone === (before !== undefined)) {
      onPort(port.name, gone ? undefined : number)
    }
  }

  #failed(error: Message): void {
    const code = errorCodeOf(error)
    if (isHelloFailed(error)) {
      const bridge = /([^/]+)\.mgmt$/.exec(this.#address)?.[1] ?? 'BRIDGE'
      throw new SwitchError(
        `the switch does not speak OpenFlow 1.0 there: ovs-vsctl add bridge ${bridge} protocols OpenFlow10`,
        { code },
      )
    }
    const waiter = this.#waiters.get(error.xid)
    if (waiter === undefined) this.#refused.set(error.xid, code)
    else waiter.fail(new SwitchError(`the switch refused to tell of its ports: ${code}`, { code }))
  }

  #request<T>(
    type: number,
    body: ((writer: Writer) => void) | undefined,
    take: (message: Message) => T | undefined,
  ): Promise<T> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const xid = this.#send(type, body)
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

  #send(type: number, body?: (writer: Writer) => void, xid = this.#nextXid++): number {
    const bytes = message(VERSION, type, xid, body)
    if (this.#trace !== undefined) {
      for (const sent of messagesIn(bytes)) this.#trace(`> ${describe(sent)}`)
    }
    this.#channel.send(bytes)
    return xid
  }

  #end(why: Error | undefined): void {
    const ended = why ?? new SwitchError(`the connection to ${this.#address} is closed`)
    this.#ended = ended
    for (const waiter of this.#waiters.values()) waiter.fail(ended)
  }
}

function readPort(reader: Reader): [number, Port] {
  const number = reader.u16()
  const hwAddr = Uint8Array.from(reader.take(6))
  const text = Buffer.from(reader.take(NAME_SIZE)).toString('latin1')
  const length = text.indexOf('\0')
  // With its last byte in use it may be the beginning of a longer one.
  const name = length < NAME_SIZE - 1 ? text.slice(0, length) : undefined
  const floods = (reader.u32() & OFPPC_NO_FLOOD) === 0
  reader.skip(PORT_SIZE - 28)
  const whole = number >= FIRST_RESERVED ? (number | RESERVED_32) >>> 0 : number
  return [whole, { name, hwAddr, floods }]
}
