import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import * as fc from 'fast-check'
import { readSealed, writeSealed } from './sealed.ts'

const directory = mkdtempSync(join(tmpdir(), 'portward-sealed-'))
after(() => rmSync(directory, { recursive: true }))
const file = join(directory, 'copy')

async function read(given: unknown[] = []): Promise<readonly unknown[]> {
  for await (const value of readSealed(file)) given.push(value)
  return given
}

void test('what was written is read again, by its owner alone', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.jsonValue({ stringUnit: 'binary' })), async (values) => {
      await writeSealed(file, values)
      assert.deepEqual(await read(), JSON.parse(JSON.stringify(values)))
      assert.equal(statSync(file).mode & 0o777, 0o600)
    }),
    { numRuns: 30 },
  )
})

void test('many values are read as they were written', async () => {
  const values = Array.from({ length: 30_000 }, (_, i) => ({ i, text: 'ü\u2028\r'.repeat(i % 50) }))
  await writeSealed(file, values)
  assert.deepEqual(await read(), values)
})

void test('any byte that is changed, cut off or added is found before a value is given', async () => {
  await writeSealed(file, [{ a: 1 }, ['b'], 'c'])
  const whole = readFileSync(file)
  const damages = [
    ...Array.from(whole, (_, i) => whole.subarray(0, i)).slice(0, -1),
    ...Array.from(whole.subarray(0, -1), (byte, i) => whole.with(i, byte ^ 1)),
    Buffer.concat([whole, Buffer.from('{}\n')]),
    Buffer.concat([whole, whole]),
  ]
  for (const damage of damages) {
    writeFileSync(file, damage)
    const given: unknown[] = []
    await assert.rejects(read(given), { name: 'StoreError', message: /copy: is not whole/ })
    assert.deepEqual(given, [])
  }
})

void test('while a copy cannot be written to its end, the one before stays, and nothing else', async () => {
  await writeSealed(file, ['before'])
  async function* failing(): AsyncGenerator {
    yield 'after'
    throw new Error('the source is gone')
  }
  await assert.rejects(writeSealed(file, failing()), /the source is gone/)
  assert.deepEqual(await read(), ['before'])
  assert.deepEqual(readdirSync(directory), ['copy'])
})
