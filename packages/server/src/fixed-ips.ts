// The addresses of a port: those it asks for, and those it is given. Neutron API v2.0, "Ports", fixed_ips.
//
// With no fixed_ips a port gets one address per family, from the first subnet of its network that has one left. On a subnet
// where stations make their own addresses (SLAAC), every port has the one that follows from its MAC, asked for or not.

import { bytesOfIp, ipOfBytes, linkLocalOf, prefixParts } from '@portward/addr'
import type { Ip, Mac } from '@portward/addr'
import type { Compare, PortRecord, SubnetRecord } from '@portward/store'
import { keys } from '@portward/store'
import { Type } from 'typebox'
import { errors } from './errors.ts'
import { ip as ipKind } from './kinds.ts'
import type { Kind } from './kinds.ts'
import { isHostAddress, pickFree } from './pools.ts'
import type { Replica } from './replica.ts'
import type { Filter } from './resource.ts'
import { isObject } from './resource.ts'
import { isAutoAddress, subnetAt } from './subnets.ts'

export type FixedIp = PortRecord['fixedIps'][number]
export type FixedIpRequest = { readonly subnetId?: string; readonly ip?: Ip }

const NAME = 'fixed_ips'

export const fixedIps: Kind<readonly FixedIpRequest[]> = {
  schema: Type.Array(
    Type.Object({
      subnet_id: Type.Optional(Type.String()),
      ip_address: Type.Optional(Type.String()),
    }),
  ),
  read(name, value) {
    if (!Array.isArray(value)) throw errors.invalidValue(name, 'a list of objects', value)
    const requests = value.map(requestOf)
    const seen = new Set<Ip>()
    for (const { ip } of requests) {
      if (ip === undefined) continue
      if (seen.has(ip)) throw errors.duplicateFixedIp(ip)
      seen.add(ip)
    }
    return requests
  },
  text: (_, text) => text,
}

/** `fixed_ips=ip_address=10.1.0.10`, `subnet_id=ID`, `ip_address_substr=10.1`; several values of one member mean any of them. */
export const fixedIpsFilter: Filter<PortRecord> = (texts) => {
  const wanted = { ip_address: new Set<string>(), subnet_id: new Set<string>() }
  const parts: string[] = []
  for (const text of texts) {
    const [member = '', value = ''] = text.split(/=(.*)/s)
    if (member === 'ip_address') wanted.ip_address.add(ipKind.read(NAME, value))
    else if (member === 'subnet_id') wanted.subnet_id.add(value)
    else if (member === 'ip_address_substr') parts.push(value)
    else throw errors.invalidValue(NAME, 'ip_address=, subnet_id= or ip_address_substr=', text)
  }
  const { ip_address: ips, subnet_id: subnetIds } = wanted
  return {
    test: (port) =>
      (ips.size === 0 || port.fixedIps.some(({ ip }) => ips.has(ip))) &&
      (subnetIds.size === 0 || port.fixedIps.some(({ subnetId }) => subnetIds.has(subnetId))) &&
      (parts.length === 0 ||
        port.fixedIps.some(({ ip }) => parts.some((part) => ip.includes(part)))),
    ...(ips.size > 0 && {
      ids: (replica: Replica) => [...ips].flatMap((ip) => [...replica.portsByIp.of(ip)]),
    }),
  }
}

/** What an assignment needs to know of the port. */
export type Applicant = {
  readonly portId: string
  readonly networkId: string
  readonly mac: Mac
  /** A port of the network's own chooses its addresses freely. */
  readonly trusted: boolean
  readonly current: readonly FixedIp[]
}

export type Assignment = {
  readonly fixedIps: FixedIp[]
  /** The subnets as they were relied on. */
  readonly compares: readonly Compare[]
}

/**
 * The addresses of a port. `requests` undefined: whatever the network has to give. `taken` holds what other ports of the same
 * request have got, and is added to. Throws an ApiError for an address that cannot be had.
 */
export function assign(
  replica: Replica,
  applicant: Applicant,
  requests: readonly FixedIpRequest[] | undefined,
  taken: Set<string>,
): Assignment {
  const draft = new Draft(replica, applicant, taken)
  const fixedIps = requests === undefined ? draft.oneOfEachFamily() : draft.asked(requests)
  fixedIps.push(...draft.implied())
  return { fixedIps, compares: relied(replica, fixedIps) }
}

class Draft {
  readonly #replica: Replica
  readonly #applicant: Applicant
  readonly #taken: Set<string>
  readonly #subnets: readonly SubnetRecord[]
  readonly #got = new Set<Ip>()

  constructor(replica: Replica, applicant: Applicant, taken: Set<string>) {
    this.#replica = replica
    this.#applicant = applicant
    this.#taken = taken
    const ids = [...replica.subnetsByNetwork.of(applicant.networkId)].sort()
    this.#subnets = ids.map((id) => subnetAt(replica, id).record)
  }

  oneOfEachFamily(): FixedIp[] {
    return ([4, 6] as const).flatMap((family) => {
      const pooled = this.#subnets.filter(
        (one) => prefixParts(one.cidr).family === family && !this.#isAuto(one),
      )
      return pooled.length === 0 ? [] : [this.#allocate(pooled)]
    })
  }

