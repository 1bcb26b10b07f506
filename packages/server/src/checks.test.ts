import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checks, lists } from '@portward/portsec'
import { keys, openSqlite, records } from '@portward/store'
import type { ChecksRecord } from '@portward/store'
import * as fc from 'fast-check'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checksKind, showChecks } from './checks.ts'
import { openTestServer } from './testing.ts'
import type { TestServer } from './testing.ts'

const ATTRIBUTE = 'portward:checks'
const read = (value: unknown) => checksKind.read(ATTRIBUTE, value)

const exempted = fc.constant(false as const)
const numbers = (permits: (number: number) => boolean) =>
  fc.uniqueArray(fc.integer({ min: 1, max: 0xffff }).filter(permits), {
    minLength: 1,
    maxLength: 40,
  })
const sorted = (list: readonly number[]) => list.toSorted((a, b) => a - b)
const kept = (check: keyof typeof lists) =>
  fc.oneof(exempted, numbers(lists[check].permits).map(sorted))

/** As records have it. */
const stored: fc.Arbitrary<ChecksRecord> = fc.record(
  {
    arp: exempted,
    nd: exempted,
    source: exempted,
    'dhcp-server': exempted,
    ra: exempted,
    redirect: exempted,
    query: exempted,
    vlan: kept('vlan'),
    ethertype: kept('ethertype'),
  },
  { requiredKeys: [], noNullPrototype: true },
)

const spellings = (type: number) =>
  fc.constantFrom(
    type,
    `0x${type.toString(16)}`,
    `0x${type.toString(16).toUpperCase().padStart(4, '0')}`,
  )
const boolean = fc.oneof(fc.boolean(), fc.constantFrom('True', 'False', 'true', 'false'))

/** Whatever a client may write, in any order. */
const written: fc.Arbitrary<Readonly<Record<string, unknown>>> = fc
  .record(
    {
      ...Object.fromEntries(Object.keys(checks).map((check) => [check, boolean])),
      vlan: fc.oneof(boolean, fc.constant([]), numbers(lists.vlan.permits)),
      ethertype: fc.oneof(
        boolean,
        fc.constant([]),
        numbers(lists.ethertype.permits).chain((types) => fc.tuple(...types.map(spellings))),
      ),
    },
    { requiredKeys: [], noNullPrototype: true },
  )
  .chain((told) =>
    fc.shuffledSubarray(Object.entries(told), { minLength: Object.keys(told).length }),
  )
  .map((entries) => Object.fromEntries(entries))

void test('what is kept is read back from what is shown', () => {
  fc.assert(
    fc.property(stored, (record) => {
      assert.deepEqual(read(showChecks(record)), record)
    }),
  )
})

void test('what is shown has one form: only what deviates, in the order of the checks, lists sorted', () => {
  const order = Object.keys(checks)
  fc.assert(
    fc.property(written, (told) => {
      const record = read(told)
      const shown = showChecks(record)
      assert.equal(JSON.stringify(showChecks(read(shown))), JSON.stringify(shown))
      assert.equal(JSON.stringify(read(shown)), JSON.stringify(record))
      const names = Object.keys(shown)
      assert.deepEqual(
        names,
        order.filter((name) => names.includes(name)),
      )
      for (const name of order) {
        const value = told[name]
        const deviates =
          /^false$/i.test(String(value)) || (Array.isArray(value) && value.length > 0)
        assert.equal(names.includes(name), deviates, name)
      }
      for (const list of [record.vlan, record.ethertype]) {
        if (Array.isArray(list)) assert.deepEqual(list, sorted(list))
      }
      if (Array.isArray(shown['ethertype'])) {
        for (const type of shown['ethertype']) assert.match(String(type), /^0x[0-9a-f]{4}$/)
      }
    }),
  )
})

