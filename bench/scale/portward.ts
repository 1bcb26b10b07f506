// Portward: server, agent and store in one process.

import { openLab } from '../lab.ts'
import { memoryOf } from '../memory.ts'
import { put } from '../put.ts'
import { at } from '../requests.ts'
import type { Peer } from './peer.ts'

export const portward: Peer = {
  name: 'Portward',
  pace: { restarts: 3, warmUp: 20, toggles: 40, stillMs: 300 },
  async open(count) {
    await using stack = new AsyncDisposableStack()
    const lab = stack.use(await openLab())
    let daemon = await lab.start()
    stack.defer(() => daemon[Symbol.asyncDispose]())
    const ports = await lab.populate(daemon, count)
    const kept = stack.move()
    return {
      sw: lab.sw,
      async restart() {
        await daemon.stop('SIGKILL')
        daemon = await lab.start()
        return performance.now()
      },
      toggle(port, on) {
        const url = `${daemon.url}/v2.0/ports/${at(ports, port).id}?wait=applied`
        return put(url, { port: { port_security_enabled: on } })
      },
      async memory() {
        const mb = await memoryOf([daemon.pid])
        return { agent: mb, all: mb }
      },
      [Symbol.asyncDispose]: () => kept.disposeAsync(),
    }
  },
}
