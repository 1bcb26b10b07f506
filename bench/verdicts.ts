// How many frames it takes to find one on which the rules, the interpreter of flows and Open vSwitch do not agree: random
// ports, random frames near what they may say, as in the system test of the same name, but a million.

import { startSwitch } from '@portward/testkit'
import { ROUND, noTime, playRound } from '../test/system/three-verdicts.ts'
import type { Result } from './figures.ts'
import { progress } from './lab.ts'

const MILLION = 1_000_000

/** Whole rounds, as many as it takes for this number of cases. */
export async function verdicts({
  cases: wanted = MILLION,
}: {
  readonly cases?: number
}): Promise<Result> {
  await using sw = await startSwitch()
  const times = noTime()
  const found = new Map<string, { readonly text: string; count: number }>()
  const first = Math.floor(Math.random() * 2 ** 30)
  const began = performance.now()
  let cases = 0
  let passed = 0
  while (cases < wanted) {
    const round = await playRound(sw, (first + cases) % 2 ** 31, times)
    cases += round.cases
    passed += round.passed
    for (const [what, { text, count }] of round.differences) {
      const known = found.get(what)
      if (known === undefined) found.set(what, { text, count })
      else known.count += count
    }
    const rate = Math.round(cases / ((performance.now() - began) / 1000))
    progress(`${cases} of ${wanted} cases, ${rate} a second, ${total(found)} differences`)
  }
  const row = (of: string, ms: number) => ({
    of,
    cases,
    'cases/s': Math.round(cases / (ms / 1000)),
  })
  return {
    bench: 'verdicts: the rules, the flows interpreted, and Open vSwitch',
    rows: [
      row('random cases, made', times.cases),
      row('rules', times.rules),
      row('flows interpreted', times.flows),
      row('Open vSwitch, traced', times.switch),
      row('all', performance.now() - began),
    ],
    notes: [
      `${passed} of ${cases} cases pass; ${cases / ROUND} rounds from PORTWARD_SEED=${first} on, each ${ROUND} further`,
      ...[...found.values()].map(({ text, count }) => `${count} times: ${text}`),
    ],
    limits: [{ what: `${total(found)} differences`, limit: '0', holds: found.size === 0 }],
  }
}

function total(found: ReadonlyMap<string, { readonly count: number }>): number {
  return [...found.values()].reduce((sum, { count }) => sum + count, 0)
}
