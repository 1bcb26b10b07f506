// What the API answers, case by case: the statuses, error types and shapes recorded from Neutron 21 (2023.1), where this is
// in their scope. Rows run in order on one server; `{name}` in a path or body is the id of what an earlier row made.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestServer } from './testing.ts'
import type { Answer, Call } from './testing.ts'

type Row = {
  readonly note: string
  readonly send: Parameters<Call>
  readonly status: number
  /** The NeutronError's type; its message must hold every one of `says`. */
  readonly type?: string
  readonly says?: readonly string[]
  /** The name later rows know the id by. */
  readonly as?: string
  /** Members of the resource that are as given. */
  readonly has?: Readonly<Record<string, unknown>>
  readonly check?: (answer: Answer) => void
}

const NONE = '00000000-0000-0000-0000-000000000001'
const CLIENT_ID = 'req-11111111-1111-1111-1111-111111111111'

/** The attributes of each resource and what they look like. */
const shapes: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  network: {
    id: 'string',
    name: 'string',
    tenant_id: 'string',
    project_id: 'string',
    admin_state_up: 'boolean',
    mtu: 'number',
    status: 'string',
    subnets: 'list',
    shared: 'boolean',
    port_security_enabled: 'boolean',
    'portward:checks': 'object',
    'router:external': 'boolean',
    'provider:network_type': 'string',
    'provider:physical_network': 'null',
    'provider:segmentation_id': 'null',
    availability_zone_hints: 'list',
    availability_zones: 'list',
    ipv4_address_scope: 'null',
    ipv6_address_scope: 'null',
    description: 'string',
    tags: 'list',
    created_at: 'string',
    updated_at: 'string',
    revision_number: 'number',
  },
  subnet: {
    id: 'string',
    name: 'string',
    tenant_id: 'string',
    project_id: 'string',
    network_id: 'string',
    ip_version: 'number',
    subnetpool_id: 'null',
    enable_dhcp: 'boolean',
    ipv6_ra_mode: 'null',
    ipv6_address_mode: 'null',
    gateway_ip: 'string or null',
    cidr: 'string',
    allocation_pools: 'list',
    host_routes: 'list',
    dns_nameservers: 'list',
    service_types: 'list',
    description: 'string',
    tags: 'list',
    created_at: 'string',
    updated_at: 'string',
    revision_number: 'number',
  },
  port: {
    id: 'string',
    name: 'string',
    network_id: 'string',
    tenant_id: 'string',
    project_id: 'string',
    mac_address: 'string',
    admin_state_up: 'boolean',
    status: 'string',
    device_id: 'string',
    device_owner: 'string',
    fixed_ips: 'list',
    allowed_address_pairs: 'list',
    extra_dhcp_opts: 'list',
    security_groups: 'list',
    'binding:vnic_type': 'string',
    'binding:profile': 'object',
    'binding:host_id': 'string',
    'binding:vif_type': 'string',
    'binding:vif_details': 'object',
    port_security_enabled: 'boolean',
    'portward:checks': 'object',
    description: 'string',
    tags: 'list',
    created_at: 'string',
    updated_at: 'string',
    revision_number: 'number',
  },
}

const networks = '/v2.0/networks'
const subnets = '/v2.0/subnets'
const ports = '/v2.0/ports'
const text = { 'content-type': 'text/plain' }
const network = (body: object) => ({ network: body })
const subnet = (body: object) => ({ subnet: body })
const port = (body: object) => ({ port: body })
const portOn1 = (body: object = {}) => port({ network_id: '{net1}', ...body })
const pair = (ip: string, mac?: string) => ({
  ip_address: ip,
  ...(mac !== undefined && { mac_address: mac }),
})
const pairs = (...list: unknown[]) => portOn1({ allowed_address_pairs: list })

