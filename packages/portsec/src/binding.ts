// What a port owns: pairs of a MAC and the addresses that MAC may claim. port-security rules, section 1:
//
//   {(port MAC, ip) for each fixed ip} + {(pair mac, pair prefix)} + {(m, EUI-64 link-local of m) for each of its MACs m}
//
// A claim holds only when MAC and address come from one binding.

import type { Ip, Mac, Prefix } from '@portward/addr'
import {
  bitsOf,
  familyOf,
  isMulticastIp,
  isMulticastMac,
  linkLocalOf,
  prefixOf,
  prefixParts,
} from '@portward/addr'
import type { Checks } from './checks.ts'

/** What the compiler needs to know of a port. */
export type PortSpec = {
  readonly portId: string
  readonly mac: Mac
  readonly ips: readonly Ip[]
  readonly allowedAddressPairs: readonly { readonly mac: Mac; readonly prefix: Prefix }[]
  /** Default: exempted from nothing. */
  readonly checks?: Checks
}

export type Binding = { readonly mac: Mac; readonly prefix: Prefix }

/** A port that cannot be guarded as it is declared. Whoever meets it keeps the last good guard, or silence. */
export class SpecError extends Error {
  override readonly name = 'SpecError'
}

/** The bindings of a port, each once, in a stable order. Throws a SpecError for a MAC or address no station can own. */
export function bindingsOf(spec: PortSpec): readonly Binding[] {
  const bindings = new Map<string, Binding>()
  const add = (mac: Mac, prefix: Prefix): void => {
    bindings.set(`${mac} ${prefix}`, { mac, prefix })
  }
  for (const ip of spec.ips) add(spec.mac, prefixOf(ip, bitsOf(familyOf(ip))))
  for (const { mac, prefix } of spec.allowedAddressPairs) add(mac, prefix)
  for (const mac of macsOf(spec)) add(mac, prefixOf(linkLocalOf(mac), 128))
  for (const binding of bindings.values()) check(spec, binding)
  return [...bindings.values()]
}

/** The MACs a port may send from, its own first. */
export function macsOf(spec: PortSpec): readonly Mac[] {
  return [...new Set([spec.mac, ...spec.allowedAddressPairs.map((pair) => pair.mac)])]
}

function check(spec: PortSpec, { mac, prefix }: Binding): void {
  if (isMulticastMac(mac) || mac === '00:00:00:00:00:00') {
    throw new SpecError(`port ${spec.portId}: ${mac} is no station's address: name a unicast MAC`)
  }
  const { ip, length } = prefixParts(prefix)
  if (length > 0 && isMulticastIp(ip)) {
    throw new SpecError(
      `port ${spec.portId}: ${prefix} is multicast, nobody's address to send from`,
    )
  }
}
