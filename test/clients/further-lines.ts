// Lines that people type beside the recorded ones, after them and in order.

import type { Line } from './line.ts'

const silent = { prints: '' } as const

const tags: readonly Line[] = [
  { run: 'openstack network set --tag red --tag blue clinet', ...silent },
  { run: 'openstack network show clinet', has: { tags: 'blue, red' } },
  { run: 'openstack network unset --tag red clinet', ...silent },
  { run: 'openstack network list --tags blue', has: { Name: ['clinet'] } },
  { run: 'openstack network list --tags red', has: { Name: [] } },
  { run: 'openstack port set --tag a --tag b vm1', ...silent },
  { run: 'openstack port set --tag b --tag c vm2', ...silent },
  { run: 'openstack port list --tags a,b', has: { Name: ['vm1'] } },
  { run: 'openstack port list --any-tags a,c', has: { Name: ['vm1', 'vm2'] } },
  { run: 'openstack port list --not-tags a,b', has: { Name: ['vm2'] } },
  { run: 'openstack port list --not-any-tags a,c', has: { Name: [] } },
  { run: 'openstack port list --long', has: { Tags: ['a, b', 'b, c'] } },
  { run: 'openstack port unset --all-tag vm2', leaves: ['ports', 'vm2', { tags: [] }] },
  { run: 'openstack subnet set --tag s s4', leaves: ['subnets', 's4', { tags: ['s'] }] },
  { run: 'openstack subnet list --tags s', has: { Name: ['s4'] } },
  {
    run: 'openstack port create --network clinet --tag x tagged',
    leaves: ['ports', 'tagged', { tags: ['x'] }],
  },
  { run: 'neutron tag-add --resource vm1 --resource-type port --tag d' },
  { run: 'neutron tag-replace --resource vm2 --resource-type port --tag e --tag f' },
  { run: 'neutron port-list --tags e', has: { name: ['vm2'] } },
  { run: 'neutron tag-remove --resource vm1 --resource-type port --tag d' },
  { run: 'openstack port show vm1', has: { tags: 'a, b' } },
]

const lists: readonly Line[] = [
  { run: 'openstack port list --device-owner compute:nova', has: { Name: ['vm1'] } },
  { run: 'openstack port list --host h1', has: { Name: ['vm1'] } },
  { run: 'openstack port list --network clinet --device-id vm', has: { Name: ['vm1'] } },
  { run: 'openstack port list --fixed-ip ip-substring=.0.10', has: { Name: ['vm1'] } },
  { run: 'openstack port list --fixed-ip subnet=s6,ip-address=fd00:1::10', has: { Name: ['vm1'] } },
  { run: 'openstack port list --name vm1', has: { Name: ['vm1'] } },
  {
    run: 'openstack port list --sort-column Name -f value -c Name',
    prints: 'tagged\nvm1\nvm2\n',
  },
  { run: 'openstack port delete tagged', ...silent },
  {
    run: 'neutron port-list --sort-key name --sort-dir desc -P 1 -f value -c name',
    asks: 'GET /v2.0/ports 200, GET /v2.0/ports 200, GET /v2.0/ports 200',
    prints: 'vm2\nvm1\n',
  },
  { run: 'neutron port-list --fields name -f value -c name --sort-key name', prints: 'vm1\nvm2\n' },
  { run: 'openstack network list --internal --enable', has: { Name: ['clinet'] } },
  { run: 'openstack network list --external', has: { Name: [] } },
  { run: 'openstack network list --long', has: { 'Router Type': ['Internal'], State: ['UP'] } },
  { run: 'openstack subnet list --network clinet --ip-version 6', has: { Name: ['s6'] } },
  { run: 'openstack subnet list --subnet-range 10.0.0.0/16', has: { Name: ['s4'] } },
  { run: 'openstack subnet list --no-dhcp', has: { Name: ['s4', 's6'] } },
  { run: 'openstack extension show port-security', has: { alias: 'port-security' } },
  { run: 'openstack extension show nosuch', code: 1, says: /No Extension found for nosuch/ },
  { run: 'openstack extension list --network', says: /Port Security/ },
  { run: 'neutron ext-list', says: /allowed-address-pairs/ },
  { run: 'neutron ext-show port-security', has: { alias: 'port-security' } },
]

