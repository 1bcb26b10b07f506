// Ports: who speaks on a network, and as what: made, changed and deleted. Neutron API v2.0, "Ports".

import { macOfBytes } from '@portward/addr'
import type { Mac } from '@portward/addr'
import { keys, records } from '@portward/store'
import type { NetworkRecord, PortRecord } from '@portward/store'
import { randomBytes } from 'node:crypto'
import { newCommon, touched } from './common.ts'
import { isTrusted } from './device-owner.ts'
import { errors } from './errors.ts'
import { assign } from './fixed-ips.ts'
import type { FixedIpRequest } from './fixed-ip-request.ts'
import { network } from './networks.ts'
import { pairsOf } from './pairs.ts'
import { authorize, subjectOn } from './policy.ts'
import { port, vifTypeOf } from './port.ts'
import type { PortValues } from './port.ts'
import { homeOf, portWrites } from './port-write.ts'
import { withinQuota } from './quota.ts'
import type { Replica } from './replica.ts'
import { isVisible, storedAt } from './resource.ts'
import { isAutoAddress } from './subnet.ts'
import type { Stored } from './table.ts'
import type { Context, Plan } from './transact.ts'
import { noWrites, together } from './writes.ts'
import type { Writes } from './writes.ts'

/** Neutron's default `base_mac`: the first three bytes of the addresses it gives out. */
const BASE_MAC = [0xfa, 0x16, 0x3e] as const
const MAC_ATTEMPTS = 64

export function createPorts(
  context: Context,
  requests: readonly PortValues[],
): Plan<readonly string[]> {
  const taken = new Set<string>()
  const made = requests.map((values) => newPort(context, values, taken))
  const quota = withinQuota(
    context,
    'port',
    made.map(({ record }) => record.projectId),
  )
  return { ...together([...made, quota]), result: made.map(({ record }) => record.id) }
}

export function updatePort(
  context: Context,
  stored: Stored<PortRecord>,
  values: PortValues,
  tags: readonly string[] = stored.record.tags,
): Plan<undefined> {
  const { replica, caller, settings } = context
  const { record } = stored
  authorize(caller, 'PUT', subjectOn(replica, 'port', record), values)
  const told: PortRecord = {
    ...record,
    name: values.name ?? record.name,
    tags: [...tags],
    description: values.description ?? record.description,
    adminStateUp: values.admin_state_up ?? record.adminStateUp,
    mac: macFor(context, record, values),
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
      : assign(context, applicantOf(told), requests, new Set())
  const after: PortRecord = {
    ...told,
    fixedIps,
    allowedAddressPairs:
      values.allowed_address_pairs === undefined
        ? record.allowedAddressPairs
        : pairsOf(values.allowed_address_pairs, told.mac, settings.maxPairs),
    // The host that was told before is no longer: only where it is seen counts now.
    boundHost: homeOf(told.hostId === record.hostId ? told : { ...told, boundHost: '' }, replica),
  }
  checkPairs(after)
  checkTrunk(after, replica.networks.get(record.networkId)?.record)
  const plan = rewritePort(context, stored, after)
  return { ...plan, compares: [...plan.compares, ...compares] }
}

export function deletePort(context: Context, stored: Stored<PortRecord>): Plan<undefined> {
  authorize(context.caller, 'DELETE', subjectOn(context.replica, 'port', stored.record), {})
  return { ...portWrites(context.replica, stored, undefined), result: undefined }
}

function rewritePort(
  { replica, now }: Context,
  stored: Stored<PortRecord>,
  after: PortRecord,
): Plan<undefined> {
  if (records.port.encode(after) === records.port.encode(stored.record)) {
    return { ...noWrites, result: undefined }
  }
  return { ...portWrites(replica, stored, touched(after, now())), result: undefined }
}

function newPort(
  context: Context,
  values: PortValues,
  taken: Set<string>,
): Writes & { readonly record: PortRecord } {
  const { replica, caller, settings } = context
  const networkId = values.network_id
  if (networkId === undefined) throw errors.missingAttribute('port', 'network_id')
  const { record: its, modified } = storedAt(network, context, networkId)
  const common = newCommon(values, context, 1)
  const { projectId } = common
  authorize(caller, 'POST', subjectOn(replica, 'port', { projectId, networkId }), values)
  const deviceOwner = values.device_owner ?? ''
  const address = values.mac_address ?? freeMac(replica, networkId, taken)
  checkMac(context, networkId, address, undefined)
  if (taken.has(`${networkId} ${address}`)) throw errors.macTwice(address, networkId)
  taken.add(`${networkId} ${address}`)
  const told = {
    ...common,
    networkId,
    mac: address,
    adminStateUp: values.admin_state_up ?? true,
    portSecurityEnabled:
      !isTrusted(deviceOwner) && (values.port_security_enabled ?? its.portSecurityEnabled),
    deviceId: values.device_id ?? '',
    deviceOwner,
    hostId: values['binding:host_id'] ?? '',
    boundHost: values['binding:host_id'] ?? '',
    vnicType: values['binding:vnic_type'] ?? 'normal',
    bindingProfile: { ...values['binding:profile'] },
    checks: values['portward:checks'] ?? its.checks,
    allowedAddressPairs: pairsOf(values.allowed_address_pairs ?? [], address, settings.maxPairs),
    fixedIps: [],
  }
  checkPairs(told)
  checkTrunk(told, its)
  const { fixedIps, compares } = assign(context, applicantOf(told), values.fixed_ips, taken)
  const record = { ...told, fixedIps }
  const writes = portWrites(replica, undefined, record)
  const relied = [{ key: keys.network(networkId), modified }, ...compares]
  return { ...writes, record, compares: [...writes.compares, ...relied] }
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

/** The guest's tags would not be told from those of the networks. */
function checkTrunk({ networkId, checks }: PortRecord, its: NetworkRecord | undefined): void {
  const hasVlan = its?.provider.type === 'vlan'
  if (hasVlan && checks.vlan !== undefined) throw errors.trunkOnVlan(networkId)
}

function checkMac(
  context: Context,
  networkId: string,
  address: Mac,
  portId: string | undefined,
): void {
  const { replica } = context
  for (const id of replica.portsByMac.of(address)) {
    const record = replica.ports.get(id)?.record
    if (id === portId || record?.networkId !== networkId) continue
    throw errors.macInUse(address, networkId, isVisible(port, record, context) ? id : undefined)
  }
}

/** The MAC after an update. A guest that runs has its MAC already: while its host is known, it cannot change. */
function macFor(context: Context, record: PortRecord, values: PortValues): Mac {
  const { replica } = context
  const wanted = values.mac_address
  if (wanted === undefined || wanted === record.mac) return record.mac
  const hostId = values['binding:host_id'] ?? record.hostId
  if (hostId !== '' && vifTypeOf(record, replica) === 'ovs') {
    throw errors.portBound(record.id, hostId)
  }
  const address = wanted ?? freeMac(replica, record.networkId, new Set())
  checkMac(context, record.networkId, address, record.id)
  return address
}

/** What a port keeps when its MAC changes: all its addresses but those that follow from the MAC. */
function following(replica: Replica, { fixedIps }: PortRecord): readonly FixedIpRequest[] {
  return fixedIps.map(({ subnetId, ip }) => {
    const its = replica.subnets.get(subnetId)?.record
    return its !== undefined && isAutoAddress(its) ? { subnetId } : { subnetId, ip }
  })
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
