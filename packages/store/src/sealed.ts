// A file of JSON values, one a line, that is there whole or not at all: the last line is a checksum of all before it, and
// the file takes its name when everything is on the disk. Copies of what a store holds are kept so.

import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { StoreError } from './errors.ts'
import type { Entry } from './store.ts'

/** Written at once, in characters: others have their turn in between. */
const PIECE = 256 * 1024
/** Begins the last line; no JSON begins so. */
const SEAL = 'sha256 '

/** Replaces the file, for its owner alone. When it throws, what was there before still is. */
export async function writeSealed(
  file: string,
  values: Iterable<unknown> | AsyncIterable<unknown>,
): Promise<void> {
  const partial = `${file}.partial`
  // Anew: one that an earlier attempt has left may be somebody's link.
  await rm(partial, { force: true })
  const handle = await open(partial, 'wx', 0o600)
  try {
    const hash = createHash('sha256')
    let piece = ''
    const write = async (): Promise<void> => {
      hash.update(piece)
      await handle.writeFile(piece)
      piece = ''
    }
    for await (const value of values) {
      piece += `${JSON.stringify(value)}\n`
      if (piece.length >= PIECE) await write()
    }
    await write()
    await handle.writeFile(`${SEAL}${hash.digest('hex')}\n`)
    await handle.sync()
    await handle.close()
    await rename(partial, file)
  } catch (error) {
    await handle.close().catch(() => {})
    await rm(partial, { force: true })
    throw error
  }
  const directory = await open(dirname(file), constants.O_DIRECTORY)
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

/**
 * The values, once the file is known to be whole. Throws a StoreError that names the file if it is not, and what the file
 * system throws.
 */
export async function* readSealed(file: string): AsyncGenerator {
  await using handle = await open(file)
  const hash = createHash('sha256')
  let seal: string | undefined
  for await (const line of linesOf(handle)) {
    if (seal !== undefined) throw damaged(file)
    if (line.startsWith(SEAL)) seal = line.slice(SEAL.length)
    else hash.update(`${line}\n`)
  }
  if (seal !== hash.digest('hex')) throw damaged(file)
  for await (const line of linesOf(handle)) if (!line.startsWith(SEAL)) yield JSON.parse(line)
}

/** Not as node:readline has it: to that, U+2028 ends a line too, and JSON may hold it. */
async function* linesOf(handle: FileHandle): AsyncGenerator<string> {
  let rest = ''
  const chunks = handle.createReadStream({ start: 0, autoClose: false, encoding: 'utf8' })
  for await (const chunk of chunks as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
}

/** Whether a value that was read is an entry: the file may be of another version. */
export function isEntry(value: unknown): value is Entry {
  const { key, value: text, created, modified } = Object(value) as Readonly<Record<string, unknown>>
  const named = typeof key === 'string' && typeof text === 'string'
  return named && Number.isSafeInteger(created) && Number.isSafeInteger(modified)
}

function damaged(file: string): StoreError {
  return new StoreError(
    `${file}: is not whole, or was changed since it was written: take another copy`,
  )
}
