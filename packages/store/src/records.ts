// What stands under each key. Records are written by this version and read by others, so they are checked on the way in:
// a record that does not fit is an error with the key in it, never a guess.

import type { Ip, Mac, Prefix } from '@portward/addr'
import { parseIp, parseMac, parsePrefix } from '@portward/addr'
import { Type } from 'typebox'
import type { Static, TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Entry } from './store.ts'

const address = <T extends string>(parse: (text: string) => T, what: string) =>
  Type.Unsafe<T>(
    Type.Refine(
      Type.String(),
      (text) => isCanonical(parse, text),
      (text) => `must be ${what} in its canonical form, not ${JSON.stringify(text)}`,
    ),
  )

const mac = address<Mac>(parseMac, 'a MAC address')
const ip = address<Ip>(parseIp, 'an IP address')
const prefix = address<Prefix>(parsePrefix, 'a prefix')
const time = Type.String()

/** The attributes every API resource has. Times are ISO 8601 in UTC, to the second. */
const resource = {
  id: Type.String(),
  projectId: Type.String(),
  name: Type.String(),
  description: Type.String(),
  tags: Type.Array(Type.String()),
  createdAt: time,
  updatedAt: time,
  revision: Type.Integer(),
}

const exempted = Type.Optional(Type.Literal(false))
const permitting = (minimum: number, maximum: number) =>
  Type.Optional(
    Type.Union([
      Type.Literal(false),
      Type.Array(Type.Integer({ minimum, maximum }), { minItems: 1 }),
    ]),
  )

/** What a port is exempted from: whole, or for what is listed. A record from before there were exemptions has none. */
const checksSchema = Type.Object(
  {
    arp: exempted,
    nd: exempted,
    source: exempted,
    'dhcp-server': exempted,
    ra: exempted,
    redirect: exempted,
    query: exempted,
    vlan: permitting(1, 4094),
    ethertype: permitting(0x05ff, 0xffff),
  },
  { default: {} },
)
export type ChecksRecord = Static<typeof checksSchema>

/** How a network is carried. Of `vlan`, the segmentation id is the VLAN of its ports on every bridge. */
const providerSchema = Type.Object(
  {
    type: Type.Union([Type.Literal('local'), Type.Literal('flat'), Type.Literal('vlan')]),
    physicalNetwork: Type.Union([Type.String(), Type.Null()]),
    segmentationId: Type.Union([Type.Integer({ minimum: 1, maximum: 4094 }), Type.Null()]),
  },
  { default: { type: 'local', physicalNetwork: null, segmentationId: null } },
)
export type ProviderRecord = Static<typeof providerSchema>

const networkSchema = Type.Object({
  ...resource,
  adminStateUp: Type.Boolean(),
  /** From before there were RBAC policies: a server makes one of it, and takes it off. */
  shared: Type.Optional(Type.Boolean()),
  portSecurityEnabled: Type.Boolean(),
  mtu: Type.Integer(),
  /** What a new port of it is exempted from. */
  checks: checksSchema,
  provider: providerSchema,
})
export type NetworkRecord = Static<typeof networkSchema>

const subnetSchema = Type.Object({
  ...resource,
  networkId: Type.String(),
  cidr: prefix,
  gatewayIp: Type.Union([ip, Type.Null()]),
  enableDhcp: Type.Boolean(),
  allocationPools: Type.Array(Type.Object({ start: ip, end: ip })),
  dnsNameservers: Type.Array(Type.String()),
  hostRoutes: Type.Array(Type.Object({ destination: Type.String(), nexthop: Type.String() })),
  ipv6AddressMode: Type.Union([Type.String(), Type.Null()]),
  ipv6RaMode: Type.Union([Type.String(), Type.Null()]),
})
export type SubnetRecord = Static<typeof subnetSchema>

const addressPair = Type.Object({ mac, prefix })

