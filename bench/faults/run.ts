// One run of a fault: frames begin to flow, at a random moment the fault strikes, and what came is counted.

import { setTimeout as sleep } from 'node:timers/promises'
import { count, emit } from '@portward/testkit'
import type { Guest } from '@portward/testkit'
import type { Account, Spoken } from './account.ts'
import { accountOf } from './account.ts'
import type { Fault, Speaker } from './fault.ts'
import { TAIL_MS } from './fault.ts'
import { kindsOf } from './frames.ts'
import type { Stage } from './scene.ts'

/** Half of them honest. */
export const RATE = 4400
const DEVICE = 'eth0'
const [CALM_MS, MOMENT_MS, ARRIVAL_MS] = [300, 400, 100]
const TRIES = 3

export type Run = Account & {
  /** Frames that the switch's own sockets had no room for: they were lost before any flow saw them. */
  readonly unread: number
}

/** A run of which the capture missed something says nothing, and is done again. */
export async function run<S extends Stage>(
  scene: S,
  fault: Fault<S>,
  random: () => number,
): Promise<Run> {
  for (let tries = 1; ; tries++) {
    const made = await once(scene, fault, random)
    if (made !== undefined) return made
    if (tries === TRIES) throw new Error(`${fault.name}: the capture missed frames ${TRIES} times`)
  }
}

async function once<S extends Stage>(
  scene: S,
  fault: Fault<S>,
  random: () => number,
): Promise<Run | undefined> {
  const { enclosure } = scene.sw
  const placeOf = (guest: Guest) => ({ enclosure, pid: guest.pid, device: DEVICE })
  const speakers = (await fault.speakers?.(scene)) ?? [senderOf(scene)]
  const before = await unread(scene)
  await using counter = await count(placeOf(scene.receiver.guest))
  await using emitters = new AsyncDisposableStack()
  const emitting = []
  for (const [stream, { guest, kinds }] of speakers.entries()) {
    const frames = kinds.map(({ frame }) => frame)
    const emitter = await emit(placeOf(guest), frames, { rate: RATE, stream })
    emitting.push({ emitter: emitters.use(emitter), kinds })
  }
  await sleep(CALM_MS + random() * MOMENT_MS)
  scene.struck()
  await fault.inject(scene, random)
  await sleep(fault.tailMs ?? TAIL_MS)
  const spoken: Spoken[] = []
  for (const { emitter, kinds } of emitting) spoken.push({ emitted: await emitter.stop(), kinds })
  await sleep(ARRIVAL_MS)
  const counted = await counter.stop()
  const after = await unread(scene)
  await fault.restore?.(scene)
  const unsure = counted.missed > 0 || spoken.some(({ emitted }) => emitted.refused > 0)
  if (unsure) return undefined
  // A restart makes new sockets, which count from zero.
  const skipped = Math.max(0, after - before)
  return { ...accountOf(spoken, counted, scene.struckAt()), unread: skipped }
}

function senderOf({ sender, victim, receiver }: Stage): Speaker {
  return { guest: sender.guest, kinds: kindsOf(sender, victim, receiver) }
}

/** What ss(8) says of packet sockets in the switch's network: `d` is what was dropped. */
async function unread({ sw, sender }: Stage): Promise<number> {
  const { stdout } = await sw.enclosure.run(['ss', '-0', '-n', '-m'])
  const sockets = stdout.replaceAll(/\n\s+/g, ' ').split('\n')
  const its = sockets.filter((line) => line.includes(`:${sender.guest.name} `))
  const drops = its.map((line) => Number(/,d(\d+)\)/.exec(line)?.[1] ?? 0))
  return drops.reduce((sum, each) => sum + each, 0)
}
