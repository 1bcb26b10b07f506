// Servers and agents apart from each other: three members of etcd between them, and each of it may end.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { readSealed } from '@portward/store'
import type { Answer, Etcd, Guest, Portward, Switch } from '@portward/testkit'
import {
  MAIN,
  run,
  startEtcd,
  startPortwardAgent,
  startPortwardServer,
  startSwitch,
} from '@portward/testkit'
import type { PortBody } from './lab.ts'
import { until } from './lab.ts'

const HOSTS = ['h1', 'h2'] as const
/** An address that no port has. */
const FOREIGN = '10.0.0.99'

type Station = { readonly guest: Guest; readonly port: PortBody; readonly ip: string }

void describe('servers and agents apart', { timeout: 240_000 }, () => {
  const stack = new AsyncDisposableStack()
  let directory: string
  let etcd: Etcd
  let store: readonly string[]
  let switches: readonly Switch[]
  const servers: Portward[] = []
  const agents: Portward[] = []
  let network: string
  /** Two on each host. */
  const stations: Station[][] = [[], []]

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'portward-apart-'))
    stack.defer(() => rm(directory, { recursive: true, force: true }))
    etcd = stack.use(await startEtcd({ members: 3 }))
    store = ['--store', `etcd:${etcd.endpoints.join(',')}`]
    const started = [startSwitch(), startSwitch()]
    switches = await Promise.all(started)
    for (const sw of switches) stack.use(sw)
    servers.push(...(await Promise.all([startServer(), startServer()])))
    agents.push(...(await Promise.all([startAgent(0), startAgent(1)])))
    const [first] = servers
    assert.ok(first)
    network = (await first.create('network', { name: 'net' })).id
    await first.create('subnet', { network_id: network, ip_version: 4, cidr: '10.0.0.0/24' })
    for (const [i, of] of stations.entries()) {
      of.push(await addStation(i, `a${i}`), await addStation(i, `b${i}`))
    }
  })
  after(() => stack.disposeAsync())

  async function startServer(): Promise<Portward> {
    return stack.use(await startPortwardServer({ flags: store }))
  }

  async function startAgent(i: number): Promise<Portward> {
    const { rundir = '', bridge = '' } = switches[i] ?? {}
    const state = join(directory, `state-${i}`)
    const flags = [...store, '--host', HOSTS[i] ?? '']
    return stack.use(await startPortwardAgent({ rundir, bridge, state, flags }))
  }

  async function addStation(i: number, name: string): Promise<Station> {
    const [first] = servers
    assert.ok(first)
    const fields = { network_id: network, name, 'binding:host_id': HOSTS[i] }
    const port = await first.create<PortBody>('port', fields)
    const ip = port.fixed_ips[0]?.ip_address ?? ''
    const guest = await switches[i]?.addGuest({
      name,
      ifaceId: port.id,
      mac: port.mac_address,
      ips: [`${ip}/24`],
    })
    assert.ok(guest)
    await until(() => isActive(first, port.id), `${name} is ACTIVE`)
    return { guest, port, ip }
  }

  async function isActive(server: Portward, id: string): Promise<boolean> {
    const { body } = await server.ask('GET', `/v2.0/ports/${id}`)
    return (body as { port: PortBody }).port.status === 'ACTIVE'
  }

  /** Whether the first station of a host may speak as itself, and as somebody else, to the second. */
  async function speech(i: number): Promise<{ readonly own: boolean; readonly foreign: boolean }> {
    const [from, to] = stations[i] ?? []
    assert.ok(from && to)
    const ping = async (source: string): Promise<boolean> => {
      const argv = ['ping', '-q', '-c1', '-W2', '-I', source, to.ip]
      return (await from.guest.run(argv, { accept: [0, 1] })).code === 0
    }
    await from.guest.run(['ip', 'address', 'replace', `${FOREIGN}/32`, 'dev', 'eth0'])
    return { own: await ping(from.ip), foreign: await ping(FOREIGN) }
  }
  const guarded = { own: true, foreign: false }
  const silent = { own: false, foreign: false }
  const free = { own: true, foreign: true }

  async function secure(server: Portward | undefined, i: number, on: boolean): Promise<void> {
    assert.ok(server)
    for (const { port } of stations[i] ?? []) {
      await server.updatePort(port.id, { port_security_enabled: on })
    }
  }

  void test('what one server is told, the agents do, and the other server knows', async () => {
    const [first, second] = servers
    for (const i of [0, 1]) assert.deepEqual(await speech(i), guarded)
    await secure(first, 0, false)
    assert.deepEqual(await speech(0), free)
    assert.deepEqual(await speech(1), guarded)
    await secure(second, 0, true)
    assert.deepEqual(await speech(0), guarded)
    const { body } = (await first?.ask('GET', '/portward/v1/status')) ?? {}
    const hosts = (body as { hosts: readonly { host: string }[] }).hosts.map(({ host }) => host)
    assert.deepEqual(hosts.toSorted(), [...HOSTS])
  })

  void test('what etcd takes in one transaction is made in one; more is refused, with what to do, and nothing of it is there', async () => {
    const [first] = servers
    assert.ok(first)
    const { id } = await first.create('network', { name: 'bulk' })
    await first.create('subnet', { network_id: id, ip_version: 4, cidr: '10.2.0.0/16' })
    const many = (count: number): Promise<Answer> =>
      first.ask('POST', '/v2.0/ports', {
        ports: Array.from({ length: count }, () => ({ network_id: id })),
      })
    assert.equal((await many(30)).status, 201)
    const { status, body } = await many(300)
    const { type, message } = (body as { NeutronError: { type: string; message: string } })
      .NeutronError
    assert.deepEqual([status, type], [413, 'HTTPRequestEntityTooLarge'])
    assert.match(message, /send fewer resources at once/)
    const { body: listed } = await first.ask('GET', `/v2.0/ports?network_id=${id}`)
    assert.equal((listed as { ports: unknown[] }).ports.length, 30)
    const { ports } = listed as { ports: readonly { readonly id: string }[] }
    for (const port of ports) await first.ask('DELETE', `/v2.0/ports/${port.id}`)
  })

  void test('a server ends, and the other serves', async () => {
    await servers[0]?.stop('SIGKILL')
    await secure(servers[1], 1, false)
    assert.deepEqual(await speech(1), free)
    await secure(servers[1], 1, true)
    assert.deepEqual(await speech(1), guarded)
  })

  void test('four servers give out the last addresses of a subnet, none twice', async () => {
    const [first] = servers.slice(1)
    assert.ok(first)
    const four = [first, ...(await Promise.all([1, 2, 3].map(startServer)))]
    const { id } = await first.create('network', { name: 'small' })
    await first.create('subnet', { network_id: id, ip_version: 4, cidr: '10.1.0.0/28' })
    await until(async () => {
      const seen = await Promise.all(
        four.map((server) => server.ask('GET', `/v2.0/networks/${id}`)),
      )
      return seen.every((answer) => answer.status === 200)
    }, 'all servers know the network')
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        (four[i % 4] ?? first).ask('POST', '/v2.0/ports', { port: { network_id: id } }),
      ),
    )
    const made = answers.filter((answer) => answer.status === 201)
    const ips = made.map(({ body }) => (body as { port: PortBody }).port.fixed_ips[0]?.ip_address)
    assert.equal(ips.length, 13) // without the subnet's own address, its broadcast and its gateway
    assert.equal(new Set(ips).size, 13)
    for (const answer of answers) {
      if (answer.status === 201) continue
      const error = (answer.body as { NeutronError: { type: string } }).NeutronError
      assert.deepEqual([answer.status, error.type], [409, 'IpAddressGenerationFailure'])
    }
    for (const server of four.slice(1)) await server.stop('SIGTERM')
  })

  void test('without etcd, an agent that starts guards by its cache, and goes on with etcd when it is back', async () => {
    const [sw] = switches
    await secure(servers[1], 1, false)
    await agents[0]?.stop('SIGTERM')
    await agents[1]?.stop('SIGTERM')
    await etcd.kill()
    agents.splice(0, 2, ...(await Promise.all([startAgent(0), startAgent(1)])))
    for (const agent of agents) assert.match(agent.said(), /going on with what was declared at 20/)
    assert.deepEqual(await speech(0), guarded)
    assert.deepEqual(await speech(1), free)

    await sw?.restartVswitchd()
    await until(async () => (await speech(0)).own, 'its own address passes again')
    assert.deepEqual(await speech(0), guarded)

    await etcd.start()
    await until(async () => {
      const answer = await servers[1]?.ask('PUT', `/v2.0/networks/${network}`, {
        network: { name: 'again' },
      })
      return answer?.status === 200
    }, 'the server writes again')
    for (const [station] of stations) {
      const [, server] = servers
      assert.ok(station && server)
      await until(() => isActive(server, station.port.id), 'the agents report again')
    }
    await secure(servers[1], 0, false)
    await secure(servers[1], 1, true)
    assert.deepEqual(await speech(0), free)
    assert.deepEqual(await speech(1), guarded)
  })

  void test('who fell silent for a move stays so, though its agent and the store end as soon as that is said', async () => {
    const [, server] = servers
    const [station] = stations[0] ?? []
    assert.ok(server && station)
    await secure(server, 0, true)
    const { id } = station.port
    await server.ask('PUT', `/v2.0/ports/${id}`, { port: { 'binding:host_id': 'h9' } })
    await until(async () => {
      const { body } = await server.ask('GET', '/portward/v1/hosts/h9/ports')
      const [moved] = (body as { ports: readonly { declared: { standby?: true } }[] }).ports
      return moved !== undefined && moved.declared.standby !== true
    }, 'it may speak elsewhere')
    await Promise.all([agents[0]?.stop('SIGKILL'), etcd.kill()])
    await switches[0]?.ofctl('del-flows', switches[0].bridge)
    agents[0] = await startAgent(0)
    assert.match(agents[0].said(), /going on with what was declared at 20/)
    assert.deepEqual(await speech(0), silent)
    await etcd.start()
  })

  void test('the store moves into a file and back, and is the same', async () => {
    for (const one of [...servers, ...agents]) await one.stop('SIGTERM')
    const [, place = ''] = store
    const file = `sqlite:${join(directory, 'moved.db')}`
    const portward = async (...args: readonly string[]): Promise<string> =>
      (await run([process.execPath, MAIN, 'store', ...args])).stdout
    const [there, back] = [join(directory, 'there'), join(directory, 'back')]
    await portward('backup', there, '--store', place)
    await portward('migrate', place, file)
    await portward('backup', back, '--store', file)
    const other = stack.use(await startEtcd({ members: 1 }))
    const again = join(directory, 'again')
    await portward('migrate', file, `etcd:${other.endpoints.join(',')}`)
    await portward('backup', again, '--store', `etcd:${other.endpoints.join(',')}`)
    const first = await contentOf(there)
    assert.ok(first.length > 20)
    assert.deepEqual(await contentOf(back), first)
    assert.deepEqual(await contentOf(again), first)
  })
})

/** Of a copy: what is in it, without when it was made and the revisions, which are a store's own. */
async function contentOf(copy: string): Promise<readonly unknown[]> {
  const content: unknown[] = []
  for await (const line of readSealed(copy)) {
    const { key, value, archived } = Object(line) as Readonly<Record<string, unknown>>
    content.push(archived ?? [key, value])
  }
  return content
}
