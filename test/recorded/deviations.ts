// Where Portward answers otherwise than Neutron on purpose, each with its reason.

import type { Exchange, Members } from './exchange.ts'

type Deviation = Pick<Exchange, 'gives' | 'refused'> & { readonly because: string }

const noGroups = 'Portward has port security, not security groups: who names one is told'
const noGroup: Deviation = { because: noGroups, refused: [400, 'HTTPBadRequest'] }
const oneDriver = 'there is one kind of driver and datapath, of which nobody need know'
const unchanged: Deviation = {
  because: 'what changes nothing is no new revision',
  gives: [200, { port: { revision_number: '{same}' } }],
}

/** By the note of the exchange. */
const exchanges: Readonly<Record<string, Deviation>> = {
  'the resources of v2.0': {
    because: 'there are no subnet pools, and what there is besides is listed as well',
    gives: [200, { resources: '{any}' }],
  },
  'the agents': {
    because: 'a description is a text, and where nobody has written one it is empty',
    gives: [
      200,
      {
        agents: [
          {
            id: '{any}',
            agent_type: 'Open vSwitch agent',
            binary: 'portward-agent',
            topic: '{any}',
            host: 'h1',
            admin_state_up: true,
            created_at: '{any}',
            started_at: '{any}',
            heartbeat_timestamp: '{any}',
            description: '',
            resources_synced: null,
            availability_zone: null,
            alive: true,
            configurations: '{any}',
          },
        ],
      },
    ],
  },
  'a security group': noGroup,
  'both on at once': noGroup,
  'a group without port security': noGroup,
  'a new port without port security, with a group': noGroup,
  'a group nobody made': noGroup,
  'port security off with groups': {
    because: `${noGroups}; so none is in the way`,
    gives: [200, { port: { port_security_enabled: false, allowed_address_pairs: [] } }],
  },
  'ports of a group': { because: noGroups, gives: [200, { ports: [] }] },
  'no security groups any more': unchanged,
  'port security off, which it is': unchanged,
  'the bindings of a port': {
    because: oneDriver,
    gives: [
      200,
      {
        bindings: [
          {
            host: 'h1',
            vif_type: 'ovs',
            vnic_type: 'normal',
            status: 'ACTIVE',
            profile: {},
            vif_details: {
              connectivity: 'l2',
              port_filter: true,
              ovs_hybrid_plug: false,
              bridge_name: 'br-int',
            },
          },
        ],
      },
    ],
  },
}

/** Members of resources that differ wherever they stand: what they are with Portward. */
const members: readonly {
  readonly because: string
  readonly of: (kind: string, method: string, members: Members) => Members
}[] = [
  {
    because: noGroups,
    of: (_, __, { security_groups: groups }) =>
      Array.isArray(groups) && groups.length > 0 ? { security_groups: [] } : {},
  },
  {
    because: 'a MAC has one form, so that two spellings of it are one',
    of: (_, __, { mac_address: mac }) =>
      typeof mac === 'string' && mac !== canonical(mac) ? { mac_address: canonical(mac) } : {},
  },
  {
    because: 'likewise in pairs',
    of: (_, __, { allowed_address_pairs: pairs }) =>
      Array.isArray(pairs) && JSON.stringify(pairs) !== JSON.stringify(pairs.map(canonicalPair))
        ? { allowed_address_pairs: pairs.map(canonicalPair) }
        : {},
  },
  {
    because: 'a single check of port security can be left out, so there is an attribute for it',
    of: (kind, method) =>
      method === 'POST' && kind !== 'subnet' ? { 'portward:checks': '{any}' } : {},
  },
  {
    because: oneDriver,
    of: (_, __, { 'binding:vif_details': details }) => {
      if (details === undefined || Object.keys(Object(details)).length === 0) return {}
      const { datapath_type: _type, bound_drivers: _drivers, ...rest } = Object(details)
      return { 'binding:vif_details': rest }
    },
  },
]

const met = new Set<string>()

export function differsIn({ note }: Exchange): boolean {
  return Object.hasOwn(exchanges, note)
}

/** The exchange as it is with Portward. */
export function exchangeOf(exchange: Exchange): Exchange {
  const { note, send, as } = exchange
  const deviation = exchanges[note]
  if (deviation === undefined) return exchange
  met.add(note)
  const { gives, refused } = deviation
  return { note, send, ...(as && { as }), ...(gives && { gives }), ...(refused && { refused }) }
}

/** The members of a resource as they are with Portward. */
export function membersOf(kind: string, method: string, recorded: Members): Members {
  return members.reduce((now, { because, of }) => {
    const ours = of(kind, method, now)
    if (Object.keys(ours).length > 0) met.add(because)
    return { ...now, ...ours }
  }, recorded)
}

/** Deviations that no exchange has met. */
export function unmet(): readonly string[] {
  return [...Object.keys(exchanges), ...members.map(({ because }) => because)].filter(
    (name) => !met.has(name),
  )
}

function canonicalPair(pair: Members): Members {
  return { ...pair, mac_address: canonical(String(pair['mac_address'])) }
}

function canonical(mac: string): string {
  const digits = mac.toLowerCase().replace(/[^0-9a-f]/g, '')
  return digits.length === 12 ? digits.replace(/(..)(?=.)/g, '$1:') : mac
}

/** Extensions that Neutron has not. */
export const ownExtensions: ReadonlySet<string> = new Set([
  'aap-reject-multicast',
  'portward-checks',
])
