// The server, as the commands speak to it: by its HTTP API alone.

import { Complaint } from './complaint.ts'

export type Api = {
  /** Decoded JSON of the answer. Throws a Complaint with the server's own sentence when it refuses. */
  get<T>(path: string): Promise<T>
  post<T>(path: string, body: object): Promise<T>
  /** Writes only what still has this revision_number, where one is given. Undefined for an answer without a body. */
  put<T>(path: string, body?: object, revision?: number): Promise<T>
  delete(path: string, revision?: number): Promise<void>
}

/** What the server refuses, in its own sentence. */
export class Refusal extends Complaint {
  /** Of HTTP. */
  readonly answer: number
  constructor(sentence: string, answer: number) {
    super(sentence)
    this.answer = answer
  }
}

export const DEFAULT_API = 'http://127.0.0.1:9696'

/** Milliseconds: more than a server needs that waits for its switch. */
const PATIENCE = 30_000

export type ApiOptions = {
  /** Says who asks. */
  readonly token?: string | undefined
  readonly patience?: number
}

/** `url` is where the server listens, such as DEFAULT_API. Throws a Complaint if it is no URL. */
export function openApi(url: string, { token, patience = PATIENCE }: ApiOptions = {}): Api {
  const base = url.replace(/\/+$/, '')
  if (!/^https?:\/\//i.test(base) || !URL.canParse(base)) {
    throw new Complaint(`--api, PORTWARD_API: '${url}' is no URL; write one as ${DEFAULT_API}`, 2)
  }
  const ask = async <T>(path: string, init?: RequestInit): Promise<T> => {
    const { answer, body } = await exchange(path, init)
    const value = parsed(body)
    if (!answer.ok) {
      const sentence = answer.status === 401 ? unauthorized(value) : sentenceIn(value)
      if (sentence === undefined) throw new Complaint(noPortward(`${answer.status} to ${path}`))
      throw new Refusal(sentence, answer.status)
    }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- who asks for what has no body expects none
    if (body === '' && (answer.status === 201 || answer.status === 204)) return undefined as T
    if (value === undefined) throw new Complaint(noPortward(`no JSON to ${path}`))
    return value as T
  }
  const exchange = async (path: string, init?: RequestInit) => {
    const signal = AbortSignal.timeout(patience)
    try {
      const headers = new Headers(init?.headers)
      if (token !== undefined) headers.set('x-auth-token', token)
      const answer = await fetch(base + path, { ...init, headers, redirect: 'manual', signal })
      return { answer, body: await answer.text() }
    } catch (cause) {
      throw new Complaint(noAnswer(cause), 1, { cause })
    }
  }
  const noAnswer = (cause: unknown): string => {
    if (cause instanceof Error && cause.name === 'TimeoutError') {
      return `${base} took the request and gave no answer within ${patience / 1000} seconds: see the log of \`portward up\``
    }
    const { message, code = '' }: NodeJS.ErrnoException = innermost(cause)
    if (/CERT|VERIFY|ALTNAME/.test(code)) {
      return `${base} shows a certificate that is not trusted (${message}): name the file of its authority with --ca, or PORTWARD_CA`
    }
    return `no answer from ${base}: ${message}. Is \`portward up\` running? Name its URL with --api, or PORTWARD_API`
  }
  const noPortward = (said: string): string =>
    `${base} answers ${said}, as Portward does not: name the URL of \`portward up\` with --api, or PORTWARD_API`
  const send = <T>(method: string, path: string, body?: object, revision?: number): Promise<T> =>
    ask(path, {
      method,
      headers: {
        ...(body && { 'content-type': 'application/json' }),
        ...(revision !== undefined && { 'if-match': `revision_number=${revision}` }),
      },
      ...(body && { body: JSON.stringify(body) }),
    })
  return {
    get: (path) => ask(path),
    post: (path, body) => send('POST', path, body),
    put: (path, body, revision) => send('PUT', path, body, revision),
    delete: (path, revision) => send('DELETE', path, undefined, revision),
  }
}

/** fetch says only that it failed; why is in its cause. */
function innermost(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  if (error instanceof AggregateError) return innermost(error.errors[0])
  return error.cause === undefined ? error : innermost(error.cause)
}

/** Undefined when it is no JSON object. */
function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

/** 401 has a body of its own, Keystone's. */
function unauthorized(
  body: { readonly error?: { readonly message?: string } } | undefined,
): string | undefined {
  const message = body?.error?.message
  return message === undefined
    ? undefined
    : `${message} A command sends the token in PORTWARD_TOKEN, or in the file named by --token-from; ` +
        '`portward token create` makes one, and with Keystone `openstack token issue -f value -c id` does'
}

/** The message of Neutron's error body. */
function sentenceIn(
  body: { readonly NeutronError?: { readonly message?: string } } | undefined,
): string | undefined {
  return body?.NeutronError?.message
}
