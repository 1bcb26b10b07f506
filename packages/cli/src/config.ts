// How a daemon is to run: the built-in values, then the configuration file, then the environment, then the flags.
// Each setting has one name in four spellings: `ovs_rundir = "…"` in the file, PORTWARD_OVS_RUNDIR, --ovs-rundir.

import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { TomlError, parse } from 'smol-toml'
import { Type } from 'typebox'
import type { Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { Complaint } from './complaint.ts'

const modes = ['auto', 'own', 'shared'] as const
const levels = ['debug', 'info', 'warn', 'error'] as const

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
    host: Type.Optional(Type.String({ minLength: 1 })),
    /** Of one port; Neutron's setting of that name. */
    max_allowed_address_pair: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
    log_level: Type.Optional(Type.Enum([...levels])),
  },
  { additionalProperties: false },
)
const validator = Compile(file)

export type Settings = Static<typeof file>
export type Config = Required<Settings>

export const CONFIG_FILE = '/etc/portward/portward.toml'

const builtIn: Config = {
  ovs_rundir: '/var/run/openvswitch',
  bridge: 'br-int',
  bridge_mode: 'auto',
  uplinks: [],
  isolate: true,
  listen: '127.0.0.1:9696',
  state: '/var/lib/portward',
  host: hostname(),
  max_allowed_address_pair: 10,
  log_level: 'info',
}

/**
 * `path` is a file that must exist; without one, CONFIG_FILE is read if it does. Throws a Complaint that names the file,
 * variable or flag, what it says and what it may say.
 */
export async function configOf(
  flags: Settings,
  path: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<Config> {
  const fromFile = await settingsOf(path ?? CONFIG_FILE, path === undefined)
  const fromEnv = checked(settingsIn(env), variableOf)
  const fromFlags = checked(flags, flagOf)
  // As the programs of Open vSwitch are told where it runs.
  const { OVS_RUNDIR: rundir } = env
  const fromOvs = rundir ? { ovs_rundir: rundir } : {}
  return { ...builtIn, ...fromOvs, ...fromFile, ...fromEnv, ...fromFlags }
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
  return typeof standing === 'number' && /^\d+$/.test(value) ? Number(value) : value
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

/** What a setting takes that isn't any string. */
const WANTED: { readonly [K in keyof Settings]?: string } = {
  bridge_mode: modes.join(' or '),
  uplinks: 'a list of interface names',
  isolate: 'true or false',
  max_allowed_address_pair: 'a number from 0 to 10000',
  log_level: levels.join(' or '),
}

/** `HOST:PORT`, with an IPv6 host in brackets; port 0 is any that is free. */
export function parseListen(text: string): { readonly host: string; readonly port: number } {
  const [, bracketed, bare, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? bare
  const port = Number(digits)
  if (host === undefined || port > 65_535) {
    throw new Complaint(
      `cannot listen on '${text}': write HOST:PORT, such as 127.0.0.1:9696 or [::1]:9696`,
      2,
    )
  }
  if (!LOOPBACK.test(host)) {
    throw new Complaint(
      `cannot listen on '${text}': there is no authentication yet, so only on loopback: 127.0.0.1, [::1] or localhost`,
      2,
    )
  }
  return { host, port }
}

const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1|localhost)$/
