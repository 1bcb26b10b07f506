// What the daemons have in common: a log, and a word on stores that can't be shared.

import type { Logger } from 'pino'
import { pino } from 'pino'
import { Complaint } from './complaint.ts'
import type { Config } from './config.ts'
import { placeOf, placeText } from './store/place.ts'

export function logOf(config: Config): Logger {
  return pino({ level: config.log_level, base: null }, pino.destination(2))
}

/** Throws a Complaint where the store can't be shared, as it must be by what runs apart from each other. */
export function mustBeShared(config: Config, command: 'server' | 'agent'): void {
  const place = placeOf(config)
  if (place.kind === 'etcd') return
  throw new Complaint(
    `${command}: the store is ${placeText(place)}, which one process alone can have: name one that servers and agents share ` +
      '(--store etcd:URL), or run both in one process, `portward up`',
    2,
  )
}

/** The line that whoever started the daemon waits for. */
export function announce(what: string): void {
  process.stdout.write(`${what}\n`)
}
