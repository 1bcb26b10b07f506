// A plan carried out, call by call. What was looked at when it was planned must still be so: each write names the revision
// that it is for. Whatever fails ends it, and says what was done.

import type { Api } from '../api.ts'
import { Refusal } from '../api.ts'
import { Complaint } from '../complaint.ts'
import type { Call, IdOf, Kind, Plan } from './plan.ts'
import { TAG } from './state.ts'

type Made = { readonly id: string; readonly revision_number: number }

/** Ids by kind and path, of what there was and of what was made. Throws a Complaint with what was done, and what was not. */
export async function carryOut(api: Api, { calls, known }: Plan): Promise<IdOf> {
  const things = new Map<string, { readonly id: string; readonly revision: number }>()
  for (const { kind, path, id, revision } of known) things.set(`${kind} ${path}`, { id, revision })
  const idOf: IdOf = (kind, path) => {
    const thing = things.get(`${kind} ${path}`)
    if (thing === undefined) throw new Error(`nothing is known of ${kind} ${path}`)
    return thing.id
  }
  const keep = (kind: Kind, path: string, made: Made | undefined): void => {
    if (made !== undefined)
      things.set(`${kind} ${path}`, { id: made.id, revision: made.revision_number })
  }
  for (const [done, call] of calls.entries()) {
    const { kind, path } = call
    const revision = things.get(`${kind} ${path}`)?.revision
    try {
      keep(kind, path, await carry(api, call, idOf, revision))
    } catch (error) {
      throw stopped(error, call, calls.slice(0, done), calls.slice(done + 1))
    }
  }
  return idOf
}

/** What was written, where that says so. */
async function carry(
  api: Api,
  call: Call,
  idOf: IdOf,
  revision: number | undefined,
): Promise<Made | undefined> {
  const { kind, path } = call
  const at = (): string => `/v2.0/${kind}s/${idOf(kind, path)}`
  switch (call.type) {
    case 'create': {
      const answer = await api.post<Record<string, Made>>(`/v2.0/${kind}s`, {
        [kind]: call.body(idOf),
      })
      return answer[kind]
    }
    case 'update': {
      const answer = await api.put<Record<string, Made>>(
        at(),
        { [kind]: call.body(idOf) },
        revision,
      )
      return answer[kind]
    }
    case 'delete':
      await api.delete(at(), revision)
      return undefined
    case 'tag':
      await api.put(`${at()}/tags/${TAG}`)
      return undefined
    case 'plug':
      await api.put(interfacePath(call), { port_id: idOf(kind, path) })
      return undefined
    case 'unplug':
      // Waits: until the host has let go of it, the interface cannot be another port's.
      await api.delete(`${interfacePath(call)}?wait=applied`)
      return undefined
    default:
      return call satisfies never
  }
}

function interfacePath({ host, iface }: { readonly host: string; readonly iface: string }): string {
  return `/portward/v1/hosts/${encodeURIComponent(host)}/interfaces/${encodeURIComponent(iface)}`
}

function stopped(error: unknown, call: Call, done: readonly Call[], left: readonly Call[]): Error {
  if (!(error instanceof Complaint)) throw error
  const why =
    error instanceof Refusal && error.answer === 412
      ? 'somebody else has changed it meanwhile, and that was not overwritten'
      : error.message
  const reached = done.length === 0 ? 'Nothing was done' : `Done before: ${few(done)}`
  const rest = few(left)
  const missing = rest === '' ? '' : ` Not done: this, and ${rest}.`
  return new Complaint(
    `${wordsOf(call)}: ${why.replace(/\.$/, '')}. ${reached}.${missing} Run it again: it goes on from there`,
    1,
    { cause: error },
  )
}

const WORDS = {
  create: 'create',
  update: 'update',
  delete: 'delete',
  tag: 'tag',
  plug: 'tie to its interface',
  unplug: 'untie from its interface',
} as const

function wordsOf({ type, kind, path }: Call): string {
  return `${WORDS[type]} ${kind} ${path}`
}

function few(calls: readonly Call[]): string {
  const words = calls.filter(({ type }) => type !== 'tag').map(wordsOf)
  return words.length <= 6
    ? words.join(', ')
    : `${words.slice(0, 5).join(', ')} and ${words.length - 5} more`
}
