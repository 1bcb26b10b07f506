// Subnets: the addresses of a network. Neutron API v2.0, "Subnets".

import {
  bitsOf,
  bytesOfIp,
  ipOfBytes,
  isMulticastIp,
  linkLocalOf,
  overlaps,
  parseIp,
  parsePrefix,
  prefixParts,
} from '@portward/addr'
import type { Ip, Mac } from '@portward/addr'
import { keys, records } from '@portward/store'
import type { Op, SubnetRecord } from '@portward/store'
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
import { changesOf } from './history.ts'
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
  shownAs,
  string,
} from './kinds.ts'
import { network } from './networks.ts'
import { overlapping } from './overlap.ts'
import { authorize } from './policy.ts'
import { checkPools, defaultPools, firstHost, isHostAddress } from './pools.ts'
import { isTrusted, portWrites } from './port-write.ts'
import type { Writes } from './port-write.ts'
import { withinQuota } from './quota.ts'
import type { Replica } from './replica.ts'
import type { Resource, Values } from './resource.ts'
import { storedAt } from './resource.ts'
import type { Stored } from './table.ts'
import { cidrText, ipOrCidrText, ipText } from './texts.ts'
import type { Context, Plan } from './transact.ts'

const LOOPBACK = parsePrefix('127.0.0.0/8')
const NOWHERE = parsePrefix('0.0.0.0/32')
/** A DHCP server's port, which comes and goes with what it serves. */
const DHCP = 'network:dhcp'

const ipv6Modes = ['slaac', 'dhcpv6-stateful', 'dhcpv6-stateless'] as const
const ipv6Mode = nullable(oneOf(ipv6Modes))

const pools = kind({
  schema: Type.Array(Type.Object({ start: ipText, end: ipText }, strict())),
  wanted: 'a list of {"start": ADDRESS, "end": ADDRESS}',
  convert: (list) => list.map(({ start, end }) => ({ start: parseIp(start), end: parseIp(end) })),
})

const hostRoutes = kind({
  schema: Type.Array(Type.Object({ destination: ipOrCidrText, nexthop: ipText }, strict())),
  shown: Type.Array(Type.Object({ destination: cidrText, nexthop: ipText }, strict())),
  wanted: 'a list of {"destination": CIDR, "nexthop": ADDRESS}',
  convert: (list) =>
    list.map(({ destination, nexthop }) => ({
      destination: parsePrefix(destination) as string,
      nexthop: parseIp(nexthop) as string,
    })),
})

const addresses = kind({
  schema: Type.Array(ipText),
  wanted: 'a list of IP addresses',
  convert: (list) => list.map((text): string => parseIp(text)),
})

