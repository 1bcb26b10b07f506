// The servers that `api` compares, each with the same networks and ports, and a client beside it.

import { openLab, progress } from './lab.ts'
import type { Load } from './load.ts'
import { startLoad } from './load.ts'
import { memoryOf } from './memory.ts'
import { startNeutron } from './neutron-server.ts'
import { filtered, makeNetwork, portOn, times } from './requests.ts'

/** How many ports the network has that is listed whole. */
export const PORTS = 500

export type Site = AsyncDisposable & {
  readonly load: Load
  readonly counts: Counts
  readonly declared: Declared
  /** MB of all its processes (PSS), without those of Open vSwitch. */
  readonly memory: () => Promise<number>
}

/** How many requests of each sort are a round: something like a second of them. */
export type Counts = {
  readonly read: number
  readonly whole: number
  readonly write: number
  /** After that a round is over: on a busy machine Neutron would take all day. */
  readonly seconds: number
}

export type Declared = {
  readonly network: string
  readonly ports: readonly Port[]
  /** A network without ports, to make some on. */
  readonly scratch: string
}

export type Port = {
  readonly id: string
  readonly mac_address: string
  readonly fixed_ips: readonly { readonly ip_address: string }[]
}

export async function openPortward(): Promise<Site> {
  await using stack = new AsyncDisposableStack()
  const lab = stack.use(await openLab())
  const portward = stack.use(await lab.start())
  const { enclosure } = lab.sw
  const port = Number(new URL(portward.url).port)
  const load = stack.use(await startLoad({ enclosure, port, netOf: process.pid }))
  return {
    load,
    counts: { read: 2000, whole: 100, write: 300, seconds: 10 },
    declared: await declare(load),
    memory: () => memoryOf([portward.pid]),
    ...kept(stack),
  }
}

export async function openNeutron(): Promise<Site> {
  await using stack = new AsyncDisposableStack()
  const { sw, port, memory } = stack.use(await startNeutron())
  const { enclosure } = sw
  const load = stack.use(await startLoad({ enclosure, port, netOf: enclosure.pid }))
  return {
    load,
    counts: { read: 100, whole: 8, write: 24, seconds: 3 },
    declared: await declare(load),
    memory,
    ...kept(stack),
  }
}

export async function portsOf(load: Load, network: string): Promise<readonly Port[]> {
  const { method, path } = filtered({ network_id: network })
  return (await load.ask<{ readonly ports: readonly Port[] }>(method, path)).ports
}

async function declare(load: Load): Promise<Declared> {
  const [network, scratch] = [await makeNetwork(load, 0), await makeNetwork(load, 1)]
  for (let there = 0; there < PORTS; there += 100) {
    progress(`declared ${there} of ${PORTS} ports`)
    await load.ask('POST', '/v2.0/ports', { ports: times(100, () => portOn(network)) })
  }
  return { network, scratch, ports: await portsOf(load, network) }
}

/** What was opened stays open until what this returns is disposed of. */
function kept(stack: AsyncDisposableStack): AsyncDisposable {
  const moved = stack.move()
  return { [Symbol.asyncDispose]: () => moved.disposeAsync() }
}
