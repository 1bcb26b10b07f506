// What is asked of a port's frames over HTTP, with a host's agent and its switch played by the test.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { localHost, openTestServer } from './testing.ts'
import type { Answer, TestServer } from './testing.ts'
import type { LocalHost } from './portward.ts'

const ALICE = 'fa:16:3e:00:00:10'
const BOB = 'fa:16:3e:00:00:11'

type Asked = { readonly portId: string; readonly frame: Uint8Array }

/** Two ports on a network; the switch of h1, where alice is, says that it drops whatever it is asked about. */
async function openBench(answers: Partial<LocalHost> = {}) {
  const asked: Asked[] = []
  const local = localHost({
    trace: (portId, frame) => {
      asked.push({ portId, frame })
      return Promise.resolve({ delivered: false, text: 'Datapath actions: drop' })
    },
    ...answers,
  })
  const server = await openTestServer({ local })
  const agent = server.agent('h1')
  await agent.alive()
  const network = await server.call('POST', '/v2.0/networks', { network: {} })
  const networkId = network.at('network', 'id')
  for (const cidr of ['10.0.0.0/24', 'fd00::/64']) {
    const subnet = { network_id: networkId, cidr, ip_version: cidr.includes(':') ? 6 : 4 }
    await server.call('POST', '/v2.0/subnets', { subnet })
  }
  const add = async (name: string, mac: string, ip: string): Promise<string> => {
    const port = { network_id: networkId, name, mac_address: mac, fixed_ips: [{ ip_address: ip }] }
    return String((await server.call('POST', '/v2.0/ports', { port })).at('port', 'id'))
  }
  const alice = await add('alice', ALICE, '10.0.0.10')
  const bob = await add('bob', BOB, '10.0.0.11')
  await agent.see('tap0', { portId: alice, ofport: 7, state: 'guarded' })
  const explain = (body: object, query = ''): Promise<Answer> =>
    server.call('POST', `/portward/v1/ports/${alice}/explain${query}`, body)
  const close = () => server[Symbol.asyncDispose]()
  return { server, agent, asked, alice, bob, explain, [Symbol.asyncDispose]: close }
}

function put(server: TestServer, id: string, port: object): Promise<Answer> {
  return server.call('PUT', `/v2.0/ports/${id}`, { port })
}

