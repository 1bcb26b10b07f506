import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keys, openSqlite } from '@portward/store'
import type { Store } from '@portward/store'
import { openTestServer, slow } from './testing.ts'
import type { TestServer } from './testing.ts'

const PATIENCE_MS = 10_000

/** Until the binder has come to it. */
async function until(server: TestServer, holds: () => boolean): Promise<void> {
  if (holds()) return
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => reject(new Error('the binder never came to it')), PATIENCE_MS)
  using _ = server.replica.onChange(() => {
    if (holds()) resolve()
  })
  await promise.finally(() => clearTimeout(timer))
}

async function openWithPort(port: object = {}) {
  const server = await openTestServer()
  const network = await server.call('POST', '/v2.0/networks', { network: {} })
  const made = await server.call('POST', '/v2.0/ports', {
    port: { network_id: network.at('network', 'id'), ...port },
  })
  const id = String(made.at('port', 'id'))
  return {
    server,
    id,
    path: `/v2.0/ports/${id}`,
    isOn: (host: string) => server.replica.hostPorts.get(keys.hostPort(host, id)) !== undefined,
    boundTo: (host: string) =>
      until(server, () => server.replica.ports.get(id)?.record.boundHost === host),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

void test('a port binds to the host that sees its interface, and moves with it', async () => {
  await using bench = await openWithPort()
  const { server, id, path, isOn, boundTo } = bench
  const [h1, h2] = [server.agent('h1'), server.agent('h2')]
  await h1.alive()
  await h2.alive()
  await h1.see('tap0', { portId: id })
  await boundTo('h1')
  assert.ok(isOn('h1'))
  assert.equal((await server.call('GET', path)).at('port', 'binding:host_id'), 'h1')

  await h2.see('tap9', { portId: id })
  await h1.unsee('tap0')
  await boundTo('h2')
  assert.ok(isOn('h2') && !isOn('h1'))
})

void test('a port whose interface is seen nowhere stays where it was', async () => {
  await using bench = await openWithPort()
  const { server, id, isOn, boundTo } = bench
  const h1 = server.agent('h1')
  await h1.alive()
  await h1.see('tap0', { portId: id })
  await boundTo('h1')
  await h1.unsee('tap0')
  await server.call('PUT', `/v2.0/ports/${id}`, { port: { name: 'x' } })
  assert.ok(isOn('h1'))
})

void test('an interface seen by a dead agent and by a living one is with the living', async () => {
  await using bench = await openWithPort()
  const { server, id, boundTo } = bench
  const [h1, h2] = [server.agent('h1'), server.agent('h2')]
  await h1.alive()
  await h2.alive()
  await h1.see('tap0', { portId: id })
  await boundTo('h1')
  await h2.see('tap0', { portId: id })
  await h1.gone()
  await boundTo('h2')
})

void test('a host that was named is kept, whoever sees the interface; taken back, the seen one counts', async () => {
  await using bench = await openWithPort({ 'binding:host_id': 'h1' })
  const { server, id, path, isOn, boundTo } = bench
  await server.agent('h2').alive()
  await server.agent('h2').see('tap0', { portId: id })
  await server.call('PUT', path, { port: { name: 'x' } })
  assert.ok(isOn('h1') && !isOn('h2'))
  await server.call('PUT', path, { port: { 'binding:host_id': null } })
  await boundTo('h2')
  assert.ok(isOn('h2') && !isOn('h1'))
})

void test('an interface of a port nobody declared binds nothing', async () => {
  await using bench = await openWithPort()
  const { server, isOn } = bench
  await server.agent('h1').alive()
  await server.agent('h1').see('tap0', { portId: 'nobody' })
  await server.call('GET', bench.path)
  assert.ok(!isOn('h1'))
  assert.equal(server.replica.hostPorts.size, 0)
})

void test('what a host must enforce is made anew when it is not what this version makes of the port', async () => {
  await using bench = await openWithPort({ 'binding:host_id': 'h1' })
  const { server, id } = bench
  const key = keys.hostPort('h1', id)
  const good = server.replica.hostPorts.get(key)
  await server.store.txn([], [{ type: 'delete', key }])
  await until(
    server,
    () => (server.replica.hostPorts.get(key)?.modified ?? 0) > (good?.modified ?? 0),
  )
  assert.deepEqual(server.replica.hostPorts.get(key)?.record, good?.record)
})

void test('what changes nothing for the host is not sent to it again', async () => {
  await using bench = await openWithPort({ 'binding:host_id': 'h1' })
  const { server, id, path } = bench
  const revision = () => server.replica.hostPorts.get(keys.hostPort('h1', id))?.modified
  const before = revision()
  await server.call('PUT', path, { port: { name: 'x', description: 'y', device_id: 'z' } })
  assert.equal(revision(), before)
  await server.call('PUT', path, { port: { port_security_enabled: false } })
  assert.notEqual(revision(), before)
  assert.equal(server.replica.hostPorts.get(keys.hostPort('h1', id))?.record.guarded, false)
})

void test('a host of a hundred ports that dies in their move: they go on in transactions that etcd takes', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'portward-binder-'))
  const file = await openSqlite({ file: join(directory, 'store.db') })
  let most = 0
  const store: Store = {
    ...slow(file),
    txn(compares, ops) {
      most = Math.max(most, compares.length)
      return file.txn(compares, ops)
    },
  }
  {
    await using server = await openTestServer({ store })
    const [h1, h2] = [server.agent('h1'), server.agent('h2')]
    await h1.alive()
    await h2.alive()
    const network = await server.call('POST', '/v2.0/networks', { network: {} })
    const network_id = network.at('network', 'id')
    const paths: string[] = []
    for (let i = 0; i < 100; i++) {
      const fields = { network_id, 'binding:host_id': 'h1' }
      const made = await server.call('POST', '/v2.0/ports', { port: fields })
      const id = String(made.at('port', 'id'))
      await h1.see(`tap${i}`, { portId: id })
      await server.call('PUT', `/v2.0/ports/${id}`, { port: { 'binding:host_id': 'h2' } })
      paths.push(keys.hostPort('h2', id))
    }
    const speaking = (): number =>
      paths.filter((key) => server.replica.hostPorts.get(key)?.record.standby === undefined).length
    assert.equal(speaking(), 0)
    await h1.gone()
    await until(server, () => speaking() === 100)
    assert.ok(most > 80 && most <= 128, `${most} compares in one`)
  }
  await rm(directory, { recursive: true })
})
