// Which ports floods reach: the flag `no-flood` of a port's configuration. Only OpenFlow 1.0 has it (Open vSwitch takes the bit in
// later versions, and ignores it), so this is a connection of its own, in the few messages of 1.0 that it needs (OpenFlow 1.0,
// sections 5.2.1, 5.3 and 5.4).
//
// The switch tells of ports that come, go, or are changed by another hand. It tells the management socket nothing unasked: a
// connection must have set a miss_send_len, and then says what it wants to hear of (nicira-ext.h, NXT_SET_ASYNC_CONFIG).

import type { Reader } from './bytes.ts'
import { NICIRA, OFPT, bodyOf } from './message.ts'
import type { Message } from './message.ts'
import { openSession10 } from './session10.ts'
import type { Session10 } from './session10.ts'

export type FloodControl = AsyncDisposable & {
  /**
   * Whether floods shall reach each of these ports. Only what is not so already is told to the switch; once it resolves, the switch
   * has acknowledged it. Gives the ports of which it did not, and why. One at a time. When it throws, the connection ends.
   */
  set(wanted: ReadonlyMap<number, boolean>): Promise<ReadonlyMap<number, string>>
  /** Resolves once, with undefined if we closed it, and else with the reason. Never rejects. */
  readonly closed: Promise<Error | undefined>
}

type Options = {
  /** `unix:PATH`, a path, or `tcp:HOST:PORT`. */
  readonly address: string
  /** Told of every port whose flag another hand has changed. */
  readonly onChange: (port: number) => void
  /** Told of every port that comes or (undefined) goes, while the switch is making it: OVSDB tells later. Not of longer names. */
  readonly onPort: (name: string, port: number | undefined) => void
  readonly signal: AbortSignal
}

/** Throws a ConnectError where nobody listens, a SwitchError where the bridge does not allow OpenFlow 1.0. */
export async function openFloodControl(options: Options): Promise<FloodControl> {
  const { address, signal } = options
  let control: Control | undefined
  const onMessage = (message: Message): void => control?.receive(message)
  const session = await openSession10({ address, signal, onMessage })
  control = new Control(session, options)
  try {
    await control.start()
    return control
  } catch (error) {
    await session[Symbol.asyncDispose]()
    signal.throwIfAborted()
    throw error
  }
}

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
/**
 * Open vSwitch takes fifty messages of one connection in a turn (ofproto/connmgr.c, ofconn_run), and after a turn with a change of a
 * port looks at all ports there are. More changes than these are told on several connections, so that they are few turns.
 */
const PER_SESSION = 250
const MOST_SESSIONS = 16

type Port = {
  /** Absent where it may have been cut off. */
  readonly name: string | undefined
  readonly hwAddr: Uint8Array
  readonly floods: boolean
}
type Change = { readonly number: number; readonly before: Port; readonly after: Port }

class Control implements FloodControl {
  readonly #session: Session10
  readonly #options: Options
  /** As the switch has told; what it was asked to change, as it was asked. */
  readonly #ports = new Map<number, Port>()
  /** Ends other connections with this one: whoever waits for their answers waits no longer than for its own. */
  readonly #signal: AbortSignal

  constructor(session: Session10, options: Options) {
    this.#session = session
    this.#options = options
    const ended = new AbortController()
    this.#signal = AbortSignal.any([options.signal, ended.signal])
    void session.closed.then(() => ended.abort())
  }

  get closed(): Promise<Error | undefined> {
    return this.#session.closed
  }

  async start(): Promise<void> {
    await this.#listen()
    await this.#readPorts()
  }

