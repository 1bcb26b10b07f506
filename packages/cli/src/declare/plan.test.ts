import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readDeclaration } from './declaration.ts'
import type { Call, Plan } from './plan.ts'
import { plan } from './plan.ts'
import type { InterfaceState, PortState, State } from './state.ts'
import { TAG } from './state.ts'

const SUBNET = {
  id: 's4',
  name: 'lan4',
  cidr: '10.0.0.0/24',
  network_id: 'n',
  revision_number: 0,
  tags: [TAG],
}
const NETWORK = { id: 'n', name: 'lan', revision_number: 1, tags: [TAG] }

function port(name: string, ips: readonly string[], fields: object = {}): PortState {
  return {
    id: `id-${name}`,
    name,
    revision_number: 4,
    tags: [TAG],
    network_id: 'n',
    mac_address: `fa:16:3e:00:00:0${name.length}`,
    fixed_ips: ips.map((ip) => ({ subnet_id: 's4', ip_address: ip })),
    allowed_address_pairs: [],
    device_owner: '',
    status: 'ACTIVE',
    ...fields,
  }
}

function seen(iface: string, fields: Partial<InterfaceState> = {}): InterfaceState {
  return {
    host: 'h1',
    iface,
    type: '',
    state: 'silent',
    port_id: null,
    wanted_port_id: null,
    ...fields,
  }
}

function stateOf(ports: readonly PortState[], interfaces: readonly InterfaceState[] = []): State {
  const networks = [{ network: NETWORK, subnets: [SUBNET], ports }]
  return { networks, interfaces, host: 'h1', hosts: ['h1'] }
}

function planned(ports: readonly object[], state: State, prune = false): Plan {
  const subnets = [{ name: 'lan4', cidr: '10.0.0.0/24' }]
  const text = JSON.stringify({ networks: [{ name: 'lan', subnets, ports }] })
  const { declaration, problems } = readDeclaration([{ name: 'f', text }])
  assert.deepEqual(problems, [])
  return plan(declaration ?? { networks: [] }, state, prune)
}

const idOf = (kind: string, path: string): string => `${kind}:${path}`

/** `update lan/a {"fixed_ips":…}`. */
function wordsOf(call: Call): string {
  const body = 'body' in call ? ` ${JSON.stringify(call.body(idOf))}` : ''
  const iface = 'iface' in call ? ` ${call.host} ${call.iface}` : ''
  return `${call.type} ${call.path}${iface}${body}`
}

function calls(ports: readonly object[], state: State, prune = false): readonly string[] {
  const { problems, calls: made } = planned(ports, state, prune)
  assert.deepEqual(problems, [])
  return made.map(wordsOf)
}

void test('who frees an address comes before who takes it', () => {
  const state = stateOf([
    port('a', ['10.0.0.1']),
    port('bb', ['10.0.0.2']),
    port('ccc', ['10.0.0.3']),
  ])
  const declared = [
    { name: 'a', fixed_ips: ['10.0.0.2'] },
    { name: 'bb', fixed_ips: ['10.0.0.3'] },
    { name: 'dd', mac_address: 'fa:16:3e:00:00:03', fixed_ips: ['10.0.0.1'] },
  ]
  assert.deepEqual(calls(declared, state, true), [
    'delete lan/ccc (id-ccc)',
    'update lan/bb {"fixed_ips":[{"ip_address":"10.0.0.3"}]}',
    'update lan/a {"fixed_ips":[{"ip_address":"10.0.0.2"}]}',
    'create lan/dd {"network_id":"network:lan","name":"dd","mac_address":"fa:16:3e:00:00:03","fixed_ips":[{"ip_address":"10.0.0.1"}]}',
    'tag lan/dd',
  ])
})

