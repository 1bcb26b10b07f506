// A line as somebody types it, and what comes of it.

import assert from 'node:assert/strict'
import type { Bench, Outcome } from './programs.ts'

/**
 * `{vm1}` stands for the id of what has that name, `{url}` for the server; an agent has the name of its host, an RBAC policy for
 * project p2 the name to_p2.
 */
export type Line = {
  /** Words of `openstack` or `neutron`, after assignments of an environment of its own. */
  readonly run: string
  /** The exit status, where it isn't 0. */
  readonly code?: number
  /** Every request, and how it was answered: `GET /v2.0/ports 200, …`. */
  readonly asks?: string
  /** The head of the table. */
  readonly columns?: string
  /** What stands in a table: a column's values in alphabetical order, or a field's value. */
  readonly has?: Readonly<Record<string, string | readonly string[]>>
  /** The whole of its output. */
  readonly prints?: string
  /** Something that it says in its output or among its errors. */
  readonly says?: RegExp
  /** What a resource is afterwards, by its name, as the API shows it; null: there is none. */
  readonly leaves?: readonly [collection: string, name: string, members: object | null]
  /** Why it isn't as with Neutron. */
  readonly differs?: string
}

/** Runs lines on a bench and knows the names of what is there. */
export function runnerOf(bench: Bench): (line: Line) => Promise<void> {
  const idOf = new Map<string, string>()
  const nameOf = new Map<string, string>()
  const look = async (): Promise<void> => {
    for (const collection of ['networks', 'subnets', 'ports', 'agents', 'rbac-policies']) {
      for (const one of await bench.all(collection)) {
        const { id, name: own, host, target_tenant: target } = one
        const name = [own, host].find((text) => typeof text === 'string') ?? `to_${String(target)}`
        idOf.set(name, String(id))
        nameOf.set(String(id), name)
      }
    }
  }
  const told = (text: string): string =>
    text.replace(/\{(\w+)\}/g, (token, name) =>
      name === 'url' ? bench.url : (idOf.get(name) ?? token),
    )
  const named = (text: string): string =>
    text.replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (id) =>
      nameOf.has(id) ? `{${nameOf.get(id)}}` : id,
    )
  return async (line) => {
    await look()
    const outcome = await runLine(bench, told(line.run))
    const asked = bench.asked()
    await look()
    const { code, stdout, stderr } = outcome
    const said = `${stdout}${stderr}`
    assert.equal(code, line.code ?? 0, said)
    assert.doesNotMatch(said, /Traceback/)
    if (line.asks !== undefined) assert.equal(named(asked.join(', ')), line.asks)
    if (line.prints !== undefined) assert.equal(stdout, told(line.prints))
    if (line.says !== undefined) assert.match(named(said), line.says)
    const table = tableIn(stdout)
    if (line.columns !== undefined) assert.equal(table.columns.join(', '), line.columns)
    for (const [column, value] of Object.entries(line.has ?? {})) {
      const found = table.rows.map((row) => inOrder(named(row[column] ?? '(none)'))).toSorted()
      assert.deepEqual(found, [value].flat().map(inOrder), column)
    }
    if (line.leaves !== undefined) {
      await checkLeft(bench, JSON.parse(told(JSON.stringify(line.leaves))))
    }
  }
}

/** Parts of a cell that stand in the order of ids, which are others each time. */
function inOrder(cell: string): string {
  return cell
    .split(/\n|, (?=\{)/)
    .toSorted()
    .join('\n')
}

async function checkLeft(bench: Bench, [collection, name, wanted]: NonNullable<Line['leaves']>) {
  const found = (await bench.all(collection)).find((one) => one['name'] === name)
  if (wanted === null) return assert.equal(found, undefined)
  const members = Object.keys(wanted).map((member) => [member, found?.[member]])
  assert.deepEqual(Object.fromEntries(members), wanted)
}

function runLine(bench: Bench, text: string): Promise<Outcome> {
  const words = [...text.matchAll(/'([^']*)'|(\S+)/g)].map(
    ([, quoted, bare]) => quoted ?? bare ?? '',
  )
  const place = words.findIndex((word) => !/^[A-Z_]+=/.test(word))
  const env = Object.fromEntries(words.slice(0, place).map((word) => word.split(/=(.*)/s)))
  const [program = '', ...args] = words.slice(place)
  if (program !== 'openstack' && program !== 'neutron') throw new Error(`not a client: ${program}`)
  const where = { OS_AUTH_TYPE: 'none', OS_ENDPOINT: bench.url }
  const bare = place === 0 && !args.some((arg) => arg.startsWith('--os-'))
  return bench.run(program, args, bare ? where : env)
}

type Table = {
  readonly columns: readonly string[]
  readonly rows: readonly Readonly<Record<string, string>>[]
}

/**
 * What is printed as a table, or with `-f json`. A list has a row for each thing; of a single thing, whose table is one of
 * fields and values, the fields are the columns. A cell of several lines keeps them.
 */
function tableIn(text: string): Table {
  if (/^[[{]/.test(text)) return tableOf([JSON.parse(text)].flat())
  const lines = text
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) =>
      line
        .slice(2, -2)
        .split(' | ')
        .map((cell) => cell.trim()),
    )
  const [head = [], ...cells] = lines
  const rows: string[][] = []
  for (const row of cells) {
    const last = rows.at(-1)
    if (row[0] !== '' || last === undefined) rows.push(row)
    else for (const [i, cell] of row.entries()) if (cell !== '') last[i] += `\n${cell}`
  }
  if (head.join() !== 'Field,Value') {
    return tableOf(
      rows.map((row) => Object.fromEntries(head.map((name, i) => [name, row[i]]))),
      head,
    )
  }
  return tableOf([Object.fromEntries(rows.map(([name = '', value]) => [name, value]))])
}

function tableOf(things: readonly object[], head?: readonly string[]): Table {
  const texts = (thing: object) =>
    Object.entries(thing).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ])
  return {
    columns: head ?? Object.keys(things[0] ?? {}),
    rows: things.map((thing) => Object.fromEntries(texts(thing))),
  }
}
