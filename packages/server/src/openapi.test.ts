// The API's description, held against the server: what it says is there is there, what it says is shown is shown, and what it
// says may be sent is taken. It is read by another validator than the one that checks requests.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseIp, parseMac, parsePrefix } from '@portward/addr'
import { openSqlite } from '@portward/store'
import { Validator } from '@seriousme/openapi-schema-validator'
import * as fc from 'fast-check'
import { Compile } from 'typebox/compile'
import { at, operationsIn } from './openapi/testing.ts'
import type { DescribedOperation, Json } from './openapi/testing.ts'
import type { Identity } from './caller.ts'
import { errors } from './errors.ts'
import { until } from './identity/testing.ts'
import { isObject } from './resource.ts'
import { ROOT } from './portward.ts'
import { start } from './server.ts'
import { localHost, openTestServer } from './testing.ts'
import type { Answer, TestServer } from './testing.ts'
import { cidrText, ipOrCidrText, ipText, macText, unicastMacText } from './texts.ts'

const flow = {
  table: 0,
  priority: 100,
  portId: null,
  rule: null,
  ruleText: null,
  words: 'drop',
  text: 'actions=drop',
  packets: '0',
  bytes: '0',
}

function openBench(): Promise<TestServer> {
  return openTestServer({
    local: localHost({
      flows: () => Promise.resolve([flow]),
      trace: () => Promise.resolve({ delivered: true, text: 'output' }),
    }),
  })
}

async function described(): Promise<Json> {
  await using server = await openBench()
  return at((await server.call('GET', '/openapi.json')).body)
}

const document = await described()
const operations = operationsIn(document)

void test('another implementation takes it for OpenAPI 3.1', async () => {
  const validator = new Validator()
  const result = await validator.validate(structuredClone(document))
  assert.deepEqual([result.valid, result.errors, validator.version], [true, undefined, '3.1'])
  assert.deepEqual(document['servers'], [{ url: 'http://localhost:80' }])
  assert.equal(at(document['info'])['version'], '0.0.0')
})

void test('it has every route that is served, and no other', async () => {
  await using server = await openBench()
  assert.deepEqual(operations.map(({ name }) => name).sort(), routesOf(server).sort())
  const ids = Object.values(at(document['paths'])).flatMap((methods) =>
    Object.values(at(methods)).map((one) => at(one)['operationId']),
  )
  assert.equal(new Set(ids).size, operations.length)
})

void test('it answers GET alone', async () => {
  await using server = await openBench()
  for (const method of ['HEAD', 'PUT', 'DELETE'] as const) {
    const answer = await server.call(method, '/openapi.json')
    assert.deepEqual([answer.status, answer.headers['allow']], [405, 'GET'], method)
  }
})

