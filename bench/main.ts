// script/bench [NAME…] [--json FILE], and what some of them take; exits with 0 only if every limit holds.

import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { api } from './api.ts'
import { archive } from './archive.ts'
import { evasion } from './evasion.ts'
import { faults } from './faults.ts'
import type { FaultsOptions } from './faults.ts'
import { fleet } from './fleet.ts'
import type { FleetOptions } from './fleet.ts'
import { show } from './figures.ts'
import type { Result } from './figures.ts'
import { growth } from './growth.ts'
import { progress } from './lab.ts'
import { restart } from './restart.ts'
import { scale } from './scale.ts'
import type { ScaleOptions } from './scale.ts'
import { soak } from './soak.ts'
import type { SoakOptions } from './soak.ts'
import { toggle } from './toggle.ts'
import { verdicts } from './verdicts.ts'

type Options = FaultsOptions &
  SoakOptions &
  FleetOptions &
  ScaleOptions & { readonly cases?: number }
const benches: Readonly<Record<string, (options: Options) => Promise<Result>>> = {
  toggle,
  restart,
  evasion,
  verdicts,
  api,
  growth,
  archive,
  faults,
  soak,
  fleet,
  scale,
}
/** Asked for by name alone. */
const LONG = ['soak', 'fleet', 'scale']

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    // Of `verdicts`: how many.
    cases: { type: 'string' },
    // Of `faults`; `only` of `scale` too.
    rounds: { type: 'string' },
    only: { type: 'string' },
    seed: { type: 'string' },
    ports: { type: 'string' },
    // Of `soak`.
    minutes: { type: 'string' },
    // Of `fleet`, as `ports`.
    hosts: { type: 'string' },
  },
})
const all = Object.keys(benches).filter((name) => !LONG.includes(name))
const names = positionals.length === 0 ? all : positionals
const unknown = names.filter((name) => benches[name] === undefined)
if (unknown.length > 0) {
  const known = Object.keys(benches).join(', ')
  process.stderr.write(`script/bench: no bench ${unknown.join(', ')}; there are ${known}\n`)
  process.exit(2)
}

const options: Options = {
  ...numberOf('cases'),
  ...numberOf('rounds'),
  ...numberOf('seed'),
  ...numberOf('ports'),
  ...numberOf('minutes'),
  ...numberOf('hosts'),
  ...(values.only !== undefined && { only: values.only.split(',') }),
}

function numberOf(name: 'cases' | 'rounds' | 'seed' | 'ports' | 'minutes' | 'hosts'): Options {
  const text = values[name]
  if (text === undefined) return {}
  const number = Number(text)
  if (!(Number.isInteger(number) && number > 0)) {
    process.stderr.write(`script/bench: --${name} ${text} is not a whole number from 1 on\n`)
    process.exit(2)
  }
  return { [name]: number }
}

const results: Result[] = []
for (const name of names) {
  const result = await benches[name]?.(options)
  if (result === undefined) continue
  progress('')
  process.stdout.write(`${show(result)}\n\n`)
  results.push(result)
}
if (values.json !== undefined) {
  await writeFile(values.json, `${JSON.stringify(results, undefined, 2)}\n`)
}
process.exitCode = results.every(({ limits }) => limits.every(({ holds }) => holds)) ? 0 : 1
