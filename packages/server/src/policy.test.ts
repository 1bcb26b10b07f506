// Who may do what: every operation and every guarded attribute, asked by each kind of caller; and that a list shows a caller
// what it may know of, no more and no less.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import * as fc from 'fast-check'
import type { Caller } from './caller.ts'
import { callerIn, openTestServer } from './testing.ts'
import type { Answer, Call, TestServer } from './testing.ts'

/** Each asks about a network of project `own`. That of `all` is shared with everybody, and the others' with project `one`. */
const callers = {
  admin: callerIn('ops', 'admin'),
  owner: callerIn('own'),
  all: callerIn('all'),
  one: callerIn('one'),
  stranger: callerIn('none'),
  reader: callerIn('own', 'reader'),
} as const satisfies Readonly<Record<string, Caller>>
type Kind = keyof typeof callers
const kinds = Object.keys(callers) as Kind[]

/** What is sent, and the statuses for each kind of caller, in their order. `{name}` is the id of what is there for the cell. */
type Row = readonly [note: string, send: Parameters<Call>, statuses: string]

/** Each network has a VLAN of its own, as where there are projects. */
const vlans = {
  network: { type: 'vlan', physicalNetwork: 'physnet1', vlanRange: { first: 1, last: 4094 } },
} as const
const pool = { start: '10.0.0.100', end: '10.0.0.200' }

let server: TestServer
let cells = 0
/** What the last request of a caller has left as it was. */
const untouched = new Map<Kind, Cell>()

before(async () => {
  server = await openTestServer({ settings: vlans })
})
after(() => server[Symbol.asyncDispose]())

const net = (values: object) => ({ network: values })
const port = (values: object) => ({ port: values })
const onNet = (values: object = {}) => port({ network_id: '{net}', ...values })
const policyFor = (target: string) => ({
  rbac_policy: {
    object_type: 'network',
    object_id: '{net}',
    action: 'access_as_shared',
    target_tenant: target,
  },
})
const pairs = [{ ip_address: '10.0.0.9' }]
const vlan = { 'provider:network_type': 'vlan' }
const tie = '/portward/v1/hosts/h/interfaces/i'

const everybody = '200 200 200 200 200 200'
const admins = '200 403 403 403 403 403'
/** Of the network, by who may see it and whose it is. */
const seen = '200 200 200 200 404 200'
const changed = '200 200 403 403 404 403'
/** Of a port of the network's project. */
const theirsSeen = '200 200 404 404 404 200'
const theirsChanged = '200 200 404 404 404 403'
/** Of a port of the caller's own project. */
const mineChanged = '200 200 200 200 200 403'
const mineTrusted = '200 200 403 403 403 403'

