// A guest that moves between two switches while it speaks on both, as a hypervisor that got it wrong would have it: the port's frames
// pass at one of them, never at both; and what QEMU says when it has moved a guest passes as soon as it may.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent } from '@portward/agent'
import { frameOf } from '@portward/portsec'
import { parseIp, parseMac } from '@portward/addr'
import { openServer } from '@portward/server'
import type { Server } from '@portward/server'
import { openSqlite } from '@portward/store'
import type { Arrival, Guest, Switch } from '@portward/testkit'
import { count, emit, startSwitch } from '@portward/testkit'
import { join } from 'node:path'
import { until } from './lab.ts'

const HOSTS = ['a', 'b'] as const
const MAC = 'fa:16:3e:00:00:42'
const IP = '10.0.0.42'
const ROUNDS = 6
const RATE = 1000

type Host = { readonly sw: Switch; readonly guest: Guest; readonly listener: Guest }

void describe('live migration', { timeout: 180_000 }, () => {
  void test('of two hosts one lets the port speak at a time, through moves back and forth and a server that ends between', async () => {
    await using stack = new AsyncDisposableStack()
    const end = new AbortController()
    const hosts: { sw: Switch }[] = []
    for (const _ of HOSTS) hosts.push({ sw: stack.use(await startSwitch()) })
    const rundir = hosts[0]?.sw.rundir ?? ''
    const store = stack.use(await openSqlite({ file: join(rundir, 'shared.db') }))
    const agents = hosts.map(
      ({ sw }, i) =>
        new Agent({
          store,
          host: HOSTS[i] ?? '',
          version: 'test',
          rundir: sw.rundir,
          bridge: sw.bridge,
          mode: 'own',
          uplinks: new Set(),
          isolate: false,
          log: { debug() {}, info() {}, warn() {}, error() {} },
        }),
    )
    const running = agents.map((agent) => agent.run(end.signal))
    stack.defer(async () => {
      end.abort()
      await Promise.allSettled(running)
    })
    const serve = () =>
      openServer({
        store,
        host: '127.0.0.1',
        port: 0,
        version: 'test',
        log: undefined,
        signal: end.signal,
      })
    let server: Server = await serve()
    stack.defer(() => server[Symbol.asyncDispose]())
    const ask = async (method: string, path: string, body?: object): Promise<Answer> => {
      const answer = await fetch(server.url + path, {
        method,
        headers: { 'content-type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      })
      const text = await answer.text()
      return { status: answer.status, body: text === '' ? {} : JSON.parse(text) }
    }
    await Promise.all(agents.map((agent) => agent.inSync))

    const network_id = idIn(await ask('POST', '/v2.0/networks', { network: {} }), 'network')
    await ask('POST', '/v2.0/subnets', {
      subnet: { network_id, ip_version: 4, cidr: '10.0.0.0/24' },
    })
    const made = await ask('POST', '/v2.0/ports', {
      port: {
        network_id,
        mac_address: MAC,
        fixed_ips: [{ ip_address: IP }],
        'binding:host_id': 'a',
      },
    })
    const id = idIn(made, 'port')
    const path = `/v2.0/ports/${id}`
    const stage: Host[] = []
    for (const [i, { sw }] of hosts.entries()) {
      const host = HOSTS[i] ?? ''
      const port = await ask('POST', '/v2.0/ports', {
        port: { network_id, 'binding:host_id': host },
      })
      const mac = `fa:16:3e:00:01:0${i}`
      const listener = await sw.addGuest({ name: 'ear', ifaceId: idIn(port, 'port'), mac, ips: [] })
      const guest = await sw.addGuest({ name: 'guest', ifaceId: id, mac: MAC, ips: [] })
      stage.push({ sw, guest, listener })
    }
    const armed = await ask('POST', `${path}/bindings`, { binding: { host: 'b' } })
    assert.equal(armed.status, 201)
    await until(async () => statusIn(await ask('GET', path)) === 'ACTIVE', 'a is ACTIVE')

    const frame = frameOf(`ip from ${IP}`, { mac: parseMac(MAC), ips: [parseIp(IP)] })
    const rarp = frameOf('rarp', { mac: parseMac(MAC), ips: [] })
    const place = (sw: Switch, { pid }: Guest) => ({ enclosure: sw.enclosure, pid, device: 'eth0' })
    const ears = await Promise.all(stage.map(({ sw, listener }) => count(place(sw, listener))))
    const mouths = await Promise.all(
      stage.map(({ sw, guest }, i) =>
        emit(place(sw, guest), [frame, rarp], { rate: RATE, stream: i }),
      ),
    )
    await sleep(300)
    const moves: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      await sleep(50 + Math.random() * 200)
      const to = (round + 1) % 2
      const kills = round % 3 === 2
      const answer = await ask('PUT', `${path}/bindings/${HOSTS[to]}/activate`)
      assert.equal(answer.status, 200, JSON.stringify(answer.body))
      if (kills) {
        await server[Symbol.asyncDispose]()
        server = await serve()
      }
      await until(async () => statusIn(await ask('GET', path)) === 'ACTIVE', `round ${round}`)
      moves.push(to)
    }
    // And one that is turned back at once.
    await Promise.all([
      ask('PUT', `${path}/bindings/b/activate`),
      sleep(2).then(() => ask('PUT', `${path}/bindings/a/activate`)),
    ])
    await until(async () => statusIn(await ask('GET', path)) === 'ACTIVE', 'at rest')
    await sleep(200)
    for (const mouth of mouths) await mouth.stop()
    await sleep(200)
    const heard = await Promise.all(ears.map((ear) => ear.stop()))
    assert.deepEqual(
      heard.map(({ missed }) => missed),
      [0, 0],
      'the captures saw all',
    )

    const spans = spansOf(heard.flatMap(({ arrivals }) => arrivals))
    // Were both heard at a time, they would take turns in every millisecond. Two more for the move that was turned back.
    const turns = JSON.stringify(spans)
    assert.ok(spans.length > ROUNDS && spans.length <= ROUNDS + 3, `both were heard: ${turns}`)
    const order = spans.slice(0, ROUNDS + 1).map(({ stream }) => stream)
    assert.deepEqual(order, [0, ...moves])
    // The gaps: how long nobody may speak.
    const gaps = spans.slice(1).map(({ first }, i) => first - (spans[i]?.last ?? 0))
    assert.ok(Math.max(...gaps) < 2000, `silent for ${gaps.join(', ')} ms`)
    const rarps = heard.flatMap(({ arrivals }) => arrivals.filter(({ number }) => number % 2 === 1))
    assert.ok(rarps.length > 100, 'announcements passed too')
  })
})

type Answer = { readonly status: number; readonly body: unknown }
type Span = { readonly stream: number; readonly first: number; readonly last: number }

/** Who was heard, from when to when, as long as nobody else was. */
function spansOf(arrivals: readonly Arrival[]): readonly Span[] {
  const spans: Span[] = []
  for (const { stream, at } of arrivals.toSorted((a, b) => a.at - b.at)) {
    const last = spans.at(-1)
    if (last?.stream === stream) spans[spans.length - 1] = { ...last, last: at }
    else spans.push({ stream, first: at, last: at })
  }
  return spans
}

function idIn({ status, body }: Answer, name: string): string {
  assert.equal(status, 201, JSON.stringify(body))
  return (body as Readonly<Record<string, { readonly id: string }>>)[name]?.id ?? ''
}

function statusIn({ body }: Answer): string {
  return (body as { port: { status: string } }).port.status
}
