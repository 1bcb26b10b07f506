// Lists: filters, order, pages, on a few dozen ports of one server.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import * as fc from 'fast-check'
import { openTestServer } from './testing.ts'
import type { Answer, TestServer } from './testing.ts'

const COUNT = 24
let server: TestServer
let ports: ReturnType<Answer['all']>

before(async () => {
  server = await openTestServer()
  const { call } = server
  const made = await call('POST', '/v2.0/networks', { networks: [{ name: 'a' }, { name: 'b' }] })
  const [a, b] = [made.at('networks', 0, 'id'), made.at('networks', 1, 'id')]
  await call('POST', '/v2.0/subnets', { subnet: { network_id: a, cidr: '10.1.0.0/24' } })
  await call('POST', '/v2.0/ports', {
    ports: Array.from({ length: COUNT }, (_, i) => ({
      network_id: i % 3 === 0 ? b : a,
      name: `vm${i % 7}`,
      device_owner: i % 2 === 0 ? '' : 'compute:nova',
      admin_state_up: i % 4 !== 0,
      mac_address: `fa:16:3e:00:01:${(i + 16).toString(16)}`,
    })),
  })
  ports = await list('')
})

after(() => server[Symbol.asyncDispose]())

async function list(query: string): Promise<ReturnType<Answer['all']>> {
  const { all, status, error } = await server.call('GET', `/v2.0/ports${query}`)
  assert.equal(status, 200, error?.message)
  return all('ports')
}

function pathOf(href: string): string {
  return href.replace(/^http:\/\/[^/]+/, '')
}

function idsOf(list: ReturnType<Answer['all']>): readonly unknown[] {
  return list.map(({ id }) => id)
}

void test('every port once, by page after page, in either direction, whatever the order', async () => {
  const orders = fc.constantFrom(
    '',
    'name asc',
    'name desc',
    'network_id asc, name desc',
    'admin_state_up desc',
  )
  await fc.assert(
    fc.asyncProperty(
      orders,
      fc.integer({ min: 1, max: COUNT + 2 }),
      fc.boolean(),
      async (order, limit, back) => {
        const sort = new URLSearchParams()
        for (const step of order === '' ? [] : order.split(', ')) {
          const [key = '', dir = ''] = step.split(' ')
          sort.append('sort_key', key)
          sort.append('sort_dir', dir)
        }
        const whole = idsOf(await list(`?${sort.toString()}`))
        assert.equal(new Set(whole).size, COUNT)
        const seen: unknown[] = []
        let url: string | undefined =
          `/v2.0/ports?${sort.toString()}&limit=${limit}&fields=id${back ? '&page_reverse=True' : ''}`
        for (let pages = 0; url !== undefined && pages <= COUNT + 1; pages++) {
          const { all } = await server.call('GET', url)
          const page = idsOf(all('ports'))
          if (back) seen.unshift(...page)
          else seen.push(...page)
          const wanted = back ? 'previous' : 'next'
          const href = all('ports_links').find(({ rel }) => rel === wanted)?.['href']
          url = page.length > 0 && typeof href === 'string' ? pathOf(href) : undefined
        }
        assert.deepEqual(seen, whole)
      },
    ),
    { numRuns: 40 },
  )
})

void test('filters: several values of one name mean any of them, several names all of them', async () => {
  const names = fc.subarray(['vm0', 'vm1', 'vm5', 'none'], { minLength: 1 })
  const owners = fc.subarray(['', 'compute:nova', 'network:dhcp'])
  await fc.assert(
    fc.asyncProperty(names, owners, fc.option(fc.boolean()), async (names, owners, up) => {
      const query = new URLSearchParams()
      for (const name of names) query.append('name', name)
      for (const owner of owners) query.append('device_owner', owner)
      if (up !== null) query.append('admin_state_up', up ? 'True' : '0')
      const wanted = ports.filter(
        (port) =>
          names.includes(String(port['name'])) &&
          (owners.length === 0 || owners.includes(String(port['device_owner']))) &&
          (up === null || port['admin_state_up'] === up),
      )
      assert.deepEqual(await list(`?${query.toString()}`), wanted)
    }),
    { numRuns: 40 },
  )
})

