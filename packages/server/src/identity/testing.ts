// A log that can be asked what it was told, and waiting for what is to come. For tests only.

import { setTimeout } from 'node:timers/promises'
import type { Log } from './log.ts'

export type Journal = {
  readonly log: Log
  /** How many of its entries are such. */
  count(entry: RegExp): number
}

export function openJournal(): Journal {
  const entries: string[] = []
  const write = (fields: object, message: string): void => {
    const shown = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`)
    entries.push([message, ...shown].join(' '))
  }
  return {
    log: { info: write, warn: write, error: write },
    count: (entry) => entries.filter((one) => entry.test(one)).length,
  }
}

export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await setTimeout(10)
}
