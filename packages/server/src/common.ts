// The attributes every resource has, and how they are kept.

import type { RecordCodec } from '@portward/store'
import { randomUUID } from 'node:crypto'
import { errors } from './errors.ts'
import { constant, integer, string } from './kinds.ts'
import type { Filter } from './resource.ts'
import type { Stored } from './table.ts'
import type { Plan } from './transact.ts'

/** The project of whoever asks without authentication and names none. */
export const DEFAULT_PROJECT = 'default'

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
/** An attribute with one value, by which a list can be filtered and sorted; one that POST and PUT may name. */
export const scalar = { filter: true, sort: true } as const
export const writable = { post: 'optional', put: true } as const

export const idAttribute = {
  id: {
    kind: text,
    ...scalar,
    ids: (_: unknown, id: string) => [id],
    of: (record: Common) => record.id,
  },
} as const

export const projectAttributes = {
  tenant_id: {
    kind: text,
    post: 'optional',
    ...scalar,
    of: (record: Common) => record.projectId,
  },
  project_id: {
    kind: text,
    post: 'optional',
    ...scalar,
    of: (record: Common) => record.projectId,
  },
} as const

export const standardAttributes = {
  description: {
    kind: text,
    ...writable,
    ...scalar,
    of: (record: Common) => record.description,
  },
  tags: { kind: constant([]), of: (record: Common) => record.tags },
  created_at: { kind: text, sort: true, of: (record: Common) => record.createdAt },
  updated_at: { kind: text, sort: true, of: (record: Common) => record.updatedAt },
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

/** The common part of a new record. */
export function newCommon(
  values: {
    readonly name?: string
    readonly description?: string
    readonly project_id?: string
    readonly tenant_id?: string
  },
  now: Date,
  revision: number,
): Common & { tags: string[] } {
  const { project_id: projectId, tenant_id: tenantId } = values
  if (projectId !== undefined && tenantId !== undefined && projectId !== tenantId) {
    throw errors.projectsDiffer(projectId, tenantId)
  }
  const at = timeOf(now)
  return {
    id: randomUUID(),
    projectId: projectId ?? tenantId ?? DEFAULT_PROJECT,
    name: values.name ?? '',
    description: values.description ?? '',
    tags: [],
    createdAt: at,
    updatedAt: at,
    revision,
  }
}

/** Makes a record what it shall be. When it is so already, nothing is written, and its revision stays. */
export function rewrite<R extends Common>(
  { record, modified }: Stored<R>,
  after: R,
  { key, codec, now }: { readonly key: string; readonly codec: RecordCodec<R>; readonly now: Date },
): Plan<undefined> {
  const changed = codec.encode(after) !== codec.encode(record)
  return {
    compares: [{ key, modified }],
    ops: changed ? [{ type: 'put', key, value: codec.encode(touched(after, now)) }] : [],
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
