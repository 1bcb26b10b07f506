// The server, as the commands speak to it: by its HTTP API alone.

import { Complaint } from './complaint.ts'

export type Api = {
  /** Decoded JSON of the answer. Throws a Complaint with the server's own sentence when it refuses. */
  get<T>(path: string): Promise<T>
  post<T>(path: string, body: object): Promise<T>
}

export const DEFAULT_API = 'http://127.0.0.1:9696'

/** `url` is where the server listens, such as DEFAULT_API. */
export function openApi(url: string): Api {
  const base = url.replace(/\/+$/, '')
  const ask = async <T>(path: string, init?: RequestInit): Promise<T> => {
    const answer = await fetch(base + path, init).catch((cause: Error) => {
      const why = cause.cause instanceof Error ? cause.cause.message : cause.message
      const wayOut = 'Is `portward up` running? Name its URL with --api, or PORTWARD_API'
      throw new Complaint(`no answer from ${base}: ${why}. ${wayOut}`, 1, { cause })
    })
    const body = await answer.text()
    if (!answer.ok) throw new Complaint(sentenceIn(body) ?? `${base}${path}: ${answer.status}`)
    return JSON.parse(body) as T
  }
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

/** The message of Neutron's error body. */
function sentenceIn(body: string): string | undefined {
  try {
    return (JSON.parse(body) as { NeutronError?: { message?: string } }).NeutronError?.message
  } catch {
    return undefined
  }
}
