import assert from 'node:assert/strict'
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
