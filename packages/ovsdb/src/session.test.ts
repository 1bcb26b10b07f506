import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Disconnected, OvsdbError } from './errors.ts'
import { jsonFramer } from './framer.ts'
import { openSession } from './session.ts'
import type { OvsdbSession } from './session.ts'

type Message = {
  readonly id?: unknown
  readonly method?: string
  readonly params?: unknown
  readonly result?: unknown
}
type Peer = {
  readonly received: Message[]
  send(...messages: readonly object[]): void
  end(): void
}
type Lab = AsyncDisposable & {
  readonly session: OvsdbSession
  readonly peer: Peer
  readonly notified: (readonly [string, unknown])[]
}

/** A session with a server that does as the test says. */
async function openLab(onMessage: (message: Message, peer: Peer) => void): Promise<Lab> {
  const dir = await mkdtemp(join(tmpdir(), 'portward-ovsdb-'))
  const server = createServer()
  server.listen(join(dir, 'db.sock'))
  await once(server, 'listening')
  const notified: (readonly [string, unknown])[] = []
  const arrived = new Promise<Socket>((resolve) => server.once('connection', resolve))
  const [socket, session] = await Promise.all([
    arrived,
    openSession({
      address: join(dir, 'db.sock'),
      onNotification: (method, params) => notified.push([method, params]),
      signal: new AbortController().signal,
    }),
  ])
  const received: Message[] = []
  const peer: Peer = {
    received,
    send: (...messages) => void socket.write(messages.map((m) => JSON.stringify(m)).join('')),
    end: () => void socket.end(),
  }
  const framer = jsonFramer()
  socket.on('data', (chunk) => {
    for (const document of framer.push(chunk)) {
      const message: Message = Object(document)
      received.push(message)
      onMessage(message, peer)
    }
  })
  return {
    session,
    peer,
    notified,
    async [Symbol.asyncDispose]() {
      await session[Symbol.asyncDispose]()
      socket.destroy()
      server.close()
      await rm(dir, { recursive: true })
    },
  }
}

void test('answers find their requests, in whatever order they come', async () => {
  await using lab = await openLab((_, peer) => {
    if (peer.received.length < 2) return
    for (const { id, method } of peer.received.toReversed())
      peer.send({ id, result: [method], error: null })
  })
  const results = await Promise.all([lab.session.request('a', []), lab.session.request('b', [1])])
  assert.deepEqual(results, [['a'], ['b']])
  assert.deepEqual(
    lab.peer.received.map(({ method, params }) => [method, params]),
    [
      ['a', []],
      ['b', [1]],
    ],
  )
})

void test('a refusal is an OvsdbError with the word and the details of the database', async () => {
  await using lab = await openLab(({ id, method }, peer) => {
    const details = { error: 'unknown database', details: 'no database Nope', syntax: '["Nope"]' }
    peer.send({ id, error: method === 'get_schema' ? details : 'unknown method' })
  })
  await assert.rejects(lab.session.request('get_schema', ['Nope']), (error) => {
    assert.ok(error instanceof OvsdbError)
    assert.equal(error.error, 'unknown database')
    assert.equal(error.message, 'get_schema: unknown database: no database Nope')
    return true
  })
  await assert.rejects(lab.session.request('nope', []), /^OvsdbError: nope: unknown method$/)
})

void test('an echo is answered with what it carried, another request with an error', async () => {
  await using lab = await openLab(() => {})
  lab.peer.send({ id: 'x', method: 'echo', params: ['y'] }, { id: 7, method: 'steal', params: [] })
  while (lab.peer.received.length < 2) await new Promise((resolve) => setTimeout(resolve, 1))
  assert.deepEqual(lab.peer.received, [
    { id: 'x', result: ['y'], error: null },
    { id: 7, result: null, error: 'unknown method steal' },
  ])
})

void test('a notification before an answer in the same piece is told first', async () => {
  await using lab = await openLab(({ id }, peer) => {
    peer.send({ id: null, method: 'update3', params: [1] }, { id, result: [], error: null })
  })
  const told = lab.session.request('transact', []).then(() => [...lab.notified])
  assert.deepEqual(await told, [['update3', [1]]])
})

void test('a probe is an echo, and its answer is heard', async () => {
  await using lab = await openLab(({ id, params }, peer) =>
    peer.send({ id, result: params, error: null }),
  )
  const before = lab.session.heardAt
  lab.session.probe()
  while (lab.session.heardAt === before) await new Promise((resolve) => setTimeout(resolve, 1))
  assert.equal(lab.peer.received[0]?.method, 'echo')
  assert.deepEqual(await lab.session.request('echo', ['still here']), ['still here'])
})

void test('when the server goes, what was asked of it fails, and what is asked later too', async () => {
  await using lab = await openLab((_, peer) => peer.end())
  const asked = [lab.session.request('a', []), lab.session.request('b', [])]
  for (const { status, ...rest } of await Promise.allSettled(asked)) {
    assert.equal(status, 'rejected')
    assert.ok('reason' in rest && rest.reason instanceof Disconnected)
    assert.match(String(rest.reason.cause), /closed by the other side/)
  }
  await assert.rejects(lab.session.request('c', []), Disconnected)
})

void test('an answer to nothing closes the session', async () => {
  await using lab = await openLab(() => {})
  lab.peer.send({ id: 99, result: [], error: null })
  assert.match(String(await lab.session.closed), /answer to nothing that was asked: id 99/)
})
