import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'

const module = fileURLToPath(new URL('trace.ts', import.meta.url))
const program = `
const { traceOf } = await import(${JSON.stringify(module)})
for (const name of ['openflow', 'ovsdb', 'flow']) traceOf(name)?.('a line of ' + name)
`

function traced(asked: string | undefined): readonly string[] {
  const { PORTWARD_TRACE: _, ...env } = process.env
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    env: asked === undefined ? env : { ...env, PORTWARD_TRACE: asked },
    encoding: 'utf8',
  })
  return stderr
    .split('\n')
    .map((line) => line.replace(/^\S+ /, ''))
    .filter((line) => line !== '')
}

void test('each protocol named in PORTWARD_TRACE is traced, and no other', () => {
  assert.deepEqual(traced('openflow, ovsdb'), [
    'openflow a line of openflow',
    'ovsdb a line of ovsdb',
  ])
  assert.deepEqual(traced('ovsdb'), ['ovsdb a line of ovsdb'])
  assert.deepEqual(traced(''), [])
  assert.deepEqual(traced(undefined), [])
})
