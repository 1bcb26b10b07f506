// Who appears: three stations on one network, each with a port of its own.

import type { Guest, GuestWire, Portward, Switch } from '@portward/testkit'

export type Role = {
  readonly name: string
  readonly mac: string
  readonly ipv4: string
  readonly ipv6: string
}

export const ALICE: Role = {
  name: 'alice',
  mac: 'fa:16:3e:00:00:0a',
  ipv4: '10.0.0.10',
  ipv6: 'fd00::a',
}
export const BOB: Role = {
  name: 'bob',
  mac: 'fa:16:3e:00:00:0b',
  ipv4: '10.0.0.11',
  ipv6: 'fd00::b',
}
export const MALLORY: Role = {
  name: 'mallory',
  mac: 'fa:16:3e:00:00:66',
  ipv4: '10.0.0.66',
  ipv6: 'fd00::66',
}

export type Station = Role & {
  readonly portId: string
  readonly guest: Guest
  readonly wire: GuestWire
}

export type Cast = { readonly alice: Station; readonly bob: Station; readonly mallory: Station }

export type Network = {
  readonly id: string
  /** In the order of the roles. */
  readonly portIds: readonly string[]
}

/** A network, an IPv4 and an IPv6 subnet, and a port for each role, over the API. */
export async function createPorts(portward: Portward, roles: readonly Role[]): Promise<Network> {
  const { id: network_id } = await portward.create('network', { name: 'demo' })
  const common = { network_id, gateway_ip: null, enable_dhcp: false }
  const v4 = await portward.create('subnet', { ...common, ip_version: 4, cidr: '10.0.0.0/24' })
  const v6 = await portward.create('subnet', { ...common, ip_version: 6, cidr: 'fd00::/64' })
  const portIds: string[] = []
  for (const { name, mac, ipv4, ipv6 } of roles) {
    const fixed_ips = [
      { subnet_id: v4.id, ip_address: ipv4 },
      { subnet_id: v6.id, ip_address: ipv6 },
    ]
    const port = await portward.create('port', { network_id, name, mac_address: mac, fixed_ips })
    portIds.push(port.id)
  }
  return { id: network_id, portIds }
}

/** A guest whose interface says that it is the role's port. */
export async function plugIn(sw: Switch, role: Role, portId: string): Promise<Station> {
  const ips = [`${role.ipv4}/24`, `${role.ipv6}/64`]
  const guest = await sw.addGuest({ name: role.name, mac: role.mac, ifaceId: portId, ips })
  // arp(7): by default an entry is deaf to replies for a second after each change, which would only make the story longer.
  await guest.run(['sh', '-c', 'echo 0 >/proc/sys/net/ipv4/neigh/eth0/locktime'])
  return { ...role, portId, guest, wire: await guest.wire() }
}

/** Throws when no answer came in five seconds. */
export async function ping(from: Station, ip: string): Promise<void> {
  const argv = ['ping', '-n', '-c', '1', '-i', '0.2', '-w', '5', ip]
  const { code } = await from.guest.run(argv, { accept: [0, 1] })
  if (code !== 0) throw new Error(`${ip} does not answer ${from.name}`)
}

/** The MAC that a station has for an address, if any. */
export async function macFor(station: Station, ip: string): Promise<string | undefined> {
  const cache = await station.guest.neighbours()
  return cache.find(({ dst }) => dst === ip)?.lladdr
}
