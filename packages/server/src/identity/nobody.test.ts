import assert from 'node:assert/strict'
import { test } from 'node:test'
import { anyone } from '../caller.ts'
import { openTestServer } from '../testing.ts'
import { withoutIdentity } from './nobody.ts'

void test('whoever sends no roles is an administrator, and so is whoever sends admin', async () => {
  await using identity = withoutIdentity()
  assert.deepEqual(identity.identify({}), anyone)
  assert.deepEqual(identity.identify({ 'x-roles': 'reader, Admin' }), anyone)
})

void test('roles without admin are taken at their word, and no project is believed', async () => {
  await using identity = withoutIdentity()
  for (const [roles, role] of [
    ['member', 'member'],
    ['reader,Member', 'member'],
    ['reader', 'reader'],
    ['observer', 'reader'],
    ['', 'reader'],
  ] as const) {
    const caller = await identity.identify({ 'x-roles': roles, 'x-project-id': 'p1' })
    assert.deepEqual([caller.role, caller.projectId], [role, ''], roles)
  }
})

void test('a page that is open in a browser on this machine is nobody: what it sends changes nothing', async () => {
  await using server = await openTestServer()
  const network = { network: { name: 'of a page' } }
  for (const origin of ['http://pages.example.org', 'null', 'http://127.0.0.1:8080']) {
    // As a form or a script of another site may send it without asking first.
    const headers = { origin, 'content-type': 'text/plain' }
    const { status, error } = await server.call('POST', '/v2.0/networks', network, headers)
    assert.deepEqual([status, error?.type], [403, 'PolicyNotAuthorized'], origin)
    assert.match(error?.message ?? '', /Origin.*auth = "tokens"/)
  }
  assert.equal(server.replica.networks.size, 0)
  assert.equal((await server.call('POST', '/v2.0/networks', network)).status, 201)
})

void test('by a name that may be anybody’s nothing is told: it may have been made to mean this machine', async () => {
  await using server = await openTestServer()
  for (const [host, status] of [
    ['pages.example.org:9696', 403],
    ['pages.example.org', 403],
    ['127.0.0.1.example.org', 403],
    ['127.0.0.1:9696', 200],
    ['[::1]:9696', 200],
    ['localhost:9696', 200],
    ['portward.localhost', 200],
    ['gateway', 200],
  ] as const) {
    const answer = await server.call('GET', '/v2.0/ports', undefined, { host })
    assert.equal(answer.status, status, host)
  }
})
