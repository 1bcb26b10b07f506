// What befalls the state. What Portward cannot read, it does not act by: it ends, and the flows stay.

import { setTimeout as sleep } from 'node:timers/promises'
import { copyFile, open, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Fault } from './fault.ts'
import type { Scene } from './scene.ts'

const DISK = '2m'
const HELD_MS = 500
const PAGE = 4096

export const storeFaults: readonly Fault[] = [
  {
    name: 'store-locked',
    lossless: true,
    async inject(scene) {
      await scene.portward().stop('SIGKILL')
      const other = new DatabaseSync(fileOf(scene))
      other.exec('BEGIN EXCLUSIVE')
      await refuses(scene)
      other.close()
      await scene.start()
    },
  },
  {
    name: 'store-corrupt',
    lossless: true,
    async inject(scene, random) {
      await scene.portward().stop('SIGTERM')
      const file = fileOf(scene)
      await copyFile(file, `${file}.good`)
      await damage(file, random)
      await refuses(scene)
      await rm(`${file}-wal`, { force: true })
      await copyFile(`${file}.good`, file)
      await scene.start()
    },
  },
  {
    name: 'disk-full',
    lossless: true,
    // A file system of its own, that goes with the process.
    setting: async ({ rundir }) => ({
      within: ['unshare', '--mount', 'sh', '-c', MOUNTED, join(rundir, 'portward')],
    }),
    async inject(scene) {
      const { portward, network, victim } = scene
      const ballast = `/proc/${portward().pid}/root${scene.state}/ballast`
      await writeFile(ballast, Buffer.alloc(64 << 20)).catch(() => {}) // as much as there is room for
      for (let i = 0; i < 20; i++) {
        await portward().ask('POST', '/v2.0/ports', { port: { network_id: network } })
        await portward().ask('PUT', `/v2.0/ports/${victim.portId}`, { port: { name: `v${i}` } })
      }
      await sleep(HELD_MS)
      await rm(ballast)
      await portward().updatePort(victim.portId, { name: 'victim' })
    },
  },
]

const MOUNTED = `mkdir -p "$0" && mount -t tmpfs -o size=${DISK},mode=0700 tmpfs "$0" && exec "$@"`

function fileOf({ state }: Scene): string {
  return join(state, 'portward.db')
}

async function refuses(scene: Scene): Promise<void> {
  const started = await scene.start().catch(() => undefined)
  if (started !== undefined) throw new Error('it started, by a state that it cannot have read')
}

/** Random bytes over a page of the tables; the first has what tells the file from others. */
async function damage(file: string, random: () => number): Promise<void> {
  const handle = await open(file, 'r+')
  const { size } = await handle.stat()
  for (let at = PAGE; at < size; at += PAGE) {
    const junk = Buffer.from(Array.from({ length: PAGE }, () => Math.floor(random() * 256)))
    await handle.write(junk, 0, PAGE, at)
  }
  await handle.close()
}
