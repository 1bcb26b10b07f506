// Nonsense, sent to a server in a process of its own: it refuses it, writes nothing, and goes on.

import * as fc from 'fast-check'
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startServer } from './server-process.ts'
import type { ServerProcess } from './server-process.ts'

const IDLE = 1000
/** What the process may have grown by after all this. */
const GROWTH_MB = 200

let directory: string
let server: ServerProcess
let ids: Readonly<Record<string, string>>
let names: Readonly<Record<string, readonly string[]>>

type Answer = { readonly status: number; readonly text: string }

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'portward-fuzz-'))
  server = await startServer(join(directory, 'store.db'))
  const network = await make('network', { name: 'n' })
  const subnet = await make('subnet', { network_id: network, ip_version: 4, cidr: '10.0.0.0/16' })
  const port = await make('port', { network_id: network, name: 'p' })
  ids = { network, subnet, port }
  names = Object.fromEntries(
    await Promise.all(
      Object.entries(ids).map(async ([noun, id]) => {
        const { text } = await ask('GET', `/v2.0/${noun}s/${id}`)
        return [noun, Object.keys(Object(JSON.parse(text))[noun])]
      }),
    ),
  )
})
after(async () => {
  await server.kill()
  await rm(directory, { recursive: true, force: true })
})

async function make(noun: string, members: object): Promise<string> {
  const { status, text } = await ask('POST', `/v2.0/${noun}s`, JSON.stringify({ [noun]: members }))
  assert.equal(status, 201, text)
  return Object(JSON.parse(text))[noun].id
}

async function ask(method: string, path: string, body?: string | Uint8Array): Promise<Answer> {
  const answer = await fetch(server.url + path, { method, ...(body !== undefined && { body }) })
  return { status: answer.status, text: await answer.text() }
}

/** Which grows with every write. */
async function storeRevision(): Promise<number> {
  const { text } = await ask('GET', '/portward/v1/status')
  return Number(Object(JSON.parse(text)).revision)
}

/** Is answered, with success or a refusal in our words; a refusal has written nothing. */
async function holds(method: string, path: string, body?: string | Uint8Array): Promise<Answer> {
  const before = await storeRevision()
  const answer = await ask(method, path, body)
  const what = `${method} ${path.slice(0, 300)} ${String(body).slice(0, 300)}: ${answer.text}`
  assert.ok(answer.status < 500, what)
  if (answer.status >= 400) {
    assert.equal(typeof Object(JSON.parse(answer.text)).NeutronError?.message, 'string', what)
    assert.equal(await storeRevision(), before, what)
  }
  return answer
}

/** Sends the bytes, no more after them unless the server is to hang up first, and gives all that comes back until it does. */
async function exchange(bytes: string, last: 'ours' | 'theirs' = 'ours'): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const { hostname, port } = new URL(server.url)
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
  socket.on('end', () => socket.end()).on('close', () => resolve(text))
  socket.on('error', (error: NodeJS.ErrnoException) => {
    // It may hang up on what it does not want to hear the end of.
    if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error)
  })
  if (last === 'ours') socket.end(bytes)
  else socket.write(bytes)
  return promise
}

/** Status codes of the answers in what came back. */
function statuses(text: string): readonly number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, code]) => Number(code))
}

const surrogate = fc.constantFrom('\ud800', 'a\udc00', '\ud83d\ude00')
const oddText = fc.oneof(
  fc.string({ unit: 'binary' }),
  surrogate,
  fc.constantFrom(
    '',
    ' ',
    '\0',
    '__proto__',
    '../..',
    '%00',
    '10.0.0.0/33',
    '::ffff:1.2.3.4',
    'x'.repeat(70_000),
  ),
)
const oddValue = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  oddText,
  fc.constantFrom(-1, 0, 2 ** 53, 1e308, -0.5, null, true, [], {}, [null], [[]], [{}]),
  fc.array(oddText, { maxLength: 3 }),
  fc.array(
    fc.dictionary(
      fc.constantFrom(
        'ip_address',
        'mac_address',
        'subnet_id',
        'start',
        'end',
        'destination',
        'nexthop',
      ),
      oddText,
    ),
    { maxLength: 3 },
  ),
)
const noun = fc.constantFrom('network', 'subnet', 'port')