void test('two ports that swap MACs and addresses: one lets go of what the other wants, and keeps the rest', () => {
  const state = stateOf([port('a', ['10.0.0.1', '10.0.0.7']), port('bb', ['10.0.0.2'])])
  const declared = [
    { name: 'a', mac_address: 'fa:16:3e:00:00:02', fixed_ips: ['10.0.0.2', '10.0.0.7'] },
    { name: 'bb', mac_address: 'fa:16:3e:00:00:01', fixed_ips: ['10.0.0.1'] },
  ]
  assert.deepEqual(calls(declared, state), [
    'update lan/a {"fixed_ips":[{"subnet_id":"s4","ip_address":"10.0.0.7"}],"mac_address":null}',
    'update lan/bb {"mac_address":"fa:16:3e:00:00:01","fixed_ips":[{"ip_address":"10.0.0.1"}]}',
    'update lan/a {"mac_address":"fa:16:3e:00:00:02","fixed_ips":[{"ip_address":"10.0.0.2"},{"ip_address":"10.0.0.7"}]}',
  ])
})

void test('what another port has and keeps is a problem, with whose it is', () => {
  const state = stateOf([port('a', ['10.0.0.1']), port('hers', ['10.0.0.2'], { tags: [] })])
  const declared = [{ name: 'a', fixed_ips: ['10.0.0.2'] }]
  assert.match(
    planned(declared, state).problems.join(),
    /^f:1:\d+: 10\.0\.0\.2 is that of port lan\/hers \(id-hers\)/,
  )
})

void test('what is not in the file stays as it is, but for lists and the interface', () => {
  const more = {
    description: 'x',
    admin_state_up: false,
    'portward:checks': { arp: false },
    allowed_address_pairs: [{ ip_address: '10.9.0.1', mac_address: 'fa:16:3e:00:00:01' }],
  }
  const state = stateOf([port('a', ['10.0.0.1'], more)], [seen('tap0', { wanted_port_id: 'id-a' })])
  assert.deepEqual(calls([{ name: 'a' }], state), [
    'unplug lan/a h1 tap0',
    'update lan/a {"allowed_address_pairs":[]}',
  ])
  const pairs = { allowed_address_pairs: ['10.9.0.1/32'], interface: 'tap0', host: 'h1' }
  assert.deepEqual(calls([{ name: 'a', ...pairs }], state), [])
})

void test('a pair without a MAC follows the MAC of its port', () => {
  const pair = { ip_address: '10.9.0.1', mac_address: 'fa:16:3e:00:00:01' }
  const state = stateOf([port('a', [], { allowed_address_pairs: [pair] })])
  const declared = {
    name: 'a',
    mac_address: 'fa:16:3e:00:00:77',
    allowed_address_pairs: ['10.9.0.1'],
  }
  assert.deepEqual(calls([declared], state), [
    'update lan/a {"mac_address":"fa:16:3e:00:00:77","allowed_address_pairs":[{"ip_address":"10.9.0.1"}]}',
  ])
})

void test('some address of a subnet is the one it has there, beside one that is named', () => {
  const state = stateOf([port('a', ['10.0.0.1', '10.0.0.2'])])
  const any = { subnet: 'lan4' }
  assert.deepEqual(calls([{ name: 'a', fixed_ips: [any, '10.0.0.1'] }], state), [])
  assert.deepEqual(calls([{ name: 'a', fixed_ips: [any] }], state), [
    'update lan/a {"fixed_ips":[{"subnet_id":"s4","ip_address":"10.0.0.1"}]}',
  ])
  const other = { name: 'b', fixed_ips: ['10.0.0.1', '10.0.0.2'] }
  assert.deepEqual(calls([{ name: 'a', fixed_ips: [any] }, other], state), [
    'update lan/a {"fixed_ips":[]}',
    'update lan/a {"fixed_ips":[{"subnet_id":"s4"}]}',
    'create lan/b {"network_id":"network:lan","name":"b","fixed_ips":[{"ip_address":"10.0.0.1"},{"ip_address":"10.0.0.2"}]}',
    'tag lan/b',
  ])
})

void test('ports that swap interfaces both leave them before either gets the other’s', () => {
  const state = stateOf(
    [port('a', []), port('bb', [])],
    [
      seen('tap0', { wanted_port_id: 'id-a', port_id: 'id-a' }),
      seen('tap1', { wanted_port_id: 'id-bb', port_id: 'id-bb' }),
    ],
  )
  const declared = [
    { name: 'a', interface: 'tap1' },
    { name: 'bb', interface: 'tap0' },
  ]
  assert.deepEqual(calls(declared, state), [
    'unplug lan/a h1 tap0',
    'unplug lan/bb h1 tap1',
    'plug lan/a h1 tap1',
    'plug lan/bb h1 tap0',
  ])
})

