// Networks: what ports belong to, and what port security a new port of theirs gets. Neutron API v2.0, "Networks".

import { keys, records } from '@portward/store'
import type { NetworkRecord } from '@portward/store'
import { Type } from 'typebox'
import type { Caller } from './caller.ts'
import { checksKind, showChecks } from './checks.ts'
import {
  idAttribute,
  nameAttribute,
  adminStateAttribute,
  newCommon,
  projectAttributes,
  rewrite,
  scalar,
  standardAttributes,
  tagFilters,
  touched,
  writable,
} from './common.ts'
import { errors } from './errors.ts'
import { changesOf } from './history.ts'
import { boolean, constant, integer, neverTrue, oneOf, shownAs } from './kinds.ts'
import { authorize } from './policy.ts'
import type { Subject } from './policy.ts'
import { providerAttributes, providerFor, segmentWrites } from './provider.ts'
import { withinQuota } from './quota.ts'
import { EVERYBODY, isShared, shareWrites, unshareWrites } from './rbac-policy.ts'
import type { Replica } from './replica.ts'
import type { Resource, Values } from './resource.ts'
import type { Stored } from './table.ts'
import type { Context, Plan } from './transact.ts'
import { noWrites, together } from './writes.ts'
import type { Writes } from './writes.ts'

const MTU_MIN = 68
const MTU_MAX = 65535
const MTU_DEFAULT = 1500

const attributes = {
  ...idAttribute,
  ...nameAttribute((replica) => replica.networksByName),
  ...projectAttributes((replica) => replica.networksByProject),
  ...adminStateAttribute,
  mtu: {
    kind: integer(MTU_MIN, MTU_MAX),
    ...writable,
    ...scalar,
    of: (network: NetworkRecord) => network.mtu,
  },
  status: { kind: oneOf(['ACTIVE']), ...scalar, of: () => 'ACTIVE' },
  subnets: {
    kind: shownAs(Type.Array(Type.String()), constant([])),
    live: true,
    of: ({ id }: NetworkRecord, replica: Replica) => [...replica.subnetsByNetwork.of(id)].sort(),
  },
  shared: {
    kind: boolean,
    ...writable,
    ...scalar,
    live: true,
    of: ({ id }: NetworkRecord, replica: Replica, caller: Caller) =>
      isShared(replica, id, [EVERYBODY, caller.projectId]),
  },
  port_security_enabled: {
    kind: boolean,
    ...writable,
    ...scalar,
    of: (network: NetworkRecord) => network.portSecurityEnabled,
  },
  'portward:checks': {
    kind: checksKind,
    ...writable,
    of: (network: NetworkRecord) => showChecks(network.checks),
  },
  'router:external': { kind: neverTrue, ...writable, filter: true, of: () => false },
  ...providerAttributes,
  availability_zone_hints: { kind: constant([]), ...writable, of: () => [] },
  availability_zones: { kind: constant([]), of: () => [] },
  ipv4_address_scope: { kind: constant(null), of: () => null },
  ipv6_address_scope: { kind: constant(null), of: () => null },
  ...standardAttributes,
} as const

export const network = {
  name: 'network',
  collection: 'networks',
  attributes,
  filters: tagFilters,
  table: (replica) => replica.networks,
  notFound: (id) => errors.networkNotFound(id),
  visible: ({ id, projectId }, { replica, caller }) =>
    projectId === caller.projectId || isShared(replica, id, [EVERYBODY, caller.projectId]),
  visibleIds: ({ replica, caller: { projectId } }) => [
    ...replica.networksByProject.of(projectId),
    ...[EVERYBODY, projectId].flatMap((target) =>
      [...replica.rbacByTarget.of(target)].flatMap(
        (id) => replica.rbac.get(id)?.record.networkId ?? [],
      ),
    ),
  ],
} as const satisfies Resource<NetworkRecord>

export type NetworkValues = Values<typeof attributes>

export function createNetworks(
  context: Context,
  requests: readonly NetworkValues[],
): Plan<readonly string[]> {
  const { caller, replica, settings } = context
  const taken = new Set<string>()
  const made = requests.map((values): NetworkRecord => {
    const common = newCommon(values, context, 1)
    const { projectId } = common
    const apart = settings.network.type === 'vlan'
    const subject: Subject = {
      resource: 'network',
      id: '',
      projectId,
      networkProjectId: projectId,
      apart,
    }
    authorize(caller, 'POST', subject, values)
    return {
      ...common,
      adminStateUp: values.admin_state_up ?? true,
      portSecurityEnabled: values.port_security_enabled ?? true,
      mtu: values.mtu ?? MTU_DEFAULT,
      checks: values['portward:checks'] ?? {},
      provider: providerFor(replica, settings.network, values, taken),
    }
  })
  const quota = withinQuota(
    context,
    'network',
    made.map(({ projectId }) => projectId),
  )
  const segments = made.map(segmentWrites)
  const shares = made.map((record, i) =>
    requests[i]?.shared === true ? shareWrites(context, record) : noWrites,
  )
  const networks = made.map((record): Writes => {
    const key = keys.network(record.id)
    return {
      compares: [{ key, modified: 0 }],
      ops: [{ type: 'put', key, value: records.network.encode(record) }],
      changes: changesOf(network, replica, undefined, record),
    }
  })
  return {
    ...together([...networks, quota, ...segments, ...shares]),
    result: made.map(({ id }) => id),
  }
}

/** Other values of port security and its checks are for ports made from then on. */
export function updateNetwork(
  context: Context,
  stored: Stored<NetworkRecord>,
  values: NetworkValues,
  tags: readonly string[] = stored.record.tags,
): Plan<undefined> {
  const { record } = stored
  authorize(context.caller, 'PUT', subjectOf(record), values)
  const after: NetworkRecord = {
    ...record,
    name: values.name ?? record.name,
    tags: [...tags],
    description: values.description ?? record.description,
    adminStateUp: values.admin_state_up ?? record.adminStateUp,
    portSecurityEnabled: values.port_security_enabled ?? record.portSecurityEnabled,
    mtu: values.mtu ?? record.mtu,
    checks: values['portward:checks'] ?? record.checks,
  }
  const shares = sharing(context, record, values.shared)
  const plan = rewrite(context, network, stored, after, {
    key: keys.network(record.id),
    codec: records.network,
    always: shares.ops.length > 0,
  })
  return { ...together([plan, shares]), result: undefined }
}

/** Written again: of two changes to what hangs on the network, one sees the other. */
export function touchNetwork(
  { now }: Pick<Context, 'now'>,
  { record, modified }: Stored<NetworkRecord>,
): Writes {
  const key = keys.network(record.id)
  const value = records.network.encode(touched(record, now()))
  return { compares: [{ key, modified }], ops: [{ type: 'put', key, value }], changes: [] }
}

export function subjectOf({ id, projectId, provider }: NetworkRecord): Subject {
  const apart = provider.segmentationId !== null
  return { resource: 'network', id, projectId, networkProjectId: projectId, apart }
}

/** `shared` is a policy of RBAC for everybody, and not an attribute of its own. */
function sharing(context: Context, record: NetworkRecord, wanted: boolean | undefined): Writes {
  const is = isShared(context.replica, record.id, [EVERYBODY])
  if (wanted === undefined || wanted === is) return noWrites
  return wanted ? shareWrites(context, record) : unshareWrites(context, record)
}