void test('the store knows every check of the core, and takes lists for the same ones', () => {
  const hostPort = { portId: '1', networkId: '2', mac: 'fa:16:3e:00:00:10', ips: [] }
  const decode = (check: string, exemption: unknown) => () => {
    const value = { ...hostPort, allowedAddressPairs: [], guarded: true, up: true }
    const record = { ...value, checks: { [check]: exemption } }
    return records.hostPort.decode({ key: 'k', value: JSON.stringify(record) })
  }
  for (const check of Object.keys(checks)) {
    assert.throws(decode(check, 'none'), new RegExp(`/checks/${check}`))
    assert.throws(decode(check, [0]), new RegExp(`/checks/${check}`))
    decode(check, false)()
    if (Object.hasOwn(lists, check)) decode(check, [0x0700])()
    else assert.throws(decode(check, [0x0700]), new RegExp(`/checks/${check}`))
  }
})

const manyTypes = Array.from({ length: 65 }, (_, i) => 0x9400 + i)
const refused = [
  [[], ATTRIBUTE, 'an object'],
  ['arp', ATTRIBUTE, 'an object'],
  [false, ATTRIBUTE, 'an object'],
  [{ arps: false }, "'arps'", 'arp, nd, source, dhcp-server, ra, redirect, query, vlan, ethertype'],
  [{ constructor: false }, "'constructor'", 'arp, nd'],
  [JSON.parse('{"__proto__": false}'), "'__proto__'", 'arp, nd'],
  [{ arp: null }, `${ATTRIBUTE}.arp`, 'true or false'],
  [{ arp: 'no' }, `${ATTRIBUTE}.arp`, 'true or false'],
  [{ ra: [] }, `${ATTRIBUTE}.ra`, 'true or false'],
  [{ vlan: 100 }, `${ATTRIBUTE}.vlan`, 'a list of VLAN ids'],
  [{ vlan: [0] }, `${ATTRIBUTE}.vlan`, 'from 1 to 4094, got 0'],
  [{ vlan: [100, 4095] }, `${ATTRIBUTE}.vlan`, 'from 1 to 4094, got 4095'],
  [{ vlan: [1.5] }, `${ATTRIBUTE}.vlan`, 'integers'],
  [{ vlan: ['100'] }, `${ATTRIBUTE}.vlan`, 'integers'],
  [{ vlan: ['0x64'] }, `${ATTRIBUTE}.vlan`, 'integers'],
  [{ vlan: [100, 100] }, `${ATTRIBUTE}.vlan`, 'each once'],
  [{ vlan: [[100]] }, `${ATTRIBUTE}.vlan`, 'integers'],
  [{ vlan: Array.from({ length: 4095 }, (_, i) => i) }, `${ATTRIBUTE}.vlan`, 'from 1 to 4094'],
  [{ ethertype: '0x88cc' }, `${ATTRIBUTE}.ethertype`, 'EtherTypes, each once'],
  [{ ethertype: ['88cc'] }, `${ATTRIBUTE}.ethertype`, '"0x0600" to "0xffff"'],
  [{ ethertype: ['0x088cc'] }, `${ATTRIBUTE}.ethertype`, '"0x0600" to "0xffff"'],
  [{ ethertype: ['0x88cc '] }, `${ATTRIBUTE}.ethertype`, '"0x0600" to "0xffff"'],
  [{ ethertype: ['35020'] }, `${ATTRIBUTE}.ethertype`, '"0x0600" to "0xffff"'],
  [{ ethertype: ['0x05fe'] }, `${ATTRIBUTE}.ethertype`, '"0x0600" to "0xffff"'],
  [{ ethertype: manyTypes }, `${ATTRIBUTE}.ethertype`, 'at most 64'],
  [{ ethertype: [0x10000] }, `${ATTRIBUTE}.ethertype`, '"0x0600" to "0xffff"'],
  [{ ethertype: ['0x88cc', 0x88cc] }, `${ATTRIBUTE}.ethertype`, 'each once'],
  ...['0x0800', '0x0806', '0x8035', '0x86dd', '0x8100', '0x88A8', '0x9100', '0x9200', '0x9300'].map(
    (type) => [{ ethertype: [type] }, `${ATTRIBUTE}.ethertype`, `got "${type}"`] as const,
  ),
] as const

