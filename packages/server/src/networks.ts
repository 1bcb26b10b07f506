// Networks: what ports belong to, and what port security a new port of theirs gets. Neutron API v2.0, "Networks".

import { keys, records } from '@portward/store'
import type { NetworkRecord } from '@portward/store'
import { checksKind, showChecks } from './checks.ts'
import {
  NAME_MAX,
  idAttribute,
  newCommon,
  projectAttributes,
  rewrite,
  scalar,
  standardAttributes,
  tagFilters,
  writable,
} from './common.ts'
import { errors } from './errors.ts'
import { boolean, constant, integer, oneOf, string } from './kinds.ts'
import type { Replica } from './replica.ts'
import type { Resource, Values } from './resource.ts'
import { storedAt } from './resource.ts'
import type { Context, Plan } from './transact.ts'
import type { Stored } from './table.ts'

const MTU_MIN = 68
const MTU_MAX = 65535
const MTU_DEFAULT = 1500

const attributes = {
  ...idAttribute,
  name: {
    kind: string(NAME_MAX),
    ...writable,
    ...scalar,
    ids: (replica: Replica, name: string) => replica.networksByName.of(name),
    of: (network: NetworkRecord) => network.name,
  },
  ...projectAttributes,
  admin_state_up: {
    kind: boolean,
    ...writable,
    ...scalar,
    of: (network: NetworkRecord) => network.adminStateUp,
  },
  mtu: {
    kind: integer(MTU_MIN, MTU_MAX),
    ...writable,
    ...scalar,
    of: (network: NetworkRecord) => network.mtu,
  },
  status: { kind: oneOf(['ACTIVE']), ...scalar, of: () => 'ACTIVE' },
  subnets: {
    kind: constant([]),
    of: ({ id }: NetworkRecord, replica: Replica) => [...replica.subnetsByNetwork.of(id)].sort(),
  },
  shared: {
    kind: boolean,
    ...writable,
    ...scalar,
    of: (network: NetworkRecord) => network.shared,
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
  'router:external': { kind: constant(false), ...writable, of: () => false },
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
} as const satisfies Resource<NetworkRecord>

export type NetworkValues = Values<typeof attributes>

export function networkAt(replica: Replica, id: string): Stored<NetworkRecord> {
  return storedAt(network, replica, id)
}

export function createNetworks(
  { now }: Context,
  requests: readonly NetworkValues[],
): Plan<readonly string[]> {
  const made = requests.map(
    (values): NetworkRecord => ({
      ...newCommon(values, now(), 1),
      adminStateUp: values.admin_state_up ?? true,
      shared: values.shared ?? false,
      portSecurityEnabled: values.port_security_enabled ?? true,
      mtu: values.mtu ?? MTU_DEFAULT,
      checks: values['portward:checks'] ?? {},
    }),
  )
  return {
    compares: made.map(({ id }) => ({ key: keys.network(id), modified: 0 })),
    ops: made.map((record) => ({
      type: 'put',
      key: keys.network(record.id),
      value: records.network.encode(record),
    })),
    result: made.map(({ id }) => id),
  }
}

/** Other values of port security and its checks are for ports made from then on. */
export function updateNetwork(
  { now }: Context,
  stored: Stored<NetworkRecord>,
  values: NetworkValues,
): Plan<undefined> {
  const { record } = stored
  const after: NetworkRecord = {
    ...record,
    name: values.name ?? record.name,
    description: values.description ?? record.description,
    adminStateUp: values.admin_state_up ?? record.adminStateUp,
    shared: values.shared ?? record.shared,
    portSecurityEnabled: values.port_security_enabled ?? record.portSecurityEnabled,
    mtu: values.mtu ?? record.mtu,
    checks: values['portward:checks'] ?? record.checks,
  }
  return rewrite(stored, after, {
    key: keys.network(record.id),
    codec: records.network,
    now: now(),
  })
}

/** Its subnets go with it. A port that joins it meanwhile writes members/NET, which is compared. */
export function deleteNetwork(
  { replica }: Context,
  { record: { id }, modified }: Stored<NetworkRecord>,
): Plan<undefined> {
  const ports = [...replica.portsByNetwork.of(id)].sort()
  if (ports.length > 0) throw errors.networkInUse(id, ports)
  const members = keys.networkMembers(id)
  const joined = replica.members.get(id)?.modified ?? 0
  const key = keys.network(id)
  const subnets = [...replica.subnetsByNetwork.of(id)].map((subnetId) => keys.subnet(subnetId))
  return {
    compares: [
      { key, modified },
      { key: members, modified: joined },
    ],
    ops: [key, members, ...subnets].map((key) => ({ type: 'delete', key })),
    result: undefined,
  }
}
