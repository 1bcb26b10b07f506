// Two servers on one store, asked at once.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keys } from '@portward/store'
import * as fc from 'fast-check'
import { gated, openTestServer, slow } from './testing.ts'
import type { Answer, TestServer } from './testing.ts'

async function pair(): Promise<AsyncDisposable & { one: TestServer; two: TestServer }> {
  const base = await openTestServer()
  const one = await openTestServer({ store: slow(base.store) })
  const two = await openTestServer({ store: slow(base.store) })
  return {
    one,
    two,
    async [Symbol.asyncDispose]() {
      await two[Symbol.asyncDispose]()
      await one[Symbol.asyncDispose]()
      await base[Symbol.asyncDispose]()
    },
  }
}

async function networkWith(server: TestServer, cidr: string): Promise<string> {
  const { at } = await server.call('POST', '/v2.0/networks', { network: {} })
  const id = String(at('network', 'id'))
  const subnet = { network_id: id, cidr, gateway_ip: null }
  assert.equal((await server.call('POST', '/v2.0/subnets', { subnet })).status, 201)
  return id
}

void test('no address is ever given twice, and none is left over while ports are refused', async () => {
  await using servers = await pair()
  const { one, two } = servers
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 40 }), async (count) => {
      const network = await networkWith(one, '10.9.0.0/28')
      const create = (i: number): Promise<Answer> =>
        (i % 2 === 0 ? one : two).call('POST', '/v2.0/ports', { port: { network_id: network } })
      await two.replica.reached(one.replica.revision)
      const answers = await Promise.all(Array.from({ length: count }, (_, i) => create(i)))
      const given = answers.flatMap(({ status, at }) =>
        status === 201 ? [String(at('port', 'fixed_ips', 0, 'ip_address'))] : [],
      )
      assert.equal(new Set(given).size, given.length)
      assert.equal(given.length, Math.min(count, 14))
      for (const { status, error } of answers) {
        if (status !== 201) assert.equal(error?.type, 'IpAddressGenerationFailure')
      }
    }),
    { numRuns: 15 },
  )
})

void test('of those who ask for the same address or MAC, one gets it', async () => {
  await using servers = await pair()
  const { one, two } = servers
  const network = await networkWith(one, '10.9.0.0/24')
  await two.replica.reached(one.replica.revision)
  const ask = (port: object): Promise<readonly Answer[]> =>
    Promise.all(
      [one, two, one, two].map((server) =>
        server.call('POST', '/v2.0/ports', { port: { network_id: network, ...port } }),
      ),
    )
  const wishes = [
    [{ fixed_ips: [{ ip_address: '10.9.0.9' }] }, 'IpAddressAlreadyAllocated'],
    [{ mac_address: 'fa:16:3e:00:00:09' }, 'MacAddressInUse'],
  ] as const
  for (const [wish, type] of wishes) {
    const answers = await ask(wish)
    assert.equal(answers.filter(({ status }) => status === 201).length, 1)
    assert.equal(answers.filter(({ error }) => error?.type === type).length, 3)
  }
})

void test('overlapping subnets made at once: one is', async () => {
  await using servers = await pair()
  const { one, two } = servers
  const made = await one.call('POST', '/v2.0/networks', { network: {} })
  await two.replica.reached(one.replica.revision)
  const create = (server: TestServer, cidr: string): Promise<Answer> =>
    server.call('POST', '/v2.0/subnets', { subnet: { network_id: made.at('network', 'id'), cidr } })
  const answers = await Promise.all([create(one, '10.0.0.0/16'), create(two, '10.0.3.0/24')])
  assert.deepEqual(
    answers.map(({ status }) => status).sort((a, b) => a - b),
    [201, 400],
  )
})

void test('a network is not deleted under a port that joins it after the look and before the deed', async () => {
  await using server = await openTestServer()
  for (const doomed of ['networks', 'subnets'] as const) {
    const network = await networkWith(server, '10.9.0.0/24')
    const subnets = await server.call('GET', `/v2.0/subnets?network_id=${network}`)
    const id = doomed === 'networks' ? network : String(subnets.at('subnets', 0, 'id'))
    const gate = gated(server.store)
    await using other = await openTestServer({ store: gate.store })
    const deleted = other.call('DELETE', `/v2.0/${doomed}/${id}`)
    await gate.asked
    const port = { network_id: network }
    assert.equal((await server.call('POST', '/v2.0/ports', { port })).status, 201)
    gate.open()
    assert.equal((await deleted).status, 409)
  }
})

void test('a port does not join a network that is deleted after the look and before the deed', async () => {
  await using server = await openTestServer()
  const made = await server.call('POST', '/v2.0/networks', { network: {} })
  const network = String(made.at('network', 'id'))
  const gate = gated(server.store)
  await using other = await openTestServer({ store: gate.store })
  const created = other.call('POST', '/v2.0/ports', { port: { network_id: network } })
  await gate.asked
  assert.equal((await server.call('DELETE', `/v2.0/networks/${network}`)).status, 204)
  gate.open()
  assert.equal((await created).status, 404)
})

void test('updates of one port at once are all made, one after the other', async () => {
  await using servers = await pair()
  const { one, two } = servers
  const network = await networkWith(one, '10.9.0.0/24')
  const made = await one.call('POST', '/v2.0/ports', { port: { network_id: network } })
  const path = `/v2.0/ports/${String(made.at('port', 'id'))}`
  await two.replica.reached(one.replica.revision)
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, i) =>
      (i % 2 === 0 ? one : two).call('PUT', path, { port: { name: `n${i}` } }),
    ),
  )
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200])
  const last = await one.call('GET', path)
  assert.equal(last.at('port', 'revision_number'), 11)
})

void test('a hundred updates of one port at once on one server are all made', async () => {
  await using server = await openTestServer()
  const network = await networkWith(server, '10.9.0.0/24')
  const made = await server.call('POST', '/v2.0/ports', { port: { network_id: network } })
  const path = `/v2.0/ports/${String(made.at('port', 'id'))}`
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, i) => server.call('PUT', path, { port: { name: `n${i}` } })),
  )
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200])
  assert.equal((await server.call('GET', path)).at('port', 'revision_number'), 101)
})

void test('an address, a MAC and the host record are freed with the port', async () => {
  await using server = await openTestServer()
  const network = await networkWith(server, '10.9.0.0/24')
  const made = await server.call('POST', '/v2.0/ports', {
    port: { network_id: network, 'binding:host_id': 'host1' },
  })
  const id = String(made.at('port', 'id'))
  assert.notEqual(server.replica.hostPorts.get(keys.hostPort('host1', id)), undefined)
  await server.call('DELETE', `/v2.0/ports/${id}`)
  const left = await server.store.range('')
  assert.deepEqual(
    left.entries.map(({ key }) => key.replace(/\/.*/, '')),
    ['members', 'networks', 'subnets'],
  )
})
