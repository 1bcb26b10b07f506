// Subnets: the addresses of a network. Neutron API v2.0, "Subnets".

import { overlaps, parseIp, parsePrefix, prefixParts, bitsOf } from '@portward/addr'
import { keys, records } from '@portward/store'
import type { NetworkRecord, Op, SubnetRecord } from '@portward/store'
import { Type } from 'typebox'
import {
  NAME_MAX,
  idAttribute,
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
import {
  boolean,
  cidr,
  constant,
  integer,
  ip,
  kind,
  nullAs,
  nullable,
  oneOf,
  string,
} from './kinds.ts'
import { networkAt } from './networks.ts'
import { checkPools, defaultPools, firstHost, isHostAddress } from './pools.ts'
import type { Replica } from './replica.ts'
import type { Resource, Values } from './resource.ts'
import { storedAt } from './resource.ts'
import type { Stored } from './table.ts'
import type { Context, Plan } from './transact.ts'

const ipv6Modes = ['slaac', 'dhcpv6-stateful', 'dhcpv6-stateless'] as const
const ipv6Mode = nullable(oneOf(ipv6Modes))

const pools = kind({
  schema: Type.Array(Type.Object({ start: Type.String(), end: Type.String() }, strict())),
  wanted: 'a list of {"start": ADDRESS, "end": ADDRESS}',
  convert: (list) => list.map(({ start, end }) => ({ start: parseIp(start), end: parseIp(end) })),
})

const hostRoutes = kind({
  schema: Type.Array(Type.Object({ destination: Type.String(), nexthop: Type.String() }, strict())),
  wanted: 'a list of {"destination": CIDR, "nexthop": ADDRESS}',
  convert: (list) =>
    list.map(({ destination, nexthop }) => ({
      destination: parsePrefix(destination) as string,
      nexthop: parseIp(nexthop) as string,
    })),
})

const addresses = kind({
  schema: Type.Array(Type.String()),
  wanted: 'a list of IP addresses',
  convert: (list) => list.map((text): string => parseIp(text)),
})

const attributes = {
  ...idAttribute,
  name: {
    kind: string(NAME_MAX),
    ...writable,
    ...scalar,
    of: (subnet: SubnetRecord) => subnet.name,
  },
  ...projectAttributes,
  network_id: {
    kind: string(NAME_MAX),
    post: 'required',
    ...scalar,
    ids: (replica: Replica, id: string) => replica.subnetsByNetwork.of(id),
    of: (subnet: SubnetRecord) => subnet.networkId,
  },
  ip_version: {
    kind: integer(4, 6),
    post: 'optional',
    ...scalar,
    of: (subnet: SubnetRecord) => prefixParts(subnet.cidr).family,
  },
  subnetpool_id: { kind: constant(null), post: 'optional', of: () => null },
  enable_dhcp: {
    kind: boolean,
    ...writable,
    ...scalar,
    of: (subnet: SubnetRecord) => subnet.enableDhcp,
  },
  ipv6_ra_mode: {
    kind: ipv6Mode,
    post: 'optional',
    ...scalar,
    of: (subnet: SubnetRecord) => subnet.ipv6RaMode,
  },
  ipv6_address_mode: {
    kind: ipv6Mode,
    post: 'optional',
    ...scalar,
    of: (subnet: SubnetRecord) => subnet.ipv6AddressMode,
  },
  gateway_ip: {
    kind: nullable(ip),
    ...writable,
    ...scalar,
    of: (subnet: SubnetRecord) => subnet.gatewayIp,
  },
  cidr: { kind: cidr, post: 'required', ...scalar, of: (subnet: SubnetRecord) => subnet.cidr },
  allocation_pools: {
    kind: pools,
    ...writable,
    of: (subnet: SubnetRecord) => subnet.allocationPools,
  },
  host_routes: {
    kind: nullAs([], hostRoutes),
    ...writable,
    of: (subnet: SubnetRecord) => subnet.hostRoutes,
  },
  dns_nameservers: {
    kind: nullAs([], addresses),
    ...writable,
    of: (subnet: SubnetRecord) => subnet.dnsNameservers,
  },
  service_types: { kind: constant([]), ...writable, of: () => [] },
  ...standardAttributes,
} as const

export const subnet = {
  name: 'subnet',
  collection: 'subnets',
  attributes,
  filters: tagFilters,
  table: (replica) => replica.subnets,
  notFound: (id) => errors.subnetNotFound(id),
} as const satisfies Resource<SubnetRecord>

export type SubnetValues = Values<typeof attributes>

export function subnetAt(replica: Replica, id: string): Stored<SubnetRecord> {
  return storedAt(subnet, replica, id)
}

/** Whether stations on it make their own addresses from the prefix and their MAC (RFC 4862). */
export function isAutoAddress({ ipv6AddressMode, ipv6RaMode }: SubnetRecord): boolean {
  return [ipv6AddressMode, ipv6RaMode].some((m) => m === 'slaac' || m === 'dhcpv6-stateless')
}

/** The network is written with it: so two overlapping subnets made at once can't both be. */
export function createSubnets(
  context: Context,
  requests: readonly SubnetValues[],
): Plan<readonly string[]> {
  const { replica, now } = context
  const made: SubnetRecord[] = []
  for (const values of requests) {
    const record = newSubnet(values, now())
    const { networkId } = record
    networkAt(replica, networkId)
    const others = [...replica.subnetsByNetwork.of(networkId)].map(
      (id) => subnetAt(replica, id).record,
    )
    for (const other of [...others, ...made.filter((one) => one.networkId === networkId)]) {
      if (overlaps(record.cidr, other.cidr)) {
        throw errors.subnetOverlaps(record.cidr, other.cidr, other.id)
      }
    }
    made.push(record)
  }
  const networks = new Set(made.map(({ networkId }) => networkId))
  const touches = [...networks].map((id) => touchNetwork(networkAt(replica, id), now()))
  return {
    compares: [
      ...made.map(({ id }) => ({ key: keys.subnet(id), modified: 0 })),
      ...touches.map(({ compare }) => compare),
    ],
    ops: [...made.map(putSubnet), ...touches.map(({ op }) => op)],
    result: made.map(({ id }) => id),
  }
}

export function updateSubnet(
  { now }: Context,
  stored: Stored<SubnetRecord>,
  values: SubnetValues,
): Plan<undefined> {
  const { record } = stored
  const after: SubnetRecord = {
    ...record,
    name: values.name ?? record.name,
    description: values.description ?? record.description,
    enableDhcp: values.enable_dhcp ?? record.enableDhcp,
    gatewayIp: values.gateway_ip === undefined ? record.gatewayIp : values.gateway_ip,
    allocationPools: values.allocation_pools ?? record.allocationPools,
    dnsNameservers: values.dns_nameservers ?? record.dnsNameservers,
    hostRoutes: values.host_routes ?? record.hostRoutes,
  }
  checkGateway(after)
  checkPools(after.cidr, after.gatewayIp, after.allocationPools)
  return rewrite(stored, after, {
    key: keys.subnet(record.id),
    codec: records.subnet,
    now: now(),
  })
}

export function deleteSubnet(
  { replica, now }: Context,
  { record: { id, networkId }, modified }: Stored<SubnetRecord>,
): Plan<undefined> {
  const ports = [...replica.portsBySubnet.of(id)].sort()
  if (ports.length > 0) throw errors.subnetInUse(id, ports)
  const touch = touchNetwork(networkAt(replica, networkId), now())
  const joined = replica.members.get(networkId)?.modified ?? 0
  return {
    compares: [
      { key: keys.subnet(id), modified },
      { key: keys.networkMembers(networkId), modified: joined },
      touch.compare,
    ],
    ops: [{ type: 'delete', key: keys.subnet(id) }, touch.op],
    result: undefined,
  }
}

function newSubnet(values: SubnetValues, now: Date): SubnetRecord {
  const { cidr: prefix, network_id: networkId } = values
  if (prefix === undefined) throw errors.missingAttribute('subnet', 'cidr')
  if (networkId === undefined) throw errors.missingAttribute('subnet', 'network_id')
  const { family, length } = prefixParts(prefix)
  const version = values.ip_version ?? family
  if (version !== family) {
    throw errors.invalidInput('cidr', `a prefix of ip_version ${version}`, prefix)
  }
  const mayRoute = bitsOf(family) - length >= 1
  const gatewayIp =
    values.gateway_ip === undefined ? (mayRoute ? firstHost(prefix) : null) : values.gateway_ip
  const record: SubnetRecord = {
    ...newCommon(values, now, 0),
    networkId,
    cidr: prefix,
    gatewayIp,
    enableDhcp: values.enable_dhcp ?? true,
    allocationPools: values.allocation_pools ?? [...defaultPools(prefix, gatewayIp)],
    dnsNameservers: values.dns_nameservers ?? [],
    hostRoutes: values.host_routes ?? [],
    ipv6AddressMode: values.ipv6_address_mode ?? null,
    ipv6RaMode: values.ipv6_ra_mode ?? null,
  }
  checkGateway(record)
  checkPools(prefix, gatewayIp, record.allocationPools)
  checkModes(record)
  return record
}

/** Within the subnet it must be a host's address; outside of it (a gateway reached on link) anything goes. */
function checkGateway({ cidr: prefix, gatewayIp }: SubnetRecord): void {
  if (gatewayIp === null || isHostAddress(prefix, gatewayIp)) return
  const family = prefixParts(prefix).family
  if (
    overlaps(prefix, parsePrefix(gatewayIp)) ||
    prefixParts(parsePrefix(gatewayIp)).family !== family
  ) {
    throw errors.invalidInput('gateway_ip', `a host address of ${prefix}, or null`, gatewayIp)
  }
}

function checkModes(record: SubnetRecord): void {
  const { cidr: prefix, ipv6AddressMode: addressMode, ipv6RaMode: raMode } = record
  if (addressMode === null && raMode === null) return
  const name = addressMode === null ? 'ipv6_ra_mode' : 'ipv6_address_mode'
  const mode = addressMode ?? raMode
  const { family, length } = prefixParts(prefix)
  if (family === 4) throw errors.invalidInput(name, 'none for an IPv4 subnet', mode)
  if (!record.enableDhcp) throw errors.invalidInput(name, 'none with enable_dhcp false', mode)
  if (addressMode !== null && raMode !== null && addressMode !== raMode) {
    throw errors.invalidInput(name, `the same as ipv6_ra_mode, ${raMode}`, mode)
  }
  if (isAutoAddress(record) && length !== 64) {
    throw errors.invalidInput('cidr', `a /64, as ${mode} needs`, prefix)
  }
}

function putSubnet(record: SubnetRecord): Op {
  return { type: 'put', key: keys.subnet(record.id), value: records.subnet.encode(record) }
}

function touchNetwork({ record, modified }: Stored<NetworkRecord>, now: Date) {
  const key = keys.network(record.id)
  const value = records.network.encode(touched(record, now))
  const op: Op = { type: 'put', key, value }
  return { compare: { key, modified }, op }
}

function strict() {
  return { additionalProperties: false } as const
}
