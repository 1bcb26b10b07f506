// OVN, the real one: its two databases, northd and ovn-controller beside a switch of ours, with one logical switch.
//
//   ovn-nbctl ──► NB ──► ovn-northd ──► SB ──► ovn-controller ──► br-int
//
// port_security of the sender's port is "MAC IPV4 IPV6". The receiver's has none, and its addresses are its MAC alone: with IP
// addresses, OVN would answer ARP requests and solicitations for it, and it would not get to see what they claim.

import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type { Daemon, Switch } from '@portward/testkit'
import { run, startDaemon, startSwitch, transact } from '@portward/testkit'
import type { Peer, Sides } from './peer.ts'
import { plug } from './peer.ts'

const SCHEMAS = '/usr/share/ovn'
const PROGRAMS = ['/usr/bin/ovn-northd', '/usr/bin/ovn-controller', '/usr/bin/ovn-nbctl']

export const ovn: Peer = {
  name: 'OVN',
  missing: ovnMissing,
  async open(sides) {
    const sw = await startSwitch()
    try {
      const { nbctl, over } = await startOvn(sw)
      await nbctl(...network(sides))
      const guests = await plug(sw, sides)
      await Promise.race([bound(nbctl), over])
      return { sw, ...guests, vlan: 0, [Symbol.asyncDispose]: () => sw[Symbol.asyncDispose]() }
    } catch (error) {
      await sw[Symbol.asyncDispose]()
      throw error
    }
  },
}

/** Why there can be none here, and what to do about it. */
export async function ovnMissing(): Promise<string | undefined> {
  const found = await Promise.all(PROGRAMS.map(there))
  if (found.every(Boolean)) return undefined
  return 'OVN is not installed: apt-get install ovn-central ovn-host, or script/setup'
}

/** The logical ports are called as the guests' interfaces are: `external_ids:iface-id`. */
export function network({ sender, receiver }: Sides): readonly string[] {
  const owned = `${sender.mac} ${sender.ip} ${sender.ip6}`
  return [
    ['ls-add', 'net'],
    ['lsp-add', 'net', 'sender'],
    ['lsp-set-addresses', 'sender', owned],
    ['lsp-set-port-security', 'sender', owned],
    ['lsp-add', 'net', 'receiver'],
    ['lsp-set-addresses', 'receiver', receiver.mac],
  ].flatMap((command) => ['--', ...command])
}

export async function bound(
  nbctl: Ovn['nbctl'],
  ports: readonly string[] = ['sender', 'receiver'],
): Promise<void> {
  // Before ovn-controller has made itself known, there is nobody that `sync` would wait for.
  for (const port of ports) {
    await nbctl('wait-until', 'Logical_Switch_Port', port, 'up=true')
  }
  await nbctl('--wait=hv', 'sync')
}

/** Further logical ports, each with port_security, and an interface for each. */
export async function crowd(
  sw: Switch,
  { nbctl }: Pick<Ovn, 'nbctl'>,
  count: number,
  type: 'dummy' | 'patch',
): Promise<readonly LogicalPort[]> {
  const ports = Array.from({ length: count }, (_, i) => {
    const [high, low] = [(i >> 8) + 1, i & 255]
    const mac = `fa:16:3e:01:${high.toString(16).padStart(2, '0')}:${low.toString(16).padStart(2, '0')}`
    return { name: `crowd${i}`, owned: `${mac} 10.0.${high}.${low} fd00::${high}:${low}` }
  })
  if (count === 0) return ports
  const commands = ports.flatMap(({ name, owned }) => [
    ['--', 'lsp-add', 'net', name],
    ['--', 'lsp-set-addresses', name, owned],
    ['--', 'lsp-set-port-security', name, owned],
  ])
  await nbctl(...commands.flat())
  await sw.addPorts(ports.map(({ name }) => ({ name, ifaceId: name, type })))
  return ports
}