const attributes = {
  ...idAttribute,
  name: {
    kind: string(NAME_MAX),
    ...writable,
    ...scalar,
    ids: (replica: Replica, name: string) => replica.subnetsByName.inOrder(name),
    of: (subnet: SubnetRecord) => subnet.name,
  },
  ...projectAttributes((replica) => replica.subnetsByProject),
  network_id: {
    kind: string(NAME_MAX),
    post: 'required',
    ...scalar,
    ids: (replica: Replica, id: string) => replica.subnetsByNetwork.inOrder(id),
    of: (subnet: SubnetRecord) => subnet.networkId,
  },
  ip_version: {
    kind: shownAs(Type.Integer({ enum: [4, 6] }), integer(4, 6)),
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
  visible: ({ projectId, networkId }, eyes) => {
    const its = eyes.replica.networks.get(networkId)?.record
    return projectId === eyes.caller.projectId || (its !== undefined && network.visible(its, eyes))
  },
  visibleIds: (eyes) => [
    ...eyes.replica.subnetsByProject.of(eyes.caller.projectId),
    ...network.visibleIds(eyes).flatMap((id) => [...eyes.replica.subnetsByNetwork.of(id)]),
  ],
} as const satisfies Resource<SubnetRecord>

export type SubnetValues = Values<typeof attributes>

/** Whether stations on it make their own addresses from the prefix and their MAC (RFC 4862). */
export function isAutoAddress({ ipv6AddressMode, ipv6RaMode }: SubnetRecord): boolean {
  return [ipv6AddressMode, ipv6RaMode].some((m) => m === 'slaac' || m === 'dhcpv6-stateless')
}

/**
 * The network is written with it: so two overlapping subnets made at once can't both be. Where stations make their own
 * addresses, the ports that are there have one from then on.
 */
export function createSubnets(
  context: Context,
  requests: readonly SubnetValues[],
): Plan<readonly string[]> {
  const { replica } = context
  const made = requests.map((values) => newSubnet(context, values))
  const networks = new Set(made.map(({ networkId }) => networkId))
  for (const [networkId, its] of Map.groupBy(made, ({ networkId }) => networkId)) {
    const pair = overlapping([...subnetsOn(replica, networkId), ...its])
    if (pair === undefined) continue
    const [other, record] = pair
    throw errors.subnetOverlaps(record.cidr, other.cidr, other.id)
  }
  const touches = [...networks].map((id) => touchNetwork(context, id))
  const quota = withinQuota(
    context,
    'subnet',
    made.map(({ projectId }) => projectId),
  )
  const ports = addressedAnew(context, networks, made.filter(isAutoAddress))
  return {
    compares: [
      ...made.map(({ id }) => ({ key: keys.subnet(id), modified: 0 })),
      ...touches.flatMap(({ compares }) => compares),
      ...quota.compares,
      ...ports.compares,
    ],
    ops: [...made.map(putSubnet), ...touches.flatMap(({ ops }) => ops), ...quota.ops, ...ports.ops],
    changes: [
      ...made.flatMap((record) => changesOf(subnet, replica, undefined, record)),
      ...ports.changes,
    ],
    result: made.map(({ id }) => id),
  }
}

export function updateSubnet(
  context: Context,
  stored: Stored<SubnetRecord>,
  values: SubnetValues,
  tags: readonly string[] = stored.record.tags,
): Plan<undefined> {
  const { record } = stored
  authorize(context.caller, 'PUT', subjectOf(context.replica, record), values)
  const after: SubnetRecord = {
    ...record,
    name: values.name ?? record.name,
    tags: [...tags],
    description: values.description ?? record.description,
    enableDhcp: values.enable_dhcp ?? record.enableDhcp,
    gatewayIp: values.gateway_ip === undefined ? record.gatewayIp : values.gateway_ip,
    allocationPools: values.allocation_pools ?? record.allocationPools,
    dnsNameservers: values.dns_nameservers ?? record.dnsNameservers,
    hostRoutes: values.host_routes ?? record.hostRoutes,
  }
  if (!record.enableDhcp) checkDhcp(after)
  checkGateway(after)
  checkPools(after.cidr, after.gatewayIp, after.allocationPools)
  return rewriteSubnet(context, stored, after)
}

/** Ports whose addresses on it are those that stations make for themselves, or a DHCP server's, only lose these. */
export function deleteSubnet(
  context: Context,
  { record, modified }: Stored<SubnetRecord>,
): Plan<undefined> {
  const { replica, caller } = context
  const { id, networkId } = record
  authorize(caller, 'DELETE', subjectOf(replica, record), {})
  const ports = [...replica.portsBySubnet.of(id)].sort()
  const auto = isAutoAddress(record)
  const inUse = ports.filter((one) => {
    const { deviceOwner = '' } = replica.ports.get(one)?.record ?? {}
    return deviceOwner !== DHCP && (!auto || isTrusted(deviceOwner))
  })
  if (inUse.length > 0) throw errors.subnetInUse(id, inUse)
  const touch = touchNetwork(context, networkId)
  const joined = replica.members.get(networkId)?.modified ?? 0
  const freed = ports.map((one) => withoutSubnet(context, one, id))
  return {
    compares: [
      { key: keys.subnet(id), modified },
      { key: keys.networkMembers(networkId), modified: joined },
      ...touch.compares,
      ...freed.flatMap(({ compares }) => compares),
    ],
    ops: [
      { type: 'delete', key: keys.subnet(id) },
      ...touch.ops,
      ...freed.flatMap(({ ops }) => ops),
    ],
    changes: [
      ...changesOf(subnet, replica, record, undefined),
      ...freed.flatMap(({ changes }) => changes),
    ],
    result: undefined,
  }
}

export function rewriteSubnet(
  context: Context,
  stored: Stored<SubnetRecord>,
  after: SubnetRecord,
): Plan<undefined> {
  const key = keys.subnet(stored.record.id)
  return rewrite(context, subnet, stored, after, { key, codec: records.subnet })
}

export function subjectOf(replica: Replica, { id, projectId, networkId }: SubnetRecord) {
  const networkProjectId = replica.networks.get(networkId)?.record.projectId ?? ''
  return { resource: 'subnet', id, projectId, networkProjectId }
}

export function subnetsOn(replica: Replica, networkId: string): readonly SubnetRecord[] {
  const ids = [...replica.subnetsByNetwork.of(networkId)].sort()
  return ids.flatMap((id) => replica.subnets.get(id)?.record ?? [])
}

/** The subnet's prefix and the interface identifier that follows from the MAC (RFC 4291, section 2.5.1). */
export function autoAddressOf({ cidr: prefix }: Pick<SubnetRecord, 'cidr'>, mac: Mac): Ip {
  const bytes = bytesOfIp(prefixParts(prefix).ip)
  bytes.set(bytesOfIp(linkLocalOf(mac)).subarray(8), 8)
  return ipOfBytes(bytes)
}

/** The ports of the networks, each with the address that it has from then on in these subnets. */
function addressedAnew(
  context: Context,
  networks: ReadonlySet<string>,
  subnets: readonly SubnetRecord[],
): Writes {
  if (subnets.length === 0) return nothing
  const { replica, now } = context
  const writes: Writes[] = []
  for (const networkId of networks) {
    const its = subnets.filter((one) => one.networkId === networkId)
    const joined = replica.members.get(networkId)?.modified ?? 0
    writes.push({
      compares: [{ key: keys.networkMembers(networkId), modified: joined }],
      ops: [],
      changes: [],
    })
    for (const id of replica.portsByNetwork.of(networkId)) {
      const stored = replica.ports.get(id)
      if (stored === undefined || isTrusted(stored.record.deviceOwner)) continue
      const { record } = stored
      const more = its.map((one) => ({ subnetId: one.id, ip: autoAddressOf(one, record.mac) }))
      const after = { ...record, fixedIps: [...record.fixedIps, ...more] }
      writes.push(portWrites(replica, stored, touched(after, now())))
    }
  }
  return {
    compares: writes.flatMap(({ compares }) => compares),
    ops: writes.flatMap(({ ops }) => ops),
    changes: writes.flatMap(({ changes }) => changes),
  }
}

function withoutSubnet({ replica, now }: Context, portId: string, subnetId: string): Writes {
  const stored = replica.ports.get(portId)
  if (stored === undefined) return nothing
  const fixedIps = stored.record.fixedIps.filter((one) => one.subnetId !== subnetId)
  return portWrites(replica, stored, touched({ ...stored.record, fixedIps }, now()))
}

function newSubnet(context: Context, values: SubnetValues): SubnetRecord {
  const { cidr: prefix, network_id: networkId } = values
  if (prefix === undefined) throw errors.missingAttribute('subnet', 'cidr')
  if (networkId === undefined) throw errors.missingAttribute('subnet', 'network_id')
  const { projectId: networkProjectId } = storedAt(network, context, networkId).record
  const common = newCommon(values, context, 0)
  const { projectId } = common
  const subject = { resource: 'subnet', id: '', projectId, networkProjectId }
  authorize(context.caller, 'POST', subject, values)
  const { family, length } = prefixParts(prefix)
  const version = values.ip_version ?? family
  if (version !== family) {
    throw errors.invalidInput('cidr', `a prefix of ip_version ${version}`, prefix)
  }
  const mayRoute = bitsOf(family) - length >= 1
  const gatewayIp =
    values.gateway_ip === undefined ? (mayRoute ? firstHost(prefix) : null) : values.gateway_ip
  const record: SubnetRecord = {
    ...common,
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
  checkDhcp(record)
  checkGateway(record)
  checkPools(prefix, gatewayIp, record.allocationPools)
  checkModes(record)
  return record
}

/** What a DHCP server can have addresses of to give away, as Neutron has it. */
function checkDhcp({ cidr: prefix, enableDhcp }: SubnetRecord): void {
  if (!enableDhcp) return
  const { family, ip: first, length } = prefixParts(prefix)
  const longest = bitsOf(family) - 2
  const wanted =
    length > longest
      ? `a prefix of /${longest} or shorter`
      : isMulticastIp(first)
        ? 'unicast'
        : overlaps(prefix, LOOPBACK)
          ? 'what is not loopback'
          : overlaps(prefix, NOWHERE)
            ? 'what does not begin with 0.0.0.0'
            : undefined
  if (wanted === undefined) return
  throw errors.invalidInput('cidr', `${wanted}, or "enable_dhcp": false with it`, prefix)
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

/** Its list of subnets changes. */
function touchNetwork({ replica, now }: Context, id: string): Writes {
  const stored = replica.networks.get(id)
  if (stored === undefined) throw errors.networkNotFound(id)
  const key = keys.network(id)
  const value = records.network.encode(touched(stored.record, now()))
  return {
    compares: [{ key, modified: stored.modified }],
    ops: [{ type: 'put', key, value }],
    changes: [],
  }
}

const nothing: Writes = { compares: [], ops: [], changes: [] }

function strict() {
  return { additionalProperties: false } as const
}