const networks: readonly Line[] = [
  {
    run: 'openstack network create --provider-network-type vlan --provider-physical-network physnet1 --provider-segment 150 --mtu 1400 --description wires wired',
    has: {
      'provider:network_type': 'vlan',
      'provider:physical_network': 'physnet1',
      'provider:segmentation_id': '150',
      mtu: '1400',
      description: 'wires',
    },
  },
  {
    run: 'openstack network create --provider-network-type vlan --provider-physical-network physnet1 --provider-segment 150 again',
    code: 1,
    says: /ConflictException: 409, provider:segmentation_id: VLAN 150 .* \{wired\}: choose another/,
  },
  { run: 'openstack network list --provider-segment 150', has: { Name: ['wired'] } },
  {
    run: 'openstack network list --provider-network-type vlan',
    has: { Name: ['wired'] },
  },
  { run: 'openstack network set --mtu 1450 wired', leaves: ['networks', 'wired', { mtu: 1450 }] },
  { run: 'openstack network set --share wired', leaves: ['networks', 'wired', { shared: true }] },
  { run: 'openstack network list --share', has: { Name: ['wired'] } },
  {
    run: 'openstack network set --no-share wired',
    leaves: ['networks', 'wired', { shared: false }],
  },
  {
    run: 'openstack network set --disable --name wires wired',
    leaves: ['networks', 'wires', { admin_state_up: false }],
  },
  { run: 'openstack network create --share open', has: { shared: 'True' } },
  { run: 'openstack network create --external out', code: 1, says: /router:external/ },
  { run: 'openstack network create open', has: { name: 'open' } },
  {
    run: 'openstack network show open',
    code: 1,
    says: /More than one Network exists with the name 'open'/,
  },
  { run: 'openstack network delete open', code: 1, says: /More than one Network exists/ },
  {
    run: 'neutron net-update wires --name wired --admin-state-up True',
    prints: 'Updated network: wires\n',
    leaves: ['networks', 'wired', { admin_state_up: true }],
  },
  { run: 'neutron net-show wired -c mtu -f value', prints: '1450\n' },
  {
    run: 'neutron net-show nosuch',
    code: 1,
    says: /Unable to find network with name or id 'nosuch'/,
  },
]

const subnets: readonly Line[] = [
  {
    run: 'openstack subnet create --network wired --subnet-range 10.7.0.0/24 --gateway 10.7.0.254 --allocation-pool start=10.7.0.10,end=10.7.0.99 --dns-nameserver 10.7.0.2 --host-route destination=10.8.0.0/16,gateway=10.7.0.3 w4',
    has: {
      allocation_pools: '10.7.0.10-10.7.0.99',
      dns_nameservers: '10.7.0.2',
      gateway_ip: '10.7.0.254',
      host_routes: "destination='10.8.0.0/16', gateway='10.7.0.3'",
      enable_dhcp: 'True',
    },
  },
  {
    run: 'openstack subnet create --network wired --ip-version 6 --subnet-range fd00:7::/64 --ipv6-address-mode slaac --ipv6-ra-mode slaac w6',
    has: { ipv6_address_mode: 'slaac', ipv6_ra_mode: 'slaac', ip_version: '6' },
  },
  {
    run: 'openstack subnet create --network wired --subnet-range 10.7.0.128/25 overlap',
    code: 1,
    says: /10\.7\.0\.128\/25 overlaps with 10\.7\.0\.0\/24/,
  },
  {
    run: 'openstack subnet set --dns-nameserver 10.7.0.4 --no-dhcp --description s w4',
    leaves: [
      'subnets',
      'w4',
      { dns_nameservers: ['10.7.0.4', '10.7.0.2'], enable_dhcp: false, description: 's' },
    ],
  },
  {
    run: 'openstack subnet unset --dns-nameserver 10.7.0.2 --host-route destination=10.8.0.0/16,gateway=10.7.0.3 w4',
    leaves: ['subnets', 'w4', { dns_nameservers: ['10.7.0.4'], host_routes: [] }],
  },
  {
    run: 'openstack subnet set --gateway none w4',
    leaves: ['subnets', 'w4', { gateway_ip: null }],
  },
  {
    run: 'openstack subnet set --allocation-pool start=10.7.0.100,end=10.7.0.120 w4',
    leaves: [
      'subnets',
      'w4',
      {
        allocation_pools: [
          { start: '10.7.0.100', end: '10.7.0.120' },
          { start: '10.7.0.10', end: '10.7.0.99' },
        ],
      },
    ],
  },
  { run: 'neutron subnet-create wired 10.9.0.0/24 --name w9 --disable-dhcp', has: { name: 'w9' } },
  {
    run: 'neutron subnet-update w9 --gateway 10.9.0.9',
    code: 1,
    says: /gateway_ip: 10\.9\.0\.9 lies in the allocation pool/,
  },
  { run: 'neutron subnet-update w9 --no-gateway', prints: 'Updated subnet: w9\n' },
  { run: 'neutron subnet-show w9 -c gateway_ip -f value', prints: 'None\n' },
  { run: 'neutron subnet-list -f value -c cidr --name w9', prints: '10.9.0.0/24\n' },
  { run: 'neutron subnet-delete w9', prints: 'Deleted subnet(s): w9\n' },
]

