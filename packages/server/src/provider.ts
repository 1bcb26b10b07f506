// How a network is carried: Neutron's extension `provider`. A network of type `vlan` has a VLAN that no other has, and the ports
// of it are access ports of that VLAN on every bridge; `flat` and `local` ones have none.

import { keys } from '@portward/store'
import type { NetworkRecord, ProviderRecord } from '@portward/store'
import { Type } from 'typebox'
import { errors } from './errors.ts'
import { integer, nullable, shownAs, string } from './kinds.ts'
import { segmentOf } from './replica.ts'
import type { Replica } from './replica.ts'
import type { NetworkSettings } from './settings.ts'
import { noWrites } from './writes.ts'
import type { Writes } from './writes.ts'

const NAME_MAX = 64
/** IEEE 802.1Q-2018, table 9-2: 0 and 4095 are no VLANs. */
const VLAN_MAX = 4094

const seenBy = 'admin'
const readable = { filter: true, sort: true, post: 'optional', seenBy } as const

export const providerAttributes = {
  'provider:network_type': {
    kind: shownAs(Type.String({ enum: ['local', 'flat', 'vlan'] }), nullable(string(NAME_MAX))),
    ...readable,
    of: ({ provider }: NetworkRecord) => provider.type,
  },
  'provider:physical_network': {
    kind: nullable(string(NAME_MAX)),
    ...readable,
    of: ({ provider }: NetworkRecord) => provider.physicalNetwork,
  },
  'provider:segmentation_id': {
    kind: nullable(integer(0, 2 ** 32 - 1)),
    ...readable,
    of: ({ provider }: NetworkRecord) => provider.segmentationId,
  },
} as const

export type ProviderRequest = {
  readonly 'provider:network_type'?: string | null
  readonly 'provider:physical_network'?: string | null
  readonly 'provider:segmentation_id'?: number | null
}

/** What a new network has. `taken` holds what others of the same request have got, and is added to. Throws an ApiError. */
export function providerFor(
  replica: Replica,
  settings: NetworkSettings,
  request: ProviderRequest,
  taken: Set<string>,
): ProviderRecord {
  const provider = wanted(replica, settings, request, taken)
  const segment = segmentOf(provider)
  if (segment === '') return provider
  const { physicalNetwork, segmentationId } = provider
  const [holder] = replica.networksBySegment.of(segment)
  if (holder !== undefined || taken.has(segment)) {
    throw segmentationId === null
      ? errors.flatInUse(physicalNetwork ?? '', holder)
      : errors.vlanInUse(segmentationId, physicalNetwork ?? '', holder)
  }
  taken.add(segment)
  return provider
}

/** So that two servers cannot both give a VLAN away. */
export function segmentWrites({ id, provider }: Pick<NetworkRecord, 'id' | 'provider'>): Writes {
  const key = segmentKey(provider)
  if (key === undefined) return noWrites
  const value = JSON.stringify({ networkId: id })
  return { compares: [{ key, modified: 0 }], ops: [{ type: 'put', key, value }], changes: [] }
}

export function segmentKey(provider: ProviderRecord): string | undefined {
  if (provider.type === 'local') return undefined
  return keys.uniqueSegment(provider.physicalNetwork ?? '', provider.segmentationId)
}

function wanted(
  replica: Replica,
  settings: NetworkSettings,
  request: ProviderRequest,
  taken: ReadonlySet<string>,
): ProviderRecord {
  const type = request['provider:network_type'] ?? undefined
  const physical = request['provider:physical_network'] ?? undefined
  const id = request['provider:segmentation_id'] ?? undefined
  if (type === undefined && (physical !== undefined || id !== undefined)) {
    throw errors.invalidInput(
      'provider:network_type',
      "'vlan', 'flat' or 'local' with the others",
      type,
    )
  }
  switch (type ?? settings.type) {
    case 'local':
      if (physical !== undefined)
        throw errors.providerUnwanted('provider:physical_network', 'local')
      if (id !== undefined) throw errors.providerUnwanted('provider:segmentation_id', 'local')
      return { type: 'local', physicalNetwork: null, segmentationId: null }
    case 'flat':
      if (id !== undefined) throw errors.providerUnwanted('provider:segmentation_id', 'flat')
      return { type: 'flat', physicalNetwork: known(settings, physical), segmentationId: null }
    case 'vlan': {
      if (id !== undefined && physical === undefined) {
        throw errors.invalidInput(
          'provider:physical_network',
          `${settings.physicalNetwork}, for a segmentation_id is of one`,
          physical,
        )
      }
      const physicalNetwork = known(settings, physical ?? settings.physicalNetwork)
      if (id !== undefined && (id < 1 || id > VLAN_MAX)) {
        throw errors.invalidInput('provider:segmentation_id', `a VLAN from 1 to ${VLAN_MAX}`, id)
      }
      const segmentationId = id ?? freeVlan(replica, settings, taken)
      return { type: 'vlan', physicalNetwork, segmentationId }
    }
    default:
      throw errors.invalidInput('provider:network_type', "'vlan', 'flat' or 'local'", type)
  }
}

/** There is one bridge on each host, so one physical network. */
function known({ physicalNetwork }: NetworkSettings, name: string | undefined): string {
  if (name === physicalNetwork) return name
  throw errors.invalidInput('provider:physical_network', `${physicalNetwork}, the only one`, name)
}

function freeVlan(
  replica: Replica,
  { physicalNetwork, vlanRange: { first, last } }: NetworkSettings,
  taken: ReadonlySet<string>,
): number {
  for (let id = first; id <= last; id++) {
    const segment = segmentOf({ type: 'vlan', physicalNetwork, segmentationId: id })
    if (replica.networksBySegment.of(segment).size === 0 && !taken.has(segment)) return id
  }
  throw errors.noFreeVlan()
}
