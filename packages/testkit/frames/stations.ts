// The stations of the corpus, and how a port of each kind is declared to the API.

import { linkLocalOf, parseMac } from '@portward/addr'
import { virtualMac } from '../src/frames.ts'
import type { Kind, Station } from './corpus-frame.ts'

/** The n-th station of a network of 10.0.0.0/24 and fd00::/64. */
export function station(n: number): Station {
  const mac = parseMac(`fa:16:3e:00:00:${n.toString(16).padStart(2, '0')}`)
  return { mac, ip: `10.0.0.${n}`, ip6: `fd00::${n.toString(16)}`, linkLocal: linkLocalOf(mac) }
}

/** A prefix of each family that a port of kind `pair` may claim besides its own addresses. */
export const PAIR = { ipv4: '10.0.9.0/24', ipv6: 'fd00:9::/64' } as const

/** The virtual router of a port of kind `pair`: its addresses are in the prefixes, its MACs are those of VRRP. */
export const VIRTUAL = {
  vrid: 7,
  ip: '10.0.9.7',
  ip6: 'fd00:9::7',
  mac4: virtualMac(4, 7),
  mac6: virtualMac(6, 7),
} as const

/** VLANs of a port of kind `trunk`. */
export const TRUNK_VLANS = [100, 200] as const
/** EtherTypes of a port of kind `exempt-ethertype-list`: LLDP and IPX. */
export const LISTED_ETHERTYPES = [0x88cc, 0x8137] as const

/** What a port of this kind has in the API beside its MAC and fixed addresses. */
export function portFields(
  kind: Kind,
  own: Station,
  other: Station,
): Readonly<Record<string, unknown>> {
  switch (kind) {
    case 'plain':
      return {}
    case 'pair':
      return { allowed_address_pairs: pairsOf(own, other) }
    case 'zero':
      return { allowed_address_pairs: [{ ip_address: '0.0.0.0/0' }, { ip_address: '::/0' }] }
    case 'trunk':
      return checks({ vlan: TRUNK_VLANS })
    case 'exempt-ethertype-list':
      return checks({ ethertype: LISTED_ETHERTYPES.map((type) => `0x${type.toString(16)}`) })
    case 'exempt-arp':
    case 'exempt-nd':
    case 'exempt-source':
    case 'exempt-dhcp-server':
    case 'exempt-ra':
    case 'exempt-redirect':
    case 'exempt-query':
    case 'exempt-vlan':
    case 'exempt-ethertype':
      return checks({ [kind.slice('exempt-'.length)]: false })
    case 'off':
      return { port_security_enabled: false }
    default:
      kind satisfies never
      throw new Error('unreachable')
  }
}

function checks(of: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { 'portward:checks': of }
}

/**
 * The other's addresses, a prefix of each family, and a virtual router whose master speaks as keepalived does with `use_vmac`:
 * from the virtual MAC, and the port's own address.
 */
function pairsOf(own: Station, other: Station): readonly object[] {
  const { mac4, mac6, ip, ip6 } = VIRTUAL
  return [
    { ip_address: other.ip },
    { ip_address: other.ip6 },
    { ip_address: PAIR.ipv4 },
    { ip_address: PAIR.ipv6 },
    { ip_address: ip, mac_address: mac4 },
    { ip_address: own.ip, mac_address: mac4 },
    { ip_address: ip6, mac_address: mac6 },
    { ip_address: own.linkLocal, mac_address: mac6 },
  ]
}
