// The rules of what a port may say, by number, and how the cookie of a flow carries them.
//
//   63      48 47   40 39   32 31                     0
//  ┌──────────┬───────┬───────┬────────────────────────┐
//  │ "PW"     │ rule  │ 0     │ first 8 digits of the  │   0 where the flow belongs to no port
//  │ 0x5057   │       │       │ port's id              │
//  └──────────┴───────┴───────┴────────────────────────┘
//
// So `ovs-ofctl dump-flows` alone tells whose flow it is and why it stands there.

/** Rule 0 is ours alone: flows that judge nothing, but take a frame from one table to the next. */
export const rules = {
  0: 'the way through the tables',
  1: 'the source MAC is one of the port’s',
  2: 'no VLAN tag, at any depth',
  3: 'ARP claims a binding of the port',
  4: 'an ARP probe asks for the port’s own address',
  5: 'RARP announces the port’s own MAC',
  6: 'the IPv4 source is a binding of the port',
  7: 'IPv4 from 0.0.0.0 is a DHCP client or an IGMP report',
  8: 'no DHCP server',
  9: 'the IPv6 source is a binding of the port',
  10: 'IPv6 from :: is duplicate address detection, a router solicitation or an MLD report',
  11: 'a neighbour solicitation speaks for its sender',
  12: 'a neighbour advertisement claims a binding of the port',
  13: 'no router advertisement, redirect or multicast query',
  14: 'DHCPv6 as a client only',
  15: 'no fragmented or hidden neighbour discovery',
  16: 'no other EtherType',
} as const

export type Rule = keyof typeof rules

export const COOKIE_NAMESPACE = 0x5057n << 48n
export const COOKIE_MASK = 0xffffn << 48n

/** `portId` is a UUID; undefined for a flow of the bridge itself. */
export function cookieOf(rule: Rule, portId?: string): bigint {
  return COOKIE_NAMESPACE | (BigInt(rule) << 40n) | BigInt(portTag(portId))
}

export function isOurs(cookie: bigint): boolean {
  return (cookie & COOKIE_MASK) === COOKIE_NAMESPACE
}

/** Undefined for a cookie that isn't ours, or of a rule that another version knew. */
export function readCookie(cookie: bigint): { rule: Rule; portTag: number } | undefined {
  if (!isOurs(cookie)) return undefined
  const rule = Number((cookie >> 40n) & 0xffn)
  if (!(rule in rules)) return undefined
  return { rule: rule as Rule, portTag: Number(cookie & 0xffffffffn) }
}

/** 32 bits that tell a port's flows from others' at a glance. Two ports may share one: no decision rests on it. */
export function portTag(portId: string | undefined): number {
  if (portId === undefined) return 0
  const tag = Number.parseInt(portId.slice(0, 8), 16)
  return Number.isNaN(tag) ? 0 : tag
}
