// What a fault lets through and what it loses: numbered frames flow through a real switch, thousands a second, half of them
// honest and half spoofed, while something is killed, cut, filled up or changed behind Portward's back at a random moment.
// Of every number it is known when it was sent and whether it came, so a hole of a millisecond shows, and so does its time.
//
//   sender, guarded ──► the switch ──► receiver, on which a capture counts          (faults/scene.ts)
//
// A spoofed frame must never arrive. An honest one must where the switch and its flows survive the fault; elsewhere the loss
// is a figure, and so is the time to recovery. Frames for which the switch had no time (`unread`) say that the machine is too
// busy, as does a loss in the run in which nothing happens. With its database gone, Open vSwitch itself reads nothing for a second
// in its userspace datapath.
//
// What befalls etcd befalls a server and an agent apart from each other (faults/etcd.ts).
//
// Beside it, the same for OVN, and for Neutron's agent where Neutron is installed: script/setup bench does that, and script/bench has it
// done where all benches are run, or a fault of Neutron's is asked for by name.
//
//   --rounds N        of each fault; default 5
//   --only NAME,…     of the faults, and `plug`
//   --ports N         others on the bridge, which say nothing; default none
//   --seed N          for the same random moments again; default: one at random, which is told

import { agentFaults } from './faults/agent.ts'
import { etcdFaults, openApartScene } from './faults/etcd.ts'
import type { Fault } from './faults/fault.ts'
import { flowFaults } from './faults/flows.ts'
import { neutronFaults, openNeutronScene } from './faults/neutron.ts'
import { openflowFaults } from './faults/openflow.ts'
import { openOvnScene, ovnFaults } from './faults/ovn.ts'
import { plugs, plugsUnguarded } from './faults/plug.ts'
import { portFaults } from './faults/ports.ts'
import { randomOf } from './faults/random.ts'
import type { Run } from './faults/run.ts'
import { RATE, run } from './faults/run.ts'
import type { Scene, Stage } from './faults/scene.ts'
import { openScene } from './faults/scene.ts'
import { storeFaults } from './faults/store.ts'
import { switchFaults } from './faults/switch.ts'
import type { Told } from './faults/tell.ts'
import { tell, tellFailed, tellPlugs } from './faults/tell.ts'
import type { Result } from './figures.ts'
import { progress } from './lab.ts'
import { neutronMissing } from './neutron-server.ts'
import { ovn } from './peers/ovn.ts'

const all: readonly Fault[] = [
  ...agentFaults,
  ...storeFaults,
  ...switchFaults,
  ...openflowFaults,
  ...flowFaults,
  ...portFaults,
]

const PLUG = 'plug'
/** Of a round of the others. */
const PLUGS = 4
const PLUG_PORTS = [1, 1000]

export type FaultsOptions = {
  readonly rounds?: number
  readonly only?: readonly string[]
  readonly seed?: number
  readonly ports?: number
}

export async function faults(options: FaultsOptions = {}): Promise<Result> {
  const { rounds = 5, seed = Math.floor(Math.random() * 2 ** 32), ports = 0 } = options
  const slow = all.filter((fault) => fault.slow).map(({ name }) => name)
  const names = [
    ...[...all, ...etcdFaults, ...ovnFaults, ...neutronFaults].map(({ name }) => name),
    PLUG,
  ]
  const { only = names.filter((name) => !slow.includes(name)) } = options
  const unknown = only.filter((name) => !names.includes(name))
  if (unknown.length > 0) {
    throw new Error(`no fault ${unknown.join(', ')}; there are ${names.join(', ')}`)
  }
  const chosen = <S extends Stage>(faults: readonly Fault<S>[]): readonly Fault<S>[] =>
    faults.filter(({ name }) => only.includes(name))
  const told: Told[] = []
  for (const fault of chosen(all)) {
    const open = async (): Promise<Scene> => {
      const scene = await openScene(fault.setting)
      await scene.crowd(ports)
      return scene
    }
    told.push(await toldOf(fault, open, { rounds, seed }))
  }
  for (const fault of chosen(etcdFaults)) {
    told.push(await toldOf(fault, () => openApartScene(ports), { rounds, seed }))
  }
  if (only.includes(PLUG)) {
    for (const count of PLUG_PORTS) {
      const guarded = await plugs(count, PLUGS * rounds)
      const bare = await plugsUnguarded(count, PLUGS * rounds)
      told.push(tellPlugs(`${PLUG}, ${count} other port${count === 1 ? '' : 's'}`, guarded, bare))
    }
  }
  const notes = [`seed ${seed}; ${RATE} frames a second; ${ports} other ports`]
  const peer = async <S extends Stage & AsyncDisposable>(
    name: string,
    missing: string | undefined,
    faults: readonly Fault<S>[],
    open: () => Promise<S>,
  ): Promise<void> => {
    if (faults.length === 0) return
    if (missing !== undefined) notes.push(`${name}: not measured: ${missing}`)
    for (const fault of missing === undefined ? faults : []) {
      const its = await toldOf(fault, open, { rounds, seed })
      told.push({ ...its, limits: [] })
    }
  }
  await peer('OVN', await ovn.missing?.(), chosen(ovnFaults), () => openOvnScene(ports))
  await peer('Neutron', await neutronMissing(), chosen(neutronFaults), () =>
    openNeutronScene(ports),
  )
  return {
    bench: 'faults: frames leaked and lost, times in ms after the fault',
    rows: told.map(({ row }) => row),
    notes: [...notes, ...told.flatMap((each) => each.notes)],
    limits: told.flatMap((each) => each.limits),
  }
}

async function toldOf<S extends Stage & AsyncDisposable>(
  fault: Fault<S>,
  open: () => Promise<S>,
  { rounds, seed }: { readonly rounds: number; readonly seed: number },
): Promise<Told> {
  progress(`${fault.name}: the switch starts`)
  try {
    await using scene = await open()
    const random = randomOf(seed)
    const runs: Run[] = []
    for (let round = 1; round <= rounds; round++) {
      progress(`${fault.name}: round ${round} of ${rounds}`)
      runs.push(await run(scene, fault, random))
    }
    return tell(fault, runs)
  } catch (why) {
    return tellFailed(fault, why)
  }
}
