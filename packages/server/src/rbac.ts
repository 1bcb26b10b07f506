// RBAC policies: made, changed and deleted. Neutron API v2.0, "RBAC Policies". Each writes its network as well, and compares who
// has joined it: so that of two changes to who may use a network one sees the other.

import { keys, records } from '@portward/store'
import type { RbacRecord } from '@portward/store'
import { errors } from './errors.ts'
import { network, touchNetwork } from './networks.ts'
import { authorize, projectOf, subjectOn } from './policy.ts'
import { port } from './port.ts'
import { joined } from './port-write.ts'
import { withinQuota } from './quota.ts'
import { isShared, policyFor, policyWrites, shareWrites, usersBy } from './rbac-policy.ts'
import type { RbacValues } from './rbac-policy.ts'
import { isVisible, storedAt } from './resource.ts'
import type { Stored } from './table.ts'
import { transact } from './transact.ts'
import type { Context, Plan } from './transact.ts'
import { noWrites, together } from './writes.ts'
import type { Writes } from './writes.ts'

export function createRbac(
  context: Context,
  requests: readonly RbacValues[],
): Plan<readonly string[]> {
  const { replica, caller } = context
  const made: RbacRecord[] = []
  const writes: Writes[] = []
  for (const values of requests) {
    const { object_id: networkId = '', target_tenant: target = '' } = values
    const shared = storedAt(network, context, networkId)
    const projectId = projectOf(caller, values)
    const subject = subjectOn(replica, 'rbac_policy', { projectId, networkId })
    authorize(caller, 'POST', subject, values)
    const twice = made.some((one) => one.networkId === networkId && one.target === target)
    if (twice || isShared(replica, networkId, [target])) throw errors.rbacTwice(networkId, target)
    const record = policyFor(networkId, projectId, target)
    made.push(record)
    writes.push(policyWrites(context, undefined, record), touchNetwork(context, shared))
  }
  const quota = withinQuota(
    context,
    'rbac_policy',
    made.map(({ projectId }) => projectId),
  )
  return { ...together([...writes, quota]), result: made.map(({ id }) => id) }
}

export function updateRbac(
  context: Context,
  stored: Stored<RbacRecord>,
  values: RbacValues,
): Plan<undefined> {
  const { record } = stored
  authorize(context.caller, 'PUT', subjectOn(context.replica, 'rbac_policy', record), values)
  const target = values.target_tenant ?? record.target
  if (target === record.target) return { ...noWrites, result: undefined }
  if (isShared(context.replica, record.networkId, [target])) {
    throw errors.rbacTwice(record.networkId, target)
  }
  mayEnd(context, record)
  return withNetwork(context, stored, { ...record, target, revision: record.revision + 1 })
}

export function deleteRbac(context: Context, stored: Stored<RbacRecord>): Plan<undefined> {
  authorize(context.caller, 'DELETE', subjectOn(context.replica, 'rbac_policy', stored.record), {})
  mayEnd(context, stored.record)
  return withNetwork(context, stored, undefined)
}

/** A network that was shared before there were policies has one from now on. */
export async function upgradeShared(context: Context): Promise<void> {
  for (const { id } of [...context.replica.networks.records()].filter(({ shared }) => shared)) {
    await transact(context, () => {
      const stored = context.replica.networks.get(id)
      if (stored?.record.shared !== true) return { ...noWrites, result: undefined }
      const { shared: _, ...record } = stored.record
      const key = keys.network(id)
      const policy = shareWrites(context, record)
      return {
        compares: [{ key, modified: stored.modified }, ...policy.compares],
        ops: [{ type: 'put', key, value: records.network.encode(record) }, ...policy.ops],
        changes: policy.changes,
        result: undefined,
      }
    })
  }
}

function withNetwork(
  context: Context,
  stored: Stored<RbacRecord>,
  after: RbacRecord | undefined,
): Plan<undefined> {
  const { replica } = context
  const { networkId } = stored.record
  const writes = policyWrites(context, stored, after)
  const shared = replica.networks.get(networkId)
  const touch = shared === undefined ? noWrites : touchNetwork(context, shared)
  const relied = { ...noWrites, compares: [joined(replica, networkId)] }
  return { ...together([writes, touch, relied]), result: undefined }
}

/** Throws an ApiError, 409, while ports are there by it; it names those that the caller knows of. */
function mayEnd(context: Context, policy: RbacRecord): void {
  const { replica } = context
  const users = usersBy(replica, policy)
  if (users.length === 0) return
  const known = users.filter((id) => {
    const record = replica.ports.get(id)?.record
    return record !== undefined && isVisible(port, record, context)
  })
  throw errors.rbacInUse(policy.id, policy.networkId, known)
}
