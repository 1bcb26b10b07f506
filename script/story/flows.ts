// The switch's flows, as `ovs-ofctl dump-flows` shows them to anybody.

import type { Switch } from '@portward/testkit'

export type SeenFlow = {
  readonly table: number
  readonly packets: number
  /** The line without its statistics. */
  readonly text: string
}

export async function seenFlows(sw: Switch): Promise<readonly SeenFlow[]> {
  const dump = await sw.ofctl('--names', 'dump-flows', sw.bridge)
  return dump.split('\n').flatMap((line) => {
    const [, table, packets] = / table=(\d+), n_packets=(\d+),/.exec(line) ?? []
    if (table === undefined) return []
    const text = line
      .trim()
      .replaceAll(/(?:duration|n_packets|n_bytes|(?:idle|hard)_age)=\S+, /g, '')
    return [{ table: Number(table), packets: Number(packets), text }]
  })
}

export function flowsOf(flows: readonly SeenFlow[], name: string): readonly string[] {
  return flows.flatMap(({ text }) => (text.includes(`in_port=${name}`) ? [text] : []))
}

export type Growth = { readonly text: string; readonly before: number; readonly after: number }

/** The flows of a table that drop, and dropped more than before. */
export function grownDrops(
  table: number,
  before: readonly SeenFlow[],
  after: readonly SeenFlow[],
): readonly Growth[] {
  const counted = new Map(before.map(({ text, packets }) => [text, packets]))
  return after.flatMap((flow) => {
    const was = counted.get(flow.text) ?? 0
    const drops = flow.table === table && flow.text.endsWith('actions=drop')
    return drops && flow.packets > was
      ? [{ text: flow.text, before: was, after: flow.packets }]
      : []
  })
}

/** The OpenFlow port at which NORMAL learned a MAC, if it has. */
export async function learnedAt(sw: Switch, mac: string): Promise<number | undefined> {
  const rows = (await sw.appctl('fdb/show', sw.bridge)).split('\n')
  const row = rows.find((line) => line.includes(mac))
  return row === undefined ? undefined : Number(row.trim().split(/\s+/)[0])
}
