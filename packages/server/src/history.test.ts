// Who changed what: that every change leaves its entry, and that what a port was at any time follows from them.

import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import type { Store } from '@portward/store'
import * as fc from 'fast-check'
import { callerIn, openTestServer, slow } from './testing.ts'
import type { Answer, Call, TestServer } from './testing.ts'

const ROOT = '/portward/v1'
const NONE = '00000000-0000-0000-0000-000000000001'
type Rows = ReturnType<Answer['all']>

async function entries(call: Call, url = `${ROOT}/history?limit=1000`): Promise<Rows> {
  const { all, status, error } = await call('GET', url)
  assert.equal(status, 200, error?.message)
  return all('changes')
}

function attributesIn(entry: Rows[number] | undefined, name: 'before' | 'after'): Rows[number] {
  return Object(entry?.[name]) as Rows[number]
}

function historyOf(answer: Answer): string {
  return `${ROOT}/ports/${idOf(answer)}/history`
}

function idOf(answer: Answer): string {
  const [resource = ''] = Object.keys(answer.body as object)
  return String(answer.at(resource, 'id'))
}

/** A server, and what each request to it leaves in the history, oldest first. */
async function recorded() {
  const server = await openTestServer()
  let known = 0
  const news = async (): Promise<Rows> => {
    const all = await entries(server.call)
    const fresh = all.slice(0, all.length - known).toReversed()
    known = all.length
    return fresh
  }
  /** Sends, and holds what it left against `wanted`: action and resource of each entry. */
  const send = async (wanted: readonly string[], ...request: Parameters<Call>): Promise<Answer> => {
    const answer = await server.call(...request)
    const fresh = await news()
    const said = fresh.map(({ action, resource }) => `${String(action)} ${String(resource)}`)
    const what = `${request[0]} ${request[1]}: ${answer.error?.message ?? ''}`
    assert.deepEqual(said.sort(), [...wanted].sort(), what)
    for (const entry of fresh) {
      assert.equal(entry['request_id'], answer.headers['x-openstack-request-id'])
      assert.deepEqual(entry['user'], {
        id: 'anyone',
        name: 'anyone',
        project: 'default',
        role: 'admin',
      })
    }
    return answer
  }
  return { server, news, send, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

void test('each change by the API leaves one entry for each resource that it changes', async () => {
  await using world = await recorded()
  const { send, server } = world
  const network = await send(['create network'], 'POST', '/v2.0/networks', { network: {} })
  const net = `/v2.0/networks/${idOf(network)}`
  await send(['update network'], 'PUT', net, { network: { name: 'n' } })
  await send(['create rbac_policy'], 'PUT', net, { network: { shared: true } })
  await send(['delete rbac_policy'], 'PUT', net, { network: { shared: false } })
  const shared = ['create rbac_policy', 'update network']
  await send(shared, 'PUT', net, { network: { shared: true, name: 'm' } })
  const bulk = { networks: [{ shared: true }, {}] }
  await send(
    ['create network', 'create network', 'create rbac_policy'],
    'POST',
    '/v2.0/networks',
    bulk,
  )

  const policy = await send(['create rbac_policy'], 'POST', '/v2.0/rbac-policies', {
    rbac_policy: {
      object_type: 'network',
      object_id: idOf(network),
      action: 'access_as_shared',
      target_tenant: 'b',
    },
  })
  const rbac = `/v2.0/rbac-policies/${idOf(policy)}`
  await send(['update rbac_policy'], 'PUT', rbac, { rbac_policy: { target_tenant: 'c' } })
  await send(['delete rbac_policy'], 'DELETE', rbac)

  const on = { network_id: idOf(network) }
  const subnet = await send(['create subnet'], 'POST', '/v2.0/subnets', {
    subnet: { ...on, cidr: '10.0.0.0/24' },
  })
  const sub = `/v2.0/subnets/${idOf(subnet)}`
  await send(['update subnet'], 'PUT', sub, { subnet: { gateway_ip: null } })
  const ports = { ports: [on, { ...on, device_owner: 'network:dhcp' }] }
  const made = await send(['create port', 'create port'], 'POST', '/v2.0/ports', ports)
  const port = `/v2.0/ports/${String(made.at('ports', 0, 'id'))}`
  await send(['update port'], 'PUT', port, { port: { port_security_enabled: false } })
  await send(['create subnet', 'update port'], 'POST', '/v2.0/subnets', {
    subnet: { ...on, cidr: 'fd00::/64', ipv6_address_mode: 'slaac', ipv6_ra_mode: 'slaac' },
  })

  for (const [path, resource] of [
    [net, 'network'],
    [sub, 'subnet'],
    [port, 'port'],
  ] as const) {
    await send([`update ${resource}`], 'PUT', `${path}/tags`, { tags: ['a', 'b'] })
    await send([`update ${resource}`], 'PUT', `${path}/tags/c`)
    await send([`update ${resource}`], 'DELETE', `${path}/tags/c`)
    await send([`update ${resource}`], 'DELETE', `${path}/tags`)
  }

  await send(['create quota'], 'PUT', '/v2.0/quotas/a', { quota: { port: 5 } })
  await send(['update quota'], 'PUT', '/v2.0/quotas/a', { quota: { port: 6, network: 1 } })
  await send(['delete quota'], 'DELETE', '/v2.0/quotas/a')

  await send(['delete port'], 'DELETE', port)
  const gone = ['port', 'subnet', 'subnet', 'rbac_policy', 'network']
  await send(
    gone.map((one) => `delete ${one}`),
    'DELETE',
    net,
  )
  assert.equal(server.replica.ports.size, 0)
})

void test('what is refused, or changes nothing, leaves none', async () => {
  await using world = await recorded()
  const { send, server } = world
  const network = await send(['create network'], 'POST', '/v2.0/networks', { network: {} })
  const net = `/v2.0/networks/${idOf(network)}`
  const port = await send(['create port'], 'POST', '/v2.0/ports', {
    port: { network_id: idOf(network) },
  })
  const path = `/v2.0/ports/${idOf(port)}`
  await send([], 'GET', path)
  await send([], 'PUT', path, { port: { name: '' } })
  await send([], 'PUT', path, { port: {} })
  await send([], 'PUT', path, { port: { mac_address: 'nonsense' } })
  await send([], 'PUT', path, { port: { name: 'x' } }, { 'if-match': 'revision_number=99' })
  await send([], 'PUT', net, { network: { shared: false } })
  await send([], 'PUT', `${path}/tags`, { tags: [] })
  await send([], 'DELETE', `${path}/tags`)
  await send([], 'DELETE', `${path}/tags/none`)
  await send([], 'DELETE', net)
  await send([], 'DELETE', '/v2.0/quotas/a')
  await send([], 'PUT', '/v2.0/quotas/a', { quota: {} })
  await send(['create quota'], 'PUT', '/v2.0/quotas/a', { quota: { port: 5 } })
  await send([], 'PUT', '/v2.0/quotas/a', { quota: { port: 5 } })
  await send([], 'POST', '/v2.0/ports', {
    ports: [{ network_id: idOf(network) }, { network_id: NONE }],
  })
  assert.equal((await server.as(callerIn('b'))('PUT', path, { port: { name: 'x' } })).status, 404)
  assert.equal((await server.as(callerIn('default', 'reader'))('DELETE', path)).status, 403)
  assert.deepEqual(await world.news(), [])
})

void test('an entry says who, by which request, and what it was before and after', async () => {
  await using world = await recorded()
  const { server } = world
  const network = await world.send(['create network'], 'POST', '/v2.0/networks', {
    network: { project_id: 'a' },
  })
  const alice = { ...callerIn('a'), userId: 'u1', userName: 'alice' }
  const made = await server.as(alice)('POST', '/v2.0/ports', {
    port: { network_id: idOf(network), name: 'old', fixed_ips: [] },
  })
  const [created] = await world.news()
  assert.deepEqual(created?.['user'], { id: 'u1', name: 'alice', project: 'a', role: 'member' })
  assert.deepEqual(created?.['before'], {})
  assert.equal(attributesIn(created, 'after')['name'], 'old')
  const path = `/v2.0/ports/${idOf(made)}`
  const put = await server.as(alice)('PUT', path, { port: { name: 'new', description: '' } })
  const { time, ...entry } = (await world.news())[0] ?? {}
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.deepEqual(entry, {
    request_id: put.headers['x-openstack-request-id'],
    user: { id: 'u1', name: 'alice', project: 'a', role: 'member' },
    action: 'update',
    resource: 'port',
    id: idOf(made),
    project: 'a',
    before: { name: 'old' },
    after: { name: 'new' },
  })
  await server.as(alice)('DELETE', path)
  const [deleted] = await world.news()
  assert.equal(attributesIn(deleted, 'before')['name'], 'new')
  assert.deepEqual(deleted?.['after'], {})
  await server.call('PUT', '/v2.0/quotas/a', { quota: { port: 5, network: 1 } })
  await world.news()
  await server.call('PUT', '/v2.0/quotas/a', { quota: { port: 6, network: 1 } })
  const [quota] = await world.news()
  assert.deepEqual([quota?.['before'], quota?.['after']], [{ port: 5 }, { port: 6 }])
})

void test('a change of an agent is one; that a host comes and goes is none', async () => {
  await using world = await recorded()
  const { server, send } = world
  const noted = Promise.withResolvers<string>()
  using _ = server.replica.onChange(() => {
    const agent = server.replica.agents.get('h1')?.record.id
    if (agent !== undefined) noted.resolve(agent)
  })
  await server.agent('h1').alive()
  const path = `/v2.0/agents/${await noted.promise}`
  await send(['update agent'], 'PUT', path, { agent: { description: 'a' } })
  await send([], 'PUT', path, { agent: { description: 'a' } })
  await send(['delete agent'], 'DELETE', path)
})

void test('protect, a tie and unprotect are changes of ports', async () => {
  await using world = await recorded()
  const { server, send } = world
  await server.agent('h1').alive()
  await server.agent('h1').see('tap0', { mac: null })
  const body = { iface: 'tap0', ips: ['10.0.0.5'], mac: 'fa:16:3e:00:00:05' }
  const first = ['create network', 'create subnet', 'create subnet', 'create port']
  await send(first, 'POST', `${ROOT}/protect`, body)
  await send([], 'POST', `${ROOT}/protect`, body)
  await send(['update port'], 'POST', `${ROOT}/protect`, { ...body, ips: ['10.0.0.6'] })
  await send(['delete port'], 'POST', `${ROOT}/unprotect`, { iface: 'tap0' })
  await send(['create port'], 'POST', `${ROOT}/protect`, body)
  const network = await send(['create network'], 'POST', '/v2.0/networks', { network: {} })
  const port = await send(['create port'], 'POST', '/v2.0/ports', {
    port: { network_id: idOf(network) },
  })
  await send(['update port'], 'PUT', `${ROOT}/hosts/h1/interfaces/tap1`, { port_id: idOf(port) })
  await send(['update port'], 'DELETE', `${ROOT}/hosts/h1/interfaces/tap1`)
  await send(['update port'], 'PUT', `${ROOT}/hosts/h1/interfaces/tap2`, { port_id: idOf(port) })
  await send([], 'PUT', `${ROOT}/hosts/h1/interfaces/tap2`, { port_id: idOf(port) })
})

void test('the server that binds a port does so in its own name, without a request', async () => {
  await using server = await openTestServer()
  const network = await server.call('POST', '/v2.0/networks', { network: {} })
  const port = await server.call('POST', '/v2.0/ports', { port: { network_id: idOf(network) } })
  const bound = Promise.withResolvers<void>()
  using _ = server.replica.onChange(() => {
    if (server.replica.ports.get(idOf(port))?.record.boundHost === 'h1') bound.resolve()
  })
  await server.agent('h1').see('tap0', { portId: idOf(port) })
  await bound.promise
  const [entry, ...rest] = await entries(server.call, historyOf(port))
  assert.equal(rest.length, 1)
  const { action, user, request_id, before, after } = entry ?? {}
  assert.deepEqual(
    { action, user, request_id, before, after },
    {
      action: 'update',
      user: { id: 'portward', name: 'portward', project: '', role: 'admin' },
      request_id: null,
      before: { 'binding:host_id': '' },
      after: { 'binding:host_id': 'h1' },
    },
  )
})

async function portOf(server: TestServer, project = 'a'): Promise<Answer> {
  const networks = await server.call('POST', '/v2.0/networks', {
    network: { project_id: project },
  })
  const network_id = idOf(networks)
  await server.call('POST', '/v2.0/subnets', { subnet: { network_id, cidr: '10.0.0.0/24' } })
  return server.call('POST', '/v2.0/ports', { port: { network_id, project_id: project } })
}

void test('it comes in pages, newest first; after the last of a port that is gone there is none', async () => {
  await using server = await openTestServer()
  const port = await portOf(server)
  const path = `/v2.0/ports/${idOf(port)}`
  for (let i = 0; i < 6; i++) await server.call('PUT', path, { port: { name: `n${i}` } })
  await server.call('DELETE', path)
  for (const [url, count] of [
    [historyOf(port), 8],
    [`${ROOT}/history`, 10],
  ] as const) {
    const whole = await entries(server.call, url)
    assert.equal(whole.length, count)
    for (const limit of [1, 3, 8, 1000]) {
      const found: unknown[] = []
      let before = ''
      for (;;) {
        const page = await server.call('GET', `${url}?limit=${limit}${before}`)
        assert.equal(page.status, 200, page.error?.message)
        assert.ok(page.all('changes').length <= limit)
        found.push(...page.all('changes'))
        if (page.at('next') === null) break
        before = `&before=${String(page.at('next'))}`
      }
      assert.deepEqual(found, whole)
    }
    const times = whole.map(({ time }) => String(time))
    assert.deepEqual(times, [...times].sort().toReversed())
  }
})

void test('a page costs what it holds, however much there is', async () => {
  await using base = await openTestServer()
  const asked: number[] = []
  const store: Store = {
    ...slow(base.store),
    async archived(query) {
      const page = await base.store.archived(query)
      asked.push(page.length)
      return page
    },
  }
  await using server = await openTestServer({ store })
  const port = await portOf(server)
  const other = await portOf(server)
  for (let i = 0; i < 100; i++) {
    await server.call('PUT', `/v2.0/ports/${idOf(port)}`, { port: { name: `n${i}` } })
  }
  asked.length = 0
  assert.equal((await entries(server.call, `${historyOf(port)}?limit=5`)).length, 5)
  assert.equal((await entries(server.call, historyOf(other))).length, 1)
  assert.deepEqual(asked, [5, 1])
})

void test('a query that makes no sense is refused', async () => {
  await using server = await openTestServer()
  const port = await portOf(server)
  for (const query of ['limit=0', 'limit=1001', 'limit=-1', 'limit=ten', 'limit=', 'limit=1.5']) {
    for (const url of [`${ROOT}/history`, historyOf(port)]) {
      assert.equal((await server.call('GET', `${url}?${query}`)).status, 400, query)
    }
  }
  for (const before of ['', 'x', '1', NONE, '-1', '99999999999999999999999999']) {
    for (const url of [`${ROOT}/history`, historyOf(port)]) {
      const { status, error } = await server.call('GET', `${url}?before=${before}`)
      assert.equal(status, 400, before)
      assert.match(error?.message ?? '', /^before:/)
    }
  }
  const times = [
    '',
    'now',
    'foo 1',
    '7',
    '2026',
    '2026-11-25',
    '2026-11-25T12:00:00',
    '2026-13-01T00:00:00Z',
  ]
  for (const at of times) {
    const { status, error } = await server.call(
      'GET',
      `${historyOf(port)}?at=${encodeURIComponent(at)}`,
    )
    assert.equal(status, 400, at)
    assert.match(error?.message ?? '', /^at:/)
  }
  for (const at of [
    '2026-11-25T12:00:00Z',
    '2026-11-25T12:00:00.123Z',
    '2026-11-25T13:00:00%2B01:00',
  ]) {
    assert.equal((await server.call('GET', `${historyOf(port)}?at=${at}`)).status, 200, at)
  }
})

void test('members read that of ports they know, and of theirs that are gone; nobody else does', async () => {
  await using server = await openTestServer()
  const port = await portOf(server)
  const a = server.as(callerIn('a', 'reader'))
  const statuses = async () => {
    const url = historyOf(port)
    const now = encodeURIComponent(new Date().toISOString())
    const all = await Promise.all(
      [server.call, a, server.as(callerIn('b')), server.as(callerIn(''))].flatMap((call) => [
        call('GET', url),
        call('GET', `${url}?at=${now}`),
      ]),
    )
    return all.map(({ status }) => status)
  }
  const wanted = [200, 200, 200, 200, 404, 404, 404, 404]
  assert.deepEqual(await statuses(), wanted)
  await server.call('DELETE', `/v2.0/ports/${idOf(port)}`)
  assert.deepEqual(await statuses(), wanted)
  const { status, error } = await server.call('GET', `${ROOT}/ports/${NONE}/history`)
  assert.deepEqual([status, error?.type], [404, 'PortNotFound'])
})

void test('where a port is bound is in the history for administrators alone', async () => {
  await using server = await openTestServer()
  const port = await portOf(server)
  const path = `/v2.0/ports/${idOf(port)}`
  const told = { 'binding:host_id': 'h1', 'binding:profile': { a: 1 } }
  await server.call('PUT', path, { port: { ...told, name: 'n' } })
  const [all] = await entries(server.call, historyOf(port))
  assert.deepEqual(all?.['after'], { name: 'n', ...told })
  const [seen] = await entries(server.as(callerIn('a')), historyOf(port))
  assert.deepEqual(seen?.['after'], { name: 'n' })
  await server.call('DELETE', path)
  const gone = await entries(server.as(callerIn('a')), historyOf(port))
  assert.doesNotMatch(JSON.stringify(gone), /binding:(?!vnic)/)
})

type Step = { readonly values: object | 'tags'; readonly pause: number; readonly ask: number }

const pair = (ip: string) => ({ ip_address: ip })
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    values: fc.oneof(
      fc.constant('tags' as const),
      fc.record({ name: fc.constantFrom('a', 'b', 'c') }),
      fc.record({
        fixed_ips: fc.constantFrom([], [pair('10.0.0.7')], [pair('10.0.0.8'), pair('10.0.0.9')]),
      }),
      fc.record({
        allowed_address_pairs: fc.constantFrom([], [pair('10.9.0.0/16')], [pair('::/0')]),
      }),
      fc.constant({ port_security_enabled: false, allowed_address_pairs: [] }),
      fc.constant({ port_security_enabled: true }),
      fc.record({ device_owner: fc.constantFrom('', 'network:dhcp', 'compute:nova') }),
      fc.record({ mac_address: fc.constantFrom('fa:16:3e:00:00:01', 'fa:16:3e:00:00:02') }),
      fc.record({ 'binding:host_id': fc.constantFrom('', 'h1', 'h2') }),
      fc.record({ 'portward:checks': fc.constantFrom({}, { ra: false }) }),
    ),
    pause: fc.integer({ min: 0, max: 3000 }),
    ask: fc.nat(),
  }),
  { maxLength: 15 },
)

