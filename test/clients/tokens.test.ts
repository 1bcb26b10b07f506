// The programs people have, with a token of the file of tokens and no Keystone: as `portward token create` tells them to.

import assert from 'node:assert/strict'
import { openServer, withTokens } from '@portward/server'
import { formatLine, hashOf, makeToken } from '@portward/server/token-line'
import { openSqlite } from '@portward/store'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { start } from './programs.ts'
import type { Outcome } from './programs.ts'

const opened = new AsyncDisposableStack()
const token = makeToken()
let url: string

before(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'portward-clients-'))
  opened.defer(() => rm(directory, { recursive: true, force: true }))
  const file = join(directory, 'tokens')
  const whose = { name: 'ann', project: 'p1', role: 'member' } as const
  const line = formatLine({
    ...whose,
    hash: hashOf(token),
    created: new Date(),
    expires: undefined,
  })
  await writeFile(file, `${line}\n`, { mode: 0o600 })
  const { signal } = new AbortController()
  const log = { info() {}, warn() {}, error() {} }
  const identity = opened.use(await withTokens({ file, log, signal }))
  const store = opened.use(await openSqlite({ file: join(directory, 'store.db') }))
  const options = { store, identity, host: '127.0.0.1', port: 0, version: '0.0.0' }
  const server = opened.use(await openServer({ ...options, log: undefined, signal }))
  ;({ url } = server)
})
after(() => opened.disposeAsync())

function run(sent: string, program: string, ...args: readonly string[]): Promise<Outcome> {
  const told = { OS_AUTH_TYPE: 'admin_token', OS_ENDPOINT: url, OS_TOKEN: sent }
  return start(program, args, { PATH: process.env['PATH'] ?? '', ...told })
}

void test('OS_AUTH_TYPE=admin_token OS_ENDPOINT OS_TOKEN: openstack, in the token’s project', async () => {
  const shown = ['-f', 'value', '-c', 'project_id']
  const made = await run(token, 'openstack', 'network', 'create', 'n1', ...shown)
  assert.equal(made.stdout, 'p1\n', made.stderr)
})

void test('and neutron', async () => {
  const list = await run(token, 'neutron', 'net-list', '-f', 'value', '-c', 'name')
  assert.equal(list.stdout, 'n1\n', list.stderr)
})

void test('a token that is not known: 401, in our words', async () => {
  const { code, stderr } = await run(makeToken(), 'openstack', 'network', 'list')
  assert.equal(code, 1)
  assert.match(stderr, /401: .*The token is not known, or no longer valid/)
})
