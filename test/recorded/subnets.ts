// Subnets. What Neutron 21 (2023.1) answered, in order; exchange.ts says how to read it.

import type { Exchange } from './exchange.ts'

export const subnets: readonly Exchange[] = [
  {
    note: 'a subnet of IPv4',
    send: [
      'POST',
      '/v2.0/subnets',
      { subnet: { network_id: '{net1}', ip_version: 4, cidr: '10.1.0.0/24', name: 's4' } },
    ],
    gives: [
      201,
      {
        subnet: {
          name: 's4',
          network_id: '{net1}',
          gateway_ip: '10.1.0.1',
          cidr: '10.1.0.0/24',
          allocation_pools: [{ start: '10.1.0.2', end: '10.1.0.254' }],
        },
      },
    ],
    as: ['s4'],
  },
  {
    note: 'a subnet of IPv6 without gateway',
    send: [
      'POST',
      '/v2.0/subnets',
      {
        subnet: {
          network_id: '{net1}',
          ip_version: 6,
          cidr: 'fd00:5::/64',
          enable_dhcp: false,
          gateway_ip: null,
        },
      },
    ],
    gives: [
      201,
      {
        subnet: {
          network_id: '{net1}',
          ip_version: 6,
          enable_dhcp: false,
          gateway_ip: null,
          cidr: 'fd00:5::/64',
          allocation_pools: [{ start: 'fd00:5::1', end: 'fd00:5::ffff:ffff:ffff:ffff' }],
        },
      },
    ],
    as: ['s6'],
  },
  {
    note: 'a subnet of another network',
    send: [
      'POST',
      '/v2.0/subnets',
      { subnet: { network_id: '{net2}', ip_version: 4, cidr: '10.2.0.0/24', enable_dhcp: false } },
    ],
    gives: [
      201,
      {
        subnet: {
          network_id: '{net2}',
          enable_dhcp: false,
          gateway_ip: '10.2.0.1',
          cidr: '10.2.0.0/24',
          allocation_pools: [{ start: '10.2.0.2', end: '10.2.0.254' }],
        },
      },
    ],
    as: ['s2'],
  },
  {
    note: 'a subnet within another',
    send: [
      'POST',
      '/v2.0/subnets',
      { subnet: { network_id: '{net1}', ip_version: 4, cidr: '10.1.0.0/25' } },
    ],
    refused: [400, 'InvalidInput'],
  },
  {
    note: 'a CIDR that is none',
    send: [
      'POST',
      '/v2.0/subnets',
      { subnet: { network_id: '{net1}', ip_version: 4, cidr: '10.1.0.300/24' } },
    ],
    refused: [400, 'InvalidInput'],
  },
  {
    note: 'a CIDR of the other version',
    send: [
      'POST',
      '/v2.0/subnets',
      { subnet: { network_id: '{net1}', ip_version: 6, cidr: '10.7.0.0/24' } },
    ],
    refused: [400, 'InvalidInput'],
  },
  {
    note: 'a CIDR with host bits',
    send: [
      'POST',
      '/v2.0/subnets',
      { subnet: { network_id: '{net3}', ip_version: 4, cidr: '10.7.0.5/24' } },
    ],
    gives: [
      201,
      {
        subnet: {
          network_id: '{net3}',
          gateway_ip: '10.7.0.1',
          cidr: '10.7.0.0/24',
          allocation_pools: [{ start: '10.7.0.2', end: '10.7.0.254' }],
        },
      },
    ],
    as: ['s3'],
  },
  {
    note: 'a subnet of no network',
    send: ['POST', '/v2.0/subnets', { subnet: { ip_version: 4, cidr: '10.7.0.0/24' } }],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'a subnet of a network nobody made',
    send: [
      'POST',
      '/v2.0/subnets',
      {
        subnet: {
          network_id: '00000000-0000-0000-0000-000000000001',
          ip_version: 4,
          cidr: '10.7.0.0/24',
        },
      },
    ],
    refused: [404, 'NetworkNotFound'],
  },
  { note: 'a subnet read', send: ['GET', '/v2.0/subnets/{s4}'], gives: [200, { subnet: {} }] },
  {
    note: 'all subnets',
    send: ['GET', '/v2.0/subnets'],
    gives: [200, { subnets: ['{s4}', '{s3}', '{s6}', '{s2}'] }],
  },
  {
    note: 'subnets of a network and version',
    send: ['GET', '/v2.0/subnets?network_id={net1}&ip_version=6'],
    gives: [200, { subnets: ['{s6}'] }],
  },
  {
    note: 'another name, and no DHCP',
    send: ['PUT', '/v2.0/subnets/{s4}', { subnet: { name: 's4b', enable_dhcp: false } }],
    gives: [200, { subnet: { name: 's4b', enable_dhcp: false } }],
  },
  {
    note: 'another CIDR',
    send: ['PUT', '/v2.0/subnets/{s4}', { subnet: { cidr: '10.9.0.0/24' } }],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'a subnet nobody made',
    send: ['GET', '/v2.0/subnets/00000000-0000-0000-0000-000000000001'],
    refused: [404, 'SubnetNotFound'],
  },
  {
    note: 'room for addresses that are chosen',
    send: [
      'PUT',
      '/v2.0/subnets/{s4}',
      { subnet: { allocation_pools: [{ start: '10.1.0.128', end: '10.1.0.254' }] } },
    ],
    gives: [200, { subnet: { allocation_pools: [{ start: '10.1.0.128', end: '10.1.0.254' }] } }],
  },
]