const rows: readonly Row[] = [
  ['a network is shown', ['GET', '/v2.0/networks/{net}'], seen],
  ['a network is made', ['POST', '/v2.0/networks', net({})], '201 201 201 201 201 403'],
  [
    'a network is made for another project',
    ['POST', '/v2.0/networks', net({ project_id: 'other' })],
    '201 400 400 400 400 400',
  ],
  ['a network is changed', ['PUT', '/v2.0/networks/{net}', net({ name: 'a' })], changed],
  [
    'port security of a network is changed',
    ['PUT', '/v2.0/networks/{net}', net({ port_security_enabled: false })],
    changed,
  ],
  ['a network is deleted', ['DELETE', '/v2.0/networks/{bare}'], '204 204 403 403 404 403'],
  ['a network in use is deleted', ['DELETE', '/v2.0/networks/{net}'], '409 409 403 403 404 403'],
  [
    'shared: true of a new network',
    ['POST', '/v2.0/networks', net({ shared: true })],
    '201 403 403 403 403 403',
  ],
  [
    'shared: false of a new network',
    ['POST', '/v2.0/networks', net({ shared: false })],
    '201 201 201 201 201 403',
  ],
  [
    'shared: true',
    ['PUT', '/v2.0/networks/{net}', net({ shared: true })],
    '200 403 403 403 404 403',
  ],
  [
    'shared: false',
    ['PUT', '/v2.0/networks/{net}', net({ shared: false })],
    '200 403 403 403 404 403',
  ],
  [
    'router:external: false of a new network',
    ['POST', '/v2.0/networks', net({ 'router:external': false })],
    '201 201 201 201 201 403',
  ],
  [
    'router:external: true of a new network, which is not there',
    ['POST', '/v2.0/networks', net({ 'router:external': true })],
    '400 400 400 400 400 400',
  ],
  [
    'router:external: false',
    ['PUT', '/v2.0/networks/{net}', net({ 'router:external': false })],
    '200 403 403 403 404 403',
  ],
  [
    'provider:network_type',
    ['POST', '/v2.0/networks', net({ 'provider:network_type': 'local' })],
    '201 403 403 403 403 403',
  ],
  [
    'provider:physical_network',
    ['POST', '/v2.0/networks', net({ ...vlan, 'provider:physical_network': 'physnet1' })],
    '201 403 403 403 403 403',
  ],
  [
    'provider:segmentation_id',
    [
      'POST',
      '/v2.0/networks',
      net({
        ...vlan,
        'provider:physical_network': 'physnet1',
        'provider:segmentation_id': '{number}',
      }),
    ],
    '201 403 403 403 403 403',
  ],
  [
    'provider:segmentation_id alone',
    ['POST', '/v2.0/networks', net({ 'provider:segmentation_id': 1 })],
    '400 403 403 403 403 403',
  ],
  [
    'provider:network_type of a network that is there',
    ['PUT', '/v2.0/networks/{net}', net({ 'provider:network_type': 'local' })],
    '400 400 400 400 400 400',
  ],

  ['a subnet is shown', ['GET', '/v2.0/subnets/{subnet}'], seen],
  [
    'a subnet is made',
    ['POST', '/v2.0/subnets', { subnet: { network_id: '{net}', cidr: '10.9.0.0/24' } }],
    '201 201 403 403 404 403',
  ],
  ['a subnet is changed', ['PUT', '/v2.0/subnets/{subnet}', { subnet: { name: 'a' } }], changed],
  ['a subnet is deleted', ['DELETE', '/v2.0/subnets/{spare}'], '204 204 403 403 404 403'],

  ['a port of the network is shown', ['GET', '/v2.0/ports/{port}'], theirsSeen],
  ['a port of a third project is shown', ['GET', '/v2.0/ports/{foreign}'], theirsSeen],
  ['an own port is shown', ['GET', '/v2.0/ports/{mine}'], everybody],
  ['a port is made', ['POST', '/v2.0/ports', onNet()], '201 201 201 201 404 403'],
  [
    'a port is made for another project',
    ['POST', '/v2.0/ports', onNet({ tenant_id: 'other' })],
    '201 400 400 400 404 400',
  ],
  [
    'a port of the network is changed',
    ['PUT', '/v2.0/ports/{port}', port({ name: 'a' })],
    theirsChanged,
  ],
  [
    'a port of a third project is changed',
    ['PUT', '/v2.0/ports/{foreign}', port({ name: 'a' })],
    '200 403 404 404 404 403',
  ],
  ['an own port is changed', ['PUT', '/v2.0/ports/{mine}', port({ name: 'a' })], mineChanged],
  ['a port of the network is deleted', ['DELETE', '/v2.0/ports/{port}'], '204 204 404 404 404 403'],
  [
    'a port of a third project is deleted',
    ['DELETE', '/v2.0/ports/{foreign}'],
    '204 204 404 404 404 403',
  ],
  ['an own port is deleted', ['DELETE', '/v2.0/ports/{mine}'], '204 204 204 204 204 403'],

  ...guarded('device_owner of a server', { device_owner: 'compute:nova' }, 'anybody', 'anybody'),
  ...guarded('device_owner network:dhcp', { device_owner: 'network:dhcp' }, 'owner', 'owner'),
  ...guarded('device_owner network:', { device_owner: 'network:' }, 'owner', 'owner'),
  ...guarded('mac_address', { mac_address: 'fa:16:3e:00:00:{byte}' }, 'owner', 'admin'),
  ...guarded('mac_address: null', { mac_address: null }, 'owner', 'admin'),
  ...guarded('an address', { fixed_ips: [{ ip_address: '10.0.0.77' }] }, 'owner', 'owner'),
  ...guarded(
    'an address of a subnet',
    { fixed_ips: [{ subnet_id: '{subnet}', ip_address: '10.0.0.77' }] },
    'owner',
    'owner',
  ),
  ...guarded('a subnet', { fixed_ips: [{ subnet_id: '{subnet}' }] }, 'anybody', 'owner'),
  ...guarded('no address', { fixed_ips: [] }, 'anybody', 'owner'),
  ...guarded('pairs', { allowed_address_pairs: pairs }, 'owner', 'owner'),
  ...guarded('no pairs', { allowed_address_pairs: [] }, 'owner', 'owner'),
  ...guarded('port security off', { port_security_enabled: false }, 'owner', 'owner'),
  ...guarded('port security on', { port_security_enabled: true }, 'owner', 'owner'),
  ...guarded('portward:checks', { 'portward:checks': { ra: false } }, 'owner', 'owner'),
  ...guarded('no portward:checks', { 'portward:checks': {} }, 'owner', 'owner'),
  ...guarded('binding:host_id', { 'binding:host_id': 'h9' }, 'admin', 'admin'),
  ...guarded('binding:profile', { 'binding:profile': { a: 1 } }, 'admin', 'admin'),
  ...guarded('binding:vnic_type', { 'binding:vnic_type': 'direct' }, 'anybody', 'anybody'),

  ['a policy is shown', ['GET', '/v2.0/rbac-policies/{policy}'], theirsSeen],
  [
    'a network is shared with a project',
    ['POST', '/v2.0/rbac-policies', policyFor('other')],
    '201 201 403 403 404 403',
  ],
  [
    'a network is shared with everybody',
    ['POST', '/v2.0/rbac-policies', policyFor('*')],
    '201 403 403 403 404 403',
  ],
  [
    'a policy is for another project',
    ['PUT', '/v2.0/rbac-policies/{policy}', { rbac_policy: { target_tenant: 'other' } }],
    theirsChanged,
  ],
  [
    'a policy is for everybody',
    ['PUT', '/v2.0/rbac-policies/{policy}', { rbac_policy: { target_tenant: '*' } }],
    '200 403 404 404 404 403',
  ],
  ['a policy is deleted', ['DELETE', '/v2.0/rbac-policies/{policy}'], '204 204 404 404 404 403'],
  [
    'a policy that an administrator made for a project is passed on',
    ['PUT', '/v2.0/rbac-policies/{gift}', { rbac_policy: { target_tenant: 'other' } }],
    '200 200 403 403 403 403',
  ],
  [
    'a policy that an administrator made for a project is deleted',
    ['DELETE', '/v2.0/rbac-policies/{gift}'],
    '204 204 204 204 204 403',
  ],

  ['the agents are listed', ['GET', '/v2.0/agents'], everybody],
  ['an agent is shown', ['GET', '/v2.0/agents/{agent}'], '200 404 404 404 404 404'],
  [
    'an agent is changed',
    ['PUT', '/v2.0/agents/{agent}', { agent: { admin_state_up: false } }],
    '200 404 404 404 404 404',
  ],
  ['an agent is deleted', ['DELETE', '/v2.0/agents/{agent}'], '204 404 404 404 404 404'],

  ['the quotas are listed', ['GET', '/v2.0/quotas'], admins],
  ['the own quota is shown', ['GET', '/v2.0/quotas/{project}'], everybody],
  ['the own quota is shown with its use', ['GET', '/v2.0/quotas/{project}/details'], everybody],
  ['the own default is shown', ['GET', '/v2.0/quotas/{project}/default'], everybody],
  ['whose project it is', ['GET', '/v2.0/quotas/tenant'], everybody],
  ["another's quota is shown", ['GET', '/v2.0/quotas/other'], admins],
  ["another's use is shown", ['GET', '/v2.0/quotas/other/details'], admins],
  ["another's default is shown", ['GET', '/v2.0/quotas/other/default'], admins],
  ['the own quota is set', ['PUT', '/v2.0/quotas/{project}', { quota: { port: 99_999 } }], admins],
  ["another's quota is set", ['PUT', '/v2.0/quotas/other', { quota: { port: 9 } }], admins],
  ['a quota is reset', ['DELETE', '/v2.0/quotas/other'], '204 403 403 403 403 403'],

  ['tags are shown', ['GET', '/v2.0/networks/{net}/tags'], seen],
  ['tags are set', ['PUT', '/v2.0/networks/{net}/tags', { tags: ['a'] }], changed],
  ['a tag is set', ['PUT', '/v2.0/networks/{net}/tags/a'], '201 201 403 403 404 403'],
  ['a tag is looked for', ['GET', '/v2.0/networks/{net}/tags/none'], '404 404 404 404 404 404'],
  ['tags are deleted', ['DELETE', '/v2.0/networks/{net}/tags'], '204 204 403 403 404 403'],
  ['tags of a subnet are shown', ['GET', '/v2.0/subnets/{subnet}/tags'], seen],
  ['tags of a subnet are set', ['PUT', '/v2.0/subnets/{subnet}/tags', { tags: ['a'] }], changed],
  ['tags of a port are shown', ['GET', '/v2.0/ports/{port}/tags'], theirsSeen],
  ['tags of a port are set', ['PUT', '/v2.0/ports/{port}/tags', { tags: ['a'] }], theirsChanged],
  [
    'tags of a port of a third project are set',
    ['PUT', '/v2.0/ports/{foreign}/tags', { tags: ['a'] }],
    '200 403 404 404 404 403',
  ],
  ['tags of an own port are set', ['PUT', '/v2.0/ports/{mine}/tags', { tags: ['a'] }], mineChanged],

  ['how a port is bound', ['GET', '/v2.0/ports/{mine}/bindings'], admins],
  [
    'how a port of the network is bound',
    ['GET', '/v2.0/ports/{port}/bindings'],
    '200 403 404 404 404 403',
  ],
  ['the history of a port', ['GET', '/portward/v1/ports/{port}/history'], theirsSeen],
  ['the history of an own port', ['GET', '/portward/v1/ports/{mine}/history'], everybody],
  [
    'what a port was',
    ['GET', '/portward/v1/ports/{port}/history?at=2026-01-01T00:00:00Z'],
    theirsSeen,
  ],
  ['the history of everything', ['GET', '/portward/v1/history'], admins],
  [
    'a frame is explained',
    ['POST', '/portward/v1/ports/{mine}/explain', { words: 'arp 10.0.0.9' }],
    admins,
  ],
  ['the state of a port', ['GET', '/portward/v1/ports/{port}'], theirsSeen],
  ['the state of an own port', ['GET', '/portward/v1/ports/{mine}'], everybody],
  ['the hosts', ['GET', '/portward/v1/status'], admins],
  ['the interfaces', ['GET', '/portward/v1/interfaces'], admins],
  ['the flows', ['GET', '/portward/v1/flows'], '501 403 403 403 403 403'],
  [
    'an interface is protected',
    ['POST', '/portward/v1/protect', { iface: 'i', ips: ['10.0.0.1'] }],
    '404 403 403 403 403 403',
  ],
  [
    'an interface is unprotected',
    ['POST', '/portward/v1/unprotect', { iface: 'i' }],
    '404 403 403 403 403 403',
  ],
  ['an interface is tied', ['PUT', tie, { port_id: '{mine}' }], '404 403 403 403 403 403'],
  ['an interface is untied', ['DELETE', tie], '404 403 403 403 403 403'],
  ['the extensions', ['GET', '/v2.0/extensions'], everybody],
]

