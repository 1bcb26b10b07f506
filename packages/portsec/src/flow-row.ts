// A flow as an operator asks for it: whose it is, by which rule, in words and as ovs-ofctl prints it, and how many frames.

import type { FlowStats } from '@portward/openflow'
import { flowText } from '@portward/openflow'
import { isOurs, readCookie, rules } from './rule.ts'
import { wordsOf } from './words.ts'

export type FlowRow = {
  readonly table: number
  readonly priority: number
  /** The port whose guard it belongs to; null for the bridge's own and for flows of others. */
  readonly portId: string | null
  /** Of the rules of port security; null for flows of others. */
  readonly rule: number | null
  readonly ruleText: string | null
  readonly words: string
  /** As `ovs-ofctl dump-flows` prints it. */
  readonly text: string
  /** Counts are decimal: they outgrow a JSON number. */
  readonly packets: string
  readonly bytes: string
}

/** `portOf` gives the port whose interface has this OpenFlow port now. In table order, as frames meet them. */
export function flowRows(
  flows: readonly FlowStats[],
  portOf: (ofport: number) => string | undefined,
): readonly FlowRow[] {
  return flows
    .toSorted((a, b) => a.table - b.table || b.priority - a.priority)
    .map((flow) => rowOf(flow, portOf))
}

function rowOf(flow: FlowStats, portOf: (ofport: number) => string | undefined): FlowRow {
  const ours = isOurs(flow.cookie)
  const rule = ours ? (readCookie(flow.cookie)?.rule ?? null) : null
  const { inPort } = flow.match
  return {
    table: flow.table,
    priority: flow.priority,
    portId: (ours && inPort !== undefined ? portOf(inPort) : undefined) ?? null,
    rule,
    ruleText: rule === null ? null : rules[rule],
    words: ours ? wordsOf(flow) : 'another’s flow',
    text: flowText(flow),
    packets: flow.packets.toString(),
    bytes: flow.bytes.toString(),
  }
}