void test('it is shown without a token, and the lack of one elsewhere is as described', async () => {
  const stop = new AbortController()
  const directory = await mkdtemp(join(tmpdir(), 'portward-openapi-'))
  const store = await openSqlite({ file: join(directory, 'store.db') })
  const identity: Identity = {
    identify() {
      throw errors.noToken('Bearer')
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
  const { app, ended } = await start({ store, log: undefined, version: '1', identity }, stop.signal)
  for (const { name, method, path, answers } of operations) {
    const url = urlOf(path, () => 'none')
    const { statusCode, body } = await app.inject({ method, url })
    if (answers['401'] === undefined) {
      assert.equal(statusCode, 200, name)
      continue
    }
    assert.equal(statusCode, 401, name)
    assert.ok(answers['401'] !== 'nothing' && answers['401'](JSON.parse(body)), body)
  }
  stop.abort()
  await app.close()
  await ended
  await store[Symbol.asyncDispose]()
  await rm(directory, { recursive: true })
})

void test('a schema takes an address where the server can read it, and nowhere else', () => {
  const kinds = [
    [ipText, parseIp],
    [cidrText, (text: string) => assert.ok(text.includes('/') && parsePrefix(text))],
    [ipOrCidrText, parsePrefix],
    [macText, (text: string) => assert.notEqual(parseMac(text), '00:00:00:00:00:00')],
    [unicastMacText, (text: string) => assert.match(parseMac(text), /^.[02468ace].*[^0:]/)],
  ] as const
  const hex = fc.nat(0xffff).map((n) => n.toString(16))
  const part = fc.constantFrom(
    ':',
    '::',
    '.',
    '/',
    '-',
    '%',
    '0',
    '10',
    '00',
    '255',
    '256',
    'fa',
    'FF',
  )
  const edge = fc.constantFrom('0', '9', '10', '99', '100', '199', '249', '255', '256', '00', '09')
  const text = fc.oneof(
    fc.ipV4(),
    fc.array(edge, { minLength: 4, maxLength: 4 }).map((parts) => parts.join('.')),
    fc.ipV4Extended(),
    fc.ipV6(),
    fc.array(fc.oneof(part, hex), { maxLength: 18 }).map((parts) => parts.join('')),
    fc.array(hex, { maxLength: 9 }).map((groups) => groups.join(':')),
    fc.tuple(fc.array(hex), fc.array(hex)).map(([a, b]) => `${a.join(':')}::${b.join(':')}`),
    fc.tuple(fc.array(hex), fc.ipV4()).map(([a, b]) => `${a.join(':')}::${b}`),
    fc
      .tuple(fc.constantFrom(':', '-', ''), fc.array(fc.constantFrom('00', 'fa', 'FB', '1')))
      .map(([between, pairs]) => pairs.join(between)),
  )
  const maybePrefix = fc
    .tuple(text, fc.option(fc.nat(140)))
    .map(([address, length]) => (length === null ? address : `${address}/${length}`))
  for (const [schema, parse] of kinds) {
    const validator = Compile(schema)
    fc.assert(
      fc.property(maybePrefix, (text) => {
        assert.equal(validator.Check(text), isRead(parse, text), `${parse.name} ${text}`)
      }),
      { numRuns: 3000 },
    )
  }
})

void test('what is shown is as described, whatever is asked', async () => {
  await using server = await openBench()
  const seen = new Set<string>()
  const ids: string[] = ['none']
  const send = async (
    { name, method, path, answers }: DescribedOperation,
    url: string,
    body?: unknown,
    waits = false,
  ): Promise<Answer> => {
    const answer = await server.call(method, url, body, waits ? { prefer: 'wait=0' } : {})
    const shown = answers[answer.status]
    assert.ok(shown, `${name} answers ${answer.status}: ${JSON.stringify(answer.body)}`)
    if (shown === 'nothing') assert.equal(answer.body, '')
    else if (!shown(answer.body)) {
      assert.fail(`${name}: ${JSON.stringify(shown.errors)}: ${JSON.stringify(answer.body)}`)
    }
    if (answer.status < 300) seen.add(`${name} ${answer.status}`)
    if (method === 'POST' && path.startsWith('/v2.0/')) ids.push(...idsIn(answer.body))
    return answer
  }

  await scenario(server, (name, url, body, waits) => {
    const operation = operations.find((one) => one.name === name)
    assert.ok(operation, name)
    return send(operation, url, body, waits)
  })
  const documented = operations.flatMap(({ name, answers }) =>
    Object.keys(answers).flatMap((status) => (Number(status) < 300 ? [`${name} ${status}`] : [])),
  )
  assert.deepEqual([...seen].sort(), documented.sort())

  const step = fc
    .constantFrom(...operations.filter(({ name }) => !name.startsWith('DELETE')))
    .chain((operation) =>
      fc.record({
        operation: fc.constant(operation),
        body: operation.body?.some ?? fc.constant(undefined),
        pick: fc.nat(),
        waits: fc.boolean(),
      }),
    )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      for (const { operation, body, pick, waits } of steps) {
        const url = urlOf(operation.path, (name) => {
          const texts = { iface: 'tap0', host: 'h1', project: 'default', tag: 'red' }
          return Object.entries(texts).find(([one]) => one === name)?.[1] ?? pickOf(ids, pick) ?? ''
        })
        await send(operation, url, rooted(body, pickOf(ids, pick) ?? ''), waits)
      }
    }),
    { numRuns: 60 },
  )
})

