// Networks that are shared: with a project, with everybody, and no longer.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keys } from '@portward/store'
import { callerIn, gated, openTestServer, slow } from './testing.ts'
import type { Answer, Call, TestServer } from './testing.ts'

const path = '/v2.0/rbac-policies'
const a = callerIn('a')
const b = callerIn('b')

function network(call: Call, values: object = {}): Promise<Answer> {
  return call('POST', '/v2.0/networks', { network: values })
}

function policyOf(network: Answer, target: string, more: object = {}): object {
  const object_id = network.at('network', 'id')
  const what = { object_type: 'network', object_id, action: 'access_as_shared' }
  return { rbac_policy: { ...what, target_tenant: target, ...more } }
}

function share(call: Call, network: Answer, target: string): Promise<Answer> {
  return call('POST', path, policyOf(network, target))
}

function idOf(answer: Answer): string {
  const [resource = ''] = Object.keys(answer.body as object)
  return String(answer.at(resource, 'id'))
}

function refused({ status, error }: Answer): readonly unknown[] {
  return [status, error?.type]
}

async function see(server: TestServer, network: Answer): Promise<readonly unknown[]> {
  const url = `/v2.0/networks/${idOf(network)}`
  const answers = await Promise.all([a, b, callerIn('c')].map((who) => server.as(who)('GET', url)))
  return answers.map(({ status, at }) => (status === 200 ? at('network', 'shared') : status))
}

function join(call: Call, network: Answer, more: object = {}): Promise<Answer> {
  return call('POST', '/v2.0/ports', { port: { network_id: idOf(network), ...more } })
}

void test('a policy is shown as Neutron shows it, and found by what it says', async () => {
  await using server = await openTestServer()
  const owned = await network(server.as(a))
  const made = await share(server.as(a), owned, 'b')
  const id = idOf(made)
  const wanted = {
    id,
    tenant_id: 'a',
    project_id: 'a',
    object_type: 'network',
    object_id: idOf(owned),
    action: 'access_as_shared',
    target_tenant: 'b',
  }
  assert.equal(made.status, 201)
  assert.deepEqual(made.body, { rbac_policy: wanted })
  for (const query of [
    '',
    `?object_id=${idOf(owned)}`,
    '?target_tenant=b&action=access_as_shared',
  ]) {
    const { body } = await server.as(a)('GET', `${path}${query}`)
    assert.deepEqual(body, { rbac_policies: [wanted] }, query)
  }
  const none = await server.as(a)('GET', `${path}?target_tenant=c`)
  assert.deepEqual(none.body, { rbac_policies: [] })
})

void test('who sees a network that is shared, and as what', async () => {
  await using server = await openTestServer()
  const owned = await network(server.as(a))
  assert.deepEqual(await see(server, owned), [false, 404, 404])
  const made = await share(server.as(a), owned, 'b')
  assert.deepEqual(await see(server, owned), [false, true, 404])
  const url = `${path}/${idOf(made)}`
  await server.as(a)('PUT', url, { rbac_policy: { target_tenant: 'c' } })
  assert.deepEqual(await see(server, owned), [false, 404, true])
  await server.call('PUT', url, { rbac_policy: { target_tenant: '*' } })
  assert.deepEqual(await see(server, owned), [true, true, true])
  assert.equal((await server.as(a)('DELETE', url)).status, 204)
  assert.deepEqual(await see(server, owned), [false, 404, 404])
  const shared = await server.as(b)('GET', '/v2.0/networks?shared=true')
  assert.deepEqual(shared.all('networks'), [])
})

void test('the network’s attribute `shared` is a policy for everybody', async () => {
  await using server = await openTestServer()
  const owned = await network(server.call, { project_id: 'a', shared: true })
  assert.equal(owned.at('network', 'shared'), true)
  assert.deepEqual(await see(server, owned), [true, true, true])
  const policies = await server.as(a)('GET', `${path}?object_id=${idOf(owned)}`)
  assert.equal(policies.at('rbac_policies', 0, 'target_tenant'), '*')
  const url = `/v2.0/networks/${idOf(owned)}`
  const before = owned.at('network', 'revision_number')
  const same = await server.call('PUT', url, { network: { shared: true } })
  assert.equal(same.at('network', 'revision_number'), before)
  const off = await server.call('PUT', url, { network: { shared: false } })
  assert.equal(off.at('network', 'shared'), false)
  assert.ok(Number(off.at('network', 'revision_number')) > Number(before))
  assert.deepEqual((await server.as(a)('GET', path)).all('rbac_policies'), [])
  await server.call('PUT', url, { network: { shared: true } })
  assert.deepEqual(await see(server, owned), [true, true, true])
})