type May = 'anybody' | 'owner' | 'admin'

/** An attribute of a port: who may say it of a new one, and who of an own one that is there. */
function guarded(note: string, values: object, post: May, put: May): readonly Row[] {
  const onPost = {
    anybody: '201 201 201 201 404 403',
    owner: '201 201 403 403 404 403',
    admin: '201 403 403 403 404 403',
  }
  const onPut = { anybody: mineChanged, owner: mineTrusted, admin: admins }
  return [
    [`${note}, of a new port`, ['POST', '/v2.0/ports', onNet(values)], onPost[post]],
    [`${note}, of an own port`, ['PUT', '/v2.0/ports/{mine}', port(values)], onPut[put]],
  ]
}

for (const [note, send, statuses] of rows) {
  void test(note, async () => {
    for (const [i, kind] of kinds.entries()) {
      const there = untouched.get(kind) ?? (await cellFor(kind))
      untouched.delete(kind)
      const [method, url, body] = JSON.parse(fill(JSON.stringify(send), there)) as typeof send
      const before = server.replica.revision
      const answer = await server.as(callers[kind])(method, url, body)
      if (server.replica.revision === before) untouched.set(kind, there)
      const status = Number(statuses.split(' ')[i])
      assert.equal(answer.status, status, `${kind}: ${answer.error?.message ?? 'done'}`)
      if (status < 400) continue
      assert.equal(server.replica.revision, before, `${kind}: nothing is written`)
      if (status === 403) assert.equal(answer.error?.type, 'PolicyNotAuthorized')
      if (kind === 'owner' || kind === 'admin' || kind === 'reader') continue
      const secrets = [there.foreign, there.port].filter((id) => !url.includes(id))
      for (const id of secrets)
        assert.ok(!String(answer.error?.message).includes(id), `${kind}: ${id}`)
    }
  })
}

