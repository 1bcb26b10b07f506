// The subnet as a resource: the addresses of a network, their attributes, and how each is written and shown. Neutron API v2.0,
// "Subnets".

import {
  bytesOfIp,
  ipOfBytes,
  linkLocalOf,
  parseIp,
  parsePrefix,
  prefixParts,
} from '@portward/addr'
import type { Ip, Mac } from '@portward/addr'
import type { SubnetRecord } from '@portward/store'
import { Type } from 'typebox'
import {
  idAttribute,
  nameAttribute,
  networkAttribute,
  projectAttributes,
  scalar,
  standardAttributes,
  tagFilters,
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
  shownAs,
} from './kinds.ts'
import { network } from './networks.ts'
import type { Replica } from './replica.ts'
import type { Resource, Values } from './resource.ts'
import { cidrText, ipOrCidrText, ipText } from './texts.ts'

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
  ...nameAttribute((replica) => replica.subnetsByName),
  ...projectAttributes((replica) => replica.subnetsByProject),
  ...networkAttribute((replica) => replica.subnetsByNetwork),
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

function strict() {
  return { additionalProperties: false } as const
}
