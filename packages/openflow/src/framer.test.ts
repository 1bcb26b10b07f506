import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { FrameError } from '@portward/wire'
import { openflowFramer } from './framer.ts'
import { OFPT, message } from './message.ts'
import type { Message } from './message.ts'

const bodies = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 })

void test('the same messages come out, however the bytes are cut', () => {
  fc.assert(
    fc.property(bodies, fc.infiniteStream(fc.integer({ min: 1, max: 40 })), (parts, sizes) => {
      const sent = parts.map((body, xid) => message(5, OFPT.echoReply, xid, (w) => w.put(body)))
      const stream = Buffer.concat(sent)
      const framer = openflowFramer()
      const got: Message[] = []
      for (let at = 0; at < stream.length; ) {
        const size = sizes.next().value ?? 1
        // A copy: the buffer of a socket may be used again.
        got.push(...framer.push(Uint8Array.from(stream.subarray(at, at + size))))
        at += size
      }
      assert.deepEqual(
        got.map(({ bytes }) => Buffer.from(bytes)),
        sent.map((bytes) => Buffer.from(bytes)),
      )
      assert.deepEqual(
        got.map(({ version, type, xid }) => ({ version, type, xid })),
        sent.map((_, xid) => ({ version: 5, type: OFPT.echoReply, xid })),
      )
    }),
  )
})

void test('the largest message there can be is taken, and a length below the header refused', () => {
  const largest = message(4, OFPT.multipartReply, 1, (writer) => writer.zeros(65_527))
  assert.equal(openflowFramer().push(largest)[0]?.bytes.length, 65_535)
  assert.throws(() => openflowFramer().push(Buffer.from('0500000700000001', 'hex')), FrameError)
  assert.throws(
    () =>
      openflowFramer().push(Buffer.from('HTTP/1.1 400 Bad Request'.slice(0, 1) + '\0\0\0\0\0\0\0')),
    FrameError,
  )
})
