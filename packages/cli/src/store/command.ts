// `portward store`: a store is copied to another, into a file and back; and who may do what in etcd.

import { access } from 'node:fs/promises'
import { readSealed, writeSealed } from '@portward/store'
import type { Store } from '@portward/store'
import { Complaint } from '../complaint.ts'
import type { Found } from '../found.ts'
import type { Counts, Line, Progress } from './copy.ts'
import { copyOf, counted, noCounts } from './copy.ts'
import { fill } from './fill.ts'
import { openStore, openWhole } from './open.ts'
import type { Place } from './place.ts'
import { placeText } from './place.ts'

/** All of one store into another, which is empty. */
export async function migrateStore(from: Place, to: Place, progress: Progress): Promise<Found> {
  if (placeText(from) === placeText(to)) {
    throw new Complaint(`${placeText(from)} is both where it comes from and where it goes`, 2)
  }
  await using source = await openSource(from)
  await using target = await openStore(to)
  const counts = noCounts()
  await fill(target, placeText(to), counted(copyOf(source), counts, progress))
  return told(counts, placeText(to))
}

/** All of a store into a file. */
export async function backupStore(from: Place, file: string, progress: Progress): Promise<Found> {
  await using source = await openSource(from)
  const counts = noCounts()
  await writeSealed(file, counted(copyOf(source), counts, progress))
  return told(counts, file)
}

/** All of a file into a store, which is empty. The file is looked through before anything is opened. */
export async function restoreStore(file: string, to: Place, progress: Progress): Promise<Found> {
  const counts = noCounts()
  const lines = counted(readSealed(file), counts, progress)
  const head = await lines.next()
  await using target = await openStore(to)
  if (head.done !== true) await fill(target, placeText(to), after(head.value, lines))
  return told(counts, placeText(to))
}

async function openSource(place: Place): Promise<Store> {
  // Opening would make it, empty.
  if (place.kind === 'sqlite') {
    await access(place.file).catch((cause: Error) => {
      throw new Complaint(`there is no store ${placeText(place)}: ${cause.message}`, 1, { cause })
    })
  }
  return openWhole(place)
}

async function* after(first: Line, rest: AsyncIterable<Line>): AsyncGenerator<Line> {
  yield first
  yield* rest
}

function told(counts: Counts, where: string): Found {
  const { entries, archived, networks, subnets, ports } = counts
  const what = `${networks} networks, ${subnets} subnets, ${ports} ports`
  return {
    json: counts,
    text: `${where}: ${what}; ${entries} entries in all, and ${archived} changes in the archive`,
  }
}