  async set(wanted: ReadonlyMap<number, boolean>): Promise<ReadonlyMap<number, string>> {
    // OVSDB may tell of a port before the switch does here.
    if ([...wanted.keys()].some((port) => !this.#ports.has(port))) await this.#readPorts()
    const refused = new Map<number, string>()
    const changes: Change[] = []
    for (const [number, floods] of wanted) {
      const before = this.#ports.get(number)
      if (before === undefined) refused.set(number, 'the switch has no such port')
      else if (before.floods !== floods) {
        changes.push({ number, before, after: { ...before, floods } })
      }
    }
    if (changes.length === 0) return refused
    // Of what one connection changes the switch tells the others, so this one must know of it before. (A word of a port that the switch
    // has sent before it took this looks like another hand's: then it is asked once more.)
    for (const { number, after } of changes) this.#ports.set(number, after)
    try {
      for (const [{ number, before, after }, why] of await this.#ask(changes)) {
        refused.set(number, why)
        if (this.#ports.get(number) === after) this.#ports.set(number, before)
      }
    } catch (error) {
      // Nobody knows what is so.
      await this.#session[Symbol.asyncDispose]()
      throw error
    }
    return refused
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]()
  }

  receive(message: Message): void {
    if (message.type === OFPT10.portStatus) this.#told(message)
  }

  /** Gives those that the switch has refused, and why. */
  async #ask(changes: readonly Change[]): Promise<ReadonlyMap<Change, string>> {
    await using more = new AsyncDisposableStack()
    const count = Math.min(MOST_SESSIONS, Math.ceil(changes.length / PER_SESSION))
    // What the one that is open takes is on its way before whoever asked does anything else.
    const parts = Array.from({ length: count }, async (_, i) => {
      const further = i === 0 ? undefined : await this.#further(more)
      const part = changes.filter((_, at) => at % count === i)
      return modify(further ?? this.#session, part)
    })
    // None is closed while another's answers are still to come.
    await Promise.allSettled(parts)
    return new Map((await Promise.all(parts)).flat())
  }

  /** Another connection; undefined where the switch takes no more of them. */
  async #further(all: AsyncDisposableStack): Promise<Session10 | undefined> {
    const { address } = this.#options
    const further = { address, signal: this.#signal, onMessage: () => {} }
    const session = await openSession10(further).catch(() => undefined)
    if (session !== undefined) all.use(session)
    return session
  }

  /** To hear of ports, and of nothing else. How the bridge treats fragments stands in the same message, and stays. */
  async #listen(): Promise<void> {
    const flags = await this.#session.request(OFPT.getConfigRequest, undefined, (reply) =>
      reply.type === OFPT.getConfigReply ? bodyOf(reply).u16() : undefined,
    )
    this.#session.send(OFPT.experimenter, (writer) => {
      writer.u32(NICIRA)
      writer.u32(NXT_SET_ASYNC_CONFIG)
      for (const mask of [0, 0, ALL_REASONS, ALL_REASONS, 0, 0]) writer.u32(mask)
    })
    this.#session.send(OFPT.setConfig, (writer) => {
      writer.u16(flags)
      writer.u16(1)
    })
  }

  async #readPorts(): Promise<void> {
    const ports = new Map<number, Port>()
    await this.#session.request(
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
    const { onChange, onPort } = this.#options
    const gone = reason === OFPPR_DELETE
    if (gone) this.#ports.delete(number)
    else this.#ports.set(number, port)
    if (before !== undefined && before.floods !== port.floods) onChange(number)
    if (port.name !== undefined && gone === (before !== undefined)) {
      onPort(port.name, gone ? undefined : number)
    }
  }
}

async function modify(
  session: Session10,
  changes: readonly Change[],
): Promise<readonly (readonly [Change, string])[]> {
  const asked = changes.map((change) => {
    const { number, after } = change
    const xid = session.send(OFPT10.portMod, (writer) => {
      writer.u16(number & 0xffff)
      writer.put(after.hwAddr)
      writer.u32(after.floods ? 0 : OFPPC_NO_FLOOD)
      writer.u32(OFPPC_NO_FLOOD)
      writer.u32(0) // advertise: as it is
      writer.zeros(4)
    })
    return [change, xid] as const
  })
  const { barrierRequest, barrierReply } = OFPT10
  await session.request(barrierRequest, undefined, ({ type }) => type === barrierReply || undefined)
  return asked.flatMap(([change, xid]) => {
    const why = session.refusalOf(xid)
    return why === undefined ? [] : [[change, why] as const]
  })
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
