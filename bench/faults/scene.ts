// Where faults are injected: a switch, `portward up` beside it, and three guests.
//
//   sender, guarded ──► the switch ──► receiver, unguarded, on which a capture counts
//                          │
//                       victim, guarded: who the spoofed frames claim to be

import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import type { Guest, Portward, Switch } from '@portward/testkit'
import { startPortward, startSwitch } from '@portward/testkit'
import { declarePorts } from '../lab.ts'
import type { Setting } from './fault.ts'
import type { Identity } from './frames.ts'

export type Station = Identity & { readonly guest: Guest; readonly portId: string }

/** What a run needs, whoever guards the sender. */
export type Stage = {
  readonly sw: Switch
  readonly sender: Speaking
  readonly receiver: Speaking
  /** Who the spoofed frames claim to be. */
  readonly victim: Identity
  /** Now it has begun: times are told from here. */
  readonly struck: () => void
  readonly struckAt: () => number
}

type Speaking = Identity & { readonly guest: Guest }

export type Scene = AsyncDisposable &
  Stage & {
    readonly state: string
    readonly network: string
    readonly sender: Station
    readonly receiver: Station
    readonly victim: Station
    /** The one started last. */
    readonly portward: () => Portward
    /** Starts it as it was started first; answers when it is ready. The signal kills it. */
    readonly start: (signal?: AbortSignal) => Promise<Portward>
    /** Declares a port. */
    readonly declare: (fields: object) => Promise<Declared>
    /** A declared port, and a guest plugged for it whose own network stack says nothing. */
    readonly station: (name: string, fields?: object) => Promise<Station>
    /** Declares so many ports more, and plugs something for each that says nothing. */
    readonly crowd: (count: number) => Promise<void>
  }

export type Declared = Identity & { readonly portId: string }

export type PortBody = {
  readonly id: string
  readonly mac_address: string
  readonly fixed_ips: readonly { readonly ip_address: string }[]
}

export async function openScene(
  setting: (sw: Switch) => Promise<Setting> = async () => ({}),
): Promise<Scene> {
  await using stack = new AsyncDisposableStack()
  const sw = stack.use(await startSwitch())
  const { rundir, bridge } = sw
  const options = { rundir, bridge, state: join(rundir, 'portward'), ...(await setting(sw)) }
  const daemon = stack.use(
    restartable((signal) => startPortward({ ...options, flags: QUIET, ...signal })),
  )
  await daemon.start()
  const furnished = await furnish({ sw, state: options.state, ...daemon })
  const moved = stack.move()
  return { ...furnished, [Symbol.asyncDispose]: () => moved.disposeAsync() }
}

/** One that can be started again and again, always in the same way. */
export function restartable(
  begin: (signal: { readonly signal?: AbortSignal }) => Promise<Portward>,
): AsyncDisposable & Pick<Scene, 'portward' | 'start'> {
  let daemon: Portward | undefined
  return {
    portward() {
      if (daemon === undefined) throw new Error('portward was not started')
      return daemon
    },
    start: async (signal) => (daemon = await begin(signal === undefined ? {} : { signal })),
    [Symbol.asyncDispose]: async () => daemon?.[Symbol.asyncDispose](),
  }
}

/** Of a daemon: what is told of faults says enough. */
export const QUIET: readonly string[] = ['--log-level', 'warn']

/** A network, its guests, and the means to more, by a Portward that runs. */
export async function furnish(
  place: Pick<Scene, 'sw' | 'state' | 'portward' | 'start'>,
): Promise<Omit<Scene, typeof Symbol.asyncDispose>> {
  const { sw, portward } = place
  const network = await portward().create('network', { name: 'net' })
  const network_id = network.id
  await portward().create('subnet', { network_id, ip_version: 4, cidr: '10.0.0.0/16' })
  await portward().create('subnet', { network_id, ip_version: 6, cidr: 'fd00::/64' })
  const declare: Scene['declare'] = async (fields) =>
    declared(await portward().create<PortBody>('port', { network_id, ...fields }))
  const station: Scene['station'] = async (name, fields = {}) => {
    const made = await declare({ name, ...fields })
    const guest = await quietGuest(sw, name, made)
    await active(portward(), made.portId)
    return { ...made, guest }
  }
  const crowd: Scene['crowd'] = async (count) => {
    const ids = (await declarePorts(portward(), network_id, count)).map(({ id }) => id)
    await sw.addPorts(ids.map((ifaceId, i) => ({ name: `crowd${i}`, ifaceId, type: 'patch' })))
    for (const id of ids) await active(portward(), id)
  }
  const receiver = await station('receiver', { port_security_enabled: false })
  const victim = await station('victim')
  const sender = await station('sender')
  return {
    ...place,
    network: network_id,
    sender,
    receiver,
    victim,
    declare,
    station,
    crowd,
    ...stopwatch(),
  }
}

export function stopwatch(): Pick<Stage, 'struck' | 'struckAt'> {
  let at = 0
  return { struck: () => void (at = performance.now()), struckAt: () => at }
}

/** A guest that is heard only by what is sent from its raw device. */
export async function quietGuest(
  sw: Switch,
  name: string,
  { portId, mac }: Pick<Declared, 'portId' | 'mac'>,
): Promise<Guest> {
  const guest = await sw.addGuest({ name, ifaceId: portId, mac, ips: [] })
  await guest.run(['sh', '-c', 'echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6'])
  return guest
}

export async function active(portward: Portward, portId: string): Promise<void> {
  for (;;) {
    const { body } = await portward.ask('GET', `/v2.0/ports/${portId}`)
    if ((body as { port: { status: string } }).port.status === 'ACTIVE') return
    await sleep(10)
  }
}

export function declared({ id, mac_address: mac, fixed_ips }: PortBody): Declared {
  const of = (fits: (ip: string) => boolean): string =>
    fixed_ips.map(({ ip_address: ip }) => ip).find(fits) ?? ''
  return {
    portId: id,
    mac,
    ip: of((ip) => !ip.includes(':')),
    ip6: of((ip) => ip.includes(':')),
  }
}
