// An exchange as it was recorded from a Neutron server: what was sent, and what came back. The tables beside this file hold the
// facts alone, in the order they happened.
//
//   {net1}      the id of what an earlier exchange made `as` net1
//   {#3}        the id of the third port, in the order of ids
//   {revision}  the revision_number that the resource of the path has
//   {group}     the id of Neutron's default security group
//   {project}   the project of whoever names none
//   {url}       where the server was asked, without a slash at its end
//   {any}       something, which the server chooses

export type Exchange = {
  /** Names it. */
  readonly note: string
  readonly send: readonly [
    method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH' | 'HEAD' | 'OPTIONS',
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ]
  /**
   * Status and body of a success. A resource in it has the members given here, and all others as they were when it was last
   * shown; in a POST as in `fresh`. Its revision grows with a PUT, unless it is given as {same}. An id in a list stands for the
   * whole resource, as it was last shown.
   */
  readonly gives?: readonly [status: number, body?: unknown]
  /** Status of a refusal, and the type of its NeutronError. */
  readonly refused?: readonly [status: number, type?: string]
  /** The answer has no NeutronError in it. */
  readonly bare?: true
  /** How later exchanges call what this one makes. */
  readonly as?: readonly string[]
}

export type Members = Readonly<Record<string, unknown>>

/** New resources where a POST says nothing else, but for `id`, `created_at` and `updated_at`, which every one has. */
export const fresh: Readonly<Record<'network' | 'subnet' | 'port', Members>> = {
  network: {
    name: '',
    tenant_id: '{project}',
    project_id: '{project}',
    admin_state_up: true,
    mtu: 1500,
    status: 'ACTIVE',
    subnets: [],
    shared: false,
    port_security_enabled: true,
    'router:external': false,
    'provider:network_type': 'vlan',
    'provider:physical_network': 'physnet1',
    'provider:segmentation_id': '{any}',
    availability_zone_hints: [],
    availability_zones: [],
    ipv4_address_scope: null,
    ipv6_address_scope: null,
    description: '',
    tags: [],
    revision_number: 1,
  },
  subnet: {
    name: '',
    tenant_id: '{project}',
    project_id: '{project}',
    network_id: '{any}',
    ip_version: 4,
    subnetpool_id: null,
    enable_dhcp: true,
    ipv6_ra_mode: null,
    ipv6_address_mode: null,
    gateway_ip: '{any}',
    cidr: '{any}',
    allocation_pools: '{any}',
    host_routes: [],
    dns_nameservers: [],
    service_types: [],
    description: '',
    tags: [],
    revision_number: 0,
  },
  port: {
    name: '',
    network_id: '{any}',
    tenant_id: '{project}',
    project_id: '{project}',
    mac_address: '{any}',
    admin_state_up: true,
    status: 'DOWN',
    device_id: '',
    device_owner: '',
    fixed_ips: [
      { subnet_id: '{s4}', ip_address: '{any}' },
      { subnet_id: '{s6}', ip_address: '{any}' },
    ],
    port_security_enabled: true,
    security_groups: ['{group}'],
    'binding:vnic_type': 'normal',
    'binding:profile': {},
    'binding:host_id': '',
    'binding:vif_type': 'unbound',
    'binding:vif_details': {},
    allowed_address_pairs: [],
    extra_dhcp_opts: [],
    description: '',
    tags: [],
    revision_number: 1,
  },
}
