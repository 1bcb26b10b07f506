// A process that sends HTTP/1.1 requests and measures the answers, for load.ts. It knows no more of HTTP than it needs: a status,
// a Content-Length, and the bytes after it. Node's own client would use as much of the processor as the server that is measured.
//
// A line on standard input is a Job, a line on standard output its Outcome.

import { createConnection } from 'node:net'
import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { Job, Outcome } from './load.ts'

const HEAD_END = Buffer.from('\r\n\r\n')

for await (const line of createInterface({ input: process.stdin })) {
  const job: Job = JSON.parse(line)
  process.stdout.write(`${JSON.stringify(await perform(job))}\n`)
}

async function perform({ port, connections, requests, seconds: limit }: Job): Promise<Outcome> {
  const messages = requests.map(({ method, path, body }) => {
    const text = body === undefined ? '' : JSON.stringify(body)
    const head = [
      `${method} ${path} HTTP/1.1`,
      `Host: 127.0.0.1:${port}`,
      'Accept: application/json',
      ...(text === '' ? [] : ['Content-Type: application/json']),
      `Content-Length: ${Buffer.byteLength(text)}`,
    ]
    return Buffer.from(`${head.join('\r\n')}\r\n\r\n${text}`)
  })
  const sockets = await Promise.all(Array.from({ length: connections }, () => connect(port)))
  const times: number[] = []
  let failure: string | undefined
  let last: Buffer = Buffer.of()
  let next = 0
  const begun = performance.now()
  const end = begun + limit * 1000
  await Promise.all(
    sockets.map(async (socket) => {
      const exchange = exchangesOn(socket)
      while (failure === undefined && next < messages.length && performance.now() < end) {
        const i = next++
        const sent = performance.now()
        const { status, body } = await exchange(messages[i] ?? Buffer.of())
        times.push(performance.now() - sent)
        last = body
        if (status >= 200 && status < 300) continue
        const { method, path } = requests[i] ?? { method: '', path: '' }
        failure ??= `${method} ${path}: ${status} ${body.toString().slice(0, 500)}`
      }
    }),
  ).catch((error: unknown) => (failure ??= String(error)))
  const seconds = (performance.now() - begun) / 1000
  for (const socket of sockets) socket.destroy()
  return failure === undefined ? { seconds, times, last: last.toString() } : { failure }
}

function connect(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: '127.0.0.1', port, noDelay: true }, () =>
      resolve(socket),
    )
    socket.once('error', reject)
  })
}

type Answer = { readonly status: number; readonly body: Buffer }

/** One after another: each is to be answered before the next is sent. */
function exchangesOn(socket: Socket): (message: Buffer) => Promise<Answer> {
  let waiting: PromiseWithResolvers<Answer> | undefined
  let taken: Buffer = Buffer.of()
  /** Of the whole answer; known once its head is here. */
  let size = Infinity
  let bodyAt = 0
  socket.on('data', (chunk) => {
    taken = taken.length === 0 ? chunk : Buffer.concat([taken, chunk])
    if (size === Infinity) {
      const end = taken.indexOf(HEAD_END)
      if (end === -1) return
      bodyAt = end + HEAD_END.length
      size = bodyAt + lengthOf(taken.toString('latin1', 0, end))
    }
    if (taken.length < size) return
    const answer = {
      status: Number(taken.toString('latin1', 9, 12)),
      body: taken.subarray(bodyAt, size),
    }
    taken = Buffer.of()
    size = Infinity
    waiting?.resolve(answer)
  })
  const over = (why: string) => () => waiting?.reject(new Error(`the server hung up${why}`))
  socket.on('error', (error) => over(`: ${error.message}`)())
  socket.on('close', over(''))
  return (message) => {
    waiting = Promise.withResolvers()
    socket.write(message)
    return waiting.promise
  }
}

/** No Content-Length: no body, as with 204. Neither server under measurement sends chunks. */
function lengthOf(head: string): number {
  return Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
}
