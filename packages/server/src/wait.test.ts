import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestServer } from './testing.ts'
import { waitOf } from './wait.ts'

async function openWithPort(host?: string) {
  const server = await openTestServer()
  const network = await server.call('POST', '/v2.0/networks', { network: {} })
  const made = await server.call('POST', '/v2.0/ports', {
    port: {
      network_id: network.at('network', 'id'),
      ...(host !== undefined && { 'binding:host_id': host }),
    },
  })
  const id = String(made.at('port', 'id'))
  const agent = server.agent(host ?? 'h1')
  const dispose = () => server[Symbol.asyncDispose]()
  return { server, agent, id, path: `/v2.0/ports/${id}`, [Symbol.asyncDispose]: dispose }
}

const off = { port: { port_security_enabled: false } }
const on = { port: { port_security_enabled: true } }

void test('status is ACTIVE exactly while a living host has acknowledged what the port is now', async () => {
  await using bench = await openWithPort('h1')
  const { server, agent, id, path } = bench
  const status = async () => (await server.call('GET', path)).at('port', 'status')
  const state = async () => (await server.call('GET', `/portward/v1/ports/${id}`)).at('state')
  assert.deepEqual([await status(), await state()], ['DOWN', 'hostDown'])
  await agent.alive()
  assert.deepEqual([await status(), await state()], ['DOWN', 'unplugged'])
  await agent.see('tap0', { portId: id, state: 'guarded' })
  assert.deepEqual([await status(), await state()], ['DOWN', 'pending'])
  await agent.apply(id)
  assert.deepEqual([await status(), await state()], ['ACTIVE', 'guarded'])
  await server.call('PUT', path, off)
  assert.deepEqual([await status(), await state()], ['DOWN', 'pending'])
  await agent.apply(id)
  assert.equal(await status(), 'ACTIVE')
  await agent.gone()
  assert.deepEqual([await status(), await state()], ['DOWN', 'hostDown'])
})

void test('a port that is administratively down is DOWN, though its switch has done as it was told', async () => {
  await using bench = await openWithPort('h1')
  const { server, agent, id, path } = bench
  await agent.alive()
  await server.call('PUT', path, { port: { admin_state_up: false } })
  await agent.apply(id)
  const waited = await server.call('PUT', `${path}?wait=applied`, { port: { name: 'x' } })
  assert.deepEqual([waited.status, waited.at('port', 'status')], [200, 'DOWN'])
  const view = await server.call('GET', `/portward/v1/ports/${id}`)
  assert.deepEqual([view.at('status'), view.at('applied')], ['DOWN', true])
})

void test('wait=applied answers 200 once the switch has acknowledged, not before', async () => {
  await using bench = await openWithPort('h1')
  const { server, agent, id, path } = bench
  await agent.alive()
  await agent.see('tap0', { portId: id, state: 'open' })
  await agent.apply(id)
  const before = server.replica.revision
  let answered = false
  const answer = server.call('PUT', `${path}?wait=applied`, off).then((value) => {
    answered = true
    return value
  })
  await server.replica.reached(before + 1)
  await agent.apply(id, { revision: before })
  assert.equal(answered, false)
  await agent.apply(id)
  const { status, at } = await answer
  assert.equal(status, 200)
  assert.deepEqual([at('port', 'status'), at('port', 'port_security_enabled')], ['ACTIVE', false])
  assert.equal(at('pending'), undefined)
})

void test('in vain: 202 with the resource and what is pending', async () => {
  await using bench = await openWithPort('h1')
  const { server, agent, id, path } = bench
  await agent.alive()
  await agent.see('tap0', { portId: id })
  const answer = await server.call('PUT', path, off, { prefer: 'respond-async, wait=0' })
  assert.equal(answer.status, 202)
  assert.equal(answer.headers['preference-applied'], 'wait=0')
  assert.equal(answer.at('port', 'port_security_enabled'), false)
  assert.deepEqual([answer.at('pending', 0, 'host'), answer.at('pending', 0, 'port')], ['h1', id])
  assert.match(String(answer.at('pending', 0, 'reason')), /acknowledged/)
})

void test('nothing to hope for: 202 at once', async () => {
  await using unbound = await openWithPort()
  const nowhere = await unbound.server.call('PUT', `${unbound.path}?wait=applied`, off)
  assert.deepEqual([nowhere.status, nowhere.at('pending', 0, 'host')], [202, null])
  await using dead = await openWithPort('h1')
  const { status, at } = await dead.server.call('PUT', `${dead.path}?wait=applied`, off)
  assert.deepEqual([status, at('pending', 0, 'host')], [202, 'h1'])
  assert.match(String(at('pending', 0, 'reason')), /alive/)
})

void test('a wait ends when what made it worth while is gone', async () => {
  await using bench = await openWithPort('h1')
  const { server, agent, id, path } = bench
  await agent.alive()
  await agent.see('tap0', { portId: id })
  const before = server.replica.revision
  const answer = server.call('PUT', path, off, { prefer: 'wait=60' })
  await server.replica.reached(before + 1)
  await agent.gone()
  assert.equal((await answer).status, 202)
})

void test('a change that changes nothing for the switch has been acknowledged already', async () => {
  await using bench = await openWithPort('h1')
  const { server, agent, id, path } = bench
  await agent.alive()
  await agent.see('tap0', { portId: id })
  await agent.apply(id)
  assert.equal((await server.call('PUT', `${path}?wait=applied`, on)).status, 200)
})

