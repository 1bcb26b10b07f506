// The ports of one network: which of them are made, changed and deleted, and whose MACs and addresses go from one to another.

import { contains, parseIp, parsePrefix } from '@portward/addr'
import { kept, named, samePairs, shortFixedIp, shortPair } from './addresses.ts'
import type { SubnetPlaces } from './addresses.ts'
import type { NetworkDeclared, PortDeclared } from './declaration.ts'
import { picked } from './draft.ts'
import type { Draft } from './draft.ts'
import type { Body, Call, Change, IdOf } from './plan.ts'
import { orderPorts } from './port-order.ts'
import type { PortOp } from './port-order.ts'
import type { NetworkState, PortState } from './state.ts'
import type { Ties } from './ties.ts'
import type { FixedIp } from './vocabulary.ts'
import { portFields } from './vocabulary.ts'

export type PortsOf = {
  readonly draft: Draft
  readonly ties: Ties
  readonly prune: boolean
  /** Undefined: no file declares it, and each of its ports is left or pruned. */
  readonly declared: NetworkDeclared | undefined
  readonly there: NetworkState | undefined
  readonly subnets: SubnetPlaces
}

/** What a port is among. */
type Within = {
  readonly draft: Draft
  readonly ties: Ties
  readonly network: string
  readonly subnets: SubnetPlaces
  /** The addresses that ports of the network name. */
  readonly claimed: ReadonlySet<string>
}

export function planPorts({ draft, ties, prune, declared, there, subnets }: PortsOf): void {
  const network = declared?.name ?? there?.network.name ?? ''
  const left = new Set(there?.ports)
  const byName = Map.groupBy(left, ({ name }) => name)
  const fixed = declared?.ports.flatMap(({ fixedIps = [] }) => fixedIps) ?? []
  const claimed = new Set(fixed.flatMap(({ ip_address: ip }) => ip ?? []))
  const ops: (PortOp & { readonly at: string })[] = []
  for (const port of declared?.ports ?? []) {
    const all = byName.get(port.name) ?? []
    const found = draft.only(`${network}/${port.name}`, port.at, all, ({ id }) => id)
    for (const one of all) left.delete(one)
    ops.push({
      ...opOf({ draft, ties, network, subnets, claimed }, port, found),
      at: port.places['fixed_ips'] ?? port.at,
    })
  }
  for (const port of left) {
    const gone = draft.leave('port', `${network || there?.network.id}/`, port, prune)
    if (gone === undefined) continue
    ties.gone(port.id)
    const calls = [{ type: 'delete', kind: 'port', ...gone } as const]
    const frees = new Set(claimsOf(port))
    ops.push({ calls, takes: new Set(), frees, chooses: false, yields: never, at: '' })
  }
  const free = new Set(ops.flatMap(({ frees }) => [...frees]))
  for (const { takes, at } of ops) {
    for (const claim of takes.difference(free)) {
      const owner = there?.ports.find((port) => claimsOf(port).includes(claim))
      if (owner === undefined) continue
      draft.problems.push(
        `${at}: ${claim} is that of port ${network}/${owner.name || owner.id} (${owner.id}): declare another there, or delete that port`,
      )
    }
  }
  draft.stages.ports.push(...orderPorts(ops))
}

