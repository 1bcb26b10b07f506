// The port as a resource: its attributes, how each is written, filtered and shown. Neutron API v2.0, "Ports", with the extensions
// `port-security`, `allowed-address-pairs` and `binding`.

import { keys } from '@portward/store'
import type { PortRecord } from '@portward/store'
import { Type } from 'typebox'
import { checksKind, showChecks } from './checks.ts'
import {
  NAME_MAX,
  idAttribute,
  nameAttribute,
  networkAttribute,
  adminStateAttribute,
  projectAttributes,
  scalar,
  standardAttributes,
  tagFilters,
  writable,
} from './common.ts'
import { errors } from './errors.ts'
import { fixedIps, fixedIpsFilter } from './fixed-ip-request.ts'
import {
  boolean,
  constant,
  dict,
  kind,
  mac,
  nullAs,
  nullable,
  oneOf,
  shownAs,
  string,
} from './kinds.ts'
import { pairs } from './pairs.ts'
import { portState } from './port-state.ts'
import type { Replica } from './replica.ts'
import type { Resource, Values } from './resource.ts'

const securityGroups = kind({
  schema: Type.Union([Type.Array(Type.String(), { maxItems: 0 }), Type.Null()]),
  shown: Type.Unsafe<unknown>({ const: [] }),
  wanted: '[]',
  convert: (): readonly string[] => [],
  error: () => errors.noSecurityGroups(),
})

/** How Nova is to plug it. */
export const vifDetails = Type.Partial(
  Type.Object({
    connectivity: Type.Literal('l2'),
    port_filter: Type.Literal(true),
    ovs_hybrid_plug: Type.Literal(false),
    bridge_name: Type.String(),
  }),
)

const attributes = {
  ...idAttribute,
  ...nameAttribute((replica) => replica.portsByName),
  ...networkAttribute((replica) => replica.portsByNetwork),
  ...projectAttributes((replica) => replica.portsByProject),
  mac_address: {
    kind: shownAs(mac.shown, nullable(mac)),
    ...writable,
    ...scalar,
    ids: (replica: Replica, text: string) => replica.portsByMac.inOrder(text),
    of: (port: PortRecord) => port.mac,
  },
  ...adminStateAttribute,
  status: {
    kind: oneOf(['ACTIVE', 'DOWN']),
    ...scalar,
    live: true,
    of: (port: PortRecord, replica: Replica) => portState(port, replica).status,
  },
  device_id: {
    kind: string(NAME_MAX),
    ...writable,
    ...scalar,
    ids: (replica: Replica, id: string) => replica.portsByDevice.inOrder(id),
    of: (port: PortRecord) => port.deviceId,
  },
  device_owner: {
    kind: string(NAME_MAX),
    ...writable,
    ...scalar,
    of: (port: PortRecord) => port.deviceOwner,
  },
  fixed_ips: {
    kind: fixedIps,
    ...writable,
    of: (port: PortRecord) =>
      port.fixedIps.map(({ subnetId, ip }) => ({ subnet_id: subnetId, ip_address: ip })),
  },
  allowed_address_pairs: {
    kind: pairs,
    ...writable,
    of: (port: PortRecord) =>
      port.allowedAddressPairs.map(({ mac, text }) => ({ mac_address: mac, ip_address: text })),
  },
  extra_dhcp_opts: { kind: nullAs([], constant([])), ...writable, of: () => [] },
  security_groups: { kind: securityGroups, ...writable, filter: true, of: () => [] },
  'binding:vnic_type': {
    kind: oneOf([
      'normal',
      'direct',
      'direct-physical',
      'macvtap',
      'baremetal',
      'virtio-forwarder',
    ]),
    ...writable,
    ...scalar,
    of: (port: PortRecord) => port.vnicType,
  },
  'binding:profile': {
    kind: nullAs({}, dict),
    ...writable,
    seenBy: 'admin',
    of: (port: PortRecord) => port.bindingProfile,
  },
  'binding:host_id': {
    kind: nullAs('', string(NAME_MAX)),
    ...writable,
    ...scalar,
    seenBy: 'admin',
    ids: (replica: Replica, host: string) => replica.portsByHost.inOrder(host),
    of: (port: PortRecord) => port.boundHost,
  },
  'binding:vif_type': {
    kind: oneOf(['ovs', 'unbound', 'binding_failed']),
    ...scalar,
    seenBy: 'admin',
    live: true,
    of: vifTypeOf,
  },
  'binding:vif_details': {
    kind: shownAs(vifDetails, dict),
    seenBy: 'admin',
    live: true,
    of: vifDetailsOf,
  },
  port_security_enabled: {
    kind: boolean,
    ...writable,
    sort: true,
    of: (port: PortRecord) => port.portSecurityEnabled,
  },
  'portward:checks': {
    kind: checksKind,
    ...writable,
    of: (port: PortRecord) => showChecks(port.checks),
  },
  ...standardAttributes,
} as const

export const port = {
  name: 'port',
  collection: 'ports',
  attributes,
  filters: { ...tagFilters, fixed_ips: fixedIpsFilter },
  table: (replica) => replica.ports,
  notFound: (id) => errors.portNotFound(id),
  visible: ({ projectId, networkId }, { replica, caller }) =>
    projectId === caller.projectId ||
    replica.networks.get(networkId)?.record.projectId === caller.projectId,
  visibleIds: ({ replica, caller: { projectId } }) => [
    ...replica.portsByProject.of(projectId),
    ...[...replica.networksByProject.of(projectId)].flatMap((id) => [
      ...replica.portsByNetwork.of(id),
    ]),
  ],
} as const satisfies Resource<PortRecord>

export type PortValues = Values<typeof attributes>

export function vifTypeOf({ boundHost }: PortRecord, replica: Replica): string {
  if (boundHost === '') return 'unbound'
  return replica.alive.get(keys.hostAlive(boundHost)) === undefined ? 'binding_failed' : 'ovs'
}

/** How Nova is to plug it: into the bridge itself, which filters; no bridge of iptables in between. */
export function vifDetailsOf({ boundHost }: PortRecord, replica: Replica): Record<string, unknown> {
  const alive = replica.alive.get(keys.hostAlive(boundHost))?.record
  if (alive === undefined) return {}
  return {
    connectivity: 'l2',
    port_filter: true,
    ovs_hybrid_plug: false,
    bridge_name: alive.bridge,
  }
}