type Cell = Readonly<
  Record<
    'net' | 'bare' | 'subnet' | 'spare' | 'port' | 'foreign' | 'mine' | 'policy' | 'gift',
    string
  >
> & { readonly project: string; readonly agent: string }

/** What a cell's request is about. */
async function cellFor(kind: Kind): Promise<Cell> {
  cells++
  const { projectId: project } = callers[kind]
  const { call } = server
  const own = { project_id: 'own' }
  const networks = await made(call, 'networks', [own, own])
  const [net = '', bare = ''] = networks
  const target_tenant = kind === 'all' ? '*' : 'one'
  const share = { object_type: 'network', action: 'access_as_shared' }
  const [policy = '', , gift = ''] = await made(call, 'rbac-policies', [
    ...networks.map((object_id) => ({ ...own, ...share, object_id, target_tenant })),
    { project_id: project, ...share, object_id: net, target_tenant: 'friend' },
  ])
  const [subnet = '', spare = ''] = await made(call, 'subnets', [
    // 10.0.0.77 is for those who ask for it.
    { ...own, network_id: net, cidr: '10.0.0.0/24', allocation_pools: [pool] },
    { ...own, network_id: net, cidr: '10.1.0.0/24' },
  ])
  const on = { network_id: net, fixed_ips: [{ subnet_id: subnet }] }
  const [port = '', mine = '', foreign = ''] = await made(call, 'ports', [
    { ...on, ...own },
    { ...on, project_id: project },
    { ...on, project_id: 'third' },
  ])
  const agent = await agentOn(`host${cells}`)
  return { net, bare, subnet, spare, port, mine, foreign, policy, gift, project, agent }
}

