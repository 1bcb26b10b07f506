// A resource as JSON text. Most of it follows from its record alone, and records are replaced, never changed: so that part is
// written once for each record and kept with it. A list of thousands then costs little more than sending it.

import type { Eyes, Resource } from './resource.ts'
import { isShown, viewOf } from './resource.ts'

type Audience = 'admin' | 'others'

/** By record: of its lasting attributes the text, without the brace at its end. */
const kept = { admin: new WeakMap<object, string>(), others: new WeakMap<object, string>() }
const split = new WeakMap<object, Record<Audience, Parts>>()

type Parts = { readonly lasting: readonly string[]; readonly live: readonly string[] }

/** As JSON.stringify of viewOf, but for the order of the attributes. */
export function viewText<R extends object>(
  resource: Resource<R>,
  record: R,
  eyes: Eyes,
  fields: readonly string[] | undefined,
): string {
  if (fields !== undefined) return JSON.stringify(viewOf(resource, record, eyes, fields))
  const audience = eyes.caller.role === 'admin' ? 'admin' : 'others'
  const { lasting, live } = partsOf(resource)[audience]
  let text = kept[audience].get(record)
  if (text === undefined) {
    text = JSON.stringify(viewOf(resource, record, eyes, lasting)).slice(0, -1)
    kept[audience].set(record, text)
  }
  for (const name of live) {
    const value = resource.attributes[name]?.of(record, eyes.replica, eyes.caller)
    text += `,"${name}":${JSON.stringify(value)}`
  }
  return `${text}}`
}

function partsOf<R>({ attributes }: Resource<R>): Record<Audience, Parts> {
  const there = split.get(attributes)
  if (there !== undefined) return there
  const all = Object.entries(attributes)
  const of = (role: 'admin' | 'reader'): Parts => {
    const shown = all.filter(([, attribute]) => isShown(attribute, { role }))
    return {
      lasting: shown.flatMap(([name, { live }]) => (live ? [] : [name])),
      live: shown.flatMap(([name, { live }]) => (live ? [name] : [])),
    }
  }
  const parts = { admin: of('admin'), others: of('reader') }
  split.set(attributes, parts)
  return parts
}
