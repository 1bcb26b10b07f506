// A network goes, and with it what is nothing without it: its subnets, the policies that share it, its VLAN, and the ports of its
// DHCP servers. Neutron API v2.0, "Networks".

import { keys } from '@portward/store'
import type { NetworkRecord } from '@portward/store'
import { DHCP } from './device-owner.ts'
import { errors } from './errors.ts'
import { changesOf } from './history.ts'
import { network, subjectOf } from './networks.ts'
import { authorize } from './policy.ts'
import { joined, portWrites } from './port-write.ts'
import { segmentKey } from './provider.ts'
import { rbacPolicy } from './rbac-policy.ts'
import { subnet } from './subnet.ts'
import type { Stored } from './table.ts'
import type { Context, Plan } from './transact.ts'

/** A port that joins it meanwhile writes members/NET, which is compared; a subnet or a policy writes the network. */
export function deleteNetwork(
  context: Context,
  { record, modified }: Stored<NetworkRecord>,
): Plan<undefined> {
  const { replica, caller } = context
  const { id } = record
  authorize(caller, 'DELETE', subjectOf(record), {})
  const ports = [...replica.portsByNetwork.of(id)].sort()
  const inUse = ports.filter((one) => replica.ports.get(one)?.record.deviceOwner !== DHCP)
  if (inUse.length > 0) throw errors.networkInUse(id, inUse)
  const going = ports.map((one) => portWrites(replica, replica.ports.get(one), undefined))
  const subnetIds = [...replica.subnetsByNetwork.of(id)].sort()
  const policyIds = [...replica.rbacByNetwork.of(id)].sort()
  const key = keys.network(id)
  const gone = [
    key,
    keys.networkMembers(id),
    ...subnetIds.map((one) => keys.subnet(one)),
    ...policyIds.map((one) => keys.rbac(one)),
    ...[segmentKey(record.provider) ?? []].flat(),
  ]
  return {
    compares: [
      { key, modified },
      joined(replica, id),
      ...going.flatMap(({ compares }) => compares),
    ],
    ops: [
      ...gone.map((key) => ({ type: 'delete' as const, key })),
      ...going.flatMap(({ ops }) => ops),
    ],
    changes: [
      ...going.flatMap(({ changes }) => changes),
      ...subnetIds.flatMap((one) =>
        changesOf(subnet, replica, replica.subnets.get(one)?.record, undefined),
      ),
      ...policyIds.flatMap((one) =>
        changesOf(rbacPolicy, replica, replica.rbac.get(one)?.record, undefined),
      ),
      ...changesOf(network, replica, record, undefined),
    ],
    result: undefined,
  }
}
