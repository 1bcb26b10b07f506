// `portward flows`: what stands on the bridge, in words beside the raw text: whose flow, by which rule, how many frames.

import { styleText } from 'node:util'
import type { Api } from './api.ts'
import { printable } from './columns.ts'
import { idOf } from './ports.ts'

type FlowRow = {
  readonly table: number
  readonly port_id: string | null
  readonly rule: number | null
  readonly rule_text: string | null
  readonly words: string
  readonly text: string
  readonly packets: string
}

export async function listFlows(
  api: Api,
  which: string | undefined,
): Promise<{ json: unknown; text: string }> {
  const query = which === undefined ? '' : `?port=${await idOf(api, which)}`
  const { flows } = await api.get<{ flows: readonly FlowRow[] }>(`/portward/v1/flows${query}`)
  const names = await namesOf(api)
  const text = flows.map((flow) => inWords(flow, names)).join('\n')
  return {
    json: flows,
    text: text || 'No flow: its port security is off, or its interface is not there.',
  }
}

function inWords(flow: FlowRow, names: ReadonlyMap<string, string>): string {
  const { table, port_id: portId, rule, rule_text: ruleText, words, text, packets } = flow
  const frames = `${packets} ${packets === '1' ? 'frame' : 'frames'}`
  const whose = portId === null ? '' : ` [${printable(names.get(portId) || portId)}]`
  const why = rule === null || rule === 0 ? '' : ` (rule ${rule}: ${ruleText})`
  const head = styleText('bold', `table ${table}${whose}`)
  return `${head} ${words}${why}, ${frames}\n    ${styleText('dim', text)}`
}

async function namesOf(api: Api): Promise<ReadonlyMap<string, string>> {
  const { ports } = await api.get<{ ports: readonly { id: string; name: string }[] }>(
    '/v2.0/ports?fields=id&fields=name',
  )
  return new Map(ports.map(({ id, name }) => [id, name]))
}
