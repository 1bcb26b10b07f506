// The addresses of ports, on subnets of every kind.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { keys } from '@portward/store'
import { gated, openTestServer } from './testing.ts'
import type { Answer, TestServer } from './testing.ts'

const MAC = 'fa:16:3e:00:00:10'
const EUI = 'f816:3eff:fe00:10'
let server: TestServer

before(async () => {
  server = await openTestServer()
})
after(() => server[Symbol.asyncDispose]())

/** A network with those subnets, and how to make and change ports of it. */
async function network(...subnets: readonly object[]) {
  const made = await server.call('POST', '/v2.0/networks', { network: {} })
  const id = made.at('network', 'id')
  const ids: string[] = []
  for (const subnet of subnets) {
    const { at, error } = await server.call('POST', '/v2.0/subnets', {
      subnet: { network_id: id, ...subnet },
    })
    assert.equal(error, undefined)
    ids.push(String(at('subnet', 'id')))
  }
  const create = (port: object = {}): Promise<Answer> =>
    server.call('POST', '/v2.0/ports', { port: { network_id: id, ...port } })
  const update = (port: Answer, values: object): Promise<Answer> =>
    server.call('PUT', `/v2.0/ports/${String(port.at('port', 'id'))}`, { port: values })
  const add = (subnet: object): Promise<Answer> =>
    server.call('POST', '/v2.0/subnets', { subnet: { network_id: id, ...subnet } })
  return { id: String(id), ids, create, update, add }
}

function ipsOf(answer: Answer): readonly string[] {
  assert.equal(answer.error, undefined)
  return answer.all('port', 'fixed_ips').map(({ ip_address: ip }) => String(ip))
}

const small = { cidr: '10.0.0.0/30', gateway_ip: null }
const slaac = { cidr: 'fd00::/64', ipv6_address_mode: 'slaac', ipv6_ra_mode: 'slaac' }

void test('none asked for: one of each family, from the next subnet when the first is used up', async () => {
  const { create } = await network(small, { cidr: '10.0.1.0/30', gateway_ip: null })
  const given: string[] = []
  for (let i = 0; i < 4; i++) given.push(...ipsOf(await create()))
  assert.deepEqual(given.sort(), ['10.0.0.1', '10.0.0.2', '10.0.1.1', '10.0.1.2'])
  const { status, error } = await create()
  assert.deepEqual([status, error?.type], [409, 'IpAddressGenerationFailure'])
})

void test('an empty list: none; a network without subnets: none', async () => {
  assert.deepEqual(ipsOf(await (await network(small)).create({ fixed_ips: [] })), [])
  assert.deepEqual(ipsOf(await (await network()).create()), [])
})

void test('an entry with its subnet alone does not get what a later one names', async () => {
  const { ids, create } = await network(small)
  const fixed = [{ subnet_id: ids[0] }, { ip_address: '10.0.0.1' }]
  assert.deepEqual(ipsOf(await create({ fixed_ips: fixed })), ['10.0.0.2', '10.0.0.1'])
})

void test('an entry with its subnet alone keeps the address the port has there', async () => {
  const { ids, create, update } = await network({ cidr: 'fd00::/64' })
  const port = await create()
  const [kept = ''] = ipsOf(port)
  const fixed = [{ subnet_id: ids[0] }, { subnet_id: ids[0] }]
  const [first, second] = ipsOf(await update(port, { fixed_ips: fixed }))
  assert.equal(first, kept)
  assert.notEqual(second, kept)
  assert.deepEqual(ipsOf(await update(port, { fixed_ips: fixed.slice(1) })).length, 1)
})

void test('SLAAC: the address that follows from the MAC, asked for or not, and with the MAC another', async () => {
  const { ids, create, update } = await network({ cidr: '10.0.0.0/24' }, slaac)
  const own = `fd00::${EUI}`
  const port = await create({ mac_address: MAC })
  assert.equal(ipsOf(port)[1], own)
  for (const fixed of [
    [{ ip_address: '10.0.0.9' }],
    [{ ip_address: '10.0.0.9' }, { subnet_id: ids[1] }],
    [{ ip_address: '10.0.0.9' }, { subnet_id: ids[1], ip_address: own }],
  ]) {
    assert.deepEqual(ipsOf(await update(port, { fixed_ips: fixed })), ['10.0.0.9', own])
  }
  const moved = await update(port, { mac_address: 'fa:16:3e:00:00:11' })
  assert.deepEqual(ipsOf(moved), ['10.0.0.9', 'fd00::f816:3eff:fe00:11'])
})