void test('an interface that cannot be had: an uplink, another port’s, one that two ports want, one of a host nobody knows', () => {
  const state = stateOf(
    [port('a', []), port('hers', [], { tags: [] })],
    [seen('eth0', { state: 'trunk' }), seen('tap0', { port_id: 'id-hers' })],
  )
  for (const [ports, sentence] of [
    [[{ name: 'a', interface: 'eth0' }], /^f:1:\d+: interface eth0 of host h1 is an uplink/],
    [
      [{ name: 'a', interface: 'tap0' }],
      /^f:1:\d+: interface tap0 of host h1 is port lan\/hers \(id-hers\) already/,
    ],
    [
      [
        { name: 'a', interface: 'tap9' },
        { name: 'b', interface: 'tap9', host: 'h1' },
      ],
      /tap9 is declared already, at f:1/,
    ],
    [
      [{ name: 'a', interface: 'tap9', host: 'h2' }],
      /^f:1:\d+: no agent has told of an interface on host h2; hosts that are known: h1$/,
    ],
  ] as const) {
    assert.match(planned(ports, state).problems.join(), sentence)
  }
  const homeless = { ...state, host: undefined }
  assert.match(
    planned([{ name: 'a', interface: 'tap9' }], homeless).problems.join(),
    /give the interface's 'host' as well/,
  )
})

void test('a tie that is there stays, on a host of which nothing is heard any more', () => {
  const held = seen('tap0', { host: 'h2', port_id: 'id-a', wanted_port_id: 'id-a' })
  const declared = [{ name: 'a', interface: 'tap0', host: 'h2' }]
  assert.deepEqual(calls(declared, stateOf([port('a', [])], [held])), [])
})

void test('names that the server has twice: the ids', () => {
  const state = stateOf([port('a', []), port('a', [], { id: 'other' })])
  assert.match(
    planned([{ name: 'a' }], state).problems.join(),
    /has 2 of the name lan\/a; .*: id-a, other/,
  )
})

void test('what cannot be changed is a problem', () => {
  const subnet = { ...SUBNET, cidr: '10.5.0.0/24' }
  const state = { ...stateOf([]), networks: [{ network: NETWORK, subnets: [subnet], ports: [] }] }
  assert.match(
    planned([], state).problems.join(),
    /^f:1:\d+: cidr of subnet lan\/lan4 is "10\.5\.0\.0\/24" and cannot be changed/,
  )
})

void test('a subnet of another name and the same CIDR is renamed', () => {
  const subnet = { ...SUBNET, name: 'old' }
  const state = { ...stateOf([]), networks: [{ network: NETWORK, subnets: [subnet], ports: [] }] }
  assert.deepEqual(calls([], state, true), ['update lan/lan4 {"name":"lan4"}'])
})

void test('prune deletes what carries the tag, and is told of what it would take along', () => {
  const state = stateOf([port('a', []), port('hers', [], { tags: ['web'] })])
  assert.deepEqual(calls([], state, true), ['delete lan/a (id-a)'])
  assert.deepEqual(calls([], state), [])
  const left = planned([], state)
  assert.deepEqual([left.items, left.leftover.map(({ path }) => path)], [[], ['lan/a']])
  const none = plan({ networks: [] }, state, true)
  assert.match(
    none.problems.join(),
    /network lan \(n\) has subnets or ports that apply has not made: .*hers \(id-hers\)/,
  )
})

void test('what is there without the tag is adopted', () => {
  const state = stateOf([port('a', [], { tags: ['web'] })])
  assert.deepEqual(calls([{ name: 'a' }], state), ['tag lan/a'])
  assert.deepEqual(planned([{ name: 'a' }], state).items[0]?.changes, [
    { attribute: 'tags', before: ['web'], after: ['web', TAG] },
  ])
})
