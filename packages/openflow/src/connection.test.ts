import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Writer } from './bytes.ts'
import { openSwitch } from './connection.ts'
import { describe } from './describe.ts'
import { SwitchError } from './error.ts'
import type { FlowEvent } from './flow.ts'
import { openflowFramer } from './framer.ts'
import { OFPT, bodyOf, message, writeMessage } from './message.ts'
import type { Message } from './message.ts'

// What a real switch does not do when a test wants it. The rest is tested with a real one.

const never = new AbortController().signal
const DPID = 0x1234_5678_9abc_def0n

type FakeSwitch = AsyncDisposable & {
  readonly address: string
  /** What was received, each in one line. */
  readonly heard: string[]
  readonly send: (...messages: readonly Uint8Array[]) => void
}

/** Says hello, and answers with what `answer` gives for a message; for the features by itself. */
async function fakeSwitch(
  answer: (message: Message) => readonly Uint8Array[] = () => [],
  hello: Uint8Array = message(5, OFPT.hello, 1),
): Promise<FakeSwitch> {
  const dir = await mkdtemp(join(tmpdir(), 'portward-openflow-'))
  const address = join(dir, 'br-int.mgmt')
  const heard: string[] = []
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    const framer = openflowFramer()
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      for (const received of framer.push(chunk)) {
        heard.push(describe(received))
        const { version, type, xid } = received
        const replies =
          type === OFPT.featuresRequest && version === 5
            ? [message(5, OFPT.featuresReply, xid, (writer) => writer.u64(DPID))]
            : answer(received)
        socket.write(Buffer.concat(replies))
      }
    })
    socket.write(hello)
  })
  server.listen(address)
  await once(server, 'listening')
  return {
    address,
    heard,
    send: (...messages) => sockets[0]?.write(Buffer.concat(messages)),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await rm(dir, { recursive: true })
    },
  }
}

function bundleReply(request: Message): Uint8Array {
  const body = bodyOf(request)
  const writer = new Writer()
  const head = { version: 5, kind: { type: OFPT.bundleControl }, xid: request.xid } as const
  writeMessage(writer, head, () => {
    writer.u32(body.u32())
    writer.u16(body.u16() + 1)
    writer.u16(3)
  })
  return writer.bytes()
}

/** OFPME_REMOVED of a flow of table 9 that takes everything. */
const removal = message(5, OFPT.multipartReply, 0, (writer) => {
  writer.u16(16)
  writer.zeros(6)
  for (const field of ['0020', '0002', '09', '02', '00000000', '0001', '00000000'])
    writer.hex(field)
  writer.u64(3n)
  writer.hex('0001000400000000')
})

void test('a switch that says hello without a bitmap speaks every version up to that of the hello', async () => {
  await using fake = await fakeSwitch()
  await using connection = await openSwitch({ address: fake.address, signal: never })
  assert.equal(connection.version, 5)
  assert.equal(connection.datapathId, DPID)
  assert.deepEqual(fake.heard, [
    'hello 1.5 xid=0x1 16 bytes',
    'featuresRequest 1.4 xid=0x2 8 bytes',
  ])
})

void test('a switch of an older version is refused, with the way out', async () => {
  const hello = message(4, OFPT.hello, 1)
  hello[0] = 1
  await using fake = await fakeSwitch(undefined, hello)
  await assert.rejects(openSwitch({ address: fake.address, signal: never }), (error) => {
    assert.ok(error instanceof SwitchError)
    assert.match(error.message, /speaks 1\.0 and none of .*ovs-vsctl set bridge br-int protocols=/)
    return true
  })
})

void test('an echo request is answered with its own data', async () => {
  const echoed = Promise.withResolvers<Message>()
  await using fake = await fakeSwitch((received) => {
    if (received.type === OFPT.echoReply) echoed.resolve(received)
    return []
  })
  await using _ = await openSwitch({ address: fake.address, signal: never })
  fake.send(message(5, OFPT.echoRequest, 77, (writer) => writer.hex('c0ffee')))
  const { xid, bytes } = await echoed.promise
  assert.equal(xid, 77)
  assert.equal(Buffer.from(bytes.subarray(8)).toString('hex'), 'c0ffee')
})

void test('an acknowledgement is told before what the switch says right behind it', async () => {
  await using fake = await fakeSwitch((received) => {
    if (received.type === OFPT.multipartRequest) {
      const empty = (writer: Writer): void => writer.hex('0010000000000000')
      return [message(5, OFPT.multipartReply, received.xid, empty)]
    }
    if (received.type !== OFPT.bundleControl) return []
    return [bundleReply(received), removal]
  })
  await using connection = await openSwitch({ address: fake.address, signal: never })
  const told: string[] = []
  const onEvent = ({ type, flow }: FlowEvent): void => void told.push(`${type} ${flow.table}`)
  assert.deepEqual(await connection.watchFlows(onEvent), [])
  await assert.rejects(connection.watchFlows(onEvent), /are watched/)
  const flow = { table: 9, priority: 1, cookie: 3n, match: {}, actions: [] }
  await connection.commit([{ command: 'add', flow }], () => told.push('accepted'))
  // One behind the reply to each of: open, close, commit.
  assert.deepEqual(told, ['removed 9', 'removed 9', 'accepted', 'removed 9'])
  assert.deepEqual(fake.heard.slice(3), [
    'bundleControl 1.4 xid=0x5 16 bytes: bundle 1 open',
    'bundleAdd 1.4 xid=0x4 72 bytes: bundle 1 add cookie=0x3, table=9, priority=1 actions=drop',
    'bundleControl 1.4 xid=0x6 16 bytes: bundle 1 close',
    'bundleControl 1.4 xid=0x7 16 bytes: bundle 1 commit',
  ])
})

void test('a bundle with a refused change is discarded, never committed', async () => {
  const refusal = (xid: number) => message(5, OFPT.error, xid, (writer) => writer.hex('00040009'))
  await using fake = await fakeSwitch((received) => {
    if (received.type === OFPT.bundleControl) return [bundleReply(received)]
    return received.type === OFPT.bundleAdd ? [refusal(received.xid)] : []
  })
  await using connection = await openSwitch({ address: fake.address, signal: never })
  const flow = { table: 9, priority: 1, cookie: 3n, match: {}, actions: [] }
  await assert.rejects(
    connection.commit([{ command: 'add', flow }]),
    (error) => error instanceof SwitchError && error.flow === flow,
  )
  assert.match(fake.heard.at(-1) ?? '', /bundle 1 discard$/)
  assert.ok(!fake.heard.some((line) => line.endsWith('commit')))
})

void test('what makes no sense ends the connection, and is the reason', async () => {
  await using fake = await fakeSwitch()
  const connection = await openSwitch({ address: fake.address, signal: never })
  const asked = connection.flowStats()
  asked.catch(() => {})
  fake.send(Buffer.from('0500000300000000', 'hex'))
  const why = await connection.closed
  assert.equal(why?.name, 'FrameError')
  await assert.rejects(asked, why)
})
