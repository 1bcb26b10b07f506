// /v2.0/ports/ID/bindings: on which hosts a port is bound. Neutron API v2.0, "Port Bindings". One is active: there the port speaks, and
// binding:host_id names it. The others are for a guest that is to be moved: on their hosts everything is ready for it, and silent.

import type { BindingRecord, PortRecord } from '@portward/store'
import type { FastifyInstance } from 'fastify'
import { jsonOf } from './body.ts'
import { askedBy } from './collection.ts'
import { NAME_MAX, touched } from './common.ts'
import { errors } from './errors.ts'
import { name } from './kinds.ts'
import { adminOnly } from './policy.ts'
import { port, vifDetailsOf, vifTypeOf } from './port.ts'
import { portWrites } from './port-write.ts'
import type { Query } from './query.ts'
import type { Replica } from './replica.ts'
import { pathOf, readValues, storedAt, unwrap } from './resource.ts'
import type { Stored } from './table.ts'
import { transact } from './transact.ts'
import type { Context, Plan } from './transact.ts'
import { applied, armed, pendingAfter, waitOf } from './wait.ts'

const { attributes } = port

export const binding = {
  name: 'binding',
  attributes: {
    host: { kind: name(NAME_MAX), post: 'required' },
    vnic_type: { kind: attributes['binding:vnic_type'].kind, post: 'optional', put: true },
    profile: { kind: attributes['binding:profile'].kind, post: 'optional', put: true },
  },
} as const

type AllRoute = { Params: { id: string }; Querystring: Query }
type OneRoute = { Params: { id: string; host: string }; Querystring: Query }

export function serveBindings(app: FastifyInstance, context: Context, signal: AbortSignal): void {
  const { replica } = context
  const its = `${pathOf(port)}/:id`

  /** Writes what `change` makes of the port, and gives the binding of the host as it then is. */
  const write = async (
    asking: Context,
    { id, host }: OneRoute['Params'],
    change: (record: PortRecord) => PortRecord,
  ): Promise<object> => {
    await transact(asking, () => rebound(asking, id, change))
    return viewOf(portFor(asking, id).record, host, replica) ?? {}
  }

  app.get<AllRoute>(`${its}/bindings`, async (request) => {
    const { record } = portFor(askedBy(context, request), request.params.id)
    const hosts = [record.boundHost, ...(record.standby ?? []).map(({ host }) => host)]
    return { bindings: hosts.flatMap((host) => viewOf(record, host, replica) ?? []) }
  })
  app.post<AllRoute>(`${its}/bindings`, async (request, reply) => {
    const asking = askedBy(context, request)
    const { id } = request.params
    const wait = waitOf(request.query, request.headers)
    const { host = '', ...values } = readValues(binding, 'POST', unwrap(binding, jsonOf(request)))
    const { vnic_type: vnicType = 'normal', profile = {} } = values
    const made = await write(asking, { id, host }, (record) =>
      bound(record, { host, vnicType, profile }),
    )
    const pending = await pendingAfter(asking, wait, reply, [armed(id, host)], signal)
    return reply.code(pending === undefined ? 201 : 202).send({ binding: made, ...pending })
  })
  app.get<OneRoute>(`${its}/bindings/:host`, async (request) => {
    const { id, host } = request.params
    const { record } = portFor(askedBy(context, request), id)
    const found = viewOf(record, host, replica)
    if (found === undefined) throw errors.bindingNotFound(id, host)
    return { binding: found }
  })
  app.put<OneRoute>(`${its}/bindings/:host`, async (request) => {
    const asking = askedBy(context, request)
    const { host } = request.params
    const values = readValues(binding, 'PUT', unwrap(binding, jsonOf(request)))
    const { vnic_type: vnicType, profile } = values
    const changed = await write(asking, request.params, (record) => {
      if (host === record.boundHost) {
        return {
          ...record,
          vnicType: vnicType ?? record.vnicType,
          bindingProfile: { ...(profile ?? record.bindingProfile) },
        }
      }
      const before = standbyOf(record, host)
      const after = {
        host,
        vnicType: vnicType ?? before.vnicType,
        profile: profile ?? before.profile,
      }
      const standby = record.standby?.map((each) => (each === before ? after : each)) ?? []
      return { ...record, standby }
    })
    return { binding: changed }
  })
  app.delete<OneRoute>(`${its}/bindings/:host`, async (request, reply) => {
    const { host } = request.params
    await write(askedBy(context, request), request.params, (record) => unbound(record, host))
    return reply.code(204).send()
  })
  app.put<OneRoute>(`${its}/bindings/:host/activate`, async (request, reply) => {
    const asking = askedBy(context, request)
    const { id, host } = request.params
    const wait = waitOf(request.query, request.headers)
    const activated = await write(asking, request.params, (record) => activate(record, host))
    const pending = await pendingAfter(asking, wait, reply, [applied(id)], signal)
    if (pending !== undefined) reply.code(202)
    return { binding: activated, ...pending }
  })
}

