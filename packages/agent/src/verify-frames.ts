// What is asked of the switch about each port: frames that it should send, and frames that nobody may send as it.

import type { Ip, Mac } from '@portward/addr'
import { isIpv4, linkLocalOf, parseIp, parseMac } from '@portward/addr'

/** TEST-NET-2 and the documentation prefix (RFC 5737, 3849): no port should own them. A MAC that is locally administered. */
const STRANGER = {
  ip: parseIp('198.51.100.66'),
  ip6: parseIp('2001:db8::66'),
  mac: parseMac('02:00:5e:00:53:66'),
} as const

/** In the words of `portward explain`. */
export function phrasesFor({ mac, ips }: { readonly mac: Mac; readonly ips: readonly Ip[] }) {
  const own4 = ips.filter(isIpv4)
  const own6 = [linkLocalOf(mac), ...ips.filter((ip) => !isIpv4(ip))]
  const { ip, ip6, mac: other } = STRANGER
  const forged4 = own4.slice(0, 1).flatMap((own) => [
    // As another, from its own address; and tagged.
    `mac ${other} arp ${own}`,
    `mac ${other} ip from ${own}`,
    `vlan 100 arp ${own}`,
    `vlan 100 ip from ${own}`,
    'dhcp-offer',
    'redirect',
    'igmp-query',
  ])
  return [
    ...own4.flatMap((own) => [`arp ${own}`, `arp-probe ${own}`, `ip from ${own}`]),
    ...own6.flatMap((own) => [`na ${own}`, `ns ${own}`, `dad ${own}`, `ip from ${own}`]),
    'rarp',
    'dhcp-discover',
    'dhcpv6-solicit',
    'rs',
    'mld-report',
    `arp ${ip}`,
    `arp-reply ${ip}`,
    `arp-probe ${ip}`,
    `ip from ${ip}`,
    `na ${ip6}`,
    `dad ${ip6}`,
    `ip from ${ip6}`,
    ...forged4,
    `mac ${other} rarp`,
    `mac ${other} rs`,
    'ra',
    'redirect6',
    'dhcpv6-reply',
    'mld-query',
    'lldp',
    'ethertype 0x88b5',
  ]
}
