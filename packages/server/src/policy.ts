// Who may do what: Neutron's defaults for the resources there are here, in one table. Administrators may do everything;
// readers write nothing; the rest is for members, of whose project it is.
//
// What a caller is not to know of at all is no matter of policy but of Resource.visible: it is answered as if it were not there.

import type { Caller } from './caller.ts'
import { isTrusted } from './device-owner.ts'
import { errors } from './errors.ts'
import type { Replica } from './replica.ts'

export type Method = 'POST' | 'PUT' | 'DELETE'

/** What is to be written, and whose it is. */
export type Subject = {
  readonly resource: keyof typeof policies
  /** Empty for what is not there yet. */
  readonly id: string
  readonly projectId: string
  /** Of the network it belongs to, or is. */
  readonly networkProjectId: string
  /** That network has a VLAN that no other has; false where that is of no concern. */
  readonly apart?: boolean
}

/** Whether a member may. `value` is that of the attribute, as it was read. */
type Rule = (caller: Caller, subject: Subject, value: unknown, method: Method) => boolean

type Policy = {
  /** Who may, in words: completes "it takes …". */
  readonly wanted: string
  readonly holds: Rule
}

type Policies = Readonly<Record<Method, Policy>> & {
  readonly attributes: Readonly<Record<string, Policy>>
}

const admin: Policy = { wanted: 'an administrator', holds: () => false }
const anyMember: Policy = { wanted: 'a member of the project', holds: () => true }
const owner: Policy = {
  wanted: 'a member of the project it is in, or an administrator',
  holds: ({ projectId }, subject) => projectId === subject.projectId,
}
const networkOwner: Policy = {
  wanted: 'a member of the project that owns the network, or an administrator',
  holds: ({ projectId }, subject) => projectId === subject.networkProjectId,
}
const either: Policy = {
  wanted: 'a member of its project or of the project that owns the network, or an administrator',
  holds: (...about) => owner.holds(...about) || networkOwner.holds(...about),
}

/** For everybody while it is what it would be anyway. */
function unless(plain: (value: unknown) => boolean, { wanted, holds }: Policy): Policy {
  return {
    wanted,
    holds: (caller, subject, value, method) =>
      (method === 'POST' && plain(value)) || holds(caller, subject, value, method),
  }
}

/**
 * A port that nobody guards sends what it likes, tags too. In a VLAN of its network's own the switch lets none pass; without
 * one, it is in every VLAN of the bridge, and those are networks of other projects.
 */
const unguarding: Policy = {
  wanted:
    'an administrator, or on a network with a VLAN of its own a member of the project that owns it',
  holds: (caller, subject, value, method) =>
    subject.apart === true && networkOwner.holds(caller, subject, value, method),
}

/** Whoever owns a network may have its ports guarded. */
const portSecurity: Policy = {
  wanted: unguarding.wanted,
  holds: (caller, subject, value, method) =>
    (value === true ? networkOwner : unguarding).holds(caller, subject, value, method),
}

/** CVE-2015-5240: whose device_owner is the network's own is trusted. */
const deviceOwner: Policy = {
  wanted: `${unguarding.wanted}, as such ports are trusted`,
  holds: (caller, subject, value, method) =>
    !isTrusted(String(value)) || unguarding.holds(caller, subject, value, method),
}

/** Whoever may send tags is in every VLAN that they name, and those are networks of other projects. */
const checks: Policy = {
  wanted: `${networkOwner.wanted}; with the check 'vlan' an administrator alone`,
  holds: (caller, subject, value, method) =>
    !Object.hasOwn(Object(value) as object, 'vlan') &&
    networkOwner.holds(caller, subject, value, method),
}

/** Whoever may use a network may choose among its subnets for a new port; not so an address. */
const fixedIps: Policy = {
  wanted: `${networkOwner.wanted}; others may name a subnet_id alone, for a new port`,
  holds: (caller, subject, value, method) =>
    networkOwner.holds(caller, subject, value, method) ||
    (method === 'POST' &&
      Array.isArray(value) &&
      value.every((one: { readonly ip?: unknown }) => one.ip === undefined)),
}

