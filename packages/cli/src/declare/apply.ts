// `portward apply`: makes a server what the files declare, and nothing else of it.

import { readFile } from 'node:fs/promises'
import { text as textOf } from 'node:stream/consumers'
import type { Api } from '../api.ts'
import { printable } from '../columns.ts'
import { Complaint } from '../complaint.ts'
import { carryOut } from './carry-out.ts'
import type { Declaration, Source } from './declaration.ts'
import { readDeclaration } from './declaration.ts'
import type { IdOf, Plan } from './plan.ts'
import { plan } from './plan.ts'
import { countsOf, showPlan } from './show.ts'
import type { PortState } from './state.ts'
import { readState } from './state.ts'
import type { Terminal } from './terminal.ts'

export { openTerminal } from './terminal.ts'

export type Wish = {
  /** `-` is standard input. */
  readonly files: readonly string[]
  readonly dryRun: boolean
  readonly prune: boolean
  /** Delete without asking. */
  readonly yes: boolean
  readonly json: boolean
}

/** What --dry-run ends with when there is something to do: 1 is a failure, 2 was asked wrongly. */
const DIFFERS = 3
/** Ports that are waited for at once, and for how many milliseconds in all: the rest is only looked at. */
const ABREAST = 32
const PATIENCE = 10_000

type PortView = {
  readonly applied: boolean
  readonly state: string
  readonly reason: string | null
}
/** A port that is not in force. */
type Idle = {
  readonly port: string
  readonly id: string
  readonly tied: boolean
  readonly reason: string
}

/** Gives the exit status. Throws a Complaint for what cannot be asked, or has failed on the way. */
export async function apply(api: Api, wish: Wish, terminal: Terminal): Promise<number> {
  const { dryRun, prune, json } = wish
  const declaration = declarationIn(await Promise.all(wish.files.map(sourceOf)), terminal)
  const planned = plan(declaration, await readState(api), prune)
  refuse(planned.problems, terminal, 1)
  const { items, unchanged, leftover } = planned
  if (!json) terminal.out(showPlan(planned, prune))
  if (dryRun) {
    if (json) terminal.out(JSON.stringify({ items, unchanged, leftover }, undefined, 2))
    return items.length === 0 ? 0 : DIFFERS
  }
  const deleted = items.filter(({ action }) => action === 'delete').length
  if (deleted > 0 && !wish.yes) await consent(deleted, terminal)
  const idOf = await carryOut(api, planned)
  const idle = await idleIn(api, declaration, idOf)
  if (json) terminal.out(JSON.stringify({ items, unchanged, leftover, idle }, undefined, 2))
  else if (items.length > 0) terminal.out(outcome(planned, declaration, idle))
  for (const { port, reason, tied } of json ? [] : idle) {
    const line = printable(`port ${port} is not ${tied ? 'in force' : 'ACTIVE'}: ${reason}`)
    if (tied) terminal.err(line)
    else terminal.out(line)
  }
  return idle.some(({ tied }) => tied) ? 1 : 0
}

async function sourceOf(file: string): Promise<Source> {
  if (file === '-') return { name: 'standard input', text: await textOf(process.stdin) }
  try {
    return { name: file, text: await readFile(file, 'utf8') }
  } catch (cause) {
    throw new Complaint(`${file}: ${(cause as Error).message}`, 2, { cause })
  }
}

function declarationIn(sources: readonly Source[], terminal: Terminal): Declaration {
  const { declaration, problems } = readDeclaration(sources)
  refuse(problems, terminal, 2)
  return declaration ?? { networks: [] }
}

/** All problems at once, a line each. */
function refuse(problems: readonly string[], terminal: Terminal, status: 1 | 2): void {
  if (problems.length === 0) return
  for (const problem of problems) terminal.err(printable(problem))
  const count = problems.length === 1 ? 'One thing stands' : `${problems.length} things stand`
  throw new Complaint(`${count} in the way, and nothing was done`, status)
}

async function consent(count: number, terminal: Terminal): Promise<void> {
  if (terminal.ask === undefined) {
    throw new Complaint(
      `--prune would delete ${count}, and nobody can be asked here: give --yes as well. Nothing was done`,
      2,
    )
  }
  if (!(await terminal.ask(`Delete ${count}, and do all of the above?`)))
    throw new Complaint('Nothing was done')
}

/** Waits for the hosts, and gives the declared ports that are not in force. */
async function idleIn(api: Api, { networks }: Declaration, idOf: IdOf): Promise<readonly Idle[]> {
  const { ports } = await api.get<{ ports: readonly PortState[] }>('/v2.0/ports')
  const active = new Set(ports.filter(({ status }) => status === 'ACTIVE').map(({ id }) => id))
  const waiting = networks.flatMap(({ name: network, ports: declared }) =>
    declared.map(({ name, interface: tied }) => {
      const port = `${network}/${name}`
      return { port, id: idOf('port', port), tied: tied !== undefined }
    }),
  )
  const idle: Idle[] = []
  const each = waiting.filter(({ id }) => !active.has(id)).values()
  const limit = performance.now() + PATIENCE
  const wait = async (): Promise<void> => {
    for (const one of each) {
      // Changes nothing, and answers once the host has done all that was changed before.
      const path = `/v2.0/ports/${one.id}?wait=applied`
      if (performance.now() < limit) await api.put(path, { port: {} })
      const { applied, state, reason } = await api.get<PortView>(`/portward/v1/ports/${one.id}`)
      if (!applied) idle.push({ ...one, reason: reason ?? state })
    }
  }
  await Promise.all(Array.from({ length: ABREAST }, wait))
  return idle.sort((a, b) => (a.port < b.port ? -1 : 1))
}

function outcome({ items }: Plan, { networks }: Declaration, idle: readonly Idle[]): string {
  const counts = countsOf(items, (count, action) => `${count} ${action}d`)
  const ports = networks.reduce((sum, network) => sum + network.ports.length, 0)
  const force = ports === 0 ? '' : ` ${ports - idle.length} of ${ports} ports are in force.`
  return `Done: ${counts}.${force}`
}
