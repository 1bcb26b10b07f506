// The addresses of a port: those it asks for, and those it is given. Neutron API v2.0, "Ports", fixed_ips.
//
// With no fixed_ips a port gets one address per family, from the first subnet of its network that has one left. On a subnet
// where stations make their own addresses (SLAAC), every port has the one that follows from its MAC, asked for or not.

import { prefixParts } from '@portward/addr'
import type { Ip, Mac } from '@portward/addr'
import type { Compare, PortRecord, SubnetRecord } from '@portward/store'
import { keys } from '@portward/store'
import { errors } from './errors.ts'
import type { FixedIpRequest } from './fixed-ip-request.ts'
import { isHostAddress, pickFree } from './pools.ts'
import { port } from './port.ts'
import type { Replica } from './replica.ts'
import { isVisible, storedAt } from './resource.ts'
import type { Eyes } from './resource.ts'
import { autoAddressOf, isAutoAddress, subnet, subnetsOn } from './subnet.ts'

export type FixedIp = PortRecord['fixedIps'][number]

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
  eyes: Eyes,
  applicant: Applicant,
  requests: readonly FixedIpRequest[] | undefined,
  taken: Set<string>,
): Assignment {
  const draft = new Draft(eyes, applicant, taken)
  const fixedIps = requests === undefined ? draft.oneOfEachFamily() : draft.asked(requests)
  fixedIps.push(...draft.implied())
  return { fixedIps, compares: relied(eyes.replica, fixedIps) }
}

class Draft {
  readonly #eyes: Eyes
  readonly #applicant: Applicant
  readonly #taken: Set<string>
  readonly #subnets: readonly SubnetRecord[]
  readonly #got = new Set<Ip>()

  constructor(eyes: Eyes, applicant: Applicant, taken: Set<string>) {
    this.#eyes = eyes
    this.#applicant = applicant
    this.#taken = taken
    this.#subnets = subnetsOn(eyes.replica, applicant.networkId)
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
      const used = this.#eyes.replica.portsBySubnet.of(subnet.id).size + this.#taken.size
      const ip = pickFree(subnet.allocationPools, used, (candidate) => this.#isTaken(candidate))
      if (ip !== undefined) return this.#take(subnet, ip)
    }
    const ids = subnets.map(({ id }) => id)
    throw errors.noFreeIp(this.#applicant.networkId, ids)
  }

  #take(subnet: SubnetRecord, ip: Ip): FixedIp {
    const owner = this.#ownerOf(ip)
    if (owner !== undefined) throw errors.ipInUse(ip, subnet.id, this.#nameable(owner))
    if (this.#isTaken(ip)) throw errors.duplicateFixedIp(ip)
    this.#got.add(ip)
    this.#taken.add(`${this.#applicant.networkId} ${ip}`)
    return { subnetId: subnet.id, ip }
  }

  #isTaken(ip: Ip): boolean {
    return this.#taken.has(`${this.#applicant.networkId} ${ip}`) || this.#ownerOf(ip) !== undefined
  }

  #ownerOf(ip: Ip): string | undefined {
    return ownerOf(this.#eyes.replica, this.#applicant.networkId, ip, this.#applicant.portId)
  }

  #nameable(portId: string): string | undefined {
    const record = this.#eyes.replica.ports.get(portId)?.record
    return record !== undefined && isVisible(port, record, this.#eyes) ? portId : undefined
  }

  #subnetOf(id: string): SubnetRecord {
    const { record } = storedAt(subnet, this.#eyes, id)
    const { networkId } = this.#applicant
    if (record.networkId !== networkId) throw errors.subnetOfOtherNetwork(id, networkId)
    return record
  }

  #isAuto(subnet: SubnetRecord): boolean {
    return !this.#applicant.trusted && isAutoAddress(subnet)
  }

  #autoAddress(one: SubnetRecord): Ip {
    return autoAddressOf(one, this.#applicant.mac)
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

function relied(replica: Replica, given: readonly FixedIp[]): readonly Compare[] {
  return [...new Set(given.map(({ subnetId }) => subnetId))].map((id) => ({
    key: keys.subnet(id),
    modified: replica.subnets.get(id)?.modified ?? 0,
  }))
}
