// Who changed what, when: an entry of the archive for each change of a resource, written with the change itself. It holds what
// became different only, so the resource as it was at any time follows from what it is now, entry by entry back from today.

import type { Op } from '@portward/store'
import type { Caller } from './caller.ts'
import { portward } from './caller.ts'
import type { Replica } from './replica.ts'
import { isObject } from './resource.ts'
import type { Resource } from './resource.ts'

export type Attributes = Readonly<Record<string, unknown>>

/** Attributes as an administrator sees them. Made: everything it is, in `after`; deleted: everything it was, in `before`. */
export type Change = {
  readonly action: 'create' | 'update' | 'delete'
  readonly resource: string
  readonly collection: string
  readonly id: string
  readonly project: string
  readonly before: Attributes
  readonly after: Attributes
}

/** An entry of the archive. `time` is ISO 8601 in UTC, to the millisecond. */
export type HistoryEntry = Omit<Change, 'collection'> & {
  readonly time: string
  readonly request_id: string | null
  readonly user: {
    readonly id: string
    readonly name: string
    readonly project: string
    readonly role: string
  }
}

/** Follow from the change itself: not said again, and not known of earlier times. */
const unsaid = new Set(['revision_number', 'updated_at'])

/** From what a resource was (undefined: nothing) to what it is (undefined: gone). Empty when that looks the same. */
export function changesOf<R extends { readonly id: string }>(
  resource: Resource<NoInfer<R>>,
  replica: Replica,
  before: R | undefined,
  after: R | undefined,
): readonly Change[] {
  const was = before && lastingOf(resource, before, replica)
  const is = after && lastingOf(resource, after, replica)
  const names = Object.keys(is ?? was ?? {})
  const differing =
    was === undefined || is === undefined
      ? names
      : names.filter((name) => JSON.stringify(was[name]) !== JSON.stringify(is[name]))
  if (differing.length === 0) return []
  const record = after ?? before
  const project = (is ?? was)?.['project_id']
  return [
    {
      action: was === undefined ? 'create' : is === undefined ? 'delete' : 'update',
      resource: resource.name,
      collection: resource.collection,
      id: record?.id ?? '',
      project: typeof project === 'string' ? project : '',
      before: pick(was, differing),
      after: pick(is, differing),
    },
  ]
}

/** The entry for a change, and under which name of the archive it belongs. */
export function entryFor(
  context: {
    readonly caller: Caller
    readonly requestId: string | null
    readonly now: () => Date
  },
  { collection, ...change }: Change,
): { readonly name: string; readonly entry: HistoryEntry } {
  const { userId, userName, projectId, role } = context.caller
  const entry: HistoryEntry = {
    time: context.now().toISOString(),
    request_id: context.requestId,
    user: { id: userId, name: userName, project: projectId, role },
    ...change,
  }
  return { name: archiveName(collection, change.id), entry }
}

export function archiveOp({ name, entry }: ReturnType<typeof entryFor>): Op {
  return { type: 'archive', name, at: Date.parse(entry.time), value: JSON.stringify(entry) }
}

export function archiveName(collection: string, id: string): string {
  return `${collection}/${encodeURIComponent(id)}`
}

/** Throws an error for a text that is no entry. */
export function entryOf(text: string): HistoryEntry {
  const value: unknown = JSON.parse(text)
  if (!isObject(value) || !isObject(value['before']) || !isObject(value['after'])) {
    throw new TypeError(`no entry of the history: ${text.slice(0, 80)}`)
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nobody but archiveOp writes them
  return value as HistoryEntry
}

/** What the resource was before the entry, from what it was after it; undefined: not there. */
export function undone(after: Attributes | undefined, entry: HistoryEntry): Attributes | undefined {
  if (entry.action === 'create') return undefined
  return { ...after, ...entry.before }
}

/** What is in its record, and neither follows from others' nor from the change itself. */
export function lastingOf<R>(resource: Resource<R>, record: R, replica: Replica): Attributes {
  const lasting: Record<string, unknown> = {}
  for (const [name, attribute] of Object.entries(resource.attributes)) {
    if (attribute.live === true || unsaid.has(name)) continue
    lasting[name] = attribute.of(record, replica, portward)
  }
  return lasting
}

/** Those of the attributes that are there. */
export function pick(all: Attributes | undefined, names: readonly string[]): Attributes {
  if (all === undefined) return {}
  return Object.fromEntries(names.flatMap((name) => (name in all ? [[name, all[name]]] : [])))
}
