// From what a server has to what the files declare: what changes, for people, and the calls that do it, in an order that
// works. Pure.
//
//   networks ─► subnets ─► unplug ─► ports (who frees an address before who takes it) ─► subnets, networks away ─► plug

import type { SubnetPlace, SubnetPlaces } from './addresses.ts'
import type { Declaration, NetworkDeclared, SubnetDeclared } from './declaration.ts'
import { Draft, picked } from './draft.ts'
import { planPorts } from './plan-ports.ts'
import type { NetworkState, State, SubnetState } from './state.ts'
import { TAG, isAuto } from './state.ts'
import { Ties } from './ties.ts'
import { networkFields, subnetFields } from './vocabulary.ts'

export type Kind = 'network' | 'subnet' | 'port'

/** One attribute; without `before` where it is made. */
export type Change = {
  readonly attribute: string
  readonly before?: unknown
  readonly after: unknown
}

/** What becomes of one thing. */
export type Item = {
  readonly action: 'create' | 'update' | 'delete'
  readonly kind: Kind
  /** `lan`, `lan/lan4`, `lan/web1`. */
  readonly path: string
  readonly id: string | undefined
  readonly changes: readonly Change[]
}

/** What is made on the way has its id only then. */
export type IdOf = (kind: Kind, path: string) => string
export type Body = (idOf: IdOf) => Readonly<Record<string, unknown>>

/** One write to the API. */
export type Call = { readonly kind: Kind; readonly path: string } & (
  | { readonly type: 'create' | 'update'; readonly body: Body }
  | { readonly type: 'delete' | 'tag' }
  | { readonly type: 'plug' | 'unplug'; readonly host: string; readonly iface: string }
)

/** What there is already, and the revision of it that was looked at. */
export type Known = {
  readonly kind: Kind
  readonly path: string
  readonly id: string
  readonly revision: number
}

export type Plan = {
  /** What forbids it, a line each. Nothing may be called then. */
  readonly problems: readonly string[]
  readonly items: readonly Item[]
  readonly calls: readonly Call[]
  /** How many of what is declared are so already. */
  readonly unchanged: number
  /** What apply has made and no file declares: to be deleted with `prune`, and else left. */
  readonly leftover: readonly Item[]
  readonly known: readonly Known[]
}

export function plan(declaration: Declaration, state: State, prune: boolean): Plan {
  const draft = new Draft()
  const ties = new Ties(state, draft)
  const named = new Map(declaration.networks.map((declared) => [declared.name, declared]))
  for (const declared of declaration.networks) {
    const { name, at } = declared
    const all = state.networks.filter(({ network }) => network.name === name)
    const there = draft.only(name, at, all, ({ network }) => network.id)
    const body = (changed: ReadonlySet<string>) => () => ({
      ...picked(declared.values, changed),
      name,
    })
    const thing = {
      kind: 'network',
      path: name,
      declared,
      fields: networkFields,
      also: [],
      body,
    } as const
    draft.stages.networks.push(...draft.settle({ ...thing, there: there?.network }))
    const subnets = planSubnets(draft, declared, there, prune)
    planPorts({ draft, ties, prune, declared, there, subnets })
  }
  for (const there of state.networks) {
    if (!named.has(there.network.name)) leaveNetwork(draft, ties, there, prune)
  }
  ties.check()
  const { networks, subnets, unplugs, ports, subnetsAway, networksAway, plugs } = draft.stages
  const calls = [networks, subnets, unplugs, ports, subnetsAway, networksAway, plugs].flat()
  const { problems, leftover, unchanged, known } = draft
  const items = prune ? [...draft.items, ...leftover] : draft.items
  return { problems, items, calls, unchanged, leftover, known }
}

/** By name; one without, or with a name the server does not have, by its CIDR: no two of a network can have the same. */
function planSubnets(
  draft: Draft,
  { name: network, subnets }: NetworkDeclared,
  there: NetworkState | undefined,
  prune: boolean,
): SubnetPlaces {
  const places = new Map<string, SubnetPlace>()
  const left = new Set(there?.subnets)
  const matches = new Map<SubnetDeclared, SubnetState>()
  const take = (declared: SubnetDeclared, found: SubnetState | undefined): void => {
    if (found === undefined) return
    matches.set(declared, found)
    left.delete(found)
  }
  for (const declared of subnets.filter(({ name }) => name !== '')) {
    const all = [...left].filter(({ name }) => name === declared.name)
    take(
      declared,
      draft.only(`${network}/${declared.name}`, declared.at, all, ({ id }) => id),
    )
  }
  for (const declared of subnets.filter((one) => !matches.has(one))) {
    take(
      declared,
      [...left].find(({ cidr }) => cidr === declared.cidr),
    )
  }
  for (const declared of subnets) {
    const { name, cidr, values } = declared
    const found = matches.get(declared)
    const path = `${network}/${name || cidr}`
    const renamed = found !== undefined && name !== '' && found.name !== name
    const body = (changed: ReadonlySet<string>) => (idOf: IdOf) => ({
      ...(found === undefined && {
        network_id: idOf('network', network),
        ip_version: cidr.includes(':') ? 6 : 4,
      }),
      ...(name !== '' && { name }),
      ...picked(values, changed),
    })
    const also = renamed ? [{ attribute: 'name', before: found.name, after: name }] : []
    const thing = {
      kind: 'subnet',
      path,
      declared,
      there: found,
      fields: subnetFields,
      also,
      body,
    } as const
    draft.stages.subnets.push(...draft.settle(thing))
    const auto = isAuto(found ?? values)
    for (const key of [name, cidr])
      if (key !== '') places.set(key, { path, cidr, id: found?.id, auto })
  }
  for (const subnet of left) {
    const path = `${network}/${subnet.name || subnet.cidr}`
    const gone = draft.leave('subnet', `${network}/`, subnet, prune)
    if (gone !== undefined)
      draft.stages.subnetsAway.push({ type: 'delete', kind: 'subnet', ...gone })
    else draft.know('subnet', path, subnet)
    const place = {
      path: gone?.path ?? path,
      cidr: subnet.cidr,
      id: subnet.id,
      auto: isAuto(subnet),
    }
    for (const key of [subnet.name, subnet.cidr]) {
      if (key !== '' && !places.has(key)) places.set(key, place)
    }
  }
  return places
}

/** A network that no file declares, and what of it apply has made. Its subnets go with it. */
function leaveNetwork(draft: Draft, ties: Ties, there: NetworkState, prune: boolean): void {
  const { network, subnets, ports } = there
  const name = network.name || network.id
  planPorts({ draft, ties, prune, there, subnets: new Map(), declared: undefined })
  const goes = network.tags.includes(TAG)
  for (const subnet of subnets) {
    const gone = draft.leave('subnet', `${name}/`, subnet, prune)
    if (gone !== undefined && !goes) {
      draft.stages.subnetsAway.push({ type: 'delete', kind: 'subnet', ...gone })
    }
  }
  const gone = draft.leave('network', '', network, prune)
  if (gone === undefined) return
  const others = [...ports, ...subnets].filter(({ tags }) => !tags.includes(TAG))
  if (others.length > 0) {
    const ids = others.slice(0, 10).map(({ id, name: its }) => (its === '' ? id : `${its} (${id})`))
    draft.problems.push(
      `--prune: network ${name} (${network.id}) has subnets or ports that apply has not made: delete them, or declare it again: ${ids.join(', ')}`,
    )
  }
  draft.stages.networksAway.push({ type: 'delete', kind: 'network', ...gone })
}