/** Its addresses as OVN writes them: MAC, IPv4 and IPv6. */
export type LogicalPort = { readonly name: string; readonly owned: string }

export type Ovn = {
  readonly nbctl: (...args: readonly string[]) => Promise<string>
  /** Rejects when a daemon ends, with what it said. */
  readonly over: Promise<never>
  /** As lsp-set-port-security does, without the time that ovn-nbctl takes for itself: it reads the whole database first. */
  readonly setPortSecurity: (port: string, owned: readonly string[]) => Promise<void>
  /** Of its processes; ovn-controller's own first. The switch's are none of them. */
  readonly pids: () => readonly number[]
  /** Of ovn-controller: the signal, and its end; then it is started again. */
  readonly restartController: (signal: 'SIGTERM' | 'SIGKILL') => Promise<void>
}

/** Everything in the switch's enclosure, and gone with it. */
export async function startOvn(sw: Switch): Promise<Ovn> {
  const dir = sw.rundir
  const env = { ...sw.env, OVN_RUNDIR: dir, OVN_DBDIR: dir, OVN_LOGDIR: dir, OVN_SYSCONFDIR: dir }
  const socket = (name: string): string => `unix:${join(dir, `${name}.sock`)}`
  const [nb, sb, local] = ['ovn-nb', 'ovn-sb', 'db'].map(socket) as [string, string, string]
  const start = (program: string, ...args: readonly string[]): Promise<Daemon> =>
    startDaemon(sw.enclosure, [program, '-vconsole:emer', ...args], { env })
  const client =
    (program: string, db: string) =>
    async (...args: readonly string[]): Promise<string> =>
      (await run([program, `--db=${db}`, '--timeout=60', ...args], { env })).stdout

  const servers: Daemon[] = []
  for (const name of ['ovn-nb', 'ovn-sb']) {
    const file = join(dir, `${name}.db`)
    await run(['ovsdb-tool', 'create', file, join(SCHEMAS, `${name}.ovsschema`)])
    const path = join(dir, `${name}.sock`)
    const server = await start('ovsdb-server', `--remote=punix:${path}`, file)
    await Promise.race([made(path), over('ovsdb-server', server)])
    servers.push(server)
  }
  const nbctl = client('ovn-nbctl', nb)
  await nbctl('init')
  await client('ovn-sbctl', sb)('init')
  const ids = {
    'ovn-remote': sb,
    'ovn-encap-type': 'geneve',
    'ovn-encap-ip': '127.0.0.1',
    'ovn-bridge-datapath-type': 'netdev',
  }
  const columns = Object.entries(ids).map(([key, value]) => `external_ids:${key}=${value}`)
  await sw.vsctl('set', 'Open_vSwitch', '.', ...columns)
  const northd = await start('ovn-northd', `--ovnnb-db=${nb}`, `--ovnsb-db=${sb}`)
  let controller = await start('ovn-controller', local)
  const ended = Promise.race([over('ovn-northd', northd), over('ovn-controller', controller)])
  ended.catch(() => {}) // for whoever waits for it
  return {
    nbctl,
    over: ended,
    async setPortSecurity(port, owned) {
      const row = { port_security: ['set', owned] }
      const where = [['name', '==', port]]
      const update = { op: 'update', table: 'Logical_Switch_Port', where, row }
      await transact(join(dir, 'ovn-nb.sock'), [update], 'OVN_Northbound')
    },
    pids: () => [controller, northd, ...servers].map(({ pid }) => pid),
    async restartController(signal) {
      await controller.stop(signal)
      controller = await start('ovn-controller', local)
    },
  }
}

async function over(program: string, daemon: Daemon): Promise<never> {
  const code = await daemon.ended
  throw new Error(`${program} ended with ${code}: ${daemon.said().trim()}`)
}

/** The database server takes connections once its socket is there. */
async function made(path: string): Promise<void> {
  for (;;) {
    if (await there(path)) return
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

function there(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
