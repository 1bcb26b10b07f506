// The same for Neutron: its agent for Open vSwitch in the place of ours, with its real server (../neutron-server.ts), and the
// strictest that it has, the firewall driver `openvswitch`. Its figures have no limits here. The sender's port and the victim's
// have port security and the default security group, the receiver's has neither.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Switch } from '@portward/testkit'
import type { Load } from '../load.ts'
import { startLoad } from '../load.ts'
import type { Neutron } from '../neutron-server.ts'
import { PLACED, startNeutron } from '../neutron-server.ts'
import { times } from '../requests.ts'
import type { Fault } from './fault.ts'
import { fromThenOn, kindsOf } from './frames.ts'
import type { PortBody, Stage, Station } from './scene.ts'
import { declared, quietGuest, stopwatch } from './scene.ts'

const BACK_MS = 15_000
const TOGGLES = 4
/** It looks every two seconds whether there is something to do. */
const LOOKED_MS = 2500
const LONG_MS = 60_000

export type NeutronScene = AsyncDisposable &
  Stage & {
    readonly neutron: Neutron
    readonly load: Load
    readonly sender: Station
    readonly victim: Station
  }

export const neutronFaults: readonly Fault<NeutronScene>[] = [
  { name: 'neutron-nothing', lossless: true, inject: () => sleep(1000) },
  { name: 'neutron-agent-killed', lossless: true, inject: restartedAfter('SIGKILL') },
  { name: 'neutron-agent-terminated', lossless: true, inject: restartedAfter('SIGTERM') },
  {
    name: 'neutron-vswitchd-killed',
    lossless: false,
    tailMs: BACK_MS,
    inject: ({ sw }) => sw.restartVswitchd('SIGKILL'),
  },
  {
    name: 'neutron-flows-deleted',
    lossless: false,
    tailMs: BACK_MS,
    inject: async ({ sw }) => void (await sw.ofctl('del-flows', sw.bridge)),
  },
  {
    name: 'neutron-other-toggled',
    lossless: true,
    async inject({ load, victim }) {
      const { port } = await load.ask<{ port: { security_groups: readonly string[] } }>(
        'GET',
        `/v2.0/ports/${victim.portId}`,
      )
      for (let i = 0; i < TOGGLES; i++) {
        const on = i % 2 === 1
        const security_groups = on ? port.security_groups : []
        const change = { port_security_enabled: on, security_groups }
        await load.ask('PUT', `/v2.0/ports/${victim.portId}`, { port: change })
        await sleep(LOOKED_MS)
      }
    },
  },
  {
    name: 'neutron-plugged',
    lossless: false,
    tailMs: 2000,
    async speakers(scene) {
      const { sw, sender, victim, receiver } = scene
      await sw.vsctl('del-port', sw.bridge, sender.guest.name)
      await status(scene.load, sender.portId, 'DOWN')
      return [{ guest: sender.guest, kinds: fromThenOn(kindsOf(sender, victim, receiver)) }]
    },
    async inject(scene) {
      const { sw, sender, load } = scene
      const { name } = sender.guest
      const ids = { 'iface-id': sender.portId, 'attached-mac': `"${sender.mac}"` }
      const settings = Object.entries(ids).map(([key, value]) => `external_ids:${key}=${value}`)
      scene.struck()
      await sw.vsctl('add-port', sw.bridge, name, '--', 'set', 'Interface', name, ...settings)
      await status(load, sender.portId, 'ACTIVE')
    },
  },
]

/** At its start it writes all flows anew, and then deletes those that have a cookie of before. */
function restartedAfter(signal: 'SIGKILL' | 'SIGTERM'): Fault<NeutronScene>['inject'] {
  return async ({ neutron, sw }) => {
    const before = await cookiesOf(sw)
    await neutron.restartAgent(signal)
    await until('no flow is of before', async () => before.isDisjointFrom(await cookiesOf(sw)))
  }
}

async function cookiesOf({ ofctl, bridge }: Switch): Promise<ReadonlySet<string>> {
  const dump = await ofctl('dump-flows', '--no-stats', bridge)
  return new Set([...dump.matchAll(/cookie=(\w+)/g)].map(([, cookie = '']) => cookie))
}

async function status(load: Load, portId: string, wanted: string): Promise<void> {
  await until(`${portId} is ${wanted}`, async () => {
    const path = `/v2.0/ports/${portId}?fields=status`
    return (await load.ask<{ port: { status: string } }>('GET', path)).port.status === wanted
  })
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const latest = performance.now() + LONG_MS
  while (!(await holds())) {
    if (performance.now() > latest) throw new Error(`not within ${LONG_MS} ms: ${what}`)
    await sleep(100)
  }
}

export async function openNeutronScene(others: number): Promise<NeutronScene> {
  await using stack = new AsyncDisposableStack()
  const neutron = stack.use(await startNeutron('openvswitch'))
  const { sw, port } = neutron
  const { enclosure } = sw
  const load = stack.use(await startLoad({ enclosure, port, netOf: enclosure.pid }))
  const make = async <T>(noun: string, fields: object): Promise<T> =>
    (await load.ask<Record<string, T>>('POST', `/v2.0/${noun}s`, { [noun]: fields }))[noun] as T
  const { id: network_id } = await make<{ id: string }>('network', { name: 'net' })
  for (const [ip_version, cidr] of [
    [4, '10.0.0.0/16'],
    [6, 'fd00::/64'],
  ]) {
    await make('subnet', { network_id, ip_version, cidr, enable_dhcp: false, gateway_ip: null })
  }
  const station = async (name: string, fields: object = {}): Promise<Station> => {
    const made = declared(await make<PortBody>('port', { network_id, name, ...PLACED, ...fields }))
    const guest = await quietGuest(sw, name, made)
    await status(load, made.portId, 'ACTIVE')
    return { ...made, guest }
  }
  const open = { port_security_enabled: false, security_groups: [] }
  const receiver = await station('receiver', open)
  const victim = await station('victim')
  const sender = await station('sender')
  if (others > 0) {
    const wanted = times(others, (i) => ({ network_id, name: `crowd${i}`, ...PLACED }))
    const { ports } = await load.ask<{ ports: readonly PortBody[] }>('POST', '/v2.0/ports', {
      ports: wanted,
    })
    await sw.addPorts(
      ports.map(({ id, mac_address: mac }, i) => ({ name: `crowd${i}`, ifaceId: id, mac })),
    )
    for (const { id } of ports) await status(load, id, 'ACTIVE')
  }
  const moved = stack.move()
  return {
    sw,
    neutron,
    load,
    sender,
    receiver,
    victim,
    ...stopwatch(),
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  }
}
