// The server, as the commands speak to it: by its HTTP API alone.

import { Complaint } from './complaint.ts'

export type Api = {
  /** Decoded JSON of the answer. Throws a Complaint with the server's own sentence when it refuses. */
  get<T>(path: string): Promise<T>
  post<T>(path: string, body: object): Promise<T>
}

export const DEFAULT_API = 'http://127.0.0.1:9696'

/** Milliseconds: more than a server needs that waits for its switch. */
const PATIENCE = 30_000

/** `url` is where the server listens, such as DEFAULT_API. Throws a Complaint if it is no URL. */
export function openApi(url: string, patience = PATIENCE): Api {
  const base = url.replace(/\/+$/, '')
  if (!/^https?:\/\//i.test(base) || !URL.canParse(base)) {
    throw new Complaint(`--api, PORTWARD_API: '${url}' is no URL; write one as ${DEFAULT_API}`, 2)
  }
  const ask = async <T>(path: string, init?: RequestInit): Promise<T> => {
    const { answer, body } = await exchange(path, init)
    const value = parsed(body)
    if (!answer.ok) {
      throw new Complaint(sentenceIn(value) ?? noPortward(`${answer.status} to ${path}`))
    }
    if (value === undefined) throw new Complaint(noPortward(`no JSON to ${path}`))
    return value as T
  }
  const exchange = async (path: string, init?: RequestInit) => {
    const signal = AbortSignal.timeout(patience)
    try {
      const answer = await fetch(base + path, { ...init, signal })
      return { answer, body: await answer.text() }
    } catch (cause) {
      throw new Complaint(noAnswer(cause), 1, { cause })
    }
  }
  const noAnswer = (cause: unknown): string => {
    if (cause instanceof Error && cause.name === 'TimeoutError') {
      return `${base} took the request and gave no answer within ${patience / 1000} seconds: see the log of \`portward up\``
    }
    const { message } = innermost(cause)
    return `no answer from ${base}: ${message}. Is \`portward up\` running? Name its URL with --api, or PORTWARD_API`
  }
  const noPortward = (said: string): string =>
    `${base} answers ${said}, as Portward does not: name the URL of \`portward up\` with --api, or PORTWARD_API`
  return {
    get: (path) => ask(path),
    post: (path, body) =>
      ask(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
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

/** The message of Neutron's error body. */
function sentenceIn(
  body: { readonly NeutronError?: { readonly message?: string } } | undefined,
): string | undefined {
  return body?.NeutronError?.message
}