const bindingSchema = Type.Object({
  host: Type.String(),
  vnicType: Type.String(),
  profile: Type.Record(Type.String(), Type.Unknown()),
})
export type BindingRecord = Static<typeof bindingSchema>

const portSchema = Type.Object({
  ...resource,
  networkId: Type.String(),
  adminStateUp: Type.Boolean(),
  mac,
  fixedIps: Type.Array(Type.Object({ subnetId: Type.String(), ip })),
  /** As given: the prefix with its length even for one address; `text` is how the API shows it again. */
  allowedAddressPairs: Type.Array(Type.Object({ mac, prefix, text: Type.String() })),
  portSecurityEnabled: Type.Boolean(),
  deviceId: Type.String(),
  deviceOwner: Type.String(),
  /** The host the API was told, or empty. */
  hostId: Type.String(),
  /** Where the port is enforced: hostId, else the host that has seen its interface, else empty. */
  boundHost: Type.String(),
  vnicType: Type.String(),
  bindingProfile: Type.Record(Type.String(), Type.Unknown()),
  checks: checksSchema,
  /** Where it is bound besides, to be moved there: armed, and silent. */
  standby: Type.Optional(Type.Array(bindingSchema)),
  /** The host that must be silent before boundHost may speak. Absent: it may. */
  leaving: Type.Optional(Type.String()),
})
export type PortRecord = Static<typeof portSchema>

const rbacSchema = Type.Object({
  id: Type.String(),
  /** Whose policy it is: who may change it. */
  projectId: Type.String(),
  networkId: Type.String(),
  action: Type.Literal('access_as_shared'),
  /** The project that may use the network, or `*`. */
  target: Type.String(),
  revision: Type.Integer(),
})
export type RbacRecord = Static<typeof rbacSchema>

/** How many of each a project may have; -1: any number. What is left out is by the server's setting. */
const limit = Type.Optional(Type.Integer({ minimum: -1 }))
const quotaSchema = Type.Object({
  network: limit,
  subnet: limit,
  port: limit,
  rbac_policy: limit,
})
export type QuotaRecord = Static<typeof quotaSchema>

/** It says something by being written. */
const usageSchema = Type.Object({})

/** A host that has, or had, an agent. */
const agentSchema = Type.Object({
  id: Type.String(),
  host: Type.String(),
  adminStateUp: Type.Boolean(),
  description: Type.String(),
  createdAt: time,
  startedAt: time,
  /** When its agent was last known to be there, if it isn't now. */
  seenAt: time,
  version: Type.String(),
  bridge: Type.String(),
  revision: Type.Integer(),
})
export type AgentRecord = Static<typeof agentSchema>

const ownerSchema = Type.Object({ portId: Type.String() })
export type OwnerRecord = Static<typeof ownerSchema>

const hostPortSchema = Type.Object({
  portId: Type.String(),
  networkId: Type.String(),
  mac,
  ips: Type.Array(ip),
  allowedAddressPairs: Type.Array(addressPair),
  /** False: no flow of ours may drop its frames (port security off, or a trusted device_owner). */
  guarded: Type.Boolean(),
  /** False: nothing passes (`admin_state_up` is false). */
  up: Type.Boolean(),
  checks: checksSchema,
  /** The network's VLAN: its frames leave in that one only. 0: none; what VLAN settings the port has are left alone. */
  vlan: Type.Integer({ minimum: 0, maximum: 4094, default: 0 }),
  /** It speaks on another host: here it is got ready, and says nothing. Absent: it speaks here. */
  standby: Type.Optional(Type.Literal(true)),
})
export type HostPortRecord = Static<typeof hostPortSchema>

const plugSchema = Type.Object({ portId: Type.String() })
export type PlugRecord = Static<typeof plugSchema>

