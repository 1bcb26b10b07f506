// What a plan is put together in: the calls by the stage they belong to, and the one rule for a thing that is
// declared, and for one that is declared no more.

import type { Declared } from './declaration.ts'
import type { Body, Call, Change, Item, Kind, Known } from './plan.ts'
import type { Fields } from './read.ts'
import { formOf } from './read.ts'
import type { Resource } from './state.ts'
import { TAG } from './state.ts'
import { atCreation } from './vocabulary.ts'

export type Stage =
  | 'networks'
  | 'subnets'
  | 'unplugs'
  | 'ports'
  | 'subnetsAway'
  | 'networksAway'
  | 'plugs'

export type Thing = {
  readonly kind: Kind
  readonly path: string
  readonly declared: Declared
  readonly there: Resource | undefined
  readonly fields: Fields
  /** What is compared elsewhere. */
  readonly also: readonly Change[]
  /** Changes that other calls make. */
  readonly apart?: readonly Change[]
  readonly body: (changed: ReadonlySet<string>) => Body
}

export class Draft {
  readonly problems: string[] = []
  readonly items: Item[] = []
  readonly leftover: Item[] = []
  readonly known: Known[] = []
  readonly stages: Readonly<Record<Stage, Call[]>> = {
    networks: [],
    subnets: [],
    unplugs: [],
    ports: [],
    subnetsAway: [],
    networksAway: [],
    plugs: [],
  }
  unchanged = 0

  /** Knows the thing by this path from now on. */
  know(kind: Kind, path: string, { id, revision_number: revision }: Resource): void {
    this.known.push({ kind, path, id, revision })
  }

  /** The one of them that is meant; undefined for none, and a problem for more. */
  only<T>(
    what: string,
    at: string,
    candidates: readonly T[],
    idOf: (one: T) => string,
  ): T | undefined {
    const [first, second] = candidates
    if (second !== undefined) {
      const ids = candidates.map(idOf).join(', ')
      this.problems.push(
        `${at}: the server has ${candidates.length} of the name ${what}; rename all but one: ${ids}`,
      )
    }
    return first
  }

  /** Notes what changes, and gives the calls for it. */
  settle({ kind, path, declared, there, fields, also, apart = [], body }: Thing): readonly Call[] {
    if (there === undefined) {
      const told = Object.entries(declared.values)
        .filter(([, value]) => !(Array.isArray(value) && value.length === 0))
        .map(([attribute, after]): Change => ({ attribute, after }))
      this.items.push({
        action: 'create',
        kind,
        path,
        id: undefined,
        changes: [...told, ...also, ...apart],
      })
      const all = new Set([
        ...Object.keys(declared.values),
        ...also.map(({ attribute }) => attribute),
      ])
      return [
        { type: 'create', kind, path, body: body(all) },
        { type: 'tag', kind, path },
      ]
    }
    this.know(kind, path, there)
    const own = [...this.#differences(kind, path, declared, there, fields), ...also]
    const tagged = there.tags.includes(TAG)
    const tags: readonly Change[] = tagged
      ? []
      : [{ attribute: 'tags', before: there.tags, after: [...there.tags, TAG] }]
    const changes = [...own, ...apart, ...tags]
    if (changes.length === 0) this.unchanged++
    else this.items.push({ action: 'update', kind, path, id: there.id, changes })
    const changed = new Set(own.map(({ attribute }) => attribute))
    return [
      ...(own.length === 0 ? [] : [{ type: 'update', kind, path, body: body(changed) } as const]),
      ...(tagged ? [] : [{ type: 'tag', kind, path } as const]),
    ]
  }

  /** Notes that it is made by apply and declared no more; gives the path it is known by if it is to be deleted. */
  leave(
    kind: Kind,
    within: string,
    there: Resource,
    prune: boolean,
  ): { readonly path: string } | undefined {
    if (!there.tags.includes(TAG)) return undefined
    const cidr = typeof there['cidr'] === 'string' ? there['cidr'] : there.id
    const path = `${within}${there.name || cidr}`
    this.leftover.push({ action: 'delete', kind, path, id: there.id, changes: [] })
    if (!prune) return undefined
    // Its name may be that of another as well, so it is known by its id besides.
    const known = `${path} (${there.id})`
    this.know(kind, known, there)
    return { path: known }
  }

  #differences(
    kind: Kind,
    path: string,
    { values, places, at }: Declared,
    there: Resource,
    fields: Fields,
  ): readonly Change[] {
    return Object.entries(values).flatMap(([attribute, after]): readonly Change[] => {
      const shown = there[attribute]
      // Not for the eyes of whoever asks.
      if (shown === undefined) return []
      const before = formOf(fields[attribute], shown)
      if (JSON.stringify(before) === JSON.stringify(after)) return []
      if (!atCreation.has(attribute)) return [{ attribute, before, after }]
      this.problems.push(
        `${places[attribute] ?? at}: ${attribute} of ${kind} ${path} is ${JSON.stringify(before)} and cannot be changed: ` +
          'declare one of another name, and take this one away with --prune',
      )
      return []
    })
  }
}

/** The values that are to be sent. */
export function picked(
  values: Readonly<Record<string, unknown>>,
  names: ReadonlySet<string>,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => names.has(name)))
}