const rows: readonly Row[] = [
  // Versions and paths.
  {
    note: 'root',
    send: ['GET', '/'],
    status: 200,
    check: ({ at }) => {
      assert.equal(at('versions', 0, 'id'), 'v2.0')
      assert.match(String(at('versions', 0, 'links', 0, 'href')), /^http:\/\/[^/]+\/v2\.0\/$/)
    },
  },
  {
    note: 'v2.0 with a slash lists the resources',
    send: ['GET', '/v2.0/'],
    status: 200,
    check: ({ at }) => assert.equal(at('resources', 0, 'collection'), 'networks'),
  },
  { note: 'v2.0 without', send: ['GET', '/v2.0'], status: 404, type: 'HTTPNotFound' },
  { note: 'unknown version', send: ['GET', '/v3/'], status: 404 },
  {
    note: 'health check',
    send: ['GET', '/healthcheck'],
    status: 200,
    check: ({ body }) => assert.equal(body, 'OK'),
  },
  {
    note: 'unknown resource',
    send: ['GET', '/v2.0/nosuchthings'],
    status: 404,
    type: 'HTTPNotFound',
  },
  {
    note: 'suffix .json',
    send: ['GET', '/v2.0/networks.json?name=none'],
    status: 200,
    check: ({ body }) => assert.deepEqual(body, { networks: [] }),
  },
  {
    note: 'a slash at the end',
    send: ['GET', '/v2.0/networks/?name=none'],
    status: 200,
    check: ({ body }) => assert.deepEqual(body, { networks: [] }),
  },
  {
    note: 'OPTIONS answers as GET',
    send: ['OPTIONS', ports],
    status: 200,
    check: ({ body }) => assert.deepEqual(body, { ports: [] }),
  },
  { note: 'HEAD', send: ['HEAD', ports], status: 405 },
  {
    note: 'PATCH',
    send: ['PATCH', ports],
    status: 405,
    type: 'HTTPMethodNotAllowed',
    says: ['GET, OPTIONS, POST'],
  },
  {
    note: 'a path that is served, asked in a way it is not',
    send: ['GET', '/portward/v1/protect'],
    status: 405,
    type: 'HTTPMethodNotAllowed',
    says: ['POST'],
    check: ({ headers }) => assert.equal(headers['allow'], 'POST'),
  },
  {
    note: 'the same of a path with an id',
    send: ['DELETE', '/v2.0/extensions/binding'],
    status: 405,
    says: ['GET'],
  },
  {
    note: 'a name of 2000 characters where an id is wanted: clients try names first',
    send: ['GET', `${ports}/${'x'.repeat(2000)}`],
    status: 404,
    type: 'PortNotFound',
    says: ['GET /v2.0/ports lists'],
  },
  {
    note: 'a Content-Type that is none',
    send: ['POST', networks, '{"network": {}}', { 'content-type': 'garbage' }],
    status: 400,
    type: 'HTTPBadRequest',
    says: ['"garbage"', 'application/json'],
  },
  {
    note: 'a request id of the client is not taken over',
    send: ['GET', networks, undefined, { 'x-openstack-request-id': CLIENT_ID }],
    status: 200,
    check: ({ headers }) => {
      assert.match(String(headers['x-openstack-request-id']), /^req-[0-9a-f-]{36}$/)
      assert.notEqual(headers['x-openstack-request-id'], CLIENT_ID)
    },
  },
  {
    note: 'Accept that excludes JSON',
    send: ['GET', networks, undefined, { accept: 'application/xml' }],
    status: 406,
    type: 'HTTPNotAcceptable',
  },
  {
    note: 'a path that cannot be decoded',
    send: ['GET', `${ports}/%zz`],
    status: 400,
    type: 'HTTPBadRequest',
  },

  // Extensions.
  {
    note: 'extensions',
    send: ['GET', '/v2.0/extensions'],
    status: 200,
    check: ({ at }) => {
      assert.deepEqual(Object.keys(Object(at('extensions', 0))).sort(), [
        'alias',
        'description',
        'links',
        'name',
        'updated',
      ])
    },
  },
  {
    note: 'port-security',
    send: ['GET', '/v2.0/extensions/port-security'],
    status: 200,
    check: ({ at }) => assert.equal(at('extension', 'alias'), 'port-security'),
  },
  {
    note: 'allowed-address-pairs',
    send: ['GET', '/v2.0/extensions/allowed-address-pairs'],
    status: 200,
  },
  {
    note: 'security groups are no extension here',
    send: ['GET', '/v2.0/extensions/security-group'],
    status: 404,
  },

  // Networks.
  {
    note: 'create minimal',
    send: ['POST', networks, network({ name: 'net1' })],
    status: 201,
    as: 'net1',
    has: { port_security_enabled: true, admin_state_up: true, mtu: 1500, revision_number: 1 },
  },
  {
    note: 'create with port security off',
    send: ['POST', networks, network({ name: 'net2', port_security_enabled: false })],
    status: 201,
    as: 'net2',
    has: { port_security_enabled: false },
  },
  {
    note: 'create with nothing',
    send: ['POST', networks, network({})],
    status: 201,
    as: 'net3',
    has: { name: '' },
  },
  { note: 'show', send: ['GET', `${networks}/{net1}`], status: 200, has: { name: 'net1' } },
  {
    note: 'list by name',
    send: ['GET', `${networks}?name=net1&fields=name`],
    status: 200,
    check: ({ body }) => assert.deepEqual(body, { networks: [{ name: 'net1' }] }),
  },
  {
    note: 'filter by port security',
    send: ['GET', `${networks}?port_security_enabled=False&fields=name`],
    status: 200,
    check: ({ body }) => assert.deepEqual(body, { networks: [{ name: 'net2' }] }),
  },
  {
    note: 'update name',
    send: ['PUT', `${networks}/{net1}`, network({ name: 'net1b' })],
    status: 200,
    has: { name: 'net1b', revision_number: 2 },
  },
  {
    note: 'update port security',
    send: ['PUT', `${networks}/{net1}`, network({ port_security_enabled: false })],
    status: 200,
    has: { port_security_enabled: false, revision_number: 3 },
  },
  {
    note: 'and back',
    send: ['PUT', `${networks}/{net1}`, network({ port_security_enabled: true })],
    status: 200,
    has: { port_security_enabled: true, revision_number: 4 },
  },
  {
    note: 'port security that is no boolean',
    send: ['PUT', `${networks}/{net1}`, network({ port_security_enabled: 'maybe' })],
    status: 400,
    type: 'InvalidInput',
    says: ['port_security_enabled', '"maybe"'],
  },
  {
    note: 'show unknown',
    send: ['GET', `${networks}/${NONE}`],
    status: 404,
    type: 'NetworkNotFound',
    says: [NONE],
  },
  {
    note: 'show what is no UUID',
    send: ['GET', `${networks}/nosuch`],
    status: 404,
    type: 'NetworkNotFound',
  },
  {
    note: 'unknown attribute',
    send: ['POST', networks, network({ name: 'a', colour: 'red' })],
    status: 400,
    type: 'HTTPBadRequest',
    says: ["'colour'"],
  },
  {
    note: 'an attribute that JavaScript has and networks have not',
    send: ['POST', networks, '{"network": {"__proto__": {}, "constructor": 1}}'],
    status: 400,
    type: 'HTTPBadRequest',
    says: ["'__proto__', 'constructor'"],
  },
  {
    note: 'wrong type',
    send: ['POST', networks, network({ name: 5 })],
    status: 400,
    type: 'HTTPBadRequest',
    says: ['name: ', '5'],
  },
  {
    note: 'name too long',
    send: ['POST', networks, network({ name: 'x'.repeat(256) })],
    status: 400,
    type: 'HTTPBadRequest',
  },
  {
    note: 'no body',
    send: ['POST', networks],
    status: 400,
    type: 'HTTPBadRequest',
    says: ["'network'"],
  },
  { note: 'wrong key', send: ['POST', networks, port({})], status: 400, type: 'HTTPBadRequest' },
  {
    note: 'not JSON',
    send: ['POST', networks, '{"network": '],
    status: 400,
    type: 'HTTPBadRequest',
  },
  { note: 'a JSON list', send: ['POST', networks, '[]'], status: 400, type: 'HTTPBadRequest' },
  { note: 'a form', send: ['POST', networks, 'a=b', text], status: 400, type: 'HTTPBadRequest' },
  {
    note: 'JSON as text/plain',
    send: ['POST', networks, network({ name: 'tp' }), text],
    status: 201,
    as: 'tp',
  },
  {
    note: 'a body of 10 MB',
    send: ['POST', networks, network({ name: 'x'.repeat(10_000_000) })],
    status: 413,
    says: ['1048576'],
  },
  {
    note: 'an attribute with one value only may be sent back',
    send: ['PUT', `${networks}/{tp}`, network({ 'router:external': false })],
    status: 200,
  },
  {
    note: 'and cannot have another',
    send: ['PUT', `${networks}/{tp}`, network({ 'router:external': true })],
    status: 400,
    type: 'HTTPBadRequest',
    says: ['router:external'],
  },
  {
    note: 'project and tenant are one',
    send: ['POST', networks, network({ project_id: 'p2' })],
    status: 201,
    as: 'p2',
    has: { tenant_id: 'p2', project_id: 'p2' },
  },
  {
    note: 'and cannot differ',
    send: ['POST', networks, network({ project_id: 'p2', tenant_id: 'p3' })],
    status: 400,
    type: 'HTTPBadRequest',
  },
  {
    note: 'bulk create',
    send: ['POST', networks, { networks: [{ name: 'b1' }, { name: 'b2' }] }],
    status: 201,
    check: ({ at }) =>
      assert.deepEqual([at('networks', 0, 'name'), at('networks', 1, 'name')], ['b1', 'b2']),
  },
  {
    note: 'delete',
    send: ['DELETE', `${networks}/{tp}`],
    status: 204,
    check: ({ body }) => assert.equal(body, ''),
  },
  {
    note: 'delete unknown',
    send: ['DELETE', `${networks}/${NONE}`],
    status: 404,
    type: 'NetworkNotFound',
  },

  // Subnets.
  {
    note: 'create v4',
    send: [
      'POST',
      subnets,
      subnet({ network_id: '{net1}', ip_version: 4, cidr: '10.1.0.0/24', name: 's4' }),
    ],
    status: 201,
    as: 's4',
    has: {
      gateway_ip: '10.1.0.1',
      allocation_pools: [{ start: '10.1.0.2', end: '10.1.0.254' }],
      enable_dhcp: true,
      ip_version: 4,
      revision_number: 0,
    },
  },
  {
    note: 'create v6 without gateway',
    send: [
      'POST',
      subnets,
      subnet({
        network_id: '{net1}',
        ip_version: 6,
        cidr: 'fd00:5::/64',
        enable_dhcp: false,
        gateway_ip: null,
      }),
    ],
    status: 201,
    as: 's6',
    has: {
      gateway_ip: null,
      allocation_pools: [{ start: 'fd00:5::1', end: 'fd00:5::ffff:ffff:ffff:ffff' }],
    },
  },
  {
    note: 'create on net2',
    send: ['POST', subnets, subnet({ network_id: '{net2}', ip_version: 4, cidr: '10.2.0.0/24' })],
    status: 201,
    as: 's2',
  },
  {
    note: 'overlapping',
    send: ['POST', subnets, subnet({ network_id: '{net1}', ip_version: 4, cidr: '10.1.0.0/25' })],
    status: 400,
    type: 'InvalidInput',
    says: ['10.1.0.0/25', '10.1.0.0/24'],
  },
  {
    note: 'bad cidr',
    send: ['POST', subnets, subnet({ network_id: '{net1}', ip_version: 4, cidr: '10.1.0.300/24' })],
    status: 400,
    type: 'InvalidInput',
  },
  {
    note: 'version mismatch',
    send: ['POST', subnets, subnet({ network_id: '{net1}', ip_version: 6, cidr: '10.7.0.0/24' })],
    status: 400,
    type: 'InvalidInput',
  },
  {
    note: 'host bits are cleared',
    send: ['POST', subnets, subnet({ network_id: '{net3}', ip_version: 4, cidr: '10.7.0.5/24' })],
    status: 201,
    has: { cidr: '10.7.0.0/24', gateway_ip: '10.7.0.1' },
  },
  {
    note: 'missing network_id',
    send: ['POST', subnets, subnet({ ip_version: 4, cidr: '10.7.0.0/24' })],
    status: 400,
    type: 'HTTPBadRequest',
    says: ["'network_id'"],
  },
  {
    note: 'unknown network',
    send: ['POST', subnets, subnet({ network_id: NONE, ip_version: 4, cidr: '10.7.0.0/24' })],
    status: 404,
    type: 'NetworkNotFound',
  },
  {
    note: 'pool outside',
    send: [
      'POST',
      subnets,
      subnet({
        network_id: '{net3}',
        cidr: '10.8.0.0/24',
        allocation_pools: [{ start: '10.8.0.2', end: '10.9.0.1' }],
      }),
    ],
    status: 400,
    type: 'OutOfBoundsAllocationPool',
  },
  {
    note: 'gateway in a pool',
    send: [
      'POST',
      subnets,
      subnet({
        network_id: '{net3}',
        cidr: '10.8.0.0/24',
        allocation_pools: [{ start: '10.8.0.1', end: '10.8.0.9' }],
      }),
    ],
    status: 409,
    type: 'GatewayConflictWithAllocationPools',
  },
  {
    note: 'filter',
    send: ['GET', `${subnets}?network_id={net1}&ip_version=6&fields=cidr`],
    status: 200,
    check: ({ body }) => assert.deepEqual(body, { subnets: [{ cidr: 'fd00:5::/64' }] }),
  },
  {
    note: 'update',
    send: ['PUT', `${subnets}/{s4}`, subnet({ name: 's4b', enable_dhcp: false })],
    status: 200,
    has: { name: 's4b', enable_dhcp: false, revision_number: 1 },
  },
  {
    note: 'update of what is read-only',
    send: ['PUT', `${subnets}/{s4}`, subnet({ cidr: '10.9.0.0/24' })],
    status: 400,
    type: 'HTTPBadRequest',
    says: ["'cidr'"],
  },
  {
    note: 'show unknown',
    send: ['GET', `${subnets}/${NONE}`],
    status: 404,
    type: 'SubnetNotFound',
  },
  {
    note: 'a network names its subnets',
    send: ['GET', `${networks}/{net1}`],
    status: 200,
    check: ({ at }) => assert.equal(typeof at('network', 'subnets', 1), 'string'),
  },
  {
    note: 'addresses that are given out and those that the rows below choose do not meet',
    send: [
      'PUT',
      `${subnets}/{s4}`,
      subnet({ allocation_pools: [{ start: '10.1.0.128', end: '10.1.0.254' }] }),
    ],
    status: 200,
    has: { allocation_pools: [{ start: '10.1.0.128', end: '10.1.0.254' }] },
  },

  // Ports.
  {
    note: 'create minimal',
    send: ['POST', ports, portOn1()],
    status: 201,
    as: 'p1',
    has: {
      status: 'DOWN',
      port_security_enabled: true,
      admin_state_up: true,
      device_owner: '',
      'binding:vif_type': 'unbound',
      'binding:vnic_type': 'normal',
      security_groups: [],
      revision_number: 1,
    },
    check: ({ at }) => {
      assert.match(String(at('port', 'mac_address')), /^fa:16:3e(:[0-9a-f]{2}){3}$/)
      assert.match(String(at('port', 'fixed_ips', 0, 'ip_address')), /^10\.1\.0\.\d+$/)
      assert.match(String(at('port', 'fixed_ips', 1, 'ip_address')), /^fd00:5::/)
    },
  },
  {
    note: 'create as Nova would',
    send: [
      'POST',
      ports,
      portOn1({
        name: 'vm1',
        device_id: 'vm1',
        device_owner: 'compute:nova',
        'binding:host_id': 'host1',
        mac_address: 'fa:16:3e:00:00:10',
        fixed_ips: [
          { subnet_id: '{s4}', ip_address: '10.1.0.10' },
          { subnet_id: '{s6}', ip_address: 'fd00:5::10' },
        ],
        allowed_address_pairs: [pair('10.1.0.99'), pair('10.3.0.0/24', 'FA:16:3E:00:00:99')],
      }),
    ],
    status: 201,
    as: 'vm1',
    has: {
      mac_address: 'fa:16:3e:00:00:10',
      'binding:host_id': 'host1',
      'binding:vif_type': 'ovs',
      'binding:vif_details': {
        connectivity: 'l2',
        port_filter: true,
        ovs_hybrid_plug: false,
        bridge_name: 'br-int',
      },
      allowed_address_pairs: [
        { mac_address: 'fa:16:3e:00:00:10', ip_address: '10.1.0.99' },
        { mac_address: 'fa:16:3e:00:00:99', ip_address: '10.3.0.0/24' },
      ],
    },
  },
  {
    note: 'on a network with port security off',
    send: ['POST', ports, port({ network_id: '{net2}' })],
    status: 201,
    has: { port_security_enabled: false },
  },
  {
    note: 'with port security off',
    send: ['POST', ports, portOn1({ port_security_enabled: false, name: 'open' })],
    status: 201,
    as: 'open',
    has: { port_security_enabled: false },
  },
  {
    note: 'with no security groups',
    send: ['POST', ports, portOn1({ security_groups: [] })],
    status: 201,
  },
  {
    note: 'with a security group',
    send: ['POST', ports, portOn1({ security_groups: [NONE] })],
    status: 400,
    type: 'HTTPBadRequest',
    says: ['security_groups', '[]'],
  },
  {
    note: 'of the network itself: not guarded, whatever is asked',
    send: ['POST', ports, portOn1({ device_owner: 'network:dhcp', port_security_enabled: true })],
    status: 201,
    has: { port_security_enabled: false },
  },
  {
    note: 'on a host nobody knows',
    send: ['POST', ports, portOn1({ 'binding:host_id': 'nohost' })],
    status: 201,
    has: { 'binding:vif_type': 'binding_failed', 'binding:vif_details': {} },
  },
  {
    note: 'update name',
    send: ['PUT', `${ports}/{p1}`, port({ name: 'x' })],
    status: 200,
    has: { name: 'x', revision_number: 2 },
  },
  {
    note: 'switch port security off',
    send: ['PUT', `${ports}/{p1}`, port({ port_security_enabled: false, security_groups: [] })],
    status: 200,
    has: { port_security_enabled: false, revision_number: 3 },
  },
  {
    note: 'and on, as the neutron program writes it',
    send: ['PUT', `${ports}/{p1}`, port({ port_security_enabled: 'True' })],
    status: 200,
    has: { port_security_enabled: true, revision_number: 4 },
  },
  {
    note: 'another address: what is only named by its subnet stays',
    send: [
      'PUT',
      `${ports}/{p1}`,
      port({ fixed_ips: [{ ip_address: '10.1.0.50' }, { subnet_id: '{s6}' }] }),
    ],
    status: 200,
    check: ({ at }) => {
      assert.deepEqual(at('port', 'fixed_ips', 0, 'ip_address'), '10.1.0.50')
      assert.match(String(at('port', 'fixed_ips', 1, 'ip_address')), /^fd00:5::/)
    },
  },
  {
    note: 'another MAC',
    send: ['PUT', `${ports}/{p1}`, port({ mac_address: 'fa:16:3e:00:00:77' })],
    status: 200,
    has: { mac_address: 'fa:16:3e:00:00:77' },
  },
  {
    note: 'another MAC of a bound port',
    send: ['PUT', `${ports}/{vm1}`, port({ mac_address: 'fa:16:3e:00:00:78' })],
    status: 409,
    type: 'PortBound',
    says: ['host1', 'binding:host_id'],
  },
  {
    note: 'set pairs',
    send: ['PUT', `${ports}/{p1}`, port({ allowed_address_pairs: [pair('10.1.0.60')] })],
    status: 200,
    has: { allowed_address_pairs: [{ mac_address: 'fa:16:3e:00:00:77', ip_address: '10.1.0.60' }] },
  },
  {
    note: 'null clears the pairs',
    send: ['PUT', `${ports}/{p1}`, port({ allowed_address_pairs: null })],
    status: 200,
    has: { allowed_address_pairs: [] },
  },
  {
    note: 'bind',
    send: [
      'PUT',
      `${ports}/{p1}`,
      port({ 'binding:host_id': 'host1', device_owner: 'compute:nova', device_id: 'vm9' }),
    ],
    status: 200,
    has: { 'binding:vif_type': 'ovs', device_id: 'vm9' },
  },
  {
    note: 'a boolean as Python writes it',
    send: ['PUT', `${ports}/{p1}`, port({ admin_state_up: 'False' })],
    status: 200,
    as: 'p1',
    has: { admin_state_up: false, revision_number: 10 },
  },
  {
    note: 'no change, no revision',
    send: ['PUT', `${ports}/{p1}`, port({})],
    status: 200,
    has: { revision_number: 10 },
  },

  // What is refused of ports.
  {
    note: 'port security off with pairs kept',
    send: ['PUT', `${ports}/{vm1}`, port({ port_security_enabled: false })],
    status: 409,
    type: 'AddressPairAndPortSecurityRequired',
    says: ['"allowed_address_pairs": []'],
  },
  {
    note: 'pairs on a port with port security off',
    send: ['PUT', `${ports}/{open}`, port({ allowed_address_pairs: [pair('10.1.0.61')] })],
    status: 409,
    type: 'AddressPairAndPortSecurityRequired',
  },
  {
    note: 'create with port security off and pairs',
    send: [
      'POST',
      ports,
      portOn1({ port_security_enabled: false, allowed_address_pairs: [pair('10.1.0.61')] }),
    ],
    status: 409,
    type: 'AddressPairAndPortSecurityRequired',
  },
  ...['zz:zz:zz:zz:zz:zz', '00:00:00:00:00:00', '', 5].map(
    (mac): Row => ({
      note: `MAC ${JSON.stringify(mac)}`,
      send: ['POST', ports, portOn1({ mac_address: mac })],
      status: 400,
      type: 'HTTPBadRequest',
      says: ['mac_address', JSON.stringify(mac)],
    }),
  ),
  {
    note: 'a MAC without colons',
    send: ['POST', ports, portOn1({ mac_address: 'fa163e000055' })],
    status: 201,
    has: { mac_address: 'fa:16:3e:00:00:55' },
  },
  {
    note: 'a MAC with dashes',
    send: ['POST', ports, portOn1({ mac_address: 'fa-16-3e-00-00-56' })],
    status: 201,
    has: { mac_address: 'fa:16:3e:00:00:56' },
  },
  { note: 'MAC null: any', send: ['POST', ports, portOn1({ mac_address: null })], status: 201 },
  {
    note: 'a MAC that is taken on the network',
    send: ['POST', ports, portOn1({ mac_address: 'fa:16:3e:00:00:10' })],
    status: 409,
    type: 'MacAddressInUse',
    says: ['{vm1}'],
  },
  {
    note: 'the same MAC on another network',
    send: ['POST', ports, port({ network_id: '{net2}', mac_address: 'fa:16:3e:00:00:10' })],
    status: 201,
    as: 'twin',
  },
  {
    note: 'bad address',
    send: ['POST', ports, portOn1({ fixed_ips: [{ ip_address: '10.1.0.300' }] })],
    status: 400,
    type: 'HTTPBadRequest',
  },
  {
    note: 'an address with a leading zero',
    send: ['POST', ports, portOn1({ fixed_ips: [{ ip_address: '10.1.0.010' }] })],
    status: 400,
    type: 'HTTPBadRequest',
  },
  {
    note: 'outside of all subnets',
    send: ['POST', ports, portOn1({ fixed_ips: [{ ip_address: '10.77.0.1' }] })],
    status: 400,
    type: 'InvalidIpForNetwork',
  },
  {
    note: 'outside of the subnet named',
    send: ['POST', ports, portOn1({ fixed_ips: [{ subnet_id: '{s4}', ip_address: '10.77.0.1' }] })],
    status: 400,
    type: 'InvalidIpForSubnet',
  },
  {
    note: 'the broadcast address',
    send: ['POST', ports, portOn1({ fixed_ips: [{ ip_address: '10.1.0.255' }] })],
    status: 400,
    type: 'InvalidIpForNetwork',
  },
  {
    note: 'an address that is taken',
    send: ['POST', ports, portOn1({ fixed_ips: [{ subnet_id: '{s4}', ip_address: '10.1.0.10' }] })],
    status: 409,
    type: 'IpAddressAlreadyAllocated',
    says: ['10.1.0.10', '{vm1}'],
  },
  {
    note: 'a subnet of another network',
    send: ['POST', ports, port({ network_id: '{net2}', fixed_ips: [{ subnet_id: '{s4}' }] })],
    status: 400,
    type: 'InvalidInput',
  },
  {
    note: 'an unknown subnet',
    send: ['POST', ports, portOn1({ fixed_ips: [{ subnet_id: NONE }] })],
    status: 404,
    type: 'SubnetNotFound',
  },
  {
    note: 'fixed_ips that is no list',
    send: ['POST', ports, portOn1({ fixed_ips: '10.1.0.9' })],
    status: 400,
    type: 'HTTPBadRequest',
  },
  {
    note: 'an unknown member of fixed_ips',
    send: ['POST', ports, portOn1({ fixed_ips: [{ ip: '10.1.0.9' }] })],
    status: 400,
    type: 'InvalidInput',
  },
  {
    note: 'an address twice',
    send: [
      'POST',
      ports,
      portOn1({ fixed_ips: [{ ip_address: '10.1.0.80' }, { ip_address: '10.1.0.80' }] }),
    ],
    status: 400,
    type: 'HTTPBadRequest',
    says: ['10.1.0.80'],
  },
  {
    note: 'unknown attribute',
    send: ['POST', ports, portOn1({ colour: 1 })],
    status: 400,
    type: 'HTTPBadRequest',
    says: ["'colour'"],
  },
  {
    note: 'missing network_id',
    send: ['POST', ports, port({ name: 'a' })],
    status: 400,
    type: 'HTTPBadRequest',
    says: ["'network_id'"],
  },
  {
    note: 'unknown network',
    send: ['POST', ports, port({ network_id: NONE })],
    status: 404,
    type: 'NetworkNotFound',
  },
  {
    note: 'a status given',
    send: ['POST', ports, portOn1({ status: 'ACTIVE' })],
    status: 400,
    type: 'HTTPBadRequest',
    says: ["'status'"],
  },
  {
    note: 'port security null',
    send: ['POST', ports, portOn1({ port_security_enabled: null })],
    status: 400,
    type: 'InvalidInput',
  },
  {
    note: 'pairs that are no list',
    send: ['POST', ports, portOn1({ allowed_address_pairs: pair('10.1.0.3') })],
    status: 400,
    type: 'HTTPBadRequest',
  },
  {
    note: 'a pair that is no object',
    send: ['POST', ports, pairs('10.1.0.3')],
    status: 400,
    type: 'HTTPBadRequest',
  },
  {
    note: 'a pair without address',
    send: ['POST', ports, pairs({ mac_address: 'fa:16:3e:00:00:01' })],
    status: 400,
    type: 'AllowedAddressPairsMissingIP',
  },
  {
    note: 'a pair with a bad address',
    send: ['POST', ports, pairs(pair('x'))],
    status: 400,
    type: 'HTTPBadRequest',
    says: ['"x"'],
  },
  {
    note: 'a pair with host bits',
    send: ['POST', ports, pairs(pair('10.1.0.3/24'))],
    status: 400,
    type: 'HTTPBadRequest',
    says: ['10.1.0.0/24'],
  },
  {
    note: 'a pair with a bad MAC',
    send: ['POST', ports, pairs(pair('10.1.0.3', 'x'))],
    status: 400,
    type: 'HTTPBadRequest',
  },
  {
    note: 'a pair with a multicast MAC',
    send: ['POST', ports, pairs(pair('10.1.0.3', '01:00:5e:00:00:01'))],
    status: 400,
    type: 'HTTPBadRequest',
  },
  {
    note: 'a multicast pair',
    send: ['POST', ports, pairs(pair('224.0.0.5'))],
    status: 400,
    type: 'HTTPBadRequest',
  },
  {
    note: 'a multicast prefix',
    send: ['POST', ports, pairs(pair('ff02::/16'))],
    status: 400,
    type: 'HTTPBadRequest',
  },
  {
    note: 'a pair with an unknown member',
    send: ['POST', ports, pairs({ ...pair('10.1.0.3'), colour: 'x' })],
    status: 400,
    type: 'HTTPBadRequest',
    says: ["'colour'"],
  },
  {
    note: 'a pair twice, its MAC implied once',
    send: [
      'POST',
      ports,
      portOn1({
        mac_address: 'fa:16:3e:00:00:45',
        allowed_address_pairs: [pair('10.1.0.3'), pair('10.1.0.3/32', 'FA-16-3E-00-00-45')],
      }),
    ],
    status: 400,
    type: 'DuplicateAddressPairInRequest',
  },
  {
    note: 'a pair equal to what the port owns',
    send: [
      'POST',
      ports,
      portOn1({
        mac_address: 'fa:16:3e:00:00:44',
        fixed_ips: [{ ip_address: '10.1.0.44' }],
        allowed_address_pairs: [pair('10.1.0.44', 'fa:16:3e:00:00:44')],
      }),
    ],
    status: 201,
  },
  {
    note: '11 pairs',
    send: [
      'POST',
      ports,
      pairs(...Array.from({ length: 11 }, (_, i) => pair(`10.1.0.${100 + i}`))),
    ],
    status: 400,
    type: 'AllowedAddressPairExhausted',
    says: ['10'],
  },
  {
    note: 'a pair for every IPv4 address',
    send: ['POST', ports, pairs(pair('0.0.0.0/0'))],
    status: 201,
    check: ({ at }) =>
      assert.equal(at('port', 'allowed_address_pairs', 0, 'ip_address'), '0.0.0.0/0'),
  },
  {
    note: 'a pair is shown as it was written',
    send: ['POST', ports, pairs(pair('FD00:0005:0::1'))],
    status: 201,
    check: ({ at }) =>
      assert.equal(at('port', 'allowed_address_pairs', 0, 'ip_address'), 'FD00:0005:0::1'),
  },
  { note: 'show unknown', send: ['GET', `${ports}/${NONE}`], status: 404, type: 'PortNotFound' },
  {
    note: 'show what is no UUID',
    send: ['GET', `${ports}/nosuch`],
    status: 404,
    type: 'PortNotFound',
  },
  {
    note: 'update unknown',
    send: ['PUT', `${ports}/${NONE}`, port({ name: 'x' })],
    status: 404,
    type: 'PortNotFound',
  },
  {
    note: 'delete unknown',
    send: ['DELETE', `${ports}/${NONE}`],
    status: 404,
    type: 'PortNotFound',
  },
  {
    note: 'another network',
    send: ['PUT', `${ports}/{p1}`, port({ network_id: '{net2}' })],
    status: 400,
    type: 'HTTPBadRequest',
    says: ["'network_id'"],
  },
  {
    note: 'update of what is unknown',
    send: ['PUT', `${ports}/{p1}`, port({ colour: 1 })],
    status: 400,
    type: 'HTTPBadRequest',
  },
  {
    note: 'update to a MAC that is taken',
    send: ['PUT', `${ports}/{open}`, port({ mac_address: 'fa:16:3e:00:00:10' })],
    status: 409,
    type: 'MacAddressInUse',
  },
  {
    note: 'update to an address outside',
    send: ['PUT', `${ports}/{p1}`, port({ fixed_ips: [{ ip_address: '10.77.0.1' }] })],
    status: 400,
    type: 'InvalidIpForNetwork',
  },
  {
    note: 'PUT on the collection',
    send: ['PUT', ports, port({})],
    status: 404,
    type: 'PortNotFound',
  },
  {
    note: 'POST on an item',
    send: ['POST', `${ports}/{p1}`, port({})],
    status: 400,
    type: 'HTTPBadRequest',
  },
  {
    note: 'PUT that is not JSON',
    send: ['PUT', `${ports}/{p1}`, '{'],
    status: 400,
    type: 'HTTPBadRequest',
  },
  {
    note: 'PUT without a body',
    send: ['PUT', `${ports}/{p1}`],
    status: 400,
    type: 'HTTPBadRequest',
    says: ["'port'"],
  },
  {
    note: 'PUT of another resource',
    send: ['PUT', `${ports}/{p1}`, network({})],
    status: 400,
    type: 'HTTPBadRequest',
  },
  {
    note: 'delete a network with ports',
    send: ['DELETE', `${networks}/{net1}`],
    status: 409,
    type: 'NetworkInUse',
  },
  {
    note: 'delete a subnet with ports',
    send: ['DELETE', `${subnets}/{s4}`],
    status: 409,
    type: 'SubnetInUse',
  },

  // Revisions.
  ...(
    [
      ['current', 'revision_number=10', 200, undefined],
      ['stale', 'revision_number=10', 412, 'RevisionNumberConstraintFailed'],
      ['stale and quoted', '"revision_number=10"', 412, 'RevisionNumberConstraintFailed'],
      ['of another kind', '"abc"', 200, undefined],
      ['no number', 'revision_number=x', 400, 'BadRequest'],
    ] as const
  ).map(
    ([note, match, status, type], i): Row => ({
      note: `If-Match ${note}`,
      send: ['PUT', `${ports}/{p1}`, port({ name: `r${i}` }), { 'if-match': match }],
      status,
      ...(type !== undefined && { type }),
    }),
  ),
  {
    note: 'DELETE with a stale If-Match',
    send: ['DELETE', `${ports}/{p1}`, undefined, { 'if-match': 'revision_number=0' }],
    status: 412,
    type: 'RevisionNumberConstraintFailed',
  },

  // Bulk.
  {
    note: 'two ports',
    send: [
      'POST',
      ports,
      {
        ports: [
          { network_id: '{net1}', name: 'k1' },
          { network_id: '{net1}', name: 'k2', port_security_enabled: false },
        ],
      },
    ],
    status: 201,
    check: ({ at }) => {
      assert.deepEqual([at('ports', 0, 'name'), at('ports', 1, 'name')], ['k1', 'k2'])
      assert.notEqual(
        at('ports', 0, 'fixed_ips', 0, 'ip_address'),
        at('ports', 1, 'fixed_ips', 0, 'ip_address'),
      )
    },
  },
  {
    note: 'one bad of two',
    send: [
      'POST',
      ports,
      {
        ports: [
          { network_id: '{net1}', name: 'k3' },
          { network_id: '{net1}', name: 'k4', mac_address: 'bad' },
        ],
      },
    ],
    status: 400,
    type: 'HTTPBadRequest',
  },
  {
    note: 'one conflict of two',
    send: [
      'POST',
      ports,
      {
        ports: [
          { network_id: '{net1}', name: 'k3' },
          { network_id: '{net1}', name: 'k4', mac_address: 'fa:16:3e:00:00:10' },
        ],
      },
    ],
    status: 409,
    type: 'MacAddressInUse',
  },
  {
    note: 'two that want the same MAC',
    send: [
      'POST',
      ports,
      {
        ports: [
          { network_id: '{net1}', name: 'k3', mac_address: 'fa:16:3e:00:00:79' },
          { network_id: '{net1}', name: 'k4', mac_address: 'fa:16:3e:00:00:79' },
        ],
      },
    ],
    status: 409,
    type: 'MacAddressInUse',
  },
  {
    note: 'two that want the same address',
    send: [
      'POST',
      ports,
      {
        ports: [
          { network_id: '{net1}', name: 'k3', fixed_ips: [{ ip_address: '10.1.0.81' }] },
          { network_id: '{net1}', name: 'k4', fixed_ips: [{ ip_address: '10.1.0.81' }] },
        ],
      },
    ],
    status: 400,
    type: 'HTTPBadRequest',
  },
  {
    note: 'nothing is left of those',
    send: ['GET', `${ports}?name=k3&name=k4&fields=name`],
    status: 200,
    check: ({ body }) => assert.deepEqual(body, { ports: [] }),
  },
  {
    note: 'an empty list',
    send: ['POST', ports, { ports: [] }],
    status: 400,
    type: 'HTTPBadRequest',
  },

  // Deletes.
  { note: 'a port', send: ['DELETE', `${ports}/{p1}`], status: 204 },
  { note: 'the port again', send: ['DELETE', `${ports}/{p1}`], status: 404, type: 'PortNotFound' },
  {
    note: 'its address is free again',
    send: [
      'POST',
      ports,
      portOn1({ fixed_ips: [{ ip_address: '10.1.0.50' }], mac_address: 'fa:16:3e:00:00:77' }),
    ],
    status: 201,
  },
  { note: 'a network goes with its subnets', send: ['DELETE', `${networks}/{net3}`], status: 204 },
  {
    note: 'which are gone',
    send: ['GET', `${subnets}?cidr=10.7.0.0/24`],
    status: 200,
    check: ({ body }) => assert.deepEqual(body, { subnets: [] }),
  },
]

