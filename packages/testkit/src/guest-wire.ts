// Raw Ethernet at a guest's device. Node has no packet sockets, so a small Python program holds one (guest-wire.py).

import { join } from 'node:path'
import type { Daemon } from './daemon.ts'
import { startDaemon } from './daemon.ts'
import type { Enclosure } from './enclosure.ts'
import { Inbox } from './inbox.ts'

export type FrameFilter = (frame: Uint8Array) => boolean

export type GuestWire = AsyncDisposable & {
  /** Resolves when the device has taken the frame; throws what the kernel said when it did not. */
  readonly send: (frame: Uint8Array) => Promise<void>
  /** Frames that came in since the wire was opened or last `forget`, in order; tags included, what the guest sends not. */
  readonly received: (fits?: FrameFilter) => readonly Uint8Array[]
  /** The first frame that fits, of those received or to come; throws with what else came when there is none in `ms`. */
  readonly expect: (fits: FrameFilter, ms?: number) => Promise<Uint8Array>
  readonly forget: () => void
}

type Sending = { readonly sent: () => void; readonly refused: (why: Error) => void }

// Debian's own: a version manager that comes first in PATH would start it by way of a shell.
const PYTHON = ['/usr/bin/python3', '-I', '-S', join(import.meta.dirname, 'guest-wire.py')]

/** Answers when no frame can be missed any more. `netOf` is a process in the device's network namespace. */
export async function openWire(
  enclosure: Enclosure,
  netOf: number,
  device: string,
): Promise<GuestWire> {
  const frames = new Inbox<Uint8Array>((others, ms) => {
    const list = others.map((frame) => `\n  ${hexOf(frame)}`).join('') || 'nothing'
    return `no such frame on ${device} within ${ms} ms; received: ${list}`
  })
  const sending: Sending[] = []
  const ready = Promise.withResolvers<void>()

  const heard = (line: string): void => {
    const [, word, rest = ''] = /^(\w+) ?(.*)$/.exec(line) ?? []
    switch (word) {
      case 'ready':
        return ready.resolve()
      case 'received':
        return frames.put(Uint8Array.from(Buffer.from(rest, 'hex')))
      case 'sent':
        return sending.shift()?.sent()
      case 'refused':
        return sending.shift()?.refused(new Error(`${device} did not take the frame: ${rest}`))
      case undefined:
      default:
        return undefined
    }
  }
  const program = await startDaemon(enclosure, [...PYTHON, device], { netOf, heard })
  const over = async (): Promise<void> => {
    await program.ended
    const why = new Error(`the wire of ${device} ended: ${program.said().trim()}`)
    ready.reject(why)
    for (const { refused } of sending.splice(0)) refused(why)
  }
  void over()
  await ready.promise

  return {
    send: (frame) => send(program, frame, sending),
    received: (fits = () => true) => frames.items.filter(fits),
    expect: (fits, ms = 5000) => frames.until(fits, ms),
    forget: () => void frames.take(),
    async [Symbol.asyncDispose]() {
      program.stdin.end()
      await program.ended
    },
  }
}

function send(program: Daemon, frame: Uint8Array, sending: Sending[]): Promise<void> {
  return new Promise((sent, refused) => {
    if (!program.running()) {
      refused(new Error(`the wire has ended: ${program.said().trim()}`))
      return
    }
    sending.push({ sent, refused })
    program.stdin.write(`${hexOf(frame)}\n`)
  })
}

function hexOf(frame: Uint8Array): string {
  return Buffer.from(frame).toString('hex')
}
