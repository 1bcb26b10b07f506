// `portward verify`: on the host itself, what the server declares held against what the switch does. It asks the switch, not the
// agent, so it also tells when that is dead.

import { styleText } from 'node:util'
import { verify as look } from '@portward/agent'
import type { Difference, Expected, Verification } from '@portward/agent'
import { records } from '@portward/store'
import type { Api } from './api.ts'
import { columns, printable } from './columns.ts'
import { Complaint } from './complaint.ts'
import type { Config } from './config.ts'
import type { Found } from './found.ts'
import { idOf } from './ports.ts'

type Enforced = {
  readonly ports: readonly {
    readonly id: string
    readonly revision: number
    readonly applied: boolean
    readonly declared: unknown
  }[]
}

/** `which` is a port's id or name; without it, all that the host must enforce. Throws a Complaint when nothing could be proven. */
export async function verify(
  api: Api,
  config: Config,
  { which, signal }: { readonly which: string | undefined; readonly signal: AbortSignal },
): Promise<Found> {
  const { host, bridge, bridge_mode: mode, ovs_rundir: rundir, uplinks, isolate } = config
  const portId = which === undefined ? undefined : await idOf(api, which)
  const path = `/portward/v1/hosts/${encodeURIComponent(host)}/ports`
  const ports = async (): Promise<readonly Expected[]> =>
    (await api.get<Enforced>(path)).ports.map(expectedOf)
  if (portId !== undefined && !(await ports()).some(({ record }) => record.portId === portId)) {
    throw new Complaint(
      `port ${which} is not for host ${host} to enforce: run it on the host that it is bound to, or name that with --host`,
      1,
    )
  }
  const onProgress = process.stderr.isTTY ? showProgress : undefined
  const found = await look({
    rundir,
    bridge,
    mode,
    uplinks: new Set(uplinks),
    isolate,
    ports,
    ...(portId !== undefined && { portId }),
    ...(onProgress && { onProgress }),
    signal,
  }).catch((cause: Error) => {
    throw new Complaint(`nothing is proven: ${cause.message}`, 1, { cause })
  })
  if (onProgress !== undefined) process.stderr.write('\r\u001b[K')
  const { differences } = found
  const alarm = differences.length === 0 ? {} : { alarm: alarmOf(differences) }
  return { json: { host, bridge, ...found }, text: textOf(host, bridge, found), ...alarm }
}

function expectedOf({ id, revision, applied, declared }: Enforced['ports'][number]): Expected {
  const record = records.hostPort.decode({ key: id, value: JSON.stringify(declared) })
  return { record, revision, applied }
}

function textOf(host: string, bridge: string, found: Verification): string {
  const { mode, ports, flows, frames, differences, notes } = found
  const counted = `${bridge} of ${host} (${mode}): ${ports} ports, ${flows} flows, ${frames} frames judged`
  const result = differences.length === 0 ? 'all as declared' : `${differences.length} differences`
  const rows = differences.map(({ iface, portId, what }) => [
    iface === '' ? bridge : iface,
    portId ?? '',
    what,
  ])
  return [
    ...notes.map((note) => styleText('yellow', printable(note))),
    ...(rows.length === 0 ? [] : [columns(['INTERFACE', 'PORT', 'DIFFERENCE'], rows, ''), '']),
    `${counted}: ${result}`,
  ].join('\n')
}

function alarmOf(differences: readonly Difference[]): string {
  const count = differences.length
  const what = count === 1 ? 'one thing is' : `${count} things are`
  return `portward: ${what} not as declared: see \`portward status\` for what the agent says, and its log\n`
}

function showProgress(done: number, all: number): void {
  process.stderr.write(`\r\u001b[K${done} of ${all} interfaces`)
}
