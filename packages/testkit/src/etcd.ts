// A real cluster of etcd on loopback, for as long as a test lasts.

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from './run.ts'

export type EtcdOptions = {
  /** How many members. Default 3. */
  readonly members?: number
  /** Files in PEM: then it speaks TLS to clients, and each must show a certificate that `ca` has signed. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string }
  /** Further flags of etcd. */
  readonly flags?: readonly string[]
}

export type EtcdMember = {
  readonly endpoint: string
  readonly pid: () => number
  readonly stop: (signal: 'SIGTERM' | 'SIGKILL') => Promise<void>
  /** Again, on what it has on its disk, if it has ended. */
  readonly start: () => Promise<void>
}

export type Etcd = AsyncDisposable & {
  readonly endpoints: readonly string[]
  readonly members: readonly EtcdMember[]
  /** All members, with SIGKILL. */
  readonly kill: () => Promise<void>
  /** Those that have ended; answers when all serve. */
  readonly start: () => Promise<void>
  /** Throws where there is none. */
  readonly leader: () => Promise<EtcdMember>
  /** What `etcdctl` prints. */
  readonly ctl: (...args: readonly string[]) => Promise<string>
}

/** Answers when all members serve. They end with this process. */
export async function startEtcd(options: EtcdOptions = {}): Promise<Etcd> {
  const { members: count = 3, tls, flags = [] } = options
  const dir = await mkdtemp(join(await quickDir(), 'portward-etcd-'))
  const scheme = tls === undefined ? 'http' : 'https'
  const ports = await freePorts(count * 2)
  const places = Array.from({ length: count }, (_, i) => ({
    name: `m${i}`,
    client: `${scheme}://127.0.0.1:${ports[i]}`,
    peer: `http://127.0.0.1:${ports[count + i]}`,
  }))
  const cluster = places.map(({ name, peer }) => `${name}=${peer}`).join(',')
  const shown =
    tls === undefined
      ? []
      : [
          '--client-cert-auth',
          '--trusted-ca-file',
          tls.ca,
          '--cert-file',
          tls.cert,
          '--key-file',
          tls.key,
        ]
  const members = places.map(({ name, client, peer }) =>
    memberOf(client, [
      `--name=${name}`,
      `--data-dir=${join(dir, name)}`,
      '--log-level=error',
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=${cluster}`,
      '--initial-cluster-state=new',
      '--heartbeat-interval=50',
      '--election-timeout=500',
      ...shown,
      ...flags,
    ]),
  )
  const endpoints = places.map(({ client }) => client)
  const proof = tls === undefined ? [] : ['--cacert', tls.ca, '--cert', tls.cert, '--key', tls.key]
  const ctl = async (...args: readonly string[]): Promise<string> => {
    const argv = ['etcdctl', '--endpoints', endpoints.join(','), ...proof, ...args]
    return (await run(argv, { env: { ETCDCTL_API: '3' } })).stdout
  }
  const kill = async (): Promise<void> => {
    await Promise.all(members.map(async (member) => member.stop('SIGKILL')))
  }
  const start = async (): Promise<void> => {
    await Promise.all(members.map(async (member) => member.start()))
    await healthy(ctl)
  }
  const leader = async (): Promise<EtcdMember> => {
    const rows = (await ctl('endpoint', 'status')).split('\n').map((line) => line.split(', '))
    const [endpoint] = rows.find(([, , , , leads]) => leads === 'true') ?? []
    const found = members.find((member) => member.endpoint === endpoint)
    if (found === undefined) throw new Error('etcd has no leader')
    return found
  }
  const dispose = async (): Promise<void> => {
    await kill()
    await rm(dir, { recursive: true, force: true })
  }
  try {
    await start()
  } catch (error) {
    await dispose()
    throw error
  }
  return { endpoints, members, kill, start, leader, ctl, [Symbol.asyncDispose]: dispose }
}

function memberOf(endpoint: string, args: readonly string[]): EtcdMember {
  let child: ChildProcess | undefined
  const running = (): boolean => child?.exitCode === null && child.signalCode === null
  return {
    endpoint,
    pid: () => child?.pid ?? 0,
    async start() {
      if (running()) return
      // Debian sets variables for its own member, which would be taken for flags.
      const env = Object.fromEntries(
        Object.entries(process.env).filter(([name]) => !name.startsWith('ETCD_')),
      )
      child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'etcd', ...args], {
        env,
        stdio: 'ignore',
      })
    },
    async stop(signal) {
      if (child === undefined || !running()) return
      const ended = once(child, 'exit')
      child.kill(signal)
      await ended
    },
  }
}

async function healthy(ctl: Etcd['ctl']): Promise<void> {
  for (let i = 0; ; i++) {
    try {
      await ctl('--command-timeout=2s', 'endpoint', 'health')
      return
    } catch (error) {
      if (i === 60) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

/** Where writing to disk costs nothing, if there is such a place: etcd waits for each write. */
async function quickDir(): Promise<string> {
  return access('/dev/shm').then(
    () => '/dev/shm',
    () => tmpdir(),
  )
}

async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  const ports = servers.map((server) => {
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  })
  for (const server of servers) server.close()
  return ports
}
