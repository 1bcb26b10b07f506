// The attributes every resource has, and how they are kept.

import type { RecordCodec } from '@portward/store'
import { randomUUID } from 'node:crypto'
import { Type } from 'typebox'
import type { Caller } from './caller.ts'
import { changesOf } from './history.ts'
import { boolean, constant, integer, shownAs, string } from './kinds.ts'
import { projectOf } from './policy.ts'
import type { Filter, Resource } from './resource.ts'
import type { Replica } from './replica.ts'
import type { Index, Stored } from './table.ts'
import type { Context, Plan } from './transact.ts'
import { noWrites } from './writes.ts'

export const NAME_MAX = 255

/** The part of a record that every resource has. */
export type Common = {
  readonly id: string
  readonly projectId: string
  readonly name: string
  readonly description: string
  readonly tags: readonly string[]
  readonly createdAt: string
  readonly updatedAt: string
  readonly revision: number
}

const text = string(NAME_MAX)
const time = shownAs(Type.String({ format: 'date-time' }), text)
/** An attribute with one value, by which a list can be filtered and sorted; one that POST and PUT may name. */
export const scalar = { filter: true, sort: true } as const
export const writable = { post: 'optional', put: true } as const

export const idAttribute = {
  id: {
    kind: text,
    ...scalar,
    ids: (_: unknown, id: string) => [id],
    of: (record: { readonly id: string }) => record.id,
  },
} as const

/** `indexOf` gives the index of the resource's records by project. */
export function projectAttributes(indexOf: (replica: Replica) => Index) {
  const project = {
    kind: text,
    post: 'optional',
    ...scalar,
    ids: (replica: Replica, id: string) => indexOf(replica).inOrder(id),
    of: (record: { readonly projectId: string }) => record.projectId,
  } as const
  return { tenant_id: project, project_id: project } as const
}

/** `indexOf` gives the index of the resource's records by name. */
export function nameAttribute(indexOf: (replica: Replica) => Index) {
  return {
    name: {
      kind: text,
      ...writable,
      ...scalar,
      ids: (replica: Replica, name: string) => indexOf(replica).inOrder(name),
      of: (record: { readonly name: string }) => record.name,
    },
  } as const
}

/** Of what is on a network; `indexOf` gives the index of its records by network. */
export function networkAttribute(indexOf: (replica: Replica) => Index) {
  return {
    network_id: {
      kind: text,
      post: 'required',
      ...scalar,
      ids: (replica: Replica, id: string) => indexOf(replica).inOrder(id),
      of: (record: { readonly networkId: string }) => record.networkId,
    },
  } as const
}

export const adminStateAttribute = {
  admin_state_up: {
    kind: boolean,
    ...writable,
    ...scalar,
    of: (record: { readonly adminStateUp: boolean }) => record.adminStateUp,
  },
} as const

export const standardAttributes = {
  description: {
    kind: text,
    ...writable,
    ...scalar,
    of: (record: Common) => record.description,
  },
  tags: {
    kind: shownAs(Type.Array(Type.String()), constant([])),
    of: (record: Common) => record.tags,
  },
  created_at: { kind: time, sort: true, of: (record: Common) => record.createdAt },
  updated_at: { kind: time, sort: true, of: (record: Common) => record.updatedAt },
  revision_number: {
    kind: integer(0, Number.MAX_SAFE_INTEGER),
    ...scalar,
    of: (record: Common) => record.revision,
  },
} as const

/** `tags=a,b` has all, `tags-any=a,b` one of them; `not-…` the contrary. API reference, "Filtering by tags". */
export const tagFilters = {
  tags: tagFilter((has, wanted) => wanted.every(has)),
  'tags-any': tagFilter((has, wanted) => wanted.some(has)),
  'not-tags': tagFilter((has, wanted) => !wanted.every(has)),
  'not-tags-any': tagFilter((has, wanted) => !wanted.some(has)),
} as const

/** The common part of a new record. Throws an ApiError where the caller may not make it for that project. */
export function newCommon(
  values: {
    readonly name?: string
    readonly description?: string
    readonly project_id?: string
    readonly tenant_id?: string
  },
  { caller, now }: { readonly caller: Caller; readonly now: () => Date },
  revision: number,
): Common & { tags: string[] } {
  const at = timeOf(now())
  return {
    id: randomUUID(),
    projectId: projectOf(caller, values),
    name: values.name ?? '',
    description: values.description ?? '',
    tags: [],
    createdAt: at,
    updatedAt: at,
    revision,
  }
}

/**
 * Makes a record what it shall be. When it is so already, nothing is written, and its revision stays; but `always`, when
 * something of it that stands elsewhere changes.
 */
export function rewrite<R extends Common>(
  context: Pick<Context, 'replica' | 'now'>,
  resource: Resource<NoInfer<R>>,
  { record, modified }: Stored<R>,
  after: R,
  at: { readonly key: string; readonly codec: RecordCodec<R>; readonly always?: boolean },
): Plan<undefined> {
  const { key, codec, always = false } = at
  const compares = [{ key, modified }]
  const same = codec.encode(after) === codec.encode(record)
  if (same && !always) return { ...noWrites, compares, result: undefined }
  const next = touched(after, context.now())
  return {
    compares,
    ops: [{ type: 'put', key, value: codec.encode(next) }],
    changes: changesOf(resource, context.replica, record, next),
    result: undefined,
  }
}

/** The record as it is after one more change. */
export function touched<R extends Common>(record: R, now: Date): R {
  return { ...record, updatedAt: timeOf(now), revision: record.revision + 1 }
}

/** ISO 8601 in UTC, to the second. */
export function timeOf(now: Date): string {
  return `${now.toISOString().slice(0, 19)}Z`
}

function tagFilter(
  holds: (has: (tag: string) => boolean, wanted: readonly string[]) => boolean,
): Filter<Common> {
  return (texts) => {
    const wanted = texts.flatMap((text) => text.split(','))
    return { test: ({ tags }) => holds((tag) => tags.includes(tag), wanted) }
  }
}
