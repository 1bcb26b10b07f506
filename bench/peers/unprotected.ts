// No protection: a learning switch, which is what there is to compare with. What does not pass here, no guard has held.

import { startSwitch } from '@portward/testkit'
import type { Peer } from './peer.ts'
import { plug } from './peer.ts'

export const unprotected: Peer = {
  name: 'none',
  async open(sides) {
    const sw = await startSwitch()
    await sw.ofctl('add-flow', sw.bridge, 'priority=0,actions=NORMAL')
    return {
      sw,
      ...(await plug(sw, sides)),
      vlan: 0,
      [Symbol.asyncDispose]: () => sw[Symbol.asyncDispose](),
    }
  },
}
