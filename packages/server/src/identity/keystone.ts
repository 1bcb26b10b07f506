// Callers who are known to Keystone. It is asked about each token at most every RECHECK_MS, so that what it has revoked no
// longer counts after that; and while it is away, whom it knew goes on for BELIEF_MS.

import type { Caller, Identity } from '../caller.ts'
import { ApiError, errors } from '../errors.ts'
import { followFiles } from './follow-files.ts'
import { tokenIn } from './header.ts'
import type { Log } from './log.ts'
import type { KeystoneToken } from './keystone-client.ts'
import { OddAnswer, openKeystone } from './keystone-client.ts'
import { Lru } from './lru.ts'
import { readSecret } from './secret-file.ts'
import { hashOf } from './token-line.ts'

export type KeystoneIdentityOptions = {
  /** With /v3 at its end or without. */
  readonly url: string
  /** Holds a token that may validate others; undefined: each token vouches for itself, as Keystone's own policy has it. */
  readonly tokenFile: string | undefined
  /** How many good tokens are remembered, and how many others. */
  readonly cacheSize?: number
  readonly log: Log
  readonly signal: AbortSignal
}

/** For how long what Keystone said of a good token is not asked again. */
const RECHECK_MS = 10_000
/** The same of one that is not good, which may become so. */
const REFUSED_MS = 5000
/** For how long a good token is believed while Keystone is away. */
const BELIEF_MS = 300_000
/** For how long a Keystone that is away is not asked again. */
const AWAY_MS = 1000
const CACHE_SIZE = 10_000
/** So many questions under way are enough for strangers; whoever is known is asked about beyond that. */
const QUESTIONS_MAX = 100

/** What Keystone said of a token, and when it was asked. Times are in milliseconds. */
type Good = { readonly caller: Caller; readonly heard: number; readonly expires: number }
type Bad = { readonly refusal: ApiError; readonly heard: number }
type Verdict = Good | Bad

/** Throws an error that names what is wrong with the URL or the file. A Keystone that is away is no reason not to start. */
export async function withKeystone(options: KeystoneIdentityOptions): Promise<Identity> {
  const { url, tokenFile, cacheSize = CACHE_SIZE, log } = options
  const stop = new AbortController()
  const signal = AbortSignal.any([options.signal, stop.signal])
  const service = tokenFile === undefined ? undefined : await serviceToken(tokenFile, log, signal)
  const keystone = openKeystone({ url, service, signal })
  const challenge = `Keystone uri="${keystone.url}"`
  if (isInTheClear(keystone.url)) {
    log.warn({ url }, 'tokens go to Keystone, and its word comes back, in the clear: use https')
  }

  // Apart, so that whoever sends tokens at random displaces nobody's.
  const good = new Lru<Good>(cacheSize)
  const bad = new Lru<Bad>(cacheSize)
  const asked = new Map<string, Promise<Verdict | undefined>>()
  let logged = false
  let away = false
  let silentUntil = 0

  const remember = (key: string, verdict: Verdict): void => {
    if ('caller' in verdict) {
      good.set(key, verdict)
      bad.delete(key)
    } else {
      bad.set(key, verdict)
      good.delete(key)
    }
  }
  /** Undefined: Keystone does not say. */
  const ask = async (key: string, token: string): Promise<Verdict | undefined> => {
    const now = Date.now()
    if (now < silentUntil) return undefined
    try {
      const verdict = verdictOn(await keystone.validate(token), now, challenge)
      remember(key, verdict)
      if (logged) log.info({ url: keystone.url }, 'Keystone says again who sends requests')
      logged = away = false
      return verdict
    } catch (err) {
      if (!logged && !signal.aborted) log.error({ err }, 'Keystone does not say who sends requests')
      logged = true
      // Anybody can send what Keystone stumbles over: who was never known must not make it seem away to the others.
      if (err instanceof OddAnswer && good.get(key) === undefined) return undefined
      silentUntil = Date.now() + AWAY_MS
      away = true
      return undefined
    }
  }
  /** However many ask, one question is under way per token. */
  const askOnce = (key: string, token: string): Promise<Verdict | undefined> => {
    const underWay = asked.get(key)
    if (underWay !== undefined) return underWay
    const question = ask(key, token).finally(() => asked.delete(key))
    asked.set(key, question)
    return question
  }

  return {
    async identify(headers) {
      const token = tokenIn(headers)
      if (token === undefined) throw errors.noToken(challenge)
      const key = hashOf(token)
      const known = good.get(key) ?? bad.get(key)
      if (known !== undefined && isFresh(known)) return callerOf(known, challenge)
      const believed = known !== undefined && isBelieved(known) ? known : undefined
      const stranger = good.get(key) === undefined && !asked.has(key)
      if (stranger && asked.size >= QUESTIONS_MAX) throw errors.keystoneAway()
      const answer = askOnce(key, token)
      // Nobody who is believed waits for a Keystone that was away a moment ago.
      const told = away && believed !== undefined ? believed : ((await answer) ?? believed)
      if (told === undefined) throw errors.keystoneAway()
      return callerOf(told, challenge)
    },
    [Symbol.asyncDispose]() {
      stop.abort()
      return Promise.resolve()
    },
  }
}

