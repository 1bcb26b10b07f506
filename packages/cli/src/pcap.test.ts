import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Complaint } from './complaint.ts'
import { frameIn } from './pcap.ts'

type Record = { readonly frame: Uint8Array; readonly whole?: number }

function fileOf(magic: number, little: boolean, records: readonly Record[], linkType = 1): Buffer {
  const head = Buffer.alloc(24)
  const view = new DataView(head.buffer, head.byteOffset, 24)
  view.setUint32(0, magic, little)
  view.setUint32(20, linkType, little)
  const parts = records.flatMap(({ frame, whole = frame.length }) => {
    const record = Buffer.alloc(16)
    const at = new DataView(record.buffer, record.byteOffset, 16)
    at.setUint32(8, frame.length, little)
    at.setUint32(12, whole, little)
    return [record, frame]
  })
  return Buffer.concat([head, ...parts])
}

const [one, two] = [Uint8Array.of(1, 2, 3), Uint8Array.of(4)] as const
const MICRO = 0xa1b2c3d4

void test('a packet by its number, in either byte order, with times in micro- or nanoseconds', () => {
  for (const magic of [MICRO, 0xa1b23c4d]) {
    for (const little of [true, false]) {
      const file = fileOf(magic, little, [{ frame: one }, { frame: two }])
      assert.deepEqual([...frameIn(file, 1, 'x')], [...one])
      assert.deepEqual([...frameIn(file, 2, 'x')], [...two])
    }
  }
  // The bits above say that a check sequence follows each frame.
  assert.deepEqual(
    [...frameIn(fileOf(MICRO, true, [{ frame: one }], 0x24000001), 1, 'x')],
    [...one],
  )
})

void test('what is no such file, or has no such packet: what to do', () => {
  const rows = [
    [new Uint8Array(0), 1, /^x is no capture file: .*tcpdump -w/],
    [Buffer.from('words, more than enough of them'), 1, /no capture file/],
    [Buffer.from('0a0d0d0a'.padEnd(64, '0'), 'hex'), 1, /^x is a pcapng file: .*editcap -F pcap x/],
    [fileOf(MICRO, true, [{ frame: one }], 113), 1, /link type 113, not of Ethernet/],
    [fileOf(MICRO, true, [{ frame: one }]), 2, /^x has no packet 2/],
    [fileOf(MICRO, true, [{ frame: one, whole: 60 }]), 1, /has but 3 of its 60 bytes.*-s 0/],
    [fileOf(MICRO, true, [{ frame: one }]).subarray(0, -1), 1, /^x breaks off in packet 1/],
    [fileOf(MICRO, true, []), 1, /^x has no packet 1/],
  ] as const
  for (const [file, number, message] of rows) {
    assert.throws(
      () => frameIn(file, number, 'x'),
      (error) => {
        assert.ok(error instanceof Complaint)
        assert.match(error.message, message)
        return true
      },
    )
  }
})