  /** In the order they are asked for; but what is named is taken first, so that it isn't given away to an earlier entry. */
  asked(requests: readonly FixedIpRequest[]): FixedIp[] {
    const named = requests.map((request) =>
      request.ip === undefined ? undefined : this.#named(request.subnetId, request.ip),
    )
    return requests.map(({ subnetId = '' }, i) => named[i] ?? this.#from(this.#subnetOf(subnetId)))
  }

  /** Addresses that stations make for themselves, where the port has none of them yet. */
  implied(): FixedIp[] {
    return this.#subnets
      .filter((subnet) => this.#isAuto(subnet) && !this.#got.has(this.#autoAddress(subnet)))
      .map((subnet) => this.#take(subnet, this.#autoAddress(subnet)))
  }

  #named(subnetId: string | undefined, ip: Ip): FixedIp {
    const subnet =
      subnetId === undefined
        ? this.#subnets.find(({ cidr }) => isHostAddress(cidr, ip))
        : this.#subnetOf(subnetId)
    if (subnet === undefined) {
      const cidrs = this.#subnets.map(({ cidr }) => cidr)
      throw errors.ipOutsideNetwork(ip, this.#applicant.networkId, cidrs)
    }
    if (!isHostAddress(subnet.cidr, ip)) throw errors.ipOutsideSubnet(ip, subnet.id, subnet.cidr)
    if (this.#isAuto(subnet) && ip !== this.#autoAddress(subnet)) {
      throw errors.ipOnAutoSubnet(ip, subnet.id)
    }
    return this.#take(subnet, ip)
  }

  /** Some address of the subnet: the one that the port has there already, if it can. */
  #from(subnet: SubnetRecord): FixedIp {
    if (this.#isAuto(subnet)) return this.#take(subnet, this.#autoAddress(subnet))
    const { current } = this.#applicant
    const kept = current.find(({ subnetId, ip }) => subnetId === subnet.id && !this.#got.has(ip))
    return kept === undefined ? this.#allocate([subnet]) : this.#take(subnet, kept.ip)
  }

  #allocate(subnets: readonly SubnetRecord[]): FixedIp {
    for (const subnet of subnets) {
      const used = this.#replica.portsBySubnet.of(subnet.id).size
      const ip = pickFree(subnet.allocationPools, used, (candidate) => this.#isTaken(candidate))
      if (ip !== undefined) return this.#take(subnet, ip)
    }
    const ids = subnets.map(({ id }) => id)
    throw errors.noFreeIp(this.#applicant.networkId, ids)
  }

  #take(subnet: SubnetRecord, ip: Ip): FixedIp {
    const owner = this.#ownerOf(ip)
    if (owner !== undefined) throw errors.ipInUse(ip, subnet.id, owner)
    if (this.#isTaken(ip)) throw errors.duplicateFixedIp(ip)
    this.#got.add(ip)
    this.#taken.add(`${this.#applicant.networkId} ${ip}`)
    return { subnetId: subnet.id, ip }
  }

  #isTaken(ip: Ip): boolean {
    return this.#taken.has(`${this.#applicant.networkId} ${ip}`) || this.#ownerOf(ip) !== undefined
  }

  #ownerOf(ip: Ip): string | undefined {
    return ownerOf(this.#replica, this.#applicant.networkId, ip, this.#applicant.portId)
  }

  #subnetOf(id: string): SubnetRecord {
    const { record } = subnetAt(this.#replica, id)
    const { networkId } = this.#applicant
    if (record.networkId !== networkId) throw errors.subnetOfOtherNetwork(id, networkId)
    return record
  }

  #isAuto(subnet: SubnetRecord): boolean {
    return !this.#applicant.trusted && isAutoAddress(subnet)
  }

  /** The subnet's prefix and the interface identifier that follows from the MAC (RFC 4291, section 2.5.1). */
  #autoAddress({ cidr }: SubnetRecord): Ip {
    const bytes = bytesOfIp(prefixParts(cidr).ip)
    bytes.set(bytesOfIp(linkLocalOf(this.#applicant.mac)).subarray(8), 8)
    return ipOfBytes(bytes)
  }
}

/** The port that has the address on the network, other than `portId`. */
export function ownerOf(
  replica: Replica,
  networkId: string,
  ip: Ip,
  portId: string,
): string | undefined {
  for (const id of replica.portsByIp.of(ip)) {
    if (id !== portId && replica.ports.get(id)?.record.networkId === networkId) return id
  }
  return undefined
}

function requestOf(value: unknown): FixedIpRequest {
  if (!isObject(value)) throw errors.invalidValue(NAME, 'a list of objects', value)
  const { subnet_id: subnetId = null, ip_address: ip = null, ...rest } = value
  if (Object.keys(rest).length > 0 || (subnetId === null && ip === null)) {
    throw errors.emptyFixedIp(value)
  }
  if (subnetId !== null && typeof subnetId !== 'string') {
    throw errors.invalidValue(NAME, 'the id of a subnet', subnetId)
  }
  return {
    ...(subnetId !== null && { subnetId }),
    ...(ip !== null && { ip: ipKind.read(NAME, ip) }),
  }
}

function relied(replica: Replica, given: readonly FixedIp[]): readonly Compare[] {
  return [...new Set(given.map(({ subnetId }) => subnetId))].map((id) => ({
    key: keys.subnet(id),
    modified: subnetAt(replica, id).modified,
  }))
}
