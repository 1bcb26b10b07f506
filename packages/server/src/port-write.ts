// Everything a change of a port touches, in one transaction: the port, the MAC and addresses that are its alone on the
// network, and what its host must enforce.
//
//   ports/ID  unique/mac/NET/MAC  unique/ip/NET/IP  members/NET  hosts/H/ports/ID

import type { HostPortRecord, Op, PortRecord, Compare } from '@portward/store'
import { keys, records } from '@portward/store'
import { isTrusted } from './device-owner.ts'
import { changesOf } from './history.ts'
import { port } from './port.ts'
import { hostOf } from './replica.ts'
import type { Replica } from './replica.ts'
import type { Stored } from './table.ts'
import { tieOf, withTie } from './tied.ts'
import type { Writes } from './writes.ts'

/** What the port's host must enforce. */
export function hostPortOf(port: PortRecord, replica: Replica): HostPortRecord {
  return {
    portId: port.id,
    networkId: port.networkId,
    mac: port.mac,
    ips: port.fixedIps.map(({ ip }) => ip),
    allowedAddressPairs: port.allowedAddressPairs.map(({ mac, prefix }) => ({ mac, prefix })),
    guarded: port.portSecurityEnabled && !isTrusted(port.deviceOwner),
    up: port.adminStateUp,
    // Last, where a record from before there were these gets their defaults: so it is the same text, and isn't written anew.
    checks: port.checks,
    vlan: replica.networks.get(port.networkId)?.record.provider.segmentationId ?? 0,
  }
}

/**
 * Where a port is enforced: on the host the API was told; else where its interface is seen. It stays where it is while its
 * interface is seen there by a living agent, and while it is seen nowhere. The row of a device that is gone counts where there is
 * nothing better: a new one is a row too, before the switch gives it a number.
 */
export function homeOf(
  port: Pick<PortRecord, 'id' | 'hostId' | 'boundHost'>,
  replica: Replica,
): string {
  if (port.hostId !== '') return port.hostId
  const seen = [...replica.seenByPort.of(port.id)].sort()
  const living = seen.filter((key) => replica.alive.get(keys.hostAlive(hostOf(key))) !== undefined)
  const there = living.filter((key) => replica.seen.get(key)?.record.ofport !== null)
  const candidates = [there, living, seen].find((found) => found.length > 0)?.map(hostOf) ?? []
  return candidates.includes(port.boundHost) ? port.boundHost : (candidates[0] ?? port.boundHost)
}

/** From what the replica has of a port (undefined: nothing) to what it shall be (undefined: gone). */
export function portWrites(
  replica: Replica,
  before: Stored<PortRecord> | undefined,
  wanted: PortRecord | undefined,
): Writes {
  const after = before && wanted ? moved(before.record, wanted, replica) : wanted
  const id = after?.id ?? before?.record.id ?? ''
  const compares: Compare[] = [{ key: keys.port(id), modified: before?.modified ?? 0 }]
  const last = before && after && lastOf(before.record, after)
  // It speaks at once, because that one was silent: it still has to be.
  if (last !== undefined && after?.leaving === undefined)
    compares.push(...silence(replica, last, id))
  const ops: Op[] = [
    after === undefined
      ? { type: 'delete', key: keys.port(id) }
      : { type: 'put', key: keys.port(id), value: records.port.encode(after) },
  ]
  const owner = records.owner.encode({ portId: id })
  const had = before === undefined ? [] : uniqueKeys(before.record)
  const has = after === undefined ? [] : uniqueKeys(after)
  for (const key of had) if (!has.includes(key)) ops.push({ type: 'delete', key })
  for (const key of has) {
    if (had.includes(key)) continue
    compares.push({ key, modified: 0 })
    ops.push({ type: 'put', key, value: owner })
  }
  if (after !== undefined && has.some((key) => !had.includes(key))) {
    ops.push({ type: 'put', key: keys.networkMembers(after.networkId), value: owner })
  }
  ops.push(...hostWrites(replica, id, before?.record, after))
  // No interface shall be a port that isn't there.
  for (const key of after === undefined ? replica.plugsByPort.of(id) : []) {
    compares.push({ key, modified: replica.plugs.get(key)?.modified ?? 0 })
    ops.push({ type: 'delete', key })
  }
  const changes = changesOf(port, replica, before?.record, after)
  const tie = after === undefined ? tieOf(replica, id) : null
  if (before === undefined || tie === null) return { compares, ops, changes }
  return { compares, ops, changes: withTie(changes, before.record, tie, null) }
}

