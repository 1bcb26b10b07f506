// The query of a list: filters, fields, order and pages. Neutron API reference, "Filtering and Column Selection" and
// "Pagination".
//
//   indexes ─► ids ─► filters ─► order ─► page ─► fields

import type { Caller } from './caller.ts'
import { errors } from './errors.ts'
import { boolean } from './kinds.ts'
import type { Attribute, Attributes, Eyes, Filter, Resource } from './resource.ts'
import { isShown, isVisible, storedAt } from './resource.ts'
import { inOrder, placeOf, union } from './table.ts'

/** Names as in the URL; a name that is there several times has several values. */
export type Query = Readonly<Record<string, string | readonly string[] | undefined>>

export type Listing<R> = {
  readonly records: readonly R[]
  /** Of the neighbouring pages, when pages were asked for. */
  readonly links:
    | readonly { readonly rel: 'next' | 'previous'; readonly href: string }[]
    | undefined
}

const controls = new Set(['fields', 'limit', 'marker', 'page_reverse', 'sort_key', 'sort_dir'])

/** `url` is that of the collection, without its query, for the links. Throws an ApiError for a query that makes no sense. */
export function list<R extends { readonly id: string }>(
  resource: Resource<R>,
  eyes: Eyes,
  query: Query,
  url: string,
): Listing<R> {
  const page = pageOf(query)
  const order = orderOf(resource, eyes, query)
  const matching = matchingOf(resource, eyes, query)
  const records = order === undefined ? walk(matching, page) : pick(matching, page, order)
  return { records, links: page.limit === 0 ? undefined : linksOf(records, page, query, url) }
}

/** The attributes a GET asks for; undefined means all. */
export function fieldsOf(query: Query): readonly string[] | undefined {
  return query['fields'] === undefined ? undefined : textsOf(query, 'fields')
}

/** Every value of a name in the query. */
export function textsOf(query: Query, name: string): readonly string[] {
  const value = query[name]
  if (value === undefined) return []
  return typeof value === 'string' ? [value] : value
}

/** What a list is made of, before order and pages. */
type Matching<R> = {
  /** In order. */
  readonly ids: readonly string[]
  /** The record, if it passes the filters. */
  readonly at: (id: string) => R | undefined
  /** Throws an ApiError if there is no record of the id, whether it passes or not. */
  readonly mark: (id: string) => R
}

type Page = { readonly limit: number; readonly marker: string | undefined; readonly back: boolean }
type Order<R> = (a: R, b: R) => number

function matchingOf<R>(resource: Resource<R>, eyes: Eyes, query: Query): Matching<R> {
  const { replica, caller } = eyes
  const names = Object.keys(query).filter((name) => !controls.has(name))
  const invalid = names.filter((name) => filterOf(resource, name) === undefined)
  if (invalid.length > 0) throw errors.notFilterable(invalid, filterable(resource, caller))
  const filters = names.flatMap((name) => filterOf(resource, name)?.(textsOf(query, name)) ?? [])
  const table = resource.table(replica)
  const [indexed] = filters
    .flatMap(({ ids }) => (ids === undefined ? [] : [ids(replica)]))
    .sort((a, b) => a.length - b.length)
  const all = caller.role === 'admin' ? table.ids : undefined
  return {
    ids: indexed ?? all ?? inOrder(resource.visibleIds(eyes)),
    at(id) {
      const record = table.get(id)?.record
      if (record === undefined || !isVisible(resource, record, eyes)) return undefined
      return filters.every((filter) => filter.test(record)) ? record : undefined
    },
    mark: (id) => storedAt(resource, eyes, id).record,
  }

  function filterOf({ attributes, filters }: Resource<R>, name: string): Filter<R> | undefined {
    if (Object.hasOwn(filters, name)) return filters[name]
    if (!Object.hasOwn(attributes, name)) return undefined
    const attribute = attributes[name]
    if (attribute?.filter !== true || !isShown(attribute, caller)) return undefined
    return equality(name, attribute, eyes)
  }
}

function filterable<R>({ attributes, filters }: Resource<R>, caller: Caller): readonly string[] {
  const plain = Object.entries(attributes).flatMap(([name, attribute]) =>
    attribute.filter && isShown(attribute, caller) ? [name] : [],
  )
  return [...new Set([...plain, ...Object.keys(filters)])]
}

function sortable<R>(attributes: Attributes<R>, caller: Caller): readonly string[] {
  return Object.entries(attributes).flatMap(([name, attribute]) =>
    attribute.sort && isShown(attribute, caller) ? [name] : [],
  )
}

