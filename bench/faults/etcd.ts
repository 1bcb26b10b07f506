// What befalls etcd and the server, where server and agent are apart: three members, and nothing else between the two.
//
//   server ──► etcd ──► agent ──► the switch
//
// The agent goes on with what it knows. Each fault is over when a change that the server takes is the switch's again.

import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import type { Etcd, EtcdMember } from '@portward/testkit'
import { startEtcd, startPortwardAgent, startPortwardServer, startSwitch } from '@portward/testkit'
import type { Fault } from './fault.ts'
import type { Scene } from './scene.ts'
import { QUIET, furnish, restartable } from './scene.ts'

const HELD_MS = 3000
/** Longer than the agent's lease. */
const FROZEN_MS = 12_000
const GONE_MS = 500
const BACK_MS = 30_000

/** Its `portward` is the server. */
export type ApartScene = Scene & { readonly etcd: Etcd }

export const etcdFaults: readonly Fault<ApartScene>[] = [
  {
    name: 'etcd-member-killed',
    lossless: true,
    async inject(scene) {
      const leader = await scene.etcd.leader()
      const followers = scene.etcd.members.filter((member) => member !== leader)
      await without(scene, followers.slice(1), changes)
    },
  },
  {
    name: 'etcd-leader-killed',
    lossless: true,
    inject: async (scene) => without(scene, [await scene.etcd.leader()], changes),
  },
  {
    name: 'etcd-majority-killed',
    lossless: true,
    async inject(scene, random) {
      const left = Math.floor(random() * scene.etcd.members.length)
      const gone = scene.etcd.members.filter((_, i) => i !== left)
      await without(scene, gone, refuses)
    },
  },
  {
    name: 'etcd-killed',
    lossless: true,
    inject: (scene) => without(scene, scene.etcd.members, refuses),
  },
  {
    name: 'etcd-frozen',
    lossless: true,
    async inject(scene) {
      const signal = (name: 'SIGSTOP' | 'SIGCONT'): void => {
        for (const { pid } of scene.etcd.members) process.kill(pid(), name)
      }
      signal('SIGSTOP')
      await refuses(scene)
      await sleep(FROZEN_MS)
      signal('SIGCONT')
      await scene.etcd.start()
      await changes(scene)
    },
  },
  {
    name: 'server-killed',
    lossless: true,
    async inject(scene, random) {
      await scene.portward().stop('SIGKILL')
      await sleep(random() * GONE_MS)
      await scene.start()
      await changes(scene)
    },
  },
]

/** `meanwhile` is what the server does without them. */
async function without(
  scene: ApartScene,
  members: readonly EtcdMember[],
  meanwhile: (scene: ApartScene) => Promise<void>,
): Promise<void> {
  await Promise.all(members.map((member) => member.stop('SIGKILL')))
  await meanwhile(scene)
  await sleep(HELD_MS)
  await scene.etcd.start()
  await changes(scene)
}

/** It takes a change, and the switch acknowledges it, both within BACK_MS. */
async function changes({ portward, victim }: ApartScene): Promise<void> {
  const until = performance.now() + BACK_MS
  for (const on of [false, true]) {
    for (;;) {
      try {
        await portward().updatePort(victim.portId, { port_security_enabled: on })
        break
      } catch (error) {
        if (performance.now() > until) throw error
        await sleep(100)
      }
    }
  }
}

/** Whether it is done all the same is known only later: frozen members have it still. */
async function refuses({ portward, victim }: ApartScene): Promise<void> {
  const port = { name: `not now, ${Date.now()}` }
  const { status } = await portward().ask('PUT', `/v2.0/ports/${victim.portId}`, { port })
  if (status !== 503) throw new Error(`it answers ${status}, and can have written nothing`)
}

export async function openApartScene(others: number): Promise<ApartScene> {
  await using stack = new AsyncDisposableStack()
  const sw = stack.use(await startSwitch())
  const etcd = stack.use(await startEtcd())
  const flags = [...QUIET, '--store', `etcd:${etcd.endpoints.join(',')}`]
  const server = stack.use(restartable((signal) => startPortwardServer({ flags, ...signal })))
  await server.start()
  const { rundir, bridge } = sw
  const state = join(rundir, 'portward')
  const host = ['--host', 'bench']
  stack.use(await startPortwardAgent({ rundir, bridge, state, flags: [...flags, ...host] }))
  const furnished = await furnish({ sw, state, ...server })
  await furnished.crowd(others)
  const moved = stack.move()
  return { ...furnished, etcd, [Symbol.asyncDispose]: () => moved.disposeAsync() }
}
