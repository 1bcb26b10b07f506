// Lines whose requests and output were recorded from Neutron 21 (2023.1), in order.

import type { Line } from './line.ts'

const portFields =
  'admin_state_up, allowed_address_pairs, binding_host_id, binding_profile, binding_vif_details, binding_vif_type, binding_vnic_type, created_at, data_plane_status, description, device_id, device_owner, device_profile, dns_assignment, dns_domain, dns_name, extra_dhcp_opts, fixed_ips, id, ip_allocation, mac_address, name, network_id, numa_affinity_policy, port_security_enabled, project_id, propagate_uplink_status, qos_network_policy_id, qos_policy_id, resource_request, revision_number, security_group_ids, status, tags, trunk_details, updated_at'

const networkFields =
  'admin_state_up, availability_zone_hints, availability_zones, created_at, description, dns_domain, id, ipv4_address_scope, ipv6_address_scope, is_default, is_vlan_transparent, mtu, name, port_security_enabled, project_id, provider:network_type, provider:physical_network, provider:segmentation_id, qos_policy_id, revision_number, router:external, segments, shared, status, subnets, tags, updated_at'

const subnetFields =
  'allocation_pools, cidr, created_at, description, dns_nameservers, dns_publish_fixed_ip, enable_dhcp, gateway_ip, host_routes, id, ip_version, ipv6_address_mode, ipv6_ra_mode, name, network_id, project_id, revision_number, segment_id, service_types, subnetpool_id, tags, updated_at'

const neutronPortFields =
  'admin_state_up, allowed_address_pairs, binding:host_id, binding:profile, binding:vif_details, binding:vif_type, binding:vnic_type, created_at, description, device_id, device_owner, extra_dhcp_opts, fixed_ips, id, mac_address, name, network_id, port_security_enabled, portward:checks, project_id, revision_number, security_groups, status, tags, tenant_id, updated_at'

const neutronNetworkFields =
  'admin_state_up, availability_zone_hints, availability_zones, created_at, description, id, ipv4_address_scope, ipv6_address_scope, mtu, name, port_security_enabled, portward:checks, project_id, provider:network_type, provider:physical_network, provider:segmentation_id, revision_number, router:external, shared, status, subnets, tags, tenant_id, updated_at'

const noGroups = /port security, not security groups/
const deprecated = /neutron CLI is deprecated/

