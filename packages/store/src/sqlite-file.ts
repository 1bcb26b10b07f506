// The file of a SQLite store: held by one process alone, looked through before it is used, and left as it was when
// anything is wrong with it.

import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StoreError } from './errors.ts'
import { archiveSchema } from './sqlite-archive.ts'
import { entriesSchema } from './sqlite-tables.ts'

/** 'PWRD': tells our file from any other SQLite database (sqlite.org/fileformat2.html, 1.3.9). */
const APPLICATION_ID = 0x50575244
/** What each version of the tables adds to the one before: a new file is made by all of them, an old one by those it lacks. */
const schemas: readonly string[] = [entriesSchema, archiveSchema]
/** In `user_version`. */
const SCHEMA_VERSION = schemas.length
/** Looked through at each start, which reads them anyway. The archive is many times as large, and a start must not wait for it. */
const CHECKED = ['entries', 'revisions']

/** Makes the file (mode 0600) and its directory (0700) if there are none. Throws a StoreError; the file is then as it was. */
export function openDatabase(file: string): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    makeFile(file)
    database = new DatabaseSync(file)
    // Before anything is read: the first read then takes the lock and keeps it, and the write-ahead log needs no shared
    // memory (sqlite.org/wal.html, section 8).
    database.exec('PRAGMA locking_mode = EXCLUSIVE')
    const version = inspect(database, file)
    database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY',
    )
    if (version < SCHEMA_VERSION) upgrade(database, version)
    return database
  } catch (cause) {
    database?.close()
    throw cause instanceof StoreError ? cause : storeErrorOf(file, cause)
  }
}

export function isSqliteError(cause: unknown): boolean {
  return primaryCodeOf(cause) !== undefined
}

/** The disk was full: then the transaction is undone for certain, since the page that would commit it comes last. */
export function isDiskFull(cause: unknown): boolean {
  return primaryCodeOf(cause) === SQLITE_FULL
}

/** What SQLite or the file system said, with the file and the way out. */
export function storeErrorOf(file: string, cause: unknown): StoreError {
  const code = primaryCodeOf(cause)
  const what = code === undefined ? NOT_WRITABLE : (meanings.get(code) ?? UNFORESEEN)
  const said = cause instanceof Error ? cause.message : String(cause)
  return new StoreError(`${file}: ${what} (${said})`, { cause })
}

const NOT_WRITABLE =
  'cannot be opened for writing: give it and its directory to the user that runs portward, or name another file'
const DAMAGED =
  'was left as it is: put a backup in its place (move it away, its -wal with it, then portward store restore), or start empty'
const UNFORESEEN = 'SQLite failed, and what it did last is not known: start portward again'

const SQLITE_FULL = 13

/** By primary result code (sqlite.org/rescode.html). */
const meanings: ReadonlyMap<number, string> = new Map([
  [5, 'another portward holds it: stop that one, or give this one a file of its own'],
  [8, NOT_WRITABLE],
  [
    10,
    'the disk failed, and what it did last is not known: see the kernel log, then start portward again',
  ],
  [11, `is damaged, and ${DAMAGED}`],
  [SQLITE_FULL, 'the disk is full, and nothing of the transaction was written: make room'],
  [14, NOT_WRITABLE],
  [26, `is not a database, and ${DAMAGED}`],
])

function primaryCodeOf(cause: unknown): number | undefined {
  if (!(cause instanceof Error && 'errcode' in cause)) return undefined
  return Number(cause.errcode) & 0xff
}

function makeFile(file: string): void {
  makeDirectory(dirname(file))
  try {
    // Never opens one that is there: to close it again would drop the lock of a store this process holds (fcntl locks).
    closeSync(openSync(file, 'wx', 0o600))
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) throw cause
  }
}

/** Step by step: Node's own `recursive` never ends where mkdir says ENOENT under a directory that is there, as in /proc. */
function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || dirname(path) === path) throw cause
    makeDirectory(dirname(path))
    mkdirSync(path, { mode: 0o700 })
  }
}

/** The version of its tables, 0 if it has none yet. Throws a StoreError if it is none of ours, or a later version's, or damaged. */
function inspect(database: DatabaseSync, file: string): number {
  const read = (sql: string) => database.prepare(sql).all().flatMap(Object.values)
  if (read('SELECT count(*) FROM sqlite_schema')[0] === 0) return 0
  if (read('PRAGMA application_id')[0] !== APPLICATION_ID) {
    throw new StoreError(`${file}: is the database of another program: name another file`)
  }
  const version = Number(read('PRAGMA user_version')[0])
  if (version > SCHEMA_VERSION) {
    throw new StoreError(
      `${file}: a later portward wrote it, in version ${version} of its tables, and this one knows ${SCHEMA_VERSION}: ` +
        'start the later one, or put a backup from before it in its place',
    )
  }
  const found = CHECKED.flatMap((table) => read(`PRAGMA quick_check(${table})`))
  if (found.every((said) => said === 'ok')) return version
  throw new StoreError(`${file}: is damaged, and ${DAMAGED} (${found.slice(0, 3).join('; ')})`)
}

/** To the present version, or not at all. */
function upgrade(database: DatabaseSync, version: number): void {
  database.exec(`
    BEGIN IMMEDIATE; ${schemas.slice(version).join('')}
    PRAGMA application_id = ${APPLICATION_ID};
    PRAGMA user_version = ${SCHEMA_VERSION};
    COMMIT`)
}