void test('any value in the place of any attribute', async (t) => {
  let runs = 0
  await fc.assert(
    fc.asyncProperty(
      noun,
      fc.nat(),
      oddValue,
      fc.boolean(),
      async (resource, place, value, put) => {
        const all = names[resource] ?? []
        const name = all[place % all.length] ?? ''
        const required = { network_id: ids['network'], ip_version: 4, cidr: '10.1.0.0/24' }
        const base =
          put || resource === 'network'
            ? {}
            : resource === 'port'
              ? { network_id: ids['network'] }
              : required
        const body = JSON.stringify({ [resource]: { ...base, [name]: value } })
        const path = `/v2.0/${resource}s`
        const answer = put
          ? await holds('PUT', `${path}/${ids[resource]}`, body)
          : await holds('POST', path, body)
        runs++
        if (answer.status !== 201) return
        const { id } = Object(JSON.parse(answer.text))[resource]
        const shown = await ask('GET', `${path}/${id}`)
        assert.equal(shown.text, answer.text)
        await holds('DELETE', `${path}/${id}`)
      },
    ),
    { numRuns: 1200 },
  )
  t.diagnostic(`${runs} requests`)
})

void test('any value in the place of any member of what else can be written', async () => {
  const policy = {
    object_type: 'network',
    object_id: ids['network'],
    action: 'access_as_shared',
    target_tenant: 'p1',
  }
  const targets = [
    ['POST', '/v2.0/rbac-policies', 'rbac_policy', policy],
    ['PUT', '/v2.0/quotas/p1', 'quota', { network: 1, subnet: 1, port: 1, rbac_policy: 1 }],
    ['PUT', `/v2.0/ports/${ids['port']}/tags`, undefined, { tags: [] }],
    ['PUT', `/v2.0/ports/${ids['port']}/tags/a`, undefined, { colour: 1 }],
    ['POST', '/portward/v1/protect', undefined, { iface: 'tap0', ips: [], mac: '', host: 'h1' }],
    ['POST', '/portward/v1/unprotect', undefined, { iface: 'tap0', host: 'h1' }],
    ['POST', `/portward/v1/ports/${ids['port']}/explain?offline=true`, undefined, { words: '' }],
    ['POST', `/portward/v1/ports/${ids['port']}/explain?offline=true`, undefined, { frame: '' }],
  ] as const
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...targets),
      fc.nat(),
      oddValue,
      async (target, place, odd) => {
        const [method, path, noun, members] = target
        const all = [...Object.keys(members), 'colour']
        const changed = { ...members, [all[place % all.length] ?? '']: odd }
        const body = noun === undefined ? changed : { [noun]: changed }
        const { status, text } = await holds(method, path, JSON.stringify(body))
        if (status !== 201 || noun === undefined) return
        await holds('DELETE', `${path}/${Object(JSON.parse(text))[noun].id}`)
      },
    ),
    { numRuns: 400 },
  )
})

void test('any value in the place of a resource, a body, a filter, a header', async () => {
  await fc.assert(
    fc.asyncProperty(noun, oddValue, oddText, async (resource, value, text) => {
      const path = `/v2.0/${resource}s`
      await holds('POST', path, JSON.stringify({ [resource]: value }))
      await holds('POST', path, JSON.stringify({ [`${resource}s`]: value }))
      await holds('PUT', `${path}/${ids[resource]}`, JSON.stringify(value))
      const word = encodeURIComponent(text.toWellFormed().slice(0, 2000))
      for (const name of [
        'name',
        'limit',
        'marker',
        'sort_key',
        'fields',
        'fixed_ips',
        'tags',
        word,
      ]) {
        await holds('GET', `${path}?${name}=${word}`)
      }
      await holds('GET', `${path}/${word}`)
      await holds('DELETE', `${path}/${word}x`)
    }),
    { numRuns: 80 },
  )
})

void test('bodies that are no JSON object', async () => {
  const deep = `{"port": ${'['.repeat(100_000)}${']'.repeat(100_000)}}`
  const twice = `{"network": {"name": "a", "name": "b"}, "network": {"name": "c"}}`
  for (const body of [
    '{',
    '[]',
    'null',
    '"x"',
    deep,
    '{"port": NaN}',
    '{"port": 1e999}',
    '\ufeff{}',
    '9'.repeat(5000),
  ]) {
    assert.equal((await holds('POST', '/v2.0/ports', body)).status, 400, body.slice(0, 50))
  }
  assert.equal((await holds('POST', '/v2.0/ports', Buffer.from([0x7b, 0xff, 0x7d]))).status, 400)
  const { status, text } = await holds('POST', '/v2.0/networks', twice)
  assert.equal(status, 201, text)
  assert.equal(Object(JSON.parse(text)).network.name, 'c')
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      await holds('POST', '/v2.0/ports', bytes)
    }),
    { numRuns: 200 },
  )
})

const head = (rest: string): string => `POST /v2.0/networks HTTP/1.1\r\nHost: a\r\n${rest}`
const empty = '{"network":{}}'