const ports: readonly Line[] = [
  {
    run: 'openstack port create --network wired --fixed-ip subnet=w4 --description d --device-owner me --vnic-type direct p1',
    leaves: [
      'ports',
      'p1',
      { device_owner: 'me', 'binding:vnic_type': 'direct', description: 'd' },
    ],
  },
  {
    run: 'openstack port create --network wired --fixed-ip subnet=w6 --mac-address fa:16:3e:00:00:99 p6',
    has: { fixed_ips: "ip_address='fd00:7::f816:3eff:fe00:99', subnet_id='{w6}'" },
  },
  {
    run: 'openstack port create --network clinet --no-fixed-ip --disable p0',
    leaves: ['ports', 'p0', { fixed_ips: [], admin_state_up: false }],
  },
  {
    run: 'openstack port create --network clinet --fixed-ip ip-address=10.0.0.10 twice',
    code: 1,
    says: /ConflictException: 409: .*10\.0\.0\.10 .* belongs to port \{vm1\}/,
  },
  {
    run: 'openstack port create --network wired --extra-dhcp-option name=tftp-server,value=10.7.0.1 pxe',
    code: 1,
    says: /No Extension found for extra_dhcp_opt/,
  },
  {
    run: 'openstack port create --network wired --security-group default grouped',
    code: 1,
    says: /port security, not security groups/,
  },
  {
    run: 'openstack port set --fixed-ip subnet=w4,ip-address=10.7.0.50 p1',
    says: /^$/,
  },
  {
    run: 'openstack port set --no-fixed-ip --fixed-ip subnet=w4,ip-address=10.7.0.50 p1',
    ...silent,
  },
  {
    run: 'openstack port list --fixed-ip ip-address=10.7.0.50 -f value -c Name',
    prints: 'p1\n',
  },
  { run: 'openstack port unset --fixed-ip subnet=w4,ip-address=10.7.0.50 p1', ...silent },
  { run: 'openstack port list --fixed-ip ip-address=10.7.0.50', has: { Name: [] } },
  {
    run: 'openstack port set --binding-profile key=1 --device d9 --name p9 p6',
    leaves: ['ports', 'p9', { 'binding:profile': { key: '1' }, device_id: 'd9' }],
  },
  {
    run: 'openstack port unset --binding-profile key --device p9',
    says: /unrecognized|^$/,
    code: 2,
  },
  { run: 'neutron port-show p1 -c device_owner -f value', prints: 'me\n' },
  { run: 'neutron port-delete p0 p1 p9', prints: 'Deleted port(s): p0, p1, p9\n' },
]

