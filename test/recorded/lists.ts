// Lists of ports: pages, filters, fields, order. What Neutron 21 (2023.1) answered, in order; exchange.ts says how to read it.

import type { Exchange } from './exchange.ts'

export const lists: readonly Exchange[] = [
  {
    note: 'the first page',
    send: ['GET', '/v2.0/ports?limit=2&sort_key=id&sort_dir=asc'],
    gives: [
      200,
      {
        ports: ['{#1}', '{#2}'],
        ports_links: [
          { rel: 'next', href: '{url}/v2.0/ports?limit=2&sort_key=id&sort_dir=asc&marker={#2}' },
          {
            rel: 'previous',
            href: '{url}/v2.0/ports?limit=2&sort_key=id&sort_dir=asc&marker={#1}&page_reverse=True',
          },
        ],
      },
    ],
  },
  {
    note: 'the next page',
    send: ['GET', '/v2.0/ports?limit=2&marker={#2}&sort_key=id&sort_dir=asc'],
    gives: [
      200,
      {
        ports: ['{#3}', '{#4}'],
        ports_links: [
          { rel: 'next', href: '{url}/v2.0/ports?limit=2&sort_key=id&sort_dir=asc&marker={#4}' },
          {
            rel: 'previous',
            href: '{url}/v2.0/ports?limit=2&sort_key=id&sort_dir=asc&marker={#3}&page_reverse=True',
          },
        ],
      },
    ],
  },
  {
    note: 'the page before',
    send: ['GET', '/v2.0/ports?limit=2&marker={#4}&page_reverse=True&sort_key=id&sort_dir=asc'],
    gives: [
      200,
      {
        ports: ['{#2}', '{#3}'],
        ports_links: [
          { rel: 'next', href: '{url}/v2.0/ports?limit=2&sort_key=id&sort_dir=asc&marker={#3}' },
          {
            rel: 'previous',
            href: '{url}/v2.0/ports?limit=2&sort_key=id&sort_dir=asc&marker={#2}&page_reverse=True',
          },
        ],
      },
    ],
  },
  {
    note: 'the last page',
    send: ['GET', '/v2.0/ports?limit=2&marker={#11}&sort_key=id&sort_dir=asc'],
    gives: [
      200,
      {
        ports: ['{#12}'],
        ports_links: [
          {
            rel: 'previous',
            href: '{url}/v2.0/ports?limit=2&sort_key=id&sort_dir=asc&marker={#12}&page_reverse=True',
          },
        ],
      },
    ],
  },
  {
    note: 'a page for all',
    send: ['GET', '/v2.0/ports?limit=1000&fields=id'],
    gives: [
      200,
      {
        ports: [
          { id: '{itself}' },
          { id: '{vm1}' },
          { id: '{v6pair}' },
          { id: '{nosg}' },
          { id: '{nohost}' },
          { id: '{open}' },
          { id: '{onNet2}' },
          { id: '{open2}' },
          { id: '{p1}' },
          { id: '{noip}' },
          { id: '{sameMac}' },
          { id: '{everyone}' },
        ],
        ports_links: [
          {
            rel: 'previous',
            href: '{url}/v2.0/ports?limit=1000&fields=id&marker={#1}&page_reverse=True',
          },
        ],
      },
    ],
  },
  {
    note: 'a page in no order asked for',
    send: ['GET', '/v2.0/ports?limit=1&fields=id'],
    gives: [
      200,
      {
        ports: [{ id: '{#1}' }],
        ports_links: [
          { rel: 'next', href: '{url}/v2.0/ports?limit=1&fields=id&marker={#1}' },
          {
            rel: 'previous',
            href: '{url}/v2.0/ports?limit=1&fields=id&marker={#1}&page_reverse=True',
          },
        ],
      },
    ],
  },
  {
    note: 'a page after a port nobody made',
    send: ['GET', '/v2.0/ports?limit=2&marker=00000000-0000-0000-0000-000000000001'],
    refused: [404, 'PortNotFound'],
  },
  {
    note: 'a limit of letters',
    send: ['GET', '/v2.0/ports?limit=x'],
    refused: [400, 'BadRequest'],
  },
  {
    note: 'a limit of 0 is none',
    send: ['GET', '/v2.0/ports?limit=0&fields=id'],
    gives: [
      200,
      {
        ports: [
          { id: '{itself}' },
          { id: '{vm1}' },
          { id: '{v6pair}' },
          { id: '{nosg}' },
          { id: '{nohost}' },
          { id: '{open}' },
          { id: '{onNet2}' },
          { id: '{open2}' },
          { id: '{p1}' },
          { id: '{noip}' },
          { id: '{sameMac}' },
          { id: '{everyone}' },
        ],
      },
    ],
  },
  {
    note: 'a limit below 0',
    send: ['GET', '/v2.0/ports?limit=-1&fields=id'],
    refused: [400, 'BadRequest'],
  },
  {
    note: 'ports of a MAC',
    send: ['GET', '/v2.0/ports?mac_address=fa:16:3e:00:00:10'],
    gives: [200, { ports: ['{vm1}', '{sameMac}'] }],
  },
  {
    note: 'ports of a MAC in capitals',
    send: ['GET', '/v2.0/ports?mac_address=FA:16:3E:00:00:10&fields=id'],
    gives: [200, { ports: [{ id: '{vm1}' }, { id: '{sameMac}' }] }],
  },
  {
    note: 'ports of an address',
    send: ['GET', '/v2.0/ports?fixed_ips=ip_address%3D10.1.0.10&fields=id&fields=fixed_ips'],
    gives: [
      200,
      {
        ports: [
          {
            id: '{vm1}',
            fixed_ips: [
              { subnet_id: '{s4}', ip_address: '10.1.0.10' },
              { subnet_id: '{s6}', ip_address: 'fd00:5::10' },
            ],
          },
        ],
      },
    ],
  },
  {
    note: 'ports of an address, unescaped',
    send: ['GET', '/v2.0/ports?fixed_ips=ip_address=10.1.0.10&fields=id'],
    gives: [200, { ports: [{ id: '{vm1}' }] }],
  },
  {
    note: 'ports of a subnet',
    send: ['GET', '/v2.0/ports?fixed_ips=subnet_id%3D{s6}&fields=id'],
    gives: [
      200,
      {
        ports: [
          { id: '{vm1}' },
          { id: '{v6pair}' },
          { id: '{nosg}' },
          { id: '{nohost}' },
          { id: '{open}' },
          { id: '{open2}' },
          { id: '{p1}' },
          { id: '{everyone}' },
        ],
      },
    ],
  },
  {
    note: 'ports of a part of an address',
    send: ['GET', '/v2.0/ports?fixed_ips=ip_address_substr%3D10.1&fields=id'],
    gives: [
      200,
      {
        ports: [
          { id: '{itself}' },
          { id: '{vm1}' },
          { id: '{v6pair}' },
          { id: '{nosg}' },
          { id: '{nohost}' },
          { id: '{open}' },
          { id: '{open2}' },
          { id: '{p1}' },
          { id: '{everyone}' },
        ],
      },
    ],
  },
  {
    note: 'ports of one name or the other',
    send: ['GET', '/v2.0/ports?name=vm1&name=open&fields=name'],
    gives: [200, { ports: [{ name: 'vm1' }, { name: 'open' }] }],
  },
  {
    note: 'ports of a name and a network',
    send: ['GET', '/v2.0/ports?name=vm1&network_id={net2}&fields=name'],
    gives: [200, { ports: [] }],
  },
  {
    note: 'ports by port security',
    send: [
      'GET',
      '/v2.0/ports?port_security_enabled=False&fields=name&fields=port_security_enabled',
    ],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'ports of a host',
    send: ['GET', '/v2.0/ports?binding:host_id=h1&fields=name'],
    gives: [200, { ports: [{ name: 'vm1' }, { name: 'x' }] }],
  },
  {
    note: 'ports of an owner',
    send: ['GET', '/v2.0/ports?device_owner=compute:nova&fields=name'],
    gives: [200, { ports: [{ name: 'vm1' }, { name: 'x' }] }],
  },
  {
    note: 'ports by colour',
    send: ['GET', '/v2.0/ports?colour=red&fields=name'],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'ports of a name nobody has',
    send: ['GET', '/v2.0/ports?name=none'],
    gives: [200, { ports: [] }],
  },
  {
    note: 'ports that are up',
    send: ['GET', '/v2.0/ports?admin_state_up=True&fields=name'],
    gives: [
      200,
      {
        ports: [
          { name: '' },
          { name: 'vm1' },
          { name: 'v6pair' },
          { name: 'nosg' },
          { name: 'nohost' },
          { name: 'open' },
          { name: '' },
          { name: 'open2' },
          { name: 'noip' },
          { name: '' },
          { name: 'any' },
        ],
      },
    ],
  },
  {
    note: 'ports of a group',
    send: ['GET', '/v2.0/ports?security_groups={group}&fields=name'],
    gives: [
      200,
      {
        ports: [
          { name: '' },
          { name: 'vm1' },
          { name: 'v6pair' },
          { name: 'nohost' },
          { name: 'x' },
          { name: 'noip' },
          { name: 'any' },
        ],
      },
    ],
  },
  {
    note: 'ports without owner',
    send: ['GET', '/v2.0/ports?device_owner=&fields=name'],
    gives: [
      200,
      {
        ports: [
          { name: '' },
          { name: 'v6pair' },
          { name: 'nosg' },
          { name: 'nohost' },
          { name: 'open' },
          { name: '' },
          { name: 'open2' },
          { name: 'noip' },
          { name: '' },
          { name: 'any' },
        ],
      },
    ],
  },
  {
    note: 'two fields',
    send: ['GET', '/v2.0/ports?fields=id&fields=mac_address'],
    gives: [
      200,
      {
        ports: [
          { id: '{itself}', mac_address: 'fa:16:3e:00:00:44' },
          { id: '{vm1}', mac_address: 'fa:16:3e:00:00:10' },
          { id: '{v6pair}', mac_address: '{any}' },
          { id: '{nosg}', mac_address: '{any}' },
          { id: '{nohost}', mac_address: '{any}' },
          { id: '{open}', mac_address: '{any}' },
          { id: '{onNet2}', mac_address: '{any}' },
          { id: '{open2}', mac_address: '{any}' },
          { id: '{p1}', mac_address: 'fa:16:3e:00:00:77' },
          { id: '{noip}', mac_address: '{any}' },
          { id: '{sameMac}', mac_address: 'fa:16:3e:00:00:10' },
          { id: '{everyone}', mac_address: '{any}' },
        ],
      },
    ],
  },
  {
    note: 'fields with a comma',
    send: ['GET', '/v2.0/ports?fields=id,mac_address'],
    gives: [200, { ports: [{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}] }],
  },
  {
    note: 'a field nobody has',
    send: ['GET', '/v2.0/ports?fields=colour'],
    gives: [200, { ports: [{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}] }],
  },
  {
    note: 'two fields of one port',
    send: ['GET', '/v2.0/ports/{p1}?fields=id&fields=status'],
    gives: [200, { port: { id: '{p1}', status: 'DOWN' } }],
  },
  {
    note: 'by name, backwards',
    send: ['GET', '/v2.0/ports?sort_key=name&sort_dir=desc&fields=name'],
    gives: [
      200,
      {
        ports: [
          { name: 'x' },
          { name: 'vm1' },
          { name: 'v6pair' },
          { name: 'open2' },
          { name: 'open' },
          { name: 'nosg' },
          { name: 'noip' },
          { name: 'nohost' },
          { name: 'any' },
          { name: '' },
          { name: '' },
          { name: '' },
        ],
      },
    ],
  },
  {
    note: 'by network, then by name',
    send: [
      'GET',
      '/v2.0/ports?sort_key=network_id&sort_dir=asc&sort_key=name&sort_dir=desc&fields=name&fields=network_id',
    ],
    gives: [
      200,
      {
        ports: [
          { name: 'x', network_id: '{net1}' },
          { name: 'vm1', network_id: '{net1}' },
          { name: 'v6pair', network_id: '{net1}' },
          { name: 'open2', network_id: '{net1}' },
          { name: 'open', network_id: '{net1}' },
          { name: 'nosg', network_id: '{net1}' },
          { name: 'nohost', network_id: '{net1}' },
          { name: 'any', network_id: '{net1}' },
          { name: '', network_id: '{net1}' },
          { name: '', network_id: '{net2}' },
          { name: '', network_id: '{net2}' },
          { name: 'noip', network_id: '{net3}' },
        ],
      },
    ],
  },
  {
    note: 'by colour',
    send: ['GET', '/v2.0/ports?sort_key=colour&sort_dir=asc'],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'upwards',
    send: ['GET', '/v2.0/ports?sort_key=name&sort_dir=up'],
    refused: [400, 'HTTPBadRequest'],
  },
  {
    note: 'a key without direction',
    send: ['GET', '/v2.0/ports?sort_key=name&fields=name'],
    refused: [400, 'HTTPBadRequest'],
  },
]
