// Ports: who speaks on a network, and as what. Neutron API v2.0, "Ports", with the extensions `port-security`,
// `allowed-address-pairs` and `binding`.

import { macOfBytes } from '@portward/addr'
import type { Mac } from '@portward/addr'
import { keys, records } from '@portward/store'
import type { PortRecord } from '@portward/store'
import { randomBytes } from 'node:crypto'
import { Type } from 'typebox'
import { checksKind, showChecks } from './checks.ts'
import {
  NAME_MAX,
  idAttribute,
  newCommon,
  projectAttributes,
  scalar,
  standardAttributes,
  tagFilters,
  touched,
  writable,
} from './common.ts'
import { errors } from './errors.ts'
import { assign, fixedIps, fixedIpsFilter } from './fixed-ips.ts'
import type { FixedIpRequest } from './fixed-ips.ts'
import { boolean, constant, dict, kind, mac, nullAs, nullable, oneOf, string } from './kinds.ts'
import { networkAt } from './networks.ts'
import { pairs, pairsOf } from './pairs.ts'
import { portState } from './port-state.ts'
import { homeOf, isTrusted, portWrites } from './port-write.ts'
import type { Writes } from './port-write.ts'
import type { Replica } from './replica.ts'
import type { Resource, Values } from './resource.ts'
import { storedAt } from './resource.ts'
import { isAutoAddress, subnetAt } from './subnets.ts'
import type { Stored } from './table.ts'
import type { Context, Plan } from './transact.ts'

/** Neutron's default `base_mac`: the first three bytes of the addresses it gives out. */
const BASE_MAC = [0xfa, 0x16, 0x3e] as const
const MAC_ATTEMPTS = 64

const securityGroups = kind({
  schema: Type.Union([Type.Array(Type.String(), { maxItems: 0 }), Type.Null()]),
  wanted: '[]',
  convert: (): readonly string[] => [],
  error: () => errors.noSecurityGroups(),
})

const attributes = {
  ...idAttribute,
  name: {
    kind: string(NAME_MAX),
    ...writable,
    ...scalar,
    ids: (replica: Replica, name: string) => replica.portsByName.of(name),
    of: (port: PortRecord) => port.name,
  },
  network_id: {
    kind: string(NAME_MAX),
    post: 'required',
    ...scalar,
    ids: (replica: Replica, id: string) => replica.portsByNetwork.of(id),
    of: (port: PortRecord) => port.networkId,
  },
  ...projectAttributes,
  mac_address: {
    kind: nullable(mac),
    ...writable,
    ...scalar,
    ids: (replica: Replica, text: string) => replica.portsByMac.of(text),
    of: (port: PortRecord) => port.mac,
  },
  admin_state_up: {
    kind: boolean,
    ...writable,
    ...scalar,
    of: (port: PortRecord) => port.adminStateUp,
  },
  status: {
    kind: oneOf(['ACTIVE', 'DOWN']),
    ...scalar,
    of: (port: PortRecord, replica: Replica) => portState(port, replica).status,
  },
  device_id: {
    kind: string(NAME_MAX),
    ...writable,
    ...scalar,
    ids: (replica: Replica, id: string) => replica.portsByDevice.of(id),
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
    of: (port: PortRecord) => port.bindingProfile,
  },
  'binding:host_id': {
    kind: nullAs('', string(NAME_MAX)),
    ...writable,
    ...scalar,
    ids: (replica: Replica, host: string) => replica.portsByHost.of(host),
    of: (port: PortRecord) => port.boundHost,
  },
  'binding:vif_type': {
    kind: oneOf(['ovs', 'unbound', 'binding_failed']),
    ...scalar,
    of: vifTypeOf,
  },
  'binding:vif_details': { kind: dict, of: vifDetailsOf },
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
} as const satisfies Resource<PortRecord>

export type PortValues = Values<typeof attributes>

export function portAt(replica: Replica, id: string): Stored<PortRecord> {
  return storedAt(port, replica, id)
}

export function createPorts(
  context: Context,
  requests: readonly PortValues[],
): Plan<readonly string[]> {
  const taken = new Set<string>()
  const writes = requests.map((values) => newPort(context, values, taken))
  return {
    compares: writes.flatMap(({ compares }) => compares),
    ops: writes.flatMap(({ ops }) => ops),
    result: writes.map(({ id }) => id),
  }
}

export function updatePort(
  { replica, now, maxPairs }: Context,
  stored: Stored<PortRecord>,
  values: PortValues,
): Plan<undefined> {
  const { record } = stored
  const told: PortRecord = {
    ...record,
    name: values.name ?? record.name,
    description: values.description ?? record.description,
    adminStateUp: values.admin_state_up ?? record.adminStateUp,
    mac: macFor(replica, record, values),
    portSecurityEnabled: values.port_security_enabled ?? record.portSecurityEnabled,
    deviceId: values.device_id ?? record.deviceId,
    deviceOwner: values.device_owner ?? record.deviceOwner,
    hostId: values['binding:host_id'] ?? record.hostId,
    vnicType: values['binding:vnic_type'] ?? record.vnicType,
    bindingProfile: { ...(values['binding:profile'] ?? record.bindingProfile) },
    checks: values['portward:checks'] ?? record.checks,
  }
  const requests =
    values.fixed_ips ?? (told.mac === record.mac ? undefined : following(replica, record))
  const { fixedIps, compares } =
    requests === undefined
      ? { fixedIps: record.fixedIps, compares: [] }
      : assign(replica, applicantOf(told), requests, new Set())
  const after: PortRecord = {
    ...told,
    fixedIps,
    allowedAddressPairs:
      values.allowed_address_pairs === undefined
        ? record.allowedAddressPairs
        : pairsOf(values.allowed_address_pairs, told.mac, maxPairs),
    // The host that was told before is no longer: only where it is seen counts now.
    boundHost: homeOf(told.hostId === record.hostId ? told : { ...told, boundHost: '' }, replica),
  }
  checkPairs(after)
  if (records.port.encode(after) === records.port.encode(record)) {
    return { compares: [], ops: [], result: undefined }
  }
  const writes = portWrites(replica, stored, touched(after, now()))
  return { ...writes, compares: [...writes.compares, ...compares], result: undefined }
}

