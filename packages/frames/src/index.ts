// Frames, byte by byte as the standards draw them. Layers nest as on the wire, and every field is the caller's,
// so that a frame can lie in any of them:
//
//   ethernet({ src, dst }, ipv4({ src, dst }, udp({ src: 68, dst: 67 }, dhcpDiscover({ mac, xid }))))
//
// Lengths and checksums are right, whatever the rest says: a switch that drops the frame shall have had no other reason.
//
//   ethernet.ts   the frame, tags, LLC and SNAP, what bridges and links say to each other
//   arp.ts        ARP, RARP
//   ip.ts         IPv4 with options, IPv6 with extension headers, and both cut into fragments
//   transport.ts  UDP, TCP, SCTP and other things that IP carries
//   icmp.ts       ICMP for IPv4, IGMP
//   icmpv6.ts     ICMPv6: neighbour discovery, multicast listener discovery
//   dhcp.ts       DHCP for IPv4 and IPv6
//   vrrp.ts       VRRP, versions 2 and 3

export { BROADCAST, altered, packet, padded, segment } from './frame-bytes.ts'
export type { Packet, Segment } from './frame-bytes.ts'
export * from './arp.ts'
export * from './dhcp.ts'
export * from './ethernet.ts'
export * from './icmp.ts'
export * from './icmpv6.ts'
export * from './ip.ts'
export * from './transport.ts'
export * from './vrrp.ts'
