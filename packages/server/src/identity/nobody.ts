// Nobody is asked for a token: on loopback, where whoever can send a request is a user of this machine.

import type { IncomingHttpHeaders } from 'node:http'
import type { Caller, Identity } from '../caller.ts'
import { anyone } from '../caller.ts'
import { rolesIn } from './header.ts'

/**
 * Everyone is an administrator; whoever sends X-Roles without `admin` has given that up. Nobody vouches for X-Project-Id, so
 * that such a caller is in no project. A Neutron without Keystone does the same.
 */
export function withoutIdentity(): Identity {
  return { identify: callerIn, [Symbol.asyncDispose]: () => Promise.resolve() }
}

function callerIn(headers: IncomingHttpHeaders): Caller {
  const roles = rolesIn(headers)
  if (roles === undefined || roles.includes('admin')) return anyone
  return { ...anyone, projectId: '', role: roles.includes('member') ? 'member' : 'reader' }
}