async function made(call: Call, path: string, bodies: readonly object[]): Promise<string[]> {
  const collection = path.replace('-', '_')
  const { all, error } = await call('POST', `/v2.0/${path}`, { [collection]: bodies })
  assert.equal(error, undefined)
  return idsOf(all(collection))
}

async function agentOn(host: string): Promise<string> {
  const noted = Promise.withResolvers<string>()
  using _ = server.replica.onChange(() => {
    const agent = server.replica.agents.get(host)
    if (agent !== undefined) noted.resolve(agent.record.id)
  })
  await server.agent(host).alive()
  return await noted.promise
}

function fill(text: string, there: Cell): string {
  const more = { ...there, number: String(cells + 1000), byte: (16 + (cells % 200)).toString(16) }
  return text.replaceAll(/\{(\w+)\}/g, (whole, name: string) =>
    name in more ? more[name as keyof typeof more] : whole,
  )
}

const hidden = {
  networks: ['provider:network_type', 'provider:physical_network', 'provider:segmentation_id'],
  ports: ['binding:host_id', 'binding:profile', 'binding:vif_type', 'binding:vif_details'],
} as const

void test('what only administrators are shown, others neither see nor ask for, filter or sort by', async () => {
  const there = await cellFor('one')
  const paths = { networks: `/v2.0/networks/${there.net}`, ports: `/v2.0/ports/${there.port}` }
  for (const collection of ['networks', 'ports'] as const) {
    const one = collection.slice(0, -1)
    const names = hidden[collection]
    const seen = await server.call('GET', paths[collection])
    const list = `/v2.0/${collection}`
    for (const caller of [callers.owner, callers.reader]) {
      const ask = server.as(caller)
      const whole = (await ask('GET', paths[collection])).at(one)
      const picked = await ask(
        'GET',
        `${paths[collection]}?${names.map((n) => `fields=${n}`).join('&')}`,
      )
      const listed = await ask(
        'GET',
        `${list}?fields=id&${names.map((n) => `fields=${n}`).join('&')}`,
      )
      for (const name of names) {
        assert.ok(Object.hasOwn(seen.at(one) as object, name), name)
        assert.ok(!Object.hasOwn(whole as object, name), name)
        for (const query of [`${name}=x`, `sort_key=${name}&sort_dir=asc`]) {
          const { status, error } = await ask('GET', `${list}?${query}`)
          assert.equal(status, 400, query)
          assert.ok(!error?.message.replace(`'${name}'`, '').includes(name), error?.message)
        }
      }
      assert.deepEqual(picked.at(one), {})
      for (const row of listed.all(collection)) assert.deepEqual(Object.keys(row), ['id'])
    }
  }
})

