// Many hosts on one machine: the agents are real, each with a store of its own on a real etcd of three members; their switches are fakes
// that take every flow. Two servers. How long until all are in sync, from cold and when all switches hang up at once; how long a change
// takes from the API to its one agent's switch, while a hundred changes a second go on; and what it all needs. All of it shares the cores
// of one machine, so what is told of is growth: a change must not cost more where there are more hosts.

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Etcd, Portward } from '@portward/testkit'
import { startEtcd, startPortwardServer } from '@portward/testkit'
import type { Limit, Result } from './figures.ts'
import { spreadOf } from './figures.ts'
import { createPorts, progress } from './lab.ts'
import { memoryOf } from './memory.ts'

export type FleetOptions = { readonly hosts?: number; readonly ports?: number }

const SIZES = [100, 1000]
const PORTS = 50
/** What etcd takes in one transaction. */
const AT_ONCE = 25
const RATE = 100
const SECONDS = 10
/** Until the last change is everywhere; how long nothing is done before, to see what that costs. */
const SETTLE_SECONDS = 2
const IDLE_SECONDS = 10
const HOSTS_PER_PROCESS = 250
const LIMIT_RATIO = 1.5

type Port = { readonly id: string; readonly host: string }

export async function fleet({ hosts, ports = PORTS }: FleetOptions): Promise<Result> {
  const sizes = hosts === undefined ? SIZES : [hosts]
  const rows = []
  const medians: number[] = []
  for (const size of sizes) {
    const { cold, again, change, needs } = await measure(size, ports)
    medians.push(change.median)
    rows.push({
      hosts: size,
      ports: size * ports,
      'cold to in sync, s': cold / 1000,
      'all again, s': again / 1000,
      'change p50, ms': change.median,
      'change p99, ms': change.p99,
      ...needs,
    })
  }
  const [few = Number.NaN, many] = medians
  const limits: Limit[] =
    many === undefined
      ? []
      : [
          {
            what: `median of a change with ${sizes[1]} hosts, of that with ${sizes[0]}: ${(many / few).toFixed(2)} times`,
            limit: `${LIMIT_RATIO} times`,
            holds: many / few <= LIMIT_RATIO,
          },
        ]
  return { bench: `fleet: ${ports} ports a host, etcd of 3, 2 servers, one machine`, rows, limits }
}

async function measure(count: number, perHost: number) {
  await using stack = new AsyncDisposableStack()
  const etcd = stack.use(await startEtcd())
  const flags = ['--store', `etcd:${etcd.endpoints.join(',')}`, '--log-level', 'error']
  const servers = [
    stack.use(await startPortwardServer({ flags })),
    stack.use(await startPortwardServer({ flags })),
  ]
  const hosts = Array.from({ length: count }, (_, i) => `host${i}`)
  const ports = await declare(servers, hosts, perHost)
  const workers = new Workers(etcd, hosts, ports)
  stack.use(workers)
  const cold = await workers.sync()
  const cpu = (): Promise<number> => cpuOf(servers, etcd, workers)
  const started = await cpu()
  await sleep(IDLE_SECONDS * 1000)
  const before = await cpu()
  const change = await changes(servers, ports, workers)
  const after = await cpu()
  const idle = (before - started) / (IDLE_SECONDS * 1000)
  const busy = (after - before) / ((SECONDS + SETTLE_SECONDS) * 1000)
  const needs = {
    'cores, idle': idle,
    'cores, changing': busy,
    'MB an agent': (await memoryOf(workers.pids)) / count,
    'MB a server': (await memoryOf(servers.map(({ pid }) => pid))) / servers.length,
    'MB a member': (await memoryOf(etcd.members.map(({ pid }) => pid()))) / etcd.members.length,
  }
  const again = await workers.syncAgain()
  return { cold, again, change, needs }
}

async function declare(
  servers: readonly Portward[],
  hosts: readonly string[],
  perHost: number,
): Promise<readonly Port[]> {
  const [server] = servers
  if (server === undefined) throw new Error('no server')
  const networks: string[] = []
  for (let i = 0; i * 200 < hosts.length; i++) {
    const { id } = await server.create('network', { name: `fleet${i}` })
    await server.create('subnet', { network_id: id, ip_version: 4, cidr: `10.${i}.0.0/16` })
    networks.push(id)
  }
  const wanted = hosts.flatMap((host, i) =>
    Array.from({ length: perHost }, () => ({
      network_id: networks[Math.floor(i / 200)],
      'binding:host_id': host,
    })),
  )
  const ports: Port[] = []
  // One server, one at a time: each takes addresses of the same subnet.
  while (wanted.length > 0) {
    const batch = wanted.splice(0, AT_ONCE)
    const made = await createPorts<{ id: string; 'binding:host_id': string }>(server, batch)
    ports.push(...made.map((port) => ({ id: port.id, host: port['binding:host_id'] })))
    progress(`declared ${ports.length} ports`)
  }
  return ports
}

