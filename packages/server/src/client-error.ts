// What cannot be read as an HTTP request, or does not come to its end: answered as everything else is, then hung up on.

import { STATUS_CODES, maxHeaderSize } from 'node:http'
import type { Socket } from 'node:net'
import { errors } from './errors.ts'

/** Milliseconds that a request may take to arrive. */
export const REQUEST_TIMEOUT = 60_000

/** For Node's event `clientError`. */
export function answerClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const { status, body } = meaningOf(error)
  const text = JSON.stringify(body)
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(text)}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`)
}

function meaningOf({ code, message }: Error & { readonly code?: string }) {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return errors.headersTooLarge(maxHeaderSize)
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return errors.tooSlow(REQUEST_TIMEOUT / 1000)
    case undefined:
    default:
      return errors.malformed(`it is not HTTP/1.1 (${message})`)
  }
}
