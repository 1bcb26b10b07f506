// The rules, the interpreter of flows and Open vSwitch agree on every frame, of whatever port. Cases that once were judged
// differently are kept in testkit's frames/regressions.ts, and come first.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Eyes, Switch } from '@portward/testkit'
import { regressions, startSwitch } from '@portward/testkit'
import { ROUND, differenceOf, openCourt, playRound, textOfCase } from './three-verdicts.ts'

let sw: Switch
before(async () => {
  sw = await startSwitch()
})
after(() => sw[Symbol.asyncDispose]())

const eyesOf = ({ vlanLimit = 1, fragments = 'seen' }: Partial<Eyes>): Eyes => ({
  vlanLimit,
  fragments,
})

void test('what was once judged wrongly, or is likely to be, is judged as it should', async () => {
  const ports = [...new Set(regressions.map(({ port }) => port))]
  const views = Map.groupBy(regressions, ({ eyes = {} }) => JSON.stringify(eyesOf(eyes)))
  await using court = await openCourt(sw, ports)
  const wrong: string[] = []
  for (const [text, kept] of views) {
    const eyes = JSON.parse(text) as Eyes
    await court.look(eyes)
    const cases = kept.map(({ port, frame }) => ({ port: ports.indexOf(port), frame }))
    for (const [i, verdicts] of (await court.judge(cases)).entries()) {
      const { name = '', port = ports[0], frame = new Uint8Array(), passes } = kept[i] ?? {}
      const expected = verdicts.byRules === passes ? undefined : `expected: passes ${passes}`
      const problem = differenceOf(verdicts) ?? expected
      if (problem === undefined || port === undefined) continue
      wrong.push(`${name}: ${problem}\n${textOfCase(port, frame, eyes)}\n${verdicts.trace}`)
    }
  }
  assert.equal(wrong.length, 0, wrong.join('\n\n'))
})

void test(`${ROUND} frames near what their ports may say: one verdict of three`, async (t) => {
  const seed = Number(process.env['PORTWARD_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  const { cases, passed, differences } = await playRound(sw, seed)
  t.diagnostic(`${cases} cases, of which ${passed} pass; PORTWARD_SEED=${seed} plays them again`)
  const found = [...differences.values()].map(({ text, count }) => `${count} times: ${text}`)
  assert.equal(found.length, 0, `keep these in regressions.ts:\n${found.join('\n')}`)
  assert.equal(cases, ROUND)
  assert.ok(passed > ROUND / 10, `only ${passed} frames pass: that says little`)
})
