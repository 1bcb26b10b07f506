// Who besides its own project may use a network: Neutron's extension `rbac-policies`, as a resource and as what follows from it. A
// network's attribute `shared` is a policy for everybody.

import { keys, records } from '@portward/store'
import type { NetworkRecord, RbacRecord } from '@portward/store'
import { randomUUID } from 'node:crypto'
import { NAME_MAX, idAttribute, projectAttributes, scalar } from './common.ts'
import { errors } from './errors.ts'
import { changesOf } from './history.ts'
import { name, oneOf, string } from './kinds.ts'
import { joined } from './port-write.ts'
import type { Replica } from './replica.ts'
import type { Resource, Values } from './resource.ts'
import type { Stored } from './table.ts'
import type { Context } from './transact.ts'
import { noWrites } from './writes.ts'
import type { Writes } from './writes.ts'

/** The target of a policy for every project. */
export const EVERYBODY = '*'

const ACTION = 'access_as_shared'

const attributes = {
  ...idAttribute,
  ...projectAttributes((replica) => replica.rbacByProject),
  object_type: {
    kind: oneOf(['network']),
    post: 'required',
    ...scalar,
    of: () => 'network',
  },
  object_id: {
    kind: string(NAME_MAX),
    post: 'required',
    ...scalar,
    ids: (replica: Replica, id: string) => replica.rbacByNetwork.inOrder(id),
    of: (policy: RbacRecord) => policy.networkId,
  },
  action: {
    kind: oneOf([ACTION]),
    post: 'required',
    ...scalar,
    of: (policy: RbacRecord) => policy.action,
  },
  target_tenant: {
    kind: name(NAME_MAX),
    post: 'required',
    put: true,
    ...scalar,
    ids: (replica: Replica, target: string) => replica.rbacByTarget.inOrder(target),
    of: (policy: RbacRecord) => policy.target,
  },
} as const

export const rbacPolicy = {
  name: 'rbac_policy',
  collection: 'rbac_policies',
  path: 'rbac-policies',
  attributes,
  filters: {},
  table: (replica) => replica.rbac,
  notFound: (id) => errors.rbacNotFound(id),
  visible: ({ projectId }, { caller }) => projectId === caller.projectId,
  visibleIds: ({ replica, caller }) => replica.rbacByProject.of(caller.projectId),
} as const satisfies Resource<RbacRecord>

export type RbacValues = Values<typeof attributes>

/** Whether the network is shared with one of these targets. */
export function isShared(replica: Replica, networkId: string, targets: readonly string[]): boolean {
  for (const id of replica.rbacByNetwork.of(networkId)) {
    if (targets.includes(replica.rbac.get(id)?.record.target ?? '')) return true
  }
  return false
}

/** The network becomes everybody's. Whoever uses this writes the network as well. */
export function shareWrites(context: Context, { id, projectId }: NetworkRecord): Writes {
  return policyWrites(context, undefined, policyFor(id, projectId, EVERYBODY))
}

/** Likewise, no longer. Throws an ApiError, 409, while others have ports on it. */
export function unshareWrites(context: Context, { id }: NetworkRecord): Writes {
  const { replica } = context
  const policies = [...replica.rbacByNetwork.of(id)].flatMap((one) => replica.rbac.get(one) ?? [])
  const policy = policies.find(({ record }) => record.target === EVERYBODY)
  if (policy === undefined) return noWrites
  const users = usersBy(replica, policy.record)
  if (users.length > 0) throw errors.sharedInUse(id, users)
  const members = joined(replica, id)
  const writes = policyWrites(context, policy, undefined)
  return { ...writes, compares: [...writes.compares, members] }
}

export function policyWrites(
  { replica }: Context,
  before: Stored<RbacRecord> | undefined,
  after: RbacRecord | undefined,
): Writes {
  const key = keys.rbac(after?.id ?? before?.record.id ?? '')
  return {
    compares: [{ key, modified: before?.modified ?? 0 }],
    ops: [
      after === undefined
        ? { type: 'delete', key }
        : { type: 'put', key, value: records.rbac.encode(after) },
    ],
    changes: changesOf(rbacPolicy, replica, before?.record, after),
  }
}

export function policyFor(networkId: string, projectId: string, target: string): RbacRecord {
  return { id: randomUUID(), projectId, networkId, action: ACTION, target, revision: 0 }
}

/** Ports of projects that may use the network by this policy and by no other. */
export function usersBy(
  replica: Replica,
  { id, networkId, target }: RbacRecord,
): readonly string[] {
  const owner = replica.networks.get(networkId)?.record.projectId
  const others = [...replica.rbacByNetwork.of(networkId)]
    .filter((one) => one !== id)
    .map((one) => replica.rbac.get(one)?.record.target)
  if (others.includes(EVERYBODY)) return []
  return [...replica.portsByNetwork.of(networkId)]
    .filter((portId) => {
      const project = replica.ports.get(portId)?.record.projectId
      const concerned = target === EVERYBODY || target === project
      return concerned && project !== owner && !others.includes(project)
    })
    .sort()
}
