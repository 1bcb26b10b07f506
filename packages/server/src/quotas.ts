// What a project may have, over HTTP. Neutron API v2.0, "Quotas extension" and "Quota details extension".

import { keys, records } from '@portward/store'
import type { QuotaRecord } from '@portward/store'
import type { FastifyInstance } from 'fastify'
import { jsonOf } from './body.ts'
import type { Caller } from './caller.ts'
import { askedBy } from './collection.ts'
import { errors } from './errors.ts'
import { pick } from './history.ts'
import type { Change } from './history.ts'
import { integer } from './kinds.ts'
import { adminOnly } from './policy.ts'
import { defaultLimits, limitsOf, quotaKinds, usedOf } from './quota.ts'
import type { Limits } from './quota.ts'
import { readValues, unwrap } from './resource.ts'
import { transact } from './transact.ts'
import type { Context } from './transact.ts'
import { noWrites } from './writes.ts'

const LIMIT_MAX = 2 ** 31 - 1
const limit = { kind: integer(-1, LIMIT_MAX), put: true } as const

export const quota = {
  name: 'quota',
  attributes: { network: limit, subnet: limit, port: limit, rbac_policy: limit },
} as const

/** OpenStack's clients send whole sets of quotas, of what there isn't here too: -1 and 0 promise nothing. */
export const foreign = new Set([
  'router',
  'floatingip',
  'security_group',
  'security_group_rule',
  'subnetpool',
])

type ProjectRoute = { Params: { project: string } }

export function serveQuotas(app: FastifyInstance, context: Context): void {
  const { replica, settings } = context
  const path = '/v2.0/quotas'
  const limits = (project: string): Limits => limitsOf(replica, settings.quotas, project)

  app.get(path, async ({ caller }) => {
    adminOnly(caller, 'to list the quotas of all projects')
    const quotas = replica.quotas.ids.map((project) => ({
      ...limits(project),
      project_id: project,
      tenant_id: project,
    }))
    return { quotas }
  })
  // Clients without a project of their own in hand ask for the one they are in.
  for (const own of ['tenant', 'project']) {
    app.get(`${path}/${own}`, async ({ caller: { projectId } }) => ({
      [own]: { tenant_id: projectId, project_id: projectId },
    }))
  }
  app.get<ProjectRoute>(`${path}/:project`, async ({ caller, params: { project } }) => {
    ownOrAdmin(caller, project)
    return { quota: limits(project) }
  })
  app.get<ProjectRoute>(`${path}/:project/default`, async ({ caller, params: { project } }) => {
    ownOrAdmin(caller, project)
    return { quota: defaultLimits(settings.quotas) }
  })
  app.get<ProjectRoute>(`${path}/:project/details`, async ({ caller, params: { project } }) => {
    ownOrAdmin(caller, project)
    const its = limits(project)
    const details = quotaKinds.map((kind) => [
      kind,
      { limit: its[kind], used: usedOf(replica, kind, project), reserved: 0 },
    ])
    return { quota: Object.fromEntries(details) as Record<string, unknown> }
  })
  app.put<ProjectRoute>(`${path}/:project`, async (request) => {
    const asking = askedBy(context, request)
    const { project } = request.params
    adminOnly(request.caller, 'to set a quota')
    const { force, check_limit: checkLimit, ...rest } = unwrap(quota, jsonOf(request))
    const ours = Object.entries(rest).filter(([name]) => !foreign.has(name))
    const values = readValues(quota, 'PUT', Object.fromEntries(ours))
    if (checkLimit === true && force !== true) notBelowUse(context, project, values)
    await transact(asking, () => {
      const stored = replica.quotas.get(project)
      const after: QuotaRecord = { ...stored?.record, ...values }
      const changes = changesBetween(project, stored?.record, after)
      if (changes.length === 0) return { ...noWrites, result: undefined }
      const key = keys.quota(project)
      return {
        compares: [{ key, modified: stored?.modified ?? 0 }],
        ops: [{ type: 'put', key, value: records.quota.encode(after) }],
        changes,
        result: undefined,
      }
    })
    return { quota: limits(project) }
  })
  app.delete<ProjectRoute>(`${path}/:project`, async (request, reply) => {
    const { project } = request.params
    adminOnly(request.caller, 'to reset a quota')
    await transact(askedBy(context, request), () => {
      const stored = replica.quotas.get(project)
      if (stored === undefined) throw errors.quotaNotFound(project)
      const key = keys.quota(project)
      return {
        compares: [{ key, modified: stored.modified }],
        ops: [{ type: 'delete', key }],
        changes: changesBetween(project, stored.record, {}),
        result: undefined,
      }
    })
    return reply.code(204).send()
  })
}

function ownOrAdmin(caller: Caller, project: string): void {
  if (caller.projectId !== project) adminOnly(caller, `to read the quota of project ${project}`)
}

function notBelowUse({ replica }: Context, project: string, values: Partial<Limits>): void {
  for (const kind of quotaKinds) {
    const limit = values[kind] ?? -1
    const used = usedOf(replica, kind, project)
    if (limit >= 0 && used > limit) throw errors.quotaBelowUse(kind, used, limit)
  }
}

/** A quota is there when it has a limit of its own. */
function changesBetween(
  project: string,
  before: QuotaRecord | undefined,
  after: QuotaRecord,
): readonly Change[] {
  const was = before ?? {}
  const kinds = quotaKinds.filter((kind) => was[kind] !== after[kind])
  if (kinds.length === 0) return []
  const gone = Object.keys(after).length === 0
  const action = before === undefined ? 'create' : gone ? 'delete' : 'update'
  const at = { resource: 'quota', collection: 'quotas', id: project, project }
  return [{ action, ...at, before: pick(was, kinds), after: pick(after, kinds) }]
}
