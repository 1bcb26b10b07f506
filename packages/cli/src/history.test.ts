import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { openBench } from './declare/testing.ts'
import type { Bench } from './declare/testing.ts'
import { showHistory } from './history.ts'

const FILE = `networks:
  - name: lan
    subnets: [{name: lan4, cidr: 10.0.0.0/24}]
    ports: [{name: web1, mac_address: fa:16:3e:00:00:10, fixed_ips: [10.0.0.10]}]
`

async function told({ api }: Bench, which: string, at?: string, limit = 20): Promise<string> {
  const { text } = await showHistory(api, { which, at, limit })
  return stripVTControlCharacters(text)
}

/** The id of web1. */
async function idOf({ server }: Bench): Promise<string> {
  return String((await server.call('GET', '/v2.0/ports')).at('ports', 0, 'id'))
}

void test('each change with who made it and what became different, the newest first; of a port that is gone by its id', async () => {
  await using bench = await openBench()
  await bench.apply(FILE)
  await bench.apply(FILE.replace('10.0.0.10]', '10.0.0.12], allowed_address_pairs: [10.9.0.1]'))
  const id = await idOf(bench)
  const text = await told(bench, 'web1')
  assert.match(text, /^\S+Z {2}changed by \S.*, req-\S+\n/)
  assert.match(text, /\n {2}fixed_ips: 10\.0\.0\.10 → 10\.0\.0\.12\n/)
  assert.match(text, /\n {2}allowed_address_pairs: none → 10\.9\.0\.1 as fa:16:3e:00:00:10\n/)
  assert.match(text, /\n\S+Z {2}made by [^\n]*\n {2}name: web1\n/)
  assert.match(await told(bench, 'web1', undefined, 1), /\n\nThere may be more: --limit 10$/)
  await bench.apply('networks: []', { prune: true, yes: true })
  assert.match(await told(bench, id), /^\S+Z {2}deleted by /)
  await assert.rejects(told(bench, 'web1'), /no port has the id or name 'web1'/)
})

void test('what a port was at a time, what it might claim, and since when', async () => {
  await using bench = await openBench()
  const before = new Date(Date.now() - 60_000).toISOString()
  await bench.apply(FILE)
  const after = new Date(Date.now() + 60_000).toISOString()
  const guarded = await told(bench, 'web1', after)
  assert.match(guarded, /^fixed_ips +10\.0\.0\.10$/m)
  assert.match(guarded, /^may claim +fa:16:3e:00:00:10 10\.0\.0\.10\S*$/m)
  assert.match(guarded, /\n\nAs it was since \S+Z {2}\S+ by /)
  assert.match(
    await told(bench, 'web1', before),
    /^At \S+ there was no such port: nothing is kept of that time\.$/,
  )
  const path = `/v2.0/ports/${await idOf(bench)}`
  await bench.server.call('PUT', path, { port: { port_security_enabled: false } })
  assert.match(await told(bench, 'web1', after), /^may claim +anything: port security was off$/m)
})
