// What has become of a port: declared, bound, seen on its host, acknowledged by its switch.

import { keys, parseHostKey } from '@portward/store'
import type { AppliedRecord, PortRecord, SeenRecord } from '@portward/store'
import type { Replica } from './replica.ts'

export type PortState = {
  /** ACTIVE exactly while it is applied and, by its admin_state_up, meant to speak. */
  readonly status: 'ACTIVE' | 'DOWN'
  /** A living host's switch has acknowledged what the port is now. */
  readonly applied: boolean
  /** Of its interface, once the switch has acknowledged; or what is still missing. */
  readonly state: SeenRecord['state'] | 'unbound' | 'hostDown' | 'unplugged' | 'pending'
  /** Why it isn't ACTIVE, or what its host has to say of it. */
  readonly reason: string | null
  readonly host: string
  readonly iface: string | null
  readonly ofport: number | null
  readonly flows: number
}

export function portState(port: Pick<PortRecord, 'id' | 'boundHost'>, replica: Replica): PortState {
  const host = port.boundHost
  const nothing = {
    status: 'DOWN',
    applied: false,
    host,
    iface: null,
    ofport: null,
    flows: 0,
  } as const
  if (host === '') {
    const reason = `no host has an interface with iface-id ${port.id}, and binding:host_id is empty`
    return { ...nothing, state: 'unbound', reason }
  }
  const seen = seenAt(port.id, host, replica)
  const at = { iface: seen?.iface ?? null, ofport: seen?.record.ofport ?? null }
  if (replica.alive.get(keys.hostAlive(host)) === undefined) {
    return { ...nothing, ...at, state: 'hostDown', reason: noAgent(host) }
  }
  const wanted = replica.hostPorts.get(keys.hostPort(host, port.id))
  const done = acknowledged(replica, host, port.id)
  if (wanted?.record.standby === true) {
    return { ...nothing, ...at, state: 'pending', reason: waitsFor(port.id, replica) }
  }
  if (wanted !== undefined && done !== undefined) {
    const { iface, ofport, flows } = done
    const state = seen?.record.state ?? (wanted.record.guarded ? 'guarded' : 'open')
    return {
      status: wanted.record.up ? 'ACTIVE' : 'DOWN',
      applied: true,
      state,
      reason: seen?.record.reason ?? null,
      host,
      iface,
      ofport,
      flows,
    }
  }
  const reason = whatIsMissing(replica, host, port.id)
  return { ...nothing, ...at, state: seen === undefined ? 'unplugged' : 'pending', reason }
}

/** Why the switch of a host whose agent lives has not acknowledged what the port is there now. */
export function whatIsMissing(replica: Replica, host: string, id: string): string {
  const seen = seenAt(id, host, replica)
  if (seen === undefined) return `host ${host} has no interface with iface-id ${id}`
  const why = disconnected(host, replica) ?? seen.record.reason
  return why ?? `the switch of host ${host} has not acknowledged it yet`
}

export function noAgent(host: string): string {
  return `no agent is alive on host ${host}: what its switch does is not known`
}

/** What the switch of a host has acknowledged of what the port is there now. What it did before it was lost may be gone with it. */
export function acknowledged(
  replica: Replica,
  host: string,
  id: string,
): AppliedRecord | undefined {
  const wanted = replica.hostPorts.get(keys.hostPort(host, id))
  const done = replica.applied.get(keys.hostAppliedPort(host, id))?.record
  if (wanted === undefined || done?.revision !== wanted.modified) return undefined
  return disconnected(host, replica) === undefined ? done : undefined
}

function waitsFor(id: string, replica: Replica): string {
  const from = replica.ports.get(id)?.record.leaving
  if (from === undefined) return 'it is about to be told that it may speak here'
  const there = seenAt(id, from, replica)
  const why = disconnected(from, replica) ?? there?.record.reason
  return (
    `it moves: it may speak here once the switch of host ${from} has acknowledged that it is silent there` +
    `${why === undefined ? '' : ` (${why})`}. If that takes long, unplug ${there?.iface ?? 'it'} there; ` +
    `where ${from} itself is lost, end its agent`
  )
}

/** Why what a host's switch has acknowledged may be so no longer, when that is so: it is lost, or another hand is at it. */
export function disconnected(host: string, replica: Replica): string | undefined {
  const alive = replica.alive.get(keys.hostAlive(host))?.record
  if (alive?.state === 'disturbed') {
    return `another hand has changed flows that all ports of host ${host} share: ${alive.notes.join('; ')}`
  }
  if (alive?.state !== 'connecting') return undefined
  return `host ${host} has no switch at the moment: ${alive.notes.join('; ')}`
}

export function seenAt(
  portId: string,
  host: string,
  replica: Replica,
): { readonly iface: string; readonly record: SeenRecord } | undefined {
  for (const key of replica.seenByPort.of(portId)) {
    const at = parseHostKey(key)
    const record = replica.seen.get(key)?.record
    if (at?.host === host && record !== undefined) return { iface: at.name, record }
  }
  return undefined
}
