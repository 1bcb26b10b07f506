// OVN: databases, northd and ovn-controller, and one logical switch.

import { startSwitch } from '@portward/testkit'
import { memoryOf } from '../memory.ts'
import { bound, crowd, ovnMissing, startOvn } from '../peers/ovn.ts'
import { at } from '../requests.ts'
import type { Peer } from './peer.ts'

export const ovn: Peer = {
  name: 'OVN',
  missing: ovnMissing,
  pace: { restarts: 3, warmUp: 5, toggles: 40, stillMs: 500 },
  async open(count) {
    await using stack = new AsyncDisposableStack()
    const sw = stack.use(await startSwitch())
    const { nbctl, restartController, setPortSecurity, pids } = await startOvn(sw)
    await nbctl('ls-add', 'net')
    const ports = await crowd(sw, { nbctl }, count, 'patch')
    await bound(nbctl, [at(ports, count - 1).name])
    const kept = stack.move()
    return {
      sw,
      async restart() {
        await restartController('SIGKILL')
        const started = performance.now()
        await nbctl('--wait=hv', 'sync')
        return started // the flows tell: its word comes later
      },
      async toggle(port, on) {
        const { name, owned } = at(ports, port)
        const asked = performance.now()
        await setPortSecurity(name, on ? [owned] : [])
        return asked
      },
      async memory() {
        const [controller = 0, ...others] = pids()
        const agent = await memoryOf([controller])
        return { agent, all: agent + (await memoryOf(others)) }
      },
      [Symbol.asyncDispose]: () => kept.disposeAsync(),
    }
  },
}