/** Toggles ports of hosts in turn, at a rate, and gives the milliseconds from each request to the bundle at its switch. */
async function changes(servers: readonly Portward[], ports: readonly Port[], workers: Workers) {
  const times: number[] = []
  const sent = new Map<string, number>()
  workers.heard = (host, at) => {
    const begun = sent.get(host)
    if (begun === undefined) return
    sent.delete(host)
    times.push(at - begun)
  }
  const step = Math.max(1, Math.floor(ports.length / (RATE * SECONDS)))
  const begun = performance.now()
  const answers: Promise<unknown>[] = []
  for (let i = 0; i < RATE * SECONDS; i++) {
    const due = begun + (i * 1000) / RATE
    await sleep(Math.max(0, due - performance.now()))
    const port = ports[(i * step) % ports.length]
    const server = servers[i % servers.length]
    if (port === undefined || server === undefined) continue
    sent.set(port.host, performance.timeOrigin + performance.now())
    const body = { port: { port_security_enabled: false } }
    answers.push(server.ask('PUT', `/v2.0/ports/${port.id}`, body))
  }
  await Promise.all(answers)
  await sleep(SETTLE_SECONDS * 1000)
  return spreadOf(times)
}

/** Processes with agents in them. */
class Workers implements AsyncDisposable {
  readonly #children: ChildProcess[] = []
  readonly #counts = new Map<ChildProcess, number>()
  readonly #etcd: Etcd
  readonly #hosts: readonly string[]
  readonly #ports: readonly Port[]
  #progressed = Promise.withResolvers<void>()
  /** Rejects when one of them has ended by itself. */
  readonly #failed = Promise.withResolvers<never>()
  #ending = false
  heard: (host: string, at: number) => void = () => {}

  constructor(etcd: Etcd, hosts: readonly string[], ports: readonly Port[]) {
    this.#etcd = etcd
    this.#hosts = hosts
    this.#ports = ports
    this.#failed.promise.catch(() => {}) // whoever waits for them hears of it
  }

  get pids(): readonly number[] {
    return this.#children.map(({ pid }) => pid ?? 0)
  }

  /** Milliseconds until all of them are in sync. */
  async sync(): Promise<number> {
    const byHost = Map.groupBy(this.#ports, ({ host }) => host)
    const begun = performance.now()
    for (let i = 0; i < this.#hosts.length; i += HOSTS_PER_PROCESS) {
      const hosts = this.#hosts.slice(i, i + HOSTS_PER_PROCESS).map((host) => {
        return { host, ports: (byHost.get(host) ?? []).map(({ id }) => id) }
      })
      this.#start(JSON.stringify({ endpoints: this.#etcd.endpoints, hosts }))
    }
    await this.#all('in sync')
    return performance.now() - begun
  }

  /** Likewise, after every switch has hung up. */
  async syncAgain(): Promise<number> {
    this.#counts.clear()
    const begun = performance.now()
    for (const child of this.#children) child.stdin?.write('reconnect\n')
    await this.#all('connected again')
    return performance.now() - begun
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // They clear up behind them.
    this.#ending = true
    const ended = this.#children.map(async (child) => {
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    })
    for (const child of this.#children) child.stdin?.end()
    await Promise.all(ended)
  }

  #start(line: string): void {
    const program = join(import.meta.dirname, 'fleet/hosts.ts')
    const argv = ['--pdeathsig', 'KILL', '--', process.execPath, program]
    const child = spawn('setpriv', argv, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#children.push(child)
    child.once('exit', () => {
      if (!this.#ending) this.#failed.reject(new Error('a process of agents has ended'))
    })
    child.stdin.write(`${line}\n`)
    createInterface({ input: child.stdout }).on('line', (text) => {
      const told = JSON.parse(text) as {
        readonly synced?: number
        readonly resynced?: number
        readonly host?: string
        readonly at?: number
      }
      if (told.host !== undefined) this.heard(told.host, told.at ?? 0)
      const count = told.synced ?? told.resynced
      if (count === undefined) return
      this.#counts.set(child, count)
      this.#progressed.resolve()
      this.#progressed = Promise.withResolvers()
    })
  }

  async #all(what: string): Promise<void> {
    for (;;) {
      const count = [...this.#counts.values()].reduce((sum, one) => sum + one, 0)
      progress(`${count} of ${this.#hosts.length} agents ${what}`)
      if (count >= this.#hosts.length) return
      await Promise.race([this.#progressed.promise, this.#failed.promise])
    }
  }
}

/** Milliseconds that servers, members and agents have had together. */
async function cpuOf(servers: readonly Portward[], etcd: Etcd, workers: Workers): Promise<number> {
  const pids = [
    ...servers.map(({ pid }) => pid),
    ...etcd.members.map(({ pid }) => pid()),
    ...workers.pids,
  ]
  const each = await Promise.all(
    pids.map(async (pid) => {
      const [, after = ''] = (await readFile(`/proc/${pid}/stat`, 'latin1')).split(') ')
      const fields = after.split(' ')
      return (Number(fields[11]) + Number(fields[12])) * 10
    }),
  )
  return each.reduce((sum, ms) => sum + ms, 0)
}