void test('a delete waits until the host has nothing of the port any more', async () => {
  await using bench = await openWithPort('h1')
  const { server, agent, id, path } = bench
  await agent.alive()
  await agent.see('tap0', { portId: id })
  await agent.apply(id)
  const before = server.replica.revision
  const answer = server.call('DELETE', `${path}?wait=applied`)
  await server.replica.reached(before + 1)
  assert.equal((await server.call('GET', path)).status, 404)
  await agent.withdraw(id)
  assert.equal((await answer).status, 204)
})

void test('a delete whose flows stay: 202, and the port is gone all the same', async () => {
  await using bench = await openWithPort('h1')
  const { server, agent, id, path } = bench
  await agent.alive()
  await agent.apply(id)
  const { status, at } = await server.call('DELETE', path, undefined, { prefer: 'wait=0' })
  assert.deepEqual([status, at('port', 'id'), at('pending', 0, 'port')], [202, id, id])
  assert.equal((await server.call('GET', path)).status, 404)
})

void test('what can be waited for', () => {
  assert.equal(waitOf({}, {}), undefined)
  assert.deepEqual(waitOf({ wait: 'applied' }, {}), { seconds: 5, preference: undefined })
  assert.deepEqual(waitOf({}, { prefer: 'wait=7' }), { seconds: 7, preference: 'wait=7' })
  assert.deepEqual(waitOf({}, { prefer: 'return=minimal, WAIT=9000' }), {
    seconds: 60,
    preference: 'wait=60',
  })
  for (const prefer of ['wait="7"', 'wait = 7', 'respond-async, wait=7; x=1']) {
    assert.equal(waitOf({}, { prefer })?.seconds, 7, prefer)
  }
  for (const prefer of ['wait=soon', 'wait=-1', 'wait="7', 'await=7', 'wait=7x']) {
    assert.equal(waitOf({}, { prefer }), undefined, prefer)
  }
  assert.throws(() => waitOf({ wait: 'forever' }, {}), /'applied'/)
})

void test('a new port is waited for as well', async () => {
  await using bench = await openWithPort('h1')
  const { server, agent } = bench
  await agent.alive()
  const network = await server.call('GET', '/v2.0/networks')
  const made = Promise.withResolvers<string>()
  using _ = server.replica.onChange(() => {
    for (const id of server.replica.portsByName.of('new')) made.resolve(id)
  })
  const answer = server.call('POST', '/v2.0/ports?wait=applied', {
    port: { network_id: network.at('networks', 0, 'id'), name: 'new', 'binding:host_id': 'h1' },
  })
  await agent.apply(await made.promise)
  const { status, at } = await answer
  assert.deepEqual([status, at('port', 'status')], [201, 'ACTIVE'])
})

void test('a wait nobody knows is refused before anything is written, not after', async () => {
  await using bench = await openWithPort('h1')
  const { server, agent, path } = bench
  const network = await server.call('GET', '/v2.0/networks')
  await agent.alive()
  await agent.see('tap1', { mac: null })
  const { revision } = server.replica
  const requests = [
    ['POST', '/v2.0/ports', { port: { network_id: network.at('networks', 0, 'id') } }],
    ['POST', '/v2.0/networks', { network: {} }],
    ['PUT', path, off],
    ['DELETE', path, undefined],
    [
      'POST',
      '/portward/v1/protect',
      { iface: 'tap1', ips: ['10.0.0.9'], mac: 'fa:16:3e:00:00:11' },
    ],
    ['POST', '/portward/v1/unprotect', { iface: 'tap1' }],
  ] as const
  for (const [method, url, body] of requests) {
    const { status, error } = await server.call(method, `${url}?wait=apllied`, body)
    assert.equal(status, 400, url)
    assert.match(error?.message ?? '', /'applied'/)
  }
  assert.equal(server.replica.revision, revision)
})

void test('what is pending says so when the host has lost its switch', async () => {
  await using bench = await openWithPort('h1')
  const { server, agent, id, path } = bench
  const notes = ['cannot connect to br-int.mgmt: is the daemon running?']
  await agent.alive({ state: 'connecting', notes })
  await agent.see('tap0', { portId: id })
  await agent.apply(id)
  const put = await server.call('PUT', path, off, { prefer: 'wait=0' })
  assert.match(String(put.at('pending', 0, 'reason')), /no switch at the moment: cannot connect/)
  const gone = await server.call('DELETE', path, undefined, { prefer: 'wait=0' })
  assert.match(String(gone.at('pending', 0, 'reason')), /no switch at the moment: cannot connect/)
})

void test('a port is ACTIVE no longer when its host has lost the switch that acknowledged it, and again when it is back', async () => {
  await using bench = await openWithPort('h1')
  const { server, agent, id, path } = bench
  await agent.alive()
  await agent.see('tap0', { portId: id, state: 'guarded' })
  await agent.apply(id)
  const status = async (): Promise<unknown> => (await server.call('GET', path)).at('port', 'status')
  assert.equal(await status(), 'ACTIVE')
  await agent.alive({ state: 'connecting', notes: ['the switch is away'] })
  assert.equal(await status(), 'DOWN')
  await agent.alive()
  assert.equal(await status(), 'ACTIVE')
})
