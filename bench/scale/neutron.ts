// Neutron with firewall_driver=openvswitch, which judges by flows whose addresses a port sends from; `noop` judges MAC, ARP and
// neighbour advertisements alone. Ports without security groups, so that it has no more to do than is asked of the others.

import { setTimeout as sleep } from 'node:timers/promises'
import { progress } from '../lab.ts'
import type { Load } from '../load.ts'
import { startLoad } from '../load.ts'
import { PLACED, neutronMissing, startNeutron } from '../neutron-server.ts'
import { at, filtered, makeNetwork, portOn, times, update } from '../requests.ts'
import type { Peer } from './peer.ts'

/** What it does takes minutes where others take seconds, so it is done fewer times. */
const pace = { restarts: 1, warmUp: 1, toggles: 5, stillMs: 3000 }
const PORTS_PER_REQUEST = 50

export const neutron: Peer = {
  name: 'Neutron',
  missing: neutronMissing,
  pace,
  async open(count) {
    await using stack = new AsyncDisposableStack()
    const peer = stack.use(await startNeutron('openvswitch'))
    const { sw, port } = peer
    const load = stack.use(
      await startLoad({ enclosure: sw.enclosure, port, netOf: sw.enclosure.pid }),
    )
    const ports = await declare(load, count)
    await sw.addPorts(
      ports.map(({ id, mac_address }) => ({
        name: `tap${id.slice(0, 11)}`,
        ifaceId: id,
        mac: mac_address,
        type: 'patch',
      })),
    )
    await active(load, count)
    const kept = stack.move()
    return {
      sw,
      async restart() {
        await peer.restartAgent('SIGKILL')
        await peer.agentDone()
        return performance.now()
      },
      async toggle(i, on) {
        const { method, path, body } = update(at(ports, i), { port_security_enabled: on })
        const asked = performance.now()
        await load.ask(method, path, body)
        return asked
      },
      memory: async () => ({ agent: await peer.agentMemory(), all: await peer.memory() }),
      [Symbol.asyncDispose]: () => kept.disposeAsync(),
    }
  },
}

type Port = { readonly id: string; readonly mac_address: string }

async function declare(load: Load, count: number): Promise<readonly Port[]> {
  const network_id = await makeNetwork(load, 0)
  const subnet = { network_id, ip_version: 6, cidr: 'fd00::/64', enable_dhcp: false }
  await load.ask('POST', '/v2.0/subnets', { subnet })
  const placed = { ...PLACED, device_id: 'guest' }
  const ports: Port[] = []
  while (ports.length < count) {
    progress(`Neutron: declared ${ports.length} of ${count} ports`)
    const bodies = times(PORTS_PER_REQUEST, () => ({ ...portOn(network_id), ...placed }))
    type Made = { readonly ports: readonly Port[] }
    ports.push(...(await load.ask<Made>('POST', '/v2.0/ports', { ports: bodies })).ports)
  }
  return ports
}

async function active(load: Load, count: number): Promise<void> {
  const { method, path } = filtered({ status: 'ACTIVE', fields: 'id' })
  for (;;) {
    const { ports } = await load.ask<{ readonly ports: readonly object[] }>(method, path)
    progress(`Neutron: guarded ${ports.length} of ${count} ports`)
    if (ports.length === count) return
    await sleep(2000)
  }
}
