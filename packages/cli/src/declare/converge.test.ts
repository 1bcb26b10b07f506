// Declarations at random, one after another, on a real server.

import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { test } from 'node:test'
import { exportState } from './export.ts'
import { openBench, two } from './testing.ts'

const RUNS = { numRuns: 15, endOnFailure: true }

/** Without the ids. */
function bare(text: string): string {
  return text.replaceAll(/ # \S+$/gm, '')
}

void test('whatever a server was declared to be, one run makes it what is declared now, and a second has nothing to do', async () => {
  await fc.assert(
    fc.asyncProperty(two, async ([first, then]) => {
      await using bench = await openBench()
      for (const declared of [first, then]) {
        const done = await bench.apply(declared, { prune: true, yes: true })
        assert.equal(typeof done.status, 'number', `${done.status} ${done.err}`)
        const { revision } = bench.server.replica
        const again = await bench.apply(declared, { prune: true })
        assert.match(again.out, /^Nothing to do/)
        assert.equal(bench.server.replica.revision, revision)
      }
    }),
    RUNS,
  )
})

void test('what is exported has nothing to do where it is from, and makes the same of a server that has nothing', async () => {
  await fc.assert(
    fc.asyncProperty(two, async ([first, then]) => {
      await using bench = await openBench()
      await bench.apply(first)
      await bench.apply(then, { prune: true, yes: true })
      const exported = await exportState(bench.api, undefined)
      const dry = await bench.apply(exported.text, { dryRun: true, prune: true })
      assert.equal(dry.status, 0, dry.out + dry.err)
      await using other = await openBench()
      const made = await other.apply(exported.text)
      assert.equal(typeof made.status, 'number', `${made.status} ${made.err}`)
      const again = await exportState(other.api, undefined)
      assert.equal(bare(again.text), bare(exported.text))
      assert.deepEqual(again.json, exported.json)
    }),
    RUNS,
  )
})