void test('SLAAC: no address can be chosen, but by a port of the network itself', async () => {
  const { create } = await network(slaac)
  const chosen = { fixed_ips: [{ ip_address: 'fd00::1' }] }
  const { status, error } = await create(chosen)
  assert.deepEqual([status, error?.type], [400, 'AllocationOnAutoAddressSubnet'])
  assert.deepEqual(ipsOf(await create({ ...chosen, device_owner: 'network:router' })), ['fd00::1'])
})

void test('SLAAC: an address that is made from a MAC and taken is refused, not tried again and again', async () => {
  const { create } = await network(slaac)
  const ip = `fd00::${EUI}`
  const router = { fixed_ips: [{ ip_address: ip }], device_owner: 'network:router' }
  assert.deepEqual(ipsOf(await create(router)), [ip])
  const { status, error } = await create({ mac_address: MAC })
  assert.deepEqual([status, error?.type], [409, 'IpAddressAlreadyAllocated'])
})

void test('SLAAC: one subnet asked for twice has one address to give', async () => {
  const { ids, create } = await network(slaac)
  const { status, error } = await create({
    fixed_ips: [{ subnet_id: ids[0] }, { subnet_id: ids[0] }],
  })
  assert.deepEqual([status, error?.type], [400, 'HTTPBadRequest'])
})

void test('IPv6 with DHCP alone is given from the pools', async () => {
  const { create } = await network({ cidr: 'fd00::/64', ipv6_address_mode: 'dhcpv6-stateful' })
  assert.match(ipsOf(await create({ mac_address: MAC }))[0] ?? '', /^fd00::[0-9a-f]{1,3}$/)
})

void test('what does not go together in a subnet', async () => {
  const made = await server.call('POST', '/v2.0/networks', { network: {} })
  const network_id = made.at('network', 'id')
  const rows = [
    [{ cidr: '10.0.0.0/24', ipv6_address_mode: 'slaac' }, 'InvalidInput'],
    [{ ...slaac, cidr: 'fd00::/80' }, 'InvalidInput'],
    [{ ...slaac, ipv6_ra_mode: 'dhcpv6-stateful' }, 'InvalidInput'],
    [{ ...slaac, enable_dhcp: false }, 'InvalidInput'],
    [{ ...slaac, ipv6_address_mode: 'magic' }, 'HTTPBadRequest'],
    [{ cidr: '10.0.0.0/24', gateway_ip: '10.0.0.255' }, 'InvalidInput'],
    [{ cidr: '10.0.0.0/24', gateway_ip: 'fd00::1' }, 'InvalidInput'],
    [{ cidr: '10.0.0.0' }, 'InvalidInput'],
    [{ cidr: '10.0.0.0/24', ip_version: 5 }, 'InvalidInput'],
    [
      { cidr: '10.0.0.0/24', allocation_pools: [{ start: '10.0.0.9', end: '10.0.0.3' }] },
      'InvalidAllocationPool',
    ],
    [{ cidr: '10.0.0.0/24', dns_nameservers: ['x'] }, 'HTTPBadRequest'],
    [{ cidr: '10.0.0.0/24', host_routes: [{ destination: '0.0.0.0/0' }] }, 'HTTPBadRequest'],
  ] as const
  for (const [subnet, type] of rows) {
    const { status, error } = await server.call('POST', '/v2.0/subnets', {
      subnet: { network_id, ...subnet },
    })
    assert.deepEqual([status, error?.type], [400, type], JSON.stringify(subnet))
  }
  const overlapping = [
    { start: '10.0.0.3', end: '10.0.0.9' },
    { start: '10.0.0.9', end: '10.0.0.12' },
  ]
  const { status, error } = await server.call('POST', '/v2.0/subnets', {
    subnet: { network_id, cidr: '10.0.0.0/24', allocation_pools: overlapping },
  })
  assert.deepEqual([status, error?.type], [409, 'OverlappingAllocationPools'])
})

