// The addresses of a port, and its pairs: as they are declared, as the API shows them, and whether the two are the same.

import { parsePrefix } from '@portward/addr'
import type { PortState } from './state.ts'
import type { AddressPair, FixedIp } from './vocabulary.ts'

/** A subnet of a port's network. */
export type SubnetPlace = {
  readonly path: string
  readonly cidr: string
  /** Undefined while it is still to be made. */
  readonly id: string | undefined
  /** Whether each port has an address there by itself. */
  readonly auto: boolean
}
/** By the names and CIDRs that a declaration may call them. */
export type SubnetPlaces = ReadonlyMap<string, SubnetPlace>

type Held = PortState['fixed_ips'][number]

export type Kept = {
  readonly same: boolean
  /** The addresses that fulfil what is declared. */
  readonly met: ReadonlyMap<FixedIp, string>
  /** Those, and what the port has by itself. */
  readonly ips: ReadonlySet<string>
}

/**
 * What of a port's addresses stays as it is declared: all of them, when nothing is to be done. Addresses that it has by itself
 * stay, declared or not. `claimed` are those that some port of the network names: none of them is just some address of a subnet.
 */
export function kept(
  declared: readonly FixedIp[],
  held: readonly Held[],
  subnets: SubnetPlaces,
  claimed: ReadonlySet<string>,
): Kept {
  const left = [...held]
  const met = new Map<FixedIp, string>()
  // Those that are named first, so that none of them is taken for any address of its subnet.
  for (const wanted of [...declared].sort((a, b) => rank(a) - rank(b))) {
    const at = left.findIndex((one) => fits(wanted, one, subnets, claimed))
    if (at < 0) continue
    for (const { ip_address: ip } of left.splice(at, 1)) met.set(wanted, ip)
  }
  const autos = autosOf(subnets)
  const given = left.filter(({ subnet_id: id }) => autos.has(id)).map(({ ip_address: ip }) => ip)
  return {
    same: met.size === declared.length && given.length === left.length,
    met,
    ips: new Set([...met.values(), ...given]),
  }
}

/** Those of the addresses that a PUT must name for the port to keep them. */
export function named(held: readonly Held[], subnets: SubnetPlaces): readonly Held[] {
  const autos = autosOf(subnets)
  return held.filter(({ subnet_id: id }) => !autos.has(id))
}

/** `portMac` is what a pair without a MAC has; empty for a port that is still to be made and names none. */
export function samePairs(
  declared: readonly AddressPair[],
  held: readonly AddressPair[],
  portMac: string,
): boolean {
  const keyOf = ({ ip_address: ip, mac_address: mac = portMac }: AddressPair): string =>
    `${mac} ${parsePrefix(ip)}`
  const have = new Set(held.map(keyOf))
  return declared.length === held.length && declared.every((pair) => have.has(keyOf(pair)))
}

/** As short as a declaration may write it. */
export function shortFixedIp({ subnet, ip_address: ip }: FixedIp): string | FixedIp {
  return subnet === undefined && ip !== undefined
    ? ip
    : { ...(subnet && { subnet }), ...(ip && { ip_address: ip }) }
}

export function shortPair(pair: AddressPair, portMac: string | undefined): string | AddressPair {
  const { ip_address: ip, mac_address: mac } = pair
  return mac === undefined || mac === portMac ? ip : { ip_address: ip, mac_address: mac }
}

/** Ids of the subnets where each port has an address by itself. */
function autosOf(subnets: SubnetPlaces): ReadonlySet<string | undefined> {
  return new Set([...subnets.values()].filter(({ auto }) => auto).map(({ id }) => id))
}

function rank({ ip_address: ip }: FixedIp): number {
  return ip === undefined ? 1 : 0
}

function fits(
  { subnet, ip_address: ip }: FixedIp,
  held: Held,
  subnets: SubnetPlaces,
  claimed: ReadonlySet<string>,
): boolean {
  const isIt = ip === undefined ? !claimed.has(held.ip_address) : ip === held.ip_address
  return isIt && (subnet === undefined || subnets.get(subnet)?.id === held.subnet_id)
}
