import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Socket, createServer } from 'node:net'
import type { Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Framer } from './channel.ts'
import { ConnectError, FrameError, openChannel } from './channel.ts'

const never = new AbortController().signal

/** Frames are lines. */
function lines(): Framer<string> {
  let rest = ''
  return {
    push(chunk) {
      const parts = (rest + new TextDecoder().decode(chunk)).split('\n')
      rest = parts.pop() ?? ''
      if (rest.length > 20) throw new FrameError('a line of more than 20 characters')
      return parts
    },
  }
}

type Peer = AsyncDisposable & {
  readonly address: string
  readonly dir: string
  readonly sockets: readonly Socket[]
  readonly server: Server
}

async function listen(onSocket: (socket: Socket) => void): Promise<Peer> {
  const dir = await mkdtemp(join(tmpdir(), 'portward-wire-'))
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    onSocket(socket)
  })
  server.listen(join(dir, 'sock'))
  await once(server, 'listening')
  return {
    address: `unix:${join(dir, 'sock')}`,
    dir,
    sockets,
    server,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await rm(dir, { recursive: true })
    },
  }
}

void test('frames come in order, however the bytes were cut', async () => {
  await using peer = await listen((socket) => {
    for (const part of ['on', 'e\ntw', 'o\n', 'three\n']) socket.write(part)
  })
  const got: string[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  await using _ = await openChannel({
    address: peer.address,
    framer: lines(),
    onFrame: (line) => got.push(line) === 3 && resolve(),
    signal: never,
  })
  await promise
  assert.deepEqual(got, ['one', 'two', 'three'])
})

void test('what is sent in one go leaves together, text and bytes in their order', async (t) => {
  let received = ''
  await using peer = await listen((socket) => {
    socket.on('data', (chunk) => (received += chunk.toString()))
  })
  await using channel = await openChannel({
    address: peer.address,
    framer: lines(),
    onFrame: () => {},
    signal: never,
  })
  const alone = t.mock.method(Socket.prototype, '_write')
  for (let i = 0; i < 100; i++) channel.send(i % 2 === 0 ? `${i}\n` : Buffer.from(`${i}\n`))
  await channel.drained()
  assert.equal(alone.mock.callCount(), 0) // all of it by _writev
  await channel[Symbol.asyncDispose]()
  await once(peer.sockets[0] ?? assert.fail('nobody came'), 'close')
  assert.equal(received, Array.from({ length: 100 }, (_, i) => `${i}\n`).join(''))
})

void test('a large message has been taken by the system when drained() resolves', async () => {
  const size = 5_000_000
  let read = 0
  const all = Promise.withResolvers<void>()
  await using peer = await listen((socket) => {
    socket.on('data', (chunk) => (read += chunk.length) === size && all.resolve())
  })
  await using channel = await openChannel({
    address: peer.address,
    framer: lines(),
    onFrame: () => {},
    signal: never,
  })
  channel.send(new Uint8Array(size))
  await channel.drained()
  await channel[Symbol.asyncDispose]()
  await all.promise
  assert.equal(read, size)
})

void test('the other side closing is told as the reason', async () => {
  await using peer = await listen((socket) => socket.end('bye\n'))
  const got: string[] = []
  await using channel = await openChannel({
    address: peer.address,
    framer: lines(),
    onFrame: (line) => got.push(line),
    signal: never,
  })
  assert.match(String(await channel.closed), /closed by the other side/)
  assert.deepEqual(got, ['bye'])
  channel.send('into the void\n')
  await channel.drained()
})

void test('what the framer or the receiver throws closes the channel and is the reason', async () => {
  await using peer = await listen((socket) => socket.write(`good\nbad\nafter\n${'x'.repeat(21)}`))
  const open = (onFrame: (line: string) => void) =>
    openChannel({ address: peer.address, framer: lines(), onFrame, signal: never })

  await using tooLong = await open(() => {})
  assert.ok((await tooLong.closed) instanceof FrameError)

  peer.server.removeAllListeners('connection')
  peer.server.on('connection', (socket: Socket) => socket.end('good\nbad\nafter\n'))
  const got: string[] = []
  const error = new Error('no such thing as bad')
  await using refused = await open((line) => {
    if (line === 'bad') throw error
    got.push(line)
  })
  assert.equal(await refused.closed, error)
  assert.deepEqual(got, ['good'])
})

void test('a channel closed by its receiver gives no further frame', async () => {
  await using peer = await listen((socket) => socket.write('one\ntwo\n'))
  const stop = new AbortController()
  const got: string[] = []
  const channel = await openChannel({
    address: peer.address,
    framer: lines(),
    onFrame(line) {
      got.push(line)
      stop.abort()
    },
    signal: stop.signal,
  })
  assert.equal(await channel.closed, undefined)
  assert.deepEqual(got, ['one'])
})

void test('closing gives the reason that was given first', async () => {
  await using peer = await listen(() => {})
  const open = () =>
    openChannel({ address: peer.address, framer: lines(), onFrame: () => {}, signal: never })
  await using channel = await open()
  const why = new Error('a hello of the wrong version')
  channel.close(why)
  channel.close(new Error('too late'))
  assert.equal(await channel.closed, why)
  await using another = await open()
  another.close()
  assert.equal(await another.closed, undefined)
})

void test('nobody there: says what was tried, and where to look', async () => {
  await using peer = await listen(() => {})
  const open = (address: string, signal = never) =>
    openChannel({ address, framer: lines(), onFrame: () => {}, signal })
  const missing = join(peer.dir, 'missing')
  await assert.rejects(open(missing), (error) => {
    assert.ok(error instanceof ConnectError)
    assert.equal(error.code, 'ENOENT')
    assert.ok(error.message.includes(missing) && error.message.includes('is the daemon running'))
    return true
  })
  await writeFile(join(peer.dir, 'file'), '')
  await assert.rejects(open(join(peer.dir, 'file')), (error) => error instanceof ConnectError)
  await assert.rejects(open('nonsense'), TypeError)
  const stop = AbortSignal.abort(new Error('not now'))
  await assert.rejects(open(peer.address, stop), /not now/)
})
