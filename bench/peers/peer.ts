// What `evasion` is run against: a switch with two guests on it, and a way of protecting the port of one of them.

import type { Guest, Switch } from '@portward/testkit'

/** Who a guest is, and what its port may claim. */
export type Station = { readonly mac: string; readonly ip: string; readonly ip6: string }

/** A protected port, and who hears what it says. */
export type Site = AsyncDisposable & {
  readonly sw: Switch
  readonly sender: Guest
  readonly receiver: Guest
  /** In which the receiver is, on the switch; 0 where ports have no tag. */
  readonly vlan: number
}

export type Sides = { readonly sender: Station; readonly receiver: Station }

export type Peer = {
  readonly name: string
  /** What is to be known of its figures. */
  readonly note?: string
  /** Why it cannot be measured here, and what to do about it. */
  readonly missing?: () => Promise<string | undefined>
  readonly open: (sides: Sides) => Promise<Site>
}

/** Plugs both; what they are connected by is up to the flows of the switch. */
export async function plug(
  sw: Switch,
  { sender, receiver }: Sides,
): Promise<Pick<Site, 'sender' | 'receiver'>> {
  const guest = (name: string, { mac }: Station): Promise<Guest> =>
    sw.addGuest({ name, ifaceId: name, mac, ips: [] })
  return { sender: await guest('sender', sender), receiver: await guest('receiver', receiver) }
}