/** The port as `change` makes it, which may throw an ApiError. */
export function rebound(
  asking: Context,
  id: string,
  change: (record: PortRecord) => PortRecord,
): Plan<undefined> {
  const stored = portFor(asking, id)
  const after = touched(change(stored.record), asking.now())
  return { ...portWrites(asking.replica, stored, after), result: undefined }
}

function portFor(asking: Context, id: string): Stored<PortRecord> {
  const stored = storedAt(port, asking, id)
  adminOnly(asking.caller, 'to see or change how a port is bound')
  return stored
}

/** With one binding more, which is not active. */
export function bound(record: PortRecord, binding: BindingRecord): PortRecord {
  const { id, boundHost, standby = [] } = record
  const hosts = [boundHost, ...standby.map(({ host }) => host)]
  if (hosts.includes(binding.host)) throw errors.bindingExists(id, binding.host)
  return { ...record, standby: [...standby, binding] }
}

export function unbound(record: PortRecord, host: string): PortRecord {
  if (host === record.boundHost) throw errors.bindingInUse(record.id, host)
  const gone = standbyOf(record, host)
  return { ...record, standby: record.standby?.filter((each) => each !== gone) ?? [] }
}

/** With the host's binding active: it and the one that was change places. */
export function activate(record: PortRecord, host: string): PortRecord {
  if (host === record.boundHost) throw errors.bindingActive(record.id, host)
  const chosen = standbyOf(record, host)
  const { boundHost, vnicType, bindingProfile } = record
  const before = { host: boundHost, vnicType, profile: withoutTarget(bindingProfile) }
  const others = (record.standby ?? []).filter((each) => each !== chosen)
  return {
    ...record,
    hostId: chosen.host,
    boundHost: chosen.host,
    vnicType: chosen.vnicType,
    bindingProfile: chosen.profile,
    standby: boundHost === '' ? others : [...others, before],
  }
}

/** It has been moved. */
function withoutTarget({ migrating_to: _to, ...profile }: PortRecord['bindingProfile']) {
  return profile
}

/** Throws an ApiError when there is none. */
function standbyOf({ id, standby = [] }: PortRecord, host: string): BindingRecord {
  const found = standby.find((each) => each.host === host)
  if (found === undefined) throw errors.bindingNotFound(id, host)
  return found
}

function viewOf(record: PortRecord, host: string, replica: Replica): object | undefined {
  const { boundHost, vnicType, bindingProfile } = record
  const active = host !== '' && host === boundHost
  const inactive = record.standby?.find((each) => each.host === host)
  if (!active && inactive === undefined) return undefined
  const there = { ...record, boundHost: host }
  return {
    host,
    vif_type: vifTypeOf(there, replica),
    vif_details: vifDetailsOf(there, replica),
    vnic_type: active ? vnicType : inactive?.vnicType,
    profile: active ? bindingProfile : inactive?.profile,
    status: active ? 'ACTIVE' : 'INACTIVE',
  }
}
