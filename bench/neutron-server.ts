// A real Neutron beside a switch of ours: its server, its agent for Open vSwitch, and what those need. No authentication, and each
// program as it is by default else; the database keeps its word about what is on the disk. Its agent keeps ports from claiming other
// MACs and other addresses in ARP and ND (`noop`); with security groups, it also looks at IP, and tracks connections (`openvswitch`).
//
//   HTTP ──► neutron-server ──► MariaDB
//                 └── RabbitMQ ── neutron-openvswitch-agent ──► br-int
//
// Everything runs in the switch's enclosure, and is gone with it.

import { access, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Daemon, RunOptions, Switch } from '@portward/testkit'
import { startDaemon, startSwitch } from '@portward/testkit'
import { progress } from './lab.ts'
import { memoryOf, processesBeside } from './memory.ts'

export type Neutron = AsyncDisposable & {
  readonly sw: Switch
  /** On 127.0.0.1, in the network namespace of the enclosure. */
  readonly port: number
  /** MB that its programs need, without those of Open vSwitch. */
  readonly memory: () => Promise<number>
  /** MB that its agent needs, with what that has started. */
  readonly agentMemory: () => Promise<number>
  /** The signal, and its end; then it is started again. */
  readonly restartAgent: (signal: 'SIGTERM' | 'SIGKILL') => Promise<void>
  /** Resolves when the agent that was started last has seen to all ports, and removed what flows were there before. */
  readonly agentDone: () => Promise<void>
}

/** What judges frames: `noop` leaves that to the few flows by which the agent itself stops spoofed MAC, ARP and ND. */
export type FirewallDriver = 'noop' | 'openvswitch'

/** Of its agent. */
const HOST = 'bench'
/** Fields of a port there, as Nova would have them. */
export const PLACED = { 'binding:host_id': HOST, device_owner: 'compute:nova' } as const

// Each alone in its network namespace, so it may have its usual port.
const API_PORT = 9696
const AMQP_PORT = 5672
const DB_PORT = 3306
const OPENFLOW_PORT = 6633

const RABBITMQ = '/usr/lib/rabbitmq/bin/rabbitmq-server'
const PROGRAMS = [
  '/usr/bin/neutron-server',
  '/usr/bin/neutron-openvswitch-agent',
  RABBITMQ,
  '/usr/sbin/mariadbd',
]

/** Why there can be none here, and what to do about it. */
export async function neutronMissing(): Promise<string | undefined> {
  for (const program of PROGRAMS) {
    const there = await access(program).then(
      () => true,
      () => false,
    )
    if (!there)
      return `there is no ${program}: script/setup bench installs Neutron and what it needs`
  }
  return undefined
}

/** Resolves once its API answers and its agent is alive. */
export async function startNeutron(firewall: FirewallDriver = 'noop'): Promise<Neutron> {
  const sw = await startSwitch()
  try {
    const site = siteOf(sw)
    await Promise.all([startRabbit(site), startDatabase(site)])
    const config = await configure(site, firewall)
    progress('Neutron: making its tables')
    await site.run(['neutron-db-manage', ...config, 'upgrade', 'head'])
    progress('Neutron: starting its server')
    const server = await site.start(['neutron-server', ...config])
    await answering(sw, server, API_PORT)
    progress('Neutron: starting its agent')
    const log = site.file('agent.log')
    const startAgent = (): Promise<Daemon> =>
      site.start(['neutron-openvswitch-agent', ...config, '--log-file', log])
    let agent = await startAgent()
    await agentAlive(sw, agent)
    const memoryOfThose = async (
      which: (each: { readonly pid: number; readonly name: string }) => boolean,
    ): Promise<number> => {
      const beside = await processesBeside(sw.enclosure.pid)
      return await memoryOf(beside.filter(which).map(({ pid }) => pid))
    }
    return {
      sw,
      port: API_PORT,
      memory: () => memoryOfThose(({ name }) => !NOT_NEUTRON.test(name)),
      // Those that a killed one has left behind are older.
      agentMemory: () => memoryOfThose(({ pid, name }) => pid >= agent.pid && AGENT.test(name)),
      async restartAgent(signal) {
        await agent.stop(signal)
        await rm(log)
        agent = await startAgent()
      },
      async agentDone() {
        while (!(await readFile(log, 'utf8').catch(() => '')).includes(CLEANED)) {
          await stillThere(agent)
        }
      },
      [Symbol.asyncDispose]: () => sw[Symbol.asyncDispose](),
    }
  } catch (error) {
    await sw[Symbol.asyncDispose]()
    throw error
  }
}

/** The switch, the enclosure's first process, and our own load. */
const NOT_NEUTRON = /^(?:ovs|cat$|node|MainThread)/
/** As the kernel shortens it; and the one that has its privileges. */
const AGENT = /^(?:neutron-openvsw|privsep-helper$)/
/** In its log once, when it is through with all ports for the first time. */
const CLEANED = 'cleanup stale flows'

type Site = {
  readonly sw: Switch
  readonly file: (name: string) => string
  readonly start: (argv: readonly string[], env?: Environment) => Promise<Daemon>
  readonly run: (argv: readonly string[], options?: RunOptions) => Promise<unknown>
}
type Environment = Readonly<Record<string, string>>