async function openBench() {
  const server = await openTestServer()
  const send = async (method: 'POST' | 'PUT', path: string, body: object) => {
    const [name = ''] = Object.keys(body)
    const answer = await server.call(method, path, body)
    assert.ok(answer.status < 300, JSON.stringify(answer.body))
    return { id: String(answer.at(name, 'id')), checks: answer.at(name, ATTRIBUTE), answer }
  }
  const network = await send('POST', '/v2.0/networks', { network: {} })
  const newPort = (more: object = {}) =>
    send('POST', '/v2.0/ports', { port: { network_id: network.id, ...more } })
  const putPort = (id: string, port: object) => send('PUT', `/v2.0/ports/${id}`, { port })
  const putNetwork = (told: object) =>
    send('PUT', `/v2.0/networks/${network.id}`, { network: told })
  const dispose = () => server[Symbol.asyncDispose]()
  return { server, network, newPort, putPort, putNetwork, [Symbol.asyncDispose]: dispose }
}

void test('what makes no sense is refused with the name of the check and what it can be, and changes nothing', async () => {
  await using bench = await openBench()
  const { server, network, newPort } = bench
  const { id } = await newPort({ [ATTRIBUTE]: { ra: false } })
  const { revision } = server.replica
  for (const [value, name, wanted] of refused) {
    for (const [method, path, body] of [
      ['POST', '/v2.0/ports', { port: { network_id: network.id, [ATTRIBUTE]: value } }],
      ['PUT', `/v2.0/ports/${id}`, { port: { name: 'x', [ATTRIBUTE]: value } }],
      ['POST', '/v2.0/networks', { network: { [ATTRIBUTE]: value } }],
      ['PUT', `/v2.0/networks/${network.id}`, { network: { name: 'x', [ATTRIBUTE]: value } }],
    ] as const) {
      const { status, error } = await server.call(method, path, body)
      const at = `${method} ${JSON.stringify(value)?.slice(0, 60)}: ${error?.message}`
      assert.equal(status, 400, at)
      assert.equal(error?.type, 'HTTPBadRequest', at)
      assert.ok(error.message.startsWith(ATTRIBUTE), at)
      assert.ok(error.message.includes(name) && error.message.includes(wanted), at)
    }
  }
  assert.equal(server.replica.revision, revision)
})

void test('a port shows its exemptions in one form, keeps them, and loses them by null, {} or true', async () => {
  await using bench = await openBench()
  const { server, newPort, putPort } = bench
  const all = Array.from({ length: 4094 }, (_, i) => i + 1)
  const made = await newPort({
    [ATTRIBUTE]: { ethertype: [0x8847, '0x88CC', '0x600'], vlan: [200, 100], nd: true, arp: false },
  })
  const shown = { arp: false, vlan: [100, 200], ethertype: ['0x0600', '0x8847', '0x88cc'] }
  assert.equal(JSON.stringify(made.checks), JSON.stringify(shown))
  assert.equal(made.answer.at('port', 'port_security_enabled'), true)
  const url = `/v2.0/ports/${made.id}`
  assert.deepEqual((await server.call('GET', url)).at('port', ATTRIBUTE), shown)
  assert.deepEqual((await server.call('GET', `${url}?fields=${ATTRIBUTE}`)).body, {
    port: { [ATTRIBUTE]: shown },
  })
  assert.deepEqual((await server.call('GET', `/v2.0/ports?fields=${ATTRIBUTE}`)).body, {
    ports: [{ [ATTRIBUTE]: shown }],
  })
  const view = await server.call('GET', `/portward/v1/ports/${made.id}`)
  assert.deepEqual(view.at('port', ATTRIBUTE), shown)
  const named = await putPort(made.id, { name: 'x' })
  assert.deepEqual([named.checks, named.answer.at('port', 'revision_number')], [shown, 2])
  const same = await putPort(made.id, { [ATTRIBUTE]: shown })
  assert.equal(same.answer.at('port', 'revision_number'), 2)
  for (const [told, wanted] of [
    [{ vlan: all }, { vlan: all }],
    [null, {}],
    [
      { vlan: false, ethertype: false },
      { vlan: false, ethertype: false },
    ],
    [{}, {}],
    [{ query: false }, { query: false }],
    [{ query: true, vlan: [], ethertype: [] }, {}],
  ]) {
    assert.deepEqual((await putPort(made.id, { [ATTRIBUTE]: told })).checks, wanted)
  }
})

