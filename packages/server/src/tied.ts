// Which interface a port is tied to, and how its history tells it. It is no attribute of the API's ports, and yet who a port is
// on the switch, so whoever ties or unties one has made a change like any other.

import { parseHostKey } from '@portward/store'
import type { PortRecord, SeenRecord } from '@portward/store'
import { errors } from './errors.ts'
import type { Change } from './history.ts'
import type { Replica } from './replica.ts'

/** Among the attributes of an entry: a Tie or null, for administrators. */
export const TIED = 'portward:interface'

export type Tie = { readonly host: string; readonly iface: string }

/** Null where nobody has tied it: one whose id libvirt or Nova put on an interface is not known here. */
export function tieOf(replica: Replica, portId: string): Tie | null {
  const [key] = replica.plugsByPort.of(portId)
  const at = key === undefined ? undefined : parseHostKey(key)
  return at === undefined ? null : { host: at.host, iface: at.name }
}

/** The interfaces of the host that are tied, whether they are there or not. */
export function tiedOn(replica: Replica, host: string): readonly string[] {
  return replica.plugs.ids.flatMap((key) => {
    const at = parseHostKey(key)
    return at?.host === host ? [at.name] : []
  })
}

/** Throws an ApiError, 409, for an uplink, a patch or a tunnel port, which carries the addresses of others. */
export function checkTieable(iface: string, seen: SeenRecord | undefined): void {
  if (seen?.state === 'trunk' && seen.type !== 'internal') throw errors.interfaceIsTrunk(iface)
}

/** The changes of one port, if any, with that of its tie among them. */
export function withTie(
  changes: readonly Change[],
  { id, projectId: project }: Pick<PortRecord, 'id' | 'projectId'>,
  before: Tie | null,
  after: Tie | null,
): readonly Change[] {
  const update = { action: 'update', resource: 'port', collection: 'ports', id, project } as const
  const its = changes.length > 0 ? changes : [{ ...update, before: {}, after: {} }]
  return its.map((one) => ({
    ...one,
    before: one.action === 'create' ? one.before : { ...one.before, [TIED]: before },
    after: one.action === 'delete' ? one.after : { ...one.after, [TIED]: after },
  }))
}
