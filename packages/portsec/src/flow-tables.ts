// The flows of a switch, made ready for many frames: found by table, port and priority, and their matches as bytes to compare.

import type { Flow, OxmName, ValueCodec } from '@portward/openflow'
import { isMasked, isOxmName, oxm, valueCodecs } from '@portward/openflow'
import { placeOf } from './fields.ts'

/** Flows by table and port, those of the highest priority first. */
export class FlowTables {
  readonly #tables = new Map<number, { byPort: Map<number, Entry[]>; anyPort: Entry[] }>()

  constructor(flows: Iterable<Flow>) {
    for (const flow of flows) {
      const table = this.#tables.get(flow.table) ?? { byPort: new Map(), anyPort: [] }
      this.#tables.set(flow.table, table)
      const { inPort } = flow.match
      const entries = inPort === undefined ? table.anyPort : (table.byPort.get(inPort) ?? [])
      if (inPort !== undefined) table.byPort.set(inPort, entries)
      entries.push({ flow, tests: testsOf(flow) })
    }
    for (const { byPort, anyPort } of this.#tables.values()) {
      for (const entries of [anyPort, ...byPort.values()]) {
        entries.sort((a, b) => b.flow.priority - a.flow.priority)
      }
    }
  }

  /** The flow that takes the frame. Of two with the same priority either may, as in the switch. */
  find(tableId: number, inPort: number, fields: Uint8Array): Flow | undefined {
    const table = this.#tables.get(tableId)
    if (table === undefined) return undefined
    const own = firstOf(table.byPort.get(inPort) ?? [], fields, -1)
    return firstOf(table.anyPort, fields, own?.priority ?? -1) ?? own
  }
}

/** A flow, and what its match asks of the bytes of the fields: place, mask, value; place, mask, value; … */
type Entry = { readonly flow: Flow; readonly tests: readonly number[] }

/** The first that matches, if its priority is above the one given. */
function firstOf(entries: readonly Entry[], fields: Uint8Array, above: number): Flow | undefined {
  for (const { flow, tests } of entries) {
    if (flow.priority <= above) return undefined
    if (passes(tests, fields)) return flow
  }
  return undefined
}

function passes(tests: readonly number[], fields: Uint8Array): boolean {
  for (let i = 0; i < tests.length; i += 3) {
    const [at, mask, value] = [tests[i] ?? 0, tests[i + 1] ?? 0, tests[i + 2] ?? 0]
    if (((fields[at] ?? 0) & mask) !== value) return false
  }
  return true
}

function testsOf(flow: Flow): readonly number[] {
  const { match } = flow
  if (match.unknown !== undefined) throw new Error(`${nameOf(flow)} matches fields not known here`)
  const tests: number[] = []
  for (const name of Object.keys(match)) {
    if (!isOxmName(name) || name === 'inPort') continue
    const field: unknown = match[name]
    if (field !== undefined) tests.push(...testsOfField(name, field))
  }
  return tests
}

function testsOfField(name: OxmName, field: unknown): readonly number[] {
  const { at, size } = placeOf(name)
  const codec: ValueCodec<unknown> = valueCodecs[oxm[name].codec]
  const value = new Uint8Array(size)
  const mask = new Uint8Array(size).fill(0xff)
  if (isMasked(field)) {
    codec.write(value, 0, field.value)
    codec.write(mask, 0, field.mask)
  } else codec.write(value, 0, field)
  const tests: number[] = []
  for (const [i, bits] of mask.entries()) {
    if (bits !== 0) tests.push(at + i, bits, (value[i] ?? 0) & bits)
  }
  return tests
}

/** For messages. */
export function nameOf({ table, priority, cookie }: Flow): string {
  return `the flow of table ${table}, priority ${priority}, cookie 0x${cookie.toString(16)}`
}
