// Cuts a stream of bytes into OpenFlow messages. It knows the header and nothing else; the length field, 16 bits wide, is the
// cap on a message's size.

import type { Framer } from '@portward/wire'
import { FrameError } from '@portward/wire'
import { Reader } from './bytes.ts'
import type { Message } from './message.ts'
import { HEADER_SIZE } from './message.ts'

export function openflowFramer(): Framer<Message> {
  let rest: Uint8Array = new Uint8Array()
  return {
    push(chunk) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      const messages: Message[] = []
      let at = 0
      while (bytes.length - at >= HEADER_SIZE) {
        const header = new Reader(bytes, at)
        const version = header.u8()
        const type = header.u8()
        const length = header.u16()
        if (length < HEADER_SIZE) {
          throw new FrameError(
            `an OpenFlow message of ${length} bytes: the other side speaks something else`,
          )
        }
        if (length > bytes.length - at) break
        messages.push({ version, type, xid: header.u32(), bytes: bytes.subarray(at, at + length) })
        at += length
      }
      rest = bytes.subarray(at)
      return messages
    },
  }
}