export function deletePort({ replica }: Context, stored: Stored<PortRecord>): Plan<undefined> {
  return { ...portWrites(replica, stored, undefined), result: undefined }
}

function newPort(
  { replica, now, maxPairs }: Context,
  values: PortValues,
  taken: Set<string>,
): Writes & { readonly id: string } {
  const networkId = values.network_id
  if (networkId === undefined) throw errors.missingAttribute('port', 'network_id')
  const { record: network, modified } = networkAt(replica, networkId)
  const deviceOwner = values.device_owner ?? ''
  const address = values.mac_address ?? freeMac(replica, networkId, taken)
  checkMac(replica, networkId, address, undefined)
  if (taken.has(`${networkId} ${address}`)) throw errors.macTwice(address, networkId)
  taken.add(`${networkId} ${address}`)
  const common = newCommon(values, now(), 1)
  const told = {
    ...common,
    networkId,
    mac: address,
    adminStateUp: values.admin_state_up ?? true,
    portSecurityEnabled:
      !isTrusted(deviceOwner) && (values.port_security_enabled ?? network.portSecurityEnabled),
    deviceId: values.device_id ?? '',
    deviceOwner,
    hostId: values['binding:host_id'] ?? '',
    boundHost: values['binding:host_id'] ?? '',
    vnicType: values['binding:vnic_type'] ?? 'normal',
    bindingProfile: { ...values['binding:profile'] },
    checks: values['portward:checks'] ?? network.checks,
    allowedAddressPairs: pairsOf(values.allowed_address_pairs ?? [], address, maxPairs),
    fixedIps: [],
  }
  checkPairs(told)
  const { fixedIps, compares } = assign(replica, applicantOf(told), values.fixed_ips, taken)
  const writes = portWrites(replica, undefined, { ...told, fixedIps })
  const relied = [{ key: keys.network(networkId), modified }, ...compares]
  return { id: told.id, ops: writes.ops, compares: [...writes.compares, ...relied] }
}

function applicantOf(port: PortRecord) {
  return {
    portId: port.id,
    networkId: port.networkId,
    mac: port.mac,
    trusted: isTrusted(port.deviceOwner),
    current: port.fixedIps,
  }
}

function checkPairs({ portSecurityEnabled, allowedAddressPairs }: PortRecord): void {
  if (!portSecurityEnabled && allowedAddressPairs.length > 0) throw errors.pairsNeedPortSecurity()
}

function checkMac(replica: Replica, networkId: string, address: Mac, portId: string | undefined) {
  for (const id of replica.portsByMac.of(address)) {
    if (id !== portId && replica.ports.get(id)?.record.networkId === networkId) {
      throw errors.macInUse(address, networkId, id)
    }
  }
}

/** The MAC after an update. A guest that runs has its MAC already: while its host is known, it cannot change. */
function macFor(replica: Replica, record: PortRecord, values: PortValues): Mac {
  const wanted = values.mac_address
  if (wanted === undefined || wanted === record.mac) return record.mac
  const hostId = values['binding:host_id'] ?? record.hostId
  if (hostId !== '' && vifTypeOf(record, replica) === 'ovs') {
    throw errors.portBound(record.id, hostId)
  }
  const address = wanted ?? freeMac(replica, record.networkId, new Set())
  checkMac(replica, record.networkId, address, record.id)
  return address
}

/** What a port keeps when its MAC changes: all its addresses but those that follow from the MAC. */
function following(replica: Replica, { fixedIps }: PortRecord): readonly FixedIpRequest[] {
  return fixedIps.map(({ subnetId, ip }) =>
    isAutoAddress(subnetAt(replica, subnetId).record) ? { subnetId } : { subnetId, ip },
  )
}

function freeMac(replica: Replica, networkId: string, taken: ReadonlySet<string>): Mac {
  for (let attempt = 0; attempt < MAC_ATTEMPTS; attempt++) {
    const address = macOfBytes(Uint8Array.of(...BASE_MAC, ...randomBytes(3)))
    if (replica.portsByMac.of(address).size === 0 && !taken.has(`${networkId} ${address}`)) {
      return address
    }
  }
  throw errors.noFreeMac(networkId)
}

function vifTypeOf({ boundHost }: PortRecord, replica: Replica): string {
  if (boundHost === '') return 'unbound'
  return replica.alive.get(keys.hostAlive(boundHost)) === undefined ? 'binding_failed' : 'ovs'
}

/** How Nova is to plug it: into the bridge itself, which filters; no bridge of iptables in between. */
function vifDetailsOf({ boundHost }: PortRecord, replica: Replica): Record<string, unknown> {
  const alive = replica.alive.get(keys.hostAlive(boundHost))?.record
  if (alive === undefined) return {}
  return {
    connectivity: 'l2',
    port_filter: true,
    ovs_hybrid_plug: false,
    bridge_name: alive.bridge,
  }
}
