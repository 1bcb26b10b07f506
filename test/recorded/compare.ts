// An answer of Portward beside what was recorded of Neutron.

import type { Answer } from '../../packages/server/src/testing.ts'
import { membersOf } from './deviations.ts'
import { fresh } from './exchange.ts'
import type { Exchange, Members } from './exchange.ts'
import { kindOf } from './ledger.ts'
import type { Kind, Ledger } from './ledger.ts'

const TIME = /^"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"$/
const REQUEST_ID = /^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Where an answer is not what the exchange says, and how; undefined: nowhere. */
export function differenceOf(
  answer: Answer,
  exchange: Exchange,
  ledger: Ledger,
): string | undefined {
  const { send, gives, refused, bare } = exchange
  const [status, wanted] = gives ?? refused ?? []
  if (answer.status !== status) return `status ${answer.status}, not ${status}`
  const id = String(answer.headers['x-openstack-request-id'])
  if (send[1].startsWith('/v2.0/') && !REQUEST_ID.test(id)) return `X-Openstack-Request-Id ${id}`
  if (bare === true) return undefined
  if (refused !== undefined) {
    const error = { type: wanted, message: '{any}', detail: '' }
    return difference('', { NeutronError: error }, answer.body)
  }
  if (typeof wanted !== 'object') return difference('body', wanted ?? '', answer.body)
  if (!String(answer.headers['content-type']).startsWith('application/json')) return 'Content-Type'
  return difference('', bodyFor(exchange, Object(wanted), answer, ledger), answer.body)
}

/** The whole body, as it must be. */
function bodyFor({ send }: Exchange, wanted: Members, answer: Answer, ledger: Ledger): Members {
  const [method, path] = send
  const resource = (kind: Kind, members: unknown, now: unknown): Members =>
    path.includes('fields=')
      ? Object(members)
      : resourceFor(kind, method, Object(members), Object(now), ledger)
  const entries = Object.entries(ledger.told(wanted, path)).map(([name, value]) => {
    const kind = kindOf(name)
    if (kind === undefined) return [name, value]
    if (!Array.isArray(value)) return [name, resource(kind, value, answer.at(name))]
    const now = answer.all(name)
    if (method === 'POST') return [name, value.map((one, i) => resource(kind, one, now[i]))]
    const inFull = value.map((one) =>
      typeof one === 'string' ? { ...ledger.at(one), ...loose } : Object(one),
    )
    return [name, inOrderOf(path, inFull, now)]
  })
  return Object.fromEntries(entries)
}

const loose = { updated_at: '{any}', revision_number: '{any}' }

/** A resource as it must be shown now. */
function resourceFor(
  kind: Kind,
  method: string,
  recorded: Members,
  now: Members,
  ledger: Ledger,
): Members {
  const members = membersOf(kind, method, recorded)
  if (method === 'POST') {
    const made = ledger.told(membersOf(kind, method, fresh[kind]), '')
    return { id: '{any}', created_at: '{any}', updated_at: '{any}', ...made, ...members }
  }
  const last = ledger.at(now['id'])
  const before = Number(last['revision_number'])
  const same = members['revision_number'] === '{same}'
  const least = method === 'PUT' && !same ? before + 1 : before
  const right = !same && Number(now['revision_number']) >= least
  return { ...last, ...members, updated_at: '{any}', revision_number: right ? '{any}' : least }
}

/** What is wanted of a list, in the order of what there is: without another, that of ids, which are others in each run. */
function inOrderOf(path: string, wanted: readonly Members[], now: readonly Members[]): unknown {
  const sorted = wanted.toSorted(path.includes('sort_key=network_id') ? byNetwork : () => 0)
  if (path.includes('sort_key=')) return sorted
  const found = now.map((entry) => {
    const place = sorted.findIndex((one) => difference('', one, entry) === undefined)
    return place === -1 ? undefined : sorted.splice(place, 1)[0]
  })
  return [...found.map((one) => one ?? sorted.shift()), ...sorted]
}

function byNetwork({ network_id: a }: Members, { network_id: b }: Members): number {
  return String(a).localeCompare(String(b))
}

function difference(path: string, wanted: unknown, actual: unknown): string | undefined {
  if (wanted === '{any}') {
    if (actual === undefined || actual === null || actual === '') return `${path} is missing`
    const isTime = /^\.(?:networks?|subnets?|ports?)\..*_at$/.test(path)
    return isTime && !TIME.test(JSON.stringify(actual)) ? `${path} is no time` : undefined
  }
  if (typeof wanted !== 'object' || wanted === null || typeof actual !== 'object' || !actual) {
    const [is, not] = [JSON.stringify(actual), JSON.stringify(wanted)]
    return wanted === actual ? undefined : `${path} is ${is}, not ${not}`
  }
  for (const name of new Set([...Object.keys(wanted), ...Object.keys(actual)])) {
    const found = difference(`${path}.${name}`, Object(wanted)[name], Object(actual)[name])
    if (found !== undefined) return found
  }
  return undefined
}
