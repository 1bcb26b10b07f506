// The commands. up, server and agent are daemons; the rest ask a server over its HTTP API.

import { flushCompileCache } from 'node:module'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import type { AccessFlags } from './access.ts'
import { accessOf } from './access.ts'
import type { Api } from './api.ts'
import { DEFAULT_API, openApi } from './api.ts'
import { printable } from './columns.ts'
import { Complaint } from './complaint.ts'
import type { Config } from './config.ts'
import { CONFIG_FILE, TOKEN_FILE, configOf, truthOf } from './config.ts'
import { explainFrame } from './explain.ts'
import { listFlows } from './flows.ts'
import type { Found } from './found.ts'
import { showHistory } from './history.ts'
import { listPorts, showPort } from './ports.ts'
import { protect, unprotect } from './protect.ts'
import { showStatus } from './status.ts'
import type { Place } from './store/place.ts'
import { placeOf } from './store/place.ts'
import type { NewToken } from './token.ts'
import { VERSION } from './version.ts'

type Asking = AccessFlags & { readonly api: string; readonly json?: true }

const program = new Command('portward')
  .description('Port security for Open vSwitch: a port may speak only as itself.')
  .version(VERSION)
  .showHelpAfterError('(`portward help` shows the commands)')
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error:/, 'portward:')) })
  .exitOverride()

keepsState(
  guards(serves(daemon('up', 'server and agent in one process, for this host'))),
  'sqlite:FILE, or etcd:URL[,URL…] (default: sqlite:, in the state)',
).action(async (flags: DaemonFlags) => {
  const { up } = await import('./up.ts')
  await runs(up, flags)
})

keepsStore(
  serves(daemon('server', 'the API alone, for agents elsewhere')),
  'etcd:URL[,URL…]: what servers and agents share',
).action(async (flags: DaemonFlags) => {
  const { server } = await import('./server.ts')
  await runs(server, flags)
})

