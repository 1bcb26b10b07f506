import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { FrameError } from '@portward/wire'
import { jsonFramer } from './framer.ts'

const documents = fc.array(
  fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ stringUnit: 'binary' }), {
    noNullPrototype: true,
  }),
  { maxLength: 5 },
)
const layouts = fc.record({ indent: fc.nat(2), between: fc.constantFrom('', '\n', ' \r\n\t') })

function framed(chunks: readonly Uint8Array[]): unknown[] {
  const framer = jsonFramer()
  return chunks.flatMap((chunk) => framer.push(chunk))
}

void test('the documents come out whole, wherever the bytes are cut', () => {
  fc.assert(
    fc.property(documents, layouts, fc.array(fc.nat()), (sent, { indent, between }, cuts) => {
      const texts = sent.map((document) => JSON.stringify(document, undefined, indent))
      const bytes = Buffer.from(texts.join(between))
      const at = [...cuts.map((cut) => cut % (bytes.length + 1)), 0, bytes.length].sort(
        (a, b) => a - b,
      )
      const chunks = at.slice(1).map((end, i) => bytes.subarray(at[i], end))
      assert.deepEqual(
        framed(chunks),
        texts.map((text) => JSON.parse(text)),
      )
    }),
  )
})

void test('characters of several bytes, quotes and brackets in strings, byte by byte', () => {
  const sent = { 'ключ"}': ['日本語 \\" {[', '\u{1F600}', '\\'], n: { a: [{}, [], ''] } }
  const bytes = Buffer.from(JSON.stringify(sent))
  const single = Array.from(bytes, (byte) => Uint8Array.of(byte))
  assert.deepEqual(framed(single), [sent])
})

void test('a document is given as soon as its last byte is there', () => {
  const framer = jsonFramer()
  assert.deepEqual(framer.push(Buffer.from('{"a":1}{"b"')), [{ a: 1 }])
  assert.deepEqual(framer.push(Buffer.from(':2}')), [{ b: 2 }])
})

const nonsense: readonly (readonly [string, string | Uint8Array])[] = [
  ['something that begins with no brace', '[1]'],
  ['a stray closing brace', '{}}'],
  ['brackets that do not match', '{"a":[1}]'],
  ['a document that is no JSON', '{"a":}'],
  ['bytes that are no UTF-8', Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)],
]
for (const [what, bytes] of nonsense) {
  void test(`${what} is refused`, () => {
    assert.throws(() => jsonFramer().push(Buffer.from(bytes)), FrameError)
  })
}

void test('the size limit is one of each document', () => {
  const framer = jsonFramer(100)
  const document = { a: 'x'.repeat(80) }
  const bytes = Buffer.from(JSON.stringify(document))
  for (let i = 0; i < 5; i++) {
    assert.deepEqual(framer.push(bytes.subarray(0, 50)), [])
    assert.deepEqual(framer.push(bytes.subarray(50)), [document])
  }
})

void test('a document above the size limit is refused before it is whole', () => {
  const framer = jsonFramer(100)
  assert.deepEqual(framer.push(Buffer.from(`{"a":"${'x'.repeat(80)}`)), [])
  assert.throws(() => framer.push(Buffer.from('x'.repeat(20))), /more than 100 bytes/)
  assert.throws(() => jsonFramer(100).push(Buffer.from(`{"a":"${'x'.repeat(100)}"}`)), FrameError)
})
