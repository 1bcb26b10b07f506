// What a request says of who sends it.

import type { IncomingHttpHeaders } from 'node:http'

/**
 * The token in `X-Auth-Token`, as OpenStack's clients send it, or in `Authorization: Bearer` (RFC 6750, section 2.1). What
 * no token can look like is none, and Keystone is not troubled with it.
 */
export function tokenIn(headers: IncomingHttpHeaders): string | undefined {
  const [, bearer] = /^bearer +(.*)$/i.exec(headers.authorization ?? '') ?? []
  return [headers['x-auth-token'], bearer].filter((one) => typeof one === 'string').find(isToken)
}

/** Undefined when the request does not have the header at all. */
export function rolesIn(headers: IncomingHttpHeaders): readonly string[] | undefined {
  const { 'x-roles': roles } = headers
  return roles === undefined
    ? undefined
    : String(roles)
        .split(',')
        .map((role) => role.trim().toLowerCase())
}

/** A header that is sent twice arrives with a comma. */
function isToken(text: string): boolean {
  return /^[\x21-\x2b\x2d-\x7e]{1,4096}$/.test(text)
}
