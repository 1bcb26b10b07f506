import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync, readFileSync, renameSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { followFiles } from './follow-files.ts'
import { until } from './testing.ts'

const directory = mkdtempSync(join(tmpdir(), 'portward-follow-'))
const stop = new AbortController()
after(() => {
  stop.abort()
  rmSync(directory, { recursive: true })
})
const at = (name: string): string => join(directory, name)

void test('what could not be read is tried again, though the file is as it was, and its failure is told once', async () => {
  writeFileSync(at('a'), 'one')
  let failing = 0
  const failures: unknown[] = []
  let content = await followFiles({
    paths: [at('a')],
    signal: stop.signal,
    read: async () => {
      failing -= 1
      if (failing >= 0) throw new Error('too many open files')
      return readFileSync(at('a'), 'utf8')
    },
    changed: (now) => {
      content = now
    },
    failed: (error) => failures.push(error),
  })
  assert.equal(content, 'one')
  failing = 2
  writeFileSync(at('a'), 'two')
  await until(() => content === 'two')
  assert.equal(failures.length, 1)
})

void test('a link that leads elsewhere is a change', async () => {
  writeFileSync(at('old'), 'old')
  writeFileSync(at('new'), 'new')
  symlinkSync('old', at('link'))
  let content = await followFiles({
    paths: [at('link')],
    signal: stop.signal,
    read: async () => readFileSync(at('link'), 'utf8'),
    changed: (now) => {
      content = now
    },
    failed: assert.ifError,
  })
  symlinkSync('new', at('next'))
  renameSync(at('next'), at('link'))
  await until(() => content === 'new')
})

void test('when the first reading fails, so does following', async () => {
  const read = (): Promise<never> => Promise.reject(new Error('no'))
  const failed = assert.ifError
  const following = { paths: [at('a')], signal: stop.signal, read, failed, changed() {} }
  await assert.rejects(followFiles(following), /no/)
})