void test('a list takes the queries that are described, and no others', async () => {
  await using server = await openBench()
  const lists = operations.filter(({ query }) => 'page_reverse' in query)
  assert.equal(lists.length, 10)
  for (const { name, method, path, query } of lists) {
    for (const [parameter, values] of Object.entries(query)) {
      if (parameter === 'marker' || parameter === 'fixed_ips') continue
      for (const value of fc.sample(values, 20)) {
        const order = { sort_key: '&sort_dir=asc', sort_dir: '&sort_key=id' }
        const more = Object.entries(order).find(([one]) => one === parameter)?.[1] ?? ''
        const [text = ''] = [value].flat().map(String)
        const url = `${path}?${parameter}=${encodeURIComponent(text)}${more}`
        const { status, error } = await server.call(method, url)
        const empty = text === '' && [value].flat().length === 0
        assert.ok(status === 200 || empty, `${name} ${url}: ${error?.message}`)
      }
    }
    const other = await server.call(method, `${path}?created_at=x`)
    assert.equal(other.status, 400)
  }
})

void test('a body as described is not refused for what its members look like', async () => {
  await using server = await openBench()
  for (const { name, method, path, body } of operations) {
    if (body === undefined) continue
    await fc.assert(
      fc.asyncProperty(body.some, async (one) => {
        assert.ok(body.takes(one), JSON.stringify(body.takes.errors))
        const { status, error } = await server.call(
          method,
          urlOf(path, () => 'none'),
          one,
        )
        const means = meanings.some((sentence) => sentence.test(error?.message ?? ''))
        assert.ok(status !== 400 || means, `${name} ${JSON.stringify(one)}: ${error?.message}`)
      }),
      { numRuns: 100 },
    )
  }
})

void test('a body that is not as described in one place is refused', async () => {
  await using server = await openBench()
  for (const { name, method, path, body } of operations) {
    if (body === undefined) continue
    const broken = fc
      .tuple(
        body.some,
        fc.nat(),
        fc.oneof(fc.constant(null), fc.jsonValue({ maxDepth: 2 }), body.some),
        fc.nat(2),
      )
      .map(([one, place, value, how]) => changed(one, place, value, how))
      .filter((one) => !body.takes(one))
    await fc.assert(
      fc.asyncProperty(broken, async (one) => {
        const { status, error } = await server.call(
          method,
          urlOf(path, () => 'none'),
          one,
        )
        assert.equal(status, 400, `${name} ${JSON.stringify(one)}: ${status} ${error?.message}`)
      }),
      { numRuns: 150 },
    )
  }
})

/** Refusals for what a body means, which no schema can say. */
const meanings = [
  /^project_id/,
  /^Whoever asks belongs to no project/,
  /^provider:/,
  /^ip_version/,
  /^cidr: .* overlaps/,
  /^allocation_pools: .* (?:is no range|is not within)/,
  /^gateway_ip: /,
  /^ipv6_/,
  /^fixed_ips: .* (?:is there twice|is no host address)/,
  /^allowed_address_pairs: .* is there twice/,
  /^To explain, give/,
  /^words: /,
]

type Send = (name: string, url: string, body?: unknown, waits?: boolean) => Promise<Answer>

