// A private Open vSwitch: ovsdb-server, ovs-vswitchd and one bridge, in an enclosure of their own. It shares nothing with
// an Open vSwitch of the machine: every directory OVS knows of is the enclosure's.

import { readFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import type { Daemon } from './daemon.ts'
import { startDaemon } from './daemon.ts'
import { openEnclosure } from './enclosure.ts'
import type { Enclosure } from './enclosure.ts'
import type { FlowWatch } from './flow-watch.ts'
import { watchFlows } from './flow-watch.ts'
import type { Guest, GuestOptions } from './guest.ts'
import { addGuest } from './guest.ts'
import type { PortOptions } from './ports.ts'
import { addPorts, removePorts } from './ports.ts'
import type { RunOptions } from './run.ts'
import { run } from './run.ts'

export type SwitchOptions = {
  /** Default `br-int`. */
  readonly bridge?: string
  /** Default `secure`. */
  readonly failMode?: 'secure' | 'standalone'
  /** `auto` is the kernel module where it can be loaded, else the userspace datapath. Default `netdev`. */
  readonly datapath?: 'netdev' | 'system' | 'auto'
}

export type Switch = AsyncDisposable & {
  readonly enclosure: Enclosure
  /** Run directory: `db.sock`, `BRIDGE.mgmt`, `ovs-vswitchd.PID.ctl`, logs. */
  readonly rundir: string
  readonly bridge: string
  readonly datapath: 'netdev' | 'system'
  /** Of ovs-vswitchd; changes with a restart. */
  readonly pid: () => number
  /** Environment for programs of Open vSwitch, so that they speak to this switch. */
  readonly env: Readonly<Record<string, string>>
  /** Each takes the arguments of its program and gives its standard output. */
  readonly vsctl: (...args: readonly string[]) => Promise<string>
  readonly ofctl: (...args: readonly string[]) => Promise<string>
  /** `ovs-appctl` of ovs-vswitchd. */
  readonly appctl: (...args: readonly string[]) => Promise<string>
  /** Standard input for `ovs-ofctl … -`. */
  readonly ofctlWith: (input: string, ...args: readonly string[]) => Promise<string>
  /** Names of OpenFlow ports and their numbers, as the switch has them; -1 where it could not make the port. */
  readonly ofports: () => Promise<ReadonlyMap<string, number>>
  /** A station with a network of its own, plugged into the bridge. */
  readonly addGuest: (guest: GuestOptions) => Promise<Guest>
  /** Ports with nothing behind them, many at little cost; answers when the switch has numbered them all. */
  readonly addPorts: (ports: readonly PortOptions[]) => Promise<void>
  readonly removePorts: (names: readonly string[]) => Promise<void>
  /** `external_ids:iface-id` of an interface; null removes it. */
  readonly setIfaceId: (iface: string, ifaceId: string | null) => Promise<void>
  /** An observer apart from whoever writes flows: every change of a flow, with the time it was told here. */
  readonly watchFlows: () => Promise<FlowWatch>
  /** The signal (default SIGTERM) and its end, then started again: flows are lost, as in a restart of the service. */
  readonly restartVswitchd: (signal?: 'SIGTERM' | 'SIGKILL') => Promise<void>
  /** SIGKILL; `startVswitchd` brings it back. */
  readonly killVswitchd: () => Promise<void>
  readonly startVswitchd: () => Promise<void>
  readonly restartOvsdb: (signal?: 'SIGTERM' | 'SIGKILL') => Promise<void>
  readonly killOvsdb: () => Promise<void>
  readonly startOvsdb: () => Promise<void>
}

/** Opens a switch; needs root. Everything of it is gone when it is disposed of, or this process ends in any way. */
export async function startSwitch(options: SwitchOptions = {}): Promise<Switch> {
  const enclosure = await openEnclosure()
  try {
    return await switchIn(enclosure, options)
  } catch (error) {
    await enclosure[Symbol.asyncDispose]()
    throw error
  }
}

async function switchIn(enclosure: Enclosure, options: SwitchOptions): Promise<Switch> {
  const { bridge = 'br-int', failMode = 'secure' } = options
  const datapath = await datapathOf(options.datapath ?? 'netdev')
  const dir = enclosure.dir
  const file = (name: string): string => join(dir, name)
  const env = { OVS_RUNDIR: dir, OVS_DBDIR: dir, OVS_LOGDIR: dir, OVS_SYSCONFDIR: dir }
  const program = async (argv: readonly string[], more: RunOptions = {}): Promise<string> =>
    (await run(argv, { ...more, env })).stdout
  const vsctl = (...args: readonly string[]): Promise<string> =>
    program(['ovs-vsctl', '--timeout=60', ...args])

  // As ovs-appctl finds it, which can't do so itself from outside of the process namespace that the number is of.
  const controlSocket = async (): Promise<string> =>
    file(`ovs-vswitchd.${(await readFile(file('ovs-vswitchd.pid'), 'utf8')).trim()}.ctl`)

  let ovsdb: Daemon | undefined
  let vswitchd: Daemon | undefined

  const startOvsdb = async (): Promise<void> => {
    const unixctl = `--unixctl=${file('ovsdb-server.ctl')}`
    const args = [`--remote=punix:${file('db.sock')}`, unixctl, '-vconsole:emer', '--log-file']
    ovsdb = await startDaemon(enclosure, ['ovsdb-server', ...args, file('conf.db')], { env })
    await answering(ovsdb, async () => file('db.sock'))
  }
  const startVswitchd = async (): Promise<void> => {
    // Dummy devices cost the userspace datapath nothing, and it would not make them unasked.
    const kind = datapath === 'netdev' ? ['--disable-system', '--enable-dummy'] : []
    const args = [...kind, '--pidfile', '-vconsole:emer', '--log-file']
    const remote = `unix:${file('db.sock')}`
    vswitchd = await startDaemon(enclosure, ['ovs-vswitchd', ...args, remote], { env })
    await answering(vswitchd, controlSocket)
  }

  await program([
    'ovsdb-tool',
    'create',
    file('conf.db'),
    '/usr/share/openvswitch/vswitch.ovsschema',
  ])
  await startOvsdb()
  const identity = ['set', 'Open_vSwitch', '.', 'external_ids:system-id=lab']
  await vsctl('--no-wait', 'init', '--', ...identity)
  await startVswitchd()
  const settings = [`datapath_type=${datapath}`, `fail_mode=${failMode}`]
  await vsctl('add-br', bridge, '--', 'set', 'Bridge', bridge, ...settings)

  return {
    enclosure,
    rundir: dir,
    bridge,
    datapath,
    env,
    pid: () => vswitchd?.pid ?? 0,
    vsctl,
    ofctl: (...args) => program(['ovs-ofctl', ...args]),
    ofctlWith: (input, ...args) => program(['ovs-ofctl', ...args], { input }),
    appctl: async (...args) =>
      program(['ovs-appctl', '--timeout=60', '-t', await controlSocket(), ...args]),
    async ofports() {
      const csv = ['-f', 'csv', '-d', 'bare', '--no-headings', '--columns=name,ofport']
      const text = await vsctl(...csv, 'list', 'Interface')
      const rows = text
        .trim()
        .split('\n')
        .map((line) => line.split(','))
      return new Map(rows.map(([name = '', ofport = '']) => [name, Number(ofport || '-1')]))
    },
    addGuest: (guest) => addGuest({ enclosure, bridge, vsctl }, guest),
    addPorts: (ports) => addPorts(file('db.sock'), bridge, datapath, ports),
    removePorts: (names) => removePorts(file('db.sock'), bridge, names),
    async setIfaceId(iface, ifaceId) {
      const change =
        ifaceId === null
          ? ['remove', 'Interface', iface, 'external_ids', 'iface-id']
          : ['set', 'Interface', iface, `external_ids:iface-id=${ifaceId}`]
      await vsctl('--no-wait', ...change)
    },
    watchFlows: () => watchFlows(bridge, env),
    async restartVswitchd(signal = 'SIGTERM') {
      await vswitchd?.stop(signal)
      await startVswitchd()
    },
    async killVswitchd() {
      await vswitchd?.stop('SIGKILL')
    },
    startVswitchd,
    async restartOvsdb(signal = 'SIGTERM') {
      await ovsdb?.stop(signal)
      await startOvsdb()
    },
    async killOvsdb() {
      await ovsdb?.stop('SIGKILL')
    },
    startOvsdb,
    [Symbol.asyncDispose]: () => enclosure[Symbol.asyncDispose](),
  }
}

async function datapathOf(wish: 'netdev' | 'system' | 'auto'): Promise<'netdev' | 'system'> {
  if (wish !== 'auto') return wish
  const loaded = await run(['modprobe', 'openvswitch']).catch(() => undefined)
  return loaded === undefined ? 'netdev' : 'system'
}

/** Waits until the daemon takes connections on its socket, the name of which it may yet have to tell. */
async function answering(daemon: Daemon, socketOf: () => Promise<string>): Promise<void> {
  for (;;) {
    const socket = await socketOf().catch(() => undefined)
    if (socket !== undefined && (await connects(socket))) return
    if (!daemon.running()) throw new Error(`it takes no connections: ${daemon.said().trim()}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** Whether something takes connections on this socket. */
export function connects(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ path })
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}
