// What `scale` is run against: one bridge with many ports, each of them guarded, and whoever guards them.

import type { Switch } from '@portward/testkit'

export type Peer = {
  readonly name: string
  /** Why it cannot be measured here, and what to do about it. */
  readonly missing?: () => Promise<string | undefined>
  readonly pace: Pace
  /** Resolves when all of them are guarded. Each has an IPv4 and an IPv6 address, and nothing behind it. */
  readonly open: (ports: number) => Promise<Site>
}

/** How often things are done; and how long the flows must be still for a thing to be over. */
export type Pace = {
  readonly restarts: number
  readonly warmUp: number
  readonly toggles: number
  readonly stillMs: number
}

export type Site = AsyncDisposable & {
  readonly sw: Switch
  /** SIGKILL for what writes the flows, and a start. Gives the time (`performance.now()`) of its word that all is done. */
  readonly restart: () => Promise<number>
  /** Port security of one of the ports, by the API. Gives the time at which it was asked for. */
  readonly toggle: (port: number, on: boolean) => Promise<number>
  readonly memory: () => Promise<Memory>
}

/** MB (PSS): of what writes the flows, and of all processes but those of Open vSwitch. */
export type Memory = { readonly agent: number; readonly all: number }