void test('nothing that others may read of a port says where it is bound', async () => {
  const there = await cellFor('owner')
  const path = `/v2.0/ports/${there.mine}`
  const told = { 'binding:host_id': 'secret-host', 'binding:profile': { a: 'secret-profile' } }
  assert.equal((await server.call('PUT', path, port(told))).status, 200)
  await server.agent('secret-host').see('secret-tap', { portId: there.mine })
  const ask = server.as(callers.owner)
  const now = encodeURIComponent(new Date(Date.now() + 1000).toISOString())
  for (const url of [
    path,
    `/v2.0/ports?id=${there.mine}`,
    `/portward/v1/ports/${there.mine}/history`,
    `/portward/v1/ports/${there.mine}/history?at=${now}`,
    `/portward/v1/ports/${there.mine}`,
  ]) {
    const { body, status } = await ask('GET', url)
    assert.equal(status, 200)
    assert.doesNotMatch(JSON.stringify(body), /secret/, url)
  }
  const waited = await ask('PUT', `${path}?wait=applied`, port({ name: 'a' }))
  assert.equal(waited.status, 202)
  assert.equal(waited.all('pending').length, 1)
  assert.doesNotMatch(JSON.stringify(waited.body), /secret/)
})

void test('whoever is in no project sees what is shared with everybody, and owns nothing', async () => {
  const there = await cellFor('all')
  const homeless = server.as(callerIn(''))
  assert.equal((await homeless('GET', `/v2.0/networks/${there.net}`)).status, 200)
  assert.equal((await homeless('GET', `/v2.0/networks/${there.net}`)).at('network', 'shared'), true)
  assert.equal(
    (await homeless('PUT', `/v2.0/networks/${there.net}`, net({ name: 'a' }))).status,
    403,
  )
  assert.equal((await homeless('POST', '/v2.0/networks', net({}))).status, 400)
  assert.deepEqual((await homeless('GET', '/v2.0/ports')).at('ports'), [])
})

