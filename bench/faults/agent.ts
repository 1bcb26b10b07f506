// What befalls Portward itself. The switch judges on by the flows that it has.

import { setTimeout as sleep } from 'node:timers/promises'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { run as runCommand } from '@portward/testkit'
import type { Fault } from './fault.ts'
import type { Scene } from './scene.ts'

const STOPPED_MS = 3000
const GONE_MS = 500
const CLOCK = pathToFileURL(join(import.meta.dirname, 'clock.ts')).href
const SKEWS_S = [3600, -3600, 86_400 * 400, -86_400 * 400, 0]
/** Of address space: less than it has, so the next that it asks for is refused. */
const STARVED_BYTES = 64 << 20

export const agentFaults: readonly Fault[] = [
  { name: 'nothing', lossless: true, inject: () => sleep(1000) },
  {
    name: 'unguarded',
    lossless: true,
    opens: 'must',
    async inject({ portward, sender }) {
      await portward().updatePort(sender.portId, { port_security_enabled: false })
      await sleep(100)
      await portward().updatePort(sender.portId, { port_security_enabled: true })
    },
  },
  { name: 'agent-killed', lossless: true, inject: restartedAfter('SIGKILL') },
  { name: 'agent-terminated', lossless: true, inject: restartedAfter('SIGTERM') },
  {
    name: 'agent-killed-at-start',
    lossless: true,
    tailMs: 300,
    async inject(scene, random) {
      await scene.portward().stop('SIGKILL')
      const early = new AbortController()
      setTimeout(() => early.abort(), random() * 700)
      await scene.start(early.signal).catch(() => {})
      await scene.portward().stop('SIGKILL')
      await scene.start()
    },
  },
  { name: 'agent-stopped', lossless: true, inject: stoppedFor(STOPPED_MS) },
  { name: 'agent-stopped-a-minute', lossless: true, slow: true, inject: stoppedFor(60_000) },
  {
    name: 'agent-starved',
    lossless: true,
    async inject(scene) {
      const daemon = scene.portward()
      await runCommand(['prlimit', '--pid', String(daemon.pid), `--as=${STARVED_BYTES}`])
      const alive = { now: true }
      void daemon.ended.then(() => (alive.now = false))
      while (alive.now) {
        const ports = Array.from({ length: 200 }, () => ({ network_id: scene.network }))
        await daemon.ask('POST', '/v2.0/ports', { ports }).catch(() => sleep(10))
      }
      await scene.start()
    },
  },
  {
    name: 'clock-set',
    lossless: true,
    setting: async (sw) => ({
      env: { NODE_OPTIONS: `--import=${CLOCK}`, BENCH_CLOCK: join(sw.rundir, 'clock') },
    }),
    async inject(scene) {
      const file = join(scene.sw.rundir, 'clock')
      for (const skew of SKEWS_S) {
        await writeFile(file, String(skew * 1000))
        await change(scene)
      }
      await rm(file)
    },
  },
]

function stoppedFor(ms: number): Fault['inject'] {
  return async ({ portward }) => {
    const { pid } = portward()
    process.kill(pid, 'SIGSTOP')
    await sleep(ms)
    process.kill(pid, 'SIGCONT')
  }
}

function restartedAfter(signal: 'SIGKILL' | 'SIGTERM'): Fault['inject'] {
  return async (scene, random) => {
    await scene.portward().stop(signal)
    await sleep(random() * GONE_MS)
    await scene.start()
  }
}

/** Something for it to do meanwhile. */
async function change({ portward, victim }: Scene): Promise<void> {
  for (const on of [false, true]) {
    await portward().updatePort(victim.portId, { port_security_enabled: on })
  }
  await sleep(300)
}