/** Who relies on no port joining the network compares it. */
export function joined(replica: Replica, networkId: string): Compare {
  const modified = replica.members.get(networkId)?.modified ?? 0
  return { key: keys.networkMembers(networkId), modified }
}

/** Written only when it differs: what is written, the host's agent has to apply and acknowledge anew. */
export function hostWrites(
  replica: Replica,
  id: string,
  before: PortRecord | undefined,
  after: PortRecord | undefined,
): readonly Op[] {
  const has = after === undefined ? [] : hostsOf(after)
  const ops: Op[] = (before === undefined ? [] : hostsOf(before))
    .filter((host) => !has.includes(host))
    .map((host) => ({ type: 'delete', key: keys.hostPort(host, id) }))
  if (after === undefined) return ops
  const record = hostPortOf(after, replica)
  for (const host of has) {
    const key = keys.hostPort(host, id)
    const value = records.hostPort.encode(
      speaksAt(after, host) ? record : { ...record, standby: true },
    )
    const there = replica.hostPorts.get(key)
    if (there === undefined || records.hostPort.encode(there.record) !== value) {
      ops.push({ type: 'put', key, value })
    }
  }
  return ops
}

/** Where there is something to enforce of it: where it speaks or is about to, where it is to be moved, where it must fall silent. */
function hostsOf(port: PortRecord): readonly string[] {
  const hosts = [port.boundHost, ...standbyHosts(port), port.leaving ?? '']
  return [...new Set(hosts)].filter((host) => host !== '')
}

/** Hosts that are to be ready for it, by a binding of their own or as Nova says it without those: binding:profile's migrating_to. */
function standbyHosts({ boundHost, standby = [], bindingProfile }: PortRecord): readonly string[] {
  const { migrating_to: to } = bindingProfile
  const hosts = standby.map(({ host }) => host)
  return [...hosts, ...(typeof to === 'string' ? [to] : [])].filter((host) => host !== boundHost)
}

function speaksAt({ boundHost, leaving }: PortRecord, host: string): boolean {
  return host === boundHost && leaving === undefined
}

/**
 * The port after a change of the host it is bound to. The one before must be silent first, where somebody is there to see to that:
 * of a host whose agent is dead, nothing can be known, and a guest that was moved because of it must not wait for it.
 */
function moved(before: PortRecord, after: PortRecord, replica: Replica): PortRecord {
  const { boundHost: to, standby } = after
  const others = standby?.filter(({ host }) => host !== to)
  const { standby: _standby, leaving: _leaving, ...rest } = after
  const kept = others === undefined || others.length === 0 ? rest : { ...rest, standby: others }
  const last = lastOf(before, after)
  return last === undefined || isSilentAt(replica, last, before.id)
    ? kept
    : { ...kept, leaving: last }
}

/** The other host where the port last spoke, if it did. What is about to speak has not yet: the one that had to fall silent still has to. */
function lastOf(before: PortRecord, { boundHost: to }: PortRecord): string | undefined {
  const last = before.leaving ?? before.boundHost
  return last === '' || last === to ? undefined : last
}

/** Compares what isSilentAt goes by: an agent may come back, or let an interface speak that has just come, until the port is written. */
function silence(replica: Replica, host: string, id: string): readonly Compare[] {
  const [alive, applied] = [keys.hostAlive(host), keys.hostAppliedPort(host, id)]
  return [
    { key: alive, modified: replica.alive.get(alive)?.modified ?? 0 },
    { key: applied, modified: replica.applied.get(applied)?.modified ?? 0 },
  ]
}

/** The switch of a host has acknowledged that the port says nothing there, or it has nothing there to say it with. */
export function isSilentAt(replica: Replica, host: string, id: string): boolean {
  const alive = replica.alive.get(keys.hostAlive(host))?.record
  if (alive === undefined) return true
  const done = replica.applied.get(keys.hostAppliedPort(host, id))?.record
  const wanted = replica.hostPorts.get(keys.hostPort(host, id))
  if (wanted?.record.standby === true && done?.revision === wanted.modified) return true
  // The row of a device that is gone stays in OVSDB, and says nothing.
  const isSeen = [...replica.seenByPort.of(id)].some(
    (key) => hostOf(key) === host && replica.seen.get(key)?.record.ofport !== null,
  )
  // One that has only just begun has not told yet what it sees, and what an earlier run wrote stands.
  const hasTold = alive.state === 'in-sync' || alive.state === 'disturbed'
  return hasTold && done === undefined && !isSeen
}

function uniqueKeys({ networkId, mac, fixedIps }: PortRecord): readonly string[] {
  return [keys.uniqueMac(networkId, mac), ...fixedIps.map(({ ip }) => keys.uniqueIp(networkId, ip))]
}