type World = {
  readonly networks: readonly { readonly owner: number; readonly targets: readonly string[] }[]
  readonly ports: readonly {
    readonly network: number
    readonly owner: number
    readonly name: number
  }[]
}

const project = fc.integer({ min: 0, max: 3 })
const worlds: fc.Arbitrary<World> = fc.record({
  networks: fc.array(
    fc.record({
      owner: project,
      targets: fc.uniqueArray(fc.constantFrom('p0', 'p1', 'p2', 'p3', '*'), { maxLength: 2 }),
    }),
    { minLength: 1, maxLength: 6 },
  ),
  ports: fc.array(fc.record({ network: fc.nat(), owner: project, name: fc.nat({ max: 3 }) }), {
    maxLength: 20,
  }),
})

void test('on a network without a VLAN nobody but an administrator lets a port go unguarded: it would be in every VLAN', async () => {
  await using one = await openTestServer({ settings: vlans })
  const local = { project_id: 'own', 'provider:network_type': 'local' }
  const given = await one.call('POST', '/v2.0/networks', net(local))
  const networkId = String(given.at('network', 'id'))
  const call = one.as(callers.owner)
  const on = (values: object) => port({ network_id: networkId, ...values })
  const guarded = await call('POST', '/v2.0/ports', on({ port_security_enabled: true }))
  assert.equal(guarded.status, 201)
  const its = `/v2.0/ports/${String(guarded.at('port', 'id'))}`
  const open = [{ port_security_enabled: false }, { device_owner: 'network:dhcp' }]
  for (const values of open) {
    for (const [method, path, body] of [
      ['POST', '/v2.0/ports', on(values)],
      ['PUT', its, port(values)],
    ] as const) {
      const { status, error } = await call(method, path, body)
      assert.deepEqual([status, error?.type], [403, 'PolicyNotAuthorized'])
      assert.match(error?.message ?? '', /network with a VLAN/)
    }
    assert.equal((await one.call('PUT', its, port(values))).status, 200)
  }
  const off = net({ port_security_enabled: false })
  assert.equal((await call('PUT', `/v2.0/networks/${networkId}`, off)).status, 403)
  await using bare = await openTestServer()
  const member = bare.as(callers.owner)
  assert.equal((await member('POST', '/v2.0/networks', off)).status, 403)
  assert.equal((await member('POST', '/v2.0/networks', net({}))).status, 201)
})

type Rows = ReturnType<Answer['all']>

