// Ports as they are made, read and changed. What Neutron 21 (2023.1) answered, in order; exchange.ts says how to read it.

import type { Exchange } from './exchange.ts'

const vifDetails = {
  connectivity: 'l2',
  port_filter: true,
  ovs_hybrid_plug: false,
  datapath_type: 'netdev',
  bridge_name: 'br-int',
}

export const ports: readonly Exchange[] = [
  {
    note: 'a port of a network',
    send: ['POST', '/v2.0/ports', { port: { network_id: '{net1}' } }],
    gives: [201, { port: { network_id: '{net1}' } }],
    as: ['p1'],
  },
  {
    note: 'a port with everything, bound',
    send: [
      'POST',
      '/v2.0/ports',
      {
        port: {
          network_id: '{net1}',
          name: 'vm1',
          admin_state_up: true,
          device_id: 'vm1',
          device_owner: 'compute:nova',
          'binding:host_id': 'h1',
          mac_address: 'fa:16:3e:00:00:10',
          fixed_ips: [
            { subnet_id: '{s4}', ip_address: '10.1.0.10' },
            { subnet_id: '{s6}', ip_address: 'fd00:5::10' },
          ],
          allowed_address_pairs: [
            { ip_address: '10.1.0.99' },
            { ip_address: '10.3.0.0/24', mac_address: 'FA:16:3E:00:00:99' },
          ],
        },
      },
    ],
    gives: [
      201,
      {
        port: {
          name: 'vm1',
          network_id: '{net1}',
          mac_address: 'fa:16:3e:00:00:10',
          device_id: 'vm1',
          device_owner: 'compute:nova',
          fixed_ips: [
            { subnet_id: '{s4}', ip_address: '10.1.0.10' },
            { subnet_id: '{s6}', ip_address: 'fd00:5::10' },
          ],
          'binding:host_id': 'h1',
          'binding:vif_type': 'ovs',
          'binding:vif_details': vifDetails,
          allowed_address_pairs: [
            { mac_address: 'fa:16:3e:00:00:10', ip_address: '10.1.0.99' },
            { mac_address: 'FA:16:3E:00:00:99', ip_address: '10.3.0.0/24' },
          ],
        },
      },
    ],
    as: ['vm1'],
  },
  {
    note: 'a port of a network without port security',
    send: ['POST', '/v2.0/ports', { port: { network_id: '{net2}' } }],
    gives: [
      201,
      {
        port: {
          network_id: '{net2}',
          fixed_ips: [{ subnet_id: '{s2}', ip_address: '{any}' }],
          port_security_enabled: false,
          security_groups: [],
        },
      },
    ],
    as: ['onNet2'],
  },
  {
    note: 'a port without port security',
    send: [
      'POST',
      '/v2.0/ports',
      { port: { network_id: '{net1}', port_security_enabled: false, name: 'open' } },
    ],
    gives: [
      201,
      {
        port: {
          name: 'open',
          network_id: '{net1}',
          port_security_enabled: false,
          security_groups: [],
        },
      },
    ],
    as: ['open'],
  },
  {
    note: 'the same, and no security groups',
    send: [
      'POST',
      '/v2.0/ports',
      {
        port: {
          network_id: '{net1}',
          port_security_enabled: false,
          security_groups: [],
          name: 'open2',
        },
      },
    ],
    gives: [
      201,
      {
        port: {
          name: 'open2',
          network_id: '{net1}',
          port_security_enabled: false,
          security_groups: [],
        },
      },
    ],
    as: ['open2'],
  },
  {
    note: 'a port without security groups',
    send: [
      'POST',
      '/v2.0/ports',
      { port: { network_id: '{net1}', security_groups: [], name: 'nosg' } },
    ],
    gives: [201, { port: { name: 'nosg', network_id: '{net1}', security_groups: [] } }],
    as: ['nosg'],
  },
  {
    note: 'a port of a third network',
    send: ['POST', '/v2.0/ports', { port: { network_id: '{net3}', name: 'noip' } }],
    gives: [
      201,
      {
        port: {
          name: 'noip',
          network_id: '{net3}',
          fixed_ips: [{ subnet_id: '{s3}', ip_address: '{any}' }],
        },
      },
    ],
    as: ['noip'],
  },
  {
    note: 'a port bound to a host without agent',
    send: [
      'POST',
      '/v2.0/ports',
      { port: { network_id: '{net1}', 'binding:host_id': 'nohost', name: 'nohost' } },
    ],
    gives: [
      201,
      {
        port: {
          name: 'nohost',
          network_id: '{net1}',
          'binding:host_id': 'nohost',
          'binding:vif_type': 'binding_failed',
        },
      },
    ],
    as: ['nohost'],
  },
  { note: 'a port read', send: ['GET', '/v2.0/ports/{p1}'], gives: [200, { port: {} }] },
  {
    note: 'a bound port read',
    send: ['GET', '/v2.0/ports/{vm1}'],
    gives: [
      200,
      { port: { 'binding:vif_details': { ...vifDetails, bound_drivers: { '0': 'openvswitch' } } } },
    ],
  },
  {
    note: 'all ports',
    send: ['GET', '/v2.0/ports'],
    gives: [
      200,
      { ports: ['{vm1}', '{nosg}', '{nohost}', '{open}', '{onNet2}', '{open2}', '{p1}', '{noip}'] },
    ],
  },
  {
    note: 'a port gets a name',
    send: ['PUT', '/v2.0/ports/{p1}', { port: { name: 'x' } }],
    gives: [200, { port: { name: 'x' } }],
  },
  {
    note: 'no security groups any more',
    send: ['PUT', '/v2.0/ports/{p1}', { port: { security_groups: [] } }],
    gives: [200, { port: { security_groups: [] } }],
  },
  {
    note: 'port security off',
    send: ['PUT', '/v2.0/ports/{p1}', { port: { port_security_enabled: false } }],
    gives: [200, { port: { port_security_enabled: false } }],
  },
  {
    note: 'port security off, which it is',
    send: ['PUT', '/v2.0/ports/{p1}', { port: { port_security_enabled: false } }],
    gives: [200, { port: {} }],
  },
  {
    note: 'port security on',
    send: ['PUT', '/v2.0/ports/{p1}', { port: { port_security_enabled: true } }],
    gives: [200, { port: { port_security_enabled: true } }],
  },
  {
    note: 'a security group',
    send: ['PUT', '/v2.0/ports/{p1}', { port: { security_groups: ['{group}'] } }],
    gives: [200, { port: { security_groups: ['{group}'] } }],
  },
  {
    note: 'port security and security groups off at once',
    send: [
      'PUT',
      '/v2.0/ports/{p1}',
      { port: { port_security_enabled: false, security_groups: [] } },
    ],
    gives: [200, { port: { port_security_enabled: false, security_groups: [] } }],
  },
  {
    note: 'both on at once',
    send: [
      'PUT',
      '/v2.0/ports/{p1}',
      { port: { port_security_enabled: true, security_groups: ['{group}'] } },
    ],
    gives: [200, { port: { port_security_enabled: true, security_groups: ['{group}'] } }],
  },
  {
    note: 'port security on, wherever it is not yet',
    send: ['PUT', '/v2.0/ports/{p1}', { port: { port_security_enabled: true } }],
    gives: [200, { port: { port_security_enabled: true } }],
  },
  {
    note: 'one address chosen, one kept',
    send: [
      'PUT',
      '/v2.0/ports/{p1}',
      { port: { fixed_ips: [{ ip_address: '10.1.0.50' }, { subnet_id: '{s6}' }] } },
    ],
    gives: [
      200,
      {
        port: {
          fixed_ips: [
            { subnet_id: '{s4}', ip_address: '10.1.0.50' },
            { subnet_id: '{s6}', ip_address: '{any}' },
          ],
        },
      },
    ],
  },
  {
    note: 'another MAC',
    send: ['PUT', '/v2.0/ports/{p1}', { port: { mac_address: 'fa:16:3e:00:00:77' } }],
    gives: [200, { port: { mac_address: 'fa:16:3e:00:00:77' } }],
  },
  {
    note: 'another MAC for a guest that runs',
    send: ['PUT', '/v2.0/ports/{vm1}', { port: { mac_address: 'fa:16:3e:00:00:78' } }],
    refused: [409, 'PortBound'],
  },
  {
    note: 'a pair without MAC',
    send: [
      'PUT',
      '/v2.0/ports/{p1}',
      { port: { allowed_address_pairs: [{ ip_address: '10.1.0.60' }] } },
    ],
    gives: [
      200,
      {
        port: {
          allowed_address_pairs: [{ mac_address: 'fa:16:3e:00:00:77', ip_address: '10.1.0.60' }],
        },
      },
    ],
  },
  {
    note: 'the pair has the MAC of the port',
    send: ['GET', '/v2.0/ports/{p1}?fields=allowed_address_pairs&fields=mac_address'],
    gives: [
      200,
      {
        port: {
          mac_address: 'fa:16:3e:00:00:77',
          allowed_address_pairs: [{ mac_address: 'fa:16:3e:00:00:77', ip_address: '10.1.0.60' }],
        },
      },
    ],
  },
  {
    note: 'no pairs',
    send: ['PUT', '/v2.0/ports/{p1}', { port: { allowed_address_pairs: [] } }],
    gives: [200, { port: { allowed_address_pairs: [] } }],
  },
  {
    note: 'null is no pairs either',
    send: ['PUT', '/v2.0/ports/{p1}', { port: { allowed_address_pairs: null } }],
    gives: [200, { port: { revision_number: '{same}' } }],
  },
  {
    note: 'bound to a host',
    send: [
      'PUT',
      '/v2.0/ports/{p1}',
      { port: { 'binding:host_id': 'h1', device_owner: 'compute:nova', device_id: 'vm9' } },
    ],
    gives: [
      200,
      {
        port: {
          device_id: 'vm9',
          device_owner: 'compute:nova',
          'binding:host_id': 'h1',
          'binding:vif_type': 'ovs',
          'binding:vif_details': vifDetails,
        },
      },
    ],
  },
  {
    note: "a boolean in Python's spelling",
    send: ['PUT', '/v2.0/ports/{p1}', { port: { admin_state_up: 'False' } }],
    gives: [200, { port: { admin_state_up: false } }],
  },
  {
    note: 'an update of nothing',
    send: ['PUT', '/v2.0/ports/{p1}', { port: {} }],
    gives: [200, { port: { revision_number: '{same}' } }],
  },
  {
    note: 'the bindings of a port',
    send: ['GET', '/v2.0/ports/{p1}/bindings'],
    gives: [
      200,
      {
        bindings: [
          {
            host: 'h1',
            vif_type: 'ovs',
            vnic_type: 'normal',
            status: 'ACTIVE',
            profile: {},
            vif_details: vifDetails,
          },
        ],
      },
    ],
  },
  {
    note: 'the agents',
    send: ['GET', '/v2.0/agents'],
    gives: [
      200,
      {
        agents: [
          {
            id: '{any}',
            agent_type: '{any}',
            binary: '{any}',
            topic: '{any}',
            host: 'h1',
            admin_state_up: true,
            created_at: '{any}',
            started_at: '{any}',
            heartbeat_timestamp: '{any}',
            description: null,
            resources_synced: null,
            availability_zone: null,
            alive: true,
            configurations: '{any}',
          },
        ],
      },
    ],
  },
]
