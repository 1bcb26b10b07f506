// Protecting an interface on a host that no cloud manages: one transaction makes the port for an interface that hangs on the
// bridge already, and asks the host's agent to write the port's id on it.
//
//   hosts/H/seen/IFACE ─► ports/ID on the network `protected` + hosts/H/ports/ID + hosts/H/plugs/IFACE

import { familyOf, isMulticastIp, isMulticastMac, parsePrefix } from '@portward/addr'
import type { Ip, Mac } from '@portward/addr'
import { keys, parseHostKey, records } from '@portward/store'
import type {
  Compare,
  NetworkRecord,
  Op,
  PortRecord,
  SeenRecord,
  SubnetRecord,
} from '@portward/store'
import { DEFAULT_PROJECT } from './caller.ts'
import { newCommon, touched } from './common.ts'
import { PROTECT } from './device-owner.ts'
import { errors } from './errors.ts'
import type { ApiError } from './errors.ts'
import { ownerOf } from './fixed-ips.ts'
import { changesOf } from './history.ts'
import type { Change } from './history.ts'
import { network } from './networks.ts'
import { portWrites } from './port-write.ts'
import { hostOf } from './replica.ts'
import type { Replica } from './replica.ts'
import { subnet } from './subnet.ts'
import type { Stored } from './table.ts'
import { checkTieable, tiedOn, withTie } from './tied.ts'
import type { Context, Plan } from './transact.ts'
import { noWrites } from './writes.ts'
import type { Writes } from './writes.ts'

/** Where protected interfaces live. Every server makes the same, so the ids are fixed. */
const PROTECTED_NETWORK = '00000000-0000-4000-8000-000000706f72'
const SUBNETS = {
  4: { id: '00000000-0000-4000-8004-000000706f72', cidr: parsePrefix('0.0.0.0/0') },
  6: { id: '00000000-0000-4000-8006-000000706f72', cidr: parsePrefix('::/0') },
} as const

export type IfaceRequest = { readonly iface: string; readonly host: string | undefined }
export type ProtectRequest = IfaceRequest & {
  readonly ips: readonly Ip[]
  readonly mac: Mac | undefined
}

export type Protected = {
  readonly portId: string
  readonly host: string
  readonly created: boolean
}

/** Idempotent: an interface that was protected before gets the addresses that are given now. */
export function protect(context: Context, request: ProtectRequest): Plan<Protected> {
  const { replica, now } = context
  const { iface, ips } = request
  const { host, key: seenKey, seen } = seenOf(replica, request)
  checkTieable(iface, seen.record)
  const plugKey = keys.hostPlug(host, iface)
  const plug = replica.plugs.get(plugKey)
  const portId = plug?.record.portId ?? seen.record.portId
  const before = portId === null ? undefined : replica.ports.get(portId)
  if (before !== undefined) checkOurs(before.record, iface)
  const address = request.mac ?? before?.record.mac ?? seen.record.mac
  if (address === null) throw errors.macUnknown(iface)
  const common = before?.record ?? {
    ...newCommon({ name: iface, project_id: DEFAULT_PROJECT }, context, 1),
    ...(portId !== null && { id: portId }),
  }
  const told: PortRecord = {
    ...common,
    networkId: PROTECTED_NETWORK,
    adminStateUp: before?.record.adminStateUp ?? true,
    mac: address,
    fixedIps: ips.map((ip) => ({ subnetId: SUBNETS[familyOf(ip)].id, ip })),
    allowedAddressPairs: before?.record.allowedAddressPairs ?? [],
    portSecurityEnabled: true,
    deviceId: before?.record.deviceId ?? '',
    deviceOwner: PROTECT,
    hostId: '',
    boundHost: host,
    vnicType: 'normal',
    bindingProfile: {},
    checks: before?.record.checks ?? {},
  }
  checkFree(replica, told)
  const same =
    before !== undefined && records.port.encode(told) === records.port.encode(before.record)
  const writes = same
    ? noWrites
    : portWrites(replica, before, before === undefined ? told : touched(told, now()))
  const home = homeWrites(context)
  const wish: Op = { type: 'put', key: plugKey, value: records.plug.encode({ portId: told.id }) }
  return {
    compares: [
      ...writes.compares,
      ...home.compares,
      { key: seenKey, modified: seen.modified },
      { key: plugKey, modified: plug?.modified ?? 0 },
    ],
    ops: [...writes.ops, ...home.ops, ...(plug?.record.portId === told.id ? [] : [wish])],
    changes: [
      ...home.changes,
      ...(before !== undefined && plug?.record.portId === told.id
        ? writes.changes
        : withTie(writes.changes, told, null, { host, iface })),
    ],
    result: { portId: told.id, host, created: before === undefined },
  }
}

