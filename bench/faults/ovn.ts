// The same for OVN, as far as it has such parts: ovn-controller in the place of our agent. Its figures have no limits here.
// The sender's logical port has port_security, the receiver's has none (../peers/ovn.ts).

import { setTimeout as sleep } from 'node:timers/promises'
import { startSwitch } from '@portward/testkit'
import { bound, crowd, network, startOvn } from '../peers/ovn.ts'
import type { Ovn } from '../peers/ovn.ts'
import type { Fault } from './fault.ts'
import { fromThenOn, kindsOf } from './frames.ts'
import type { Identity } from './frames.ts'
import type { Stage } from './scene.ts'
import { quietGuest, stopwatch } from './scene.ts'

const BACK_MS = 6000
const TOGGLES = 10

export type OvnScene = AsyncDisposable & Stage & { readonly ovn: Ovn }

export const ovnFaults: readonly Fault<OvnScene>[] = [
  { name: 'ovn-nothing', lossless: true, inject: () => sleep(1000) },
  {
    name: 'ovn-controller-killed',
    lossless: true,
    tailMs: BACK_MS,
    inject: ({ ovn }) => ovn.restartController('SIGKILL'),
  },
  {
    name: 'ovn-controller-terminated',
    lossless: true,
    tailMs: BACK_MS,
    inject: ({ ovn }) => ovn.restartController('SIGTERM'),
  },
  {
    name: 'ovn-vswitchd-killed',
    lossless: false,
    tailMs: BACK_MS,
    inject: ({ sw }) => sw.restartVswitchd('SIGKILL'),
  },
  {
    name: 'ovn-flows-deleted',
    lossless: false,
    tailMs: BACK_MS,
    inject: async ({ sw }) => void (await sw.ofctl('del-flows', sw.bridge)),
    // It does not look at what the switch has, and would never know.
    async restore({ ovn }) {
      await ovn.restartController('SIGKILL')
      await sleep(BACK_MS)
    },
  },
  {
    name: 'ovn-other-toggled',
    lossless: true,
    async inject({ ovn, receiver }) {
      for (let i = 0; i < TOGGLES; i++) {
        const owned = i % 2 === 0 ? `${receiver.mac} ${receiver.ip} ${receiver.ip6}` : ''
        await ovn.nbctl('--wait=hv', 'lsp-set-port-security', 'receiver', owned)
      }
    },
  },
  {
    name: 'ovn-plugged',
    lossless: false,
    tailMs: 2000,
    async speakers({ sw, sender, victim, receiver }) {
      await sw.vsctl('del-port', sw.bridge, sender.guest.name)
      await sleep(300)
      return [{ guest: sender.guest, kinds: fromThenOn(kindsOf(sender, victim, receiver)) }]
    },
    async inject(scene) {
      const { sw, sender } = scene
      const { name } = sender.guest
      scene.struck()
      const identity = 'external_ids:iface-id=sender'
      await sw.vsctl('add-port', sw.bridge, name, '--', 'set', 'Interface', name, identity)
    },
  },
]

export async function openOvnScene(others: number): Promise<OvnScene> {
  const sw = await startSwitch()
  try {
    const ovn = await startOvn(sw)
    const [self, other, to] = [3, 2, 1].map(identity) as [Identity, Identity, Identity]
    await ovn.nbctl(...network({ sender: self, receiver: to }))
    const receiver = await quietGuest(sw, 'receiver', { mac: to.mac, portId: 'receiver' })
    const sender = await quietGuest(sw, 'sender', { mac: self.mac, portId: 'sender' })
    await crowd(sw, ovn, others, 'dummy')
    await Promise.race([bound(ovn.nbctl), ovn.over])
    return {
      sw,
      ovn,
      sender: { ...self, guest: sender },
      receiver: { ...to, guest: receiver },
      victim: other,
      ...stopwatch(),
      [Symbol.asyncDispose]: () => sw[Symbol.asyncDispose](),
    }
  } catch (error) {
    await sw[Symbol.asyncDispose]()
    throw error
  }
}

function identity(n: number): Identity {
  return { mac: `fa:16:3e:00:00:0${n}`, ip: `10.0.0.${n}`, ip6: `fd00::${n}` }
}
