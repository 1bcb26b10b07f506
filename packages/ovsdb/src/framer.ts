// JSON documents out of a stream of bytes (RFC 7047, section 4: JSON-RPC messages follow each other with nothing between).
//
// Only braces, brackets, quotes and backslashes matter, and no byte of a longer UTF-8 character equals one of these: bytes
// are counted as they come, and a document is read once it is whole, wherever its characters were cut.

import type { Framer } from '@portward/wire'
import { FrameError } from '@portward/wire'

/** In bytes. The whole of a switch with 100,000 ports is some 50 MB. */
export const MAX_DOCUMENT_SIZE = 256 * 1024 * 1024

const [QUOTE, BACKSLASH] = [0x22, 0x5c]
const [OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d]
const whitespace: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d])

export function jsonFramer(maxSize = MAX_DOCUMENT_SIZE): Framer<unknown> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let begun: Uint8Array[] = []
  let size = 0
  let depth = 0
  let quoted = false
  let escaped = false

  const keep = (part: Uint8Array): void => {
    begun.push(part)
    size += part.length
    if (size > maxSize) throw new FrameError(`a message of more than ${maxSize} bytes`)
  }

  const read = (tail: Uint8Array): unknown => {
    keep(tail)
    const bytes = begun.length === 1 ? tail : Buffer.concat(begun)
    begun = []
    size = 0
    try {
      return JSON.parse(decoder.decode(bytes))
    } catch (cause) {
      throw new FrameError(`not JSON: ${Buffer.from(bytes.subarray(0, 200)).toString()}`, { cause })
    }
  }

  return {
    push(chunk) {
      const documents: unknown[] = []
      let start = 0
      for (let i = 0; i < chunk.length; i++) {
        const byte = chunk[i] ?? 0
        if (escaped) escaped = false
        else if (quoted) {
          if (byte === QUOTE) quoted = false
          else if (byte === BACKSLASH) escaped = true
        } else if (depth === 0 && byte !== OPEN_BRACE) {
          if (!whitespace.has(byte))
            throw new FrameError(`a message begins with byte ${byte}, not with {`)
        } else if (byte === QUOTE) quoted = true
        else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++
        else if ((byte === CLOSE_BRACE || byte === CLOSE_BRACKET) && --depth === 0) {
          documents.push(read(chunk.subarray(start, i + 1)))
          start = i + 1
        }
      }
      if (start < chunk.length) keep(chunk.subarray(start))
      return documents
    },
  }
}