void test('what cannot be a policy is refused', async () => {
  await using server = await openTestServer()
  const owned = await network(server.as(a))
  const other = await network(server.as(b))
  const post = (body: object) => server.as(a)('POST', path, body)
  for (const more of [
    { object_type: 'qos_policy' },
    { action: 'access_as_external' },
    { target_tenant: 7 },
    { name: 'a' },
    { id: 'a' },
  ]) {
    assert.equal((await post(policyOf(owned, 'b', more))).status, 400, JSON.stringify(more))
  }
  for (const missing of ['object_type', 'object_id', 'action', 'target_tenant']) {
    assert.equal((await post(policyOf(owned, 'b', { [missing]: undefined }))).status, 400, missing)
  }
  assert.deepEqual(refused(await post(policyOf(other, 'c'))), [404, 'NetworkNotFound'])
  assert.equal((await share(server.as(b), other, 'a')).status, 201)
  assert.deepEqual(refused(await post(policyOf(other, 'c'))), [403, 'PolicyNotAuthorized'])
  assert.deepEqual(refused(await post(policyOf(owned, '*'))), [403, 'PolicyNotAuthorized'])
  const made = await post(policyOf(owned, 'b'))
  const url = `${path}/${idOf(made)}`
  for (const change of [{ object_id: idOf(other) }, { action: 'access_as_shared' }]) {
    assert.equal((await server.call('PUT', url, { rbac_policy: change })).status, 400)
  }
})

void test('the same twice is refused, in one request too, and by a change', async () => {
  await using server = await openTestServer()
  const owned = await network(server.as(a))
  const first = await share(server.as(a), owned, 'b')
  const twice = [409, 'DuplicateRbacPolicy']
  assert.deepEqual(refused(await share(server.as(a), owned, 'b')), twice)
  const c = (policyOf(owned, 'c') as { readonly rbac_policy: object }).rbac_policy
  assert.deepEqual(refused(await server.as(a)('POST', path, { rbac_policies: [c, c] })), twice)
  const second = await share(server.as(a), owned, 'c')
  const url = `${path}/${idOf(second)}`
  const onto = await server.as(a)('PUT', url, { rbac_policy: { target_tenant: 'b' } })
  assert.deepEqual(refused(onto), twice)
  const same = await server.as(a)('PUT', url, { rbac_policy: { target_tenant: 'c' } })
  assert.equal(same.status, 200)
  await server.call('PUT', `/v2.0/networks/${idOf(owned)}`, { network: { shared: true } })
  assert.deepEqual(refused(await share(server.call, owned, '*')), twice)
  assert.equal((await server.as(a)('DELETE', `${path}/${idOf(first)}`)).status, 204)
})

void test('while a project has ports by a policy, that stays; its own ports do not count', async () => {
  await using server = await openTestServer()
  const owned = await network(server.as(a))
  const policy = await share(server.as(a), owned, 'b')
  const url = `${path}/${idOf(policy)}`
  await join(server.as(a), owned)
  const port = await join(server.as(b), owned)
  const inUse = [409, 'RbacPolicyInUse']
  const deleted = await server.as(a)('DELETE', url)
  assert.deepEqual(refused(deleted), inUse)
  assert.match(deleted.error?.message ?? '', new RegExp(idOf(port)))
  const changed = await server.as(a)('PUT', url, { rbac_policy: { target_tenant: 'c' } })
  assert.deepEqual(refused(changed), inUse)
  // Where there is another by which it may, one of them can go.
  const all = await share(server.call, owned, '*')
  assert.equal((await server.as(a)('DELETE', url)).status, 204)
  assert.deepEqual(refused(await server.call('DELETE', `${path}/${idOf(all)}`)), inUse)
  const network1 = `/v2.0/networks/${idOf(owned)}`
  const unshared = await server.call('PUT', network1, { network: { shared: false } })
  assert.deepEqual(refused(unshared), [409, 'InvalidSharedSetting'])
  await share(server.as(a), owned, 'b')
  assert.equal((await server.call('PUT', network1, { network: { shared: false } })).status, 200)
  await server.as(b)('DELETE', `/v2.0/ports/${idOf(port)}`)
  const rest = (await server.as(a)('GET', path)).all('rbac_policies')
  for (const { id } of rest)
    assert.equal((await server.as(a)('DELETE', `${path}/${String(id)}`)).status, 204)
})

