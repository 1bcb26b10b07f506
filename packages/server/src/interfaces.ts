// Which interface is which port, where no cloud says so: an operator ties them, and the host's agent writes the port's id on
// the interface. The port is bound to that host at once, so that its guard is there before the interface is the port's. An
// interface that isn't there yet is tied when it comes.
//
//   PUT, DELETE /portward/v1/hosts/H/interfaces/IFACE {"port_id": ID} ─► hosts/H/plugs/IFACE, ports/ID, hosts/H/ports/ID

import { keys, parseHostKey, records } from '@portward/store'
import type { FastifyInstance } from 'fastify'
import { bodyOf } from './body.ts'
import { askedBy } from './collection.ts'
import { NAME_MAX, touched } from './common.ts'
import { PROTECT } from './device-owner.ts'
import { errors } from './errors.ts'
import { string } from './kinds.ts'
import { adminOnly } from './policy.ts'
import { port } from './port.ts'
import { portWrites } from './port-write.ts'
import { ROOT, interfaceAt } from './portward.ts'
import type { Query } from './query.ts'
import { hostOf } from './replica.ts'
import type { Replica } from './replica.ts'
import { readValues, storedAt } from './resource.ts'
import { checkTieable, tiedOn, withTie } from './tied.ts'
import type { Tie } from './tied.ts'
import { transact } from './transact.ts'
import type { Context, Plan } from './transact.ts'
import { applied, pendingAfter, waitOf, withdrawn } from './wait.ts'
import type { Check } from './wait.ts'
import { noWrites } from './writes.ts'

type TieRoute = { Querystring: Query; Params: Tie }

export const tie = {
  name: 'interface',
  attributes: { port_id: { kind: string(NAME_MAX), post: 'required' } },
} as const

export function serveInterfaces(
  app: FastifyInstance,
  { context, signal }: { readonly context: Context; readonly signal: AbortSignal },
): void {
  const { replica } = context
  const path = `${ROOT}/hosts/:host/interfaces/:iface`

  app.put<TieRoute>(path, async (request, reply) => {
    adminOnly(request.caller, 'to tie an interface to a port')
    const asking = askedBy(context, request)
    const { params } = request
    const wait = waitOf(request.query, request.headers)
    const { port_id: portId = '' } = readValues(tie, 'POST', bodyOf(request))
    const { result: created } = await transact(asking, () => tieTo(asking, params, portId))
    const pending = await pendingAfter(asking, wait, reply, [applied(portId)], signal)
    reply.code(pending !== undefined ? 202 : created ? 201 : 200)
    return { interface: interfaceAt(replica, params), ...pending }
  })

  app.delete<TieRoute>(path, async (request, reply) => {
    adminOnly(request.caller, 'to untie an interface from its port')
    const asking = askedBy(context, request)
    const { params } = request
    const wait = waitOf(request.query, request.headers)
    const { result: portId } = await transact(asking, () => untie(asking, params))
    const checks = [letGo(params, portId), withdrawn(portId, params.host)]
    const pending = await pendingAfter(asking, wait, reply, checks, signal)
    if (pending === undefined) return reply.code(204).send()
    return reply.code(202).send({ port_id: portId, ...pending })
  })
}

/** Resolves to whether it was not so before. One interface has one port, and a port one interface. */
function tieTo(context: Context, { host, iface }: Tie, portId: string): Plan<boolean> {
  const { replica, now } = context
  const stored = storedAt(port, context, portId)
  const { record } = stored
  checkHost(replica, host)
  const key = keys.hostPlug(host, iface)
  const plug = replica.plugs.get(key)
  if (plug?.record.portId === portId && record.boundHost === host) {
    return { ...noWrites, result: false }
  }
  const seenKey = keys.hostSeenIface(host, iface)
  const seen = replica.seen.get(seenKey)
  checkTieable(iface, seen?.record)
  for (const other of [plug?.record.portId, seen?.record.portId]) {
    if (other == null || other === portId || replica.ports.get(other) === undefined) continue
    throw errors.interfaceTaken(iface, host, other)
  }
  const places = [...replica.plugsByPort.of(portId), ...replica.seenByPort.of(portId)]
  const elsewhere = places.find((one) => one !== key && one !== seenKey)
  const at = elsewhere === undefined ? undefined : parseHostKey(elsewhere)
  if (at !== undefined) throw errors.portTiedElsewhere(portId, at.name, at.host)
  if (record.hostId !== '' && record.hostId !== host) {
    throw errors.portOfOtherHost(portId, record.hostId, host)
  }
  const bound = { ...record, boundHost: host }
  // Written even where it is bound to the host already: so it cannot be deleted at the same moment, and leave its plug behind.
  const writes = portWrites(
    replica,
    stored,
    record.boundHost === host ? record : touched(bound, now()),
  )
  return {
    compares: [
      ...writes.compares,
      { key, modified: plug?.modified ?? 0 },
      { key: seenKey, modified: seen?.modified ?? 0 },
    ],
    ops: [...writes.ops, { type: 'put', key, value: records.plug.encode({ portId }) }],
    changes:
      plug?.record.portId === portId
        ? writes.changes
        : withTie(writes.changes, record, null, { host, iface }),
    result: plug?.record.portId !== portId,
  }
}

/** Resolves to the port that it was tied to. */
function untie({ replica }: Context, { host, iface }: Tie): Plan<string> {
  const key = keys.hostPlug(host, iface)
  const plug = replica.plugs.get(key)
  if (plug === undefined) throw errors.interfaceNotTied(iface, host, tiedOn(replica, host))
  const { portId } = plug.record
  const record = replica.ports.get(portId)?.record
  if (record?.deviceOwner === PROTECT) throw errors.interfaceProtected(iface)
  return {
    compares: [{ key, modified: plug.modified }],
    ops: [{ type: 'delete', key }],
    changes: record === undefined ? [] : withTie([], record, { host, iface }, null),
    result: portId,
  }
}

function checkHost(replica: Replica, host: string): void {
  if (replica.alive.get(keys.hostAlive(host)) !== undefined) return
  if (replica.seenByHost.of(host).size > 0) return
  const hosts = new Set([...replica.alive.ids, ...replica.seen.ids].map(hostOf))
  throw errors.hostNotSeen(host, [...hosts].sort())
}

/** The host's agent has taken the port's id off the interface. */
function letGo({ host, iface }: Tie, portId: string): Check {
  return (replica) => {
    const seen = replica.seen.get(keys.hostSeenIface(host, iface))?.record
    if (seen?.portId !== portId) return undefined
    const hopeless = replica.alive.get(keys.hostAlive(host)) === undefined
    const reason = hopeless
      ? `no agent is alive on host ${host} to take the port's id off ${iface}`
      : `host ${host} has not taken the port's id off ${iface} yet`
    return { host, port: portId, reason, hopeless }
  }
}
