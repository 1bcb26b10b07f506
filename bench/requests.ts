// Requests that the benches make of the API, of whichever server.

import type { Load, Request } from './load.ts'

/** The id of the network; its subnet, 10.N.0.0/16, has room for 65,000 ports. */
export async function makeNetwork(load: Load, n: number): Promise<string> {
  type Made = { readonly network: { readonly id: string } }
  const made = await load.ask<Made>('POST', '/v2.0/networks', {
    network: { name: `network-${n}` },
  })
  const network_id = made.network.id
  const subnet = { network_id, ip_version: 4, cidr: `10.${n}.0.0/16`, enable_dhcp: false }
  await load.ask('POST', '/v2.0/subnets', { subnet })
  return network_id
}

/** Without security groups, so that Neutron has no more to do than is asked of us. */
export function portOn(network_id: string): object {
  return { network_id, security_groups: [] }
}

export function show({ id }: { readonly id: string }): Request {
  return { method: 'GET', path: `/v2.0/ports/${id}` }
}

/** A list of ports. */
export function filtered(query: Readonly<Record<string, string | number>>): Request {
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${value}`)
  return { method: 'GET', path: `/v2.0/ports?${pairs.join('&')}` }
}

export function create(port: object): Request {
  return { method: 'POST', path: '/v2.0/ports', body: { port } }
}

export function update({ id }: { readonly id: string }, port: object): Request {
  return { method: 'PUT', path: `/v2.0/ports/${id}`, body: { port } }
}

export function remove({ id }: { readonly id: string }): Request {
  return { method: 'DELETE', path: `/v2.0/ports/${id}` }
}

export function times<T>(n: number, one: (i: number) => T): readonly T[] {
  return Array.from({ length: n }, (_, i) => one(i))
}

/** Around again at the end. */
export function at<T>(items: readonly T[], i: number): T {
  const item = items[i % items.length]
  if (item === undefined) throw new Error('there are none')
  return item
}