void test('words: all that there is to say of a frame, and what the switch says of it', async () => {
  await using bench = await openBench()
  const { asked, alice, bob, explain } = bench
  const answer = await explain({ words: 'arp 10.0.0.11' })
  assert.equal(answer.status, 200)
  const { path, frame, remedy, ...rest } = answer.body as Record<string, unknown>
  assert.deepEqual(rest, {
    port_id: alice,
    name: 'alice',
    host: 'h1',
    iface: 'tap0',
    ofport: 7,
    applied: false,
    reason: 'the switch of host h1 has not acknowledged it yet',
    verdict: 'dropped',
    rule: 3,
    rule_text: 'ARP claims a binding of the port',
    claim: { mac: ALICE, ip: '10.0.0.11', owner: { id: bob, name: 'bob' } },
    note: null,
    switch: { verdict: 'dropped', agrees: true, trace: 'Datapath actions: drop' },
  })
  assert.deepEqual(
    answer.all('path').map(({ table, name }) => [table, name]),
    [
      [0, 'classify'],
      [24, 'claim'],
    ],
  )
  assert.match(JSON.stringify(path), /"ARP on port 7: on to table 24 \(claim\)"/)
  assert.match(JSON.stringify(remedy), /WARNING: 10\.0\.0\.11 is that of port bob \(/)
  const { hex, words } = frame as { hex: string; words: string }
  assert.equal(words, `an ARP announcement: 10.0.0.11 is at ${ALICE}`)
  const [question] = asked
  assert.deepEqual(
    [question?.portId, Buffer.from(question?.frame ?? []).toString('hex')],
    [alice, hex],
  )

  const same = await explain({ frame: hex.toUpperCase().replaceAll(/(..)/g, '$1:') })
  assert.deepEqual(same.body, answer.body)
})

void test('the switch that says otherwise is held against what is declared', async () => {
  await using bench = await openBench()
  const { explain } = bench
  const passes = await explain({ words: 'arp 10.0.0.10' })
  assert.equal(passes.at('verdict'), 'delivered')
  assert.deepEqual(
    [passes.at('switch', 'verdict'), passes.at('switch', 'agrees')],
    ['dropped', false],
  )
})

void test('a change on its way to the switch is no disagreement', async () => {
  let delivered = true
  await using bench = await openBench({
    trace: () => Promise.resolve({ delivered, text: delivered ? '' : 'drop' }),
  })
  const { agent, alice, explain } = bench
  const answer = explain({ words: 'arp 10.0.0.11' })
  setTimeout(() => {
    delivered = false
    void agent.apply(alice)
  }, 50)
  assert.deepEqual((await answer).at('switch'), { verdict: 'dropped', agrees: true, trace: 'drop' })
})

void test('who cannot be asked: the switch is not, and why is said', async () => {
  await using bench = await openBench({ trace: () => Promise.reject(new Error('it is away')) })
  const { server, agent, alice, bob, explain } = bench
  const body = { words: 'rarp' }
  assert.deepEqual((await explain(body)).at('switch'), { unavailable: 'it is away' })
  assert.equal((await explain(body, '?offline=true')).at('switch'), null)
  await agent.gone()
  assert.equal((await explain(body, '?offline=true')).at('verdict'), 'delivered')

  const unplugged = await server.call('POST', `/portward/v1/ports/${bob}/explain`, body)
  assert.match(
    String(unplugged.at('switch', 'unavailable')),
    /^no host has an interface with iface-id/,
  )
  assert.deepEqual([unplugged.at('verdict'), unplugged.at('iface')], ['delivered', null])
  await put(server, alice, { 'binding:host_id': 'h2' })
  const elsewhere = await explain(body)
  assert.match(
    String(elsewhere.at('switch', 'unavailable')),
    /^its host is h2, whose switch this server can't ask: /,
  )
})

void test('each request that is offered is taken, and lets the frame pass', async () => {
  await using bench = await openBench()
  const { server, alice, explain } = bench
  const frames = [
    'arp 10.0.0.11',
    'ip from fd00::9',
    `mac ${BOB} ip from 10.0.0.9`,
    'vlan 100 dhcp-offer',
    'vlan 0 ra',
    'ethertype 0x88f7',
    'redirect6',
    'mac 01:00:5e:00:00:01 rarp',
  ]
  for (const security of [true, false]) {
    for (const words of frames) {
      const clean = { allowed_address_pairs: [{ ip_address: '10.9.0.0/16' }] }
      const checks = { 'portward:checks': { ethertype: ['0x88cc'] }, port_security_enabled: true }
      const before = await put(server, alice, { ...clean, ...checks, admin_state_up: security })
      assert.equal(before.status, 200, before.error?.message)
      const dropped = await explain({ words })
      assert.equal(dropped.at('verdict'), 'dropped', words)
      const path = String(dropped.at('remedy', 'request', 'path'))
      const answer = await server.call('PUT', path, dropped.at('remedy', 'request', 'body'))
      assert.equal(answer.status, 200, `${words}: ${answer.error?.message}`)
      const after = await explain({ words }, '?offline=true')
      assert.equal(after.at('verdict'), 'delivered', words)
      // What was there stays.
      if (answer.at('port', 'port_security_enabled') === false) continue
      assert.equal(answer.at('port', 'allowed_address_pairs', 0, 'ip_address'), '10.9.0.0/16')
      assert.deepEqual(answer.at('port', 'portward:checks', 'ethertype', 0), '0x88cc')
    }
  }
})

void test('a list that the API would not take longer is not offered', async () => {
  await using bench = await openBench()
  const { server, alice, explain } = bench
  const pairs = Array.from({ length: 10 }, (_, i) => ({ ip_address: `10.9.0.${i}` }))
  await put(server, alice, { allowed_address_pairs: pairs })
  const source = await explain({ words: 'ip from 10.0.0.9' })
  assert.deepEqual(source.at('remedy', 'request', 'body', 'port'), {
    'portward:checks': { source: false },
  })
  const types = Array.from({ length: 64 }, (_, i) => 0x9000 + i).filter((type) => type !== 0x9100)
  await put(server, alice, { 'portward:checks': { ethertype: types } })
  const whole = await explain({ words: 'ethertype 0x88f7' })
  assert.deepEqual(whole.at('remedy', 'request', 'body', 'port'), {
    'portward:checks': { ethertype: false },
  })
})

void test('the command line is for the same port, with the pairs or the checks in it', async () => {
  await using bench = await openBench()
  const { server, alice, explain } = bench
  const pair = await explain({ words: 'arp 10.0.0.9' })
  assert.equal(
    pair.at('remedy', 'command'),
    `openstack port set --allowed-address ip-address=10.0.0.9,mac-address=${ALICE} ${alice}`,
  )
  const ra = await explain({ words: 'ra' })
  assert.equal(
    ra.at('remedy', 'command'),
    `curl -X PUT http://localhost:80/v2.0/ports/${alice} -H 'Content-Type: application/json' -d '{"port":{"portward:checks":{"ra":false}}}'`,
  )
  await put(server, alice, { allowed_address_pairs: [{ ip_address: '10.9.0.0/16' }] })
  const off = await explain({ words: 'mac 01:00:5e:00:00:01 rarp' })
  assert.equal(
    off.at('remedy', 'command'),
    `openstack port set --disable-port-security --no-allowed-address ${alice}`,
  )
})

void test('the addresses of a neighbour’s MAC are the neighbour’s', async () => {
  await using bench = await openBench()
  const { explain, bob } = bench
  const link = await explain({ words: 'na fe80::f816:3eff:fe00:11' })
  assert.deepEqual(link.at('claim', 'owner'), { id: bob, name: 'bob' })
  const mac = await explain({ words: `mac ${BOB} ip from 10.0.0.9` })
  assert.deepEqual(mac.at('claim', 'owner'), { id: bob, name: 'bob' })
  assert.match(String(mac.at('remedy', 'opens')), new RegExp(`WARNING: ${BOB} is that of port bob`))
  const own = await explain({ words: 'arp 10.0.0.10' })
  assert.equal(own.at('claim', 'owner'), null)
})

void test('an interface that is silent, or a bridge that is shared', async () => {
  await using bench = await openBench({ fragments: () => 'hidden' })
  const { server, agent, alice, explain } = bench
  const reason = 'tap1 has the same iface-id: take it off all but one'
  await agent.see('tap0', { portId: alice, ofport: 7, state: 'silent', reason })
  const silent = await explain({ words: 'rarp' })
  assert.deepEqual([silent.at('verdict'), silent.at('remedy')], ['dropped', null])
  assert.equal(silent.at('rule_text'), `nothing of the interface passes: ${reason}`)

  await agent.see('tap0', { portId: alice, ofport: 7, state: 'open' })
  await agent.alive({ mode: 'shared' })
  await put(server, alice, { port_security_enabled: false })
  const open = await explain({ words: 'arp 10.0.0.11' })
  assert.deepEqual([open.at('verdict'), open.at('path')], ['delivered', []])
  // The switch drops it: by flows of others, which is none of our business.
  assert.equal(open.at('switch', 'agrees'), true)
})

void test('how many tags the switch looks through decides what a second one is', async () => {
  for (const [limit, verdict] of [
    [1, 'dropped'],
    [2, 'delivered'],
  ] as const) {
    await using bench = await openBench({ vlanLimit: () => limit })
    const { server, alice, explain } = bench
    await put(server, alice, { 'portward:checks': { vlan: false } })
    const answer = await explain({ words: 'vlan 100 vlan 200 ip from 10.0.0.10' }, '?offline=true')
    assert.equal(answer.at('verdict'), verdict)
  }
})

void test('what is asked wrongly: the field, and what it takes', async () => {
  await using bench = await openBench()
  const { server, explain } = bench
  const rows = [
    [{}, /'frame', .* or 'words'/],
    [{ frame: '00'.repeat(14), words: 'rarp' }, /one of the two/],
    [{ frame: '00'.repeat(13) }, /^frame: wanted the bytes .* from 14 to 65535 of them, got "0000/],
    [{ frame: '00'.repeat(65_536) }, /^frame: wanted/],
    [{ frame: '0g'.repeat(14) }, /^frame: wanted/],
    [{ frame: '000'.repeat(9) }, /^frame: wanted/],
    [{ frame: 5 }, /^frame: wanted/],
    [{ words: 'apr 10.0.0.9' }, /^words: "apr" is no kind of frame: understood are arp IP/],
    [{ words: '' }, /^words: wanted a kind of frame, got the end/],
    [{ words: 'rarp', colour: 1 }, /'colour'/],
  ] as const
  for (const [body, message] of rows) {
    const { status, error } = await explain(body)
    assert.equal(status, 400, JSON.stringify(body).slice(0, 80))
    assert.match(error?.message ?? '', message)
  }
  const offline = await explain({ words: 'rarp' }, '?offline=maybe')
  assert.match(offline.error?.message ?? '', /^offline: wanted 'true' or 'false', got "maybe"/)
  const none = await server.call('POST', '/portward/v1/ports/nosuch/explain', { words: 'rarp' })
  assert.deepEqual([none.status, none.error?.type], [404, 'PortNotFound'])
})
