// How networks are carried: which VLAN each gets, and that no two get the same.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keys } from '@portward/store'
import { callerIn, openTestServer, slow } from './testing.ts'
import type { Answer, Call } from './testing.ts'

type Provider = {
  readonly type?: string | null
  readonly physical?: string | null
  readonly id?: unknown
}

function body({ type, physical, id }: Provider): object {
  return {
    ...(type !== undefined && { 'provider:network_type': type }),
    ...(physical !== undefined && { 'provider:physical_network': physical }),
    ...(id !== undefined && { 'provider:segmentation_id': id }),
  }
}

function create(call: Call, provider: Provider, more: object = {}): Promise<Answer> {
  return call('POST', '/v2.0/networks', { network: { ...body(provider), ...more } })
}

function shown({ at }: Answer): readonly unknown[] {
  return ['network_type', 'physical_network', 'segmentation_id'].map((name) =>
    at('network', `provider:${name}`),
  )
}

const physical = 'physnet1'
const vlan = { type: 'vlan', physical }
const vlans = (first: number, last: number) => ({
  network: { type: 'vlan' as const, physicalNetwork: physical, vlanRange: { first, last } },
})

void test('each type has what it can have, and is shown so', async () => {
  await using server = await openTestServer({
    settings: { network: { ...vlans(5, 9).network, type: 'local' } },
  })
  const cases: readonly (readonly [Provider, readonly unknown[]])[] = [
    [{}, ['local', null, null]],
    [{ type: null, physical: null, id: null }, ['local', null, null]],
    [{ type: 'local', physical: null, id: null }, ['local', null, null]],
    [{ type: 'vlan' }, ['vlan', physical, 5]],
    [{ ...vlan, id: 7 }, ['vlan', physical, 7]],
    [{ ...vlan, id: '6' }, ['vlan', physical, 6]],
    [vlan, ['vlan', physical, 8]],
    // A VLAN that is asked for may be one that is not given out.
    [{ ...vlan, id: 1 }, ['vlan', physical, 1]],
    [{ ...vlan, id: 4094 }, ['vlan', physical, 4094]],
    [{ type: 'flat', physical }, ['flat', physical, null]],
  ]
  for (const [provider, wanted] of cases) {
    const made = await create(server.call, provider)
    assert.equal(made.status, 201, made.error?.message)
    assert.deepEqual(shown(made), wanted)
  }
  const seven = await server.call('GET', '/v2.0/networks?provider:segmentation_id=7')
  assert.equal(seven.all('networks').length, 1)
})

void test('what makes no sense is refused, and names what does', async () => {
  await using server = await openTestServer()
  const cases: readonly (readonly [Provider, string])[] = [
    [{ type: 'local', physical }, 'physical_network'],
    [{ type: 'local', id: 5 }, 'segmentation_id'],
    [{ type: 'flat', physical, id: 5 }, 'segmentation_id'],
    [{ type: 'flat' }, 'physical_network'],
    [{ type: 'flat', physical: 'other' }, 'physical_network'],
    [{ type: 'vlan', physical: 'other' }, 'physical_network'],
    [{ type: 'vlan', physical: 'other', id: 5 }, 'physical_network'],
    [{ type: 'vlan', id: 5 }, 'physical_network'],
    [{ ...vlan, id: 0 }, 'segmentation_id'],
    [{ ...vlan, id: 4095 }, 'segmentation_id'],
    [{ ...vlan, id: -1 }, 'segmentation_id'],
    [{ ...vlan, id: 1.5 }, 'segmentation_id'],
    [{ ...vlan, id: 'ten' }, 'segmentation_id'],
    [{ type: 'vxlan' }, 'network_type'],
    [{ type: '' }, 'network_type'],
    [{ physical }, 'network_type'],
    [{ id: 5 }, 'network_type'],
  ]
  for (const [provider, names] of cases) {
    const { status, error } = await create(server.call, provider)
    assert.equal(status, 400, JSON.stringify(provider))
    assert.match(error?.message ?? '', new RegExp(`^provider:${names}`))
  }
  assert.equal(server.replica.networks.size, 0)
})

