// The keys of the store, all of them. Desired state is written by servers, observed state by the one agent of its host.
//
//   networks/ID  subnets/ID  ports/ID          the truth, as the API was told
//   rbac/ID                                    who besides its project may use a network
//   quotas/PROJECT  agents/HOST                what a project may have; the hosts that have or had an agent
//   unique/mac/NET/MAC  unique/ip/NET/IP       made absent-only in the transaction that makes the port
//   unique/segment/PHYSICAL/ID                 likewise, with the network that has this VLAN
//   usage/PROJECT/KIND                         written with every resource that counts against a quota: the next one compares it
//   members/NET                                written with every port that joins NET: who relies on there being no more compares it
//   restoring                                  the store is being filled from a copy: who serves it waits until it is whole
//   hosts/H/ports/ID                           what host H must enforce
//   hosts/H/plugs/IFACE                        the iface-id an operator wants an interface of H to carry (portward protect)
//   hosts/H/seen/IFACE                         an interface on H's bridge                               (agent)
//   hosts/H/applied/ID                         what H's switch has acknowledged of hosts/H/ports/ID     (agent)
//   hosts/H/alive                              the agent itself, under a lease                          (agent)
//   hosts/H/turn                               written with all that the agent writes; the next compares it (agent)
//   hosts/H/violations/…                       what frames of H's ports have claimed and do not own       (agent)

import type { Ip, Mac } from '@portward/addr'

export const keys = {
  networks: 'networks/',
  network: (id: string) => `networks/${part(id)}`,
  subnets: 'subnets/',
  subnet: (id: string) => `subnets/${part(id)}`,
  ports: 'ports/',
  port: (id: string) => `ports/${part(id)}`,
  rbacs: 'rbac/',
  rbac: (id: string) => `rbac/${part(id)}`,
  quotas: 'quotas/',
  quota: (project: string) => `quotas/${part(project)}`,
  agents: 'agents/',
  agent: (host: string) => `agents/${part(host)}`,
  usages: 'usage/',
  usage: (project: string, kind: string) => `usage/${part(project)}/${part(kind)}`,
  uniqueSegment: (physical: string, id: number | null) =>
    `unique/segment/${part(physical)}/${id ?? 'flat'}`,
  uniqueMac: (networkId: string, mac: Mac) => `unique/mac/${part(networkId)}/${part(mac)}`,
  uniqueIp: (networkId: string, ip: Ip) => `unique/ip/${part(networkId)}/${part(ip)}`,
  members: 'members/',
  networkMembers: (networkId: string) => `members/${part(networkId)}`,
  restoring: 'restoring',
  hosts: 'hosts/',
  /** All of one. */
  host: (host: string) => `hosts/${part(host)}/`,
  hostPorts: (host: string) => `hosts/${part(host)}/ports/`,
  hostPort: (host: string, id: string) => `hosts/${part(host)}/ports/${part(id)}`,
  hostPlugs: (host: string) => `hosts/${part(host)}/plugs/`,
  hostPlug: (host: string, iface: string) => `hosts/${part(host)}/plugs/${part(iface)}`,
  hostSeen: (host: string) => `hosts/${part(host)}/seen/`,
  hostSeenIface: (host: string, iface: string) => `hosts/${part(host)}/seen/${part(iface)}`,
  hostApplied: (host: string) => `hosts/${part(host)}/applied/`,
  hostAppliedPort: (host: string, id: string) => `hosts/${part(host)}/applied/${part(id)}`,
  hostViolations: (host: string) => `hosts/${part(host)}/violations/`,
  hostAlive: (host: string) => `hosts/${part(host)}/alive`,
  hostTurn: (host: string) => `hosts/${part(host)}/turn`,
} as const

export type HostKey = {
  readonly host: string
  readonly kind: 'ports' | 'plugs' | 'seen' | 'applied' | 'alive' | 'turn'
  /** Empty for `alive` and `turn`. */
  readonly name: string
}

/** The parts of a key under `hosts/`, or undefined for one of a kind that a later version wrote. */
export function parseHostKey(key: string): HostKey | undefined {
  const [root, host, kind, name = ''] = key.split('/').map(decodeURIComponent)
  if (root !== 'hosts' || host === undefined) return undefined
  switch (kind) {
    case 'ports':
    case 'plugs':
    case 'seen':
    case 'applied':
    case 'alive':
    case 'turn':
      return { host, kind, name }
    case undefined:
    default:
      return undefined
  }
}

/** A name may hold anything, a slash too; a key's part may not. */
function part(name: string): string {
  return encodeURIComponent(name)
}
