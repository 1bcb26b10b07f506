import assert from 'node:assert/strict'
import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { hashOf, parseTokens } from '@portward/server/token-line'
import { createToken, listTokens, revokeToken } from './token.ts'

const root = mkdtempSync(join(tmpdir(), 'portward-token-'))
after(() => rmSync(root, { recursive: true }))
let directories = 0

/** In a directory that is not there yet. */
const newFile = (): string => join(root, String((directories += 1)), 'tokens')
const ann = { name: 'ann', project: 'p1', role: 'member' }
const tokensIn = (file: string) => parseTokens(readFileSync(file, 'utf8'))
const refused = (status: 1 | 2, message: RegExp) => ({ name: 'Complaint', status, message })

void test('a token is made: its hash is in the file and nothing of itself, and the file is its owner’s alone', async () => {
  const file = newFile()
  const token = await createToken(file, ann)
  const { hash, ...line } = [...tokensIn(file).tokens.values()][0] ?? assert.fail()
  assert.equal(hash, hashOf(token))
  assert.deepEqual(
    { ...line, created: undefined },
    { ...ann, created: undefined, expires: undefined },
  )
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.ok(!readFileSync(file, 'utf8').includes(token))
  assert.deepEqual(readdirSync(join(file, '..')), ['tokens'])
})

void test('what else is in the file stays, and so do its mode and owner', async () => {
  const file = newFile()
  await createToken(file, ann)
  const before = `# by hand\n\nnonsense\n${readFileSync(file, 'utf8')}`
  writeFileSync(file, before)
  chmodSync(file, 0o640)
  await createToken(file, { ...ann, name: 'bob' })
  assert.ok(readFileSync(file, 'utf8').startsWith(before))
  assert.equal(statSync(file).mode & 0o777, 0o640)
  await revokeToken(file, 'bob')
  assert.equal(readFileSync(file, 'utf8'), before)
})

void test('where the file is a link, what it leads to is written, and what is revoked by it is gone from there', async () => {
  const file = newFile()
  await createToken(file, ann)
  const link = join(root, 'link')
  symlinkSync(file, link)
  await createToken(link, { ...ann, name: 'bob' })
  assert.deepEqual(
    [...tokensIn(file).tokens.values()].map(({ name }) => name),
    ['ann', 'bob'],
  )
  await revokeToken(link, 'ann')
  assert.deepEqual(
    [...tokensIn(file).tokens.values()].map(({ name }) => name),
    ['bob'],
  )
})

void test('a name is given once; after it was revoked, again', async () => {
  const file = newFile()
  await createToken(file, ann)
  await assert.rejects(createToken(file, ann), refused(1, /the name ann: .*revoke ann/))
  await revokeToken(file, 'ann')
  await assert.rejects(revokeToken(file, 'ann'), refused(1, /no token ann/))
  await createToken(file, ann)
})

void test('many at once: each token is in the file', async () => {
  const file = newFile()
  const names = Array.from({ length: 20 }, (_, i) => `n${i}`)
  await Promise.all(names.map((name) => createToken(file, { ...ann, name })))
  const made = [...tokensIn(file).tokens.values()].map(({ name }) => name)
  assert.deepEqual(new Set(made), new Set(names))
})

void test('it expires days or hours from now, or at a date', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-01-31T12:00:00Z') })
  const file = newFile()
  for (const [expires, end] of [
    ['30d', '2026-03-02T12:00:00Z'],
    ['12h', '2026-02-01T00:00:00Z'],
    ['2027-01-31', '2027-01-31T00:00:00Z'],
    ['2026-01-31T12:00:01Z', '2026-01-31T12:00:01Z'],
  ] as const) {
    const token = await createToken(file, { ...ann, name: expires, expires })
    assert.deepEqual(tokensIn(file).tokens.get(hashOf(token))?.expires, new Date(end))
  }
  for (const expires of ['', '30', '0d', '2026-01-31', '2026-13-01', 'tomorrow', '1w', '-1d']) {
    const wanted = refused(2, /--expires is '.*'; wanted a time to come/)
    await assert.rejects(createToken(file, { ...ann, name: 'x', expires }), wanted, expires)
  }
})

void test('a role, name or project that can be none is refused, and no file is made', async () => {
  const file = newFile()
  for (const [part, message] of [
    [{ role: 'owner' }, /--role is 'owner'; wanted admin or member or reader/],
    [{ name: 'a b' }, /--name is "a b"; wanted/],
    [{ name: '' }, /--name is ""/],
    [{ project: 'p\n1' }, /--project is "p\\n1"/],
    [{ project: 'p'.repeat(256) }, /--project/],
  ] as const) {
    await assert.rejects(createToken(file, { ...ann, ...part }), refused(2, message))
  }
  assert.throws(() => statSync(file))
})

void test('list shows each without its hash, and says which lines count for nothing', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-01-31T12:00:00Z') })
  const file = newFile()
  assert.match((await listTokens(file)).text, /has no token: `portward token create`/)
  await createToken(file, { ...ann, expires: '1h' })
  await createToken(file, { ...ann, name: 'bob', role: 'admin' })
  t.mock.timers.setTime(Date.parse('2026-01-31T13:00:00Z'))
  writeFileSync(file, `${readFileSync(file, 'utf8')}nonsense\n`)
  const { json, text, alarm } = await listTokens(file)
  assert.deepEqual(JSON.parse(JSON.stringify(json)), [
    {
      ...ann,
      created: '2026-01-31T12:00:00.000Z',
      expires: '2026-01-31T13:00:00.000Z',
      expired: true,
    },
    {
      ...ann,
      name: 'bob',
      role: 'admin',
      created: '2026-01-31T12:00:00.000Z',
      expires: null,
      expired: false,
    },
  ])
  assert.match(text, /^ann +p1 +member +2026-01-31T12:00:00Z +2026-01-31T13:00:00Z, expired$/m)
  assert.match(text, /^bob .* never$/m)
  assert.match(
    alarm ?? '',
    /^portward: .*tokens, line 4: it does not begin with a SHA-256 in hex\n$/,
  )
})

void test('a file that cannot be read or written is named', async () => {
  const directory = join(newFile(), '..')
  await createToken(join(directory, 'tokens'), ann)
  await assert.rejects(listTokens(directory), refused(1, /EISDIR/))
  await assert.rejects(createToken(directory, ann), refused(1, /EISDIR/))
  await assert.rejects(
    createToken(join(directory, 'tokens', 'x'), ann),
    refused(1, /ENOTDIR|EEXIST/),
  )
})
