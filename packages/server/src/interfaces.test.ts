// Interfaces tied to ports, with a host's agent played by the test.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keys } from '@portward/store'
import { callerIn, openTestServer, slow } from './testing.ts'
import type { Answer, TestServer } from './testing.ts'

const PATH = '/portward/v1/hosts/h1/interfaces'

async function openHost() {
  const server = await openTestServer()
  const agent = server.agent('h1')
  await agent.alive()
  const network = await server.call('POST', '/v2.0/networks', { network: {} })
  const networkId = network.at('network', 'id')
  return {
    server,
    agent,
    async port(fields: object = {}): Promise<string> {
      const body = { port: { network_id: networkId, ...fields } }
      return String((await server.call('POST', '/v2.0/ports', body)).at('port', 'id'))
    },
    tie: (iface: string, portId: string, query = ''): Promise<Answer> =>
      server.call('PUT', `${PATH}/${iface}${query}`, { port_id: portId }),
    untie: (iface: string, query = ''): Promise<Answer> =>
      server.call('DELETE', `${PATH}/${iface}${query}`),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

function plugOf({ replica }: TestServer, iface: string, host = 'h1'): string | undefined {
  return replica.plugs.get(keys.hostPlug(host, iface))?.record.portId
}

void test('an interface is tied to a port: the wish for its iface-id, and the port is the host’s', async () => {
  await using bench = await openHost()
  const { server, agent, tie } = bench
  await agent.see('tap0', {})
  const id = await bench.port({ name: 'web1' })
  const made = await tie('tap0', id)
  assert.deepEqual([made.status, made.at('interface', 'wanted_port_id')], [201, id])
  assert.equal(plugOf(server, 'tap0'), id)
  assert.ok(server.replica.hostPorts.get(keys.hostPort('h1', id)))
  const { revision } = server.replica
  const again = await tie('tap0', id)
  assert.deepEqual([again.status, server.replica.revision], [200, revision])
})

void test('one that is not there yet is tied all the same, and shown', async () => {
  await using bench = await openHost()
  const id = await bench.port()
  assert.equal((await bench.tie('vnet7', id)).status, 201)
  const { all } = await bench.server.call('GET', '/portward/v1/interfaces')
  const [row, ...others] = all('interfaces')
  assert.deepEqual(others, [])
  assert.deepEqual(row, {
    host: 'h1',
    iface: 'vnet7',
    port_id: null,
    port_name: null,
    wanted_port_id: id,
    type: '',
    ofport: null,
    mac: null,
    state: 'absent',
    reason: 'host h1 has no such interface',
  })
})

void test('what cannot be tied: why, and what is in the way', async () => {
  await using bench = await openHost()
  const { server, agent, tie } = bench
  await agent.see('eth0', { type: '', state: 'trunk' })
  const [mine, hers, carried, remote] = [
    await bench.port(),
    await bench.port(),
    await bench.port(),
    await bench.port({ 'binding:host_id': 'h2' }),
  ]
  await agent.see('tap0', {})
  await agent.see('tap1', { portId: carried })
  await tie('tap0', hers)
  for (const [iface, id, status, type, message] of [
    ['eth0', mine, 409, 'InterfaceNotProtectable', /eth0 is an uplink/],
    ['tap0', mine, 409, 'InterfaceDeclared', new RegExp(hers)],
    ['tap1', mine, 409, 'InterfaceDeclared', new RegExp(carried)],
    ['tap9', hers, 409, 'PortTied', /is interface tap0 of host h1/],
    ['tap9', carried, 409, 'PortTied', /is interface tap1 of host h1/],
    ['tap9', remote, 409, 'PortBound', /is h2/],
    ['tap9', 'nosuch', 404, 'PortNotFound', /nosuch/],
  ] as const) {
    const answer = await tie(iface, id)
    assert.deepEqual([answer.status, answer.error?.type], [status, type], `${iface} ${id}`)
    assert.match(answer.error?.message ?? '', message)
  }
  const elsewhere = '/portward/v1/hosts/h9/interfaces/tap9'
  const unknown = await server.call('PUT', elsewhere, { port_id: mine })
  assert.deepEqual([unknown.status, unknown.error?.type], [404, 'HostNotFound'])
  const body = await server.call('PUT', `${PATH}/tap9`, { port: mine })
  assert.match(body.error?.message ?? '', /'port'/)
})

void test('untied, the wish is gone and the port stays; what protect tied is for unprotect, and the other way round', async () => {
  await using bench = await openHost()
  const { server, agent } = bench
  const id = await bench.port()
  await bench.tie('tap0', id)
  assert.equal((await bench.untie('tap0')).status, 204)
  assert.deepEqual([plugOf(server, 'tap0'), server.replica.ports.size], [undefined, 1])
  const again = await bench.untie('tap0')
  assert.deepEqual([again.status, again.error?.type], [404, 'InterfaceNotTied'])

  await agent.see('tap1', {})
  const guarded = { iface: 'tap1', ips: ['10.0.0.5'], mac: 'fa:16:3e:00:00:10' }
  await server.call('POST', '/portward/v1/protect', guarded)
  const protectedOne = await bench.untie('tap1')
  assert.equal(protectedOne.status, 409)
  assert.match(protectedOne.error?.message ?? '', /portward unprotect tap1/)
  await agent.see('tap0', {})
  await bench.tie('tap0', id)
  const declared = await server.call('POST', '/portward/v1/unprotect', { iface: 'tap0' })
  assert.deepEqual([declared.status, declared.error?.type], [409, 'InterfaceDeclared'])
  assert.equal(plugOf(server, 'tap0'), id)
})

void test('who ties and unties is kept, and which interface a port was at a time, for administrators', async () => {
  await using bench = await openHost()
  const { server } = bench
  const id = await bench.port({ 'binding:host_id': 'h1', project_id: 'a' })
  const history = `/portward/v1/ports/${id}/history`
  const latest = async () => (await server.call('GET', `${history}?limit=1`)).all('changes')[0]
  const words = (entry: object | undefined) => {
    const { action, before, after } = entry as Record<string, Record<string, unknown>>
    return [action, before?.['portward:interface'], after?.['portward:interface']]
  }
  await bench.tie('tap0', id)
  const tap0 = { host: 'h1', iface: 'tap0' }
  assert.deepEqual(words(await latest()), ['update', null, tap0])
  await bench.tie('tap0', id)
  assert.equal((await server.call('GET', history)).all('changes').length, 2)
  await bench.untie('tap0')
  assert.deepEqual(words(await latest()), ['update', tap0, null])
  await bench.tie('tap1', id)
  const { status } = await server.call('DELETE', `/v2.0/ports/${id}`)
  assert.equal(status, 204)
  const tap1 = { host: 'h1', iface: 'tap1' }
  assert.deepEqual(words(await latest()), ['delete', tap1, undefined])
  const shown = await server.as(callerIn('a'))('GET', history)
  assert.equal(shown.status, 200)
  assert.doesNotMatch(JSON.stringify(shown.body), /tap/)
})

void test('a port that is deleted leaves no wish behind, not even one that is made at the same moment', async () => {
  await using bench = await openHost()
  const { server, tie } = bench
  const id = await bench.port()
  await tie('tap0', id)
  assert.equal((await server.call('DELETE', `/v2.0/ports/${id}`)).status, 204)
  assert.equal(server.replica.plugs.size, 0)

  await using other = await openTestServer({ store: slow(server.store) })
  for (let round = 0; round < 10; round++) {
    // Bound to the host already: the tie need not change the port.
    const next = await bench.port({ 'binding:host_id': 'h1' })
    await other.replica.reached(server.replica.revision)
    await Promise.all([tie('tap0', next), other.call('DELETE', `/v2.0/ports/${next}`)])
    await server.replica.reached(other.replica.revision)
    assert.deepEqual([server.replica.ports.size, server.replica.plugs.size], [0, 0])
  }
})

void test('waiting: until the port is in force, and until the host has let go of it', async () => {
  await using bench = await openHost()
  const { server, agent } = bench
  await agent.see('tap0', {})
  const id = await bench.port()
  const tied = bench.tie('tap0', id, '?wait=applied')
  await until(server, () => plugOf(server, 'tap0') === id)
  await agent.see('tap0', { portId: id, state: 'guarded' })
  await agent.apply(id)
  assert.equal((await tied).status, 201)

  const untied = bench.untie('tap0', '?wait=applied')
  await until(server, () => plugOf(server, 'tap0') === undefined)
  await agent.withdraw(id)
  await agent.see('tap0', { portId: null })
  assert.equal((await untied).status, 204)

  await bench.tie('tap0', id)
  await agent.see('tap0', { portId: id })
  await agent.gone()
  const gone = await bench.untie('tap0', '?wait=applied')
  assert.equal(gone.status, 202)
  assert.match(String(gone.at('pending', 0, 'reason')), /no agent is alive on host h1/)
})

async function until({ replica }: TestServer, holds: () => boolean): Promise<void> {
  if (holds()) return
  const done = Promise.withResolvers<void>()
  using _ = replica.onChange(() => {
    if (holds()) done.resolve()
  })
  await done.promise
}
