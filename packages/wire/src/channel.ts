// A socket that carries frames: bytes of any cut go in, whole frames come out, in order and synchronously.

import { once } from 'node:events'
import type { Socket } from 'node:net'
import { createConnection } from 'node:net'
import type { Address } from './address.ts'
import { parseAddress } from './address.ts'

/** Cuts a stream of bytes into frames. Keeps what is incomplete; throws a FrameError once the stream makes no sense. */
export type Framer<Frame> = { push(chunk: Uint8Array): readonly Frame[] }

/** The peer sent what is no frame, or one that is too large. There is no way to go on reading after it. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
}

export class ConnectError extends Error {
  override readonly name = 'ConnectError'
  /** Of the system, such as `ENOENT`; undefined where it gave none. */
  readonly code: string | undefined
  constructor(address: string, cause: unknown) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
    super(`cannot connect to ${address}: ${waysOut[code ?? ''] ?? String(cause)}`, { cause })
    this.code = code
  }
}

const waysOut: Readonly<Record<string, string>> = {
  ENOENT: 'no such socket (ENOENT): is the daemon running, and is this its run directory?',
  ECONNREFUSED: 'nobody listens there (ECONNREFUSED): is the daemon running?',
  EACCES: 'permission denied (EACCES): run as root, or as a user of the group that owns the socket',
  ENOTSOCK: 'not a socket (ENOTSOCK): give the path of the socket the daemon listens on',
  ENOTFOUND: 'no such host (ENOTFOUND): check the name, or give the address',
}

export type Channel = AsyncDisposable & {
  /** Queues the bytes; those sent in one go leave in one system call. A closed channel drops them: `closed` has told. */
  send(bytes: Uint8Array | string): void
  /** Resolves when the system has taken all that was sent, or the channel is closed. */
  drained(): Promise<void>
  /** Closes at once; `closed` resolves with `why`. What was sent and not yet taken by the system is lost. */
  close(why?: Error): void
  /** When bytes last came in, or the channel was opened; milliseconds of `performance.now()`. */
  readonly heardAt: number
  /** Resolves once, with the reason: undefined if we closed it and gave none. Never rejects. */
  readonly closed: Promise<Error | undefined>
}

export type ChannelOptions<Frame> = {
  /** As `parseAddress` reads it. */
  readonly address: string
  readonly framer: Framer<Frame>
  /** An exception closes the channel, and is the reason given. */
  readonly onFrame: (frame: Frame) => void
  /** Ends the attempt, and later the channel. */
  readonly signal: AbortSignal
}

/** Throws a ConnectError that says what was tried and the likely way out; the signal's reason if that was aborted. */
export async function openChannel<Frame>(options: ChannelOptions<Frame>): Promise<Channel> {
  const { address, framer, onFrame, signal } = options
  signal.throwIfAborted()
  const socket = createConnection(endpoint(parseAddress(address)))
  try {
    await once(socket, 'connect', { signal })
  } catch (error) {
    socket.destroy()
    signal.throwIfAborted()
    throw new ConnectError(address, error)
  }

  let heardAt = performance.now()
  let reason: Error | undefined
  const close = (why?: Error): void => {
    if (socket.destroyed) return
    reason = why
    socket.destroy()
  }
  const abort = (): void => close()
  signal.addEventListener('abort', abort)

  const closed = new Promise<Error | undefined>((resolve) => {
    socket.once('close', () => {
      signal.removeEventListener('abort', abort)
      resolve(reason)
    })
  })
  socket.on(
    'error',
    (error) => (reason = new Error(`${address}: ${error.message}`, { cause: error })),
  )
  socket.on('end', () => close(new Error(`${address}: closed by the other side`)))
  socket.on('data', (chunk) => {
    heardAt = performance.now()
    try {
      for (const frame of framer.push(chunk)) {
        if (socket.destroyed) return
        onFrame(frame)
      }
    } catch (error) {
      close(error instanceof Error ? error : new Error(String(error)))
    }
  })

  return {
    send: (bytes) => send(socket, bytes),
    drained: () => new Promise((resolve) => void socket.write('', () => resolve())),
    close,
    get heardAt() {
      return heardAt
    },
    closed,
    async [Symbol.asyncDispose]() {
      close()
      await closed
    },
  }
}

function endpoint(
  address: Address,
): { path: string } | { host: string; port: number; noDelay: true } {
  if (address.type === 'unix') return { path: address.path }
  return { host: address.host, port: address.port, noDelay: true }
}

/** Corked until whoever is running now has said all it has to say. */
function send(socket: Socket, bytes: Uint8Array | string): void {
  if (socket.destroyed) return
  if (socket.writableCorked === 0) {
    socket.cork()
    process.nextTick(() => socket.uncork())
  }
  socket.write(bytes)
}