function opOf(
  { draft, ties, network, subnets, claimed }: Within,
  declared: PortDeclared,
  there: PortState | undefined,
): PortOp {
  const { name, values, fixedIps, pairs } = declared
  const path = `${network}/${name}`
  checkAddresses(draft, network, declared, subnets)
  const addresses = there && fixedIps && kept(fixedIps, there.fixed_ips, subnets, claimed)
  const mac = declared.mac ?? there?.mac_address
  const also: Change[] = []
  if (fixedIps !== undefined && addresses?.same !== true) {
    const after = fixedIps.map(shortFixedIp)
    const before = there && named(there.fixed_ips, subnets).map(({ ip_address: ip }) => ip)
    also.push({ attribute: 'fixed_ips', ...(before && { before }), after })
  }
  const held = there?.allowed_address_pairs ?? []
  if (!samePairs(pairs, held, mac ?? '')) {
    const after = pairs.map((pair) => shortPair(pair, mac))
    const before = there && held.map((pair) => shortPair(pair, mac))
    also.push({ attribute: 'allowed_address_pairs', ...(before && { before }), after })
  }
  const apart = ties.settle(declared, path, there)
  const body =
    (changed: ReadonlySet<string>): Body =>
    (idOf) => ({
      ...(there === undefined && { network_id: idOf('network', network), name }),
      ...picked(values, changed),
      ...(changed.has('fixed_ips') && {
        fixed_ips: fixedIps?.map((one) => asked(one, addresses?.met.get(one), subnets, idOf)),
      }),
      ...(changed.has('allowed_address_pairs') && { allowed_address_pairs: pairs }),
    })
  const calls = draft.settle({
    kind: 'port',
    path,
    declared,
    there,
    fields: portFields,
    also,
    apart,
    body,
  })
  const claims = new Set(fixedIps?.flatMap(({ ip_address: ip }) => ip ?? []))
  if (declared.mac !== undefined) claims.add(declared.mac)
  const has = new Set(there === undefined ? [] : claimsOf(there))
  const ips = addresses?.ips ?? there?.fixed_ips.map(({ ip_address: ip }) => ip) ?? []
  const keeps = new Set([...claims, ...ips, ...(mac === undefined ? [] : [mac])])
  const frees: ReadonlySet<string> = calls.length === 0 ? new Set() : has.difference(keeps)
  const yields = (wanted: ReadonlySet<string>): Call => ({
    type: 'update',
    kind: 'port',
    path,
    body: () => ({
      fixed_ips: named(there?.fixed_ips ?? [], subnets).filter(
        ({ ip_address: ip }) => !wanted.has(ip),
      ),
      ...(wanted.has(there?.mac_address ?? '') && { mac_address: null }),
    }),
  })
  const chooses = fixedIps?.some(({ ip_address: ip }) => ip === undefined) ?? true
  // Of a subnet the server chooses what the port has there, unless it has let go of it.
  const wanted = chooses ? frees.intersection(claimed) : new Set<string>()
  const first = wanted.size === 0 ? [] : [yields(wanted)]
  return { calls: [...first, ...calls], takes: claims.difference(has), frees, chooses, yields }
}

/** Whether the subnets that are meant are there, or will be. */
function checkAddresses(
  draft: Draft,
  network: string,
  { fixedIps = [], places, at }: PortDeclared,
  subnets: SubnetPlaces,
): void {
  const wrong = (sentence: string): void =>
    void draft.problems.push(`${places['fixed_ips'] ?? at}: ${sentence}`)
  const cidrs = new Set([...subnets.values()].map(({ cidr }) => cidr))
  for (const { subnet, ip_address: ip } of fixedIps) {
    if (subnet !== undefined && !subnets.has(subnet)) {
      wrong(`network ${network} has no subnet ${subnet}; it has ${listed(subnets.keys())}`)
    } else if (
      ip !== undefined &&
      ![...cidrs].some((cidr) => contains(parsePrefix(cidr), parseIp(ip)))
    ) {
      wrong(`${ip} is in no subnet of network ${network}; it has ${listed(cidrs)}`)
    }
  }
}

function listed(names: Iterable<string>): string {
  return [...names].join(', ') || 'none'
}

function asked(
  { subnet, ip_address: ip }: FixedIp,
  met: string | undefined,
  subnets: SubnetPlaces,
  idOf: IdOf,
): object {
  const place = subnet === undefined ? undefined : subnets.get(subnet)
  return {
    ...(place && { subnet_id: place.id ?? idOf('subnet', place.path) }),
    ...((ip ?? met) && { ip_address: ip ?? met }),
  }
}

/** What is the port's alone on its network. */
function claimsOf({ mac_address: mac, fixed_ips: ips }: PortState): readonly string[] {
  return [mac, ...ips.map(({ ip_address: ip }) => ip)]
}

function never(): never {
  throw new Error('a port that takes nothing waits for nobody')
}
