// DHCP for IPv4 (RFC 2131) and IPv6 (RFC 8415): what UDP carries.

import { ANY_IPV4, ip4, ip6, join, mac, u16, u32, u8 } from './frame-bytes.ts'

/** RFC 2132, 9.6. */
export const DHCP = {
  discover: 1,
  offer: 2,
  request: 3,
  decline: 4,
  ack: 5,
  nak: 6,
  release: 7,
  inform: 8,
} as const

/** RFC 8415, 7.3. */
export const DHCPV6 = {
  solicit: 1,
  advertise: 2,
  request: 3,
  confirm: 4,
  renew: 5,
  rebind: 6,
  reply: 7,
  release: 8,
  informationRequest: 11,
} as const

/** RFC 2131, 2: a request of a client, or a server's answer when its type is one. */
export function dhcp(message: {
  readonly type: keyof typeof DHCP
  /** The client's. */
  readonly mac: string
  readonly xid: number
  readonly ciaddr?: string
  readonly yiaddr?: string
  readonly siaddr?: string
  readonly giaddr?: string
  /** Further options, whole. */
  readonly options?: readonly Uint8Array[]
}): Uint8Array {
  const { type, xid, options = [] } = message
  const { ciaddr = ANY_IPV4, yiaddr = ANY_IPV4, siaddr = ANY_IPV4, giaddr = ANY_IPV4 } = message
  const op = type === 'offer' || type === 'ack' || type === 'nak' ? 2 : 1
  const head = join(u8(op, 1, 6, 0), u32(xid), u32(0))
  const addresses = join(ip4(ciaddr), ip4(yiaddr), ip4(siaddr), ip4(giaddr))
  const chaddr = join(mac(message.mac), new Uint8Array(10))
  const noNames = new Uint8Array(64 + 128)
  const cookie = u32(0x63825363)
  return join(head, addresses, chaddr, noNames, cookie, u8(53, 1, DHCP[type]), ...options, u8(255))
}

/** RFC 2131, 3.1 and table 1: what a client says first, for UDP 68 to 67 as broadcast. */
export function dhcpDiscover(client: { readonly mac: string; readonly xid: number }): Uint8Array {
  return dhcp({ type: 'discover', ...client })
}

/** Options of DHCP that are one address: RFC 2132. 50 is the requested one, 54 the server, 3 a router, 6 a DNS server. */
export function dhcpAddress(code: 3 | 6 | 50 | 54, address: string): Uint8Array {
  return join(u8(code, 4), ip4(address))
}

/** RFC 8415, 8: with the client's identifier, the link-layer kind (11.4). */
export function dhcpv6(message: {
  readonly type: keyof typeof DHCPV6
  /** The client's. */
  readonly mac: string
  readonly xid: number
}): Uint8Array {
  const { type, xid } = message
  const identifier = join(u16(3), u16(1), mac(message.mac))
  const clientId = join(u16(1), u16(identifier.length), identifier)
  return join(u8(DHCPV6[type], xid >> 16, xid >> 8, xid), clientId)
}

/** RFC 8415, 9.1: a message of a client, passed on by a relay agent. */
export function dhcpv6Relay(relay: {
  readonly link: string
  readonly client: string
  readonly message: Uint8Array
}): Uint8Array {
  const { link, client, message } = relay
  const [relayForward, hops, relayMessage] = [12, 0, 9]
  const option = join(u16(relayMessage), u16(message.length), message)
  return join(u8(relayForward, hops), ip6(link), ip6(client), option)
}
