// One question to Keystone: whose is this token? https://docs.openstack.org/api-ref/identity/v3/#validate-and-show-information-for-token

import { Type } from 'typebox'
import type { Static } from 'typebox'
import { Compile } from 'typebox/compile'

const named = Type.Object({ id: Type.String(), name: Type.String() })
const token = Type.Object({
  user: named,
  expires_at: Type.String({ pattern: String.raw`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$` }),
  roles: Type.Optional(Type.Array(named)),
  project: Type.Optional(named),
  domain: Type.Optional(named),
  system: Type.Optional(Type.Object({ all: Type.Boolean() })),
})
const validator = Compile(Type.Object({ token }))

/** What Keystone says a token is. */
export type KeystoneToken = Static<typeof token>

export type KeystoneOptions = {
  /** Where Keystone is, with /v3 at its end or without. */
  readonly url: string
  /** The token to ask with, read again where Keystone refuses the first. Undefined: each token vouches for itself. */
  readonly service: ((refused?: string) => Promise<string>) | undefined
  readonly signal: AbortSignal
}

export type Keystone = {
  /** Without a slash at its end, and with /v3. */
  readonly url: string
  /** Undefined: Keystone knows no such token. Throws an error that says why nothing can be known, and what to do about it. */
  validate(subject: string): Promise<KeystoneToken | undefined>
}

/** Keystone is there, and what it answers does not say whose the token is. That may lie in the token. */
export class OddAnswer extends Error {
  override readonly name = 'OddAnswer'
}

/** Milliseconds. A Keystone that takes longer is as good as away. */
const PATIENCE = 5000

/** Throws an error if `url` is none. */
export function openKeystone({ url, service, signal }: KeystoneOptions): Keystone {
  const base = `${url.replace(/\/+$/, '').replace(/\/v3$/, '')}/v3`
  if (!isAddress(base)) {
    throw new Error(`'${url}' is no URL of Keystone; one is https://keystone.example.org:5000/v3`)
  }

  const ask = async (voucher: string, subject: string): Promise<Response> => {
    const headers = {
      accept: 'application/json',
      'x-auth-token': voucher,
      'x-subject-token': subject,
    }
    try {
      return await fetch(`${base}/auth/tokens?nocatalog`, {
        headers,
        redirect: 'manual', // it is to nobody else that tokens are shown
        signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]),
      })
    } catch (cause) {
      const { message, code } = innermost(cause)
      const why = `${base} gives no answer: ${message}`
      throw HUNG_UP.has(code) ? new OddAnswer(why, { cause }) : new Error(why, { cause })
    }
  }

  const askAsService = async (
    voucherOf: (refused?: string) => Promise<string>,
    subject: string,
  ): Promise<Response> => {
    const voucher = await voucherOf()
    const answer = await ask(voucher, subject)
    if (answer.status !== 401) return answer
    const other = await voucherOf(voucher)
    return other === voucher ? answer : ask(other, subject)
  }

  return {
    url: base,
    async validate(subject) {
      const answer = await (service === undefined
        ? ask(subject, subject)
        : askAsService(service, subject))
      const { status } = answer
      if (status === 200) return read(base, answer)
      await answer.body?.cancel()
      if (UNKNOWN.includes(status) || (status === 401 && service === undefined)) return undefined
      throw new OddAnswer(
        `${base} answers ${status}${WAYS_OUT[status]?.(service !== undefined) ?? ''}`,
      )
    },
  }
}

/** How a connection that was made has ended before there was an answer: undici's code, and the kernel's. */
const HUNG_UP: ReadonlySet<string | undefined> = new Set(['UND_ERR_SOCKET', 'ECONNRESET'])

/** Tokens are asked about below it, and by v3 alone; fetch takes no password from it. */
function isAddress(base: string): boolean {
  if (!/^https?:\/\//i.test(base) || !URL.canParse(base)) return false
  const { username, password, search, hash, pathname } = new URL(base)
  return [username, password, search, hash].every((part) => part === '') && !/\/v2/.test(pathname)
}

/** It is not known; or what stands before Keystone does not even take it: that tells of the token, not of Keystone. */
const UNKNOWN: readonly number[] = [400, 404, 431]

const WAYS_OUT: Readonly<Record<number, (asService: boolean) => string>> = {
  401: () =>
    ': the token in keystone_token_file is not known, or no longer valid: write another into it (openstack token issue -f value -c id)',
  403: (asService) =>
    asService
      ? ': the token in keystone_token_file may not validate others: its user needs the role service, or admin'
      : ': its policy lets no token be validated by itself: set keystone_token_file',
}

async function read(base: string, answer: Response): Promise<KeystoneToken> {
  const body: unknown = await answer.json().catch((cause: unknown) => {
    throw new OddAnswer(`${base} answers 200 and no JSON: ${innermost(cause).message}`, { cause })
  })
  if (!validator.Check(body)) {
    const [error] = validator.Errors(body)
    throw new OddAnswer(
      `${base} answers 200 and no token: ${error?.instancePath} ${error?.message}`,
    )
  }
  return body.token
}

/** fetch says only that it failed; why is in its cause. */
function innermost(error: unknown): NodeJS.ErrnoException {
  if (!(error instanceof Error)) return new Error(String(error))
  if (error instanceof AggregateError) return innermost(error.errors[0])
  return error.cause === undefined ? error : innermost(error.cause)
}