void test('a list is what the caller may know of, whole and in pages', async () => {
  await fc.assert(
    fc.asyncProperty(worlds, fc.integer({ min: 1, max: 5 }), async (world, limit) => {
      await using one = await openTestServer()
      await build(one.call, world)
      const list = async (call: Call, path: string) =>
        (await call('GET', `/v2.0/${path}`)).all(path.replace('-', '_').replace(/\?.*/, ''))
      const networks = await list(one.call, 'networks')
      const subnets = await list(one.call, 'subnets')
      const ports = await list(one.call, 'ports')
      const policies = await list(one.call, 'rbac-policies')
      for (const p of ['p0', 'p1', 'p2', 'p3', 'p4', '']) {
        const call = one.as(callerIn(p, p === 'p1' ? 'reader' : 'member'))
        const owns = (row: Rows[number]): boolean => row['project_id'] === p
        const shared = new Set(
          policies.flatMap((row) =>
            ['*', p].includes(String(row['target_tenant'])) ? [row['object_id']] : [],
          ),
        )
        const nets = networks.filter((row) => owns(row) || shared.has(row['id']))
        const own = new Set(networks.filter(owns).map(({ id }) => id))
        const known = new Set(nets.map(({ id }) => id))
        const wanted = {
          networks: [networks, nets],
          subnets: [subnets, subnets.filter((row) => owns(row) || known.has(row['network_id']))],
          ports: [ports, ports.filter((row) => owns(row) || own.has(row['network_id']))],
          'rbac-policies': [policies, policies.filter(owns)],
        } as const
        for (const [path, [all, some]] of Object.entries(wanted)) {
          const ids = some.map(({ id }) => String(id))
          assert.deepEqual(idsOf(await list(call, path)), ids, `${path} of ${p}`)
          assert.deepEqual(await paged(call, path, `limit=${limit}`), ids)
          const sorted = `limit=${limit}&sort_key=project_id&sort_dir=asc`
          assert.deepEqual((await paged(call, path, sorted)).sort(), ids)
          for (const id of idsOf(all)) {
            const { status } = await call('GET', `/v2.0/${path}/${id}`)
            assert.equal(status, ids.includes(id) ? 200 : 404)
          }
        }
        for (const row of await list(call, 'networks')) {
          assert.equal(row['shared'], shared.has(row['id']), 'shared, as the caller sees it')
        }
        const mine = wanted.ports[1]
        const named = await list(call, 'ports?name=n1')
        assert.deepEqual(idsOf(named), idsOf(mine.filter(({ name }) => name === 'n1')))
        for (const { id } of networks) {
          const on = await list(call, `ports?network_id=${String(id)}`)
          assert.deepEqual(idsOf(on), idsOf(mine.filter((row) => row['network_id'] === id)))
        }
      }
    }),
    { numRuns: 12 },
  )
})

function idsOf(rows: Rows): string[] {
  return rows.map(({ id }) => String(id))
}

async function build(call: Call, { networks, ports }: World): Promise<void> {
  const ids = await made(
    call,
    'networks',
    networks.map(({ owner }) => ({ project_id: `p${owner}` })),
  )
  await made(
    call,
    'subnets',
    ids.map((network_id, i) => ({
      network_id,
      cidr: '10.0.0.0/24',
      project_id: `p${networks[i]?.owner}`,
    })),
  )
  const policies = networks.flatMap(({ owner, targets }, i) =>
    targets.map((target_tenant) => ({
      object_type: 'network',
      object_id: ids[i],
      action: 'access_as_shared',
      target_tenant,
      project_id: `p${owner}`,
    })),
  )
  if (policies.length > 0) await made(call, 'rbac-policies', policies)
  if (ports.length === 0) return
  await made(
    call,
    'ports',
    ports.map(({ network, owner, name }) => ({
      network_id: ids[network % ids.length],
      project_id: `p${owner}`,
      name: `n${name}`,
    })),
  )
}

/** The ids on all pages, by the links to the next. */
async function paged(call: Call, path: string, query: string): Promise<string[]> {
  const collection = path.replace('-', '_')
  const ids: string[] = []
  let url: string | undefined = `/v2.0/${path}?${query}`
  while (url !== undefined) {
    const { all, error } = await call('GET', url)
    assert.equal(error, undefined)
    ids.push(...idsOf(all(collection)))
    const next = all(`${collection}_links`).find(({ rel }) => rel === 'next')
    url = next && String(next['href']).replace(/^http:\/\/[^/]+/, '')
  }
  return ids
}
