// The checks beneath the one boolean: a port can be exempted from one of them and keep the others.
//
// Each covers some of the rules of port security; rule 1, the source MAC, has no exemption.

import type { Rule } from './rule.ts'

export const checks = {
  arp: { rules: [3, 4], text: 'ARP claims only the port’s own addresses' },
  nd: { rules: [11, 12], text: 'neighbour discovery claims only the port’s own addresses' },
  source: { rules: [6, 7, 9, 10], text: 'IP comes only from the port’s own addresses' },
  'dhcp-server': { rules: [8, 14], text: 'no DHCP and DHCPv6 server' },
  ra: { rules: [13], text: 'no router advertisements' },
  redirect: { rules: [13], text: 'no redirects' },
  query: { rules: [13], text: 'no multicast queries' },
  vlan: { rules: [2], text: 'no VLAN tags' },
  ethertype: { rules: [16], text: 'no other EtherTypes' },
} as const satisfies Record<string, { readonly rules: readonly Rule[]; readonly text: string }>

export type Check = keyof typeof checks

/** EtherTypes that have rules of their own (IPv4, ARP, RARP, IPv6), or say that a tag follows: no list can permit them. */
const judged: ReadonlySet<number> = new Set([
  0x0800, 0x0806, 0x8035, 0x86dd, 0x8100, 0x88a8, 0x9100, 0x9200, 0x9300,
])

/**
 * As Open vSwitch counts a frame that has a length where its EtherType would be (ovs-fields(7)): IEEE 802.2 LLC, so spanning tree
 * and, unless its SNAP header names an EtherType, SNAP.
 */
export const NO_ETHERTYPE = 0x05ff

/** Checks whose exemption can be a list of what is permitted besides, and what such a list can name. */
export const lists = {
  vlan: { permits: (vid: number) => within(vid, 1, 4094) },
  ethertype: { permits: (type: number) => within(type, NO_ETHERTYPE, 0xffff) && !judged.has(type) },
} as const satisfies Partial<Record<Check, { readonly permits: (number: number) => boolean }>>

type Listed = keyof typeof lists

/**
 * What a port is exempted from. A check that is not named holds; `false` exempts from it whole; a list permits just what it
 * names: VLAN ids (1 to 4094, one 802.1Q tag: a trunk port), EtherTypes (0x0600 to 0xffff, but no tag's, ARP, RARP or IP; and
 * 0x05ff, LLC).
 */
export type Checks = { readonly [C in Exclude<Check, Listed>]?: false } & {
  readonly [C in Listed]?: false | readonly number[]
}

function within(number: number, minimum: number, maximum: number): boolean {
  return Number.isInteger(number) && number >= minimum && number <= maximum
}