const policies = {
  network: {
    POST: anyMember,
    PUT: owner,
    DELETE: owner,
    attributes: {
      shared: unless((value) => value === false, admin),
      'router:external': unless((value) => value === false, admin),
      port_security_enabled: portSecurity,
      'portward:checks': checks,
      'provider:network_type': admin,
      'provider:physical_network': admin,
      'provider:segmentation_id': admin,
    },
  },
  subnet: {
    POST: networkOwner,
    PUT: networkOwner,
    DELETE: networkOwner,
    attributes: {},
  },
  port: {
    POST: anyMember,
    PUT: owner,
    DELETE: either,
    attributes: {
      device_owner: deviceOwner,
      mac_address: {
        wanted: `an administrator, or for a new port ${networkOwner.wanted}`,
        // Neutron lets an administrator alone change the MAC of a port that is there.
        holds: (...about) => about[3] === 'POST' && networkOwner.holds(...about),
      },
      fixed_ips: fixedIps,
      allowed_address_pairs: networkOwner,
      port_security_enabled: portSecurity,
      'portward:checks': checks,
      'binding:host_id': admin,
      'binding:profile': admin,
    },
  },
  rbac_policy: {
    POST: networkOwner,
    // An administrator can give a project a policy for a network of another: that is not to be passed on.
    PUT: networkOwner,
    DELETE: owner,
    attributes: {
      target_tenant: {
        wanted: 'an administrator, to share with everybody',
        holds: (_, __, value) => value !== '*',
      },
    },
  },
  agent: { POST: admin, PUT: admin, DELETE: admin, attributes: {} },
} as const satisfies Readonly<Record<string, Policies>>

/**
 * Throws an ApiError, 403, that names what is forbidden and to whom it is not. `values` are the attributes that the request
 * names, as they were read.
 */
export function authorize(
  caller: Caller,
  method: Method,
  subject: Subject,
  values: Readonly<Record<string, unknown>>,
): void {
  if (caller.role === 'admin') return
  const what = `${words[method]} ${subject.resource}${subject.id === '' ? '' : ` ${subject.id}`}`
  if (caller.role === 'reader') throw errors.forbidden(what, 'the role member or admin')
  const policy: Policies = policies[subject.resource]
  const whole = policy[method]
  if (!whole.holds(caller, subject, undefined, method)) throw errors.forbidden(what, whole.wanted)
  for (const [name, value] of Object.entries(values)) {
    const rule = policy.attributes[name]
    if (rule === undefined || rule.holds(caller, subject, value, method)) continue
    throw errors.forbidden(`${name}: ${what} with it`, rule.wanted)
  }
}

/** What is on a network, and whose the two are. Left out, `id` is that of what is not there yet. */
export function subjectOn(
  replica: Replica,
  resource: Subject['resource'],
  {
    id = '',
    projectId,
    networkId,
  }: { readonly id?: string; readonly projectId: string; readonly networkId: string },
): Subject {
  const its = replica.networks.get(networkId)?.record
  const apart = its !== undefined && its.provider.segmentationId !== null
  return { resource, id, projectId, networkProjectId: its?.projectId ?? '', apart }
}

/** Throws an ApiError, 403, unless the caller is an administrator. */
export function adminOnly(caller: Caller, what: string): void {
  if (caller.role !== 'admin') throw errors.forbidden(what, admin.wanted)
}

const words: Readonly<Record<Method, string>> = {
  POST: 'to make a',
  PUT: 'to change',
  DELETE: 'to delete',
}

/** The project that a new resource is in. Throws an ApiError, 400, for another's, and where there is none. */
export function projectOf(
  caller: Caller,
  {
    project_id: projectId,
    tenant_id: tenantId,
  }: { readonly project_id?: string; readonly tenant_id?: string },
): string {
  if (projectId !== undefined && tenantId !== undefined && projectId !== tenantId) {
    throw errors.projectsDiffer(projectId, tenantId)
  }
  const asked = projectId ?? tenantId ?? caller.projectId
  if (asked === '') throw errors.noProject()
  if (asked !== caller.projectId && caller.role !== 'admin') {
    throw errors.notYourProject(asked, caller.projectId)
  }
  return asked
}