void test('a port made without the attribute takes what its network has at that time', async () => {
  await using bench = await openBench()
  const { server, network, newPort, putNetwork } = bench
  assert.deepEqual(network.checks, {})
  const before = await newPort()
  const told = await putNetwork({ [ATTRIBUTE]: { vlan: [7], arp: false } })
  assert.equal(JSON.stringify(told.checks), '{"arp":false,"vlan":[7]}')
  assert.equal(told.answer.at('network', 'revision_number'), 2)
  const during = await newPort()
  const own = await newPort({ [ATTRIBUTE]: { ra: false } })
  const none = await newPort({ [ATTRIBUTE]: null })
  const renamed = await putNetwork({ name: 'x' })
  assert.deepEqual(renamed.checks, { arp: false, vlan: [7] })
  await putNetwork({ [ATTRIBUTE]: null })
  const after = await newPort()
  const now = async (id: string) =>
    (await server.call('GET', `/v2.0/ports/${id}`)).at('port', ATTRIBUTE)
  assert.deepEqual(await now(before.id), {})
  assert.deepEqual(await now(during.id), { arp: false, vlan: [7] })
  assert.deepEqual(await now(own.id), { ra: false })
  assert.deepEqual(await now(none.id), {})
  assert.deepEqual(await now(after.id), {})
  const made = await server.call('POST', '/v2.0/networks', {
    network: { [ATTRIBUTE]: { query: false, ra: true } },
  })
  assert.deepEqual(made.at('network', ATTRIBUTE), { query: false })
  const other = await newPort({ network_id: made.at('network', 'id') })
  assert.deepEqual(other.checks, { query: false })
})

void test('with port security off the exemptions stay, and are what holds once it is on again', async () => {
  await using bench = await openBench()
  const { newPort, putPort } = bench
  const { id, answer } = await newPort({
    port_security_enabled: false,
    [ATTRIBUTE]: { arp: false },
  })
  assert.equal(answer.at('port', 'port_security_enabled'), false)
  const on = await putPort(id, { port_security_enabled: true })
  assert.deepEqual(
    [on.checks, on.answer.at('port', 'port_security_enabled')],
    [{ arp: false }, true],
  )
})

void test('the host is told of the exemptions, and anew when they change', async () => {
  await using bench = await openBench()
  const { server, newPort, putPort } = bench
  const { id } = await newPort({ 'binding:host_id': 'h1', [ATTRIBUTE]: { ethertype: ['0x88cc'] } })
  const told = () => {
    const stored = server.replica.hostPorts.get(keys.hostPort('h1', id))
    return [stored?.record.checks, stored?.modified] as const
  }
  const [first, revision] = told()
  assert.deepEqual(first, { ethertype: [0x88cc] })
  await putPort(id, { [ATTRIBUTE]: { ethertype: [0x88cc], ra: true } })
  assert.deepEqual(told(), [first, revision])
  await putPort(id, { [ATTRIBUTE]: { ethertype: [0x88cc], ra: false } })
  const [second, later] = told()
  assert.deepEqual(second, { ra: false, ethertype: [0x88cc] })
  assert.ok((later ?? 0) > (revision ?? 0))
})

