// The commands. up, server and agent are daemons; the rest ask a server over its HTTP API.

import { flushCompileCache } from 'node:module'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import type { Api } from './api.ts'
import { DEFAULT_API, openApi } from './api.ts'
import { printable } from './columns.ts'
import { Complaint } from './complaint.ts'
import type { Settings } from './config.ts'
import { CONFIG_FILE, configOf, truthOf } from './config.ts'
import { explainFrame } from './explain.ts'
import { listFlows } from './flows.ts'
import { listPorts, showPort } from './ports.ts'
import { protect, unprotect } from './protect.ts'
import { showStatus } from './status.ts'
import { VERSION } from './version.ts'

/** What a command found out: for a program, and for a person. */
type Found = {
  readonly json: unknown
  readonly text: string
  /** What is wrong beyond what was asked: it goes to standard error, and the status is 1. */
  readonly alarm?: string
}
type Asking = { readonly api: string; readonly json?: true }

const program = new Command('portward')
  .description('Port security for Open vSwitch: a port may speak only as itself.')
  .version(VERSION)
  .showHelpAfterError('(`portward help` shows the commands)')
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error:/, 'portward:')) })
  .exitOverride()

daemon('up', 'server, agent and SQLite in one process, for this host')
  .option('--listen <HOST:PORT>', 'where the API is served (default: 127.0.0.1:9696)')
  .option('--state <DIR>', 'where the state is kept (default: /var/lib/portward)')
  .option('--host <NAME>', 'this host’s name, as in binding:host_id (default: its hostname)')
  .option('--max-allowed-address-pair <N>', 'how many pairs a port can have (default: 10)', numeric)
  .action(async (flags: DaemonFlags) => {
    const config = await configOf(settingsOf(flags), flags.config, process.env)
    const { up } = await import('./up.ts')
    flushCompileCache() // a daemon may end in ways that leave no time for it
    await up(config, shutdown())
  })

daemon('server', 'the API alone')
  .option('--listen <HOST:PORT>', 'where the API is served (default: 127.0.0.1:9696)')
  .requiredOption('--store <STORE>', 'sqlite:FILE, or etcd:URL[,URL…]')
  .action(() => {
    throw apart('server')
  })

daemon('agent', 'the agent of this host alone')
  .option('--host <NAME>', 'this host’s name, as in binding:host_id (default: its hostname)')
  .requiredOption('--store <STORE>', 'etcd:URL[,URL…]')
  .action(() => {
    throw apart('agent')
  })

asks(
  program.command('status').description('the hosts, the ports, and who is silent and why'),
).action((options: Asking) => answer(options, showStatus))

const port = program.command('port').description('the ports that are declared')
asks(port.command('list').description('all ports')).action((options: Asking) =>
  answer(options, listPorts),
)
asks(port.command('show').description('what a port may claim, and what has become of it'))
  .argument('<PORT>', 'its id or name')
  .action((which: string, options: Asking) => answer(options, (api) => showPort(api, which)))

asks(program.command('flows').description('the bridge’s flows in words, with their frames'))
  .argument('[PORT]', 'only those of this port: its id or name')
  .action((which: string | undefined, options: Asking) =>
    answer(options, (api) => listFlows(api, which)),
  )

asks(
  program
    .command('explain')
    .description('why a frame of a port passes or not, and what would let it'),
)
  .argument('<PORT>', 'its id, name or interface')
  .argument(
    '[FRAME...]',
    'its bytes as hex; words such as `arp 10.0.0.9`, `ra`; with --pcap a packet’s number',
  )
  .option('--pcap <FILE>', 'take the frame from a capture (default: its first packet)')
  .option('--offline', 'ask no switch')
  .action((which: string, words: string[], options: Asking & { pcap?: string; offline?: true }) =>
    answer(options, (api) =>
      explainFrame(api, { which, words, pcap: options.pcap, offline: options.offline ?? false }),
    ),
  )