function isInTheClear(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  return protocol === 'http:' && !/^(?:127\..*|\[::1\]|localhost)$/.test(hostname)
}

/** The token that the file holds; after one was refused, the one it holds by then. */
async function serviceToken(
  file: string,
  log: Log,
  signal: AbortSignal,
): Promise<(refused?: string) => Promise<string>> {
  const read = async (): Promise<string> => {
    const { text, exposed } = await readSecret(file, 'openstack token issue -f value -c id')
    if (exposed) log.warn({ file }, 'everybody on this machine can read the token for Keystone')
    const token = text.trim()
    if (!/^\S+$/.test(token)) throw new Error(`${file}: it must hold one token, and nothing else`)
    return token
  }
  let token = await followFiles({
    paths: [file],
    signal,
    read,
    changed: (now) => {
      token = now
    },
    failed: (err) =>
      log.error({ err }, 'the token for Keystone cannot be read; the one read last is used'),
  })
  return async (refused) => {
    if (refused === token) token = await read()
    return token
  }
}

function verdictOn(token: KeystoneToken | undefined, heard: number, challenge: string): Verdict {
  if (token === undefined) return { refusal: errors.unknownToken(challenge), heard }
  const caller = callerIn(token)
  if (caller instanceof ApiError) return { refusal: caller, heard }
  return { caller, heard, expires: Date.parse(token.expires_at) }
}

/** Who that is here; or why nobody. */
function callerIn({ user, roles = [], project, domain, system }: KeystoneToken): Caller | ApiError {
  const names = roles.map(({ name }) => name.toLowerCase())
  const who = { userId: user.id, userName: user.name, projectId: project?.id ?? '' }
  if (project === undefined && !(system?.all === true && names.includes('admin'))) {
    if (system !== undefined) return errors.noScope('the system, without the role admin')
    return errors.noScope(domain === undefined ? 'nothing in particular' : `domain ${domain.name}`)
  }
  if (names.includes('admin')) return { ...who, role: 'admin' }
  if (names.includes('member') || names.includes('_member_')) return { ...who, role: 'member' }
  if (names.includes('reader')) return { ...who, role: 'reader' }
  return errors.noRole(user.name, names)
}

function isFresh(verdict: Verdict): boolean {
  const now = Date.now()
  return 'caller' in verdict
    ? now < verdict.heard + RECHECK_MS || now >= verdict.expires
    : now < verdict.heard + REFUSED_MS
}

function isBelieved(verdict: Verdict): boolean {
  return 'caller' in verdict && Date.now() < verdict.heard + BELIEF_MS
}

function callerOf(verdict: Verdict, challenge: string): Caller {
  if ('refusal' in verdict) throw verdict.refusal
  if (Date.now() >= verdict.expires) throw errors.unknownToken(challenge)
  return verdict.caller
}
