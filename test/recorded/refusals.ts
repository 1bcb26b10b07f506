// What a port cannot be. What Neutron 21 (2023.1) answered, in order; exchange.ts says how to read it.

import type { Exchange } from './exchange.ts'

export const refusals: readonly Exchange[] = [
  {
    note: 'port security off with pairs and groups',
    send: ['PUT', '/v2.0/ports/{vm1}', { port: { port_security_enabled: false } }],
    refused: [409, 'AddressPairAndPortSecurityRequired'],
  },
  {
    note: 'port security off with pairs',
    send: [
      'PUT',
      '/v2.0/ports/{vm1}',
      { port: { port_security_enabled: false, security_groups: [] } },
    ],
    refused: [409, 'AddressPairAndPortSecurityRequired'],
  },
  {
    note: 'port security off with groups',
    send: [
      'PUT',
      '/v2.0/ports/{vm1}',
      { port: { port_security_enabled: false, allowed_address_pairs: [] } },
    ],
    refused: [409, 'PortSecurityPortHasSecurityGroup'],
  },
  {
    note: 'a group without port security',
    send: ['PUT', '/v2.0/ports/{open}', { port: { security_groups: ['{group}'] } }],
    refused: [400, 'PortSecurityAndIPRequiredForSecurityGroups'],
  },
  {
    note: 'a pair without port security',
    send: [
      'PUT',
      '/v2.0/ports/{open}',
      { port: { allowed_address_pairs: [{ ip_address: '10.1.0.61' }] } },
    ],
    refused: [409, 'AddressPairAndPortSecurityRequired'],
  },
  {
    note: 'a new port without port security, with a group',
    send: [
      'POST',
      '/v2.0/ports',
      {
        port: { network_id: '{net1}', port_security_enabled: false, security_groups: ['{group}'] },
      },
    ],
    refused: [400, 'PortSecurityAndIPRequiredForSecurityGroups'],
  },
  {
    note: 'a new port without port security, with a pair',
    send: [
      'POST',
      '/v2.0/ports',
      {
        port: {
          network_id: '{net1}',
          port_security_enabled: false,
          allowed_address_pairs: [{ ip_address: '10.1.0.61' }],
        },
      },
    ],
    refused: [409, 'AddressPairAndPortSecurityRequired'],
  },
  {
    note: 'a group nobody made',
    send: [
      'POST',
      '/v2.0/ports',
      { port: { network_id: '{net1}', security_groups: ['00000000-0000-0000-0000-000000000009'] } },
    ],
    refused: [404, 'SecurityGroupNotFound'],
  },
  {
    note: 'a group that is no id',
    send: ['POST', '/v2.0/ports', { port: { network_id: '{net1}', security_groups: ['nope'] } }],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'a MAC of other letters',
    send: [
      'POST',
      '/v2.0/ports',
      { port: { network_id: '{net1}', mac_address: 'zz:zz:zz:zz:zz:zz' } },
    ],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'the MAC that is all zero',
    send: [
      'POST',
      '/v2.0/ports',
      { port: { network_id: '{net1}', mac_address: '00:00:00:00:00:00' } },
    ],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'the MAC of a multicast group',
    send: [
      'POST',
      '/v2.0/ports',
      { port: { network_id: '{net1}', mac_address: '01:00:5e:00:00:01' } },
    ],
    gives: [201, { port: { network_id: '{net1}', mac_address: '01:00:5e:00:00:01' } }],
    as: ['multicast'],
  },
  {
    note: 'a MAC without colons',
    send: ['POST', '/v2.0/ports', { port: { network_id: '{net1}', mac_address: 'fa163e000055' } }],
    gives: [201, { port: { network_id: '{net1}', mac_address: 'fa163e000055' } }],
    as: ['bare'],
  },
  {
    note: 'a MAC with dashes',
    send: [
      'POST',
      '/v2.0/ports',
      { port: { network_id: '{net1}', mac_address: 'fa-16-3e-00-00-56' } },
    ],
    gives: [201, { port: { network_id: '{net1}', mac_address: 'fa-16-3e-00-00-56' } }],
    as: ['dashed'],
  },
  {
    note: 'an empty MAC',
    send: ['POST', '/v2.0/ports', { port: { network_id: '{net1}', mac_address: '' } }],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'a MAC of null',
    send: ['POST', '/v2.0/ports', { port: { network_id: '{net1}', mac_address: null } }],
    gives: [201, { port: { network_id: '{net1}' } }],
    as: ['macNull'],
  },
  { note: 'out of the way', send: ['DELETE', '/v2.0/ports/{multicast}'], gives: [204] },
  { note: 'out of the way', send: ['DELETE', '/v2.0/ports/{bare}'], gives: [204] },
  { note: 'out of the way', send: ['DELETE', '/v2.0/ports/{dashed}'], gives: [204] },
  { note: 'out of the way', send: ['DELETE', '/v2.0/ports/{macNull}'], gives: [204] },
  {
    note: 'a MAC that is a number',
    send: ['POST', '/v2.0/ports', { port: { network_id: '{net1}', mac_address: 5 } }],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'a MAC another port of the network has',
    send: [
      'POST',
      '/v2.0/ports',
      { port: { network_id: '{net1}', mac_address: 'fa:16:3e:00:00:10' } },
    ],
    refused: [409, 'MacAddressInUse'],
  },
  {
    note: 'the same MAC on another network',
    send: [
      'POST',
      '/v2.0/ports',
      { port: { network_id: '{net2}', mac_address: 'fa:16:3e:00:00:10' } },
    ],
    gives: [
      201,
      {
        port: {
          network_id: '{net2}',
          mac_address: 'fa:16:3e:00:00:10',
          fixed_ips: [{ subnet_id: '{s2}', ip_address: '{any}' }],
          port_security_enabled: false,
          security_groups: [],
        },
      },
    ],
    as: ['sameMac'],
  },
  {
    note: 'an address that is none',
    send: [
      'POST',
      '/v2.0/ports',
      { port: { network_id: '{net1}', fixed_ips: [{ ip_address: '10.1.0.300' }] } },
    ],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'an address of no subnet',
    send: [
      'POST',
      '/v2.0/ports',
      { port: { network_id: '{net1}', fixed_ips: [{ ip_address: '10.77.0.1' }] } },
    ],
    refused: [400, 'InvalidIpForNetwork'],
  },
  {
    note: 'an address of another subnet than named',
    send: [
      'POST',
      '/v2.0/ports',
      {
        port: { network_id: '{net1}', fixed_ips: [{ subnet_id: '{s4}', ip_address: '10.77.0.1' }] },
      },
    ],
    refused: [400, 'InvalidIpForSubnet'],
  },
  {
    note: 'an address another port has',
    send: [
      'POST',
      '/v2.0/ports',
      {
        port: { network_id: '{net1}', fixed_ips: [{ subnet_id: '{s4}', ip_address: '10.1.0.10' }] },
      },
    ],
    refused: [409, 'IpAddressAlreadyAllocated'],
  },
  {
    note: 'a subnet of another network for a port',
    send: [
      'POST',
      '/v2.0/ports',
      { port: { network_id: '{net2}', fixed_ips: [{ subnet_id: '{s4}' }] } },
    ],
    refused: [400, 'InvalidInput'],
  },
  {
    note: 'a subnet nobody made for a port',
    send: [
      'POST',
      '/v2.0/ports',
      {
        port: {
          network_id: '{net1}',
          fixed_ips: [{ subnet_id: '00000000-0000-0000-0000-000000000009' }],
        },
      },
    ],
    refused: [404, 'SubnetNotFound'],
  },
  {
    note: 'addresses that are no list',
    send: ['POST', '/v2.0/ports', { port: { network_id: '{net1}', fixed_ips: '10.1.0.9' } }],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'an address by another name',
    send: [
      'POST',
      '/v2.0/ports',
      { port: { network_id: '{net1}', fixed_ips: [{ ip: '10.1.0.9' }] } },
    ],
    refused: [400, 'InvalidInput'],
  },
  {
    note: 'an address twice',
    send: [
      'POST',
      '/v2.0/ports',
      {
        port: {
          network_id: '{net1}',
          fixed_ips: [{ ip_address: '10.1.0.80' }, { ip_address: '10.1.0.80' }],
        },
      },
    ],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'a port has no colour',
    send: ['POST', '/v2.0/ports', { port: { network_id: '{net1}', colour: 'red' } }],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'a port of no network',
    send: ['POST', '/v2.0/ports', { port: { name: 'a' } }],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'a port of a network nobody made',
    send: ['POST', '/v2.0/ports', { port: { network_id: '00000000-0000-0000-0000-000000000001' } }],
    refused: [404, 'NetworkNotFound'],
  },
  {
    note: "a status of one's own",
    send: ['POST', '/v2.0/ports', { port: { network_id: '{net1}', status: 'ACTIVE' } }],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'port security neither on nor off',
    send: [
      'POST',
      '/v2.0/ports',
      { port: { network_id: '{net1}', port_security_enabled: 'maybe' } },
    ],
    refused: [400, 'InvalidInput'],
  },
  {
    note: 'port security null',
    send: ['POST', '/v2.0/ports', { port: { network_id: '{net1}', port_security_enabled: null } }],
    refused: [400, 'InvalidInput'],
  },
  {
    note: 'a pair without address',
    send: [
      'POST',
      '/v2.0/ports',
      {
        port: {
          network_id: '{net1}',
          allowed_address_pairs: [{ mac_address: 'fa:16:3e:00:00:01' }],
        },
      },
    ],
    refused: [400, 'AllowedAddressPairsMissingIP'],
  },
  {
    note: 'a pair whose address is none',
    send: [
      'POST',
      '/v2.0/ports',
      { port: { network_id: '{net1}', allowed_address_pairs: [{ ip_address: 'x' }] } },
    ],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'a pair whose MAC is none',
    send: [
      'POST',
      '/v2.0/ports',
      {
        port: {
          network_id: '{net1}',
          allowed_address_pairs: [{ ip_address: '10.1.0.3', mac_address: 'x' }],
        },
      },
    ],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'a pair with a colour',
    send: [
      'POST',
      '/v2.0/ports',
      {
        port: {
          network_id: '{net1}',
          allowed_address_pairs: [{ ip_address: '10.1.0.3', colour: 'x' }],
        },
      },
    ],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'a pair twice',
    send: [
      'POST',
      '/v2.0/ports',
      {
        port: {
          network_id: '{net1}',
          allowed_address_pairs: [{ ip_address: '10.1.0.3' }, { ip_address: '10.1.0.3' }],
        },
      },
    ],
    refused: [400, 'DuplicateAddressPairInRequest'],
  },
  {
    note: 'a pair that is the port itself',
    send: [
      'POST',
      '/v2.0/ports',
      {
        port: {
          network_id: '{net1}',
          mac_address: 'fa:16:3e:00:00:44',
          fixed_ips: [{ ip_address: '10.1.0.44' }],
          allowed_address_pairs: [{ ip_address: '10.1.0.44', mac_address: 'fa:16:3e:00:00:44' }],
        },
      },
    ],
    gives: [
      201,
      {
        port: {
          network_id: '{net1}',
          mac_address: 'fa:16:3e:00:00:44',
          fixed_ips: [{ subnet_id: '{s4}', ip_address: '10.1.0.44' }],
          allowed_address_pairs: [{ mac_address: 'fa:16:3e:00:00:44', ip_address: '10.1.0.44' }],
        },
      },
    ],
    as: ['itself'],
  },
  {
    note: 'eleven pairs',
    send: [
      'POST',
      '/v2.0/ports',
      {
        port: {
          network_id: '{net1}',
          allowed_address_pairs: [
            { ip_address: '10.1.0.100' },
            { ip_address: '10.1.0.101' },
            { ip_address: '10.1.0.102' },
            { ip_address: '10.1.0.103' },
            { ip_address: '10.1.0.104' },
            { ip_address: '10.1.0.105' },
            { ip_address: '10.1.0.106' },
            { ip_address: '10.1.0.107' },
            { ip_address: '10.1.0.108' },
            { ip_address: '10.1.0.109' },
            { ip_address: '10.1.0.110' },
          ],
        },
      },
    ],
    refused: [400, 'AllowedAddressPairExhausted'],
  },
  {
    note: 'a pair for every address',
    send: [
      'POST',
      '/v2.0/ports',
      {
        port: {
          network_id: '{net1}',
          name: 'any',
          allowed_address_pairs: [{ ip_address: '0.0.0.0/0' }],
        },
      },
    ],
    gives: [
      201,
      {
        port: {
          name: 'any',
          network_id: '{net1}',
          allowed_address_pairs: [{ mac_address: '{any}', ip_address: '0.0.0.0/0' }],
        },
      },
    ],
    as: ['everyone'],
  },
  {
    note: 'a pair in a long spelling',
    send: [
      'POST',
      '/v2.0/ports',
      {
        port: {
          network_id: '{net1}',
          name: 'v6pair',
          allowed_address_pairs: [{ ip_address: 'FD00:0005:0::1' }],
        },
      },
    ],
    gives: [
      201,
      {
        port: {
          name: 'v6pair',
          network_id: '{net1}',
          allowed_address_pairs: [{ mac_address: '{any}', ip_address: 'FD00:0005:0::1' }],
        },
      },
    ],
    as: ['v6pair'],
  },
  {
    note: 'a port nobody made',
    send: ['GET', '/v2.0/ports/00000000-0000-0000-0000-000000000001'],
    refused: [404, 'PortNotFound'],
  },
  {
    note: "a name where a port's id belongs",
    send: ['GET', '/v2.0/ports/nosuch'],
    refused: [404, 'PortNotFound'],
  },
  {
    note: 'update a port nobody made',
    send: ['PUT', '/v2.0/ports/00000000-0000-0000-0000-000000000001', { port: { name: 'x' } }],
    refused: [404, 'PortNotFound'],
  },
  {
    note: 'delete a port nobody made',
    send: ['DELETE', '/v2.0/ports/00000000-0000-0000-0000-000000000001'],
    refused: [404, 'PortNotFound'],
  },
  {
    note: 'another device',
    send: ['PUT', '/v2.0/ports/{p1}', { port: { device_id: 'd' } }],
    gives: [200, { port: { device_id: 'd' } }],
  },
  {
    note: 'another network',
    send: ['PUT', '/v2.0/ports/{p1}', { port: { network_id: '{net2}' } }],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'a port gets no colour',
    send: ['PUT', '/v2.0/ports/{p1}', { port: { colour: 'red' } }],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'the MAC of another port',
    send: ['PUT', '/v2.0/ports/{open}', { port: { mac_address: 'fa:16:3e:00:00:10' } }],
    refused: [409, 'MacAddressInUse'],
  },
  {
    note: 'update to an address of no subnet',
    send: ['PUT', '/v2.0/ports/{p1}', { port: { fixed_ips: [{ ip_address: '10.77.0.1' }] } }],
    refused: [400, 'InvalidIpForNetwork'],
  },
  {
    note: 'delete a network that has ports',
    send: ['DELETE', '/v2.0/networks/{net1}'],
    refused: [409, 'NetworkInUse'],
  },
  {
    note: 'delete a subnet that has addresses',
    send: ['DELETE', '/v2.0/subnets/{s4}'],
    refused: [409, 'SubnetInUse'],
  },
  {
    note: 'PUT to all ports',
    send: ['PUT', '/v2.0/ports', { port: {} }],
    refused: [404, 'PortNotFound'],
  },
  {
    note: 'POST to one port',
    send: ['POST', '/v2.0/ports/{p1}', { port: {} }],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'update with half of a JSON body',
    send: ['PUT', '/v2.0/ports/{p1}', '{'],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'update with nothing at all',
    send: ['PUT', '/v2.0/ports/{p1}'],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'update with a network',
    send: ['PUT', '/v2.0/ports/{p1}', { network: {} }],
    refused: [400, 'HTTPBadRequest'],
  },
]
