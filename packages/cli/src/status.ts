// `portward status`: the server, its hosts, what has become of the ports, and who is silent and why.

import { styleText } from 'node:util'
import type { Api } from './api.ts'
import { columns, printable } from './columns.ts'

type Status = {
  readonly version: string
  readonly hosts: readonly {
    readonly host: string
    readonly alive: boolean
    readonly bridge: string | null
    readonly mode: string | null
    readonly state: string | null
    readonly notes: readonly string[]
    readonly drift: { readonly count: number; readonly last: string } | null
    readonly interfaces: number
    readonly ports: number
  }[]
  readonly ports: {
    readonly total: number
    readonly active: number
    readonly states: Readonly<Record<string, number>>
  }
  readonly silent: readonly {
    readonly host: string
    readonly iface: string
    readonly reason: string
  }[]
}

export async function showStatus(api: Api): Promise<{ json: unknown; text: string }> {
  const status = await api.get<Status>('/portward/v1/status')
  const { version, hosts, ports, silent } = status
  const states = Object.entries(ports.states).map(([state, count]) => `${count} ${state}`)
  const lines = [
    `portward ${version}: ${ports.active} of ${ports.total} ports active (${states.join(', ') || 'none'})`,
    '',
    columns(
      ['HOST', 'STATE', 'BRIDGE', 'MODE', 'INTERFACES', 'PORTS'],
      hosts.map(({ host, alive, state, bridge, mode, interfaces, ports }) => [
        host,
        alive ? (state ?? '') : 'not alive',
        bridge ?? '',
        mode ?? '',
        String(interfaces),
        String(ports),
      ]),
      'No host has an agent: start one with `portward up`.',
    ),
    ...hosts.flatMap(({ host, notes, drift }) =>
      [...notes, ...driftNote(drift)].map((note) =>
        styleText('yellow', printable(`${host}: ${note}`)),
      ),
    ),
  ]
  if (silent.length > 0) {
    const rows = silent.map(({ host, iface, reason }) => [host, iface, reason])
    lines.push('', columns(['HOST', 'SILENT', 'BECAUSE'], rows, ''))
  }
  return { json: status, text: lines.join('\n') }
}

function driftNote(drift: Status['hosts'][number]['drift']): readonly string[] {
  if (drift === null) return []
  const { count, last } = drift
  const times = count === 1 ? 'one change' : `${count} changes`
  return [
    `${times} of its flows by another hand put right since its agent started; the last: ${last}`,
  ]
}