void test('the API answers as Neutron does', async (t) => {
  await using server = await openTestServer()
  await server.agent('host1').alive()
  const ids = new Map<string, string>()
  const filled = (template: string): string =>
    template.replaceAll(/\{([a-z0-9]+)\}/g, (whole, name: string) => ids.get(name) ?? whole)
  for (const { note, send, status, type, says = [], as, has, check } of rows) {
    const [method, url, body, headers] = send
    await t.test(`${method} ${url}: ${note}`, async () => {
      const payload =
        body === undefined
          ? undefined
          : filled(typeof body === 'string' ? body : JSON.stringify(body))
      const answer = await server.call(method, filled(url), payload, headers)
      assert.equal(answer.status, status, JSON.stringify(answer.body).slice(0, 500))
      if (type !== undefined) assert.equal(answer.error?.type, type)
      for (const part of says)
        assert.ok(answer.error?.message.includes(filled(part)), answer.error?.message)
      const [name = ''] = Object.keys(Object(answer.body))
      const resource = Object(answer.at(name))
      if (as !== undefined) ids.set(as, String(resource.id))
      if (has !== undefined) assertShape(name, resource)
      for (const [member, value] of Object.entries(has ?? {})) {
        assert.deepEqual(resource[member], value, member)
      }
      check?.(answer)
    })
  }
})

function assertShape(name: string, resource: Readonly<Record<string, unknown>>): void {
  const shape = shapes[name] ?? {}
  assert.deepEqual(Object.keys(resource).sort(), Object.keys(shape).sort())
  for (const [member, wanted] of Object.entries(shape)) {
    const value = resource[member]
    const kind = value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value
    assert.ok(wanted.split(' or ').includes(kind), `${member} is ${kind}, not ${wanted}`)
  }
}