keepsState(
  guards(daemon('agent', 'the agent of this host alone')),
  'etcd:URL[,URL…]: what servers and agents share',
).action(async (flags: DaemonFlags) => {
  const { agent } = await import('./agent.ts')
  await runs(agent, flags)
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

guards(
  asks(
    program
      .command('verify')
      .description('on the host itself: does the switch do what is declared? the status says'),
  ),
)
  .option('--config <FILE>', `settings in TOML (default: ${CONFIG_FILE}, if it is there)`)
  .argument('[PORT]', 'only this port: its id or name')
  .action(async (which: string | undefined, options: Asking & DaemonFlags) => {
    const { api: _api, tokenFrom: _token, ca: _ca, json: _json, ...flags } = options
    const config = await configOf(settingsOf(flags), flags.config, process.env)
    const { verify } = await import('./verify.ts')
    await answer(options, (api) => verify(api, config, { which, signal: shutdown() }))
  })

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

asks(
  program.command('history').description('who changed a port, when, and what it was allowed then'),
)
  .argument('<PORT>', 'its id or name; of a port that is gone, its id')
  .option('--at <TIME>', 'what it was at that time, such as 2026-11-25T12:00:00Z')
  .option('--limit <N>', 'how many changes, the newest first', numeric, 20)
  .action((which: string, options: Asking & { at?: string; limit: number }) =>
    answer(options, (api) => showHistory(api, { which, at: options.at, limit: options.limit })),
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

asks(program.command('apply').description('make networks, subnets and ports what files declare'))
  .requiredOption(
    '-f, --file <FILE>',
    'a declaration in YAML, - for standard input; again for more',
    gather,
  )
  .option('--dry-run', 'only show what would change: the status is 3 if anything would')
  .option('--prune', 'delete what apply has made and none of the files declares')
  .option('--yes', 'delete without asking')
  .action(async (options: Asking & ApplyFlags) => {
    const { file: files, dryRun = false, prune = false, yes = false, json = false } = options
    const wish = { files, dryRun, prune, yes, json }
    const { apply, openTerminal } = await import('./declare/apply.ts')
    process.exitCode = await apply(await apiOf(options), wish, openTerminal())
  })

asks(program.command('export').description('what there is, as a file that apply takes'))
  .option('--network <NAME>', 'only this network')
  .action(async (options: Asking & { network?: string }) => {
    const { exportState } = await import('./declare/export.ts')
    await answer(options, (api) => exportState(api, options.network))
  })

type ApplyFlags = {
  readonly file: readonly string[]
  readonly dryRun?: true
  readonly prune?: true
  readonly yes?: true
}

const storeCommands = program
  .command('store')
  .description('the store itself: all of it copied, and who may use it')
tendsStore(
  storeCommands.command('migrate').description('all of one store into another, an empty one'),
)
  .argument('<FROM>', 'sqlite:FILE or etcd:URL[,URL…]; no server uses it meanwhile')
  .argument('<TO>', 'likewise')
  .action(async (from: string, to: string, options: StoreFlags) => {
    const { migrateStore } = await import('./store/command.ts')
    const places = [await placeIn(options, from), await placeIn(options, to)] as const
    show(await migrateStore(...places, showProgress), options)
  })
tendsStore(storeCommands.command('backup').description('all of a store into a file'))
  .argument('<FILE>', 'is replaced once all is written')
  .option('--store <STORE>', 'which (default: as for portward up)')
  .action(async (file: string, options: StoreFlags) => {
    const { backupStore } = await import('./store/command.ts')
    show(await backupStore(await placeIn(options), file, showProgress), options)
  })
tendsStore(storeCommands.command('restore').description('all of a file into a store, an empty one'))
  .argument('<FILE>', 'what backup has written')
  .option('--store <STORE>', 'which (default: as for portward up)')
  .action(async (file: string, options: StoreFlags) => {
    const { restoreStore } = await import('./store/command.ts')
    show(await restoreStore(file, await placeIn(options), showProgress), options)
  })

tendsStore(storeCommands.command('grant').description('an agent, or all servers, may use etcd'))
  .argument('[HOST]', 'whose agent: portward-agent-HOST is the name in its certificate')
  .option('--server', 'all servers instead: portward-server')
  .option('--store <STORE>', 'etcd:URL[,URL…]')
  .action(async (host: string | undefined, { server, ...options }: StoreFlags) => {
    if ((host === undefined) !== (server === true)) {
      throw new Complaint('say whose: HOST for its agent, or --server for all servers', 2)
    }
    const { grantRole } = await import('./store/grant.ts')
    show(await grantRole(await placeIn(options), host), options)
  })
tendsStore(storeCommands.command('revoke').description('an agent may no longer use etcd'))
  .argument('<HOST>', 'whose')
  .option('--store <STORE>', 'etcd:URL[,URL…]')
  .action(async (host: string, options: StoreFlags) => {
    const { revokeRole } = await import('./store/grant.ts')
    show(await revokeRole(await placeIn(options), host), options)
  })

type StoreFlags = DaemonFlags & { readonly json?: true }

function tendsStore(command: Command): Command {
  return meetsEtcd(command)
    .option('--config <FILE>', `settings in TOML (default: ${CONFIG_FILE}, if it is there)`)
    .option('--state <DIR>', 'where the state is kept (default: /var/lib/portward)')
    .option('--json', 'print JSON, for programs')
}

/** `store` instead of what the settings say. What is shown to etcd is of no use to a file. */
async function placeIn({ json: _json, ...flags }: StoreFlags, store?: string): Promise<Place> {
  const given = { ...settingsOf(flags), ...(store !== undefined && { store }) }
  const config = await configOf(given, flags.config, process.env)
  const none = { store_ca: '', store_cert: '', store_key: '' }
  return placeOf(store?.startsWith('sqlite:') ? { ...config, ...none } : config)
}

/** On a terminal, in one line that it writes again and again. */
function showProgress(done: number, all: number): void {
  if (!process.stderr.isTTY || (done % 1000 > 0 && done < all)) return
  process.stderr.write(`\r${done} of ${all}${done < all ? '' : '\n'}`)
}

const token = program.command('token').description('who may ask a server with auth = "tokens"')
keepsTokens(token.command('create').description('make a token, and print it: once, and alone'))
  .requiredOption('--name <NAME>', 'what it is called, in the log and to revoke it')
  .requiredOption('--project <PROJECT>', 'the project its requests belong to')
  .requiredOption('--role <ROLE>', 'admin, member or reader')
  .option('--expires <TIME>', 'such as 30d or 12h, or a date in UTC (default: never)')
  .action(async ({ file, ...asked }: TokenFlags & NewToken) => {
    const { USAGE, createToken } = await import('./token.ts')
    process.stdout.write(`${await createToken(file, asked)}\n`)
    process.stderr.write(USAGE)
  })
keepsTokens(token.command('list').description('the tokens there are, without what to send'))
  .option('--json', 'print JSON, for programs')
  .action(async ({ file, ...options }: TokenFlags) => {
    const { listTokens } = await import('./token.ts')
    show(await listTokens(file), options)
  })
keepsTokens(token.command('revoke').description('a token counts for nothing from now on'))
  .argument('<NAME>', 'what it is called')
  .action(async (name: string, { file }: TokenFlags) => {
    const { revokeToken } = await import('./token.ts')
    show(await revokeToken(file, name), {})
  })

type TokenFlags = { readonly file: string; readonly json?: true }

function keepsTokens(command: Command): Command {
  return command.option('--file <FILE>', 'where the tokens are kept', TOKEN_FILE)
}

type DaemonFlags = {
  readonly config?: string
  readonly uplink?: readonly string[]
  readonly [flag: string]: unknown
}

function daemon(name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .option('--config <FILE>', `settings in TOML (default: ${CONFIG_FILE}, if it is there)`)
    .option('--log-level <LEVEL>', 'debug, info, warn or error (default: info)')
}

/** A daemon's settings are whole and make sense before anything of it is opened. */
async function runs(
  run: (config: Config, signal: AbortSignal) => Promise<void>,
  flags: DaemonFlags,
): Promise<void> {
  const config = await configOf(settingsOf(flags), flags.config, process.env)
  placeOf(config)
  flushCompileCache() // a daemon may end in ways that leave no time for it
  await run(config, shutdown())
}

function serves(command: Command): Command {
  return command
    .option('--listen <HOST:PORT>', 'where the API is served (default: 127.0.0.1:9696)')
    .option(
      '--max-allowed-address-pair <N>',
      'how many pairs a port can have (default: 10)',
      numeric,
    )
    .option('--auth <HOW>', 'how who asks is known: none, tokens or keystone (default: none)')
    .option('--token-file <FILE>', `with --auth tokens: the tokens (default: ${TOKEN_FILE})`)
    .option('--keystone-url <URL>', 'with --auth keystone: where it is')
    .option('--keystone-token-file <FILE>', 'a token that may validate those of others')
    .option('--tls-cert <FILE>', 'serve HTTPS with this certificate, in PEM')
    .option('--tls-key <FILE>', 'and this key')
    .option(
      '--network-type <TYPE>',
      'what a network is unless asked: local or vlan (default: local)',
    )
    .option('--physical-network <NAME>', 'what carries VLANs (default: physnet1)')
    .option('--vlan-range <FIRST:LAST>', 'the VLANs to give out (default: 1:4094)')
    .option('--quota-network <N>', 'how many a project may have; -1: any (default: -1)', numeric)
    .option('--quota-subnet <N>', 'likewise', numeric)
    .option('--quota-port <N>', 'likewise', numeric)
    .option('--quota-rbac-policy <N>', 'likewise', numeric)
    .option('--audit-days <N>', 'for how long changes are kept (default: 365)', numeric)
}

function guards(command: Command): Command {
  return command
    .option('--host <NAME>', 'this host’s name, as in binding:host_id (default: its hostname)')
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

function keepsState(command: Command, stores: string): Command {
  return keepsStore(command, stores).option(
    '--state <DIR>',
    'where the state is kept (default: /var/lib/portward)',
  )
}

function keepsStore(command: Command, stores: string): Command {
  return meetsEtcd(command.option('--store <STORE>', stores))
}

function meetsEtcd(command: Command): Command {
  return command
    .option('--store-ca <FILE>', 'who must have signed etcd’s certificate, in PEM')
    .option('--store-cert <FILE>', 'what to show etcd of oneself, in PEM')
    .option('--store-key <FILE>', 'and its key')
}

/** What is no number is left as it is: the settings say what they want. */
function numeric(text: string): number | string {
  return /^-?\d+$/.test(text) ? Number(text) : text
}

/** Flags to settings: commander calls ovs_rundir `ovsRundir`. What was not given is left out, so that the file or the environment decides. */
function settingsOf(flags: DaemonFlags): Record<string, unknown> {
  const { config: _, uplink, ...others } = flags
  const settings = Object.entries(others).map(([flag, value]) => [
    flag.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    value,
  ])
  return { ...Object.fromEntries(settings), ...(uplink && { uplinks: uplink }) }
}

function asks(command: Command): Command {
  const api = process.env['PORTWARD_API'] ?? DEFAULT_API
  return command
    .option('--api <URL>', 'where the server listens', api)
    .option(
      '--token-from <FILE>',
      'holds the token to send (default: PORTWARD_TOKEN, if it is set)',
    )
    .option('--ca <FILE>', 'who must have signed the server’s certificate (default: PORTWARD_CA)')
    .option('--json', 'print JSON, for programs')
}

async function answer(options: Asking, ask: (api: Api) => Promise<Found>): Promise<void> {
  show(await ask(await apiOf(options)), options)
}

async function apiOf(options: Asking): Promise<Api> {
  return openApi(options.api, { token: await accessOf(options, process.env) })
}

function show(found: Found, { json }: { readonly json?: true }): void {
  process.stdout.write(`${json ? JSON.stringify(found.json, undefined, 2) : found.text}\n`)
  if (found.alarm === undefined) return
  process.stderr.write(found.alarm)
  process.exitCode = 1
}

function gather(value: string, before: string[] = []): string[] {
  if (value === '') throw new InvalidArgumentError('It is empty.')
  return [...before, value]
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
