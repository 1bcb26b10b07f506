// How much of each a project may have. What counts is what is there; so that two servers do not both make the last one, every
// resource of a project with a limit writes usage/PROJECT/KIND, and the next compares it.

import type { Compare, Op } from '@portward/store'
import { keys, records } from '@portward/store'
import { errors } from './errors.ts'
import type { Replica } from './replica.ts'
import type { QuotaSettings } from './settings.ts'
import type { Index } from './table.ts'
import type { Writes } from './writes.ts'

export type Limits = { readonly [K in QuotaKind]: number }
export type QuotaKind = (typeof quotaKinds)[number]

/** As Neutron calls them. */
export const quotaKinds = ['network', 'subnet', 'port', 'rbac_policy'] as const

const indexes: Readonly<Record<QuotaKind, (replica: Replica) => Index>> = {
  network: (replica) => replica.networksByProject,
  subnet: (replica) => replica.subnetsByProject,
  port: (replica) => replica.portsByProject,
  rbac_policy: (replica) => replica.rbacByProject,
}

/** -1: any number. */
export function limitsOf(replica: Replica, quotas: QuotaSettings, project: string): Limits {
  return { ...defaultLimits(quotas), ...replica.quotas.get(project)?.record }
}

export function defaultLimits({ network, subnet, port, rbacPolicy }: QuotaSettings): Limits {
  return { network, subnet, port, rbac_policy: rbacPolicy }
}

export function usedOf(replica: Replica, kind: QuotaKind, project: string): number {
  return indexes[kind](replica).of(project).size
}

/** For new resources of these projects, one entry each: what their transaction must compare and write. Throws an ApiError, 409. */
export function withinQuota(
  {
    replica,
    settings,
  }: { readonly replica: Replica; readonly settings: { readonly quotas: QuotaSettings } },
  kind: QuotaKind,
  projects: readonly string[],
): Writes {
  const compares: Compare[] = []
  const ops: Op[] = []
  for (const project of new Set(projects)) {
    const own = keys.quota(project)
    compares.push({ key: own, modified: replica.quotas.get(project)?.modified ?? 0 })
    const limit = limitsOf(replica, settings.quotas, project)[kind]
    if (limit < 0) continue
    const used = usedOf(replica, kind, project)
    const more = projects.filter((one) => one === project).length
    if (used + more > limit) throw errors.overQuota(kind, project, used, limit)
    const key = keys.usage(project, kind)
    compares.push({ key, modified: replica.usage.get(key)?.modified ?? 0 })
    ops.push({ type: 'put', key, value: records.usage.encode({}) })
  }
  return { compares, ops, changes: [] }
}