const START = Date.parse('2026-03-01T00:00:00Z')
/** Follow from other records, or from the change itself. */
const unkept = [
  'status',
  'binding:vif_type',
  'binding:vif_details',
  'revision_number',
  'updated_at',
]

function kept(port: unknown): object {
  return Object.fromEntries(
    Object.entries(port as object).filter(([name]) => !unkept.includes(name)),
  )
}

void test('what a port was, and what it was allowed, can be told of any time', async () => {
  await using server = await openTestServer()
  mock.timers.enable({ apis: ['Date'], now: START })
  try {
    await fc.assert(
      fc.asyncProperty(steps, fc.boolean(), async (steps, deleted) => {
        let now = Date.now() + 1000
        mock.timers.setTime(now)
        const born = now
        const port = await portOf(server)
        const path = `/v2.0/ports/${idOf(port)}`
        const moments: { from: number; port: object | null; allowed: unknown; ask: number }[] = []
        const look = async (ask: number): Promise<void> => {
          const { at, status } = await server.call('GET', `${ROOT}/ports/${idOf(port)}`)
          if (status === 404) moments.push({ from: now, port: null, allowed: null, ask })
          else {
            const shown = at('port') as Rows[number]
            const guarded =
              shown['port_security_enabled'] === true &&
              !String(shown['device_owner']).startsWith('network:')
            moments.push({
              from: now,
              port: { ...kept(shown), 'portward:interface': null },
              allowed: guarded ? at('bindings') : null,
              ask,
            })
          }
        }
        await look(0)
        for (const { values, pause, ask } of steps) {
          now += pause
          mock.timers.setTime(now)
          if (values === 'tags') await server.call('PUT', `${path}/tags/t${ask % 3}`)
          else await server.call('PUT', path, { port: values })
          await look(ask)
        }
        if (deleted) {
          now += 10
          mock.timers.setTime(now)
          await server.call('DELETE', path)
          await look(0)
        }
        const ask = (time: number) =>
          server.call('GET', `${historyOf(port)}?at=${new Date(time).toISOString()}`)
        for (const [i, { from, port, allowed, ask: nth }] of moments.entries()) {
          const until = moments[i + 1]?.from ?? from + 1000
          // Of several at one time the last counts.
          if (until === from) continue
          const time = from + (nth % (until - from))
          const then = await ask(time)
          assert.equal(then.status, 200, then.error?.message)
          assert.deepEqual(then.at('port'), port)
          assert.deepEqual(then.at('allowed'), allowed)
          assert.equal(then.at('at'), new Date(time).toISOString())
          assert.ok(Date.parse(String(then.at('since', 'time'))) <= time)
        }
        const unborn = await ask(born - 1)
        assert.deepEqual([unborn.at('port'), unborn.at('since')], [null, null])
      }),
      { numRuns: 25 },
    )
  } finally {
    mock.timers.reset()
  }
})

