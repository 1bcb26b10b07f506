// Tags of networks, subnets and ports: what each verb answers, and lists that are filtered by them.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import * as fc from 'fast-check'
import { openTestServer } from './testing.ts'
import type { Answer, TestServer } from './testing.ts'

const NONE = '00000000-0000-0000-0000-000000000001'
let server: TestServer

before(async () => {
  server = await openTestServer()
})
after(() => server[Symbol.asyncDispose]())

/** A network, a subnet and a port: their paths, and what an answer of theirs calls them. */
async function taggable(): Promise<readonly (readonly [string, string])[]> {
  const post = async (collection: string, resource: string, values: object) => {
    const made = await server.call('POST', `/v2.0/${collection}`, { [resource]: values })
    return String(made.at(resource, 'id'))
  }
  const network_id = await post('networks', 'network', {})
  const subnet = await post('subnets', 'subnet', { network_id, cidr: '10.0.0.0/24' })
  const port = await post('ports', 'port', { network_id })
  return [
    [`/v2.0/networks/${network_id}`, 'network'],
    [`/v2.0/subnets/${subnet}`, 'subnet'],
    [`/v2.0/ports/${port}`, 'port'],
  ]
}

async function tagsOf(path: string): Promise<unknown> {
  const { status, at } = await server.call('GET', `${path}/tags`)
  assert.equal(status, 200)
  return at('tags')
}

function typed({ status, error }: Answer): readonly unknown[] {
  return [status, error?.type]
}

void test('all are set, one is added, looked for and taken away, all are taken away', async () => {
  for (const [path, resource] of await taggable()) {
    assert.deepEqual(await tagsOf(path), [])
    const set = await server.call('PUT', `${path}/tags`, { tags: ['red', 'blue', 'red'] })
    assert.deepEqual([set.status, set.body], [200, { tags: ['red', 'blue'] }])
    assert.deepEqual((await server.call('GET', path)).at(resource, 'tags'), ['red', 'blue'])
    const added = await server.call('PUT', `${path}/tags/green`)
    assert.deepEqual([added.status, added.body], [201, ''])
    assert.equal((await server.call('PUT', `${path}/tags/green`)).status, 201)
    assert.deepEqual(await tagsOf(path), ['red', 'blue', 'green'])
    const found = await server.call('GET', `${path}/tags/red`)
    assert.deepEqual([found.status, found.body], [204, ''])
    assert.equal((await server.call('DELETE', `${path}/tags/red`)).status, 204)
    const missing = [404, 'TagNotFound']
    assert.deepEqual(typed(await server.call('GET', `${path}/tags/red`)), missing)
    assert.deepEqual(typed(await server.call('DELETE', `${path}/tags/red`)), missing)
    assert.deepEqual(await tagsOf(path), ['blue', 'green'])
    assert.equal((await server.call('DELETE', `${path}/tags`)).status, 204)
    assert.deepEqual(await tagsOf(path), [])
    assert.equal((await server.call('DELETE', `${path}/tags`)).status, 204)
  }
})

void test('a change of the tags is one of the resource; what changes nothing is none', async () => {
  for (const [path, resource] of await taggable()) {
    const revision = async () =>
      Number((await server.call('GET', path)).at(resource, 'revision_number'))
    const first = await revision()
    const steps: readonly (readonly [Parameters<TestServer['call']>, number])[] = [
      [['PUT', `${path}/tags`, { tags: ['a', 'b'] }], 1],
      [['PUT', `${path}/tags`, { tags: ['a', 'b'] }], 1],
      [['PUT', `${path}/tags/b`], 1],
      [['PUT', `${path}/tags/c`], 2],
      [['DELETE', `${path}/tags/c`], 3],
      [['DELETE', `${path}/tags/c`], 3],
      [['DELETE', `${path}/tags`], 4],
      [['DELETE', `${path}/tags`], 4],
    ]
    for (const [[method, url, body], more] of steps) {
      await server.call(method, url, body)
      assert.equal(await revision(), first + more, `${method} ${url}`)
    }
  }
})

void test('other changes leave the tags as they are, and none is made with one', async () => {
  for (const [path, resource] of await taggable()) {
    await server.call('PUT', `${path}/tags`, { tags: ['a'] })
    const renamed = await server.call('PUT', path, { [resource]: { name: 'n' } })
    assert.deepEqual(renamed.at(resource, 'tags'), ['a'])
    assert.equal((await server.call('PUT', path, { [resource]: { tags: ['b'] } })).status, 400)
  }
})

