// Subnets made, changed and deleted. Neutron API v2.0, "Subnets". Its network is written with one that
// comes or goes: its list of subnets changes.

import { bitsOf, isMulticastIp, overlaps, parsePrefix, prefixParts } from '@portward/addr'
import { keys, records } from '@portward/store'
import type { SubnetRecord } from '@portward/store'
import { newCommon, rewrite, touched } from './common.ts'
import { DHCP, isTrusted } from './device-owner.ts'
import { errors } from './errors.ts'
import { changesOf } from './history.ts'
import { network, touchNetwork } from './networks.ts'
import { overlapping } from './overlap.ts'
import { authorize, subjectOn } from './policy.ts'
import { checkPools, defaultPools, firstHost, isHostAddress } from './pools.ts'
import { joined, portWrites } from './port-write.ts'
import { withinQuota } from './quota.ts'
import { storedAt } from './resource.ts'
import { autoAddressOf, isAutoAddress, subnet, subnetsOn } from './subnet.ts'
import type { SubnetValues } from './subnet.ts'
import type { Stored } from './table.ts'
import type { Context, Plan } from './transact.ts'
import { noWrites, together } from './writes.ts'
import type { Writes } from './writes.ts'

const LOOPBACK = parsePrefix('127.0.0.0/8')
const NOWHERE = parsePrefix('0.0.0.0/32')

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
  const touches = [...networks].map((id) => touchNetwork(context, storedAt(network, context, id)))
  const quota = withinQuota(
    context,
    'subnet',
    made.map(({ projectId }) => projectId),
  )
  const ports = addressedAnew(context, networks, made.filter(isAutoAddress))
  return {
    ...together([...made.map((record) => newWrites(context, record)), ...touches, quota, ports]),
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
  authorize(context.caller, 'PUT', subjectOn(context.replica, 'subnet', record), values)
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
  const at = { key: keys.subnet(record.id), codec: records.subnet }
  return rewrite(context, subnet, stored, after, at)
}

/** Ports whose addresses on it are those that stations make for themselves, or a DHCP server's, only lose these. */
export function deleteSubnet(
  context: Context,
  { record, modified }: Stored<SubnetRecord>,
): Plan<undefined> {
  const { replica, caller } = context
  const { id, networkId } = record
  authorize(caller, 'DELETE', subjectOn(replica, 'subnet', record), {})
  const ports = [...replica.portsBySubnet.of(id)].sort()
  const auto = isAutoAddress(record)
  const inUse = ports.filter((one) => {
    const { deviceOwner = '' } = replica.ports.get(one)?.record ?? {}
    return deviceOwner !== DHCP && (!auto || isTrusted(deviceOwner))
  })
  if (inUse.length > 0) throw errors.subnetInUse(id, inUse)
  const key = keys.subnet(id)
  const own: Writes = {
    compares: [{ key, modified }, joined(replica, networkId)],
    ops: [{ type: 'delete', key }],
    changes: changesOf(subnet, replica, record, undefined),
  }
  const touch = touchNetwork(context, storedAt(network, context, networkId))
  const freed = ports.map((one) => withoutSubnet(context, one, id))
  return { ...together([own, touch, ...freed]), result: undefined }
}

/** The ports of the networks, each with the address that it has from then on in these subnets. */
function addressedAnew(
  context: Context,
  networks: ReadonlySet<string>,
  subnets: readonly SubnetRecord[],
): Writes {
  if (subnets.length === 0) return noWrites
  const { replica, now } = context
  const writes: Writes[] = []
  for (const networkId of networks) {
    const its = subnets.filter((one) => one.networkId === networkId)
    writes.push({ ...noWrites, compares: [joined(replica, networkId)] })
    for (const id of replica.portsByNetwork.of(networkId)) {
      const stored = replica.ports.get(id)
      if (stored === undefined || isTrusted(stored.record.deviceOwner)) continue
      const { record } = stored
      const more = its.map((one) => ({ subnetId: one.id, ip: autoAddressOf(one, record.mac) }))
      const after = { ...record, fixedIps: [...record.fixedIps, ...more] }
      writes.push(portWrites(replica, stored, touched(after, now())))
    }
  }
  return together(writes)
}

function withoutSubnet({ replica, now }: Context, portId: string, subnetId: string): Writes {
  const stored = replica.ports.get(portId)
  if (stored === undefined) return noWrites
  const fixedIps = stored.record.fixedIps.filter((one) => one.subnetId !== subnetId)
  return portWrites(replica, stored, touched({ ...stored.record, fixedIps }, now()))
}

function newSubnet(context: Context, values: SubnetValues): SubnetRecord {
  const { cidr: prefix, network_id: networkId } = values
  if (prefix === undefined) throw errors.missingAttribute('subnet', 'cidr')
  if (networkId === undefined) throw errors.missingAttribute('subnet', 'network_id')
  storedAt(network, context, networkId)
  const common = newCommon(values, context, 0)
  const { projectId } = common
  const subject = subjectOn(context.replica, 'subnet', { projectId, networkId })
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
  const refuse = (wanted: string): never => {
    throw errors.invalidInput('cidr', `${wanted}, or "enable_dhcp": false with it`, prefix)
  }
  if (length > longest) refuse(`a prefix of /${longest} or shorter`)
  if (isMulticastIp(first)) refuse('unicast')
  if (overlaps(prefix, LOOPBACK)) refuse('what is not loopback')
  if (overlaps(prefix, NOWHERE)) refuse('what does not begin with 0.0.0.0')
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

function newWrites({ replica }: Context, record: SubnetRecord): Writes {
  const key = keys.subnet(record.id)
  return {
    compares: [{ key, modified: 0 }],
    ops: [{ type: 'put', key, value: records.subnet.encode(record) }],
    changes: changesOf(subnet, replica, undefined, record),
  }
}
