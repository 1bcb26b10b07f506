// What a project may have: how it is set and shown, and that nobody gets more.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { defaults } from './settings.ts'
import { callerIn, gated, openTestServer, slow } from './testing.ts'
import type { Answer, Call, TestServer } from './testing.ts'

const unlimited = { network: -1, subnet: -1, port: -1, rbac_policy: -1 }

function networks(call: Call, count: number): Promise<Answer> {
  return call('POST', '/v2.0/networks', { networks: Array.from({ length: count }, () => ({})) })
}

async function set(server: TestServer, project: string, quota: object): Promise<Answer> {
  const answer = await server.call('PUT', `/v2.0/quotas/${project}`, { quota })
  assert.equal(answer.status, 200, answer.error?.message)
  return answer
}

void test('without a quota of its own a project has what the settings say, else what it was given', async () => {
  const quotas = { ...defaults.quotas, network: 2, rbacPolicy: 0 }
  await using server = await openTestServer({ settings: { quotas } })
  const { call } = server
  const own = { ...unlimited, network: 2, rbac_policy: 0 }
  assert.deepEqual((await call('GET', '/v2.0/quotas/a')).body, { quota: own })
  assert.deepEqual((await call('GET', '/v2.0/quotas')).body, { quotas: [] })
  const given = await set(server, 'a', { network: 5, port: '7' })
  assert.deepEqual(given.body, { quota: { ...own, network: 5, port: 7 } })
  await set(server, 'a', { port: 0 })
  const now = { ...own, network: 5, port: 0 }
  assert.deepEqual((await call('GET', '/v2.0/quotas/a')).body, { quota: now })
  assert.deepEqual((await call('GET', '/v2.0/quotas/a/default')).body, { quota: own })
  assert.deepEqual((await call('GET', '/v2.0/quotas')).body, {
    quotas: [{ ...now, project_id: 'a', tenant_id: 'a' }],
  })
  assert.equal((await call('DELETE', '/v2.0/quotas/a')).status, 204)
  assert.deepEqual((await call('GET', '/v2.0/quotas/a')).body, { quota: own })
  const again = await call('DELETE', '/v2.0/quotas/a')
  assert.deepEqual([again.status, again.error?.type], [404, 'TenantQuotaNotFound'])
  const a = callerIn('a')
  assert.deepEqual((await server.as(a)('GET', '/v2.0/quotas/tenant')).body, {
    tenant: { tenant_id: 'a', project_id: 'a' },
  })
})

void test('a project of any name has one', async () => {
  await using server = await openTestServer()
  const project = 'a b/c%d,ü'
  const path = `/v2.0/quotas/${encodeURIComponent(project)}`
  await server.call('PUT', path, { quota: { network: 1 } })
  assert.equal((await server.call('GET', path)).at('quota', 'network'), 1)
  assert.equal((await server.call('GET', '/v2.0/quotas')).at('quotas', 0, 'project_id'), project)
  assert.equal((await networks(server.as(callerIn(project)), 2)).status, 409)
})

void test('what is no limit is refused; what there is nothing of here is passed over', async () => {
  await using server = await openTestServer()
  for (const quota of [
    { port: -2 },
    { port: 'many' },
    { port: 1.5 },
    { port: null },
    { ports: 1 },
  ]) {
    const { status } = await server.call('PUT', '/v2.0/quotas/a', { quota })
    assert.equal(status, 400, JSON.stringify(quota))
  }
  assert.equal((await server.call('PUT', '/v2.0/quotas/a', { port: 1 })).status, 400)
  assert.deepEqual((await server.call('GET', '/v2.0/quotas')).body, { quotas: [] })
  const sent = { router: 10, floatingip: 50, security_group: 10, port: 3 }
  assert.deepEqual((await set(server, 'a', sent)).body, { quota: { ...unlimited, port: 3 } })
})

void test('a quota below what is used is taken, and refused where that is asked for', async () => {
  await using server = await openTestServer()
  await networks(server.as(callerIn('a')), 3)
  const asked = await server.call('PUT', '/v2.0/quotas/a', {
    quota: { network: 2, check_limit: true },
  })
  assert.deepEqual([asked.status, asked.error?.type], [400, 'InvalidQuotaValue'])
  await set(server, 'a', { network: 2 })
  await set(server, 'a', { network: 3, check_limit: true })
  const { body } = await server.call('GET', '/v2.0/quotas/a/details')
  const none = { limit: -1, used: 0, reserved: 0 }
  assert.deepEqual(body, {
    quota: {
      network: { limit: 3, used: 3, reserved: 0 },
      subnet: none,
      port: none,
      rbac_policy: none,
    },
  })
})

