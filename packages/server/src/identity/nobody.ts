// Nobody is asked for a token: on loopback, where whoever can send a request is a user of this machine.

import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'
import type { Caller, Identity } from '../caller.ts'
import { anyone } from '../caller.ts'
import { errors } from '../errors.ts'
import { rolesIn } from './header.ts'

/**
 * Everyone is an administrator; whoever sends X-Roles without `admin` has given that up. Nobody vouches for X-Project-Id, so
 * that such a caller is in no project. A Neutron without Keystone does the same.
 */
export function withoutIdentity(): Identity {
  return { identify: callerIn, [Symbol.asyncDispose]: () => Promise.resolve() }
}

/**
 * Browsers say which page makes them send what changes something (RFC 6454, section 7); programs have no page. A page is from
 * anywhere, and the browser's user has not asked for this. Nor for what a page reads by a name of its own that it has come to
 * mean this machine (DNS rebinding): on loopback, one asks by an address or a name without dots.
 */
function callerIn(headers: IncomingHttpHeaders): Caller {
  if (headers.origin !== undefined) throw errors.askedByPage(headers.origin)
  const { host = '' } = headers
  if (!isNear(host)) throw errors.askedByName(host)
  const roles = rolesIn(headers)
  if (roles === undefined || roles.includes('admin')) return anyone
  return { ...anyone, projectId: '', role: roles.includes('member') ? 'member' : 'reader' }
}

/** `host` is as in the header of that name. */
function isNear(host: string): boolean {
  const name = host.replace(/:\d*$/, '').toLowerCase()
  return (
    isIP(name.replaceAll(/^\[|\]$/g, '')) !== 0 || !name.replace(/\.localhost$/, '').includes('.')
  )
}