void test('whoever has a policy for a network of another is not told of others’ ports', async () => {
  await using server = await openTestServer()
  const owned = await network(server.as(a))
  const gift = await server.call('POST', path, policyOf(owned, 'c', { project_id: 'b' }))
  const port = await join(server.as(callerIn('c')), owned)
  assert.equal(port.status, 201)
  const deleted = await server.as(b)('DELETE', `${path}/${idOf(gift)}`)
  assert.deepEqual(refused(deleted), [409, 'RbacPolicyInUse'])
  assert.doesNotMatch(deleted.error?.message ?? '', new RegExp(idOf(port)))
})

void test('the policies of a network go with it', async () => {
  await using server = await openTestServer()
  const owned = await network(server.as(a), {})
  await share(server.as(a), owned, 'b')
  await share(server.call, owned, '*')
  assert.equal((await server.as(a)('DELETE', `/v2.0/networks/${idOf(owned)}`)).status, 204)
  assert.deepEqual((await server.call('GET', path)).all('rbac_policies'), [])
  assert.deepEqual((await server.store.range(keys.rbacs)).entries, [])
})

void test('a network is not unshared under a port that joins it after the look and before the deed', async () => {
  await using server = await openTestServer()
  const owned = await network(server.as(a))
  const policy = await share(server.as(a), owned, 'b')
  const { store, asked, open } = gated(server.store)
  await using later = await openTestServer({ store })
  const deleted = later.as(a)('DELETE', `${path}/${idOf(policy)}`)
  await asked
  assert.equal((await join(server.as(b), owned)).status, 201)
  open()
  assert.deepEqual(refused(await deleted), [409, 'RbacPolicyInUse'])
})

void test('a port does not join a network that is unshared after the look and before the deed', async () => {
  await using server = await openTestServer()
  const owned = await network(server.as(a))
  const policy = await share(server.as(a), owned, 'b')
  const { store, asked, open } = gated(server.store)
  await using later = await openTestServer({ store })
  const joined = join(later.as(b), owned)
  await asked
  assert.equal((await server.as(a)('DELETE', `${path}/${idOf(policy)}`)).status, 204)
  open()
  assert.equal((await joined).status, 404)
})

void test('of those who share a network with the same project at once, one does', async () => {
  await using base = await openTestServer()
  await using one = await openTestServer({ store: slow(base.store) })
  await using two = await openTestServer({ store: slow(base.store) })
  const owned = await network(base.as(a))
  await Promise.all([one, two].map(({ replica }) => replica.reached(base.replica.revision)))
  const url = `/v2.0/networks/${idOf(owned)}`
  const answers = await Promise.all([
    share(one.call, owned, '*'),
    share(two.call, owned, '*'),
    one.call('PUT', url, { network: { shared: true } }),
    two.call('PUT', url, { network: { shared: true } }),
  ])
  for (const { status, error } of answers)
    assert.ok(status < 300 || error?.type === 'DuplicateRbacPolicy')
  assert.equal((await one.call('GET', path)).all('rbac_policies').length, 1)
})

void test('a network that was shared before there were policies has one, made once, by whichever server', async () => {
  await using server = await openTestServer()
  const made = await Promise.all([1, 2, 3].map(() => network(server.as(a))))
  for (const owned of made) {
    const key = keys.network(idOf(owned))
    const { entries } = await server.store.range(key)
    const old = JSON.parse(entries[0]?.value ?? '') as object
    const shared = owned !== made[2]
    await server.store.txn([], [{ type: 'put', key, value: JSON.stringify({ ...old, shared }) }])
  }
  const started = await Promise.all([1, 2].map(() => openTestServer({ store: slow(server.store) })))
  await using one = started[0] ?? server
  await using two = started[1] ?? server
  for (const { replica } of [server, one, two]) {
    await replica.reached((await server.store.range('')).revision)
  }
  const policies = await two.call('GET', path)
  assert.deepEqual(
    policies
      .all('rbac_policies')
      .map((row) => `${String(row['object_id'])} ${String(row['target_tenant'])}`)
      .sort(),
    made
      .slice(0, 2)
      .map((owned) => `${idOf(owned)} *`)
      .sort(),
  )
  for (const { project_id: project } of policies.all('rbac_policies')) assert.equal(project, 'a')
  for (const owned of made) assert.equal((await see(one, owned))[1], owned === made[2] ? 404 : true)
  for (const { id } of policies.all('rbac_policies')) {
    assert.equal((await one.call('DELETE', `${path}/${String(id)}`)).status, 204)
  }
  await using again = await openTestServer({ store: server.store })
  assert.deepEqual((await again.call('GET', path)).all('rbac_policies'), [])
})