void test('a prefix of which no DHCP server gives addresses is a subnet without DHCP, or none', async () => {
  const made = await server.call('POST', '/v2.0/networks', { network: {} })
  const network_id = made.at('network', 'id')
  const post = (subnet: object) =>
    server.call('POST', '/v2.0/subnets', { subnet: { network_id, ...subnet } })
  const narrow = ['10.1.0.1/32', '10.1.0.0/31', 'fd01::/127', 'fd01::1/128']
  const special = ['224.0.0.0/24', 'ff02::/64', '127.0.0.0/24', '0.0.0.0/8']
  for (const cidr of [...narrow, ...special]) {
    const { status, error } = await post({ cidr })
    assert.deepEqual([status, error?.type], [400, 'InvalidInput'], cidr)
    assert.match(error?.message ?? '', /^cidr: wanted .*, or "enable_dhcp": false with it, got/)
    const without = await post({ cidr, enable_dhcp: false })
    assert.equal(without.status, 201, cidr)
    const path = `/v2.0/subnets/${String(without.at('subnet', 'id'))}`
    const on = await server.call('PUT', path, { subnet: { enable_dhcp: true } })
    assert.deepEqual([on.status, on.error?.type], [400, 'InvalidInput'], cidr)
    assert.equal((await server.call('DELETE', path)).status, 204)
  }
  for (const cidr of ['10.1.0.0/30', 'fd01::/126', '128.0.0.0/24']) {
    assert.equal((await post({ cidr })).status, 201, cidr)
  }
})

void test('a gateway outside of the subnet is on the link all the same', async () => {
  const { ids } = await network({ cidr: '10.0.0.0/24', gateway_ip: '192.0.2.1' })
  const { at } = await server.call('GET', `/v2.0/subnets/${ids[0]}`)
  assert.deepEqual(at('subnet', 'allocation_pools'), [{ start: '10.0.0.1', end: '10.0.0.254' }])
})

void test('one request for more ports than the pools are looked at first: all get an address', async () => {
  const { at } = await server.call('POST', '/v2.0/networks', { network: {} })
  const network_id = at('network', 'id')
  await server.call('POST', '/v2.0/subnets', { subnet: { network_id, cidr: '10.0.0.0/22' } })
  const many = Array.from({ length: 600 }, () => ({ network_id }))
  const made = await server.call('POST', '/v2.0/ports', { ports: many })
  assert.equal(made.status, 201)
  const ips = made.all('ports').map((_, i) => made.at('ports', i, 'fixed_ips', 0, 'ip_address'))
  assert.equal(new Set(ips).size, 600)
})

/** The port as it is now. */
function look(port: Answer): Promise<Answer> {
  return server.call('GET', `/v2.0/ports/${String(port.at('port', 'id'))}`)
}

function removal(subnet: Answer): Promise<Answer> {
  return server.call('DELETE', `/v2.0/subnets/${String(subnet.at('subnet', 'id'))}`)
}

void test('SLAAC: ports that are there have an address of a new subnet, but for those of the network itself', async () => {
  const { create, add } = await network(small)
  const guest = await create({ mac_address: MAC, 'binding:host_id': 'h1' })
  const bare = await create({ mac_address: 'fa:16:3e:00:00:11', fixed_ips: [] })
  const router = await create({ device_owner: 'network:router' })
  const [own = ''] = ipsOf(guest)
  const before = [guest, bare, router].map(({ at }) => Number(at('port', 'revision_number')))
  assert.equal((await add(slaac)).status, 201)
  const after = await Promise.all([guest, bare, router].map(look))
  assert.deepEqual(after.map(ipsOf), [
    [own, `fd00::${EUI}`],
    ['fd00::f816:3eff:fe00:11'],
    ipsOf(router),
  ])
  const revisions = after.map(({ at }) => Number(at('port', 'revision_number')))
  assert.deepEqual(
    revisions.map((one, i) => one - (before[i] ?? 0)),
    [1, 1, 0],
  )
  const key = keys.hostPort('h1', String(guest.at('port', 'id')))
  assert.deepEqual(server.replica.hostPorts.get(key)?.record.ips, [own, `fd00::${EUI}`])
})

void test('SLAAC: so it is with stateless DHCPv6, and with two subnets at once; not with stateful', async () => {
  const { id, create, add } = await network()
  const port = await create({ mac_address: MAC })
  const stateful = { ipv6_address_mode: 'dhcpv6-stateful', ipv6_ra_mode: 'dhcpv6-stateful' }
  assert.equal((await add({ cidr: 'fd01::/64', ...stateful })).status, 201)
  assert.deepEqual(ipsOf(await look(port)), [])
  const subnets = ['fd02::/64', 'fd03::/64'].map((cidr) => ({
    network_id: id,
    cidr,
    ipv6_ra_mode: 'dhcpv6-stateless',
    ipv6_address_mode: 'dhcpv6-stateless',
  }))
  assert.equal((await server.call('POST', '/v2.0/subnets', { subnets })).status, 201)
  assert.deepEqual(ipsOf(await look(port)), [`fd02::${EUI}`, `fd03::${EUI}`])
})