/** Every operation, with each of its answers. */
async function scenario(server: TestServer, send: Send): Promise<void> {
  const own = (name: string, body?: unknown, waits?: boolean): Promise<Answer> =>
    send(name, name.replace(/^\S+ /, ''), body, waits)
  const agent = server.agent('h1')
  await agent.alive()
  await agent.see('tap0', { mac: parseMac('fa:16:3e:00:00:01') })
  await until(() => server.replica.agents.size === 1)
  for (const path of ['/', '/healthcheck', '/openapi.json', '/v2.0/', '/v2.0/extensions']) {
    await own(`GET ${path}`)
  }
  await send('GET /v2.0/extensions/{id}', '/v2.0/extensions/quotas')
  for (const path of ['/status', '/interfaces', '/flows']) await own(`GET ${ROOT}${path}`)

  const quota = '/v2.0/quotas/{project}'
  for (const whose of ['tenant', 'project']) await own(`GET /v2.0/quotas/${whose}`)
  for (const below of ['', '/default', '/details']) {
    await send(`GET ${quota}${below}`, `/v2.0/quotas/default${below}`)
  }
  await send(`PUT ${quota}`, '/v2.0/quotas/default', { quota: { port: 500 } })
  await own('GET /v2.0/quotas')
  await send(`DELETE ${quota}`, '/v2.0/quotas/default')

  const make = async (collection: string, resource: Json, waits?: boolean): Promise<string> => {
    const made = await own(`POST /v2.0/${collection}`, resource, waits)
    assert.ok(made.status < 300, JSON.stringify(made.body))
    return idsIn(made.body)[0] ?? ''
  }
  const checks = { vlan: [7], ethertype: ['0x88CC'], ra: false }
  const net = await make('networks', { network: { 'portward:checks': checks } })
  const sub = { network_id: net, cidr: '10.0.0.0/24', dns_nameservers: ['10.0.0.9'] }
  const pairs = [{ ip_address: '10.0.1.0/24' }]
  const whose = { object_type: 'network', object_id: net, target_tenant: 'other' }
  const subnet = await make('subnets', { subnet: sub })
  const port = await make('ports', { port: { network_id: net, allowed_address_pairs: pairs } })
  const second = await make('ports', { port: { network_id: net } }, true)
  const rbac = await make('rbac-policies', {
    rbac_policy: { ...whose, action: 'access_as_shared' },
  })
  const agentId = String((await server.call('GET', '/v2.0/agents')).at('agents', 0, 'id'))
  const resources = [
    ['networks', net, { network: { description: 'new' } }],
    ['subnets', subnet, { subnet: { description: 'new' } }],
    ['ports', port, { port: { 'binding:host_id': 'h1' } }],
    ['rbac-policies', rbac, { rbac_policy: { target_tenant: 'third' } }],
    ['agents', agentId, { agent: { description: 'new' } }],
  ] as const
  for (const [collection, id, change] of resources) {
    const path = `/v2.0/${collection}`
    for (const method of ['GET', 'OPTIONS']) {
      await send(`${method} ${path}`, `${path}?limit=1`)
      await send(`${method} ${path}/{id}`, `${path}/${id}`)
    }
    await send(`PUT ${path}/{id}`, `${path}/${id}`, change)
    if (collection === 'rbac-policies' || collection === 'agents') continue
    const tags = `${path}/{id}/tags`
    const its = `${path}/${id}/tags`
    await send(`PUT ${tags}`, its, { tags: ['a'] })
    await send(`GET ${tags}`, its)
    for (const method of ['PUT', 'GET', 'DELETE']) await send(`${method} ${tags}/{tag}`, `${its}/a`)
    await send(`DELETE ${tags}`, its)
  }
  await send('PUT /v2.0/ports/{id}', `/v2.0/ports/${port}`, { port: { name: 'p' } }, true)
  await send('GET /v2.0/ports/{id}/bindings', `/v2.0/ports/${port}/bindings`)
  await send(`GET ${ROOT}/hosts/{host}/ports`, `${ROOT}/hosts/h1/ports`)
  const bindings = '/v2.0/ports/{id}/bindings'
  const its = `/v2.0/ports/${port}/bindings`
  for (const host of ['h2', 'h3']) await send(`POST ${bindings}`, its, { binding: { host } })
  await send(`GET ${bindings}/{host}`, `${its}/h2`)
  await send(`PUT ${bindings}/{host}`, `${its}/h2`, { binding: { profile: { a: 1 } } })
  const activate = `PUT ${bindings}/{host}/activate`
  await send(activate, `${its}/h2/activate`)
  await send(activate, `${its}/h3/activate`, undefined, true)
  await send(activate, `${its}/h1/activate`)
  await send(`DELETE ${bindings}/{host}`, `${its}/h2`)

  await agent.see('tap1', { portId: port, state: 'guarded' })
  await agent.apply(port)
  await own(`GET ${ROOT}/interfaces`)
  await send(`GET ${ROOT}/ports/{id}`, `${ROOT}/ports/${port}`)
  for (const words of ['arp 10.0.0.77', 'ping 10.0.0.9']) {
    await send(`POST ${ROOT}/ports/{id}/explain`, `${ROOT}/ports/${port}/explain`, { words })
  }
  await own(`GET ${ROOT}/history`)
  for (const query of ['', '?at=2026-01-01T00:00:00Z', '?at=2999-01-01T00:00:00Z']) {
    await send(`GET ${ROOT}/ports/{id}/history`, `${ROOT}/ports/${port}/history${query}`)
  }

  const protect = { iface: 'tap0', ips: ['10.0.0.5'] }
  const unprotect = { iface: 'tap0' }
  const guarded = idsIn((await own(`POST ${ROOT}/protect`, protect)).body)[0] ?? ''
  await own(`POST ${ROOT}/protect`, protect)
  await own(`POST ${ROOT}/protect`, protect, true)
  await agent.apply(guarded)
  await own(`POST ${ROOT}/unprotect`, unprotect, true)
  await own(`POST ${ROOT}/protect`, protect)
  await own(`POST ${ROOT}/unprotect`, unprotect)

  const tie = (method: string, waits?: boolean): Promise<Answer> =>
    send(
      `${method} ${ROOT}/hosts/{host}/interfaces/{iface}`,
      `${ROOT}/hosts/h1/interfaces/tap2`,
      method === 'PUT' ? { port_id: second } : undefined,
      waits,
    )
  await tie('PUT')
  await tie('PUT')
  await tie('DELETE')
  await tie('PUT', true)
  await agent.see('tap2', { portId: second })
  await tie('DELETE', true)

  await send('DELETE /v2.0/ports/{id}', `/v2.0/ports/${port}`, undefined, true)
  await send('DELETE /v2.0/ports/{id}', `/v2.0/ports/${second}`)
  for (const [collection, id] of resources.toReversed()) {
    if (collection === 'ports') continue
    await send(`DELETE /v2.0/${collection}/{id}`, `/v2.0/${collection}/${id}`)
  }
}

