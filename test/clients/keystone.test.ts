// Who may ask, as a real Keystone says: the programs people have sign in there, find the server in its catalog, and may do
// what their roles allow.

import assert from 'node:assert/strict'
import { openServer, withKeystone } from '@portward/server'
import { openSqlite } from '@portward/store'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { issue, openKeystone } from './keystone.ts'
import type { Keystone } from './keystone.ts'
import { start } from './programs.ts'
import type { Outcome } from './programs.ts'

const ann = { name: 'ann', project: 'one', role: 'member' }
const users = [
  { name: 'root', project: 'one', role: 'admin' },
  ann,
  { name: 'rita', project: 'one', role: 'reader' },
  { name: 'olga', project: 'two', role: 'member' },
  { name: 'aude', project: 'one', role: 'auditor' },
  { name: 'sten' },
]

let keystone: Keystone
let url: string
const opened = new AsyncDisposableStack()

before(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'portward-clients-'))
  opened.defer(() => rm(directory, { recursive: true, force: true }))
  const { signal } = new AbortController()
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  keystone = opened.use(await openKeystone(url, users))
  const log = { info() {}, warn() {}, error() {} }
  const identity = await withKeystone({ url: keystone.url, tokenFile: undefined, log, signal })
  opened.use(identity)
  const store = opened.use(await openSqlite({ file: join(directory, 'store.db') }))
  const options = { store, identity, host: '127.0.0.1', port, version: '0.0.0' }
  opened.use(await openServer({ ...options, log: undefined, signal }))
})
after(() => opened.disposeAsync())

/** The catalog names the server before there is one. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

const run = (program: string, args: readonly string[]): Promise<Outcome> =>
  start(program, args, {
    PATH: process.env['PATH'] ?? '',
    OS_CLIENT_CONFIG_FILE: keystone.clouds,
  })

const as = (user: string, ...args: readonly string[]): Promise<Outcome> =>
  run('openstack', ['--os-cloud', user, ...args])

/** What it prints as JSON. */
async function shown<T>(user: string, ...args: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await as(user, ...args, '-f', 'json')
  assert.equal(code, 0, `${user}: openstack ${args.join(' ')}: ${stderr}`)
  return JSON.parse(stdout) as T
}

const statusWith = async (token: string): Promise<number> =>
  (await fetch(`${url}/v2.0/networks`, { headers: { 'x-auth-token': token } })).status

void test('an administrator and a member make networks and ports, each in the project', async () => {
  const ports = async (user: string) => {
    const list = await shown<readonly { readonly Name: string }[]>(user, 'port', 'list')
    return list.map(({ Name }) => Name).sort()
  }
  type Made = { readonly project_id: string }
  for (const user of ['root', 'ann']) {
    const network = await shown<Made>(user, 'network', 'create', `net-${user}`)
    const port = await shown<Made>(
      user,
      'port',
      'create',
      '--network',
      `net-${user}`,
      `port-${user}`,
    )
    assert.equal(port.project_id, network.project_id)
  }
  assert.deepEqual(await ports('ann'), ['port-ann', 'port-root'])
  assert.deepEqual(await ports('rita'), ['port-ann', 'port-root'])
  assert.deepEqual(await ports('olga'), [])
})

void test('a reader may not write; a role that is none of ours may nothing, and is told which are', async () => {
  const write = await as('rita', 'network', 'create', 'no')
  assert.equal(write.code, 1)
  assert.match(write.stderr, /ForbiddenException: 403|HttpException: 403/)
  const read = await as('aude', 'network', 'list')
  assert.equal(read.code, 1)
  assert.match(read.stderr, /403.*User aude has none of the roles admin, member and reader here/)
})

void test('the neutron program signs in as well', async () => {
  const { code, stdout, stderr } = await run('neutron', ['--os-cloud', 'ann', 'port-list'])
  assert.equal(code, 0, stderr)
  assert.match(stdout, /port-ann/)
})

void test('who has no role in the project gets no token for it, and with one for nothing gets nowhere', async () => {
  await assert.rejects(issue(keystone.url, { name: 'sten', project: 'one' }), /401|Unauthorized/)
  const token = await issue(keystone.url, { name: 'sten' })
  const answer = await fetch(`${url}/v2.0/networks`, { headers: { 'x-auth-token': token } })
  assert.equal(answer.status, 403)
  assert.match(await answer.text(), /openstack --os-project-name/)
})

void test('no token, and a made-up one: 401, and where to get one', async () => {
  for (const headers of [{}, { 'x-auth-token': 'gAAAAABmade-up' }]) {
    const answer = await fetch(`${url}/v2.0/networks`, { headers })
    assert.equal(answer.status, 401)
    const challenge = answer.headers.get('www-authenticate')
    assert.equal(challenge, `Keystone uri="${keystone.url}"`)
  }
})

void test('a token that was revoked counts for nothing ten seconds later', async (t) => {
  const token = await issue(keystone.url, ann)
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  assert.equal(await statusWith(token), 200)
  const { code, stderr } = await as('root', 'token', 'revoke', token)
  assert.equal(code, 0, stderr)
  assert.equal(await statusWith(token), 200)
  t.mock.timers.setTime(Date.now() + 10_000)
  assert.equal(await statusWith(token), 401)
})

void test('without Keystone, whom it knew goes on, and whom it did not waits', async (t) => {
  const [known, unknown] = [await issue(keystone.url, ann), await issue(keystone.url, ann)]
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  assert.equal(await statusWith(known), 200)
  await keystone.stop()
  t.mock.timers.setTime(Date.now() + 60_000)
  assert.equal(await statusWith(known), 200)
  assert.equal(await statusWith(unknown), 503)
})