void test('each kind counts, and is refused beyond its limit; deleting one makes room', async () => {
  await using server = await openTestServer()
  const member = server.as(callerIn('a'))
  const id = String((await member('POST', '/v2.0/networks', { network: {} })).at('network', 'id'))
  const share = { object_type: 'network', object_id: id, action: 'access_as_shared' }
  const kinds: Readonly<Record<string, readonly [string, (i: number) => object]>> = {
    network: ['networks', () => ({})],
    subnet: ['subnets', (i) => ({ network_id: id, cidr: `10.${i}.0.0/24` })],
    port: ['ports', () => ({ network_id: id, fixed_ips: [] })],
    rbac_policy: ['rbac-policies', (i) => ({ ...share, target_tenant: `p${i}` })],
  }
  for (const [kind, [path, body]] of Object.entries(kinds)) {
    const has = kind === 'network' ? 1 : 0
    const create = (i: number) => member('POST', `/v2.0/${path}`, { [kind]: body(i) })
    await set(server, 'a', { [kind]: 0 })
    const { status, error } = await create(1)
    assert.deepEqual([status, error?.type], [409, 'OverQuota'], kind)
    assert.match(error?.message ?? '', new RegExp(kind))
    await set(server, 'a', { [kind]: has + 1 })
    const made = await create(1)
    assert.equal(made.status, 201)
    assert.equal((await create(2)).error?.type, 'OverQuota')
    assert.equal((await member('GET', '/v2.0/quotas/a/details')).at('quota', kind, 'used'), has + 1)
    const path1 = `/v2.0/${path}/${String(made.at(kind, 'id'))}`
    assert.equal((await member('DELETE', path1)).status, 204)
    assert.equal((await create(2)).status, 201)
    await set(server, 'a', { [kind]: -1 })
    assert.equal((await create(3)).status, 201)
  }
})

void test('of many at once all are made or none; and each counts for its own project', async () => {
  await using server = await openTestServer()
  await set(server, 'a', { network: 3 })
  const member = server.as(callerIn('a'))
  assert.equal((await networks(member, 2)).status, 201)
  const before = server.replica.revision
  assert.equal((await networks(member, 2)).error?.type, 'OverQuota')
  const mixed = [{ project_id: 'b' }, { project_id: 'a' }, { project_id: 'a' }]
  assert.equal((await server.call('POST', '/v2.0/networks', { networks: mixed })).status, 409)
  assert.equal(server.replica.revision, before)
  const fits = await server.call('POST', '/v2.0/networks', { networks: mixed.slice(0, 2) })
  assert.equal(fits.status, 201)
  assert.equal((await server.call('GET', '/v2.0/networks?project_id=a')).all('networks').length, 3)
})

void test('two servers asked at once: never more than the limit, and none is left over', async () => {
  await using base = await openTestServer()
  await using one = await openTestServer({ store: slow(base.store) })
  await using two = await openTestServer({ store: slow(base.store) })
  const made = await base.call('POST', '/v2.0/networks', { network: { shared: true } })
  const port = { network_id: made.at('network', 'id') }
  const create = (call: Call, kind: 'network' | 'port', size: number): Promise<Answer> =>
    kind === 'network'
      ? networks(call, size)
      : call('POST', '/v2.0/ports', { ports: Array.from({ length: size }, () => port) })
  let round = 0
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('network', 'port'),
      fc.integer({ min: 0, max: 9 }),
      fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 12 }),
      async (kind, limit, sizes) => {
        const project = `p${round++}`
        await set(base, project, { [kind]: limit })
        await one.replica.reached(base.replica.revision)
        await two.replica.reached(base.replica.revision)
        const answers = await Promise.all(
          sizes.map((size, i) =>
            create((i % 2 === 0 ? one : two).as(callerIn(project)), kind, size),
          ),
        )
        const made = answers.reduce((sum, { all }) => sum + all(`${kind}s`).length, 0)
        assert.ok(made <= limit, `${made} of ${limit}`)
        for (const [i, { status, error }] of answers.entries()) {
          if (status === 201) continue
          assert.equal(error?.type, 'OverQuota')
          assert.ok(made + (sizes[i] ?? 0) > limit, 'none is refused that fits')
        }
      },
    ),
    { numRuns: 25 },
  )
})

void test('a limit that is set between the look and the deed counts', async () => {
  await using server = await openTestServer()
  const { store, asked, open } = gated(server.store)
  await using other = await openTestServer({ store })
  const made = networks(other.as(callerIn('a')), 1)
  await asked
  await set(server, 'a', { network: 0 })
  open()
  assert.equal((await made).error?.type, 'OverQuota')
})
