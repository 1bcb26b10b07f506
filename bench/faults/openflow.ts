// An OpenFlow connection that ends after any byte: a proxy stands in for BRIDGE.mgmt in a run directory of its own, and cuts.
//
//   portward ── cut/br-int.mgmt ── proxy ── br-int.mgmt ── ovs-vswitchd

import { setTimeout as sleep } from 'node:timers/promises'
import { mkdir, readdir, symlink } from 'node:fs/promises'
import { createConnection, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { join } from 'node:path'
import type { Switch } from '@portward/testkit'
import type { Fault } from './fault.ts'
import type { Scene } from './scene.ts'

const CUTS = 8
const BYTES_MAX = 12_000
const APART_MS = 150

export const openflowFaults: readonly Fault[] = [openflowCut()]

function openflowCut(): Fault {
  let wire: Cuttable | undefined
  return {
    name: 'openflow-cut',
    lossless: true,
    tailMs: 1500,
    async setting(sw) {
      const rundir = join(sw.rundir, 'cut')
      wire = await openCuttable(sw, rundir)
      return { rundir }
    },
    async inject(scene, random) {
      for (let i = 0; i < CUTS; i++) {
        wire?.cutAfter(Math.floor(random() * BYTES_MAX))
        await changeSender(scene, i)
        await sleep(APART_MS + random() * APART_MS)
      }
      wire?.cutAfter(Number.POSITIVE_INFINITY)
      await scene.portward().updatePort(scene.sender.portId, { allowed_address_pairs: [] })
    },
  }
}

/** What it may say beside what it says: flows come and go, and its frames must not notice. */
async function changeSender({ portward, sender }: Scene, i: number): Promise<void> {
  const pairs = i % 2 === 0 ? [{ ip_address: '10.0.77.0/24' }] : []
  const port = { allowed_address_pairs: pairs }
  await portward().ask('PUT', `/v2.0/ports/${sender.portId}`, { port })
}

type Cuttable = {
  /** So many bytes, of either direction, from now on. */
  readonly cutAfter: (bytes: number) => void
}

async function openCuttable(sw: Switch, rundir: string): Promise<Cuttable> {
  const mgmt = `${sw.bridge}.mgmt`
  await mkdir(rundir)
  for (const name of await readdir(sw.rundir)) {
    if (name !== mgmt) await symlink(join(sw.rundir, name), join(rundir, name))
  }
  let left = Number.POSITIVE_INFINITY
  const pipe = (from: Socket, to: Socket): void => {
    from.on('error', () => {})
    from.on('close', () => to.destroy())
    from.on('data', (chunk: Buffer) => {
      const passing = chunk.subarray(0, Math.max(0, Math.min(chunk.length, left)))
      left -= chunk.length
      if (left > 0) {
        to.write(passing)
        return
      }
      left = Number.POSITIVE_INFINITY // the next connection is a new one
      to.end(passing, () => from.destroy())
    })
  }
  const server: Server = createServer((near) => {
    const far = createConnection({ path: join(sw.rundir, mgmt) })
    pipe(near, far)
    pipe(far, near)
  })
  await new Promise<void>((resolve) => server.listen(join(rundir, mgmt), resolve))
  server.unref()
  return { cutAfter: (bytes) => void (left = bytes) }
}