void test('what is not there has none', async () => {
  for (const collection of ['networks', 'subnets', 'ports']) {
    const path = `/v2.0/${collection}/${NONE}/tags`
    for (const [method, url, body] of [
      ['GET', path],
      ['PUT', path, { tags: ['a'] }],
      ['DELETE', path],
      ['GET', `${path}/a`],
      ['PUT', `${path}/a`],
      ['DELETE', `${path}/a`],
    ] as const) {
      const answer = await server.call(method, url, body)
      assert.deepEqual(typed(answer), [404, 'TagResourceNotFound'], `${method} ${url}`)
    }
  }
  for (const path of ['/v2.0/rbac-policies', '/v2.0/agents', '/v2.0/nothing']) {
    assert.deepEqual(typed(await server.call('GET', `${path}/${NONE}/tags`)), [404, 'HTTPNotFound'])
  }
})

void test('what is no tag is refused', async () => {
  const [[path] = ['']] = await taggable()
  for (const tags of [['a', 'b,c'], [''], ['x'.repeat(256)], [7], 'a', null, { a: 1 }, [['a']]]) {
    const { status, error } = await server.call('PUT', `${path}/tags`, { tags })
    assert.deepEqual([status, error?.type], [400, 'InvalidInput'], JSON.stringify(tags))
  }
  for (const body of [undefined, {}, [], { tag: [] }, 'x']) {
    assert.equal((await server.call('PUT', `${path}/tags`, body)).status, 400)
  }
  for (const one of ['a,b', 'a%2Cb', 'x'.repeat(256)]) {
    assert.equal((await server.call('PUT', `${path}/tags/${one}`)).status, 400, one)
  }
  assert.deepEqual(await tagsOf(path), [])
})

void test('a tag may be any text, in a path too', async () => {
  const [[path] = ['']] = await taggable()
  const text = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' })
  const tag = fc.oneof(
    // What is `..` in a path is resolved before it is sent.
    text.filter((one) => !one.includes(',') && !/^\.+$/.test(one)),
    fc.constantFrom('a/b', 'a b', '%2F', '%', '?', '#', 'ü', 'x'.repeat(255), ':id', '*', '.json'),
  )
  await fc.assert(
    fc.asyncProperty(tag, async (one) => {
      const its = `${path}/tags/${encodeURIComponent(one).replaceAll('.', '%2E')}`
      assert.equal((await server.call('PUT', its)).status, 201)
      assert.deepEqual(await tagsOf(path), [one])
      assert.equal((await server.call('GET', its)).status, 204)
      assert.equal((await server.call('DELETE', its)).status, 204)
    }),
    { numRuns: 60 },
  )
})

void test('a list is filtered by tags: all of them, one of them, not all, none', async () => {
  await using one = await openTestServer()
  const tags = fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 })
  const filters = {
    tags: (has: readonly string[], wanted: readonly string[]) =>
      wanted.every((t) => has.includes(t)),
    'tags-any': (has: readonly string[], wanted: readonly string[]) =>
      wanted.some((t) => has.includes(t)),
  }
  const made = await one.call('POST', '/v2.0/networks', {
    networks: Array.from({ length: 8 }, () => ({})),
  })
  const all: { id: string; tags: readonly string[] }[] = []
  for (const [i, { id }] of made.all('networks').entries()) {
    const its = ['a', 'b', 'c'].filter((_, bit) => (i >> bit) % 2 === 1)
    await one.call('PUT', `/v2.0/networks/${String(id)}/tags`, { tags: its })
    all.push({ id: String(id), tags: its })
  }
  all.sort((x, y) => (x.id < y.id ? -1 : 1))
  const wantedTags = tags.filter((list) => list.length > 0)
  await fc.assert(
    fc.asyncProperty(wantedTags, fc.constantFrom('tags', 'tags-any'), async (wanted, name) => {
      const holds = filters[name]
      for (const not of [false, true]) {
        const query = `${not ? 'not-' : ''}${name}=${wanted.join(',')}`
        const listed = await one.call('GET', `/v2.0/networks?${query}`)
        assert.deepEqual(
          listed.all('networks').map(({ id }) => id),
          all.filter((row) => holds(row.tags, wanted) !== not).map(({ id }) => id),
          query,
        )
      }
    }),
    { numRuns: 25 },
  )
})
