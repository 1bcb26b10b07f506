import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Caller, Identity } from '../caller.ts'
import { ApiError } from '../errors.ts'
import { withKeystone } from './keystone.ts'
import { openJournal, until } from './testing.ts'

const directory = mkdtempSync(join(tmpdir(), 'portward-keystone-'))
after(() => rmSync(directory, { recursive: true }))

const START = Date.parse('2026-01-31T12:00:00Z')
const project = { id: 'p1', name: 'one', domain: { id: 'default', name: 'Default' } }
const SECOND = 1000
const MINUTE = 60_000

/** A token as Keystone shows it. */
const token = (
  roles: readonly string[],
  scope: object = { project },
  expires = '2026-01-31T13:00:00',
) => ({
  token: {
    methods: ['password'],
    user: { id: 'u1', name: 'ann', domain: project.domain, password_expires_at: null },
    expires_at: `${expires}.000000Z`,
    issued_at: '2026-01-31T12:00:00.000000Z',
    roles: roles.map((name) => ({ id: `id-${name}`, name })),
    ...scope,
  },
})

/** Plays Keystone: `tokens` are those it knows, and `asked` whose they were asked with. */
async function openFake() {
  const tokens = new Map<string, object>()
  const asked: string[] = []
  const fake = {
    url: '',
    tokens,
    asked,
    /** Who may ask; undefined: each for itself. */
    service: undefined as string | undefined,
    /** What it answers instead. */
    fault: undefined as number | 'silence' | undefined,
    /** The same of one token alone. */
    faults: new Map<string, number | 'hangup' | 'silence'>(),
    /** On whoever waits for an answer. */
    closeAllConnections: () => server.closeAllConnections(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  const server = createServer(({ headers, url }, response) => {
    const [voucher, subject] = [headers['x-auth-token'], headers['x-subject-token']].map(String)
    asked.push(`${url} ${voucher} ${subject}`)
    if (fake.fault === 'silence') return
    const own = fake.faults.get(subject ?? '')
    if (own === 'silence') return
    if (own === 'hangup') {
      response.destroy()
      return
    }
    const mayAsk = fake.service === undefined ? tokens.has(voucher ?? '') : voucher === fake.service
    const known = tokens.get(subject ?? '')
    const status = own ?? fake.fault ?? (!mayAsk ? 401 : known === undefined ? 404 : 200)
    response.writeHead(status, { 'content-type': 'application/json', location: '/elsewhere' })
    response.end(JSON.stringify(status === 200 ? known : { error: { code: status } }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  fake.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return fake
}

async function openIdentity(t: TestContext, url: string, tokenFile?: string, cacheSize?: number) {
  t.mock.timers.enable({ apis: ['Date'], now: START })
  const journal = openJournal()
  const { signal } = new AbortController()
  const identity = await withKeystone({
    url,
    tokenFile,
    ...(cacheSize === undefined ? {} : { cacheSize }),
    log: journal.log,
    signal,
  })
  return {
    identity,
    journal,
    at: (milliseconds: number) => t.mock.timers.setTime(START + milliseconds),
    [Symbol.asyncDispose]: () => identity[Symbol.asyncDispose](),
  }
}

/** The caller, or what is answered instead. */
async function ask(identity: Identity, sent: string): Promise<Caller | ApiError> {
  try {
    return await identity.identify({ 'x-auth-token': sent })
  } catch (error) {
    if (error instanceof ApiError) return error
    throw error
  }
}

async function statusOf(identity: Identity, sent: string): Promise<number> {
  const answer = await ask(identity, sent)
  return answer instanceof ApiError ? answer.status : 200
}

void test('user, project and role are what Keystone says; the strongest role counts', async (t) => {
  await using fake = await openFake()
  await using open = await openIdentity(t, fake.url)
  for (const [roles, role] of [
    [['reader', 'member', 'admin'], 'admin'],
    [['Member'], 'member'],
    [['_member_', 'reader'], 'member'],
    [['auditor', 'READER'], 'reader'],
  ] as const) {
    fake.tokens.set(role + roles.length, token(roles))
    const caller: Caller = { userId: 'u1', userName: 'ann', projectId: 'p1', role }
    assert.deepEqual(await ask(open.identity, role + roles.length), caller)
  }
})

void test('an administrator of the system is one here, in no project', async (t) => {
  await using fake = await openFake()
  await using open = await openIdentity(t, fake.url)
  fake.tokens.set('system', token(['admin'], { system: { all: true } }))
  const caller: Caller = { userId: 'u1', userName: 'ann', projectId: '', role: 'admin' }
  assert.deepEqual(await ask(open.identity, 'system'), caller)
})

void test('a token without a role that counts, or without a project: 403, and the way out', async (t) => {
  await using fake = await openFake()
  await using open = await openIdentity(t, fake.url)
  for (const [shown, sentence] of [
    [token(['auditor']), /User ann has none of the roles .* but auditor: .*openstack role add/],
    [token([], {}), /for nothing in particular.*openstack --os-project-name/],
    [token(['admin'], { domain: project.domain }), /for domain Default,/],
    [token(['reader'], { system: { all: true } }), /for the system, without the role admin/],
  ] as const) {
    const sent = String(sentence).replaceAll(/\W/g, '')
    fake.tokens.set(sent, shown)
    const answer = await ask(open.identity, sent)
    assert.ok(answer instanceof ApiError)
    assert.equal(answer.status, 403)
    assert.match(answer.message, sentence)
  }
})

void test('no token, and one that Keystone does not know: 401, and where Keystone is', async (t) => {
  await using fake = await openFake()
  await using open = await openIdentity(t, `${fake.url}/v3/`)
  for (const headers of [{}, { 'x-auth-token': 'unknown' }]) {
    await assert.rejects(
      async () => open.identity.identify(headers),
      (error) => {
        assert.ok(error instanceof ApiError)
        assert.equal(error.status, 401)
        assert.deepEqual(error.headers, { 'www-authenticate': `Keystone uri="${fake.url}/v3"` })
        return true
      },
    )
  }
})

void test('a token that Keystone will not even look at is not known, and nobody else is the worse for it', async (t) => {
  await using fake = await openFake()
  await using open = await openIdentity(t, fake.url)
  fake.tokens.set('a', token(['member']))
  for (const status of [400, 431]) {
    fake.fault = status
    assert.equal(await statusOf(open.identity, `odd-${status}`), 401)
  }
  fake.fault = undefined
  assert.equal(await statusOf(open.identity, 'a'), 200)
  assert.equal(open.journal.count(/does not say/), 0)
})

void test('whoever sends what Keystone stumbles over does not make it seem away: what is revoked stays so', async (t) => {
  await using fake = await openFake()
  await using open = await openIdentity(t, fake.url)
  fake.tokens.set('a', token(['member']))
  fake.tokens.set('b', token(['member']))
  assert.equal(await statusOf(open.identity, 'a'), 200)
  fake.faults.set('too-long', 502).set('sudden', 'hangup').set('restricted', 403)
  fake.tokens.delete('a')
  open.at(11 * SECOND)
  for (const odd of fake.faults.keys()) assert.equal(await statusOf(open.identity, odd), 503)
  assert.equal(await statusOf(open.identity, 'a'), 401)
  assert.equal(await statusOf(open.identity, 'b'), 200)
  assert.equal(open.journal.count(/Keystone does not say/), 1)
  assert.equal(open.journal.count(/says again/), 1)
})

void test('the URL may end in /v3 or not; what is none is refused', async (t) => {
  await using fake = await openFake()
  fake.tokens.set('a', token(['reader']))
  for (const end of ['', '/', '/v3', '/v3/']) {
    await using open = await openIdentity(t, fake.url + end)
    assert.equal(await statusOf(open.identity, 'a'), 200)
    t.mock.timers.reset()
  }
  const paths = fake.asked.map((one) => one.split(' ')[0])
  assert.deepEqual(new Set(paths), new Set(['/v3/auth/tokens?nocatalog']))
  for (const url of [
    '',
    'keystone:5000',
    'ftp://keystone',
    'http://',
    'http://user:secret@keystone/v3',
    'http://keystone/v3?nocatalog',
    'http://keystone/#v3',
    'http://keystone/v2.0',
  ]) {
    await assert.rejects(openIdentity(t, url), /is no URL of Keystone/)
    t.mock.timers.reset()
  }
})

void test('a Keystone that is asked in the clear, off this machine, is warned of', async (t) => {
  for (const [url, warned] of [
    ['http://keystone.example.org:5000/v3', 1],
    ['http://10.0.0.1', 1],
    ['https://keystone.example.org:5000/v3', 0],
    ['http://127.0.0.1:5000', 0],
    ['http://[::1]:5000', 0],
    ['http://localhost:5000', 0],
  ] as const) {
    await using open = await openIdentity(t, url)
    assert.equal(open.journal.count(/in the clear: .*https/), warned, url)
    t.mock.timers.reset()
  }
})

void test('within ten seconds Keystone is asked once; then again, and what it revoked no longer counts', async (t) => {
  await using fake = await openFake()
  await using open = await openIdentity(t, fake.url)
  fake.tokens.set('a', token(['member']))
  assert.equal(await statusOf(open.identity, 'a'), 200)
  fake.tokens.delete('a')
  open.at(10 * SECOND - 1)
  assert.equal(await statusOf(open.identity, 'a'), 200)
  assert.equal(fake.asked.length, 1)
  open.at(10 * SECOND)
  assert.equal(await statusOf(open.identity, 'a'), 401)
})

void test('a role that was taken away is gone after ten seconds, one that was given is there after five', async (t) => {
  await using fake = await openFake()
  await using open = await openIdentity(t, fake.url)
  fake.tokens.set('a', token(['admin']))
  assert.equal(await statusOf(open.identity, 'a'), 200)
  fake.tokens.set('a', token([]))
  open.at(10 * SECOND)
  assert.equal(await statusOf(open.identity, 'a'), 403)
  fake.tokens.set('a', token(['reader']))
  open.at(15 * SECOND - 1)
  assert.equal(await statusOf(open.identity, 'a'), 403)
  assert.equal(fake.asked.length, 2)
  open.at(15 * SECOND)
  assert.equal(await statusOf(open.identity, 'a'), 200)
})

void test('a token ends when it expires, though Keystone said it was good a moment ago', async (t) => {
  await using fake = await openFake()
  await using open = await openIdentity(t, fake.url)
  fake.tokens.set('a', token(['member'], { project }, '2026-01-31T12:00:05'))
  assert.equal(await statusOf(open.identity, 'a'), 200)
  open.at(5 * SECOND - 1)
  assert.equal(await statusOf(open.identity, 'a'), 200)
  for (const later of [5 * SECOND, MINUTE]) {
    open.at(later)
    assert.equal(await statusOf(open.identity, 'a'), 401)
  }
  assert.equal(fake.asked.length, 1)
})

void test('however many ask at once, one question is under way for a token', async (t) => {
  await using fake = await openFake()
  await using open = await openIdentity(t, fake.url)
  fake.tokens.set('a', token(['member']))
  fake.tokens.set('b', token(['member']))
  const sent = Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? 'a' : 'b'))
  const statuses = await Promise.all(sent.map((one) => statusOf(open.identity, one)))
  assert.deepEqual(new Set(statuses), new Set([200]))
  assert.equal(fake.asked.length, 2)
})

void test('tokens at random keep Keystone no busier than so, and nobody waits behind them who is known', async (t) => {
  await using fake = await openFake()
  await using open = await openIdentity(t, fake.url)
  fake.tokens.set('a', token(['member']))
  assert.equal(await statusOf(open.identity, 'a'), 200)
  open.at(11 * SECOND)
  const random = Array.from({ length: 500 }, (_, i) => `random-${i}`)
  for (const one of random) fake.faults.set(one, 'silence')
  const waiting = random.map((one) => statusOf(open.identity, one))
  assert.equal(await statusOf(open.identity, 'a'), 200)
  await until(() => fake.asked.length === 102)
  fake.closeAllConnections()
  assert.deepEqual(new Set(await Promise.all(waiting)), new Set([503]))
  assert.equal(fake.asked.length, 102)
})

void test('so many tokens are remembered and no more, and tokens at random displace none that is good', async (t) => {
  await using fake = await openFake()
  await using open = await openIdentity(t, fake.url, undefined, 10)
  fake.tokens.set('a', token(['member']))
  assert.equal(await statusOf(open.identity, 'a'), 200)
  for (let i = 0; i < 11; i += 1) assert.equal(await statusOf(open.identity, `random-${i}`), 401)
  assert.equal(fake.asked.length, 12)
  assert.equal(await statusOf(open.identity, 'a'), 200)
  assert.equal(await statusOf(open.identity, 'random-10'), 401)
  assert.equal(fake.asked.length, 12)
  assert.equal(await statusOf(open.identity, 'random-0'), 401)
  assert.equal(fake.asked.length, 13)
})

void test('while Keystone is away whom it knew goes on for five minutes, whom it did not gets 503', async (t) => {
  await using fake = await openFake()
  await using open = await openIdentity(t, fake.url)
  fake.tokens.set('a', token(['member']))
  fake.tokens.set('b', token(['member']))
  assert.equal(await statusOf(open.identity, 'a'), 200)
  fake.fault = 503
  open.at(11 * SECOND)
  assert.equal(await statusOf(open.identity, 'a'), 200)
  assert.equal(await statusOf(open.identity, 'b'), 503)
  open.at(5 * MINUTE - 1)
  assert.equal(await statusOf(open.identity, 'a'), 200)
  open.at(5 * MINUTE + 2 * SECOND)
  assert.equal(await statusOf(open.identity, 'a'), 503)
  assert.equal(open.journal.count(/Keystone does not say/), 1)
  fake.fault = undefined
  open.at(5 * MINUTE + 4 * SECOND)
  assert.equal(await statusOf(open.identity, 'b'), 200)
  assert.equal(await statusOf(open.identity, 'a'), 200)
  assert.equal(open.journal.count(/says again/), 1)
})

void test('nobody is believed beyond the end of the token', async (t) => {
  await using fake = await openFake()
  await using open = await openIdentity(t, fake.url)
  fake.tokens.set('a', token(['member'], { project }, '2026-01-31T12:01:00'))
  assert.equal(await statusOf(open.identity, 'a'), 200)
  fake.fault = 500
  open.at(MINUTE - 1)
  assert.equal(await statusOf(open.identity, 'a'), 200)
  open.at(MINUTE)
  assert.equal(await statusOf(open.identity, 'a'), 401)
})

void test('a Keystone that has failed is left alone for a second, and holds up nobody who is believed', async (t) => {
  await using fake = await openFake()
  await using open = await openIdentity(t, fake.url)
  fake.tokens.set('a', token(['member']))
  assert.equal(await statusOf(open.identity, 'a'), 200)
  fake.fault = 502
  open.at(11 * SECOND)
  assert.equal(await statusOf(open.identity, 'a'), 200)
  const before = fake.asked.length
  assert.equal(await statusOf(open.identity, 'c'), 503)
  assert.equal(fake.asked.length, before)
  fake.fault = 'silence'
  open.at(13 * SECOND)
  assert.equal(await statusOf(open.identity, 'a'), 200) // asked behind its back, and not waited for
  await until(() => fake.asked.length === before + 1)
  open.at(15 * SECOND)
  assert.equal(await statusOf(open.identity, 'a'), 200) // and that question is still under way
  assert.equal(fake.asked.length, before + 1)
})

void test('a redirect, another program and nobody at the URL: 503, and the log says which', async (t) => {
  const gone = await openFake()
  await gone[Symbol.asyncDispose]()
  await using fake = await openFake()
  fake.tokens.set('a', { hello: 'world' })
  for (const [fault, url, why] of [
    [302, fake.url, /answers 302/],
    [undefined, fake.url, /answers 200 and no token/],
    [undefined, gone.url, /gives no answer: .*ECONNREFUSED/],
  ] as const) {
    fake.fault = fault
    await using open = await openIdentity(t, url)
    assert.equal(await statusOf(open.identity, 'a'), 503)
    assert.equal(open.journal.count(why), 1)
    t.mock.timers.reset()
  }
  assert.ok(fake.asked.every((one) => !one.startsWith('/elsewhere')))
})

void test('with a file, its token asks; when Keystone refuses that, the file is read again, and the log says what to do', async (t) => {
  await using fake = await openFake()
  const file = join(directory, 'service')
  writeFileSync(file, 'first\n', { mode: 0o600 })
  fake.service = 'first'
  fake.tokens.set('a', token(['member']))
  await using open = await openIdentity(t, fake.url, file)
  assert.equal(await statusOf(open.identity, 'a'), 200)
  assert.deepEqual(fake.asked, ['/v3/auth/tokens?nocatalog first a'])
  assert.equal(await statusOf(open.identity, 'unknown'), 401)

  fake.service = 'second'
  fake.tokens.set('c', token(['member']))
  writeFileSync(file, 'second\n')
  open.at(11 * SECOND)
  assert.equal(await statusOf(open.identity, 'c'), 200)

  fake.service = 'third'
  open.at(22 * SECOND)
  assert.equal(await statusOf(open.identity, 'b'), 503)
  assert.equal(open.journal.count(/keystone_token_file is not known.*openstack token issue/), 1)
})

void test('a Keystone that lets no token vouch for itself, or the file’s for none: the log names the setting', async (t) => {
  await using fake = await openFake()
  fake.fault = 403
  const file = join(directory, 'powerless')
  writeFileSync(file, 'service', { mode: 0o600 })
  for (const [tokenFile, why] of [
    [undefined, /set keystone_token_file/],
    [file, /may not validate others: its user needs the role service/],
  ] as const) {
    await using open = await openIdentity(t, fake.url, tokenFile)
    assert.equal(await statusOf(open.identity, 'a'), 503)
    assert.equal(open.journal.count(why), 1)
    t.mock.timers.reset()
  }
})

void test('a file for Keystone that holds no token is no beginning', async (t) => {
  const file = join(directory, 'empty')
  for (const text of ['', 'two words', '\n']) {
    writeFileSync(file, text, { mode: 0o600 })
    await assert.rejects(openIdentity(t, 'http://127.0.0.1:9', file), /must hold one token/)
    t.mock.timers.reset()
  }
})