void test('filters by what only one spelling of is kept', async () => {
  const { at } = await server.call('GET', '/v2.0/ports?fixed_ips=ip_address_substr=10.1&limit=1')
  const of = (...path: (string | number)[]): string => String(at('ports', 0, ...path))
  const mac = of('mac_address')
  const ip = of('fixed_ips', 0, 'ip_address')
  const rows = [
    [`mac_address=${mac.toUpperCase()}`, 1],
    [`mac_address=${mac.replaceAll(':', '-')}`, 1],
    [`fixed_ips=ip_address=${ip}`, 1],
    [`fixed_ips=ip_address%3D${ip}`, 1],
    [`fixed_ips=ip_address=${ip}&fixed_ips=ip_address=10.77.0.1`, 1],
    [`fixed_ips=ip_address=10.77.0.1`, 0],
    [`fixed_ips=subnet_id=${of('fixed_ips', 0, 'subnet_id')}`, 16],
    ['fixed_ips=ip_address_substr=10.1', 16],
    [`id=${of('id')}&id=nosuch`, 1],
    ['security_groups=x', 0],
    ['tags=x', 0],
    ['not-tags=x', COUNT],
  ] as const
  for (const [query, count] of rows) assert.equal((await list(`?${query}`)).length, count, query)
})

void test('fields: only those, and unknown ones are nothing', async () => {
  assert.deepEqual(Object.keys((await list('?fields=id&fields=name'))[0] ?? {}), ['id', 'name'])
  assert.deepEqual((await list('?limit=1&fields=id,name'))[0], {})
  assert.deepEqual((await list('?limit=1&fields=colour'))[0], {})
})

void test('links name the server as the client does, and keep the rest of the query', async () => {
  const { at } = await server.call(
    'GET',
    '/v2.0/ports?limit=1&name=vm1&page_reverse=False',
    undefined,
    {
      host: 'gateway:9696',
    },
  )
  const id = String(at('ports', 0, 'id'))
  assert.deepEqual(at('ports_links'), [
    { rel: 'next', href: `http://gateway:9696/v2.0/ports?limit=1&name=vm1&marker=${id}` },
    {
      rel: 'previous',
      href: `http://gateway:9696/v2.0/ports?limit=1&name=vm1&marker=${id}&page_reverse=True`,
    },
  ])
})

void test('a limit of 0 is none, and has no links', async () => {
  const { body } = await server.call('GET', '/v2.0/ports?limit=0&fields=id')
  assert.deepEqual(body, { ports: ports.map(({ id }) => ({ id })) })
})

void test('queries that make no sense', async () => {
  const rows = [
    ['limit=2&marker=nosuch', 404, 'PortNotFound'],
    ['limit=x', 400, 'BadRequest'],
    ['limit=-1', 400, 'BadRequest'],
    ['port_security_enabled=False', 400, 'HTTPBadRequest'],
    ['colour=red', 400, 'HTTPBadRequest'],
    ['constructor=red', 400, 'HTTPBadRequest'],
    ['admin_state_up=maybe', 400, 'InvalidInput'],
    ['mac_address=x', 400, 'HTTPBadRequest'],
    ['fixed_ips=10.0.0.1', 400, 'HTTPBadRequest'],
    ['sort_key=colour&sort_dir=asc', 400, 'HTTPBadRequest'],
    ['sort_key=fixed_ips&sort_dir=asc', 400, 'HTTPBadRequest'],
    ['sort_key=name&sort_dir=up', 400, 'HTTPBadRequest'],
    ['sort_key=name', 400, 'HTTPBadRequest'],
  ] as const
  for (const [query, status, type] of rows) {
    const answer = await server.call('GET', `/v2.0/ports?${query}`)
    assert.deepEqual([answer.status, answer.error?.type], [status, type], query)
  }
})
