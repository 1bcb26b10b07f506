// script/bench [NAME…] [--json FILE] [--cases N]: exits with 0 only if every limit holds.

import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { api } from './api.ts'
import { archive } from './archive.ts'
import { evasion } from './evasion.ts'
import { show } from './figures.ts'
import type { Result } from './figures.ts'
import { growth } from './growth.ts'
import { restart } from './restart.ts'
import { toggle } from './toggle.ts'
import { verdicts } from './verdicts.ts'

type Options = { readonly cases?: number }
const benches: Readonly<Record<string, (options: Options) => Promise<Result>>> = {
  toggle,
  restart,
  evasion,
  verdicts,
  api,
  growth,
  archive,
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  // Of `verdicts`: how many.
  options: { json: { type: 'string' }, cases: { type: 'string' } },
})
const names = positionals.length === 0 ? Object.keys(benches) : positionals
const unknown = names.filter((name) => benches[name] === undefined)
if (unknown.length > 0) {
  const known = Object.keys(benches).join(', ')
  process.stderr.write(`script/bench: no bench ${unknown.join(', ')}; there are ${known}\n`)
  process.exit(2)
}

const cases = Number(values.cases ?? Number.NaN)
if (values.cases !== undefined && !(Number.isInteger(cases) && cases > 0)) {
  process.stderr.write(`script/bench: --cases ${values.cases} is no number of cases\n`)
  process.exit(2)
}

const results: Result[] = []
for (const name of names) {
  const result = await benches[name]?.(values.cases === undefined ? {} : { cases })
  if (result === undefined) continue
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  process.stdout.write(`${show(result)}\n\n`)
  results.push(result)
}
if (values.json !== undefined) {
  await writeFile(values.json, `${JSON.stringify(results, undefined, 2)}\n`)
}
process.exitCode = results.every(({ limits }) => limits.every(({ holds }) => holds)) ? 0 : 1
