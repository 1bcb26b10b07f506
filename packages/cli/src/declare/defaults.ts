// What attributes are where nobody says anything, as the server has it: an export leaves these out.

import { bigintOfIp, bitsOf, ipOfBigint, parseIp, parsePrefix, prefixParts } from '@portward/addr'
import type { Family } from '@portward/addr'
import type { PortState, Resource, SubnetState } from './state.ts'

type Defaults = Readonly<Record<string, unknown>>

export const networkDefaults: Defaults = {
  description: '',
  admin_state_up: true,
  mtu: 1500,
  shared: false,
  port_security_enabled: true,
  'portward:checks': {},
  'provider:network_type': 'local',
  'provider:physical_network': null,
  'provider:segmentation_id': null,
}

/** Its gateway is its first host, and its pools are all other hosts. */
export function subnetDefaults({ cidr, gateway_ip: gateway }: SubnetState): Defaults {
  const { ip, length, family } = prefixParts(parsePrefix(cidr))
  const bits = bitsOf(family) - length
  const base = bigintOfIp(ip)
  const end = base + (1n << BigInt(bits)) - 1n
  const first = bits < 2 ? base : base + 1n
  const last = bits < 2 || family === 6 ? end : end - 1n
  return {
    description: '',
    gateway_ip: bits === 0 ? null : ipOfBigint(first, family),
    enable_dhcp: true,
    ipv6_ra_mode: null,
    ipv6_address_mode: null,
    allocation_pools: pools(first, last, gateway, family),
    dns_nameservers: [],
    host_routes: [],
  }
}

/** A port has its network's port security and checks at first; one of the network's own is never guarded. */
export function portDefaults(port: PortState, network: Resource): Defaults {
  const trusted = port.device_owner.startsWith('network:')
  return {
    description: '',
    ...(!trusted && { port_security_enabled: network['port_security_enabled'] }),
    'portward:checks': network['portward:checks'],
    admin_state_up: true,
    device_id: '',
    device_owner: '',
    'binding:vnic_type': 'normal',
    'binding:profile': {},
  }
}

function pools(first: bigint, last: bigint, gateway: unknown, family: Family): readonly object[] {
  const gap =
    typeof gateway === 'string' && gateway.includes(':') === (family === 6)
      ? bigintOfIp(parseIp(gateway))
      : undefined
  const ranges =
    gap === undefined || gap < first || gap > last
      ? [[first, last] as const]
      : [[first, gap - 1n] as const, [gap + 1n, last] as const]
  return ranges
    .filter(([from, to]) => from <= to)
    .map(([from, to]) => ({ start: ipOfBigint(from, family), end: ipOfBigint(to, family) }))
}