export const recordedLines: readonly Line[] = [
  {
    run: 'openstack port list',
    asks: 'GET / 200, GET /v2.0/ports 200',
    columns: 'ID, Name, MAC Address, Fixed IP Addresses, Status',
    has: { Name: ['vm1', 'vm2'], ID: ['{vm1}', '{vm2}'] },
  },
  {
    run: 'openstack port list --network clinet',
    asks: 'GET / 200, GET /v2.0/networks/clinet 404, GET /v2.0/networks 200, GET /v2.0/ports 200',
    columns: 'ID, Name, MAC Address, Fixed IP Addresses, Status',
    has: { Name: ['vm1', 'vm2'] },
  },
  {
    run: 'openstack port list --mac-address fa:16:3e:dc:ef:1d',
    asks: 'GET / 200, GET /v2.0/ports 200',
    columns: 'ID, Name, MAC Address, Fixed IP Addresses, Status',
    has: { Name: ['vm1'], 'MAC Address': ['fa:16:3e:dc:ef:1d'] },
  },
  {
    run: 'openstack port list --fixed-ip ip-address=10.0.0.10',
    asks: 'GET / 200, GET /v2.0/ports 200',
    columns: 'ID, Name, MAC Address, Fixed IP Addresses, Status',
    has: {
      'Fixed IP Addresses': [
        "ip_address='10.0.0.10', subnet_id='{s4}'\nip_address='fd00:1::10', subnet_id='{s6}'",
      ],
    },
  },
  {
    run: 'openstack port list --long',
    asks: 'GET / 200, GET /v2.0/ports 200',
    columns:
      'ID, Name, MAC Address, Fixed IP Addresses, Status, Security Groups, Device Owner, Tags',
    has: {
      'Device Owner': ['', 'compute:nova'],
      'Security Groups': ['None', 'None'],
      Tags: ['', ''],
    },
  },
  {
    run: 'openstack port list -f json',
    asks: 'GET / 200, GET /v2.0/ports 200',
    columns: 'ID, Name, MAC Address, Fixed IP Addresses, Status',
    has: { Name: ['vm1', 'vm2'], Status: ['DOWN', 'DOWN'] },
  },
  {
    run: 'openstack port show {vm1}',
    asks: 'GET / 200, GET /v2.0/ports/{vm1} 200',
    columns: portFields,
    has: {
      admin_state_up: 'UP',
      binding_host_id: 'h1',
      binding_vif_type: 'ovs',
      fixed_ips:
        "ip_address='10.0.0.10', subnet_id='{s4}'\nip_address='fd00:1::10', subnet_id='{s6}'",
      dns_name: 'None',
      trunk_details: 'None',
    },
  },
  {
    run: 'openstack port show vm1 -f json',
    asks: 'GET / 200, GET /v2.0/ports/vm1 404, GET /v2.0/ports 200',
    columns: portFields,
    has: {
      allowed_address_pairs: '[]',
      binding_profile: '{}',
      device_id: 'vm',
      mac_address: 'fa:16:3e:dc:ef:1d',
      port_security_enabled: 'true',
      qos_policy_id: 'null',
      security_group_ids: '[]',
      status: 'DOWN',
    },
  },
  {
    run: 'openstack port show nosuch',
    code: 1,
    asks: 'GET / 200, GET /v2.0/ports/nosuch 404, GET /v2.0/ports 200',
    says: /^No Port found for nosuch\n$/,
  },
  {
    run: 'openstack port set --disable-port-security {vm1}',
    differs: 'Neutron refuses it while a port has a security group, and here no port has one',
    asks: 'GET / 200, GET /v2.0/ports/{vm1} 200, PUT /v2.0/ports/{vm1} 200',
    prints: '',
    leaves: ['ports', 'vm1', { port_security_enabled: false }],
  },
  {
    run: 'openstack port set --no-security-group --disable-port-security {vm1}',
    differs: 'it is so already, and the client sends nothing where nothing changes',
    asks: 'GET / 200, GET /v2.0/ports/{vm1} 200',
    prints: '',
    leaves: ['ports', 'vm1', { port_security_enabled: false, security_groups: [] }],
  },
  {
    run: 'openstack port show -c port_security_enabled -f value {vm1}',
    asks: 'GET / 200, GET /v2.0/ports/{vm1} 200',
    prints: 'False\n',
  },
  {
    run: 'openstack port set --allowed-address ip-address=10.0.0.77 {vm1}',
    code: 1,
    asks: 'GET / 200, GET /v2.0/ports/{vm1} 200, PUT /v2.0/ports/{vm1} 409, GET /v2.0/extensions/allowed-address-pairs 200',
    says: /^ConflictException: 409: Client Error for url: .*"port_security_enabled": true/,
  },
  {
    run: 'openstack port set --enable-port-security {vm1}',
    asks: 'GET / 200, GET /v2.0/ports/{vm1} 200, PUT /v2.0/ports/{vm1} 200',
    prints: '',
    leaves: ['ports', 'vm1', { port_security_enabled: true }],
  },
  {
    run: 'openstack port set --enable-port-security --security-group default vm1',
    code: 1,
    differs: 'there are no security groups',
    says: noGroups,
  },
  {
    run: 'openstack port set --disable-port-security vm2',
    asks: 'GET / 200, GET /v2.0/ports/vm2 404, GET /v2.0/ports 200, PUT /v2.0/ports/{vm2} 200',
    prints: '',
    leaves: ['ports', 'vm2', { port_security_enabled: false }],
  },
  {
    run: 'openstack port set --enable-port-security vm2',
    asks: 'GET / 200, GET /v2.0/ports/vm2 404, GET /v2.0/ports 200, PUT /v2.0/ports/{vm2} 200',
    prints: '',
    leaves: ['ports', 'vm2', { port_security_enabled: true }],
  },
  {
    run: 'openstack port set --allowed-address ip-address=10.0.0.77,mac-address=fa:16:3e:00:00:77 {vm1}',
    asks: 'GET / 200, GET /v2.0/ports/{vm1} 200, PUT /v2.0/ports/{vm1} 200',
    prints: '',
    leaves: [
      'ports',
      'vm1',
      { allowed_address_pairs: [{ mac_address: 'fa:16:3e:00:00:77', ip_address: '10.0.0.77' }] },
    ],
  },
  {
    run: 'openstack port unset --allowed-address ip-address=10.0.0.77,mac-address=fa:16:3e:00:00:77 {vm1}',
    asks: 'GET / 200, GET /v2.0/ports/{vm1} 200, PUT /v2.0/ports/{vm1} 200',
    prints: '',
    leaves: ['ports', 'vm1', { allowed_address_pairs: [] }],
  },
  {
    run: 'openstack port set --no-allowed-address {vm1}',
    asks: 'GET / 200, GET /v2.0/ports/{vm1} 200',
    prints: '',
  },
  {
    run: 'openstack port set --fixed-ip subnet={s4},ip-address=10.0.0.11 {vm1}',
    asks: 'GET / 200, GET /v2.0/subnets/{s4} 200, GET /v2.0/ports/{vm1} 200, PUT /v2.0/ports/{vm1} 200',
    leaves: [
      'ports',
      'vm1',
      {
        fixed_ips: [
          { subnet_id: '{s4}', ip_address: '10.0.0.10' },
          { subnet_id: '{s6}', ip_address: 'fd00:1::10' },
          { subnet_id: '{s4}', ip_address: '10.0.0.11' },
        ],
      },
    ],
  },
  {
    run: 'openstack port unset --security-group default {vm1}',
    code: 1,
    differs: 'there are no security groups',
    says: noGroups,
  },
  {
    run: 'openstack port set --mac-address fa:16:3e:12:34:56 vm2',
    asks: 'GET / 200, GET /v2.0/ports/vm2 404, GET /v2.0/ports 200, PUT /v2.0/ports/{vm2} 200',
    prints: '',
    leaves: ['ports', 'vm2', { mac_address: 'fa:16:3e:12:34:56' }],
  },
  {
    run: 'openstack port set --host h1 {vm1}',
    asks: 'GET / 200, GET /v2.0/ports/{vm1} 200',
    prints: '',
  },
  {
    run: 'openstack port set --disable {vm1}',
    asks: 'GET / 200, GET /v2.0/ports/{vm1} 200, PUT /v2.0/ports/{vm1} 200',
    prints: '',
    leaves: ['ports', 'vm1', { admin_state_up: false }],
  },
  {
    run: 'openstack port set --enable {vm1}',
    asks: 'GET / 200, GET /v2.0/ports/{vm1} 200, PUT /v2.0/ports/{vm1} 200',
    prints: '',
    leaves: ['ports', 'vm1', { admin_state_up: true }],
  },
  {
    run: 'openstack port create --network clinet --disable-port-security p3',
    asks: 'GET / 200, GET /v2.0/networks/clinet 404, GET /v2.0/networks 200, GET /v2.0/extensions/tag-ports-during-bulk-creation 404, GET /v2.0/extensions 200, POST /v2.0/ports 201',
    columns: portFields,
    has: {
      name: 'p3',
      network_id: '{clinet}',
      port_security_enabled: 'False',
      binding_vif_type: 'unbound',
    },
  },
  {
    run: 'openstack port create --network clinet --no-security-group --fixed-ip ip-address=10.0.0.30 --mac-address fa:16:3e:00:00:30 --allowed-address ip-address=10.0.0.31 p4',
    asks: 'GET / 200, GET /v2.0/networks/clinet 404, GET /v2.0/networks 200, GET /v2.0/extensions/tag-ports-during-bulk-creation 404, GET /v2.0/extensions 200, POST /v2.0/ports 201',
    columns: portFields,
    has: {
      allowed_address_pairs: "ip_address='10.0.0.31', mac_address='fa:16:3e:00:00:30'",
      fixed_ips: "ip_address='10.0.0.30', subnet_id='{s4}'",
      mac_address: 'fa:16:3e:00:00:30',
      port_security_enabled: 'True',
    },
  },
  {
    run: 'openstack port delete p3 p4',
    asks: 'GET / 200, GET /v2.0/ports/p3 404, GET /v2.0/ports 200, DELETE /v2.0/ports/{p3} 204, GET /v2.0/ports/p4 404, GET /v2.0/ports 200, DELETE /v2.0/ports/{p4} 204',
    prints: '',
    leaves: ['ports', 'p4', null],
  },
  {
    run: 'openstack network list',
    asks: 'GET / 200, GET /v2.0/networks 200',
    columns: 'ID, Name, Subnets',
    has: { Name: ['clinet'], Subnets: ['{s4}, {s6}'] },
  },
  {
    run: 'openstack network show clinet',
    asks: 'GET / 200, GET /v2.0/networks/clinet 404, GET /v2.0/networks 200',
    columns: networkFields,
    has: {
      admin_state_up: 'UP',
      mtu: '1500',
      'router:external': 'Internal',
      shared: 'False',
      port_security_enabled: 'True',
      dns_domain: 'None',
    },
  },
  {
    run: 'openstack network create --disable-port-security cn2',
    asks: 'GET / 200, POST /v2.0/networks 201',
    columns: networkFields,
    has: { name: 'cn2', port_security_enabled: 'False', revision_number: '1', status: 'ACTIVE' },
  },
  {
    run: 'openstack network set --enable-port-security cn2',
    asks: 'GET / 200, GET /v2.0/networks/cn2 404, GET /v2.0/networks 200, PUT /v2.0/networks/{cn2} 200',
    prints: '',
    leaves: ['networks', 'cn2', { port_security_enabled: true }],
  },
  {
    run: 'openstack network set --disable-port-security cn2',
    asks: 'GET / 200, GET /v2.0/networks/cn2 404, GET /v2.0/networks 200, PUT /v2.0/networks/{cn2} 200',
    prints: '',
    leaves: ['networks', 'cn2', { port_security_enabled: false }],
  },
  {
    run: 'openstack subnet create --network cn2 --subnet-range 10.5.0.0/24 --no-dhcp cs2',
    asks: 'GET / 200, GET /v2.0/networks/cn2 404, GET /v2.0/networks 200, POST /v2.0/subnets 201',
    columns: subnetFields,
    has: {
      allocation_pools: '10.5.0.2-10.5.0.254',
      cidr: '10.5.0.0/24',
      enable_dhcp: 'False',
      gateway_ip: '10.5.0.1',
      ip_version: '4',
      network_id: '{cn2}',
      revision_number: '0',
    },
  },
  {
    run: 'openstack subnet list',
    asks: 'GET / 200, GET /v2.0/subnets 200',
    columns: 'ID, Name, Network, Subnet',
    has: {
      Name: ['cs2', 's4', 's6'],
      Network: ['{clinet}', '{clinet}', '{cn2}'],
      Subnet: ['10.0.0.0/16', '10.5.0.0/24', 'fd00:1::/64'],
    },
  },
  {
    run: 'openstack network delete cn2',
    asks: 'GET / 200, GET /v2.0/networks/cn2 404, GET /v2.0/networks 200, DELETE /v2.0/networks/{cn2} 204',
    prints: '',
    leaves: ['networks', 'cn2', null],
  },
  {
    run: 'openstack security group list',
    code: 1,
    differs: 'there are no security groups',
    asks: 'GET / 200, GET /v2.0/security-groups 404',
    says: noGroups,
  },
  {
    run: 'openstack extension list --network -c Alias -f value',
    asks: 'GET / 200, GET /v2.0/extensions 200',
    says: /^port-security$/m,
  },
  {
    run: 'openstack network agent list',
    asks: 'GET / 200, GET /v2.0/agents 200',
    columns: 'ID, Agent Type, Host, Availability Zone, Alive, State, Binary',
    has: { Host: ['h1'], Alive: [':-)'], State: ['UP'] },
  },
  {
    run: 'neutron port-list',
    asks: 'GET /v2.0/ports 200',
    columns: 'id, name, mac_address, fixed_ips',
    has: { name: ['vm1', 'vm2'] },
  },
  {
    run: 'neutron port-show {vm1}',
    asks: 'GET /v2.0/ports 200, GET /v2.0/ports/{vm1} 200',
    columns: neutronPortFields,
    has: { admin_state_up: 'True', 'binding:profile': '{}', id: '{vm1}', security_groups: '' },
  },
  {
    run: 'neutron port-show vm1',
    asks: 'GET /v2.0/ports 200, GET /v2.0/ports/{vm1} 200',
    columns: neutronPortFields,
    has: {
      id: '{vm1}',
      fixed_ips:
        '{"subnet_id": "{s4}", "ip_address": "10.0.0.10"}\n{"subnet_id": "{s4}", "ip_address": "10.0.0.11"}\n{"subnet_id": "{s6}", "ip_address": "fd00:1::10"}',
    },
  },
  {
    run: 'neutron port-update {vm1} --port-security-enabled=false',
    asks: 'GET /v2.0/ports 200, PUT /v2.0/ports/{vm1} 200',
    prints: 'Updated port: {vm1}\n',
    says: deprecated,
    leaves: ['ports', 'vm1', { port_security_enabled: false }],
  },
  {
    run: 'neutron port-update {vm1} --no-security-groups --port-security-enabled=false',
    asks: 'GET /v2.0/ports 200, PUT /v2.0/ports/{vm1} 200',
    prints: 'Updated port: {vm1}\n',
    leaves: ['ports', 'vm1', { port_security_enabled: false }],
  },
  {
    run: 'neutron port-update {vm1} --port-security-enabled=true',
    asks: 'GET /v2.0/ports 200, PUT /v2.0/ports/{vm1} 200',
    prints: 'Updated port: {vm1}\n',
    leaves: ['ports', 'vm1', { port_security_enabled: true }],
  },
  {
    run: 'neutron port-update {vm1} --port_security_enabled=False',
    asks: 'GET /v2.0/ports 200, PUT /v2.0/ports/{vm1} 200',
    prints: 'Updated port: {vm1}\n',
    leaves: ['ports', 'vm1', { port_security_enabled: false }],
  },
  {
    run: 'neutron port-update {vm1} --port-security-enabled True',
    asks: 'GET /v2.0/ports 200, PUT /v2.0/ports/{vm1} 200',
    prints: 'Updated port: {vm1}\n',
    leaves: ['ports', 'vm1', { port_security_enabled: true }],
  },
  {
    run: 'neutron port-update {vm1} --allowed-address-pair ip_address=10.0.0.88',
    asks: 'GET /v2.0/ports 200, PUT /v2.0/ports/{vm1} 200',
    prints: 'Updated port: {vm1}\n',
    leaves: [
      'ports',
      'vm1',
      { allowed_address_pairs: [{ mac_address: 'fa:16:3e:dc:ef:1d', ip_address: '10.0.0.88' }] },
    ],
  },
  {
    run: 'neutron port-update {vm1} --no-allowed-address-pairs',
    asks: 'GET /v2.0/ports 200, PUT /v2.0/ports/{vm1} 200',
    prints: 'Updated port: {vm1}\n',
    leaves: ['ports', 'vm1', { allowed_address_pairs: [] }],
  },
  {
    run: 'neutron port-create clinet --name p5 --port_security_enabled=False',
    asks: 'GET /v2.0/networks 200, POST /v2.0/ports 201',
    columns: neutronPortFields,
    has: { name: 'p5', port_security_enabled: 'False', network_id: '{clinet}' },
  },
  {
    run: 'neutron port-delete p5',
    asks: 'GET /v2.0/ports 200, DELETE /v2.0/ports/{p5} 204',
    prints: 'Deleted port(s): p5\n',
    leaves: ['ports', 'p5', null],
  },
  {
    run: 'neutron net-list',
    asks: 'GET /v2.0/networks 200, GET /v2.0/subnets 200',
    columns: 'id, name, subnets',
    has: { name: ['clinet'], subnets: ['{s4} 10.0.0.0/16\n{s6} fd00:1::/64'] },
  },
  {
    run: 'neutron net-create --port_security_enabled=False cn3',
    asks: 'POST /v2.0/networks 201',
    columns: neutronNetworkFields,
    has: { name: 'cn3', port_security_enabled: 'False' },
  },
  {
    run: 'neutron net-delete cn3',
    asks: 'GET /v2.0/networks 200, DELETE /v2.0/networks/{cn3} 204',
    prints: 'Deleted network(s): cn3\n',
  },
  {
    run: 'neutron port-list -c id -c mac_address --mac_address=fa:16:3e:12:34:56',
    asks: 'GET /v2.0/ports 200',
    columns: 'id, mac_address',
    has: { id: ['{vm2}'] },
  },
  {
    run: 'OS_AUTH_TYPE=none OS_ENDPOINT={url} openstack port list -f value -c ID',
    asks: 'GET / 200, GET /v2.0/ports 200',
    says: /^\{vm[12]\}\n\{vm[12]\}\n$/,
  },
  {
    run: 'OS_AUTH_TYPE=none OS_NETWORK_ENDPOINT_OVERRIDE={url} openstack port list -f value -c ID',
    code: 1,
    asks: '',
    says: /^'NoneType' object has no attribute 'rstrip'\n$/,
  },
  {
    run: 'openstack --os-auth-type none --os-endpoint {url}/v2.0 port list -f value -c ID',
    code: 1,
    asks: 'GET /v2.0 404',
    says: /^Unable to find a version discovery document at/,
  },
  {
    run: 'openstack --os-auth-type none --os-endpoint {url}/ port list -f value -c ID',
    asks: 'GET / 200, GET /v2.0/ports 200',
    says: /^\{vm[12]\}\n\{vm[12]\}\n$/,
  },
  {
    run: 'neutron --os-auth-type none --os-endpoint {url} port-list -c id',
    code: 1,
    asks: '',
    says: /Unknown command/,
  },
  {
    run: 'neutron --os-auth-strategy noauth --os-url {url} port-list -c id',
    code: 1,
    asks: '',
    says: /Auth plugin requires parameters which were not given: auth_url/,
  },
  {
    run: 'neutron --os-token x --os-url {url} port-list -c id',
    code: 1,
    asks: '',
    says: /Auth plugin requires parameters which were not given: auth_url/,
  },
  {
    run: 'OS_AUTH_TYPE=admin_token neutron --os-token x --os-url {url} port-list -c id',
    asks: 'GET /v2.0/ports 200',
    columns: 'id',
    has: { id: ['{vm1}', '{vm2}'] },
  },
  {
    run: 'OS_AUTH_TYPE=none OS_ENDPOINT={url}/v2.0 neutron port-list -c id',
    code: 1,
    asks: 'GET /v2.0/v2.0/ports 404',
    says: /Nothing is served at \/v2\.0\/v2\.0\/ports.*\nNeutron server returns request_ids: \['req-/,
  },
]