void test('a VLAN is one network’s, until that is deleted; likewise the flat network', async () => {
  await using server = await openTestServer()
  for (const [provider, type] of [
    [{ ...vlan, id: 100 }, 'VlanIdInUse'],
    [{ type: 'flat', physical }, 'FlatNetworkInUse'],
  ] as const) {
    const first = await create(server.call, provider)
    const id = String(first.at('network', 'id'))
    const again = await create(server.call, provider)
    assert.deepEqual([again.status, again.error?.type], [409, type])
    assert.match(again.error?.message ?? '', new RegExp(id))
    await server.call('DELETE', `/v2.0/networks/${id}`)
    assert.equal((await create(server.call, provider)).status, 201)
    const bulk = [{ name: 'a' }, body({ ...vlan, id: 200 }), body({ ...vlan, id: 200 })]
    const both = await server.call('POST', '/v2.0/networks', { networks: bulk })
    assert.deepEqual([both.status, both.error?.type], [409, 'VlanIdInUse'])
    assert.equal((await server.call('GET', '/v2.0/networks?name=a')).all('networks').length, 0)
  }
})

void test('the lowest VLAN that is free is given, to a member too, until none is left', async () => {
  await using server = await openTestServer({ settings: vlans(10, 12) })
  const member = server.as(callerIn('a'))
  const ids: string[] = []
  for (let i = 0; i < 3; i++) {
    const made = await create(member, {})
    assert.equal(made.status, 201)
    assert.equal(made.at('network', 'provider:segmentation_id'), undefined)
    ids.push(String(made.at('network', 'id')))
  }
  const vlanOf = async (id: string) =>
    (await server.call('GET', `/v2.0/networks/${id}`)).at('network', 'provider:segmentation_id')
  assert.deepEqual(await Promise.all(ids.map(vlanOf)), [10, 11, 12])
  const none = await create(member, {})
  assert.deepEqual([none.status, none.error?.type], [409, 'NoNetworkAvailable'])
  assert.equal((await create(server.call, { type: 'local' })).status, 201)
  await server.call('DELETE', `/v2.0/networks/${ids[1]}`)
  const again = await create(member, {})
  assert.equal(await vlanOf(String(again.at('network', 'id'))), 11)
})

void test('in one request each gets its own', async () => {
  await using server = await openTestServer({ settings: vlans(10, 12) })
  const networks = [body({ ...vlan, id: 10 }), {}, {}]
  const made = await server.call('POST', '/v2.0/networks', { networks })
  assert.equal(made.status, 201, made.error?.message)
  const given = made.all('networks').map((one) => one['provider:segmentation_id'])
  assert.deepEqual(given, [10, 11, 12])
})

void test('two servers asked at once give no VLAN twice', async () => {
  await using base = await openTestServer()
  const settings = vlans(20, 25)
  await using one = await openTestServer({ store: slow(base.store), settings })
  await using two = await openTestServer({ store: slow(base.store), settings })
  const servers = [one, two, one, two, one, two, one, two]
  const answers = await Promise.all(servers.map(({ call }) => create(call, {})))
  const given = answers.flatMap(({ status, at }) =>
    status === 201 ? [Number(at('network', 'provider:segmentation_id'))] : [],
  )
  assert.deepEqual(
    given.sort((a, b) => a - b),
    [20, 21, 22, 23, 24, 25],
  )
  const refused = answers.flatMap(({ error }) => error?.type ?? [])
  assert.deepEqual(refused, ['NoNetworkAvailable', 'NoNetworkAvailable'])
  const same = await Promise.all(servers.map(({ call }) => create(call, { ...vlan, id: 99 })))
  assert.equal(same.filter(({ status }) => status === 201).length, 1)
  assert.equal(same.filter(({ error }) => error?.type === 'VlanIdInUse').length, 7)
})

