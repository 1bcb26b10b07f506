// `portward token`: the file of tokens by which a server knows who asks. It is written on the server's own machine, and the
// server reads it again by itself.

import type { TokenLine } from '@portward/server/token-line'
import {
  formatLine,
  hashOf,
  isWord,
  makeToken,
  parseLine,
  parseTokens,
  roles,
} from '@portward/server/token-line'
import { mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { columns } from './columns.ts'
import { Complaint } from './complaint.ts'

export type NewToken = {
  readonly name: string
  readonly project: string
  readonly role: string
  /** From now, such as 30d or 12h, or a date in UTC; undefined: it does not expire. */
  readonly expires?: string | undefined
}

const HEADING = '# HASH ROLE PROJECT NAME CREATED EXPIRES, written by `portward token`'
/** What another `portward token` may take to write the file. */
const PATIENCE_MS = 5000

/** The token, which is written nowhere. Throws a Complaint if the name is taken, or an option makes no sense. */
export async function createToken(file: string, asked: NewToken): Promise<string> {
  const token = makeToken()
  const line = lineOf(asked, token, new Date())
  await rewrite(file, (lines) => {
    if (lines.some((one) => nameIn(one) === line.name)) {
      const way = `choose another, or first \`portward token revoke ${line.name}\``
      throw new Complaint(`${file} has a token with the name ${line.name}: ${way}`)
    }
    return [...lines, formatLine(line)]
  })
  return token
}

/** For the person who has just got a token; the token itself is not for every log that keeps standard error. */
export const USAGE = `This is shown once. To use it with portward:
  export PORTWARD_TOKEN=…
with openstack and neutron, where the server listens at URL:
  export OS_AUTH_TYPE=admin_token OS_ENDPOINT=URL OS_TOKEN=…
`

export async function listTokens(
  file: string,
): Promise<{ json: unknown; text: string; alarm?: string }> {
  const now = Date.now()
  const { tokens, faults } = parseTokens((await textOf(file)) ?? '')
  const shown = [...tokens.values()].map(({ name, project, role, created, expires }) => {
    const expired = expires !== undefined && expires.getTime() <= now
    return { name, project, role, created, expires: expires ?? null, expired }
  })
  const rows = shown.map(({ name, project, role, created, expires, expired }) => {
    const until = expires === null ? 'never' : timeOf(expires) + (expired ? ', expired' : '')
    return [name, project, role, timeOf(created), until]
  })
  const none = `${file} has no token: \`portward token create\` makes one`
  const alarm = faults.map(({ line, why }) => `portward: ${file}, line ${line}: ${why}\n`).join('')
  return {
    json: shown,
    text: columns(['NAME', 'PROJECT', 'ROLE', 'CREATED', 'EXPIRES'], rows, none),
    ...(alarm !== '' && { alarm }),
  }
}

/** Throws a Complaint if there is no token of that name. */
export async function revokeToken(
  file: string,
  name: string,
): Promise<{ json: unknown; text: string }> {
  await rewrite(file, (lines) => {
    const left = lines.filter((line) => nameIn(line) !== name)
    if (left.length === lines.length) {
      throw new Complaint(
        `${file} has no token ${name}: \`portward token list\` shows those it has`,
      )
    }
    return left
  })
  return {
    json: { revoked: name },
    text: `${name} is revoked: its token counts for nothing within a second`,
  }
}

function lineOf({ name, project, role, expires }: NewToken, token: string, now: Date): TokenLine {
  const known = roles.find((one) => one === role)
  if (known === undefined)
    throw new Complaint(`--role is '${role}'; wanted ${roles.join(' or ')}`, 2)
  for (const [option, word] of [
    ['--name', name],
    ['--project', project],
  ] as const) {
    if (isWord(word)) continue
    const wanted = 'wanted 1 to 255 characters without blanks and control characters'
    throw new Complaint(`${option} is ${JSON.stringify(word)}; ${wanted}`, 2)
  }
  const until = expires === undefined ? undefined : endOf(expires, now)
  return { hash: hashOf(token), role: known, project, name, created: now, expires: until }
}

const DAY = 86_400_000
const UNITS: Readonly<Record<string, number>> = { d: DAY, h: DAY / 24 }

function endOf(text: string, now: Date): Date {
  const [, count, unit = ''] = /^(\d{1,5})([dh])$/.exec(text) ?? []
  const isDate = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\dZ)?$/.test(text)
  const end = isDate
    ? Date.parse(text)
    : now.getTime() + Number(count) * (UNITS[unit] ?? Number.NaN)
  if (end > now.getTime()) return new Date(end)
  const wanted = 'wanted a time to come: days or hours from now (30d, 12h), or a date in UTC'
  throw new Complaint(`--expires is '${text}'; ${wanted} (2027-01-31, 2027-01-31T12:00:00Z)`, 2)
}

/**
 * The file is replaced by one with other lines in one step, so that a server never reads half of it; owner and mode stay. Of
 * two who rewrite it at once, one waits. Where `named` is a link, what it leads to is the file.
 */
async function rewrite(
  named: string,
  change: (lines: readonly string[]) => readonly string[],
): Promise<void> {
  try {
    await mkdir(dirname(named), { recursive: true })
    const file = (await realpath(named).catch(unlessAbsent)) ?? named
    await using _ = await lock(`${file}.lock`)
    const text = await textOf(file)
    const lines = text === undefined ? [HEADING] : text.replace(/\n$/, '').split('\n')
    await replace(file, `${change(lines).join('\n')}\n`)
  } catch (cause) {
    if (cause instanceof Complaint) throw cause
    throw new Complaint((cause as Error).message, 1, { cause })
  }
}

async function lock(path: string): Promise<AsyncDisposable> {
  for (const end = Date.now() + PATIENCE_MS; ; ) {
    try {
      await (await open(path, 'wx')).close()
      return { [Symbol.asyncDispose]: () => rm(path) }
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    }
    if (Date.now() > end) {
      throw new Complaint(
        `${path} is there: another \`portward token\` is at work. If none is, it was interrupted: remove that file`,
      )
    }
    await setTimeout(20)
  }
}

async function replace(file: string, text: string): Promise<void> {
  const { mode, uid, gid } = (await stat(file).catch(unlessAbsent)) ?? { mode: 0o600 }
  const next = `${file}.new`
  await rm(next, { force: true })
  await using written = await open(next, 'wx', 0o600)
  if (uid !== undefined && gid !== undefined) await written.chown(uid, gid)
  await written.chmod(mode & 0o777)
  await written.writeFile(text)
  await written.sync()
  await rename(next, file)
}

/** Undefined: there is no such file. */
async function textOf(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(unlessAbsent)
}

function unlessAbsent(cause: NodeJS.ErrnoException): undefined {
  if (cause.code !== 'ENOENT') throw new Complaint(cause.message, 1, { cause })
}

function nameIn(line: string): string | undefined {
  const token = parseLine(line)
  return typeof token === 'string' ? undefined : token.name
}

function timeOf(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z')
}
