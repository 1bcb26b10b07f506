// What was answered was kept: the server is killed as soon as it has answered, or while many write at once, and started again.

import { openSqlite, records } from '@portward/store'
import * as fc from 'fast-check'
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startServer } from './server-process.ts'

const ROUNDS = 24
const WRITERS = 8
const STORMS = 6

type Resource = { readonly id: string } & Readonly<Record<string, unknown>>
type Plural = 'networks' | 'subnets' | 'ports'

/** What the server has said that there is, by id. */
type Known = Map<string, { readonly plural: Plural; readonly resource: Resource }>

type Answer = { readonly status: number; readonly body: unknown }

/** Throws when the server is gone. */
async function ask(url: string, method: string, path: string, body?: object): Promise<Answer> {
  const answer = await fetch(`${url}/v2.0/${path}`, {
    method,
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) }
}

/** Who writes, what it has made and not deleted, and the id of what it is changing or deleting at the moment. */
type Writer = { readonly known: Known; asking: string | undefined }

/** A write of some kind, and what is known after its answer. */
async function write(url: string, writer: Writer, kind: number, number: number): Promise<void> {
  const { known } = writer
  const of = (plural: Plural) => [...known.values()].filter((one) => one.plural === plural)
  const pick = (plural: Plural): Resource | undefined => {
    const all = of(plural)
    return all[number % all.length]?.resource
  }
  const [network, subnet, port] = [pick('networks'), pick('subnets'), pick('ports')]
  const make = async (plural: Plural, members: object): Promise<void> => {
    const noun = plural.slice(0, -1)
    const { status, body } = await ask(url, 'POST', plural, { [noun]: members })
    assert.equal(status, 201, JSON.stringify(body))
    const resource = Object(body)[noun]
    known.set(resource.id, { plural, resource })
  }
  const change = async (plural: Plural, { id }: Resource, members: object): Promise<void> => {
    const noun = plural.slice(0, -1)
    writer.asking = id
    const { status, body } = await ask(url, 'PUT', `${plural}/${id}`, { [noun]: members })
    assert.equal(status, 200, JSON.stringify(body))
    writer.asking = undefined
    known.set(id, { plural, resource: Object(body)[noun] })
  }
  const remove = async (plural: Plural, { id }: Resource): Promise<void> => {
    writer.asking = id
    const { status, body } = await ask(url, 'DELETE', `${plural}/${id}`)
    assert.equal(status, 204, JSON.stringify(body))
    writer.asking = undefined
    known.delete(id)
  }
  if (network === undefined || kind === 0) return make('networks', { name: `n${number}` })
  if (subnet === undefined || kind === 1) {
    const cidr = `10.${number % 250}.${of('subnets').length}.0/24`
    return make('subnets', { network_id: network.id, ip_version: 4, cidr })
  }
  if (port === undefined || kind === 2 || kind === 3) {
    const bound = { 'binding:host_id': `h${number % 3}`, device_owner: 'compute:nova' }
    return make('ports', { network_id: subnet['network_id'], ...(kind === 3 && bound) })
  }
  if (kind === 4) return change('ports', port, { name: `p${number}`, admin_state_up: false })
  if (kind === 5) {
    const allowed_address_pairs = [{ ip_address: `10.9.9.${number % 250}` }]
    return change('ports', port, { port_security_enabled: true, allowed_address_pairs })
  }
  if (kind === 6) {
    return change('ports', port, { port_security_enabled: false, allowed_address_pairs: [] })
  }
  if (kind === 7) return remove('ports', port)
  return change('networks', network, { description: `d${number}` })
}

/** That the server has what is known as it is known, and how much else it has. */
async function checkKept(url: string, known: Known): Promise<number> {
  let more = 0
  for (const plural of ['networks', 'subnets', 'ports'] as const) {
    const { body } = await ask(url, 'GET', plural)
    const found: readonly Resource[] = Object(body)[plural]
    const wanted = [...known.values()].filter((one) => one.plural === plural)
    for (const { resource } of wanted) {
      const now = found.find(({ id }) => id === resource.id)
      assert.deepEqual(lasting(now), lasting(resource))
    }
    more += found.length - wanted.length
  }
  return more
}

