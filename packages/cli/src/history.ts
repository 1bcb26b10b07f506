// `portward history`: who changed a port, and when; and with --at, what it was and what it was allowed to say at that time.

import { styleText } from 'node:util'
import type { Api } from './api.ts'
import { pairs, printable } from './columns.ts'
import { Complaint } from './complaint.ts'
import { idOf } from './ports.ts'

type Attributes = Readonly<Record<string, unknown>>

type Entry = {
  readonly time: string
  readonly request_id: string | null
  readonly user: {
    readonly id: string
    readonly name: string
    readonly project: string
    readonly role: string
  }
  readonly action: 'create' | 'update' | 'delete'
  readonly before: Attributes
  readonly after: Attributes
}

type Then = {
  readonly at: string
  readonly port: Attributes | null
  /** Null where nothing was checked, or there was no port. */
  readonly allowed: readonly { readonly mac: string; readonly prefix: string }[] | null
  readonly since: Entry | null
}

export type HistoryRequest = {
  /** An id or a name; of a port that is gone, its id. */
  readonly which: string
  readonly at: string | undefined
  readonly limit: number
}

const DONE = { create: 'made', update: 'changed', delete: 'deleted' } as const
/** Of a new port, what matters; the rest is as it is by default, or follows. */
const TELLING = [
  'name',
  'network_id',
  'mac_address',
  'fixed_ips',
  'allowed_address_pairs',
  'port_security_enabled',
  'portward:checks',
  'device_owner',
  'binding:host_id',
  'portward:interface',
]

export async function showHistory(
  api: Api,
  { which, at, limit }: HistoryRequest,
): Promise<{ json: unknown; text: string }> {
  const path = `/portward/v1/ports/${await idOrItself(api, which)}/history`
  if (at !== undefined) {
    const then = await api.get<Then>(`${path}?at=${encodeURIComponent(at)}`)
    return { json: then, text: thenText(then) }
  }
  const { changes, next } = await api.get<{ changes: readonly Entry[]; next: string | null }>(
    `${path}?limit=${limit}`,
  )
  const lines = changes.flatMap((entry) => [headOf(entry), ...bodyOf(entry).map((l) => `  ${l}`)])
  if (changes.length === limit && next !== null) {
    lines.push('', `There may be more: --limit ${limit * 10}`)
  }
  const text = lines.length === 0 ? 'Nothing is kept of it any more.' : lines.join('\n')
  return { json: changes, text }
}

async function idOrItself(api: Api, which: string): Promise<string> {
  try {
    return await idOf(api, which)
  } catch (error) {
    // A port that is gone has no name any more, but its history.
    if (error instanceof Complaint && UUID.test(which)) return which
    throw error
  }
}

function headOf({ time, action, user, request_id: request }: Entry): string {
  const who = user.name === user.id ? user.name : `${user.name} (${user.id})`
  const of = user.project === '' ? '' : `, project ${user.project}`
  const by = request === null ? '' : `, ${request}`
  return `${styleText('bold', time)}  ${DONE[action]} by ${printable(`${who}, ${user.role}${of}${by}`)}`
}

function bodyOf({ action, before, after }: Entry): readonly string[] {
  switch (action) {
    case 'create':
      return TELLING.filter((name) => !isPlain(after[name])).map(
        (name) => `${name}: ${wordsOf(after[name])}`,
      )
    case 'update':
      return Object.keys(after).map(
        (name) => `${name}: ${wordsOf(before[name])} → ${wordsOf(after[name])}`,
      )
    case 'delete':
      return []
    default:
      action satisfies never
      return []
  }
}

function thenText({ at, port, allowed, since }: Then): string {
  if (port === null) {
    const why = since === null ? 'nothing is kept of that time' : `deleted at ${since.time}`
    return `At ${at} there was no such port: ${why}.`
  }
  const may: [string, string][] =
    allowed === null
      ? [['may claim', 'anything: port security was off']]
      : allowed.map(({ mac, prefix }, i) => [i === 0 ? 'may claim' : '', `${mac} ${prefix}`])
  return [
    pairs([
      ['at', at],
      ...TELLING.map((name): [string, string] => [name, wordsOf(port[name])]),
      ...may,
    ]),
    ...(since === null ? [] : ['', `As it was since ${headOf(since)}`]),
  ].join('\n')
}

function isPlain(value: unknown): boolean {
  return value === '' || value === undefined || ['[]', '{}'].includes(JSON.stringify(value))
}

/** A value on one line. */
function wordsOf(value: unknown): string {
  if (typeof value === 'string') return value === '' ? '""' : printable(value)
  if (Array.isArray(value)) {
    if (value.length === 0) return 'none'
    return value.map((one) => wordsOf(one)).join(', ')
  }
  if (typeof value === 'object' && value !== null) {
    const { ip_address: ip, mac_address: mac, iface, host } = value as Attributes
    if (typeof iface === 'string' && typeof host === 'string')
      return printable(`${iface} of ${host}`)
    if (typeof ip === 'string') return printable(typeof mac === 'string' ? `${ip} as ${mac}` : ip)
  }
  return value === null ? 'none' : printable(JSON.stringify(value) ?? 'nothing')
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