// Their programs look for each other in /proc, and for the switch in its usual place.
const AT_HOME =
  'mount -t proc proc /proc; mkdir -p /run/openvswitch; mount --bind "$1" /run/openvswitch; shift; exec "$@"'

function siteOf(sw: Switch): Site {
  const { enclosure, rundir } = sw
  const apart = (argv: readonly string[]): readonly string[] => [
    'unshare',
    '--mount',
    'sh',
    '-ec',
    AT_HOME,
    'sh',
    rundir,
    ...argv,
  ]
  const env = { ...sw.env, HOME: rundir, PYTHONWARNINGS: 'ignore' }
  return {
    sw,
    file: (name) => join(rundir, name),
    start: (argv, more) => startDaemon(enclosure, apart(argv), { env: { ...env, ...more } }),
    run: (argv, options) => enclosure.run(apart(argv), { ...options, env }),
  }
}

async function startRabbit({ sw, file, start }: Site): Promise<void> {
  const rabbit = await start([RABBITMQ], {
    RABBITMQ_NODENAME: 'bench@localhost',
    RABBITMQ_MNESIA_BASE: file('mnesia'),
    RABBITMQ_LOG_BASE: file('rabbit-log'),
    RABBITMQ_PID_FILE: file('rabbit.pid'),
    RABBITMQ_NODE_PORT: String(AMQP_PORT),
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_ENABLED_PLUGINS_FILE: file('rabbit-plugins'),
    RABBITMQ_CONFIG_FILE: file('rabbit-config'),
  })
  await answering(sw, rabbit, AMQP_PORT)
}

async function startDatabase({ sw, file, start, run }: Site): Promise<void> {
  const data = `--datadir=${file('mariadb')}`
  await run([
    'mariadb-install-db',
    '--no-defaults',
    '--user=root',
    data,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
  ])
  const socket = `--socket=${file('mariadb.sock')}`
  const mariadb = await start([
    'mariadbd',
    '--no-defaults',
    '--user=root',
    data,
    socket,
    `--pid-file=${file('mariadb.pid')}`,
    '--bind-address=127.0.0.1',
    `--port=${DB_PORT}`,
  ])
  await answering(sw, mariadb, DB_PORT)
  const input = `
    CREATE DATABASE neutron CHARACTER SET utf8;
    CREATE USER neutron@'127.0.0.1' IDENTIFIED BY 'neutron';
    GRANT ALL ON neutron.* TO neutron@'127.0.0.1';`
  await run(['mariadb', '--no-defaults', '-u', 'root', socket], { input })
}

/** The flags that name the file. */
async function configure({ file }: Site, firewall: FirewallDriver): Promise<readonly string[]> {
  const path = file('neutron.conf')
  await mkdir(file('policy.d'), { recursive: true })
  await writeFile(
    path,
    `[DEFAULT]
host = ${HOST}
state_path = ${file('neutron')}
auth_strategy = noauth
api_paste_config = /etc/neutron/api-paste.ini
core_plugin = ml2
service_plugins =
bind_host = 127.0.0.1
bind_port = ${API_PORT}
transport_url = rabbit://guest:guest@127.0.0.1:${AMQP_PORT}/
notify_nova_on_port_status_changes = false
notify_nova_on_port_data_changes = false
dhcp_agent_notification = false
[database]
connection = mysql+pymysql://neutron:neutron@127.0.0.1:${DB_PORT}/neutron?charset=utf8
[oslo_concurrency]
lock_path = ${file('locks')}
[oslo_policy]
policy_dirs = ${file('policy.d')}
[quotas]
quota_network = -1
quota_subnet = -1
quota_port = -1
[ml2]
type_drivers = local
tenant_network_types = local
mechanism_drivers = openvswitch
extension_drivers = port_security
[agent]
root_helper =
[ovs]
datapath_type = netdev
ovsdb_connection = unix:${file('db.sock')}
of_listen_port = ${OPENFLOW_PORT}
[securitygroup]
firewall_driver = ${firewall}
`,
  )
  return ['--config-file', path]
}

/** Waits until something listens there, in the enclosure's network namespace. */
async function answering({ enclosure }: Switch, daemon: Daemon, port: number): Promise<void> {
  const attempt = ['bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/${port}`]
  for (;;) {
    const { code } = await enclosure.run(attempt, { accept: [0, 1] })
    if (code === 0) return
    await stillThere(daemon)
  }
}

async function agentAlive({ enclosure }: Switch, agent: Daemon): Promise<void> {
  const url = `http://127.0.0.1:${API_PORT}/v2.0/agents?alive=true&fields=id`
  for (;;) {
    const { stdout } = await enclosure.run(['curl', '-sS', url])
    if ((JSON.parse(stdout) as { agents: unknown[] }).agents.length > 0) return
    await stillThere(agent)
  }
}

async function stillThere(daemon: Daemon): Promise<void> {
  if (!daemon.running()) throw new Error(`it has ended: ${daemon.said().trim()}`)
  await new Promise((resolve) => setTimeout(resolve, 100))
}