void test('requests that are no HTTP, or do not come to their end', async () => {
  for (const [bytes, wanted] of [
    ['', []],
    ['\r\n\r\n', []],
    ['GET', [400]],
    ['nonsense\r\n\r\n', [400]],
    ['GET / HTTP/9.9\r\n\r\n', [400]],
    ['GET / HTTP/1.1\r\n\r\n', [400]],
    [`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`, [431]],
    [`GET /${'x'.repeat(40_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, [431]],
    ['GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n', [400]],
    [head(`Content-Length: -1\r\n\r\n${empty}`), [400]],
    [head(`Content-Length: 14, 14\r\n\r\n${empty}`), [400]],
    [head(`Content-Length: 14\r\nContent-Length: 15\r\n\r\n${empty}`), [400]],
    [head(`Content-Length: 14\r\nTransfer-Encoding: chunked\r\n\r\n${empty}`), [400]],
    [head(`Content-Length: 400\r\n\r\n${empty}`), [400]],
    [head(`Transfer-Encoding: chunked\r\n\r\nzz\r\n${empty}\r\n0\r\n\r\n`), [400]],
    [head(`Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n`), [400]],
    [head(`Transfer-Encoding: chunked\r\n\r\ne\r\n${empty}`), [400]],
    [head(`Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`), [400]],
  ] as const) {
    const before = await storeRevision()
    const seen = statuses(await exchange(bytes))
    assert.ok(
      seen.every((status) => (wanted as readonly number[]).includes(status)),
      `${bytes.slice(0, 100)}: ${seen.join()}`,
    )
    assert.equal(await storeRevision(), before, bytes.slice(0, 100))
  }
})

void test('requests one after another on one connection are answered in order', async () => {
  const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
  const made = head(`Content-Length: ${empty.length}\r\n\r\n${empty}`)
  const chunked = head(
    `Transfer-Encoding: chunked\r\n\r\n5;x=y\r\n${empty.slice(0, 5)}\r\n9\r\n${empty.slice(5)}\r\n0\r\nTrailer: t\r\n\r\n`,
  )
  const last = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
  const text = await exchange(get('/v2.0/ports') + made + get('/nosuch') + chunked + last, 'theirs')
  assert.deepEqual(statuses(text), [200, 201, 404, 201, 200])
})

void test('any bytes at all', async () => {
  const line = fc.constantFrom(
    'GET / HTTP/1.1\r\n',
    'POST /v2.0/ports HTTP/1.1\r\n',
    'Host: a\r\n',
    'Content-Length: 5\r\n',
    'Transfer-Encoding: chunked\r\n',
    '\r\n',
    '5\r\n',
    '{"port":{}}',
    'Expect: 100-continue\r\n',
    'Upgrade: h2c\r\n',
    'Connection: upgrade\r\n',
  )
  const bytes = fc
    .array(fc.oneof({ weight: 4, arbitrary: line }, fc.string({ unit: 'binary', maxLength: 20 })), {
      maxLength: 12,
    })
    .map((parts) => parts.join(''))
  await fc.assert(
    fc.asyncProperty(bytes, async (text) => {
      assert.ok(statuses(await exchange(text)).every((status) => status < 500))
    }),
    { numRuns: 300 },
  )
})

void test(`${IDLE} connections that say nothing, or half of something, hold up nobody`, async () => {
  const { hostname, port } = new URL(server.url)
  const open = Array.from({ length: IDLE }, (_, i) => {
    const { promise, resolve, reject } = Promise.withResolvers<Socket>()
    const socket = connect(Number(port), hostname, () => resolve(socket))
    socket.on('error', reject)
    if (i % 3 === 1) socket.write('POST /v2.0/networks HTTP/1.1\r\nHost: a\r\nContent-')
    if (i % 3 === 2) socket.write(head('Content-Length: 1000000\r\n\r\n{"network": {"name": "'))
    return promise
  })
  const sockets = await Promise.all(open)
  assert.equal((await ask('GET', '/v2.0/ports')).status, 200)
  assert.equal((await ask('POST', '/v2.0/networks', empty)).status, 201)
  for (const socket of sockets) socket.destroy()
})

void test('bodies of 10 MB are refused, and no memory is kept for anything that was sent here', async (t) => {
  for (let i = 0; i < 10; i++) {
    const { status } = await holds('POST', '/v2.0/networks', Buffer.alloc(10_000_000, 0x20))
    assert.equal(status, 413)
  }
  const first = await residentMb()
  for (let round = 0; round < 8; round++) {
    const body = JSON.stringify({ network: { name: 'x'.repeat(900_000) } })
    await Promise.all(Array.from({ length: 10 }, () => holds('POST', '/v2.0/networks', body)))
  }
  const last = await residentMb()
  t.diagnostic(`${first} MB before, ${last} MB after`)
  assert.ok(last < first + GROWTH_MB, `${first} MB, then ${last} MB`)
})

async function residentMb(): Promise<number> {
  const status = await readFile(`/proc/${server.pid}/status`, 'utf8')
  return Math.round(Number(/^VmRSS:\s*(\d+)/m.exec(status)?.[1]) / 1024)
}
