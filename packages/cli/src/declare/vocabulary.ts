// What a declaration may say of a network, a subnet and a port: the API's own attributes under their own names.

import type { Fields, Read } from './read.ts'
import {
  boolean,
  cidr,
  dict,
  either,
  fill,
  integer,
  ip,
  list,
  mac,
  name,
  nullable,
  object,
  oneOf,
  range,
  scalar,
  text,
} from './read.ts'

/** One address of a port: the address, some address of a subnet, or both. A subnet is its name, or its CIDR where it has none. */
export type FixedIp = { readonly subnet?: string; readonly ip_address?: string }
export type AddressPair = { readonly ip_address: string; readonly mac_address?: string }

const VLAN_MAX = 4094
const MTU = [68, 65_535] as const

const fixedIp: Read<FixedIp> = (tree, say) => {
  if (tree.type !== 'map') {
    const address = ip(tree, say)
    return address && { ip_address: address }
  }
  const filled = fill(tree, 'an address of a port', { subnet: name, ip_address: ip }, say)
  if (filled === undefined) return undefined
  if (tree.entries.length > 0) return filled.values
  say(tree.at, "an address of a port needs 'ip_address', 'subnet' or both")
  return undefined
}

const pairFields = { ip_address: range, mac_address: mac }
const pair = either(
  (tree, say) => {
    const address = range(tree, say)
    return address === undefined ? undefined : { ip_address: address }
  },
  object('an address pair', pairFields, ['ip_address']),
)

const listed =
  (item: Read<unknown>, wanted: string): Read<unknown> =>
  (tree, say) =>
    tree.type === 'list' ? list(item, wanted)(tree, say) : boolean(tree, say)

/** The checks that a port can be exempted from; true is what it is without them. */
const checks: Read<object> = (tree, say) => {
  const filled = fill(
    tree,
    'portward:checks',
    {
      arp: boolean,
      nd: boolean,
      source: boolean,
      'dhcp-server': boolean,
      ra: boolean,
      redirect: boolean,
      query: boolean,
      vlan: listed(integer(1, VLAN_MAX), 'VLAN ids'),
      ethertype: listed(etherType, 'EtherTypes'),
    },
    say,
  )
  if (filled === undefined) return undefined
  const entries = Object.entries(filled.values)
    .filter(([, value]) => value !== true && !(Array.isArray(value) && value.length === 0))
    .map(([key, value]) => [key, Array.isArray(value) ? value.toSorted(byNumber) : value] as const)
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** As the API shows it, `0x88cc`. */
const etherType = scalar('an EtherType such as 0x88cc', (value) => {
  const number =
    typeof value === 'string' && /^0x[0-9a-f]{1,4}$/i.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isInteger(number) && number > 0 && number <= 0xffff
    ? `0x${number.toString(16).padStart(4, '0')}`
    : undefined
})

const ipv6Mode = nullable(oneOf('slaac', 'dhcpv6-stateful', 'dhcpv6-stateless'))

export const networkFields = {
  name,
  description: text,
  admin_state_up: boolean,
  mtu: integer(...MTU),
  shared: boolean,
  port_security_enabled: boolean,
  'portward:checks': checks,
  'provider:network_type': text,
  'provider:physical_network': text,
  'provider:segmentation_id': integer(0, 2 ** 32 - 1),
} as const satisfies Fields

export const subnetFields = {
  name,
  description: text,
  cidr,
  gateway_ip: nullable(ip),
  enable_dhcp: boolean,
  ipv6_ra_mode: ipv6Mode,
  ipv6_address_mode: ipv6Mode,
  allocation_pools: list(
    object('a pool', { start: ip, end: ip }, ['start', 'end']),
    'pools {start, end}',
  ),
  dns_nameservers: list(ip, 'addresses'),
  host_routes: list(
    object('a route', { destination: cidr, nexthop: ip }, ['destination', 'nexthop']),
    'routes {destination, nexthop}',
  ),
} as const satisfies Fields

export const portFields = {
  name,
  description: text,
  mac_address: mac,
  fixed_ips: list(fixedIp, 'addresses'),
  allowed_address_pairs: list(pair, 'addresses, CIDRs or {ip_address, mac_address}'),
  port_security_enabled: boolean,
  'portward:checks': checks,
  admin_state_up: boolean,
  device_id: text,
  device_owner: text,
  'binding:vnic_type': text,
  'binding:profile': dict,
  'binding:host_id': text,
  interface: name,
  host: name,
} as const satisfies Fields

/** What can be said when it is made, and not be changed after. */
export const atCreation: ReadonlySet<string> = new Set([
  'cidr',
  'ipv6_ra_mode',
  'ipv6_address_mode',
  'provider:network_type',
  'provider:physical_network',
  'provider:segmentation_id',
])

function byNumber(a: unknown, b: unknown): number {
  return Number(a) - Number(b)
}
