import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DecodeError, Reader, Writer } from './bytes.ts'

for (const capacity of [0, 1, 2, 3, 5, 8, 13, 21, 34]) {
  void test(`what is written is read back by a writer that began with ${capacity} bytes`, () => {
    const writer = new Writer(capacity)
    writer.u8(0xfe)
    writer.u16(0xfedc)
    writer.u32(0xfedc_ba98)
    writer.u64(0xfedc_ba98_7654_3210n)
    writer.put(Uint8Array.of(1, 2, 3))
    writer.hex('0405')
    writer.pad8(0)
    const reader = new Reader(writer.bytes())
    assert.equal(reader.u8(), 0xfe)
    assert.equal(reader.u16(), 0xfedc)
    assert.equal(reader.u32(), 0xfedc_ba98)
    assert.equal(reader.u64(), 0xfedc_ba98_7654_3210n)
    assert.deepEqual([...reader.take(reader.left)], [1, 2, 3, 4, 5, 0, 0, 0, 0])
  })
}

void test('a reader stops at its end, and says where', () => {
  const part = new Reader(Uint8Array.of(1, 2, 3, 4, 5, 6), 1).part(3)
  assert.equal(part.peek16(1), 0x0304)
  assert.equal(part.u16(), 0x0203)
  assert.throws(
    () => part.u16(),
    (error) =>
      error instanceof DecodeError && error.at === 3 && /want 2 bytes, 1 left/.test(error.message),
  )
  assert.throws(() => part.peek16(0), DecodeError)
  assert.throws(() => part.skip(-1), DecodeError)
  assert.throws(() => part.part(2), DecodeError)
  assert.equal(part.u8(), 4)
})

void test('a length that does not fit is refused, not cut', () => {
  const writer = new Writer()
  writer.zeros(70_000)
  assert.throws(() => writer.patch16(2, writer.size), RangeError)
})