void test('If-Match holds for the attribute as for any other', async () => {
  await using bench = await openBench()
  const { server, newPort } = bench
  const { id } = await newPort()
  const put = (revision: number) =>
    server.call(
      'PUT',
      `/v2.0/ports/${id}`,
      { port: { [ATTRIBUTE]: { nd: false } } },
      {
        'if-match': `revision_number=${revision}`,
      },
    )
  assert.equal((await put(7)).status, 412)
  const { status, at } = await put(1)
  assert.deepEqual([status, at('port', ATTRIBUTE)], [200, { nd: false }])
})

void test('it is no filter and no sort key, and the extension is listed', async () => {
  await using bench = await openBench()
  const { server } = bench
  for (const query of [`${ATTRIBUTE}=x`, `sort_key=${ATTRIBUTE}&sort_dir=asc`]) {
    assert.equal((await server.call('GET', `/v2.0/ports?${query}`)).status, 400)
  }
  const extension = await server.call('GET', '/v2.0/extensions/portward-checks')
  assert.equal(extension.at('extension', 'alias'), 'portward-checks')
})

void test('a protected interface is exempted from nothing until it is told, and keeps that', async () => {
  await using bench = await openBench()
  const { server, putPort } = bench
  await server.agent('h1').alive()
  await server.agent('h1').see('tap0', { mac: null })
  const protect = (ip: string) =>
    server.call('POST', '/portward/v1/protect', {
      iface: 'tap0',
      ips: [ip],
      mac: 'fa:16:3e:00:00:10',
    })
  const made = await protect('10.0.0.5')
  assert.deepEqual(made.at('port', ATTRIBUTE), {})
  await putPort(String(made.at('port', 'id')), { [ATTRIBUTE]: { ra: false } })
  assert.deepEqual((await protect('10.0.0.6')).at('port', ATTRIBUTE), { ra: false })
})

void test('a store from before there were exemptions is readable, and nothing in it is written anew', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'portward-checks-'))
  const store = await openSqlite({ file: join(directory, 'store.db') })
  try {
    const ids = await (async () => {
      await using server = await openTestServer({ store })
      return await populate(server)
    })()
    const old = await Promise.all(
      [keys.network(ids.network), keys.port(ids.port), keys.hostPort('h1', ids.port)].map((key) =>
        forget(store, key),
      ),
    )
    await using server = await openTestServer({ store })
    const port = await server.call('GET', `/v2.0/ports/${ids.port}`)
    assert.deepEqual([port.status, port.at('port', ATTRIBUTE)], [200, {}])
    const network = await server.call('GET', `/v2.0/networks/${ids.network}`)
    assert.deepEqual(network.at('network', ATTRIBUTE), {})
    await server.call('PUT', `/v2.0/ports/${ids.port}`, { port: { name: 'renamed' } })
    const hostKey = keys.hostPort('h1', ids.port)
    const { entries } = await store.range(hostKey)
    assert.deepEqual(
      entries.map(({ value }) => value),
      [old[2]],
    )
    await server.call('PUT', `/v2.0/ports/${ids.port}`, { port: { [ATTRIBUTE]: { arp: false } } })
    assert.deepEqual(server.replica.hostPorts.get(hostKey)?.record.checks, { arp: false })
  } finally {
    await store[Symbol.asyncDispose]()
    await rm(directory, { recursive: true, force: true })
  }
})

async function populate({ call }: TestServer) {
  const made = await call('POST', '/v2.0/networks', { network: {} })
  const network = String(made.at('network', 'id'))
  const port = await call('POST', '/v2.0/ports', {
    port: { network_id: network, 'binding:host_id': 'h1' },
  })
  return { network, port: String(port.at('port', 'id')) }
}

/** Writes the record without its checks, as it was once; resolves with that. */
async function forget(store: TestServer['store'], key: string): Promise<string> {
  const { entries } = await store.range(key)
  const {
    checks,
    vlan: _,
    ...rest
  } = JSON.parse(entries[0]?.value ?? '{}') as Record<string, unknown>
  assert.deepEqual(checks, {})
  const value = JSON.stringify(rest)
  await store.txn([], [{ type: 'put', key, value }])
  return value
}
