// `portward store grant` and `revoke`: who may do what in etcd. Whoever asks shows a certificate of etcd's root.

import {
  agentUser,
  grantHost,
  grantServer,
  revokeHost,
  SERVER_USER,
} from '@portward/store/etcd-roles'
import { Complaint } from '../complaint.ts'
import type { Found } from '../found.ts'
import { etcdOptionsOf } from './open.ts'
import type { Etcd, Place } from './place.ts'
import { placeText } from './place.ts'

/** Of a host's agent; without a host, of all servers. */
export async function grantRole(place: Place, host: string | undefined): Promise<Found> {
  const etcd = await etcdOptionsOf(mustBeEtcd(place))
  if (host === undefined) await grantServer(etcd)
  else await grantHost(etcd, host)
  const user = host === undefined ? SERVER_USER : agentUser(host)
  const may = host === undefined ? 'all that is Portward’s' : `what is ${host}’s`
  return { json: { user }, text: `a certificate with the name (CN) ${user} may use ${may}` }
}

export async function revokeRole(place: Place, host: string): Promise<Found> {
  await revokeHost(await etcdOptionsOf(mustBeEtcd(place)), host)
  const user = agentUser(host)
  return { json: { user }, text: `a certificate with the name (CN) ${user} may use nothing` }
}

function mustBeEtcd(place: Place): Etcd {
  if (place.kind === 'etcd') return place
  throw new Complaint(
    `the store is ${placeText(place)}, where nobody has a role: name the etcd (--store etcd:https://…)`,
    2,
  )
}
