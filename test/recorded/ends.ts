// Revisions, many at once, deletes, and who asks. What Neutron 21 (2023.1) answered, in order; exchange.ts says how to read it.

import type { Exchange } from './exchange.ts'

export const ends: readonly Exchange[] = [
  {
    note: 'If-Match as it is',
    send: [
      'PUT',
      '/v2.0/ports/{p1}',
      { port: { name: 'r1' } },
      { 'if-match': 'revision_number={revision}' },
    ],
    gives: [200, { port: { name: 'r1' } }],
  },
  {
    note: 'If-Match as it was',
    send: [
      'PUT',
      '/v2.0/ports/{p1}',
      { port: { name: 'r2' } },
      { 'if-match': 'revision_number=1' },
    ],
    refused: [412, 'RevisionNumberConstraintFailed'],
  },
  {
    note: 'If-Match in quotes',
    send: [
      'PUT',
      '/v2.0/ports/{p1}',
      { port: { name: 'r2' } },
      { 'if-match': '"revision_number=1"' },
    ],
    refused: [412, 'RevisionNumberConstraintFailed'],
  },
  {
    note: 'If-Match of another kind',
    send: ['PUT', '/v2.0/ports/{p1}', { port: { name: 'r2' } }, { 'if-match': '"abc"' }],
    gives: [200, { port: { name: 'r2' } }],
  },
  {
    note: 'If-Match without a number',
    send: [
      'PUT',
      '/v2.0/ports/{p1}',
      { port: { name: 'r2' } },
      { 'if-match': 'revision_number=x' },
    ],
    refused: [400, 'BadRequest'],
  },
  {
    note: 'delete with If-Match as it was',
    send: ['DELETE', '/v2.0/ports/{p1}', undefined, { 'if-match': 'revision_number=0' }],
    refused: [412, 'RevisionNumberConstraintFailed'],
  },
  {
    note: 'two ports at once',
    send: [
      'POST',
      '/v2.0/ports',
      {
        ports: [
          { network_id: '{net1}', name: 'k1' },
          { network_id: '{net1}', name: 'k2', port_security_enabled: false },
        ],
      },
    ],
    gives: [
      201,
      {
        ports: [
          { name: 'k1', network_id: '{net1}' },
          { name: 'k2', network_id: '{net1}', port_security_enabled: false, security_groups: [] },
        ],
      },
    ],
    as: ['k1', 'k2'],
  },
  {
    note: 'two ports at once, one of them impossible',
    send: [
      'POST',
      '/v2.0/ports',
      {
        ports: [
          { network_id: '{net1}', name: 'k3' },
          { network_id: '{net1}', name: 'k4', mac_address: 'bad' },
        ],
      },
    ],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'two ports at once, one with the MAC of another',
    send: [
      'POST',
      '/v2.0/ports',
      {
        ports: [
          { network_id: '{net1}', name: 'k3' },
          { network_id: '{net1}', name: 'k4', mac_address: 'fa:16:3e:00:00:10' },
        ],
      },
    ],
    refused: [409, 'MacAddressInUse'],
  },
  {
    note: 'nothing is left of those',
    send: ['GET', '/v2.0/ports?name=k3&name=k4&fields=name'],
    gives: [200, { ports: [] }],
  },
  {
    note: 'no ports at once',
    send: ['POST', '/v2.0/ports', { ports: [] }],
    refused: [400, 'HTTPBadRequest'],
  },
  { note: 'delete a port', send: ['DELETE', '/v2.0/ports/{p1}'], gives: [204] },
  { note: 'delete it again', send: ['DELETE', '/v2.0/ports/{p1}'], refused: [404, 'PortNotFound'] },
  { note: 'out of the way', send: ['DELETE', '/v2.0/ports/{itself}'], gives: [204] },
  { note: 'out of the way', send: ['DELETE', '/v2.0/ports/{vm1}'], gives: [204] },
  { note: 'out of the way', send: ['DELETE', '/v2.0/ports/{v6pair}'], gives: [204] },
  { note: 'out of the way', send: ['DELETE', '/v2.0/ports/{nosg}'], gives: [204] },
  { note: 'out of the way', send: ['DELETE', '/v2.0/ports/{nohost}'], gives: [204] },
  { note: 'out of the way', send: ['DELETE', '/v2.0/ports/{open}'], gives: [204] },
  { note: 'out of the way', send: ['DELETE', '/v2.0/ports/{onNet2}'], gives: [204] },
  { note: 'out of the way', send: ['DELETE', '/v2.0/ports/{open2}'], gives: [204] },
  { note: 'out of the way', send: ['DELETE', '/v2.0/ports/{noip}'], gives: [204] },
  { note: 'out of the way', send: ['DELETE', '/v2.0/ports/{sameMac}'], gives: [204] },
  { note: 'out of the way', send: ['DELETE', '/v2.0/ports/{everyone}'], gives: [204] },
  { note: 'out of the way', send: ['DELETE', '/v2.0/ports/{k1}'], gives: [204] },
  { note: 'out of the way', send: ['DELETE', '/v2.0/ports/{k2}'], gives: [204] },
  { note: 'delete a subnet', send: ['DELETE', '/v2.0/subnets/{s6}'], gives: [204] },
  {
    note: 'delete a network and its subnets',
    send: ['DELETE', '/v2.0/networks/{net1}'],
    gives: [204],
  },
  {
    note: 'delete a network and its subnets',
    send: ['DELETE', '/v2.0/networks/{net2}'],
    gives: [204],
  },
  {
    note: 'delete a network and its subnets',
    send: ['DELETE', '/v2.0/networks/{net3}'],
    gives: [204],
  },
  {
    note: 'headers of a proxy that nobody asked for',
    send: [
      'GET',
      '/v2.0/networks',
      undefined,
      { 'x-project-id': 'p1', 'x-roles': 'member', 'x-user-id': 'u1' },
    ],
    gives: [200, { networks: [] }],
  },
  {
    note: 'the same, and a new network',
    send: [
      'POST',
      '/v2.0/networks',
      { network: { name: 'mine' } },
      { 'x-project-id': 'p1', 'x-roles': 'member', 'x-user-id': 'u1' },
    ],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'a network of a named project',
    send: ['POST', '/v2.0/networks', { network: { name: 'mine', project_id: 'p2' } }],
    gives: [201, { network: { name: 'mine', tenant_id: 'p2', project_id: 'p2' } }],
    as: ['mine'],
  },
  { note: 'delete that network', send: ['DELETE', '/v2.0/networks/{mine}'], gives: [204] },
]