/** What no other resource changes: a network shows its subnets, a port what its host tells. */
function lasting(resource: Resource | undefined): object | undefined {
  if (resource === undefined || !('subnets' in resource)) return resource
  return { ...resource, subnets: [], updated_at: '', revision_number: 0 }
}

/** That the records of the store fit together: each port has its MAC, its addresses and its host, and nobody else has. */
async function checkWhole(file: string): Promise<void> {
  await using store = await openSqlite({ file })
  const { entries } = await store.range('')
  const found = new Map(entries.map((entry) => [entry.key, entry]))
  const wanted = new Set<string>()
  for (const entry of entries) {
    if (!entry.key.startsWith('ports/')) continue
    const port = records.port.decode(entry)
    assert.ok(found.has(`networks/${port.networkId}`), 'a port without network')
    wanted.add(`unique/mac/${port.networkId}/${encodeURIComponent(port.mac)}`)
    for (const { ip } of port.fixedIps) {
      wanted.add(`unique/ip/${port.networkId}/${encodeURIComponent(ip)}`)
    }
    if (port.boundHost !== '') wanted.add(`hosts/${port.boundHost}/ports/${port.id}`)
  }
  const there = entries
    .map(({ key }) => key)
    .filter((key) => /^(?:unique\/(?:mac|ip)|hosts\/[^/]+\/ports)\//.test(key))
  assert.deepEqual(new Set(there), wanted)
}

async function withFile(work: (file: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'portward-durability-'))
  try {
    await work(join(directory, 'store.db'))
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

void test('killed after each answer, the server has at its next start what it has answered', async (t) => {
  const seed = Date.now() % 2 ** 31
  t.diagnostic(`seed ${seed}`)
  const kinds = fc.sample(fc.nat({ max: 8 }), { numRuns: ROUNDS, seed })
  await withFile(async (file) => {
    const writer: Writer = { known: new Map(), asking: undefined }
    for (const [round, kind] of kinds.entries()) {
      await using server = await startServer(file)
      assert.equal(await checkKept(server.url, writer.known), 0)
      await write(server.url, writer, kind, seed + round)
      await server.kill()
      await checkWhole(file)
    }
    await using server = await startServer(file)
    assert.equal(await checkKept(server.url, writer.known), 0)
  })
})

void test('killed while eight write, it has all that it has answered, wholly', async (t) => {
  const seed = Date.now() % 2 ** 31
  t.diagnostic(`seed ${seed}`)
  const moments = fc.sample(fc.integer({ min: 1, max: 80 }), { numRuns: STORMS, seed })
  await withFile(async (file) => {
    const known: Known = new Map()
    for (const [storm, moment] of moments.entries()) {
      await using server = await startServer(file)
      const reached = Promise.withResolvers<void>()
      let answers = 0
      const answered = (): void => {
        if (++answers === moment) reached.resolve()
      }
      const writers = Array.from({ length: WRITERS }, (_, i) =>
        writeUntilEnd(server.url, seed + storm * 100_000 + i * 10_000, answered),
      )
      await reached.promise
      await server.kill()
      for (const writer of await Promise.all(writers)) {
        // Whether what was asked last has been done, nobody knows.
        if (writer.asking !== undefined) writer.known.delete(writer.asking)
        for (const [id, one] of writer.known) known.set(id, one)
      }
      await checkWhole(file)
      await using again = await startServer(file)
      const more = await checkKept(again.url, known)
      assert.ok(more <= WRITERS * (storm + 1), `${more} resources from nowhere`)
    }
    t.diagnostic(`${known.size} resources were kept`)
    assert.ok(known.size > 0)
  })
})

/** Writes to resources of its own until the server is gone. */
async function writeUntilEnd(url: string, seed: number, answered: () => void): Promise<Writer> {
  const writer: Writer = { known: new Map(), asking: undefined }
  const kinds = fc.sample(fc.nat({ max: 8 }), { numRuns: 2000, seed })
  for (const [i, kind] of kinds.entries()) {
    try {
      await write(url, writer, kind, seed + i)
      answered()
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error
      return writer
    }
  }
  throw new Error('the server was not killed in time')
}