/** As the router prints them, by method and path. */
function routesOf({ app }: TestServer): string[] {
  const above: string[] = []
  return app
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap((line) => {
      const [, indent = '', part = '', methods = ''] = /^([│├└─ ]*)(\S+) \((.*)\)$/.exec(line) ?? []
      const depth = indent.length / 4
      above[depth] = `${depth === 1 ? '' : above[depth - 1]}${part}`
      const path = above[depth].replaceAll(/:(\w+)/g, '{$1}')
      return methods === '' ? [] : methods.split(', ').map((method) => `${method} ${path}`)
    })
}

function urlOf(path: string, textFor: (name: string) => string): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(textFor(name)))
}

/** With an id that there is, in the place of those that were made up. */
function rooted(body: unknown, id: string): unknown {
  if (Array.isArray(body)) return body.map((one) => rooted(one, id))
  if (!isObject(body)) return body
  const ids = new Set(['network_id', 'subnet_id', 'object_id', 'port_id'])
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [
      name,
      ids.has(name) && typeof value === 'string' ? id : rooted(value, id),
    ]),
  )
}

/** The ids of the resources that an answer shows. */
function idsIn(body: unknown): readonly string[] {
  return Object.values(at(body))
    .flat()
    .flatMap((one) => (isObject(one) && typeof one['id'] === 'string' ? [one['id']] : []))
}

function pickOf<T>(all: readonly T[], n: number): T | undefined {
  return all[n % all.length]
}

/** The body with another value in one place, or with a member less or more there. */
function changed(body: unknown, place: number, value: unknown, how: number): unknown {
  const places = placesIn(body)
  const path = places[place % places.length] ?? []
  return put(body, path)

  function put(one: unknown, [name, ...rest]: readonly (string | number)[]): unknown {
    if (name === undefined) return value
    if (Array.isArray(one)) return one.map((each, i) => (i === name ? put(each, rest) : each))
    const members = at(one)
    if (rest.length > 0 || how === 0) return { ...members, [name]: put(members[name], rest) }
    if (how === 1) return { ...members, [`${name}x`]: value }
    const { [name]: _, ...others } = members
    return others
  }
}

function placesIn(value: unknown): readonly (readonly (string | number)[])[] {
  const inside = Array.isArray(value) ? [...value.entries()] : Object.entries(at(value))
  return [[], ...inside.flatMap(([name, one]) => placesIn(one).map((path) => [name, ...path]))]
}

function isRead(read: (text: string) => unknown, text: string): boolean {
  try {
    read(text)
    return true
  } catch {
    return false
  }
}