/** The interface is nobody's again: its port goes, and with it the wish that the agent write the port's id on it. */
export function unprotect(context: Context, request: IfaceRequest): Plan<Protected> {
  const { replica } = context
  const { iface } = request
  const host = request.host ?? seenOf(replica, request).host
  const key = keys.hostPlug(host, iface)
  const plug = replica.plugs.get(key)
  if (plug === undefined) throw notProtected(replica, iface, host)
  const { portId } = plug.record
  const before = replica.ports.get(portId)
  if (before !== undefined) checkOurs(before.record, iface)
  const writes = before === undefined ? noWrites : portWrites(replica, before, undefined)
  return {
    compares: [...writes.compares, { key, modified: plug.modified }],
    ops: [...writes.ops, { type: 'delete', key }],
    changes: writes.changes,
    result: { portId, host, created: false },
  }
}

/** It may be that of a port made elsewhere, which is unmade there. */
function notProtected(replica: Replica, iface: string, host: string): ApiError {
  const seen = replica.seen.get(keys.hostSeenIface(host, iface))?.record
  const port = seen?.portId == null ? undefined : replica.ports.get(seen.portId)?.record
  if (port !== undefined) return errors.interfaceDeclared(iface, port.id)
  return errors.interfaceNotProtected(iface, host, tiedOn(replica, host))
}

/** The interface on a bridge that is meant. Throws an ApiError that lists those there are. */
function seenOf(
  replica: Replica,
  { iface, host }: IfaceRequest,
): { readonly host: string; readonly key: string; readonly seen: Stored<SeenRecord> } {
  const all = replica.seen.ids.flatMap((key) => {
    const at = parseHostKey(key)
    const seen = replica.seen.get(key)
    return at === undefined || seen === undefined
      ? []
      : [{ host: at.host, name: at.name, key, seen }]
  })
  const there = all.filter((one) => host === undefined || one.host === host)
  if (host !== undefined && there.length === 0) {
    const hosts = new Set([...all.map((one) => one.host), ...replica.alive.ids.map(hostOf)])
    throw errors.hostNotSeen(host, [...hosts].sort())
  }
  const found = there.filter((one) => one.name === iface)
  const [first] = found
  if (first === undefined) {
    const names = there.map((one) => (host === undefined ? `${one.name} (${one.host})` : one.name))
    throw errors.interfaceNotSeen(iface, host, names)
  }
  if (found.length > 1) {
    const hosts = found.map((one) => one.host)
    throw errors.interfaceOnManyHosts(iface, hosts)
  }
  return first
}

function checkOurs({ id, deviceOwner }: PortRecord, iface: string): void {
  if (deviceOwner !== PROTECT) throw errors.interfaceDeclared(iface, id)
}

function checkFree(replica: Replica, { id, mac, fixedIps }: PortRecord): void {
  for (const { ip } of fixedIps) {
    if (isMulticastIp(ip) || ip === '0.0.0.0' || ip === '::' || ip === '255.255.255.255') {
      throw errors.invalidValue('ips', 'addresses a station can have', ip)
    }
    const owner = ownerOf(replica, PROTECTED_NETWORK, ip, id)
    if (owner !== undefined) throw errors.ipProtected(ip, nameOf(replica, owner))
  }
  if (isMulticastMac(mac)) throw errors.invalidValue('mac', 'a unicast MAC address', mac)
  for (const other of replica.portsByMac.of(mac)) {
    if (other !== id && replica.portsByNetwork.of(PROTECTED_NETWORK).has(other)) {
      throw errors.macProtected(mac, nameOf(replica, other))
    }
  }
}

function nameOf(replica: Replica, portId: string): string {
  const record = replica.ports.get(portId)?.record
  return `interface ${record?.name} on host ${record?.boundHost} (port ${portId})`
}

/** Makes the network and its two subnets where they are not; they have no pools, so nothing is given out of them. */
function homeWrites(context: Context): Writes {
  const { replica } = context
  const compares: Compare[] = []
  const ops: Op[] = []
  const changes: Change[] = []
  const key = keys.network(PROTECTED_NETWORK)
  const home = replica.networks.get(PROTECTED_NETWORK)
  compares.push({ key, modified: home?.modified ?? 0 })
  if (home === undefined) {
    const record: NetworkRecord = {
      ...newCommon({ name: 'protected', project_id: DEFAULT_PROJECT }, context, 1),
      id: PROTECTED_NETWORK,
      adminStateUp: true,
      portSecurityEnabled: true,
      mtu: 1500,
      checks: {},
      provider: { type: 'local', physicalNetwork: null, segmentationId: null },
    }
    ops.push({ type: 'put', key, value: records.network.encode(record) })
    changes.push(...changesOf(network, replica, undefined, record))
  }
  for (const { id, cidr } of Object.values(SUBNETS)) {
    const key = keys.subnet(id)
    const there = replica.subnets.get(id)
    compares.push({ key, modified: there?.modified ?? 0 })
    if (there !== undefined) continue
    const record: SubnetRecord = {
      ...newCommon({ project_id: DEFAULT_PROJECT }, context, 0),
      id,
      networkId: PROTECTED_NETWORK,
      cidr,
      gatewayIp: null,
      enableDhcp: false,
      allocationPools: [],
      dnsNameservers: [],
      hostRoutes: [],
      ipv6AddressMode: null,
      ipv6RaMode: null,
    }
    ops.push({ type: 'put', key, value: records.subnet.encode(record) })
    changes.push(...changesOf(subnet, replica, undefined, record))
  }
  return { compares, ops, changes }
}
