// How a daemon is to run: the built-in values, then the configuration file, then the environment, then the flags.
// Each setting has one name in four spellings: `ovs_rundir = "…"` in the file, PORTWARD_OVS_RUNDIR, --ovs-rundir.

import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { parse } from 'smol-toml'
import { Type } from 'typebox'
import type { Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { Complaint } from './complaint.ts'

const file = Type.Object(
  {
    ovs_rundir: Type.Optional(Type.String({ minLength: 1 })),
    bridge: Type.Optional(Type.String({ minLength: 1 })),
    bridge_mode: Type.Optional(Type.Enum(['auto', 'own', 'shared'])),
    /** Interfaces that carry the network, and pass on a bridge of our own. */
    uplinks: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
    listen: Type.Optional(Type.String({ minLength: 1 })),
    state: Type.Optional(Type.String({ minLength: 1 })),
    host: Type.Optional(Type.String({ minLength: 1 })),
    log_level: Type.Optional(Type.Enum(['debug', 'info', 'warn', 'error'])),
  },
  { additionalProperties: false },
)
const validator = Compile(file)

export type Settings = Static<typeof file>
export type Config = Required<Settings>

export const CONFIG_FILE = '/etc/portward/portward.toml'

const builtIn: Config = {
  ovs_rundir: process.env['OVS_RUNDIR'] ?? '/var/run/openvswitch',
  bridge: 'br-int',
  bridge_mode: 'auto',
  uplinks: [],
  listen: '127.0.0.1:9696',
  state: '/var/lib/portward',
  host: hostname(),
  log_level: 'info',
}

/**
 * `path` is a file that must exist; without one, CONFIG_FILE is read if it does. Throws a Complaint that names the file,
 * variable or flag and the setting in it.
 */
export async function configOf(
  flags: Settings,
  path: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<Config> {
  const fromFile = await settingsOf(path ?? CONFIG_FILE, path === undefined)
  const fromEnv = checked(settingsIn(env), 'the environment')
  return { ...builtIn, ...fromFile, ...fromEnv, ...checked(flags, 'the command line') }
}

async function settingsOf(path: string, mayBeAbsent: boolean): Promise<Settings> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if (mayBeAbsent && (cause as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new Complaint(`${path}: ${(cause as Error).message}`, 2, { cause })
  }
  try {
    return checked(parse(text), path)
  } catch (cause) {
    if (cause instanceof Complaint) throw cause
    throw new Complaint(`${path}: ${(cause as Error).message}`, 2, { cause })
  }
}

function settingsIn(env: NodeJS.ProcessEnv): unknown {
  const settings: Record<string, string | string[]> = {}
  for (const name of Object.keys(builtIn)) {
    const value = env[`PORTWARD_${name.toUpperCase()}`]
    if (value !== undefined) settings[name] = name === 'uplinks' ? value.split(',') : value
  }
  return settings
}

function checked(settings: unknown, where: string): Settings {
  if (validator.Check(settings)) return settings
  const errors = validator.Errors(settings) as unknown as readonly SchemaError[]
  const unknown = errors.find(({ params }) => params.additionalProperties !== undefined)
  if (unknown !== undefined) {
    const extra = unknown.params.additionalProperties?.join(', ')
    const known = Object.keys(builtIn).join(', ')
    throw new Complaint(`${where}: unknown setting ${extra}; there are ${known}`, 2)
  }
  const [first] = errors
  const setting = first?.instancePath.slice(1).replaceAll('/', ' ')
  const { allowedValues } = first?.params ?? {}
  const wanted = allowedValues === undefined ? first?.message : `is ${allowedValues.join(' or ')}`
  throw new Complaint(`${where}: ${setting} ${wanted}`, 2)
}

/** As typebox reports it. */
type SchemaError = {
  readonly instancePath: string
  readonly message: string
  readonly params: {
    readonly additionalProperties?: readonly string[]
    readonly allowedValues?: readonly string[]
  }
}

/** `HOST:PORT`, with an IPv6 host in brackets; port 0 is any that is free. */
export function parseListen(text: string): { readonly host: string; readonly port: number } {
  const [, bracketed, bare, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? bare
  const port = Number(digits)
  if (host === undefined || port > 65_535) {
    throw new Complaint(
      `--listen ${text}: write HOST:PORT, such as 127.0.0.1:9696 or [::1]:9696`,
      2,
    )
  }
  if (!LOOPBACK.test(host)) {
    throw new Complaint(
      `--listen ${text}: there is no authentication yet, so it listens on loopback only: 127.0.0.1, ::1 or localhost`,
      2,
    )
  }
  return { host, port }
}

const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1|localhost)$/
