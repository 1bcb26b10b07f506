// From plug to guard: an interface appears whose guest speaks already, honest frames and spoofed ones. None of the latter may
// pass, and the former shall soon. The time counts from the commit of the interface's row, so what the switch itself takes
// to make the port is in it; how long that is, a bridge without any guard shows.

import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { count, emit, startSwitch, transact } from '@portward/testkit'
import type { Guest, Switch } from '@portward/testkit'
import { progress } from '../lab.ts'
import { accountOf, framesIn } from './account.ts'
import { kindsOf } from './frames.ts'
import type { Identity, Kind } from './frames.ts'
import { RATE } from './run.ts'
import { openScene, quietGuest } from './scene.ts'

const PLUGGED_MS = 300
const UNPLUGGED_MS = 300

export type Plugs = {
  /** Milliseconds, one a plug. */
  readonly times: readonly number[]
  readonly spoofed: number
  readonly leaked: number
  /** Frames that the capture missed. */
  readonly missed: number
}

/** With so many other ports on the bridge. */
export async function plugs(others: number, times: number): Promise<Plugs> {
  await using scene = await openScene()
  await scene.crowd(others)
  const { sw, sender, victim, receiver } = scene
  const plugged = { sw, guest: sender.guest, receiver: receiver.guest, ifaceId: sender.portId }
  return await measure(plugged, kindsOf(sender, victim, receiver), times)
}

/** The same where every frame passes as soon as there is a port. */
export async function plugsUnguarded(others: number, times: number): Promise<Plugs> {
  await using sw = await startSwitch({ failMode: 'standalone' })
  const crowd = Array.from({ length: others }, (_, i) => `crowd${i}`)
  await sw.addPorts(crowd.map((name) => ({ name, ifaceId: name, type: 'patch' })))
  const [self, other, to] = [1, 2, 3].map(identity) as [Identity, Identity, Identity]
  const guest = await quietGuest(sw, 'sender', { ...self, portId: 'sender' })
  const receiver = await quietGuest(sw, 'receiver', { ...to, portId: 'receiver' })
  return await measure({ sw, guest, receiver, ifaceId: 'sender' }, kindsOf(self, other, to), times)
}

function identity(n: number): Identity {
  return { mac: `fa:16:3e:00:00:0${n}`, ip: `10.0.0.${n}`, ip6: `fd00::${n}` }
}

type Plugged = {
  readonly sw: Switch
  readonly guest: Guest
  readonly receiver: Guest
  readonly ifaceId: string
}

async function measure(
  { sw, guest, receiver, ifaceId }: Plugged,
  kinds: readonly Kind[],
  times: number,
): Promise<Plugs> {
  const placeOf = ({ pid }: Guest) => ({ enclosure: sw.enclosure, pid, device: 'eth0' })
  const unplug = (): Promise<string> => sw.vsctl('del-port', sw.bridge, guest.name)
  await unplug()
  await sleep(UNPLUGGED_MS)
  const frames = kinds.map(({ frame }) => frame)
  await using counter = await count(placeOf(receiver))
  await using emitter = await emit(placeOf(guest), frames, { rate: RATE, stream: 0 })
  const committed: number[] = []
  for (let i = 0; i < times; i++) {
    progress(`plug ${i + 1} of ${times}`)
    committed.push(await plug(sw, guest.name, ifaceId))
    await sleep(PLUGGED_MS)
    await unplug()
    await sleep(UNPLUGGED_MS)
  }
  const emitted = await emitter.stop()
  const counted = await counter.stop()
  const { spoofed, leaked } = accountOf([{ emitted, kinds }], counted, 0)
  const honest = counted.arrivals.filter(
    ({ number }) => kinds[number % kinds.length]?.nature === 'honest',
  )
  return {
    times: committed.map((at) => (honest.find((each) => each.at >= at)?.at ?? Infinity) - at),
    spoofed,
    leaked: framesIn(leaked),
    missed: counted.missed,
  }
}

/** Answers when the database has it, and gives that time: the switch has yet to make the port. */
async function plug(sw: Switch, name: string, ifaceId: string): Promise<number> {
  const external_ids = ['map', [['iface-id', ifaceId]]]
  await transact(join(sw.rundir, 'db.sock'), [
    { op: 'insert', table: 'Interface', 'uuid-name': 'iface', row: { name, external_ids } },
    {
      op: 'insert',
      table: 'Port',
      'uuid-name': 'port',
      row: { name, interfaces: ['named-uuid', 'iface'] },
    },
    {
      op: 'mutate',
      table: 'Bridge',
      where: [['name', '==', sw.bridge]],
      mutations: [['ports', 'insert', ['set', [['named-uuid', 'port']]]]],
    },
    { op: 'mutate', table: 'Open_vSwitch', where: [], mutations: [['next_cfg', '+=', 1]] },
  ])
  return performance.now()
}
