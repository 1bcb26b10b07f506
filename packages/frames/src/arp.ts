// ARP (RFC 826) and RARP (RFC 903).

import type { Packet } from './frame-bytes.ts'
import { ANY_IPV4, ZERO_MAC, ip4, join, mac, u16, u8 } from './frame-bytes.ts'

/** RFC 826. */
export type Arp = {
  /** 1 request, 2 reply. */
  readonly op: number
  readonly sha: string
  readonly spa: string
  /** Default zero: not known. */
  readonly tha?: string
  readonly tpa: string
}

export function arp({ op, sha, spa, tha = ZERO_MAC, tpa }: Arp): Packet {
  return { etherType: 0x0806, bytes: arpBytes({ op, sha, spa, tha, tpa }) }
}

export function arpRequest(who: Pick<Arp, 'sha' | 'spa' | 'tpa'>): Packet {
  return arp({ op: 1, ...who })
}

export function arpReply(who: Omit<Required<Arp>, 'op'>): Packet {
  return arp({ op: 2, ...who })
}

/** RFC 5227, 1.1: a request that claims nothing yet. */
export function arpProbe(who: Pick<Arp, 'sha' | 'tpa'>): Packet {
  return arp({ op: 1, spa: ANY_IPV4, ...who })
}

/** RFC 5227, 1.1, the announcement: a request for the sender's own address. With op 2, the reply some stations use instead. */
export function gratuitousArp({
  op = 1,
  sha,
  spa,
}: Pick<Arp, 'sha' | 'spa'> & { op?: number }): Packet {
  return arp({ op, sha, spa, tpa: spa, ...(op === 2 && { tha: sha }) })
}

/** RFC 903, request reverse, as QEMU announces a guest that has arrived: both hardware addresses are its own. */
export function rarp(who: {
  readonly mac: string
  /** Default 3, the request; 4 is the reply. */
  readonly op?: number
  readonly spa?: string
  readonly tha?: string
  readonly tpa?: string
}): Packet {
  const { op = 3, mac: sha, spa = ANY_IPV4, tha = sha, tpa = ANY_IPV4 } = who
  return { etherType: 0x8035, bytes: arpBytes({ op, sha, spa, tha, tpa }) }
}

function arpBytes({ op, sha, spa, tha, tpa }: Required<Arp>): Uint8Array {
  const kinds = join(u16(1), u16(0x0800), u8(6, 4))
  return join(kinds, u16(op), mac(sha), ip4(spa), mac(tha), ip4(tpa))
}
