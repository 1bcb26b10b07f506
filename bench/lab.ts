// A switch with many ports, and as many declared for them.

import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FlowEvent, Portward, Switch } from '@portward/testkit'
import { connects, flowEventOf, startPortward, startSwitch } from '@portward/testkit'

export type PortBody = {
  readonly id: string
  readonly status: string
  readonly port_security_enabled: boolean
}

export type Lab = AsyncDisposable & {
  readonly sw: Switch
  readonly start: (logLevel?: 'warn' | 'info') => Promise<Portward>
  /** Declares this many ports, IPv4 and IPv6 each, and plugs an interface for each. */
  readonly populate: (portward: Portward, count: number) => Promise<readonly PortBody[]>
}

export async function openLab(): Promise<Lab> {
  const sw = await startSwitch()
  const { rundir, bridge } = sw
  return {
    sw,
    start: (logLevel = 'warn') =>
      startPortward({
        rundir,
        bridge,
        state: join(rundir, 'portward'),
        flags: ['--log-level', logLevel],
      }),
    async populate(portward, count) {
      const network = await portward.create('network', { name: `bench-${count}` })
      const network_id = network.id
      await portward.create('subnet', { network_id, ip_version: 4, cidr: '10.0.0.0/16' })
      await portward.create('subnet', { network_id, ip_version: 6, cidr: 'fd00::/64' })
      const ports = await declarePorts(portward, network_id, count)
      await sw.addPorts(
        ports.map(({ id }, i) => ({ name: `tap${i}`, ifaceId: id, type: 'patch' as const })),
      )
      await active(portward, count)
      return ports
    },
    [Symbol.asyncDispose]: () => sw[Symbol.asyncDispose](),
  }
}

/** Overwrites the line it wrote before, on a terminal; says nothing elsewhere. */
export function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
}

/** A line that stays, of what is not to be lost when what comes after it fails. */
export function milestone(text: string): void {
  progress('')
  process.stderr.write(`${text}\n`)
}

/** Resolves once the switch takes connections on the management socket of its bridge. */
export async function reachable(sw: Switch): Promise<void> {
  const socket = join(sw.rundir, `${sw.bridge}.mgmt`)
  while (!(await connects(socket))) await sleep(2)
}

/** All flows of the bridge, each as `ovs-ofctl` takes it again. */
export async function flowLines(sw: Switch, ...options: string[]): Promise<readonly string[]> {
  const dump = await sw.ofctl(...options, 'dump-flows', '--no-stats', '--no-names', sw.bridge)
  const lines = dump.split('\n').map((line) => line.trim())
  return lines.filter((line) => line.includes('actions='))
}

async function active(portward: Portward, count: number): Promise<void> {
  for (;;) {
    const { body } = await portward.ask('GET', '/v2.0/ports?status=ACTIVE&fields=id')
    const there = (body as { ports: unknown[] }).ports.length
    progress(`guarded ${there} of ${count} ports`)
    if (there === count) return
    await sleep(50)
  }
}

/** So many on a network, hundreds in a request. */
export async function declarePorts(
  portward: Portward,
  network_id: string,
  count: number,
): Promise<readonly PortBody[]> {
  const ports: PortBody[] = []
  while (ports.length < count) {
    const length = Math.min(500, count - ports.length)
    const batch = Array.from({ length }, () => ({ network_id }))
    ports.push(...(await createPorts<PortBody>(portward, batch)))
    progress(`declared ${ports.length} of ${count} ports`)
  }
  return ports
}

/** All of them in one request. */
export async function createPorts<T>(
  portward: Portward,
  ports: readonly object[],
): Promise<readonly T[]> {
  const { status, body } = await portward.ask('POST', '/v2.0/ports', { ports })
  if (status !== 201) throw new Error(`ports: ${status} ${JSON.stringify(body)}`)
  return (body as { ports: readonly T[] }).ports
}

export type FlowRecord = AsyncDisposable & {
  /** When the last change was told, or the record began. */
  readonly lastAt: number
  /** Waits until nothing was told for so long. */
  readonly still: (ms: number) => Promise<void>
  /** What has changed since the record began. */
  readonly changes: () => readonly FlowEvent[]
}

/** As `watchFlows` of the testkit, but what is told is read when it is asked for: a reader of 170,000 lines would be what is measured. */
export async function recordFlows(sw: Switch): Promise<FlowRecord> {
  // It opens its control socket when it has told what is there, on its standard output. What changes, it tells on the other.
  const control = join(sw.rundir, `record-${randomUUID()}`)
  const child = spawn('ovs-ofctl', ['monitor', `--unixctl=${control}`, sw.bridge, 'watch:'], {
    env: { ...process.env, ...sw.env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = once(child, 'close')
  const chunks: { readonly at: number; readonly bytes: Buffer }[] = []
  child.stderr.on('data', (bytes: Buffer) => chunks.push({ at: performance.now(), bytes }))
  while (!(await connects(control))) {
    if (child.exitCode !== null) throw new Error('ovs-ofctl monitor has ended')
    await sleep(2)
  }
  const beganAt = performance.now()
  const lastAt = (): number => chunks.at(-1)?.at ?? beganAt
  return {
    get lastAt() {
      return lastAt()
    },
    async still(ms) {
      const since = performance.now()
      while (performance.now() - Math.max(since, lastAt()) < ms) await sleep(10)
    },
    changes() {
      const events: FlowEvent[] = []
      let rest = ''
      for (const { at, bytes } of chunks) {
        const lines = (rest + bytes.toString('latin1')).split('\n')
        rest = lines.pop() ?? ''
        events.push(...lines.flatMap((line) => flowEventOf(line, at) ?? []))
      }
      return events
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
