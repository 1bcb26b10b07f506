import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Caller, Identity } from '../caller.ts'
import { ApiError } from '../errors.ts'
import { openJournal, until } from './testing.ts'
import { withTokens } from './token-file.ts'
import { formatLine, hashOf } from './token-line.ts'

const directory = mkdtempSync(join(tmpdir(), 'portward-tokens-'))
after(() => rmSync(directory, { recursive: true }))
let files = 0

const line = (name: string, expires?: Date): string =>
  `${formatLine({ hash: hashOf(name), role: 'member', project: 'p1', name, created: new Date(0), expires })}\n`

/** A file with this text, and who is known by it. */
async function known(text: string, mode = 0o600) {
  const file = join(directory, `tokens-${(files += 1)}`)
  writeFileSync(file, text, { mode })
  chmodSync(file, mode) // whatever the umask
  const stop = new AbortController()
  const journal = openJournal()
  const identity = await withTokens({ file, log: journal.log, signal: stop.signal })
  return { file, identity, journal }
}

const ask = (identity: Identity, token: string): Caller | ApiError => {
  try {
    return identity.identify({ 'x-auth-token': token }) as Caller
  } catch (error) {
    if (error instanceof ApiError) return error
    throw error
  }
}

const isKnown = (identity: Identity, token: string): boolean =>
  !(ask(identity, token) instanceof ApiError)

void test('a token of the file is its name, project and role', async () => {
  const { identity } = await known(line('ann'))
  await using _ = identity
  const ann: Caller = { userId: 'ann', userName: 'ann', projectId: 'p1', role: 'member' }
  assert.deepEqual(ask(identity, 'ann'), ann)
  assert.deepEqual(identity.identify({ authorization: 'Bearer ann' }), ann)
})

void test('no token, another, and the hash itself: 401, as keystonemiddleware says it', async () => {
  const { identity } = await known(line('ann'))
  await using _ = identity
  const requests: readonly IncomingHttpHeaders[] = [
    {},
    { 'x-auth-token': 'bob' },
    { 'x-auth-token': hashOf('ann') },
    { 'x-roles': 'admin' },
  ]
  for (const headers of requests) {
    assert.throws(
      () => identity.identify(headers),
      (error) => {
        assert.ok(error instanceof ApiError)
        const { status, message } = error
        assert.equal(status, 401)
        assert.deepEqual(error.body, { error: { code: 401, title: 'Unauthorized', message } })
        assert.deepEqual(error.headers, { 'www-authenticate': 'Bearer realm="portward"' })
        return true
      },
    )
  }
})

void test('a token is over at its second, and not before', async (t) => {
  const { identity } = await known(line('ann', new Date('2026-01-31T12:00:00Z')))
  await using _ = identity
  t.mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-01-31T11:59:59.999Z') })
  assert.ok(isKnown(identity, 'ann'))
  t.mock.timers.setTime(Date.parse('2026-01-31T12:00:00Z'))
  assert.ok(!isKnown(identity, 'ann'))
})

void test('a line that has gone no longer counts, one that has come does: written in place, or put in place', async () => {
  const { identity, file } = await known(line('ann') + line('bob'))
  await using _ = identity
  writeFileSync(file, line('bob'))
  await until(() => !isKnown(identity, 'ann'))
  assert.ok(isKnown(identity, 'bob'))
  writeFileSync(`${file}.new`, line('cleo'), { mode: 0o600 })
  renameSync(`${file}.new`, file)
  await until(() => isKnown(identity, 'cleo'))
  assert.ok(!isKnown(identity, 'bob'))
  writeFileSync(file, '')
  await until(() => !isKnown(identity, 'cleo'))
})

void test('a line that cannot be read is logged with its number, never its text, and the others count', async () => {
  const { identity, journal } = await known(`${line('ann')}secret\n${line('bob')}`)
  await using _ = identity
  assert.ok(isKnown(identity, 'ann') && isKnown(identity, 'bob'))
  assert.equal(journal.count(/counts for nothing.*line=2$/), 1)
  assert.equal(journal.count(/secret/), 0)
})

void test('while the file has gone or others can write it, what was read last counts, and the log says so once', async () => {
  const { identity, file, journal } = await known(line('ann'))
  await using _ = identity
  chmodSync(file, 0o620)
  await until(() => journal.count(/others than its owner can write it: chmod 0600/) === 1)
  rmSync(file)
  await until(() => journal.count(/no such file/) === 1)
  assert.ok(isKnown(identity, 'ann'))
  writeFileSync(file, line('bob'), { mode: 0o600 })
  await until(() => isKnown(identity, 'bob'))
  assert.ok(!isKnown(identity, 'ann'))
  assert.equal(journal.count(/no such file/), 1)
})

void test('a file that is not there, or that others can write, is no beginning', async () => {
  const signal = new AbortController().signal
  const absent = join(directory, 'absent')
  const missing = { message: /absent: there is no such file: `portward token create` makes one$/ }
  await assert.rejects(withTokens({ file: absent, log: openJournal().log, signal }), missing)
  for (const mode of [0o602, 0o620, 0o666]) {
    await assert.rejects(known(line('ann'), mode), /can write it: chmod 0600/)
  }
  const folder = withTokens({ file: directory, log: openJournal().log, signal })
  await assert.rejects(folder, { message: `${directory}: it is no file, but a directory` })
})

void test('a file by which nobody is known is warned of', async () => {
  for (const [text, warned] of [
    ['', 1],
    ['# nobody yet\n', 1],
    ['half a li', 1],
    [line('ann'), 0],
  ] as const) {
    const { identity, journal } = await known(text)
    await using _ = identity
    assert.equal(journal.count(/no token counts: .*portward token create/), warned)
  }
})

void test('a file that everybody can read is warned of; its group may', async () => {
  for (const [mode, warned] of [
    [0o600, 0],
    [0o640, 0],
    [0o644, 1],
  ] as const) {
    const { identity, journal } = await known(line('ann'), mode)
    await using _ = identity
    assert.equal(journal.count(/everybody on this machine can read/), warned)
  }
})
