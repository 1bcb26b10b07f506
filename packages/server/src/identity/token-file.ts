// Callers who are known by a token of a file on this machine. `portward token` writes the file, and token-line.ts says what
// is in it.

import type { Caller, Identity } from '../caller.ts'
import { errors } from '../errors.ts'
import { followFiles } from './follow-files.ts'
import { tokenIn } from './header.ts'
import type { Log } from './log.ts'
import { readSecret } from './secret-file.ts'
import type { TokenLine } from './token-line.ts'
import { hashOf, parseTokens } from './token-line.ts'

export type TokenFileOptions = {
  readonly file: string
  readonly log: Log
  readonly signal: AbortSignal
}

const CHALLENGE = 'Bearer realm="portward"'

/**
 * What changes in the file counts within a second. While the file can't be read, what was read last does, and the log says so.
 * Throws an error that names the file when it can't be read at the start.
 */
export async function withTokens({ file, log, signal }: TokenFileOptions): Promise<Identity> {
  const stop = new AbortController()
  let known = await followFiles({
    paths: [file],
    signal: AbortSignal.any([signal, stop.signal]),
    read: () => readTokens(file, log),
    changed: (tokens) => {
      known = tokens
    },
    failed: (err) =>
      log.error({ err }, 'the file of tokens cannot be read; what was read last counts'),
  })

  return {
    identify(headers) {
      const token = tokenIn(headers)
      if (token === undefined) throw errors.noToken(CHALLENGE)
      // The time this takes tells of the hash alone, and from the hash leads no way to a token.
      const line = known.get(hashOf(token))
      if (line === undefined || isOver(line)) throw errors.unknownToken(CHALLENGE)
      return callerOf(line)
    },
    [Symbol.asyncDispose]() {
      stop.abort()
      return Promise.resolve()
    },
  }
}

async function readTokens(file: string, log: Log): Promise<ReadonlyMap<string, TokenLine>> {
  const { text, exposed } = await readSecret(file, 'portward token create')
  const { tokens, faults } = parseTokens(text)
  if (exposed) log.warn({ file }, 'everybody on this machine can read the file of tokens')
  for (const { line, why } of faults) {
    log.error({ file, line }, `a line of the file of tokens counts for nothing: ${why}`)
  }
  if (tokens.size === 0) {
    log.warn({ file }, 'no token counts: nobody is let in until `portward token create` makes one')
  }
  log.info({ file, tokens: tokens.size }, 'tokens read')
  return tokens
}

function isOver({ expires }: TokenLine): boolean {
  return expires !== undefined && Date.now() >= expires.getTime()
}

function callerOf({ name, project, role }: TokenLine): Caller {
  return { userId: name, userName: name, projectId: project, role }
}
