// openstacksdk, by which programs speak to Neutron: sdk.py has the checks.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { PYTHON, openBench } from './programs.ts'

const CHECKS = fileURLToPath(new URL('sdk.py', import.meta.url))

void test('what programs do with openstacksdk', async (t) => {
  await using bench = await openBench()
  await bench.alive('h1')
  const child = spawn(PYTHON, [CHECKS, bench.url], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => child.once('close', resolve))
  let checks = 0
  for await (const line of createInterface({ input: child.stdout })) {
    const { check, error } = JSON.parse(line)
    checks++
    await t.test(check.replaceAll('_', ' '), () => assert.equal(error, null))
  }
  assert.equal(await ended, 0)
  assert.ok(checks > 0)
})
