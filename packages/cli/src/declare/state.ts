// What a server has, as `portward apply` and `export` look at it: networks with their subnets and ports, and the interfaces
// that are tied to ports.

import type { Api } from '../api.ts'

/** What apply has made or adopted carries this tag: only that is ever deleted by --prune. */
export const TAG = 'portward-apply'

/** A network, subnet or port as the API shows it. */
export type Resource = {
  readonly id: string
  readonly name: string
  readonly revision_number: number
  readonly tags: readonly string[]
  readonly [attribute: string]: unknown
}

export type SubnetState = Resource & { readonly network_id: string; readonly cidr: string }

export type PortState = Resource & {
  readonly network_id: string
  readonly mac_address: string
  readonly fixed_ips: readonly { readonly subnet_id: string; readonly ip_address: string }[]
  readonly allowed_address_pairs: readonly {
    readonly ip_address: string
    readonly mac_address: string
  }[]
  readonly device_owner: string
  readonly status: string
}

export type NetworkState = {
  readonly network: Resource
  readonly subnets: readonly SubnetState[]
  readonly ports: readonly PortState[]
}

export type InterfaceState = {
  readonly host: string
  readonly iface: string
  readonly type: string
  readonly state: string
  /** The port whose id the interface carries. */
  readonly port_id: string | null
  /** The port that it shall carry. */
  readonly wanted_port_id: string | null
}

export type State = {
  readonly networks: readonly NetworkState[]
  readonly interfaces: readonly InterfaceState[]
  /** Where an interface is whose host nobody names; undefined: that must be said. */
  readonly host: string | undefined
  /** Whose agents have told of themselves, so that interfaces there can be tied. */
  readonly hosts: readonly string[]
}

export async function readState(api: Api): Promise<State> {
  const status = await api.get<{
    readonly host: string | null
    readonly hosts: readonly {
      readonly host: string
      readonly alive: boolean
      readonly interfaces: number
    }[]
  }>('/portward/v1/status')
  const { interfaces } = await api.get<{ interfaces: readonly InterfaceState[] }>(
    '/portward/v1/interfaces',
  )
  const { networks } = await api.get<{ networks: readonly Resource[] }>('/v2.0/networks')
  const { subnets } = await api.get<{ subnets: readonly SubnetState[] }>('/v2.0/subnets')
  const { ports } = await api.get<{ ports: readonly PortState[] }>('/v2.0/ports')
  const [subnetsOf, portsOf] = [byNetwork(subnets), byNetwork(ports)]
  const [only, another] = status.hosts
  return {
    networks: networks.map((network) => ({
      network,
      subnets: subnetsOf.get(network.id) ?? [],
      ports: portsOf.get(network.id) ?? [],
    })),
    interfaces,
    host: status.host ?? (another === undefined ? only?.host : undefined),
    hosts: status.hosts
      .filter(({ alive, interfaces: count }) => alive || count > 0)
      .map(({ host }) => host),
  }
}

function byNetwork<T extends { readonly network_id: string }>(
  resources: readonly T[],
): ReadonlyMap<string, readonly T[]> {
  return Map.groupBy(resources, ({ network_id: id }) => id)
}

/** Addresses that stations on the subnet make for themselves: every port has its own there, asked for or not (RFC 4862). */
export function isAuto(subnet: Readonly<Record<string, unknown>>): boolean {
  const modes = [subnet['ipv6_address_mode'], subnet['ipv6_ra_mode']]
  return modes.some((mode) => mode === 'slaac' || mode === 'dhcpv6-stateless')
}
