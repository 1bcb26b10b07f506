// Networks. What Neutron 21 (2023.1) answered, in order; exchange.ts says how to read it.

import type { Exchange } from './exchange.ts'

export const networks: readonly Exchange[] = [
  {
    note: 'a network with a name alone',
    send: ['POST', '/v2.0/networks', { network: { name: 'net1' } }],
    gives: [201, { network: { name: 'net1' } }],
    as: ['net1'],
  },
  {
    note: 'a network without port security',
    send: [
      'POST',
      '/v2.0/networks',
      { network: { name: 'net2', admin_state_up: true, port_security_enabled: false } },
    ],
    gives: [201, { network: { name: 'net2', port_security_enabled: false } }],
    as: ['net2'],
  },
  {
    note: 'a network of a VLAN that is chosen',
    send: [
      'POST',
      '/v2.0/networks',
      {
        network: {
          name: 'net3',
          'provider:network_type': 'vlan',
          'provider:physical_network': 'physnet1',
          'provider:segmentation_id': 150,
          shared: false,
        },
      },
    ],
    gives: [201, { network: { name: 'net3', 'provider:segmentation_id': 150 } }],
    as: ['net3'],
  },
  {
    note: 'a VLAN another network has',
    send: [
      'POST',
      '/v2.0/networks',
      {
        network: {
          name: 'dup',
          'provider:network_type': 'vlan',
          'provider:physical_network': 'physnet1',
          'provider:segmentation_id': 150,
        },
      },
    ],
    refused: [409, 'VlanIdInUse'],
  },
  { note: 'a network read', send: ['GET', '/v2.0/networks/{net1}'], gives: [200, { network: {} }] },
  {
    note: 'all networks',
    send: ['GET', '/v2.0/networks'],
    gives: [200, { networks: ['{net1}', '{net2}', '{net3}'] }],
  },
  {
    note: 'networks of a name',
    send: ['GET', '/v2.0/networks?name=net1'],
    gives: [200, { networks: ['{net1}'] }],
  },
  {
    note: 'another name',
    send: ['PUT', '/v2.0/networks/{net1}', { network: { name: 'net1b' } }],
    gives: [200, { network: { name: 'net1b' } }],
  },
  {
    note: 'port security off for ports to come',
    send: ['PUT', '/v2.0/networks/{net1}', { network: { port_security_enabled: false } }],
    gives: [200, { network: { port_security_enabled: false } }],
  },
  {
    note: 'and on again',
    send: ['PUT', '/v2.0/networks/{net1}', { network: { port_security_enabled: true } }],
    gives: [200, { network: { port_security_enabled: true } }],
  },
  {
    note: 'neither on nor off',
    send: ['PUT', '/v2.0/networks/{net1}', { network: { port_security_enabled: 'maybe' } }],
    refused: [400, 'InvalidInput'],
  },
  {
    note: 'a network nobody made',
    send: ['GET', '/v2.0/networks/00000000-0000-0000-0000-000000000001'],
    refused: [404, 'NetworkNotFound'],
  },
  {
    note: 'a name where an id belongs',
    send: ['GET', '/v2.0/networks/nosuch'],
    refused: [404, 'NetworkNotFound'],
  },
  {
    note: 'a network has no colour',
    send: ['POST', '/v2.0/networks', { network: { name: 'a', colour: 'red' } }],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'a name that is a number',
    send: ['POST', '/v2.0/networks', { network: { name: 5 } }],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'a network from nothing at all',
    send: ['POST', '/v2.0/networks'],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'a network with all defaults',
    send: ['POST', '/v2.0/networks', { network: {} }],
    gives: [201, { network: {} }],
    as: ['blank'],
  },
  {
    note: 'a port where a network belongs',
    send: ['POST', '/v2.0/networks', { port: {} }],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'half of a JSON body',
    send: ['POST', '/v2.0/networks', '{"network": '],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'a list where an object belongs',
    send: ['POST', '/v2.0/networks', '[]'],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'a form',
    send: ['POST', '/v2.0/networks', 'a=b', { 'content-type': 'text/plain' }],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'JSON that says it is plain text',
    send: [
      'POST',
      '/v2.0/networks',
      '{"network": {"name": "tp"}}',
      { 'content-type': 'text/plain' },
    ],
    gives: [201, { network: { name: 'tp' } }],
    as: ['plain'],
  },
  {
    note: 'two networks at once',
    send: ['POST', '/v2.0/networks', { networks: [{ name: 'b1' }, { name: 'b2' }] }],
    gives: [201, { networks: [{ name: 'b1' }, { name: 'b2' }] }],
    as: ['b1', 'b2'],
  },
  { note: 'delete a network', send: ['DELETE', '/v2.0/networks/{b2}'], gives: [204] },
  { note: 'delete a network', send: ['DELETE', '/v2.0/networks/{b1}'], gives: [204] },
  { note: 'out of the way', send: ['DELETE', '/v2.0/networks/{blank}'], gives: [204] },
  { note: 'out of the way', send: ['DELETE', '/v2.0/networks/{plain}'], gives: [204] },
  {
    note: 'delete a network nobody made',
    send: ['DELETE', '/v2.0/networks/00000000-0000-0000-0000-000000000001'],
    refused: [404, 'NetworkNotFound'],
  },
]
