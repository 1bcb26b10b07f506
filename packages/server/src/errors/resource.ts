// Errors of the resources of Neutron's API.

import { define, few, quoted, show } from './define.ts'

export const resourceErrors = {
  // Networks and subnets.
  networkNotFound: define(
    404,
    'NetworkNotFound',
    (id: string) => `There is no network ${id}: GET /v2.0/networks lists those there are.`,
  ),
  networkInUse: define(
    409,
    'NetworkInUse',
    (id: string, ports: readonly string[]) =>
      `Network ${id} has ${ports.length} port(s), so it cannot be deleted. Delete them first: ${few(ports)}.`,
  ),
  subnetNotFound: define(
    404,
    'SubnetNotFound',
    (id: string) => `There is no subnet ${id}: GET /v2.0/subnets lists those there are.`,
  ),
  subnetInUse: define(
    409,
    'SubnetInUse',
    (id: string, ports: readonly string[]) =>
      `Subnet ${id} cannot be deleted while ports have addresses of it. Take them away first: ${few(ports)}.`,
  ),
  subnetOverlaps: define(
    400,
    'InvalidInput',
    (cidr: string, other: string, otherId: string) =>
      `cidr: ${cidr} overlaps with ${other} of subnet ${otherId} on the same network.`,
  ),
  badPool: define(
    400,
    'InvalidAllocationPool',
    (start: string, end: string) =>
      `allocation_pools: ${start} to ${end} is no range: start must not be above end.`,
  ),
  poolOutside: define(
    400,
    'OutOfBoundsAllocationPool',
    (start: string, end: string, cidr: string) =>
      `allocation_pools: ${start} to ${end} is not within the host addresses of ${cidr}.`,
  ),
  poolsOverlap: define(
    409,
    'OverlappingAllocationPools',
    (a: string, b: string) => `allocation_pools: ${a} and ${b} overlap.`,
  ),
  gatewayInPool: define(
    409,
    'GatewayConflictWithAllocationPools',
    (gateway: string, pool: string) =>
      `gateway_ip: ${gateway} lies in the allocation pool ${pool}: change one of them.`,
  ),

  vlanInUse: define(
    409,
    'VlanIdInUse',
    (id: number, physical: string, networkId: string | undefined) =>
      `provider:segmentation_id: VLAN ${id} on ${physical} is that of ${networkId === undefined ? 'another network of the request' : `network ${networkId}`}: choose another, or none to get one.`,
  ),
  flatInUse: define(
    409,
    'FlatNetworkInUse',
    (physical: string, networkId: string | undefined) =>
      `provider:physical_network: ${physical} has its flat network already${networkId === undefined ? '' : `, ${networkId}`}: use that one, or make one of type vlan.`,
  ),
  noFreeVlan: define(
    409,
    'NoNetworkAvailable',
    // Whoever has no provider:* shown gets this too.
    () =>
      'No VLAN is left for another network: delete networks, or have an administrator widen the setting vlan_range.',
  ),
  providerUnwanted: define(
    400,
    'InvalidInput',
    (name: string, type: string) =>
      `${name}: a network of type ${type} has none: take it out of the request.`,
  ),
  sharedInUse: define(
    409,
    'InvalidSharedSetting',
    (id: string, ports: readonly string[]) =>
      `shared: other projects have ports on network ${id}, so it stays shared. Delete them first: ${few(ports)}.`,
  ),

  // RBAC policies, quotas, agents, tags.
  rbacNotFound: define(
    404,
    'RbacPolicyNotFound',
    (id: string) => `There is no RBAC policy ${id}: GET /v2.0/rbac-policies lists those there are.`,
  ),
  rbacTwice: define(
    409,
    'DuplicateRbacPolicy',
    (networkId: string, target: string) =>
      `Network ${networkId} is shared with ${target === '*' ? 'everybody' : target} already.`,
  ),
  rbacInUse: define(
    409,
    'RbacPolicyInUse',
    (id: string, networkId: string, ports: readonly string[]) =>
      `RBAC policy ${id} must stay while ports are on network ${networkId} by it. Delete them first${ports.length === 0 ? '' : `: ${few(ports)}`}.`,
  ),
  quotaNotFound: define(
    404,
    'TenantQuotaNotFound',
    (project: string) =>
      `Project ${project} has no quota of its own: the defaults count for it already.`,
  ),
  overQuota: define(
    409,
    'OverQuota',
    (kind: string, project: string, used: number, limit: number) =>
      `Project ${project} may have ${limit} ${kind}(s) and has ${used}: delete some, or have an administrator raise its quota (openstack quota set).`,
  ),
  quotaBelowUse: define(
    400,
    'InvalidQuotaValue',
    (kind: string, used: number, limit: number) =>
      `${kind}: the project has ${used} already, so its quota cannot be ${limit}.`,
  ),
  agentNotFound: define(
    404,
    'AgentNotFound',
    (id: string) => `There is no agent ${id}: GET /v2.0/agents lists those there are.`,
  ),
  taggedNotFound: define(
    404,
    'TagResourceNotFound',
    (collection: string, id: string) => `There is nothing to tag: no ${id} in /v2.0/${collection}.`,
  ),
  tagNotFound: define(
    404,
    'TagNotFound',
    (tag: string, id: string) => `${id} does not have the tag ${show(tag)}.`,
  ),

  // Ports.
  portNotFound: define(
    404,
    'PortNotFound',
    (id: string) => `There is no port ${id}: GET /v2.0/ports lists those there are.`,
  ),
  macInUse: define(
    409,
    'MacAddressInUse',
    (mac: string, networkId: string, portId: string | undefined) =>
      `mac_address: ${mac} is that of ${portOr(portId)} on network ${networkId}: choose another, or none to get one.`,
  ),
  macTwice: define(
    409,
    'MacAddressInUse',
    (mac: string, networkId: string) =>
      `mac_address: two ports of the request want ${mac} on network ${networkId}.`,
  ),
  noFreeMac: define(
    503,
    'MacAddressGenerationFailure',
    (networkId: string) => `No free MAC address was found for network ${networkId}: try again.`,
  ),
  ipInUse: define(
    409,
    'IpAddressAlreadyAllocated',
    (ip: string, subnetId: string, portId: string | undefined) =>
      `fixed_ips: ${ip} of subnet ${subnetId} belongs to ${portOr(portId)}: choose another, or none to get one.`,
  ),
  noFreeIp: define(
    409,
    'IpAddressGenerationFailure',
    (networkId: string, subnetIds: readonly string[]) =>
      `No address is left on network ${networkId} in subnet(s) ${subnetIds.join(', ')}: widen an allocation pool, or delete ports.`,
  ),
  ipOutsideNetwork: define(
    400,
    'InvalidIpForNetwork',
    (ip: string, networkId: string, cidrs: readonly string[]) =>
      `fixed_ips: ${ip} is no host address of any subnet of network ${networkId}. Its subnets: ${few(cidrs)}.`,
  ),
  ipOutsideSubnet: define(
    400,
    'InvalidIpForSubnet',
    (ip: string, subnetId: string, cidr: string) =>
      `fixed_ips: ${ip} is no host address of subnet ${subnetId}, ${cidr}.`,
  ),
  ipOnAutoSubnet: define(
    400,
    'AllocationOnAutoAddressSubnet',
    (ip: string, subnetId: string) =>
      `fixed_ips: stations on subnet ${subnetId} make their own addresses, so ${ip} cannot be chosen: give the subnet_id alone.`,
  ),
  subnetOfOtherNetwork: define(
    400,
    'InvalidInput',
    (subnetId: string, networkId: string) =>
      `fixed_ips: subnet ${subnetId} is not on the port's network ${networkId}.`,
  ),
  emptyFixedIp: define(
    400,
    'InvalidInput',
    (seen: unknown) =>
      `fixed_ips: an entry has subnet_id, ip_address or both, and this is ${show(seen)}.`,
  ),
  tooManyFixedIps: define(
    400,
    'InvalidInput',
    (count: number, most: number) =>
      `fixed_ips: ${count} are given and a port can have ${most}: for more, let it have an allowed address pair with a prefix.`,
  ),
  duplicateFixedIp: define(
    400,
    'HTTPBadRequest',
    (ip: string) => `fixed_ips: ${ip} is there twice.`,
  ),
  portBound: define(
    409,
    'PortBound',
    (id: string, host: string) =>
      `mac_address: port ${id} is bound to host ${host}, whose guest has its MAC already. Set binding:host_id to "" first.`,
  ),
  pairsNeedPortSecurity: define(
    409,
    'AddressPairAndPortSecurityRequired',
    () =>
      'Allowed address pairs and port security go together: to switch it off, send "allowed_address_pairs": [] in the same request; to have pairs, "port_security_enabled": true.',
  ),
  pairWithoutIp: define(
    400,
    'AllowedAddressPairsMissingIP',
    (seen: unknown) =>
      `allowed_address_pairs: every pair needs ip_address, and this has none: ${show(seen)}.`,
  ),
  pairMember: define(
    400,
    'HTTPBadRequest',
    (names: readonly string[]) =>
      `Unrecognized attribute(s) ${quoted(names)}: an address pair has ip_address and mac_address.`,
  ),
  pairTwice: define(
    400,
    'DuplicateAddressPairInRequest',
    (mac: string, ip: string) =>
      `allowed_address_pairs: ${ip} with MAC ${mac} is there twice; a pair without mac_address has the port's.`,
  ),
  tooManyPairs: define(
    400,
    'AllowedAddressPairExhausted',
    (count: number, limit: number) =>
      `allowed_address_pairs: ${count} are given and a port can have ${limit}: one prefix may stand for many addresses.`,
  ),
  unknownChecks: define(
    400,
    'HTTPBadRequest',
    (name: string, names: readonly string[], known: readonly string[]) =>
      `${name}: there is no check ${quoted(names)}; a port can be exempted from ${known.join(', ')}.`,
  ),
  trunkOnVlan: define(
    400,
    'InvalidInput',
    (networkId: string) =>
      `portward:checks: network ${networkId} has a VLAN, so a port of it cannot be exempted from the check 'vlan': use a network of type local.`,
  ),
  bindingNotFound: define(
    404,
    'PortBindingNotFound',
    (portId: string, host: string) =>
      `Port ${portId} has no binding for host ${host}: POST /v2.0/ports/${portId}/bindings makes one.`,
  ),
  bindingExists: define(
    409,
    'PortBindingAlreadyExists',
    (portId: string, host: string) => `Port ${portId} has a binding for host ${host} already.`,
  ),
  bindingActive: define(
    409,
    'PortBindingAlreadyActive',
    (portId: string, host: string) => `The binding of port ${portId} for host ${host} is active.`,
  ),
  bindingInUse: define(
    409,
    'PortBindingError',
    (portId: string, host: string) =>
      `The binding of port ${portId} for host ${host} is the active one: activate another, or set binding:host_id of the port.`,
  ),
  noSecurityGroups: define(
    400,
    'HTTPBadRequest',
    () =>
      'security_groups: Portward enforces port security, not security groups, so a port can have none: send [] or leave it out.',
  ),
} as const

/** Of a port that the caller is not to know of, only that there is one. */
function portOr(id: string | undefined): string {
  return id === undefined ? 'a port of another project' : `port ${id}`
}
