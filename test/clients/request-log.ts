// A logger that keeps nothing but which requests were answered, and how.

import type { FastifyBaseLogger } from 'fastify'

export function requestLog(): {
  readonly log: FastifyBaseLogger
  /** Those since it was called last: method, path without query, status. */
  readonly asked: () => readonly string[]
} {
  const lines: string[] = []
  const nothing = (): void => {}
  const log: FastifyBaseLogger = {
    level: 'info',
    child: () => log,
    info(entry: unknown) {
      const { res } = Object(entry)
      if (res === undefined) return
      const { request, statusCode } = res
      lines.push(`${request.method} ${request.url.replace(/\?.*/s, '')} ${statusCode}`)
    },
    error: nothing,
    fatal: nothing,
    warn: nothing,
    debug: nothing,
    trace: nothing,
    silent: nothing,
  }
  return { log, asked: () => lines.splice(0) }
}