void test('SLAAC: with the subnet its addresses go, and are free; a router’s keeps it', async () => {
  const { create, add } = await network(small)
  const port = await create({ mac_address: MAC, 'binding:host_id': 'h1' })
  const [own = ''] = ipsOf(port)
  const subnet = await add(slaac)
  const router = await create({
    device_owner: 'network:router',
    fixed_ips: [{ subnet_id: subnet.at('subnet', 'id') }],
  })
  const kept = await removal(subnet)
  assert.deepEqual([kept.status, kept.error?.type], [409, 'SubnetInUse'])
  const routerId = String(router.at('port', 'id'))
  const portId = String(port.at('port', 'id'))
  assert.match(kept.error?.message ?? '', new RegExp(routerId))
  assert.doesNotMatch(kept.error?.message ?? '', new RegExp(portId))
  await server.call('DELETE', `/v2.0/ports/${routerId}`)
  assert.equal((await removal(subnet)).status, 204)
  assert.deepEqual(ipsOf(await look(port)), [own])
  assert.deepEqual(server.replica.hostPorts.get(keys.hostPort('h1', portId))?.record.ips, [own])
  assert.equal((await add(slaac)).status, 201)
  assert.deepEqual(ipsOf(await look(port)), [own, `fd00::${EUI}`])
})

void test('a subnet whose addresses were given out stays while others than DHCP servers have them', async () => {
  const { create, ids } = await network(small)
  const dhcp = await create({ device_owner: 'network:dhcp' })
  const guest = await create()
  const path = `/v2.0/subnets/${ids[0]}`
  const kept = await server.call('DELETE', path)
  assert.deepEqual([kept.status, kept.error?.type], [409, 'SubnetInUse'])
  await server.call('DELETE', `/v2.0/ports/${String(guest.at('port', 'id'))}`)
  assert.equal((await server.call('DELETE', path)).status, 204)
  assert.deepEqual(ipsOf(await look(dhcp)), [])
})

void test('a network goes with its DHCP servers’ ports and all that was theirs; not with a router’s', async () => {
  const { id, create } = await network(small)
  const told = { 'binding:host_id': 'h1' }
  const dhcp = await create({ device_owner: 'network:dhcp', ...told })
  const router = await create({ device_owner: 'network:router' })
  const kept = await server.call('DELETE', `/v2.0/networks/${id}`)
  assert.deepEqual([kept.status, kept.error?.type], [409, 'NetworkInUse'])
  await server.call('DELETE', `/v2.0/ports/${String(router.at('port', 'id'))}`)
  assert.equal((await server.call('DELETE', `/v2.0/networks/${id}`)).status, 204)
  assert.equal((await look(dhcp)).status, 404)
  const { entries } = await server.store.range('')
  const portId = String(dhcp.at('port', 'id'))
  const left = entries.filter((one) =>
    [one.key, one.value].some((t) => t.includes(id) || t.includes(portId)),
  )
  assert.deepEqual(left, [])
})

void test('SLAAC: a port that comes between the look and the deed has its address too', async () => {
  for (const first of ['port', 'subnet'] as const) {
    const { id, create, add } = await network()
    const { store, asked, open } = gated(server.store)
    await using other = await openTestServer({ store })
    const port = { network_id: id, mac_address: MAC }
    const late =
      first === 'port'
        ? other.call('POST', '/v2.0/subnets', { subnet: { network_id: id, ...slaac } })
        : other.call('POST', '/v2.0/ports', { port })
    await asked
    const early = first === 'port' ? await create(port) : await add(slaac)
    assert.equal(early.error, undefined)
    open()
    const answer = await late
    assert.equal(answer.error, undefined)
    await server.replica.reached(other.replica.revision)
    assert.deepEqual(ipsOf(await look(first === 'port' ? early : answer)), [`fd00::${EUI}`], first)
  }
})

void test('SLAAC: a subnet is not deleted with an address that a port takes between the look and the deed', async () => {
  const { id, create, add } = await network()
  const subnet = await add(slaac)
  const { store, asked, open } = gated(server.store)
  await using other = await openTestServer({ store })
  const deleted = other.call('DELETE', `/v2.0/subnets/${String(subnet.at('subnet', 'id'))}`)
  await asked
  const port = await create({ network_id: id, mac_address: MAC })
  open()
  assert.equal((await deleted).status, 204)
  await server.replica.reached(other.replica.revision)
  assert.deepEqual(ipsOf(await look(port)), [])
})
