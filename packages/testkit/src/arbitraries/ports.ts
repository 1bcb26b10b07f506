// Ports as tenants declare them, and as they may be declared at the worst: addresses of both families, pairs whose prefixes
// have the lengths at which masks go wrong, MACs of virtual routers, exemptions. All come from a small world, so that ports
// often own what another owns, or the address next to it.

import * as fc from 'fast-check'
import type { Ip, Mac, Prefix } from '@portward/addr'
import {
  bigintOfIp,
  bitsOf,
  ipOfBigint,
  isMulticastIp,
  linkLocalOf,
  parseIp,
  parseMac,
  prefixOf,
  prefixParts,
} from '@portward/addr'
import type { DeclaredPort } from '../rules.ts'
import { virtualMac } from '../frames.ts'

export function ports(): fc.Arbitrary<DeclaredPort> {
  return fc.record(
    {
      mac: fc.constantFrom(...stationMacs),
      ips: fc
        .tuple(fc.subarray(ipv4s, { maxLength: 2 }), fc.subarray(ipv6s, { maxLength: 2 }))
        .map(([four, six]) => [...four, ...six]),
      allowedAddressPairs: fc.array(
        fc.record(
          { mac: fc.constantFrom(...macs), prefix: fc.oneof(prefixes(4), prefixes(6)) },
          { noNullPrototype: true },
        ),
        { maxLength: 4 },
      ),
      checks: fc.oneof(fc.constant({}), exemptions),
    },
    { noNullPrototype: true },
  )
}

/** An address that a port may claim with this MAC, or one that is next to it, or at the border of one of its prefixes. */
export function addressesNear(port: DeclaredPort, family: 4 | 6): fc.Arbitrary<Ip> {
  const own = [
    ...port.ips.map((ip) => prefixOf(ip, ip.includes(':') ? 128 : 32)),
    ...port.allowedAddressPairs.map(({ prefix }) => prefix),
    ...[port, ...port.allowedAddressPairs].map(({ mac }) => prefixOf(linkLocalOf(mac), 128)),
  ].filter((prefix) => prefixParts(prefix).family === family)
  const near = [...new Set(own.flatMap(around))]
  const others = family === 4 ? [...ipv4s, ...special4] : [...ipv6s, ...special6]
  if (near.length === 0) return fc.constantFrom(...others)
  return fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...near) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  )
}

export function macsNear(port: DeclaredPort): fc.Arbitrary<Mac> {
  const own = [port.mac, ...port.allowedAddressPairs.map(({ mac }) => mac)]
  return fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...own) },
    { weight: 1, arbitrary: fc.constantFrom(...macs) },
  )
}

const stationMacs = [1, 2, 3, 4, 5].map((n) => parseMac(`fa:16:3e:00:00:0${n}`))
const macs = [...stationMacs, ...[4, 6].map((family) => parseMac(virtualMac(family as 4 | 6, 7)))]
const ipv4s = [1, 2, 3, 4, 5, 254].map((n) => parseIp(`10.0.0.${n}`))
const ipv6s = [1, 2, 3, 4, 5, 0xfe].map((n) => parseIp(`fd00::${n.toString(16)}`))
const special4 = ['0.0.0.0', '255.255.255.255', '127.0.0.1', '169.254.1.1', '224.0.0.1'].map(
  parseIp,
)
const special6 = ['::', '::1', 'ff02::1', 'fe80::1', '::ffff:10.0.0.1'].map(parseIp)
/** The first are the stations' own, then what lies in nobody's network, at both ends of all there is. */
const bases = {
  4: [...ipv4s, ...['10.0.9.0', '192.168.255.255', '0.0.0.1', '223.255.255.255'].map(parseIp)],
  6: [...ipv6s, ...['fd00:9::', '2001:db8::ffff', '::1', 'fe80::1', 'feff::'].map(parseIp)],
} as const
const lengths = { 4: [0, 1, 8, 24, 31, 32], 6: [0, 1, 10, 64, 127, 128] } as const

function prefixes(family: 4 | 6): fc.Arbitrary<Prefix> {
  return fc
    .tuple(fc.constantFrom(...bases[family]), fc.constantFrom(...lengths[family]))
    .map(([ip, length]) => prefixOf(ip, length))
    .filter((prefix) => prefix.endsWith('/0') || !isMulticastIp(prefixParts(prefix).ip))
}

const exempted = fc.constantFrom(false as const)
const exemptions = fc.record(
  {
    arp: exempted,
    nd: exempted,
    source: exempted,
    'dhcp-server': exempted,
    ra: exempted,
    redirect: exempted,
    query: exempted,
    vlan: fc.oneof(exempted, fc.subarray([1, 100, 200, 4094], { minLength: 1 })),
    ethertype: fc.oneof(exempted, fc.subarray([0x88cc, 0x8137, 0x8847, 0x894f], { minLength: 1 })),
  },
  { requiredKeys: [], noNullPrototype: true },
)

/** First and last of a prefix, and the two that are just outside. */
function around(prefix: Prefix): readonly Ip[] {
  const { ip, length, family } = prefixParts(prefix)
  const all = 1n << BigInt(bitsOf(family))
  const first = bigintOfIp(ip)
  const last = first + (1n << BigInt(bitsOf(family) - length)) - 1n
  return [first, last, first, last, first - 1n, last + 1n].map((n) =>
    ipOfBigint((n + all) % all, family),
  )
}