void test('a host is told the VLAN of each port', async () => {
  await using server = await openTestServer()
  for (const [provider, wanted] of [
    [{ ...vlan, id: 100 }, 100],
    [{ type: 'flat', physical }, 0],
    [{ type: 'local' }, 0],
  ] as const) {
    const network_id = (await create(server.call, provider)).at('network', 'id')
    const told = { network_id, 'binding:host_id': 'h1' }
    const made = await server.call('POST', '/v2.0/ports', { port: told })
    const key = keys.hostPort('h1', String(made.at('port', 'id')))
    assert.equal(server.replica.hostPorts.get(key)?.record.vlan, wanted)
  }
})

void test('on a network with a VLAN no port is exempted from the check of tags', async () => {
  await using server = await openTestServer()
  const checks = { 'portward:checks': { vlan: [7] } }
  const network = async (provider: Provider, more: object = {}) =>
    (await create(server.call, provider, more)).at('network', 'id')
  const port = (network_id: unknown, more: object = {}) =>
    server.call('POST', '/v2.0/ports', { port: { network_id, ...more } })
  const on = await network({ ...vlan, id: 100 })
  const refused = await port(on, checks)
  assert.deepEqual([refused.status, refused.error?.type], [400, 'InvalidInput'])
  const made = await port(on)
  const path = `/v2.0/ports/${String(made.at('port', 'id'))}`
  assert.equal((await server.call('PUT', path, { port: checks })).status, 400)
  assert.equal((await port(await network({}), checks)).status, 201)
  const inherits = await network({ ...vlan, id: 101 }, checks)
  assert.equal((await port(inherits)).status, 400)
  assert.equal((await port(inherits, { 'portward:checks': {} })).status, 201)
})

void test('no sentence tells a member what is for administrators to see: the VLAN, the range, the physical network', async () => {
  await using server = await openTestServer({ settings: vlans(777, 777) })
  const a = server.as(callerIn('a'))
  const made = await create(a, {})
  const network_id = made.at('network', 'id')
  const port = { network_id, 'portward:checks': { vlan: [5] } }
  const answers = [
    await create(a, {}),
    await a('POST', '/v2.0/ports', { port }),
    await server.call('POST', '/v2.0/ports', { port }),
  ]
  assert.deepEqual(
    [made, ...answers].map(({ status }) => status),
    [201, 409, 403, 400],
  )
  for (const { body } of [made, ...answers]) {
    assert.doesNotMatch(JSON.stringify(body), /777|physnet1/)
  }
})

void test('an administrator alone exempts from the check vlan, for the VLANs are of all projects', async () => {
  await using server = await openTestServer()
  const a = server.as(callerIn('a'))
  const made = await create(a, {})
  const network_id = made.at('network', 'id')
  const others = { arp: false }
  const port = await a('POST', '/v2.0/ports', { port: { network_id, 'portward:checks': others } })
  assert.equal(port.status, 201)
  const network = `/v2.0/networks/${String(network_id)}`
  const own = `/v2.0/ports/${String(port.at('port', 'id'))}`
  for (const vlan of [false, [150]]) {
    const exempt = { 'portward:checks': { vlan } }
    for (const [method, path, body] of [
      ['POST', '/v2.0/networks', { network: exempt }],
      ['PUT', network, { network: exempt }],
      ['POST', '/v2.0/ports', { port: { network_id, ...exempt } }],
      ['PUT', own, { port: exempt }],
    ] as const) {
      const refused = await a(method, path, body)
      assert.equal(refused.status, 403, `${method} ${path}`)
      assert.match(refused.error?.message ?? '', /portward:checks.*vlan.*administrator/)
    }
    assert.equal((await server.call('PUT', own, { port: exempt })).status, 200)
  }
  const back = { port: { 'portward:checks': { vlan: true, ...others } } }
  assert.equal((await a('PUT', own, back)).status, 200)
})
