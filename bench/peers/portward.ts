// Portward: the daemon beside a switch, both ports declared to it over its API.

import { join } from 'node:path'
import type { Portward, Switch } from '@portward/testkit'
import { startPortward, startSwitch } from '@portward/testkit'
import type { Peer, Sides, Site } from './peer.ts'

export const portward: Peer = {
  name: 'Portward',
  async open(sides) {
    const sw = await startSwitch()
    try {
      const { rundir, bridge } = sw
      const daemon = await startPortward({ rundir, bridge, state: join(rundir, 'portward') })
      const dispose = async (): Promise<void> => {
        await daemon[Symbol.asyncDispose]()
        await sw[Symbol.asyncDispose]()
      }
      return { sw, ...(await declare(sw, daemon, sides)), vlan: 0, [Symbol.asyncDispose]: dispose }
    } catch (error) {
      await sw[Symbol.asyncDispose]()
      throw error
    }
  },
}

async function declare(
  sw: Switch,
  daemon: Portward,
  sides: Sides,
): Promise<Pick<Site, 'sender' | 'receiver'>> {
  const { id: network_id } = await daemon.create('network', { name: 'net' })
  await daemon.create('subnet', { network_id, ip_version: 4, cidr: '10.0.0.0/24' })
  await daemon.create('subnet', { network_id, ip_version: 6, cidr: 'fd00::/64' })
  const guest = async (name: 'sender' | 'receiver') => {
    const { mac, ip, ip6 } = sides[name]
    const { id } = await daemon.create('port', {
      network_id,
      mac_address: mac,
      fixed_ips: [{ ip_address: ip }, { ip_address: ip6 }],
      // The receiver is unprotected here as everywhere.
      port_security_enabled: name === 'sender',
    })
    const plugged = await sw.addGuest({ name, ifaceId: id, mac, ips: [] })
    for (;;) {
      const { body } = await daemon.ask('GET', `/v2.0/ports/${id}`)
      if ((body as { port: { status: string } }).port.status === 'ACTIVE') return plugged
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  return { sender: await guest('sender'), receiver: await guest('receiver') }
}
