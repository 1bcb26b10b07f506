// Every error the API can answer with: status, type and sentence. Statuses and types are Neutron's, so that clients which
// look at them go on working; the sentences are ours and name the way out.

/** An answer other than success. Its body is `{"NeutronError": {"type", "message", "detail"}}`. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly type: string
  /** What the answer's headers say beyond what all say. */
  readonly headers: Readonly<Record<string, string>> = {}

  constructor(status: number, type: string, message: string) {
    super(message)
    this.status = status
    this.type = type
  }

  get body(): object {
    return { NeutronError: { type: this.type, message: this.message, detail: '' } }
  }
}

/** 401, as keystonemiddleware answers before Neutron is asked: clients look for the header, and for `error`. */
class Unauthorized extends ApiError {
  override readonly headers: Readonly<Record<string, string>>

  /** `challenge` says where or how to get a token (RFC 9110, section 11.6.1). */
  constructor(message: string, challenge: string) {
    super(401, 'Unauthorized', message)
    this.headers = { 'www-authenticate': challenge }
  }

  override get body(): object {
    return { error: { code: this.status, title: this.type, message: this.message } }
  }
}

export const errors = {
  // Identity.
  noToken: (challenge: string) =>
    new Unauthorized(
      'The request says not who asks: send a token as X-Auth-Token, or as Authorization: Bearer.',
      challenge,
    ),
  unknownToken: (challenge: string) =>
    new Unauthorized('The token is not known, or no longer valid: get another.', challenge),
  noRole: define(
    403,
    'PolicyNotAuthorized',
    (user: string, roles: readonly string[]) =>
      `User ${user} has none of the roles admin, member and reader here, but ${few(roles)}: have one assigned (openstack role add).`,
  ),
  noScope: define(
    403,
    'PolicyNotAuthorized',
    (scope: string) =>
      `The token is for ${scope}, and networks belong to projects: get one for a project (openstack --os-project-name NAME …).`,
  ),
  askedByName: define(
    403,
    'PolicyNotAuthorized',
    (host: string) =>
      `This server asks nobody who they are, and so answers to loopback's names alone, not to ${show(host)}: ask 127.0.0.1 or localhost, or have it know who asks (auth = "tokens").`,
  ),
  askedByPage: define(
    403,
    'PolicyNotAuthorized',
    (origin: string) =>
      `A browser sends this for a page (Origin ${show(origin)}), and nobody here is asked who it is: leave Origin out, or have the server know who asks (auth = "tokens" or "keystone").`,
  ),
  keystoneAway: define(
    503,
    'ServiceUnavailable',
    () =>
      'Keystone does not say whether the token is valid: try again. Why is in the log of portward.',
  ),

  // The request as such.
  noSuchPath: define(
    404,
    'HTTPNotFound',
    (path: string) =>
      `Nothing is served at ${path}: see GET /v2.0/ for networks, subnets and ports, GET /portward/v1/status for the hosts.`,
  ),
  noSecurityGroupPath: define(
    404,
    'HTTPNotFound',
    (path: string) =>
      `Nothing is served at ${path}: Portward enforces port security, not security groups. What a port may send as are its fixed_ips and allowed_address_pairs: see GET /v2.0/ports.`,
  ),
  noSuchExtension: define(
    404,
    'HTTPNotFound',
    (alias: string) =>
      `There is no extension ${show(alias)} here: GET /v2.0/extensions lists them.`,
  ),
  methodNotAllowed: define(
    405,
    'HTTPMethodNotAllowed',
    (method: string, path: string, allowed: readonly string[]) =>
      `${path} does not take ${method}: it takes ${allowed.join(', ')}.`,
  ),
  notAcceptable: define(
    406,
    'HTTPNotAcceptable',
    (accept: string) =>
      `Answers are application/json, and Accept is ${show(accept)}: accept that, or leave it out.`,
  ),
  tooLarge: define(
    413,
    'HTTPRequestEntityTooLarge',
    (limit: number) => `A request's body may have ${limit} bytes: send less at once.`,
  ),
  headersTooLarge: define(
    431,
    'HTTPRequestHeaderFieldsTooLarge',
    (limit: number) =>
      `A request's line and headers may have ${limit} bytes: ask with a shorter query, or several times.`,
  ),
  tooSlow: define(
    408,
    'HTTPRequestTimeout',
    (seconds: number) =>
      `The request did not arrive within ${seconds} seconds, and nothing was done: send it again.`,
  ),
  noMediaType: define(
    400,
    'HTTPBadRequest',
    (type: string) => `Content-Type is ${show(type)}: write application/json, or leave it out.`,
  ),
  malformed: define(400, 'HTTPBadRequest', (why: string) => `The request cannot be read: ${why}.`),
  notJson: define(
    400,
    'HTTPBadRequest',
    (why: string) => `The request's body must be a JSON object: ${why}.`,
  ),
  noResource: define(
    400,
    'HTTPBadRequest',
    (resource: string) =>
      `The request's body lacks its member '${resource}': write {"${resource}": {…}}.`,
  ),
  emptyBulk: define(
    400,
    'HTTPBadRequest',
    (collection: string) => `'${collection}' is an empty list: name at least one.`,
  ),
  bulkTooLarge: define(
    400,
    'HTTPBadRequest',
    (collection: string, count: number, most: number) =>
      `'${collection}' has ${count} members, and one request may make ${most}: send several.`,
  ),
  postOnItem: define(
    400,
    'HTTPBadRequest',
    (path: string) => `POST makes a new resource at its collection; to change ${path} use PUT.`,
  ),
  /** PUT or DELETE of a collection: Neutron looks for a resource without an id. */
  noId: (type: string, method: string, path: string) =>
    new ApiError(404, type, `${method} needs the id of what it is for: ${path}/ID.`),
  badIfMatch: define(
    400,
    'BadRequest',
    (text: string) => `If-Match is ${show(text)}: write revision_number=NUMBER.`,
  ),
  badWait: define(
    400,
    'HTTPBadRequest',
    (text: string) => `wait is ${show(text)}: the only thing to wait for is 'applied'.`,
  ),
  staleRevision: define(
    412,
    'RevisionNumberConstraintFailed',
    (wanted: number, current: number) =>
      `If-Match wants revision_number ${wanted} and it is ${current} by now: read it again, then decide.`,
  ),
  contended: define(
    503,
    'ServiceUnavailable',
    () => 'Others keep changing the same resource; nothing was written. Try again.',
  ),

  // Attributes.
  unknownAttributes: define(
    400,
    'HTTPBadRequest',
    (resource: string, names: readonly string[]) =>
      `Unrecognized attribute(s) ${quoted(names)}: a ${resource} has no such; take it out of the request.`,
  ),
  missingAttribute: define(
    400,
    'HTTPBadRequest',
    (resource: string, name: string) => `A new ${resource} needs '${name}'.`,
  ),
  notInPost: define(
    400,
    'HTTPBadRequest',
    (name: string) => `'${name}' is decided by the server: take it out of the request.`,
  ),
  readOnly: define(
    400,
    'HTTPBadRequest',
    (name: string) => `'${name}' cannot be changed: make a new one, or take it out of the request.`,
  ),
  invalidValue: define(
    400,
    'HTTPBadRequest',
    (name: string, wanted: string, seen: unknown) =>
      `${name}: wanted ${wanted}, got ${show(seen)}.`,
  ),
  invalidInput: define(
    400,
    'InvalidInput',
    (name: string, wanted: string, seen: unknown) =>
      `${name}: wanted ${wanted}, got ${show(seen)}.`,
  ),
  projectsDiffer: define(
    400,
    'HTTPBadRequest',
    (projectId: string, tenantId: string) =>
      `project_id ${show(projectId)} and tenant_id ${show(tenantId)} are one attribute: give one of them.`,
  ),

  noProject: define(
    400,
    'HTTPBadRequest',
    () => 'Whoever asks belongs to no project: say whose it shall be as project_id.',
  ),
  notYourProject: define(
    400,
    'HTTPBadRequest',
    (asked: string, own: string) =>
      `project_id: ${show(asked)} is not the project you are in, ${show(own)}: only administrators make resources for others.`,
  ),
  forbidden: define(
    403,
    'PolicyNotAuthorized',
    (what: string, wanted: string) => `You may not do this (${what}): it takes ${wanted}.`,
  ),

  // Lists.
  notFilterable: define(
    400,
    'HTTPBadRequest',
    (names: readonly string[], known: readonly string[]) =>
      `A list cannot be filtered by ${quoted(names)}; it can be by ${known.join(', ')}.`,
  ),
  notSortable: define(
    400,
    'HTTPBadRequest',
    (names: readonly string[], known: readonly string[]) =>
      `A list cannot be sorted by ${quoted(names)}; it can be by ${known.join(', ')}.`,
  ),
  badSortDir: define(
    400,
    'HTTPBadRequest',
    (names: readonly string[]) => `sort_dir is ${quoted(names)}: it can be 'asc' or 'desc'.`,
  ),
  unevenSort: define(
    400,
    'HTTPBadRequest',
    (keys: number, dirs: number) =>
      `${keys} sort_key and ${dirs} sort_dir are given: give one sort_dir for each sort_key.`,
  ),
  badLimit: define(
    400,
    'BadRequest',
    (text: string) => `limit is ${show(text)}: it must be an integer, 0 or greater.`,
  ),

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
  noSecurityGroups: define(
    400,
    'HTTPBadRequest',
    () =>
      'security_groups: Portward enforces port security, not security groups, so a port can have none: send [] or leave it out.',
  ),

  // Portward's own paths.
  interfaceNotSeen: define(
    404,
    'InterfaceNotFound',
    (iface: string, host: string | undefined, seen: readonly string[]) =>
      `No interface ${show(iface)} hangs on the bridge${host === undefined ? '' : ` of host ${host}`}. Those seen: ${few(seen)}.`,
  ),
  hostNotSeen: define(
    404,
    'HostNotFound',
    (host: string, hosts: readonly string[]) =>
      `No agent has told of an interface on host ${show(host)}. Hosts that are known: ${few(hosts)}.`,
  ),
  interfaceOnManyHosts: define(
    409,
    'InterfaceAmbiguous',
    (iface: string, hosts: readonly string[]) =>
      `Interface ${iface} is on hosts ${hosts.join(', ')}: name the one that is meant as 'host'.`,
  ),
  interfaceIsTrunk: define(
    409,
    'InterfaceNotProtectable',
    (iface: string) =>
      `Interface ${iface} is an uplink, patch or tunnel port: it carries others' addresses, so it can own none.`,
  ),
  interfaceDeclared: define(
    409,
    'InterfaceDeclared',
    (iface: string, portId: string) =>
      `Interface ${iface} is port ${portId}, declared through the Neutron API: change or delete that port there.`,
  ),
  interfaceProtected: define(
    409,
    'InterfaceDeclared',
    (iface: string) =>
      `Interface ${iface} was protected: undo that with portward unprotect ${iface}.`,
  ),
  interfaceTaken: define(
    409,
    'InterfaceDeclared',
    (iface: string, host: string, portId: string) =>
      `Interface ${iface} of host ${host} is port ${portId}: untie or delete that port first.`,
  ),
  interfaceNotTied: define(
    404,
    'InterfaceNotTied',
    (iface: string, host: string, its: readonly string[]) =>
      `Interface ${iface} of host ${host} is tied to no port. Those that are: ${few(its)}.`,
  ),
  portTiedElsewhere: define(
    409,
    'PortTied',
    (portId: string, iface: string, host: string) =>
      `Port ${portId} is interface ${iface} of host ${host}, and can be one only: untie it there first.`,
  ),
  portOfOtherHost: define(
    409,
    'PortBound',
    (portId: string, hostId: string, host: string) =>
      `binding:host_id of port ${portId} is ${hostId}, and the interface is on host ${host}: set it to "" first.`,
  ),
  interfaceNotProtected: define(
    404,
    'InterfaceNotProtected',
    (iface: string, host: string, its: readonly string[]) =>
      `Interface ${iface} of host ${host} is not protected, so there is nothing to undo. Those that are: ${few(its)}.`,
  ),
  macUnknown: define(
    400,
    'MacAddressUnknown',
    (iface: string) =>
      `The host cannot know the MAC address of the guest behind ${iface}: give it as 'mac' (--mac).`,
  ),
  ipProtected: define(
    409,
    'IpAddressAlreadyAllocated',
    (ip: string, owner: string) => `ips: ${ip} is already that of ${owner}.`,
  ),
  macProtected: define(
    409,
    'MacAddressInUse',
    (mac: string, owner: string) => `mac: ${mac} is already that of ${owner}.`,
  ),
  frameOrWords: define(
    400,
    'HTTPBadRequest',
    () =>
      "To explain, give 'frame', the frame's bytes as hex, or 'words' such as \"arp 10.0.0.9\": one of the two.",
  ),
  badPhrase: define(400, 'HTTPBadRequest', (why: string) => `words: ${why}.`),
  noSwitch: define(
    503,
    'SwitchUnavailable',
    (host: string, why: string) =>
      `The switch of host ${host} does not tell its flows (${why}): see portward status, and ask again once it is back.`,
  ),
  noLocalHost: define(
    501,
    'HTTPNotImplemented',
    () =>
      'This server runs without an agent in its process, so it sees no switch: ask the host itself (portward flows there).',
  ),
  internal: define(
    500,
    'HTTPInternalServerError',
    (requestId: string) => `The server failed; its log has the cause under ${requestId}.`,
  ),
} as const

function define<A extends readonly unknown[]>(
  status: number,
  type: string,
  text: (...args: A) => string,
): ((...args: A) => ApiError) & { readonly status: number; readonly type: string } {
  const make = (...args: A): ApiError => new ApiError(status, type, text(...args))
  return Object.assign(make, { status, type })
}

/** A value as the client wrote it, cut where it gets long. */
function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length <= 80 ? text : `${text.slice(0, 80)}…`
}

/** Of a port that the caller is not to know of, only that there is one. */
function portOr(id: string | undefined): string {
  return id === undefined ? 'a port of another project' : `port ${id}`
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(', ')
}

function few(names: readonly string[]): string {
  if (names.length === 0) return 'none'
  const first = names.slice(0, 10).join(', ')
  return names.length <= 10 ? first : `${first} and ${names.length - 10} more`
}
