import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { openServer } from './server.ts'
import type { ServerOptions } from './server.ts'
import { openTestServer } from './testing.ts'

async function openBench() {
  const inner = await openTestServer()
  const stop = new AbortController()
  const options: ServerOptions = {
    store: inner.store,
    host: '127.0.0.1',
    port: 0,
    log: undefined,
    version: '0.0.0',
    signal: stop.signal,
  }
  return { options, stop, [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose]() }
}

void test('it answers on its url until it is disposed of', async () => {
  await using bench = await openBench()
  const server = await openServer(bench.options)
  assert.equal((await fetch(`${server.url}/v2.0/networks`)).status, 200)
  await server[Symbol.asyncDispose]()
  await assert.rejects(fetch(`${server.url}/v2.0/networks`))
})

void test('it ends with its signal', async () => {
  await using bench = await openBench()
  await using server = await openServer(bench.options)
  bench.stop.abort()
  await server[Symbol.asyncDispose]()
  await assert.rejects(server.replica.reached(1_000_000), /closing/)
})

void test('a port that is in use: the error names it and the way out', async () => {
  await using bench = await openBench()
  await using server = await openServer(bench.options)
  const port = Number(new URL(server.url).port)
  await assert.rejects(openServer({ ...bench.options, port }), (error: Error) => {
    assert.match(error.message, new RegExp(`127\\.0\\.0\\.1 port ${port}.*--listen`))
    return true
  })
})

void test('two servers on one store: what one has answered, the other knows once it has caught up', async () => {
  await using bench = await openBench()
  await using one = await openServer(bench.options)
  await using two = await openServer(bench.options)
  const made = await fetch(`${one.url}/v2.0/networks`, { method: 'POST', body: '{"network": {}}' })
  assert.equal(made.status, 201)
  await two.replica.reached(one.replica.revision)
  const list = await fetch(`${two.url}/v2.0/networks`)
  assert.match(await list.text(), /"revision_number":1/)
})

/** Sends the bytes before it reads anything, as simple clients do; gives what came back until `enough`, or to the end. */
async function exchange(url: string, bytes: string, enough = /$^/): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const sent = Promise.withResolvers<void>()
  socket.write(bytes, (error) => (error ? sent.reject(error) : sent.resolve()))
  await sent.promise
  let text = ''
  for await (const chunk of socket) {
    text += String(chunk)
    if (enough.test(text)) break
  }
  return text
}

void test('a body of 10 MB is answered also for a client that sends all of it first', async () => {
  await using bench = await openBench()
  await using server = await openServer(bench.options)
  const size = 10_000_000
  const head = `POST /v2.0/networks HTTP/1.1\r\nHost: x\r\n`
  for (const body of [
    `Content-Length: ${size}\r\n\r\n${'x'.repeat(size)}`,
    `Transfer-Encoding: chunked\r\n\r\n${size.toString(16)}\r\n${'x'.repeat(size)}\r\n0\r\n\r\n`,
  ]) {
    const answer = await exchange(server.url, head + body, /1048576 bytes/)
    assert.match(answer, /^HTTP\/1.1 413 [^]*HTTPRequestEntityTooLarge[^]*send less at once/)
  }
})

void test('what is no request at all gets an error in the shape of all others', async () => {
  await using bench = await openBench()
  await using server = await openServer(bench.options)
  const list = 'GET /v2.0/ports'
  for (const [bytes, status, type, wayOut] of [
    ['this is not HTTP\r\n\r\n', 400, 'HTTPBadRequest', /not HTTP/],
    [`${list}?name=${'x'.repeat(20_000)} HTTP/1.1\r\n\r\n`, 431, 'HTTPRequestHeader', /shorter/],
  ] as const) {
    const answer = await exchange(server.url, bytes)
    assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `))
    assert.match(answer, new RegExp(`{"NeutronError":{"type":"${type}`))
    assert.match(answer, wayOut)
  }
})

void test('it ends though a client has sent half a request and keeps the rest to itself', async () => {
  await using bench = await openBench()
  const server = await openServer(bench.options)
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  socket.write('POST /v2.0/ports HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{')
  await fetch(server.url)
  const hungUp = once(socket, 'close')
  await server[Symbol.asyncDispose]()
  await hungUp
})
