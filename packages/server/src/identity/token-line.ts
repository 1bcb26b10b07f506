// The file of tokens, as text: one line a token, for people and for grep. Blanks stand between what a line says:
//
//     HASH ROLE PROJECT NAME CREATED EXPIRES
//
// HASH is the SHA-256 of the token in hex, so that whoever reads the file can't use what he reads; the times are in UTC, and
// EXPIRES may be `-`. A line that begins with # is a remark.

import { hash, randomBytes } from 'node:crypto'
import type { Role } from '../caller.ts'

export type TokenLine = {
  readonly hash: string
  readonly role: Role
  readonly project: string
  readonly name: string
  readonly created: Date
  readonly expires: Date | undefined
}

export type Fault = { readonly line: number; readonly why: string }

export const roles: readonly Role[] = ['admin', 'member', 'reader']

/** So that a token which has got into a log or a repository is found. */
const PREFIX = 'pw_'
const SIZE = 32

export function makeToken(): string {
  return PREFIX + randomBytes(SIZE).toString('base64url')
}

/** A token has 256 random bits, so that a plain hash of it tells nothing. */
export function hashOf(token: string): string {
  return hash('sha256', token)
}

/** Names and projects stand between blanks. */
export function isWord(text: string): boolean {
  return /^[^\s\p{C}]{1,255}$/u.test(text)
}

export function formatLine({ hash, role, project, name, created, expires }: TokenLine): string {
  const until = expires === undefined ? '-' : formatTime(expires)
  return [hash, role, project, name, formatTime(created), until].join(' ')
}

/** A line that can't be read is a fault, and the others stand. Of two with one name or one hash, the first does. */
export function parseTokens(text: string): {
  readonly tokens: ReadonlyMap<string, TokenLine>
  readonly faults: readonly Fault[]
} {
  const tokens = new Map<string, TokenLine>()
  const names = new Set<string>()
  const faults: Fault[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (isRemark(line)) continue
    const token = parseLine(line)
    if (typeof token === 'string') faults.push({ line: index + 1, why: token })
    else if (names.has(token.name) || tokens.has(token.hash)) {
      faults.push({
        line: index + 1,
        why: `the name or the hash of '${token.name}' is there twice`,
      })
    } else {
      tokens.set(token.hash, token)
      names.add(token.name)
    }
  }
  return { tokens, faults }
}

function isRemark(line: string): boolean {
  return /^\s*(?:#|$)/.test(line)
}

/** Or what is wrong with it. */
export function parseLine(line: string): TokenLine | string {
  const [hash = '', role = '', project = '', name = '', since = '', until = '', ...more] = line
    .trim()
    .split(/\s+/)
  const known = roles.find((one) => one === role)
  const created = parseTime(since)
  const expires = until === '-' ? undefined : parseTime(until)
  if (!/^[0-9a-f]{64}$/.test(hash)) return 'it does not begin with a SHA-256 in hex'
  if (known === undefined) return `its role is '${role}', and none of ${roles.join(', ')}`
  if (!isWord(project)) return 'its project is missing, or has control characters'
  if (!isWord(name)) return 'its name is missing, or has control characters'
  if (created === undefined) return `'${since}' is no time; one is 2026-01-31T12:00:00Z`
  if (expires === undefined && until !== '-') {
    return `'${until}' is neither a time, as 2026-01-31T12:00:00Z, nor -`
  }
  if (more.length > 0) return 'there is more on it than six words'
  return { hash, role: known, project, name, created, expires }
}

function formatTime(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z')
}

function parseTime(text: string): Date | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text)) return undefined
  const time = new Date(text)
  return Number.isNaN(time.getTime()) ? undefined : time
}
