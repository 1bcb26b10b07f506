// Versions and paths. What Neutron 21 (2023.1) answered, in order; exchange.ts says how to read it.

import type { Exchange } from './exchange.ts'

export const versions: readonly Exchange[] = [
  {
    note: 'the versions',
    send: ['GET', '/'],
    gives: [
      200,
      {
        versions: [
          { id: 'v2.0', status: 'CURRENT', links: [{ rel: 'self', href: '{url}/v2.0/' }] },
        ],
      },
    ],
  },
  {
    note: 'the resources of v2.0',
    send: ['GET', '/v2.0/'],
    gives: [
      200,
      {
        resources: [
          {
            name: 'network',
            collection: 'networks',
            links: [{ rel: 'self', href: '{url}/v2.0/networks' }],
          },
          {
            name: 'subnet',
            collection: 'subnets',
            links: [{ rel: 'self', href: '{url}/v2.0/subnets' }],
          },
          {
            name: 'subnetpool',
            collection: 'subnetpools',
            links: [{ rel: 'self', href: '{url}/v2.0/subnetpools' }],
          },
          { name: 'port', collection: 'ports', links: [{ rel: 'self', href: '{url}/v2.0/ports' }] },
        ],
      },
    ],
  },
  { note: 'v2.0 wants its slash', send: ['GET', '/v2.0'], refused: [404, 'HTTPNotFound'] },
  { note: 'another version', send: ['GET', '/v3/'], refused: [404], bare: true },
  { note: 'the health check', send: ['GET', '/healthcheck'], gives: [200, 'OK'] },
  {
    note: 'a resource nobody has',
    send: ['GET', '/v2.0/nosuchthings'],
    refused: [404, 'HTTPNotFound'],
  },
  {
    note: 'a path may end with .json',
    send: ['GET', '/v2.0/networks.json'],
    gives: [200, { networks: [] }],
  },
  {
    note: 'OPTIONS answers as GET does',
    send: ['OPTIONS', '/v2.0/ports'],
    gives: [200, { ports: [] }],
  },
  { note: 'HEAD is not taken', send: ['HEAD', '/v2.0/ports'], refused: [405], bare: true },
  {
    note: 'PATCH is not taken',
    send: ['PATCH', '/v2.0/ports'],
    refused: [405, 'HTTPMethodNotAllowed'],
  },
  {
    note: 'whoever brings a request id gets another',
    send: [
      'GET',
      '/v2.0/networks',
      undefined,
      { 'x-openstack-request-id': 'req-11111111-1111-1111-1111-111111111111' },
    ],
    gives: [200, { networks: [] }],
  },
  {
    note: 'whoever takes XML alone gets nothing',
    send: ['GET', '/v2.0/networks', undefined, { accept: 'application/xml' }],
    refused: [406, 'HTTPNotAcceptable'],
  },
  {
    note: 'the extension port-security',
    send: ['GET', '/v2.0/extensions/port-security'],
    gives: [
      200,
      {
        extension: {
          name: 'Port Security',
          alias: 'port-security',
          description: '{any}',
          updated: '2012-07-23T10:00:00-00:00',
          links: [],
        },
      },
    ],
  },
  {
    note: 'the extension allowed-address-pairs',
    send: ['GET', '/v2.0/extensions/allowed-address-pairs'],
    gives: [
      200,
      {
        extension: {
          name: 'Allowed Address Pairs',
          alias: 'allowed-address-pairs',
          description: '{any}',
          updated: '2013-07-23T10:00:00-00:00',
          links: [],
        },
      },
    ],
  },
  {
    note: 'an extension nobody has',
    send: ['GET', '/v2.0/extensions/nosuch'],
    refused: [404],
    bare: true,
  },
]
