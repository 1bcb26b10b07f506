// The hosts as Neutron's agents: from a host's first word on, alive or not.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callerIn, openTestServer, slow } from './testing.ts'
import type { Answer, TestServer } from './testing.ts'

const NONE = '00000000-0000-0000-0000-000000000001'
const TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/

/** What the server shows of the host's agent, once that is as wanted. */
async function agentWhen(
  server: TestServer,
  host: string,
  wanted: (agent: Readonly<Record<string, unknown>> | undefined) => boolean,
): Promise<Readonly<Record<string, unknown>>> {
  for (;;) {
    const changed = Promise.withResolvers<void>()
    using _ = server.replica.onChange(() => changed.resolve())
    const { all } = await server.call('GET', `/v2.0/agents?host=${host}`)
    const [agent] = all('agents')
    if (wanted(agent)) return agent ?? {}
    await changed.promise
  }
}

function typed({ status, error }: Answer): readonly unknown[] {
  return [status, error?.type]
}

void test('a host is an agent from its first word on, as Neutron shows one', async () => {
  await using server = await openTestServer()
  assert.deepEqual((await server.call('GET', '/v2.0/agents')).body, { agents: [] })
  await server.agent('h1').alive({ version: '1.2.3', startedAt: '2026-11-24T04:34:42Z' })
  const { id, created_at, heartbeat_timestamp, ...rest } = await agentWhen(server, 'h1', Boolean)
  assert.deepEqual(rest, {
    agent_type: 'Open vSwitch agent',
    binary: 'portward-agent',
    topic: 'N/A',
    host: 'h1',
    admin_state_up: true,
    started_at: '2026-11-24 04:34:42',
    description: '',
    resources_synced: null,
    availability_zone: null,
    alive: true,
    configurations: { integration_bridge: 'br-int', devices: 0, version: '1.2.3' },
  })
  assert.match(String(created_at), TIME)
  assert.match(String(heartbeat_timestamp), TIME)
  const one = await server.call('GET', `/v2.0/agents/${String(id)}`)
  assert.equal(one.at('agent', 'host'), 'h1')
})

void test('it counts the ports of its host', async () => {
  await using server = await openTestServer()
  await server.agent('h1').alive()
  const network = await server.call('POST', '/v2.0/networks', { network: {} })
  const port = { network_id: network.at('network', 'id'), 'binding:host_id': 'h1' }
  await server.call('POST', '/v2.0/ports', { ports: [port, port] })
  const agent = await agentWhen(server, 'h1', Boolean)
  assert.deepEqual(agent['configurations'], {
    integration_bridge: 'br-int',
    devices: 2,
    version: '0.0.0',
  })
})

void test('it is alive while its lease is, and dead after, under one id', async () => {
  await using server = await openTestServer()
  await server.agent('h1').alive()
  const { id } = await agentWhen(server, 'h1', (agent) => agent?.['alive'] === true)
  await server.agent('h1').gone()
  const dead = await agentWhen(server, 'h1', (agent) => agent?.['alive'] === false)
  assert.equal(dead['id'], id)
  assert.match(String(dead['heartbeat_timestamp']), TIME)
  for (const [query, count] of [
    ['alive=false', 1],
    ['alive=true', 0],
    ['binary=portward-agent&agent_type=Open+vSwitch+agent', 1],
    ['binary=other', 0],
    [`id=${String(id)}`, 1],
  ] as const) {
    const { all } = await server.call('GET', `/v2.0/agents?${query}`)
    assert.equal(all('agents').length, count, query)
  }
  await server.agent('h1').alive({ version: '9', startedAt: '2026-12-01T00:00:00Z' })
  const again = await agentWhen(
    server,
    'h1',
    (agent) => agent?.['started_at'] === '2026-12-01 00:00:00',
  )
  assert.deepEqual([again['id'], again['alive']], [id, true])
})