void test('where clocks differ, what is told is something that was', async () => {
  await using server = await openTestServer()
  mock.timers.enable({ apis: ['Date'], now: START })
  try {
    const port = await portOf(server)
    const path = `/v2.0/ports/${idOf(port)}`
    mock.timers.setTime(START + 10_000)
    await server.call('PUT', path, { port: { name: 'first' } })
    mock.timers.setTime(START + 5000)
    await server.call('PUT', path, { port: { description: 'second' } })
    const was = [
      ['', ''],
      ['first', ''],
      ['first', 'second'],
    ]
    for (const second of [1, 6, 11]) {
      const time = new Date(START + second * 1000).toISOString()
      const { at } = await server.call('GET', `${historyOf(port)}?at=${time}`)
      const then = [at('port', 'name'), at('port', 'description')]
      assert.ok(
        was.some((one) => one.join() === then.join()),
        then.join(),
      )
    }
  } finally {
    mock.timers.reset()
  }
})

void test('a port that cannot be guarded as it was declared was allowed nothing', async () => {
  await using server = await openTestServer()
  const network = await server.call('POST', '/v2.0/networks', { network: {} })
  const port = await server.call('POST', '/v2.0/ports', {
    port: { network_id: idOf(network), mac_address: '01:00:5e:00:00:01' },
  })
  assert.equal(port.status, 201)
  const now = new Date(Date.now() + 1000).toISOString()
  const { status, at } = await server.call('GET', `${historyOf(port)}?at=${now}`)
  assert.deepEqual([status, at('allowed')], [200, []])
})

const DAY = 86_400_000

void test('of what is forgotten nothing is told, rather than something else', async () => {
  await using base = await openTestServer()
  mock.timers.enable({ apis: ['Date'], now: START })
  try {
    const port = await portOf(base)
    const path = `/v2.0/ports/${idOf(port)}`
    const rename = async (day: number): Promise<void> => {
      mock.timers.setTime(START + day * DAY)
      await base.call('PUT', path, { port: { name: `n${day}` } })
    }
    await rename(3)
    await rename(10)
    await base.store.forget(START + 8 * DAY)
    await using server = await openTestServer({
      store: base.store,
      settings: { auditDays: 2 },
    })
    const on = async (day: number) => {
      const time = new Date(START + day * DAY).toISOString()
      const { at } = await server.call('GET', `${historyOf(port)}?at=${time}`)
      return [at('port', 'name'), at('since', 'action')]
    }
    assert.deepEqual(await on(1), [undefined, undefined])
    assert.deepEqual(await on(5), [undefined, undefined])
    assert.deepEqual(await on(9), ['n3', undefined])
    assert.deepEqual(await on(11), ['n10', 'update'])
  } finally {
    mock.timers.reset()
  }
})
