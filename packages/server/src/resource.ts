// What the API's resources have in common: a table of attributes that says who may write each and how it is shown. Bodies are
// read and answers are made by walking it.

import type { Caller } from './caller.ts'
import { ApiError, errors } from './errors.ts'
import type { Kind } from './kinds.ts'
import type { Replica } from './replica.ts'
import type { Stored, Table } from './table.ts'

/** While one request is decided, nobody else is answered. */
export const BULK_MAX = 1000

/** Whether POST and PUT may name it, and what they may say. */
export type Member = {
  readonly kind: Kind<unknown>
  readonly post?: 'required' | 'optional'
  readonly put?: true
}

export type Members = Readonly<Record<string, Member>>

export type Attribute<R> = Member & {
  /** Whether a list can be filtered and sorted by it. */
  readonly filter?: true
  readonly sort?: true
  /** Ids of the records whose value has this text, in order, where an index knows them. */
  readonly ids?: (replica: Replica, text: string) => readonly string[]
  /** Left out of what others are shown. */
  readonly seenBy?: 'admin'
  /** The value hangs on more than the record: on hosts, on other records, on who looks. */
  readonly live?: true
  /** The value, as the API shows it. */
  of(record: R, replica: Replica, caller: Caller): unknown
}

/** Through whose eyes the replica is seen. */
export type Eyes = { readonly replica: Replica; readonly caller: Caller }

export type Attributes<R> = Readonly<Record<string, Attribute<R>>>

/** A filter of a list that isn't simply equality with an attribute. */
export type Filter<R> = (texts: readonly string[]) => {
  test(record: R): boolean
  /** Ids among which all are that pass, in order, where an index knows them. */
  readonly ids?: (replica: Replica) => readonly string[]
}

export type Resource<R> = {
  readonly name: string
  readonly collection: string
  /** The last part of its URL, where that isn't `collection`. */
  readonly path?: string
  readonly attributes: Attributes<R>
  readonly filters: Readonly<Record<string, Filter<R>>>
  table(replica: Replica): Pick<Table<R>, 'get' | 'ids'>
  notFound(id: string): ApiError
  /** Whether a caller who is no administrator knows of it. */
  visible(record: R, eyes: Eyes): boolean
  /** Ids among which all are that such a caller knows of. */
  visibleIds(eyes: Eyes): Iterable<string>
}

export function pathOf({
  collection,
  path,
}: Pick<Resource<unknown>, 'collection' | 'path'>): string {
  return `/v2.0/${path ?? collection}`
}

/** The resource with this id, as it is now. Throws an ApiError if there is none that the caller knows of. */
export function storedAt<R>(
  resource: Pick<Resource<R>, 'table' | 'notFound' | 'visible'>,
  eyes: Eyes,
  id: string,
): Stored<R> {
  const stored = resource.table(eyes.replica).get(id)
  if (stored === undefined || !isVisible(resource, stored.record, eyes)) throw resource.notFound(id)
  return stored
}

export function isVisible<R>(
  resource: Pick<Resource<R>, 'visible'>,
  record: R,
  eyes: Eyes,
): boolean {
  return eyes.caller.role === 'admin' || resource.visible(record, eyes)
}

/** Whether the caller is shown the attribute. */
export function isShown(
  { seenBy }: { readonly seenBy?: 'admin' },
  { role }: Pick<Caller, 'role'>,
): boolean {
  return seenBy === undefined || role === 'admin'
}

/** What a body said, each member in the form its kind has inside. */
export type Values<A> = {
  readonly [K in keyof A]?: A[K] extends { readonly kind: Kind<infer T> } ? T : never
}

type Body = Readonly<Record<string, unknown>>

/** The members of a POST's or PUT's resource. Throws an ApiError for the first that cannot be taken. */
export function readValues<A extends Members>(
  resource: { readonly name: string; readonly attributes: A },
  method: 'POST' | 'PUT',
  body: Body,
): Values<A> {
  const { attributes, name: resourceName } = resource
  const unknown = Object.keys(body).filter((name) => !Object.hasOwn(attributes, name))
  if (unknown.length > 0) throw errors.unknownAttributes(resourceName, unknown)
  if (method === 'POST') {
    for (const [name, { post }] of Object.entries(attributes)) {
      if (post === 'required' && !Object.hasOwn(body, name)) {
        throw errors.missingAttribute(resourceName, name)
      }
    }
  }
  const values: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(body)) {
    const attribute = attributes[name]
    if (attribute === undefined) continue
    if (method === 'POST' && attribute.post === undefined) throw errors.notInPost(name)
    if (method === 'PUT' && attribute.put === undefined) throw errors.readOnly(name)
    values[name] = attribute.kind.read(name, value)
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each was read by the kind of its own attribute
  return values as Values<A>
}

/** The resource as the caller is shown it: all of its attributes, or those among `fields` that it has. */
export function viewOf<R>(
  { attributes }: Pick<Resource<R>, 'attributes'>,
  record: R,
  { replica, caller }: Eyes,
  fields: readonly string[] | undefined,
): Record<string, unknown> {
  const view: Record<string, unknown> = {}
  for (const [name, attribute] of Object.entries(attributes)) {
    if (fields !== undefined && !fields.includes(name)) continue
    if (isShown(attribute, caller)) view[name] = attribute.of(record, replica, caller)
  }
  return view
}

/** The resource in a body: `{"port": {…}}`. */
export function unwrap({ name }: Pick<Resource<unknown>, 'name'>, body: unknown): Body {
  if (body === undefined) throw errors.noResource(name)
  if (!isObject(body)) throw errors.notJson('it is something else')
  if (!Object.hasOwn(body, name)) throw errors.noResource(name)
  return objectOf(name, body[name])
}

/** One or more: `{"port": {…}}` or `{"ports": [{…}, …]}`. */
export function unwrapBulk(
  resource: Pick<Resource<unknown>, 'name' | 'collection'>,
  body: unknown,
): { readonly bulk: boolean; readonly bodies: readonly Body[] } {
  const { name, collection } = resource
  if (!isObject(body) || !Object.hasOwn(body, collection)) {
    return { bulk: false, bodies: [unwrap(resource, body)] }
  }
  const many = body[collection]
  if (!Array.isArray(many)) throw errors.invalidValue(collection, 'a list of objects', many)
  if (many.length === 0) throw errors.emptyBulk(collection)
  if (many.length > BULK_MAX) throw errors.bulkTooLarge(collection, many.length, BULK_MAX)
  return { bulk: true, bodies: many.map((one) => objectOf(name, one)) }
}

export function isObject(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function objectOf(name: string, value: unknown): Body {
  if (!isObject(value)) throw errors.invalidValue(name, 'an object', value)
  return value
}
