// The operations of a resource of the Neutron API, from its table of attributes.

import { Type } from 'typebox'
import type { TObject, TSchema } from 'typebox'
import { BULK_MAX, pathOf } from '../resource.ts'
import type { Resource } from '../resource.ts'
import { tags } from '../tags.ts'
import type { Operation, Parameters } from './operation.ts'
import { pending, requestOf, shownOf, waiting } from './operation.ts'

type Shape = Pick<Resource<never>, 'name' | 'collection' | 'path' | 'attributes' | 'filters'>

export type Described = {
  readonly resource: Shape
  /** In words: `RBAC policy`, `RBAC policies`. */
  readonly words: readonly [one: string, many: string]
  /** Nobody makes one. */
  readonly found?: true
  /** A switch has to do with it, and can be waited for. */
  readonly applied?: true
  readonly tagged?: true
}

export function collectionOperations(described: Described): readonly Operation[] {
  const { resource, words, found, applied } = described
  const [one, many] = words
  const { name, collection } = resource
  const [Name, Names] = [titleOf(name), titleOf(collection)]
  const path = pathOf(resource)
  const shown = shownOf(Name, resource.attributes)
  const item = Type.Object({ [name]: shown })
  const items = Type.Object({ [collection]: Type.Array(shown) })
  const page = Type.Object({
    [collection]: Type.Array(shown),
    [`${collection}_links`]: Type.Optional(Type.Array(link)),
  })
  const tag = many
  const late = ({ properties }: TObject): TObject => Type.Object({ ...properties, pending })
  const wait = applied ? waiting : { query: {}, headers: {} }
  const made = requestOf(`New${Name}`, resource.attributes, 'POST')
  const changed = requestOf(`${Name}Changes`, resource.attributes, 'PUT')
  const list = { path, tag, query: listQuery(resource), answers: { 200: page } }
  const show = { path: `${path}/:id`, tag, query: { fields }, answers: { 200: item } }
  return [
    { ...list, method: 'GET', id: `list${Names}`, summary: `Lists ${many}.` },
    { ...list, method: 'OPTIONS', id: `options${Names}`, summary: 'The same as GET.' },
    { ...show, method: 'GET', id: `show${Name}`, summary: `Shows one ${one}.` },
    { ...show, method: 'OPTIONS', id: `options${Name}`, summary: 'The same as GET.' },
    ...(found
      ? []
      : ([
          {
            method: 'POST',
            path,
            id: `create${Name}`,
            tag,
            summary: `Makes one ${one}, or several: all or none.`,
            ...wait,
            body: Type.Union([
              Type.Object({ [name]: made }),
              Type.Object({ [collection]: Type.Array(made, { minItems: 1, maxItems: BULK_MAX }) }),
            ]),
            answers: {
              201: Type.Union([item, items]),
              ...(applied && { 202: Type.Union([late(item), late(items)]) }),
            },
          },
        ] as const)),
    {
      method: 'PUT',
      path: `${path}/:id`,
      id: `update${Name}`,
      tag,
      summary: `Changes one ${one}: what is not named stays.`,
      query: wait.query,
      headers: { ...wait.headers, 'If-Match': ifMatch },
      body: Type.Object({ [name]: changed }),
      answers: { 200: item, ...(applied && { 202: late(item) }) },
    },
    {
      method: 'DELETE',
      path: `${path}/:id`,
      id: `delete${Name}`,
      tag,
      summary: `Deletes one ${one}.`,
      query: wait.query,
      headers: { ...wait.headers, 'If-Match': ifMatch },
      answers: { 204: null, ...(applied && { 202: late(item) }) },
    },
    ...(described.tagged ? tagOperations(described, Name) : []),
  ]
}

function tagOperations({ resource, words: [one, many] }: Described, Name: string) {
  const all = { path: `${pathOf(resource)}/:id/tags`, tag: many }
  const single = { ...all, path: `${all.path}/:tag` }
  const shown = Type.Object({ tags: Type.Array(Type.String()) })
  return [
    {
      ...all,
      method: 'GET',
      id: `list${Name}Tags`,
      summary: `Lists the tags of a ${one}.`,
      answers: { 200: shown },
    },
    {
      ...all,
      method: 'PUT',
      id: `replace${Name}Tags`,
      summary: `Gives a ${one} these tags and no others.`,
      body: Type.Object({ tags: tags.schema }),
      answers: { 200: shown },
    },
    {
      ...all,
      method: 'DELETE',
      id: `delete${Name}Tags`,
      summary: `Takes all tags off a ${one}.`,
      answers: { 204: null },
    },
    {
      ...single,
      method: 'GET',
      id: `check${Name}Tag`,
      summary: `Whether a ${one} has the tag.`,
      answers: { 204: null },
    },
    {
      ...single,
      method: 'PUT',
      id: `add${Name}Tag`,
      summary: `Gives a ${one} one more tag.`,
      answers: { 201: null },
    },
    {
      ...single,
      method: 'DELETE',
      id: `delete${Name}Tag`,
      summary: `Takes one tag off a ${one}.`,
      answers: { 204: null },
    },
  ] as const satisfies readonly Operation[]
}

const link = Type.Object(
  { rel: Type.String({ enum: ['next', 'previous'] }), href: Type.String({ format: 'uri' }) },
  { title: 'Link' },
)

const fields = Type.Array(Type.String(), {
  description:
    'The attributes to show: the others are left out, even those that are required here.',
})

const ifMatch = Type.String({
  description: 'revision_number=NUMBER: refused with 412 unless the resource has that revision.',
})

/** What of a list is shown, and how. */
function listQuery({ attributes, filters }: Shape): Parameters {
  const all = Object.entries(attributes)
  const sortable = all.flatMap(([name, { sort }]) => (sort ? [name] : []))
  const filtered = all.flatMap(([name, { filter, kind, seenBy }]) => {
    const description = `Of those ${name} is one.${seenBy === 'admin' ? ' For administrators only.' : ''}`
    return filter ? [[name, Type.Array(withoutNull(kind.shown), { description })] as const] : []
  })
  const own = Object.keys(filters).map(
    (name) => [name, Type.Array(Type.String(), { description: filterWords[name] ?? '' })] as const,
  )
  return {
    ...Object.fromEntries([...filtered, ...own]),
    fields,
    sort_key: Type.Array(Type.String({ enum: sortable }), {
      description: 'The attributes to sort by, the first one first.',
    }),
    sort_dir: Type.Array(Type.String({ enum: ['asc', 'desc'] }), {
      description: 'As many as there are of sort_key.',
    }),
    limit: Type.Integer({ minimum: 0, description: 'How many a page has; 0: all.' }),
    marker: Type.String({ description: 'The id after which the page begins.' }),
    page_reverse: Type.Boolean({ description: 'The page before the marker instead.' }),
  }
}

/** A query has text alone. */
function withoutNull(schema: TSchema): TSchema {
  if (!Type.IsUnion(schema)) return schema
  return Type.Union(schema.anyOf.filter((one) => !Type.IsNull(one)))
}

const filterWords: Readonly<Record<string, string>> = {
  tags: 'Has all of these tags, separated by commas.',
  'tags-any': 'Has one of these tags.',
  'not-tags': 'Has not all of these tags.',
  'not-tags-any': 'Has none of these tags.',
  fixed_ips: 'ip_address=IP, subnet_id=ID or ip_address_substr=TEXT: has such an address.',
}

/** `rbac_policy` is RbacPolicy. */
function titleOf(name: string): string {
  return name.replaceAll(/(?:^|_)(.)/g, (_, letter: string) => letter.toUpperCase())
}