/** The attribute is one of the values given. */
function equality<R>(name: string, attribute: Attribute<R>, { replica, caller }: Eyes): Filter<R> {
  return (texts) => {
    const wanted = new Set(texts.map((text) => attribute.kind.text(name, text)))
    const { ids } = attribute
    return {
      test: (record) => wanted.has(String(attribute.of(record, replica, caller))),
      ...(ids && {
        ids: () => union([...wanted].map((text) => ids(replica, text))),
      }),
    }
  }
}

/** Undefined: the order of their ids, which they are in anyway. */
function orderOf<R extends { readonly id: string }>(
  { attributes }: Resource<R>,
  { replica, caller }: Eyes,
  query: Query,
): Order<R> | undefined {
  const names = textsOf(query, 'sort_key')
  const dirs = textsOf(query, 'sort_dir')
  const known = sortable(attributes, caller)
  const unknown = names.filter((name) => !known.includes(name))
  if (unknown.length > 0) throw errors.notSortable(unknown, known)
  const badDirs = dirs.filter((dir) => dir !== 'asc' && dir !== 'desc')
  if (badDirs.length > 0) throw errors.badSortDir(badDirs)
  if (names.length !== dirs.length) throw errors.unevenSort(names.length, dirs.length)
  if (names.length === 0) return undefined
  const steps = names.flatMap((name, i) => {
    const attribute = attributes[name]
    return attribute === undefined ? [] : [{ attribute, sign: dirs[i] === 'desc' ? -1 : 1 }]
  })
  return (a, b) => {
    for (const { attribute, sign } of steps) {
      const order = compareValues(
        attribute.of(a, replica, caller),
        attribute.of(b, replica, caller),
      )
      if (order !== 0) return sign * order
    }
    return compareValues(a.id, b.id)
  }
}

/** null first; numbers as such, everything else as text. */
function compareValues(a: unknown, b: unknown): number {
  if (a === b) return 0
  if (a === null || b === null) return a === null ? -1 : 1
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return textOf(a) < textOf(b) ? -1 : 1
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function pageOf(query: Query): Page {
  const limitText = textsOf(query, 'limit').at(-1) ?? '0'
  if (!/^\d+$/.test(limitText)) throw errors.badLimit(limitText)
  const backText = textsOf(query, 'page_reverse').at(-1)
  return {
    limit: Number(limitText),
    marker: textsOf(query, 'marker').at(-1),
    back: backText !== undefined && boolean.read('page_reverse', backText),
  }
}

/** The page in the order of the ids: from the marker on, or back from it, no further than it takes. */
function walk<R>({ ids, at, mark }: Matching<R>, { limit, marker, back }: Page): readonly R[] {
  if (marker !== undefined) mark(marker)
  const size = limit === 0 ? ids.length : limit
  const place = marker === undefined ? (back ? ids.length : 0) : placeOf(ids, marker)
  const start = back ? place - 1 : place + (ids[place] === marker ? 1 : 0)
  const records: R[] = []
  for (let i = start; i >= 0 && i < ids.length && records.length < size; back ? i-- : i++) {
    const record = at(ids[i] ?? '')
    if (record !== undefined) records.push(record)
  }
  return back ? records.toReversed() : records
}

/** The page in another order: after the marker, or with page_reverse the one before it; in order in either case. */
function pick<R>(
  { ids, at, mark }: Matching<R>,
  { limit, marker, back }: Page,
  order: Order<R>,
): readonly R[] {
  const records = ids.flatMap((id) => at(id) ?? []).sort(order)
  const marked = marker === undefined ? undefined : mark(marker)
  const rest =
    marked === undefined
      ? records
      : records.filter((record) => (back ? order(record, marked) < 0 : order(record, marked) > 0))
  if (limit === 0) return rest
  return back ? rest.slice(-limit) : rest.slice(0, limit)
}

function linksOf(
  shown: readonly { readonly id: string }[],
  { limit, back }: Page,
  query: Query,
  url: string,
): NonNullable<Listing<unknown>['links']> {
  const kept = new URLSearchParams()
  for (const name of Object.keys(query)) {
    if (name === 'marker' || name === 'page_reverse') continue
    for (const text of textsOf(query, name)) kept.append(name, text)
  }
  const href = (edge: { readonly id: string } | undefined, reverse: boolean): string => {
    const search = new URLSearchParams(kept)
    if (edge !== undefined) search.append('marker', edge.id)
    if (reverse) search.append('page_reverse', 'True')
    return `${url}?${search.toString()}`
  }
  const whole = shown.length >= limit
  const links: { rel: 'next' | 'previous'; href: string }[] = []
  if (whole || back) links.push({ rel: 'next', href: href(shown.at(-1), false) })
  if (whole || !back) links.push({ rel: 'previous', href: href(shown[0], true) })
  return links
}
