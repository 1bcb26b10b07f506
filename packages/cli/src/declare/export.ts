// `portward export`: what a server has, as a file that `portward apply` takes. What is as it would be by itself is left out;
// ids stand beside the names, as comments.

import { Document, isCollection, isMap, isScalar, isSeq } from 'yaml'
import type { YAMLMap } from 'yaml'
import type { Api } from '../api.ts'
import { printable } from '../columns.ts'
import { Complaint } from '../complaint.ts'
import { named, shortPair } from './addresses.ts'
import type { SubnetPlace } from './addresses.ts'
import { networkDefaults, portDefaults, subnetDefaults } from './defaults.ts'
import type { Fields } from './read.ts'
import { formOf } from './read.ts'
import type { InterfaceState, NetworkState, PortState, Resource, SubnetState } from './state.ts'
import { isAuto, readState } from './state.ts'
import { PROTECTED, PROTECTED_NETWORK } from './ties.ts'
import { networkFields, portFields, subnetFields } from './vocabulary.ts'

/** What is written of one thing, and its id. */
type Written = {
  readonly id: string
  readonly values: Readonly<Record<string, unknown>>
  readonly lists: Readonly<Record<string, readonly Written[]>>
}

/** The interface of each port that has one, and the host that need not be said. */
type Tied = {
  readonly ties: ReadonlyMap<string, InterfaceState>
  readonly host: string | undefined
}

const LINE = 120

/** `only` is a network's name. What has no name of its own cannot be written: `alarm` says so. */
export async function exportState(
  api: Api,
  only: string | undefined,
): Promise<{ readonly json: unknown; readonly text: string; readonly alarm?: string }> {
  const state = await readState(api)
  const all = state.networks.flatMap(withoutProtected)
  const chosen = all.filter(({ network: { name } }) => only === undefined || name === only)
  if (only !== undefined && chosen.length === 0) {
    const names = all.flatMap(({ network: { name } }) => name || []).sort()
    throw new Complaint(
      `no network has the name '${only}'; there are ${names.join(', ') || 'none'}`,
    )
  }
  const nameless: string[] = []
  const ties = new Map(
    state.interfaces.flatMap((row) =>
      row.wanted_port_id === null ? [] : [[row.wanted_port_id, row] as const],
    ),
  )
  const networks = ordered(chosen, ({ network }) => network, 'network', nameless).map((one) =>
    networkOf(one, { ties, host: state.host }, nameless),
  )
  const alarm = `portward: left out, since a file knows things by their names, and these have none of their own: ${printable(nameless.join(', '))}\n`
  return {
    json: { networks: networks.map(plainOf) },
    text: documentOf(networks)
      .toString({ lineWidth: LINE, flowCollectionPadding: false })
      .trimEnd(),
    ...(nameless.length > 0 && { alarm }),
  }
}

/** Those stay with `portward protect` and `unprotect`. */
function withoutProtected({ network, subnets, ports }: NetworkState): readonly NetworkState[] {
  const others = ports.filter(({ device_owner: owner }) => owner !== PROTECTED)
  if (network.id === PROTECTED_NETWORK && others.length === 0) return []
  return [{ network, subnets, ports: others }]
}

function networkOf(
  { network, subnets, ports }: NetworkState,
  tied: Tied,
  nameless: string[],
): Written {
  const values = differing(network, networkFields, networkDefaults)
  const names = Map.groupBy(subnets, ({ name }) => name)
  const places = subnets.map((one): [string, SubnetPlace] => [
    one.id,
    { path: '', cidr: one.cidr, id: one.id, auto: isAuto(one) },
  ])
  return {
    id: network.id,
    values: { name: network.name, ...values },
    lists: {
      subnets: [...subnets]
        .sort(byCidr)
        .map((subnet) => subnetOf(subnet, names.get(subnet.name)?.length === 1)),
      ports: ordered(ports, (port) => port, `port of network ${network.name}`, nameless).map(
        (port) => portOf(port, network, new Map(places), tied),
      ),
    },
  }
}

function subnetOf(subnet: SubnetState, isNamed: boolean): Written {
  const { id, name, cidr } = subnet
  const values = differing(subnet, subnetFields, subnetDefaults(subnet))
  return { id, values: { ...(isNamed && name !== '' && { name }), cidr, ...values }, lists: {} }
}

function portOf(
  port: PortState,
  network: Resource,
  subnets: ReadonlyMap<string, SubnetPlace>,
  { ties, host }: Tied,
): Written {
  const { id, name, mac_address: mac, allowed_address_pairs: pairs } = port
  const tie = ties.get(id)
  const values = {
    name,
    mac_address: mac,
    fixed_ips: named(port.fixed_ips, subnets).map(({ ip_address: ip }) => ip),
    ...(pairs.length > 0 && { allowed_address_pairs: pairs.map((pair) => shortPair(pair, mac)) }),
    ...(tie && { interface: tie.iface }),
    ...(tie && tie.host !== host && { host: tie.host }),
    ...differing(port, portFields, portDefaults(port, network)),
  }
  return { id, values, lists: {} }
}

/** The attributes that are not as they would be by themselves, in the form a file has them. */
function differing(
  there: Resource,
  fields: Fields,
  defaults: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const entries = Object.entries(defaults).flatMap(([attribute, by]) => {
    const shown = there[attribute]
    // Not for the eyes of whoever asks.
    if (shown === undefined) return []
    const value = formOf(fields[attribute], shown)
    return JSON.stringify(value) === JSON.stringify(by) ? [] : [[attribute, value] as const]
  })
  return Object.fromEntries(entries)
}

/** Those with a name of their own, by name. */
function ordered<T>(
  things: readonly T[],
  resourceOf: (thing: T) => Resource,
  noun: string,
  nameless: string[],
): readonly T[] {
  const names = Map.groupBy(things, (thing) => resourceOf(thing).name)
  for (const [name, those] of names) {
    if (name !== '' && those.length === 1) continue
    nameless.push(
      ...those.map((one) => `${noun} ${name === '' ? '' : `${name} `}${resourceOf(one).id}`),
    )
  }
  return [...names]
    .filter(([name, those]) => name !== '' && those.length === 1)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, those]) => those)
}

function byCidr(a: SubnetState, b: SubnetState): number {
  return a.cidr < b.cidr ? -1 : 1
}

function plainOf({ values, lists }: Written): object {
  const entries = Object.entries(lists).filter(([, things]) => things.length > 0)
  return {
    ...values,
    ...Object.fromEntries(entries.map(([name, things]) => [name, things.map(plainOf)])),
  }
}

function documentOf(networks: readonly Written[]): Document {
  const document = new Document({ networks: networks.map(plainOf) })
  document.commentBefore =
    ' As `portward export` found it. What is not said is as it is by default.'
  const list = document.get('networks')
  if (isSeq<YAMLMap>(list)) decorate(list.items, networks)
  return document
}

/** Ids beside the names; whatever is not a thing of its own on one line. */
function decorate(maps: readonly YAMLMap[], things: readonly Written[]): void {
  for (const [i, map] of maps.entries()) {
    const thing = things[i]
    if (thing === undefined || !isMap(map)) continue
    const [first] = map.items
    if (isScalar(first?.value)) first.value.comment = ` ${printable(thing.id)}`
    for (const { key, value } of map.items) {
      const inner = isScalar(key) ? thing.lists[String(key.value)] : undefined
      if (inner === undefined) {
        if (isCollection(value)) value.flow = true
      } else if (isSeq<YAMLMap>(value)) decorate(value.items, inner)
    }
  }
}
