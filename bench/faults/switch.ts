// What befalls the switch. Without its flows it says nothing until it is told anew: fail_mode is secure.

import { flowLines, reachable } from '../lab.ts'
import type { Fault } from './fault.ts'
import type { Scene } from './scene.ts'

const BACK_MS = 3000

export const switchFaults: readonly Fault[] = [
  {
    name: 'vswitchd-killed',
    lossless: false,
    tailMs: BACK_MS,
    inject: ({ sw }) => sw.restartVswitchd('SIGKILL'),
  },
  {
    name: 'vswitchd-restarted',
    lossless: false,
    tailMs: BACK_MS,
    inject: ({ sw }) => sw.restartVswitchd(),
  },
  {
    // What the service of Open vSwitch does (`ovs-ctl restart`): the switch waits until the flows of before are written back.
    name: 'vswitchd-restored',
    lossless: false,
    tailMs: BACK_MS,
    async inject({ sw }) {
      const flows = await flowLines(sw)
      await sw.vsctl('set', 'Open_vSwitch', '.', 'other_config:flow-restore-wait=true')
      await sw.restartVswitchd()
      await reachable(sw)
      await sw.ofctlWith(flows.join('\n'), '--bundle', 'add-flows', sw.bridge, '-')
      await sw.vsctl('remove', 'Open_vSwitch', '.', 'other_config', 'flow-restore-wait')
    },
  },
  {
    name: 'ovsdb-killed',
    lossless: true,
    tailMs: BACK_MS,
    inject: ({ sw }) => sw.restartOvsdb('SIGKILL'),
  },
  {
    name: 'bridge-remade',
    lossless: false,
    tailMs: BACK_MS,
    async inject(scene) {
      const { sw } = scene
      await sw.vsctl('del-br', sw.bridge)
      const settings = [`datapath_type=${sw.datapath}`, 'fail_mode=secure']
      await sw.vsctl('add-br', sw.bridge, '--', 'set', 'Bridge', sw.bridge, ...settings)
      for (const port of portsOf(scene)) await sw.vsctl(...port)
    },
  },
  {
    // What a script that sets a host up does: there is no moment in which the bridge is there and the ports are not.
    name: 'bridge-remade-at-once',
    lossless: false,
    tailMs: BACK_MS,
    async inject(scene) {
      const { sw } = scene
      const settings = [`datapath_type=${sw.datapath}`, 'fail_mode=secure']
      const bridge = ['add-br', sw.bridge, '--', 'set', 'Bridge', sw.bridge, ...settings]
      const ports = portsOf(scene).flatMap((port) => ['--', ...port])
      await sw.vsctl('del-br', sw.bridge, '--', ...bridge, ...ports)
    },
  },
]

function portsOf({ sw, sender, receiver, victim }: Scene): readonly (readonly string[])[] {
  return [sender, receiver, victim].map(({ guest: { name }, portId }) => {
    const identity = `external_ids:iface-id=${portId}`
    return ['add-port', sw.bridge, name, '--', 'set', 'Interface', name, identity]
  })
}