const seenSchema = Type.Object({
  /** `external_ids:iface-id`, or null. */
  portId: Type.Union([Type.String(), Type.Null()]),
  /** OVS's type of interface: empty for an ordinary device, `internal`, `patch`, `vxlan`, …. */
  type: Type.String(),
  /** OpenFlow port, or null while the switch has none for it. */
  ofport: Type.Union([Type.Integer(), Type.Null()]),
  /** The guest's MAC where the host can know it: attached-mac, or that of an internal port. */
  mac: Type.Union([mac, Type.Null()]),
  state: Type.Union([
    Type.Literal('guarded'),
    /** Declared, port security off: passes everything. */
    Type.Literal('open'),
    /** Uplink, patch, tunnel or internal port: passes, and is nobody's port. */
    Type.Literal('trunk'),
    /** Nothing of it passes; `reason` says why. */
    Type.Literal('silent'),
    /** Declared but not guarded: a flow that isn't ours stands in the way. `reason` names it. */
    Type.Literal('blocked'),
    /** On a shared bridge, an interface that nobody declared: not ours to judge. */
    Type.Literal('foreign'),
  ]),
  reason: Type.Union([Type.String(), Type.Null()]),
})
export type SeenRecord = Static<typeof seenSchema>

const appliedSchema = Type.Object({
  /** The `modified` revision of hosts/H/ports/ID that the switch has acknowledged. */
  revision: Type.Integer(),
  iface: Type.String(),
  ofport: Type.Integer(),
  flows: Type.Integer(),
  /** What a port on standby, which is silent there, would still have to have before it could speak. */
  lacks: Type.Optional(Type.String()),
})
export type AppliedRecord = Static<typeof appliedSchema>

const aliveSchema = Type.Object({
  host: Type.String(),
  version: Type.String(),
  startedAt: time,
  bridge: Type.String(),
  mode: Type.Union([Type.Literal('own'), Type.Literal('shared')]),
  /**
   * connecting: no switch; syncing: reading its tables; in-sync: nothing left to send; disturbed: another hand has changed what
   * all ports share, and it is not put right yet.
   */
  state: Type.Union([
    Type.Literal('connecting'),
    Type.Literal('syncing'),
    Type.Literal('in-sync'),
    Type.Literal('disturbed'),
  ]),
  /** How many changes of our flows by another hand were put right since the agent started, and the last in words. */
  drift: Type.Optional(Type.Object({ count: Type.Integer(), last: Type.String() })),
  /** What an operator must know, in sentences: a missing bridge, what shared mode cannot promise. */
  notes: Type.Array(Type.String()),
})
export type AliveRecord = Static<typeof aliveSchema>

export type RecordCodec<T> = {
  /** Throws an error that names the key and the member that does not fit. */
  decode(entry: Pick<Entry, 'key' | 'value'>): T
  encode(record: T): string
}

export const records = {
  network: codec(networkSchema),
  subnet: codec(subnetSchema),
  port: codec(portSchema),
  rbac: codec(rbacSchema),
  quota: codec(quotaSchema),
  agent: codec(agentSchema),
  usage: codec(usageSchema),
  owner: codec(ownerSchema),
  hostPort: codec(hostPortSchema),
  plug: codec(plugSchema),
  seen: codec(seenSchema),
  applied: codec(appliedSchema),
  alive: codec(aliveSchema),
} as const

function codec<S extends TSchema>(schema: S): RecordCodec<Static<S>> {
  const validator = Compile(schema)
  return {
    decode({ key, value }) {
      let record: unknown
      try {
        record = JSON.parse(value)
      } catch (cause) {
        throw new Error(`${key}: not JSON`, { cause })
      }
      if (validator.Check(record)) return record
      // It may be from before one of its members was there: such a member has a default.
      record = validator.Default(record)
      if (validator.Check(record)) return record
      const [error] = validator.Errors(record)
      throw new Error(`${key}: ${error?.instancePath || 'the record'} ${error?.message}`)
    },
    encode: (record) => JSON.stringify(record),
  }
}

function isCanonical(parse: (text: string) => string, text: string): boolean {
  try {
    return parse(text) === text
  } catch {
    return false
  }
}
