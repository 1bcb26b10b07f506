// How a daemon is to run: the built-in values, then the configuration file, then the environment, then the flags.
// Each setting has one name in three spellings: `ovs_rundir = "…"` in the file, PORTWARD_OVS_RUNDIR, --ovs-rundir.

import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { TomlError, parse } from 'smol-toml'
import { Type } from 'typebox'
import type { Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { Complaint } from './complaint.ts'

const modes = ['auto', 'own', 'shared'] as const
const auths = ['none', 'tokens', 'keystone'] as const
const networkTypes = ['local', 'vlan'] as const
const levels = ['debug', 'info', 'warn', 'error'] as const
const QUOTA_MAX = 0x7fff_ffff // Neutron's

const file = Type.Object(
  {
    ovs_rundir: Type.Optional(Type.String({ minLength: 1 })),
    bridge: Type.Optional(Type.String({ minLength: 1 })),
    bridge_mode: Type.Optional(Type.Enum([...modes])),
    /** Interfaces that carry the network, and pass on a bridge of our own. */
    uplinks: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
    /** On a bridge of our own: keep what is flooded for others from guarded ports. */
    isolate: Type.Optional(Type.Boolean()),
    listen: Type.Optional(Type.String({ minLength: 1 })),
    state: Type.Optional(Type.String({ minLength: 1 })),
    /** sqlite:FILE or etcd:URL[,URL…]. Empty: sqlite:, and the file is in `state`. */
    store: Type.Optional(Type.String({ minLength: 1 })),
    /** Of etcd: who must have signed its certificate; what this daemon shows of itself, and its key. In PEM. */
    store_ca: Type.Optional(Type.String({ minLength: 1 })),
    store_cert: Type.Optional(Type.String({ minLength: 1 })),
    store_key: Type.Optional(Type.String({ minLength: 1 })),
    host: Type.Optional(Type.String({ minLength: 1 })),
    /** How the server knows who asks: it does not, by `token_file`, or by Keystone. */
    auth: Type.Optional(Type.Enum([...auths])),
    token_file: Type.Optional(Type.String({ minLength: 1 })),
    keystone_url: Type.Optional(Type.String({ minLength: 1 })),
    /** Holds a token that may validate those of others; without it each vouches for itself. */
    keystone_token_file: Type.Optional(Type.String({ minLength: 1 })),
    tls_cert: Type.Optional(Type.String({ minLength: 1 })),
    tls_key: Type.Optional(Type.String({ minLength: 1 })),
    /** Of a network whose request does not say; Neutron's tenant_network_types. Default: local, but vlan where `auth` is not none. */
    network_type: Type.Optional(Type.Enum([...networkTypes])),
    physical_network: Type.Optional(Type.String({ minLength: 1 })),
    /** FIRST:LAST, both included: what VLANs may be given out. */
    vlan_range: Type.Optional(Type.String({ pattern: String.raw`^\d{1,4}:\d{1,4}$` })),
    /** How many a project may have that has no quota of its own; -1: any number. */
    quota_network: Type.Optional(Type.Integer({ minimum: -1, maximum: QUOTA_MAX })),
    quota_subnet: Type.Optional(Type.Integer({ minimum: -1, maximum: QUOTA_MAX })),
    quota_port: Type.Optional(Type.Integer({ minimum: -1, maximum: QUOTA_MAX })),
    quota_rbac_policy: Type.Optional(Type.Integer({ minimum: -1, maximum: QUOTA_MAX })),
    /** For how long changes are kept in the archive. */
    audit_days: Type.Optional(Type.Integer({ minimum: 1, maximum: 36_500 })),
    /** Of one port; Neutron's setting of that name. */
    max_allowed_address_pair: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
    log_level: Type.Optional(Type.Enum([...levels])),
  },
  { additionalProperties: false },
)
const validator = Compile(file)

export type Settings = Static<typeof file>
/** A text that is empty: there is none. */
export type Config = Required<Settings>

export const CONFIG_FILE = '/etc/portward/portward.toml'
export const TOKEN_FILE = '/etc/portward/tokens'

const builtIn: Config = {
  ovs_rundir: '/var/run/openvswitch',
  bridge: 'br-int',
  bridge_mode: 'auto',
  uplinks: [],
  isolate: true,
  listen: '127.0.0.1:9696',
  state: '/var/lib/portward',
  store: '',
  store_ca: '',
  store_cert: '',
  store_key: '',
  host: hostname(),
  auth: 'none',
  token_file: TOKEN_FILE,
  keystone_url: '',
  keystone_token_file: '',
  tls_cert: '',
  tls_key: '',
  network_type: 'local',
  physical_network: 'physnet1',
  vlan_range: '1:4094',
  quota_network: -1,
  quota_subnet: -1,
  quota_port: -1,
  quota_rbac_policy: -1,
  audit_days: 365,
  max_allowed_address_pair: 10,
  log_level: 'info',
}

/**
 * `path` is a file that must exist; without one, CONFIG_FILE is read if it does. Throws a Complaint that names the file,
 * variable or flag, what it says and what it may say.
 */
export async function configOf(
  flags: Readonly<Record<string, unknown>>,
  path: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<Config> {
  const fromFile = await settingsOf(path ?? CONFIG_FILE, path === undefined)
  const fromEnv = checked(settingsIn(env), variableOf)
  const fromFlags = checked(flags, flagOf)
  // As the programs of Open vSwitch are told where it runs.
  const { OVS_RUNDIR: rundir } = env
  const fromOvs = rundir ? { ovs_rundir: rundir } : {}
  const told = { ...fromOvs, ...fromFile, ...fromEnv, ...fromFlags }
  // Where there are projects, their networks are apart.
  const apart =
    told.auth === undefined || told.auth === 'none' ? {} : { network_type: 'vlan' as const }
  return complete({ ...builtIn, ...apart, ...told })
}

/** Throws a Complaint where one setting needs another, or goes for nothing: whoever set it believes that it guards the API. */
function complete(config: Config): Config {
  const { auth, keystone_url: url, tls_cert: cert, tls_key: key } = config
  for (const [name, wanted, without] of [
    ['keystone_url', 'keystone', 'nobody would ask Keystone'],
    ['keystone_token_file', 'keystone', 'nobody would ask Keystone'],
    ['token_file', 'tokens', 'nobody would read it'],
  ] as const) {
    if (auth === wanted || config[name] === builtIn[name]) continue
    const way = `set auth = "${wanted}", or take ${name} away`
    throw new Complaint(`${name} is set, and auth is ${auth}: ${without}; ${way}`, 2)
  }
  if (auth === 'keystone' && url === '') {
    throw new Complaint(
      'auth is keystone, and keystone_url is not set: say where Keystone is, as https://keystone.example.org:5000/v3',
      2,
    )
  }
  if ((cert === '') !== (key === '')) {
    throw new Complaint(
      `${key === '' ? 'tls_key' : 'tls_cert'} is not set: a certificate and its key go together, tls_cert and tls_key`,
      2,
    )
  }
  return config
}

async function settingsOf(path: string, mayBeAbsent: boolean): Promise<Settings> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if (mayBeAbsent && (cause as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new Complaint(`${path}: ${(cause as Error).message}`, 2, { cause })
  }
  return checked(tomlIn(text, path), (name) => `${path}: ${name}`)
}

function tomlIn(text: string, path: string): unknown {
  try {
    return parse(text)
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause
    const [what] = cause.message.split('\n')
    throw new Complaint(`${path}, line ${cause.line}: ${what}`, 2, { cause })
  }
}

function settingsIn(env: NodeJS.ProcessEnv): unknown {
  const settings: Record<string, unknown> = {}
  for (const [name, standing] of Object.entries(builtIn)) {
    const value = env[variableOf(name)]
    if (value !== undefined) settings[name] = likeThe(standing, value)
  }
  return settings
}

/** A variable is text; what can't be read as what stands there by default is left as it is, to be refused. */
function likeThe(standing: Config[keyof Config], value: string): unknown {
  if (Array.isArray(standing)) return value.split(',').filter((one) => one !== '')
  if (typeof standing === 'boolean') return truthOf(value)
  return typeof standing === 'number' && /^-?\d+$/.test(value) ? Number(value) : value
}

/** What it says, where it says true or false. */
export function truthOf(text: string): boolean | string {
  return text === 'true' || text === 'false' ? text === 'true' : text
}

function variableOf(name: string): string {
  return `PORTWARD_${name.toUpperCase()}`
}

function flagOf(name: string): string {
  return name === 'uplinks' ? '--uplink' : `--${name.replaceAll('_', '-')}`
}

/** `spelling` is how a setting is called where these are from. */
function checked(settings: unknown, spelling: (name: string) => string): Settings {
  if (validator.Check(settings)) return settings
  const given = Object(settings) as Record<string, unknown>
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(builtIn, name))
  if (unknown !== undefined) {
    const known = Object.keys(builtIn).join(', ')
    throw new Complaint(`${spelling(unknown)} is no setting; there are ${known}`, 2)
  }
  const [error] = validator.Errors(settings)
  const name = error?.instancePath.split('/')[1] ?? ''
  const wanted = WANTED[name as keyof Settings] ?? 'a string, and not empty'
  throw new Complaint(`${spelling(name)} is ${JSON.stringify(given[name])}; wanted ${wanted}`, 2)
}

const QUOTA = 'how many, or -1 for any number'
const VLAN_RANGE = 'FIRST:LAST within 1:4094, such as 100:199'

/** What a setting takes that isn't any string. */
const WANTED: { readonly [K in keyof Settings]?: string } = {
  bridge_mode: modes.join(' or '),
  uplinks: 'a list of interface names',
  isolate: 'true or false',
  auth: auths.join(' or '),
  network_type: networkTypes.join(' or '),
  vlan_range: VLAN_RANGE,
  quota_network: QUOTA,
  quota_subnet: QUOTA,
  quota_port: QUOTA,
  quota_rbac_policy: QUOTA,
  audit_days: 'a number of days from 1 to 36500',
  max_allowed_address_pair: 'a number from 0 to 10000',
  log_level: levels.join(' or '),
}

export type Listen = { readonly host: string; readonly port: number; readonly loopback: boolean }

/** `HOST:PORT`, with an IPv6 host in brackets; port 0 is any that is free. Who asks nobody stays on loopback. */
export function parseListen(text: string, auth: Config['auth']): Listen {
  const [, bracketed, bare, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? bare
  const port = Number(digits)
  if (host === undefined || port > 65_535) {
    throw new Complaint(
      `cannot listen on '${text}': write HOST:PORT, such as 127.0.0.1:9696 or [::1]:9696`,
      2,
    )
  }
  const loopback = LOOPBACK.test(host)
  if (auth === 'none' && !loopback) {
    throw new Complaint(
      `cannot listen on '${text}': whoever reaches that address would be an administrator. Have the server know who asks: ` +
        'make tokens (portward token create) and set auth = "tokens", or set auth = "keystone" and keystone_url; ' +
        'or listen on loopback: 127.0.0.1, [::1] or localhost',
      2,
    )
  }
  return { host, port, loopback }
}

const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1|localhost)$/

/** `FIRST:LAST`, both included: IEEE 802.1Q's identifiers, without 0 and 4095. */
export function parseVlanRange(text: string): { readonly first: number; readonly last: number } {
  const [first = 0, last = 0] = text.split(':').map(Number)
  if (!(first >= 1 && first <= last && last <= 4094)) {
    throw new Complaint(`vlan_range is '${text}'; wanted ${VLAN_RANGE}`, 2)
  }
  return { first, last }
}