const policies: readonly Line[] = [
  {
    run: 'openstack network rbac create --type network --action access_as_shared --target-all-projects wired',
    has: {
      action: 'access_as_shared',
      object_type: 'network',
      object_id: '{wired}',
      target_project_id: '*',
    },
    leaves: ['networks', 'wired', { shared: true }],
  },
  { run: 'openstack network rbac list', has: { 'Object Type': ['network', 'network'] } },
  { run: 'neutron rbac-list', columns: 'id, object_type, object_id' },
  { run: 'neutron rbac-create wired --type network --action access_as_shared --target-tenant p2' },
  { run: 'openstack network rbac list --type network --long', says: /access_as_shared/ },
  {
    run: 'openstack network rbac create --type network --action access_as_external --target-all-projects clinet',
    code: 1,
    says: /access_as_shared/,
  },
  {
    run: 'openstack network rbac show {to_p2}',
    has: { action: 'access_as_shared', object_id: '{wired}', target_project_id: 'p2' },
  },
  { run: 'neutron rbac-update {to_p2} --target-tenant p3', says: /Updated rbac_policy/ },
  { run: 'neutron rbac-show {to_p3} -f value -c target_tenant', prints: 'p3\n' },
  { run: 'openstack network rbac delete {to_p3}', ...silent },
  { run: 'neutron rbac-list -f value -c object_type', prints: 'network\nnetwork\n' },
  { run: 'openstack network rbac show nosuch', code: 1, says: /No RBACPolicy found for nosuch/ },
]

const quotas: readonly Line[] = [
  { run: 'neutron quota-show --tenant-id default', has: { network: '-1', port: '-1' } },
  {
    run: 'neutron quota-update --tenant-id p2 --network 3 --port 4',
    has: { network: '3', port: '4', subnet: '-1' },
  },
  { run: 'neutron quota-list', has: { tenant_id: ['p2'] } },
  { run: 'neutron quota-delete --tenant-id p2', says: /Deleted quota/ },
]

const agents: readonly Line[] = [
  { run: 'openstack network agent list --host h1', has: { Host: ['h1'] } },
  { run: 'openstack network agent list --host nosuch', has: { Host: [] } },
  {
    run: 'openstack network agent show {h1}',
    has: { host: 'h1', alive: ':-)', admin_state_up: 'UP', agent_type: 'Open vSwitch agent' },
  },
  { run: 'openstack network agent set --disable {h1}', ...silent },
  { run: 'openstack network agent list', has: { State: ['DOWN'] } },
  { run: 'openstack network agent set --enable --description d {h1}', ...silent },
  { run: 'neutron agent-show {h1} -c description -f value', prints: 'd\n' },
  { run: 'neutron agent-update {h1} --admin-state-down', says: /Updated agent: \{h1\}/ },
  { run: 'neutron agent-update {h1} --admin-state-up True' },
  { run: 'neutron agent-list', has: { host: ['h1'], alive: [':-)'], admin_state_up: ['True'] } },
  { run: 'openstack network agent delete {h1}', code: 0 },
]

/** Nobody can look up a project there; with Neutron it is the same. */
const withoutKeystone: readonly Line[] = [
  {
    run: 'openstack port list --project default',
    code: 1,
    says: /No project with a name or ID of 'default' exists/,
  },
  {
    run: 'openstack quota show default',
    code: 1,
    says: /No project with a name or ID of 'default' exists/,
  },
  { run: 'neutron net-create --tenant-id p2 theirs', has: { project_id: 'p2' } },
  { run: 'neutron net-list --tenant-id p2 -f value -c name', prints: 'theirs\n' },
]

/** What Portward has not is refused with a way out. */
const absent: readonly Line[] = ['router', 'floating ip', 'subnet pool', 'address scope'].map(
  (noun) => ({
    run: `openstack ${noun} list`,
    code: 1,
    says: /ResourceNotFound: 404: .*: see GET \/v2\.0\//,
  }),
)

export const furtherLines: readonly Line[] = [
  tags,
  lists,
  networks,
  subnets,
  ports,
  policies,
  quotas,
  agents,
  withoutKeystone,
  absent,
].flat()
