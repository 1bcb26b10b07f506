// Ports with nothing behind them, by the thousand. A device of type `dummy` is a port like any other, to which the userspace
// datapath looks in every round of its loop (33 ms a round with 10,000 of them). A patch port without its peer is no port of
// the datapath, so it costs next to nothing; to Portward it is one of a guest's when it has an iface-id.

import { transact } from './ovsdb.ts'

export type PortOptions = {
  readonly name: string
  readonly ifaceId?: string
  /** Default `dummy`. */
  readonly type?: 'dummy' | 'patch'
  /** The guest's, as `external_ids:attached-mac`. */
  readonly mac?: string
}

/** Answers when the switch has made them all. */
export async function addPorts(
  db: string,
  bridge: string,
  datapath: 'netdev' | 'system',
  ports: readonly PortOptions[],
): Promise<void> {
  if (datapath === 'system')
    throw new Error('ports of type dummy exist in the userspace datapath alone')
  const inserts = ports.flatMap((port, i) => [
    {
      op: 'insert',
      table: 'Interface',
      'uuid-name': `i${i}`,
      row: {
        name: port.name,
        type: port.type ?? 'dummy',
        options: ['map', port.type === 'patch' ? [['peer', `${port.name}-peer`]] : []],
        external_ids: ['map', externalIds(port)],
      },
    },
    {
      op: 'insert',
      table: 'Port',
      'uuid-name': `p${i}`,
      row: { name: port.name, interfaces: ['named-uuid', `i${i}`] },
    },
  ])
  const refs = ports.map((_, i) => ['named-uuid', `p${i}`])
  await change(db, [...inserts, mutatePorts(bridge, 'insert', refs)])
}

/** Ports unknown to the bridge are left out. Answers when the switch has let go of them all. */
export async function removePorts(
  db: string,
  bridge: string,
  names: readonly string[],
): Promise<void> {
  const [ports] = await transact(db, [
    { op: 'select', table: 'Port', where: [], columns: ['name', '_uuid'] },
  ])
  const gone = new Set(names)
  const refs = (ports?.rows ?? [])
    .filter(({ name }) => gone.has(String(name)))
    .map(({ _uuid }) => _uuid)
  await change(db, [mutatePorts(bridge, 'delete', refs)])
}

/** As pairs for `external_ids` of the interface. */
export function externalIds({ ifaceId, mac }: PortOptions): [string, string][] {
  return [
    ...(ifaceId === undefined ? [] : ([['iface-id', ifaceId]] as [string, string][])),
    ...(mac === undefined ? [] : ([['attached-mac', mac]] as [string, string][])),
  ]
}

function mutatePorts(bridge: string, how: 'insert' | 'delete', refs: readonly unknown[]): object {
  const where = [['name', '==', bridge]]
  return { op: 'mutate', table: 'Bridge', where, mutations: [['ports', how, ['set', refs]]] }
}

/** As ovs-vsctl does: raise next_cfg with the change, and wait until the switch has caught up with it. */
async function change(db: string, operations: readonly object[]): Promise<void> {
  const table = 'Open_vSwitch'
  const results = await transact(db, [
    ...operations,
    { op: 'mutate', table, where: [], mutations: [['next_cfg', '+=', 1]] },
    { op: 'select', table, where: [], columns: ['next_cfg'] },
  ])
  const asked = results.at(-1)?.rows?.[0]?.['next_cfg']
  const reached = { op: 'select', table, where: [['cur_cfg', '>=', asked]], columns: ['cur_cfg'] }
  for (;;) {
    const [result] = await transact(db, [reached])
    if (result?.rows?.length) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