void test('a host that has gone while no server was there is dead, and still known', async () => {
  await using base = await openTestServer()
  const before = await openTestServer({ store: base.store })
  await before.agent('h1').alive()
  const { id } = await agentWhen(before, 'h1', Boolean)
  await before.call('PUT', `/v2.0/agents/${String(id)}`, { agent: { description: 'rack 7' } })
  await before[Symbol.asyncDispose]()
  await base.agent('h1').gone()
  await using after = await openTestServer({ store: base.store })
  const agent = await agentWhen(after, 'h1', Boolean)
  assert.deepEqual([agent['id'], agent['alive'], agent['description']], [id, false, 'rack 7'])
})

void test('several servers know one agent of a host', async () => {
  await using base = await openTestServer()
  await using one = await openTestServer({ store: slow(base.store) })
  await using two = await openTestServer({ store: slow(base.store) })
  await Promise.all(['h1', 'h2', 'h3'].map((host) => base.agent(host).alive()))
  for (const host of ['h1', 'h2', 'h3']) {
    const ids = await Promise.all(
      [base, one, two].map(async (server) => (await agentWhen(server, host, Boolean))['id']),
    )
    assert.equal(new Set(ids).size, 1)
  }
})

void test('an administrator says whether it shall be used, and what it is; nothing else', async () => {
  await using server = await openTestServer()
  await server.agent('h1').alive()
  const { id } = await agentWhen(server, 'h1', Boolean)
  const path = `/v2.0/agents/${String(id)}`
  const put = (agent: object) => server.call('PUT', path, { agent })
  const told = await put({ admin_state_up: false, description: 'broken fan' })
  assert.equal(told.status, 200)
  assert.deepEqual(
    [told.at('agent', 'admin_state_up'), told.at('agent', 'description')],
    [false, 'broken fan'],
  )
  const before = server.replica.revision
  assert.equal((await put({ admin_state_up: false })).status, 200)
  assert.equal(server.replica.revision, before)
  for (const values of [
    { host: 'h2' },
    { alive: true },
    { binary: 'x' },
    { admin_state_up: 'maybe' },
  ]) {
    assert.equal((await put(values)).status, 400, JSON.stringify(values))
  }
  assert.equal((await server.call('POST', '/v2.0/agents', { agent: { host: 'h2' } })).status, 405)
  assert.deepEqual(typed(await server.call('GET', `/v2.0/agents/${NONE}`)), [404, 'AgentNotFound'])
  // What it says of itself does not undo that.
  await server.agent('h1').alive({ version: '2' })
  const later = await agentWhen(server, 'h1', (agent) =>
    JSON.stringify(agent?.['configurations']).includes('"version":"2"'),
  )
  assert.deepEqual([later['admin_state_up'], later['description']], [false, 'broken fan'])
})

void test('one that is dead is deleted for good; one that is alive is there again, without another word of its host', async () => {
  await using server = await openTestServer()
  await server.agent('h1').alive()
  const { id } = await agentWhen(server, 'h1', Boolean)
  await server.agent('h1').gone()
  await agentWhen(server, 'h1', (agent) => agent?.['alive'] === false)
  assert.equal((await server.call('DELETE', `/v2.0/agents/${String(id)}`)).status, 204)
  assert.deepEqual((await server.call('GET', '/v2.0/agents')).body, { agents: [] })
  await server.agent('h1').alive()
  const next = await agentWhen(server, 'h1', Boolean)
  assert.notEqual(next['id'], id)
  assert.equal((await server.call('DELETE', `/v2.0/agents/${String(next['id'])}`)).status, 204)
  const again = await agentWhen(server, 'h1', Boolean)
  assert.notEqual(again['id'], next['id'])
  assert.equal(again['alive'], true)
})

void test('nobody but administrators sees any', async () => {
  await using server = await openTestServer()
  await server.agent('h1').alive()
  const { id } = await agentWhen(server, 'h1', Boolean)
  for (const caller of [callerIn('a'), callerIn('a', 'reader'), callerIn('')]) {
    const ask = server.as(caller)
    assert.deepEqual((await ask('GET', '/v2.0/agents')).body, { agents: [] })
    assert.deepEqual((await ask('GET', `/v2.0/agents?id=${String(id)}`)).body, { agents: [] })
    assert.equal((await ask('GET', `/v2.0/agents/${String(id)}`)).status, 404)
    assert.equal((await ask('DELETE', `/v2.0/agents/${String(id)}`)).status, 404)
  }
})
