import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { keys } from '@portward/store'
import type { HostPortRecord } from '@portward/store'
import { openTestServer } from './testing.ts'
import type { TestServer } from './testing.ts'

type Bench = AsyncDisposable & {
  readonly server: TestServer
  readonly id: string
  readonly path: string
  readonly at: (host: string) => HostPortRecord | undefined
}

/** A port that is bound to h1, and seen there; h1, h2 and h3 have agents. */
async function openBench(): Promise<
  Bench & { readonly agents: ReturnType<TestServer['agent']>[] }
> {
  const server = await openTestServer()
  const agents = ['h1', 'h2', 'h3'].map((host) => server.agent(host))
  for (const agent of agents) await agent.alive()
  const network = await server.call('POST', '/v2.0/networks', { network: {} })
  const made = await server.call('POST', '/v2.0/ports', {
    port: { network_id: network.at('network', 'id'), 'binding:host_id': 'h1' },
  })
  const id = String(made.at('port', 'id'))
  await agents[0]?.see('tap0', { portId: id, state: 'guarded' })
  await agents[0]?.apply(id)
  return {
    server,
    agents,
    id,
    path: `/v2.0/ports/${id}`,
    at: (host) => server.replica.hostPorts.get(keys.hostPort(host, id))?.record,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

async function until({ server }: Bench, holds: () => boolean, what: string): Promise<void> {
  if (holds()) return
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => reject(new Error(`never: ${what}`)), 10_000)
  using _ = server.replica.onChange(() => {
    if (holds()) resolve()
  })
  await promise.finally(() => clearTimeout(timer))
}

void test('a second binding is armed and silent; activated, the port speaks there once it is silent where it was', async () => {
  await using bench = await openBench()
  const { server, agents, id, path, at } = bench
  const [h1, h2] = agents
  const made = await server.call('POST', `${path}/bindings`, { binding: { host: 'h2' } })
  assert.equal(made.status, 201)
  assert.deepEqual(
    [made.at('binding', 'status'), made.at('binding', 'vif_type')],
    ['INACTIVE', 'ovs'],
  )
  assert.equal(at('h1')?.standby, undefined)
  assert.equal(at('h2')?.standby, true)
  await h2?.see('tap9', { portId: id, state: 'silent' })
  await h2?.apply(id)
  assert.equal((await server.call('GET', path)).at('port', 'binding:host_id'), 'h1')
  assert.equal((await server.call('GET', path)).at('port', 'status'), 'ACTIVE')

  const activated = await server.call('PUT', `${path}/bindings/h2/activate`)
  assert.equal(activated.status, 200)
  assert.equal(activated.at('binding', 'status'), 'ACTIVE')
  assert.deepEqual([at('h1')?.standby, at('h2')?.standby], [true, true], 'neither speaks')
  const port = await server.call('GET', path)
  assert.deepEqual([port.at('port', 'binding:host_id'), port.at('port', 'status')], ['h2', 'DOWN'])
  await h1?.apply(id)
  await until(bench, () => at('h2')?.standby === undefined, 'h2 speaks')
  assert.equal(at('h1')?.standby, true)
  await h2?.apply(id)
  assert.equal((await server.call('GET', path)).at('port', 'status'), 'ACTIVE')

  const bindings = await server.call('GET', `${path}/bindings`)
  assert.deepEqual(
    [0, 1].map((i) => [bindings.at('bindings', i, 'host'), bindings.at('bindings', i, 'status')]),
    [
      ['h2', 'ACTIVE'],
      ['h1', 'INACTIVE'],
    ],
  )
  assert.equal((await server.call('DELETE', `${path}/bindings/h1`)).status, 204)
  assert.equal(at('h1'), undefined)
})

void test('?wait=applied of a binding waits until all is ready for the port there, and says what is missing', async () => {
  await using bench = await openBench()
  const { server, agents, id, path } = bench
  const wait = { prefer: 'wait=1' }
  const waiting = server.call('POST', `${path}/bindings`, { binding: { host: 'h2' } }, wait)
  await until(bench, () => bench.at('h2')?.standby === true, 'h2 is told')
  await agents[1]?.apply(id, { lacks: 'no tag yet' })
  const early = await waiting
  assert.equal(early.status, 202)
  assert.deepEqual(early.all('pending'), [{ host: 'h2', port: id, reason: 'no tag yet' }])
  assert.equal((await server.call('DELETE', `${path}/bindings/h2`)).status, 204)
  const again = server.call('POST', `${path}/bindings`, { binding: { host: 'h2' } }, wait)
  await until(bench, () => bench.at('h2')?.standby === true, 'h2 is told')
  await agents[1]?.apply(id)
  assert.equal((await again).status, 201)
  const reasonAt = async (host: string): Promise<unknown> => {
    const body = { binding: { host } }
    const answer = await server.call('POST', `${path}/bindings`, body, { prefer: 'wait=0' })
    await server.call('DELETE', `${path}/bindings/${host}`)
    return answer.at('pending', 0, 'reason')
  }
  assert.equal(await reasonAt('h3'), `host h3 has no interface with iface-id ${id}`)
  await agents[2]?.see('tap9', { portId: id, reason: null })
  assert.equal(await reasonAt('h3'), 'the switch of host h3 has not acknowledged it yet')
  const ports = (await server.call('GET', '/portward/v1/hosts/h2/ports')).all('ports')
  assert.deepEqual(
    ports.map(({ applied }) => applied),
    [true],
  )
})

void test('a silence without all that speaking would take is silence: the port moves. One that is not acknowledged holds it, and says how to go on', async () => {
  await using bench = await openBench()
  const { server, agents, id, path, at } = bench
  await server.call('PUT', path, { port: { 'binding:host_id': 'h2' } })
  const why = async (): Promise<string> =>
    String((await server.call('GET', `/portward/v1/ports/${id}`)).at('reason'))
  assert.match(await why(), /^it moves: .* host h1 .* unplug tap0 there; .*end its agent$/)
  await agents[0]?.see('tap0', { portId: id, state: 'silent', reason: 'tap1 has the same' })
  assert.match(await why(), /\(tap1 has the same\)/)
  assert.equal(at('h2')?.standby, true)
  await agents[0]?.apply(id, { lacks: 'its tag' })
  await until(bench, () => at('h2')?.standby === undefined, 'h2 speaks')
})

void test('what can’t be done of a binding is said, with Neutron’s statuses and types', async () => {
  await using bench = await openBench()
  const { server, path } = bench
  const body = { binding: { host: 'h2' } }
  await server.call('POST', `${path}/bindings`, body)
  const refusals = [
    ['POST', '/bindings', body, 409, 'PortBindingAlreadyExists'],
    ['POST', '/bindings', { binding: { host: 'h1' } }, 409, 'PortBindingAlreadyExists'],
    ['PUT', '/bindings/h1/activate', undefined, 409, 'PortBindingAlreadyActive'],
    ['PUT', '/bindings/h9/activate', undefined, 404, 'PortBindingNotFound'],
    ['GET', '/bindings/h9', undefined, 404, 'PortBindingNotFound'],
    ['DELETE', '/bindings/h9', undefined, 404, 'PortBindingNotFound'],
    ['DELETE', '/bindings/h1', undefined, 409, 'PortBindingError'],
    ['POST', '/bindings', { binding: {} }, 400, 'HTTPBadRequest'],
    ['POST', '/bindings', { binding: { host: '' } }, 400, 'HTTPBadRequest'],
    ['POST', '/bindings', { binding: { host: 'h3', colour: 1 } }, 400, 'HTTPBadRequest'],
  ] as const
  for (const [method, below, sent, status, type] of refusals) {
    const answer = await server.call(method, path + below, sent)
    assert.deepEqual([answer.status, answer.at('NeutronError', 'type')], [status, type], below)
  }
})

void test('the row of a device that is gone holds up no move', async () => {
  await using bench = await openBench()
  const { server, agents, id, path, at } = bench
  await server.call('POST', `${path}/bindings`, { binding: { host: 'h2' } })
  await server.call('PUT', `${path}/bindings/h2/activate`)
  assert.equal(at('h2')?.standby, true)
  await agents[0]?.withdraw(id)
  assert.equal(at('h2')?.standby, true, 'its interface may speak')
  await agents[0]?.see('tap0', { portId: id, ofport: null, state: 'silent' })
  await until(bench, () => at('h2')?.standby === undefined, 'h2 speaks')
})

void test('as Nova does it without further bindings: migrating_to arms a host, and binding:host_id moves the port', async () => {
  await using bench = await openBench()
  const { server, agents, id, path, at } = bench
  await server.call('PUT', path, { port: { 'binding:profile': { migrating_to: 'h2' } } })
  assert.equal(at('h2')?.standby, true)
  await agents[1]?.see('tap9', { portId: id })
  const moved = { 'binding:host_id': 'h2', 'binding:profile': {} }
  await server.call('PUT', path, { port: moved })
  assert.deepEqual([at('h1')?.standby, at('h2')?.standby], [true, true])
  await agents[0]?.apply(id)
  await until(bench, () => at('h2')?.standby === undefined && at('h1') === undefined, 'it moved')
})

void test('a move is turned back before it has begun; and nobody waits for an agent that is dead', async () => {
  await using bench = await openBench()
  const { server, agents, id, path, at } = bench
  await server.call('POST', `${path}/bindings`, { binding: { host: 'h2' } })
  await agents[1]?.see('tap9', { portId: id })
  await server.call('PUT', `${path}/bindings/h2/activate`)
  await server.call('PUT', `${path}/bindings/h1/activate`)
  assert.equal(at('h1')?.standby, undefined)
  assert.equal(at('h2')?.standby, true)

  await server.call('PUT', `${path}/bindings/h2/activate`)
  assert.equal(at('h2')?.standby, true)
  await agents[0]?.gone()
  await until(bench, () => at('h2')?.standby === undefined, 'h2 speaks')
})

// In whatever order bindings come, go and are activated, agents acknowledge what they are told and die: of all switches that have been
// told to let the port speak and not yet acknowledged that it is silent, there is one at most.
void test('never two hosts may speak for a port, whatever happens and in whatever order', async () => {
  const hosts = ['h1', 'h2', 'h3'] as const
  const host = fc.constantFrom(...hosts)
  const step = fc.oneof(
    fc.record({ do: fc.constant('bind' as const), host }),
    fc.record({ do: fc.constant('activate' as const), host }),
    fc.record({ do: fc.constant('unbind' as const), host }),
    fc.record({ do: fc.constant('move' as const), host }),
    fc.record({ do: fc.constant('apply' as const), host }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
      await using bench = await openBench()
      const { server, agents, id, path, at } = bench
      for (const [i, agent] of agents.entries()) await agent.see(`tap${i}`, { portId: id })
      /** What each switch does: the last record that its agent has acknowledged. */
      const speaking = new Set(['h1'])
      const check = (): void => {
        const may = hosts.filter((name) => {
          const record = at(name)
          return speaking.has(name) || (record !== undefined && record.standby !== true)
        })
        assert.ok(may.length <= 1, `${may.join(' and ')} may speak`)
      }
      using _ = server.replica.onChange(check)
      for (const { do: what, host } of steps) {
        if (what === 'bind') await server.call('POST', `${path}/bindings`, { binding: { host } })
        if (what === 'activate') await server.call('PUT', `${path}/bindings/${host}/activate`)
        if (what === 'unbind') await server.call('DELETE', `${path}/bindings/${host}`)
        if (what === 'move') await server.call('PUT', path, { port: { 'binding:host_id': host } })
        if (what === 'apply') {
          const record = at(host)
          if (record === undefined || record.standby === true) speaking.delete(host)
          else speaking.add(host)
          if (record === undefined) await agents[hosts.indexOf(host)]?.withdraw(id)
          else await agents[hosts.indexOf(host)]?.apply(id)
        }
        check()
      }
    }),
    { numRuns: 60 },
  )
})