asks(program.command('protect').description('make an interface on the bridge a port, and guard it'))
  .argument('<IFACE>', 'an interface that hangs on the bridge')
  .requiredOption('--ip <ADDRESS>', 'an address it may claim; again for more', gather)
  .option('--mac <MAC>', 'the guest’s MAC (default: the interface’s attached-mac)')
  .option('--host <NAME>', 'the host it is on (default: the server’s own)')
  .action((iface: string, options: Asking & { ip: string[]; mac?: string; host?: string }) =>
    answer(options, (api) =>
      protect(api, { iface, ips: options.ip, mac: options.mac, host: options.host }),
    ),
  )

asks(program.command('unprotect').description('undo protect: the port and its flows go'))
  .argument('<IFACE>', 'an interface that was protected')
  .option('--host <NAME>', 'the host it is on (default: the server’s own)')
  .action((iface: string, options: Asking & { host?: string }) =>
    answer(options, (api) => unprotect(api, iface, options.host)),
  )

type DaemonFlags = {
  readonly config?: string
  readonly ovsRundir?: string
  readonly bridge?: string
  readonly bridgeMode?: string
  readonly uplink?: string[]
  readonly isolate?: boolean | string
  readonly listen?: string
  readonly state?: string
  readonly host?: string
  readonly logLevel?: string
  readonly maxAllowedAddressPair?: number | string
}

function daemon(name: string, description: string): Command {
  const command = program
    .command(name)
    .description(description)
    .option('--config <FILE>', `settings in TOML (default: ${CONFIG_FILE}, if it is there)`)
    .option('--log-level <LEVEL>', 'debug, info, warn or error (default: info)')
  if (name === 'server') return command
  return command
    .option('--ovs-rundir <DIR>', 'the switch’s run directory (default: /var/run/openvswitch)')
    .option('--bridge <NAME>', 'the bridge to guard (default: br-int)')
    .option(
      '--bridge-mode <MODE>',
      'own, shared, or auto: own if it has fail_mode=secure and no flow of another’s',
    )
    .option('--uplink <IFACE>', 'an interface that carries the network; again for more', gather)
    .option(
      '--isolate <BOOLEAN>',
      'on a bridge of our own, keep floods for others from guarded ports (default: true)',
      truthOf,
    )
}

/** What is no number is left as it is: the settings say what they want. */
function numeric(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text
}

/** Flags to settings; what was not given is left out, so that the file or the environment decides. */
function settingsOf(flags: DaemonFlags): Settings {
  const settings = {
    ovs_rundir: flags.ovsRundir,
    bridge: flags.bridge,
    bridge_mode: flags.bridgeMode,
    uplinks: flags.uplink,
    isolate: flags.isolate,
    listen: flags.listen,
    state: flags.state,
    host: flags.host,
    log_level: flags.logLevel,
    max_allowed_address_pair: flags.maxAllowedAddressPair,
  }
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
}

function asks(command: Command): Command {
  const api = process.env['PORTWARD_API'] ?? DEFAULT_API
  return command
    .option('--api <URL>', 'where the server listens', api)
    .option('--json', 'print JSON, for programs')
}

async function answer({ api, json }: Asking, ask: (api: Api) => Promise<Found>): Promise<void> {
  const found = await ask(openApi(api))
  process.stdout.write(`${json ? JSON.stringify(found.json, undefined, 2) : found.text}\n`)
  if (found.alarm === undefined) return
  process.stderr.write(found.alarm)
  process.exitCode = 1
}

function gather(value: string, before: string[] = []): string[] {
  if (value === '') throw new InvalidArgumentError('It is empty.')
  return [...before, value]
}

function apart(name: string): Complaint {
  return new Complaint(
    `${name}: server and agents apart from each other need etcd, which this version does not speak yet; ` +
      'for one host, `portward up` runs both in one process',
    2,
  )
}

function shutdown(): AbortSignal {
  const end = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => end.abort())
  return end.signal
}

/** The exit status: 1 for what failed, 2 for what was asked wrongly. Says what it was, where commander has not said it. */
function statusOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  const sentence = error instanceof Error ? error.message : String(error)
  process.stderr.write(`portward: ${printable(sentence)}\n`)
  if (process.env['PORTWARD_TRACE'] !== undefined && error instanceof Error) {
    process.stderr.write(`${error.stack}\n`)
  }
  return error instanceof Complaint ? error.status : 1
}

// Whoever read the output may stop reading, as `head` does: a daemon goes on, and a command has nothing more to say.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = statusOf(error)
}
