// A plan as people read it: what is made, changed and deleted, attribute by attribute.

import { styleText } from 'node:util'
import { printable } from '../columns.ts'
import type { Change, Item, Plan } from './plan.ts'

const SIGNS = { create: '+', update: '~', delete: '-' } as const
const COLOURS = { create: 'green', update: 'yellow', delete: 'red' } as const

/** As many lines as it takes, and the sum of them last. */
export function showPlan({ items, unchanged, leftover }: Plan, prune: boolean): string {
  const lines = items.flatMap(showItem)
  if (!prune && leftover.length > 0) {
    const paths = leftover.map(({ kind, path }) => `${kind} ${path}`)
    const few = paths.length <= 6 ? paths : [...paths.slice(0, 5), `${paths.length - 5} more`]
    lines.push(
      printable(
        `Made by apply, and in none of the files: ${few.join(', ')}. --prune deletes what is.`,
      ),
    )
  }
  return [...lines, sumOf(items, unchanged)].join('\n')
}

/** How many there are of each action, where there are any: `2 to create, 1 to update`. */
export function countsOf(
  items: readonly Item[],
  phrase: (count: number, action: Item['action']) => string,
): string {
  return (['create', 'update', 'delete'] as const)
    .flatMap((action) => {
      const count = items.filter((item) => item.action === action).length
      return count === 0 ? [] : [phrase(count, action)]
    })
    .join(', ')
}

/** `2 to create, 1 to update; 3 are so already`. */
function sumOf(items: readonly Item[], unchanged: number): string {
  const counts = countsOf(items, (count, action) => `${count} to ${action}`)
  const so = unchanged === 1 ? '1 is so already' : `${unchanged} are so already`
  if (counts === '') return unchanged === 0 ? 'Nothing to do.' : `Nothing to do: ${so}.`
  return unchanged === 0 ? `${counts}.` : `${counts}; ${so}.`
}

function showItem({ action, kind, path, id, changes }: Item): readonly string[] {
  const which = action === 'delete' ? `${path} (${id})` : path
  const head = styleText(COLOURS[action], `${SIGNS[action]} ${kind} ${printable(which)}`)
  const width = Math.max(...changes.map(({ attribute }) => attribute.length))
  return [
    head,
    ...changes.map((change) => `    ${change.attribute.padEnd(width)}  ${showChange(change)}`),
  ]
}

function showChange(change: Change): string {
  const after = valueText(change.after)
  return printable('before' in change ? `${valueText(change.before)} -> ${after}` : after)
}

/** As a file would have it on one line. */
function valueText(value: unknown): string {
  if (value === null || value === undefined) return 'none'
  if (Array.isArray(value)) return `[${value.map(valueText).join(', ')}]`
  if (typeof value === 'object') {
    return `{${Object.entries(value)
      .map(([key, of]) => `${key}: ${valueText(of)}`)
      .join(', ')}}`
  }
  if (typeof value !== 'string') return JSON.stringify(value)
  return value === '' ? "''" : value
}
