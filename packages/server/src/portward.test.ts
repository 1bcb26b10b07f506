// Portward's own paths, with a host's agent played by the test.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMac } from '@portward/addr'
import { keys } from '@portward/store'
import { localHost, openTestServer } from './testing.ts'
import type { Answer, TestServer } from './testing.ts'

const PROTECT = '/portward/v1/protect'
const UNPROTECT = '/portward/v1/unprotect'
const MAC = 'fa:16:3e:00:00:10'

async function openHost(host = 'h1') {
  const server = await openTestServer()
  const agent = server.agent(host)
  await agent.alive()
  const protect = (body: object): Promise<Answer> => server.call('POST', PROTECT, body)
  return { server, agent, protect, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

function plugOf(server: TestServer, iface: string, host = 'h1'): string | undefined {
  return server.replica.plugs.get(keys.hostPlug(host, iface))?.record.portId
}

void test('protect makes a port for an interface, what its host must enforce, and the wish for its iface-id', async () => {
  await using bench = await openHost()
  const { server, agent, protect } = bench
  await agent.see('tap0', {})
  const made = await protect({ iface: 'tap0', ips: ['10.0.0.5', 'FD00::5'], mac: MAC })
  assert.equal(made.status, 201)
  const id = String(made.at('port', 'id'))
  assert.equal(plugOf(server, 'tap0'), id)
  assert.deepEqual(server.replica.hostPorts.get(keys.hostPort('h1', id))?.record, {
    portId: id,
    networkId: made.at('port', 'network_id'),
    mac: MAC,
    ips: ['10.0.0.5', 'fd00::5'],
    allowedAddressPairs: [],
    guarded: true,
    up: true,
    vlan: 0,
    checks: {},
  })
  const subnets = await server.call('GET', '/v2.0/subnets?sort_key=cidr&sort_dir=asc&fields=cidr')
  assert.deepEqual(subnets.body, { subnets: [{ cidr: '0.0.0.0/0' }, { cidr: '::/0' }] })
  const networks = await server.call('GET', '/v2.0/networks?fields=name')
  assert.deepEqual(networks.body, { networks: [{ name: 'protected' }] })
})

void test('the same again changes nothing; other addresses replace the old ones', async () => {
  await using bench = await openHost()
  const { server, agent, protect } = bench
  await agent.see('tap0', { mac: null })
  const body = { iface: 'tap0', ips: ['10.0.0.5'], mac: MAC }
  const first = await protect(body)
  const { revision } = server.replica
  const again = await protect(body)
  assert.deepEqual([again.status, server.replica.revision], [200, revision])
  const other = await protect({ iface: 'tap0', ips: ['10.0.0.6'] })
  assert.equal(other.at('port', 'id'), first.at('port', 'id'))
  assert.equal(other.at('port', 'mac_address'), MAC)
  assert.equal(other.at('port', 'fixed_ips', 0, 'ip_address'), '10.0.0.6')
  await agent.see('tap1', {})
  const freed = await protect({ iface: 'tap1', ips: ['10.0.0.5'], mac: 'fa:16:3e:00:00:11' })
  assert.equal(freed.status, 201)
})

void test('the MAC is that of the interface where the host knows it', async () => {
  await using bench = await openHost()
  const { agent, protect } = bench
  await agent.see('tap0', { mac: parseMac(MAC) })
  assert.equal((await protect({ iface: 'tap0', ips: ['10.0.0.5'] })).at('port', 'mac_address'), MAC)
  await agent.see('tap1', {})
  const unknown = await protect({ iface: 'tap1', ips: ['10.0.0.6'] })
  assert.deepEqual([unknown.status, unknown.error?.type], [400, 'MacAddressUnknown'])
  assert.match(unknown.error?.message ?? '', /--mac/)
})

void test('what is refused names what is in the way', async () => {
  await using bench = await openHost()
  const { server, agent, protect } = bench
  await agent.see('tap0', {})
  await agent.see('tap1', {})
  await agent.see('vx0', { type: 'vxlan', state: 'trunk' })
  await server.agent('h2').see('tap1', {})
  await protect({ iface: 'tap0', ips: ['10.0.0.5'], mac: MAC })
  const on1 = { host: 'h1', iface: 'tap1', mac: 'fa:16:3e:00:00:11' }
  const rows = [
    [{ iface: 'tap9', ips: ['10.0.0.9'] }, 404, 'InterfaceNotFound', /tap0/],
    [{ iface: 'tap0', host: 'h2', ips: ['10.0.0.9'] }, 404, 'InterfaceNotFound', /host h2.*tap1/],
    [{ ...on1, ips: ['10.0.0.5'] }, 409, 'IpAddressAlreadyAllocated', /tap0 on host h1/],
    [{ ...on1, ips: ['10.0.0.9'], mac: MAC }, 409, 'MacAddressInUse', /tap0 on host h1/],
    [{ iface: 'tap1', ips: ['10.0.0.9'], mac: MAC }, 409, 'InterfaceAmbiguous', /h1, h2/],
    [{ iface: 'vx0', ips: ['10.0.0.9'], mac: MAC }, 409, 'InterfaceNotProtectable', /vx0/],
    [{ ...on1, ips: ['224.0.0.5'] }, 400, 'HTTPBadRequest', /224/],
    [{ ...on1, ips: ['10.0.0.9', '10.0.0.9'] }, 400, 'HTTPBadRequest', /ips/],
    [{ ...on1, ips: [] }, 400, 'HTTPBadRequest', /ips/],
    [{ ...on1 }, 400, 'HTTPBadRequest', /'ips'/],
    [{ ...on1, ips: ['10.0.0.9'], colour: 1 }, 400, 'HTTPBadRequest', /'colour'/],
    [{ ips: ['10.0.0.9'] }, 400, 'HTTPBadRequest', /'iface'/],
  ] as const
  for (const [body, status, type, message] of rows) {
    const answer = await protect(body)
    assert.deepEqual([answer.status, answer.error?.type], [status, type], JSON.stringify(body))
    assert.match(answer.error?.message ?? '', message)
  }
})

void test('an interface that carries a port of the Neutron API is that port, and not protected over it', async () => {
  await using bench = await openHost()
  const { server, agent, protect } = bench
  const network = await server.call('POST', '/v2.0/networks', { network: {} })
  const port = await server.call('POST', '/v2.0/ports', {
    port: { network_id: network.at('network', 'id') },
  })
  const id = String(port.at('port', 'id'))
  await agent.see('tap0', { portId: id })
  const answer = await protect({ iface: 'tap0', ips: ['10.0.0.5'], mac: MAC })
  assert.deepEqual([answer.status, answer.error?.type], [409, 'InterfaceDeclared'])
  assert.ok(answer.error?.message.includes(id))
})

void test('an iface-id that is there already becomes the id of the port', async () => {
  await using bench = await openHost()
  const { agent, protect } = bench
  await agent.see('tap0', { portId: 'web 1' })
  const made = await protect({ iface: 'tap0', ips: ['10.0.0.5'], mac: MAC })
  assert.equal(made.at('port', 'id'), 'web 1')
})

void test('unprotect takes away the port and the wish', async () => {
  await using bench = await openHost()
  const { server, agent, protect } = bench
  await agent.see('tap0', {})
  const made = await protect({ iface: 'tap0', ips: ['10.0.0.5'], mac: MAC })
  const gone = await server.call('POST', UNPROTECT, { iface: 'tap0' })
  assert.deepEqual([gone.status, gone.at('port_id')], [200, made.at('port', 'id')])
  assert.equal(plugOf(server, 'tap0'), undefined)
  assert.deepEqual([server.replica.ports.size, server.replica.hostPorts.size], [0, 0])
  const again = await server.call('POST', UNPROTECT, { iface: 'tap0' })
  assert.deepEqual([again.status, again.error?.type], [404, 'InterfaceNotProtected'])
})

void test('protect waits for the switch as a PUT does', async () => {
  await using bench = await openHost()
  const { server, agent } = bench
  await agent.see('tap0', {})
  const before = server.replica.revision
  const body = { iface: 'tap0', ips: ['10.0.0.5'], mac: MAC }
  const answer = server.call('POST', `${PROTECT}?wait=applied`, body)
  await server.replica.reached(before + 1)
  const id = plugOf(server, 'tap0') ?? ''
  await agent.see('tap0', { portId: id, state: 'guarded' })
  await agent.apply(id)
  const { status, at } = await answer
  assert.deepEqual([status, at('state'), at('applied'), at('flows')], [201, 'guarded', true, 12])
})

void test('two servers protect for the first time at once: one network, both interfaces', async () => {
  await using bench = await openHost()
  const { server, agent } = bench
  await using other = await openTestServer({ store: server.store })
  await agent.see('tap0', {})
  await agent.see('tap1', {})
  await other.replica.reached(server.replica.revision)
  const [one, two] = await Promise.all([
    server.call('POST', PROTECT, { iface: 'tap0', ips: ['10.0.0.5'], mac: MAC }),
    other.call('POST', PROTECT, { iface: 'tap1', ips: ['10.0.0.6'], mac: 'fa:16:3e:00:00:11' }),
  ])
  assert.deepEqual([one.status, two.status], [201, 201])
})

void test('status: hosts, ports by state, and who is silent and why', async () => {
  await using bench = await openHost()
  const { server, agent } = bench
  await agent.see('tap0', { reason: 'no iface-id' })
  const { at } = await server.call('GET', '/portward/v1/status')
  assert.deepEqual(
    [at('version'), at('hosts', 0, 'host'), at('hosts', 0, 'alive')],
    ['0.0.0', 'h1', true],
  )
  assert.deepEqual(at('silent', 0, 'reason'), 'no iface-id')
  assert.deepEqual(at('ports'), { total: 0, active: 0, states: {} })
  await agent.gone()
  const later = await server.call('GET', '/portward/v1/status')
  assert.equal(later.at('hosts', 0, 'alive'), false)
})

void test('a port with a MAC no station has: shown with why it is silent', async () => {
  await using bench = await openHost()
  const { server } = bench
  const network = await server.call('POST', '/v2.0/networks', { network: {} })
  const port = await server.call('POST', '/v2.0/ports', {
    port: { network_id: network.at('network', 'id'), mac_address: '01:00:5e:00:00:01' },
  })
  const { at } = await server.call('GET', `/portward/v1/ports/${String(port.at('port', 'id'))}`)
  assert.deepEqual(at('bindings'), [])
  assert.match(String(at('reason')), /01:00:5e:00:00:01/)
})

void test('flows: those of the agent in the process, or a sentence that says there is none', async () => {
  await using without = await openTestServer()
  assert.equal((await without.call('GET', '/portward/v1/flows')).status, 501)
  const asked: (string | undefined)[] = []
  const row = {
    table: 24,
    priority: 2,
    portId: 'p',
    rule: 3,
    ruleText: 'ARP',
    words: 'passes',
    text: 'arp',
    packets: '18446744073709551615',
    bytes: '0',
  }
  const flows = (portId?: string): Promise<readonly (typeof row)[]> => {
    asked.push(portId)
    return Promise.resolve([row])
  }
  await using server = await openTestServer({ local: localHost({ flows }) })
  const all = await server.call('GET', '/portward/v1/flows')
  assert.deepEqual([all.at('host'), all.at('flows', 0, 'port_id')], ['h1', 'p'])
  assert.equal(all.at('flows', 0, 'packets'), '18446744073709551615')
  assert.equal((await server.call('GET', '/portward/v1/flows?port=nosuch')).status, 404)
  assert.deepEqual(asked, [undefined])
})

void test('flows: a switch that is away or hangs is a 503 with what to do, and holds nobody up', async (t) => {
  const refusal = 'cannot connect to br-int.mgmt'
  await using away = await openTestServer({
    local: localHost({ flows: () => Promise.reject(new Error(refusal)) }),
  })
  const refused = await away.call('GET', '/portward/v1/flows')
  assert.deepEqual([refused.status, refused.error?.type], [503, 'SwitchUnavailable'])
  assert.match(refused.error?.message ?? '', new RegExp(`h1.*${refusal}.*portward status`))

  const asked = Promise.withResolvers<void>()
  const flows = (): Promise<never> => {
    asked.resolve()
    return new Promise(() => {})
  }
  await using hangs = await openTestServer({ local: localHost({ flows }) })
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const answer = hangs.call('GET', '/portward/v1/flows')
  await asked.promise
  t.mock.timers.tick(10_000)
  assert.equal((await answer).status, 503)
})

void test('unprotect of an interface that is not protected says whose it is, or which are', async () => {
  await using bench = await openHost()
  const { server, agent, protect } = bench
  const network = await server.call('POST', '/v2.0/networks', { network: {} })
  const port = await server.call('POST', '/v2.0/ports', {
    port: { network_id: network.at('network', 'id') },
  })
  const id = String(port.at('port', 'id'))
  await agent.see('tap0', { portId: id })
  await agent.see('tap1', {})
  await agent.see('tap2', {})
  await protect({ iface: 'tap2', ips: ['10.0.0.5'], mac: MAC })
  const declared = await server.call('POST', UNPROTECT, { iface: 'tap0' })
  assert.deepEqual([declared.status, declared.error?.type], [409, 'InterfaceDeclared'])
  assert.ok(declared.error?.message.includes(id))
  const free = await server.call('POST', UNPROTECT, { iface: 'tap1' })
  assert.deepEqual([free.status, free.error?.type], [404, 'InterfaceNotProtected'])
  assert.match(free.error?.message ?? '', /Those that are: tap2/)
})

void test('a host that nobody has heard of: the hosts there are', async () => {
  await using bench = await openHost()
  const { agent, protect } = bench
  await agent.see('tap0', {})
  const answer = await protect({ iface: 'tap0', host: 'h9', ips: ['10.0.0.5'], mac: MAC })
  assert.deepEqual([answer.status, answer.error?.type], [404, 'HostNotFound'])
  assert.match(answer.error?.message ?? '', /"h9".*known: h1\./)
})
