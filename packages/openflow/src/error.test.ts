import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { errorCodeOf, errorFamilies, niciraErrors, onfErrors, refusal } from './error.ts'
import { openflowFramer } from './framer.ts'
import { NICIRA, OFPT, ONF, message } from './message.ts'
import type { Version } from './version.ts'

function errorMessage(version: Version, type: number, code: number, vendor?: number): Uint8Array {
  return message(version, OFPT.error, 7, (writer) => {
    writer.u16(type)
    writer.u16(code)
    if (vendor !== undefined) writer.u32(vendor)
    // The start of what was refused: a hello.
    writer.hex('0500000800000007')
  })
}

const all: readonly (readonly [Version, number, number, number?])[] = [
  ...Object.entries(errorFamilies).flatMap(([type, { codes }]) =>
    codes.map((_, code) => [6, Number(type), code] as const),
  ),
  ...Object.keys(onfErrors)
    .map(Number)
    .map((code) => [4, 0xffff, code, ONF] as const),
  ...Object.keys(niciraErrors)
    .map(Number)
    // 22 came with version 1.4, 6 to 8 went with it.
    .map((code) => [code === 22 ? 5 : 4, 0xffff, code, NICIRA] as const),
]

void test('every error has the name that ovs-ofctl prints', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'portward-openflow-'))
  try {
    const messages = all.map((error) => errorMessage(...error))
    await writeFile(join(dir, 'errors'), Buffer.concat(messages))
    const { stdout } = await promisify(execFile)('ovs-ofctl', ['ofp-parse', join(dir, 'errors')])
    const printed = [...stdout.matchAll(/^OFPT_ERROR .*\): (.*)$/gm)].map(([, name]) => name)
    assert.deepEqual(openflowFramer().push(Buffer.concat(messages)).map(errorCodeOf), printed)
  } finally {
    await rm(dir, { recursive: true })
  }
})

void test('an error that is in no list is told by its numbers', () => {
  const [odd, vendor] = openflowFramer().push(
    Buffer.concat([errorMessage(5, 99, 3), errorMessage(5, 0xffff, 4, 0x1234)]),
  )
  assert.ok(odd !== undefined && vendor !== undefined)
  assert.equal(errorCodeOf(odd), 'error type 99 code 3')
  assert.equal(errorCodeOf(vendor), 'error 4 of experimenter 0x00001234')
})

void test('a refusal names the flow and the error', () => {
  const [error] = openflowFramer().push(errorMessage(5, 4, 9))
  const flow = { table: 3, priority: 1, cookie: 0n, match: { ipTtl: 4 }, actions: [] }
  const refused = refusal(error ?? assert.fail('no message'), flow)
  assert.equal(
    refused.message,
    'the switch refused the flow cookie=0x0, table=3, priority=1,nw_ttl=4 actions=drop: OFPBMC_BAD_PREREQ',
  )
  assert.equal(refused.code, 'OFPBMC_BAD_PREREQ')
  assert.equal(refused.flow, flow)
})
