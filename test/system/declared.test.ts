// Ports kept in a file, as an operator does who has no cloud: `portward apply` beside a real switch, and what guests notice.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Result } from '@portward/testkit'
import { MAIN, run } from '@portward/testkit'
import type { Lab, PortBody } from './lab.ts'
import { openLab, pings, until } from './lab.ts'

const ALICE =
  '{name: alice, mac_address: fa:16:3e:00:0e:01, fixed_ips: [10.0.0.10], interface: alice}'
const BOB = '{name: bob, mac_address: fa:16:3e:00:0e:02, fixed_ips: [10.0.0.11], interface: bob}'

function fileOf(...ports: readonly string[]): string {
  const lines = ports.map((port) => `      - ${port}\n`).join('')
  return `networks:\n  - name: lan\n    subnets: [{name: lan4, cidr: 10.0.0.0/24}]\n    ports:\n${lines || '      []\n'}`
}

async function portward(lab: Lab, ...args: readonly string[]): Promise<Result> {
  return await run([process.execPath, MAIN, ...args], {
    env: { PORTWARD_API: lab.portward().url },
    accept: [0, 1, 2, 3],
    signal: AbortSignal.timeout(60_000),
  })
}

/** `portward apply` of this text. */
async function apply(lab: Lab, text: string, ...flags: readonly string[]): Promise<Result> {
  const path = join(lab.sw.rundir, 'ports.yaml')
  await writeFile(path, text)
  return await portward(lab, 'apply', '-f', path, ...flags)
}

async function ports(lab: Lab): Promise<readonly (PortBody & { readonly name: string })[]> {
  const { body } = await lab.portward().ask('GET', '/v2.0/ports?sort_key=name&sort_dir=asc')
  return (body as { ports: readonly (PortBody & { readonly name: string })[] }).ports
}

void test('a file with two ports and their interfaces: applied, both are guarded; changed, and the switch follows; pruned, and their flows are gone', async () => {
  await using lab = await openLab()
  await lab.start('--host', 'h1')
  const alice = await lab.sw.addGuest({
    name: 'alice',
    mac: 'fa:16:3e:00:0e:01',
    ips: ['10.0.0.10/24'],
  })
  await lab.sw.addGuest({ name: 'bob', mac: 'fa:16:3e:00:0e:02', ips: ['10.0.0.11/24'] })
  const bare = await lab.flows()

  const done = await apply(lab, fileOf(ALICE, BOB))
  assert.equal(done.code, 0, done.stdout + done.stderr)
  assert.match(done.stdout, /\nDone: 4 created\. 2 of 2 ports are in force\.\n$/)
  assert.deepEqual(
    (await ports(lab)).map(({ status }) => status),
    ['ACTIVE', 'ACTIVE'],
  )
  assert.equal(await pings(alice, '10.0.0.11'), true)
  const again = await apply(lab, fileOf(ALICE, BOB))
  assert.deepEqual([again.code, again.stdout], [0, 'Nothing to do: 4 are so already.\n'])

  const moved = await apply(lab, fileOf(ALICE.replace('.10]', '.20]'), BOB))
  assert.equal(moved.code, 0, moved.stderr)
  assert.match(
    moved.stdout,
    /^~ port lan\/alice\n {4}fixed_ips {2}\[10\.0\.0\.10\] -> \[10\.0\.0\.20\]\n/,
  )
  assert.equal(await pings(alice, '10.0.0.11'), false)
  const flows = (await lab.flows()).join('\n')
  assert.match(flows, /nw_src=10\.0\.0\.20/)
  assert.doesNotMatch(flows, /10\.0\.0\.10\b/)
  assert.equal((await apply(lab, fileOf(ALICE, BOB))).code, 0)
  await until(() => pings(alice, '10.0.0.11'), 'alice speaks as herself again')

  const exported = await portward(lab, 'export')
  assert.match(
    exported.stdout,
    /name: alice # \S+\n.*\n.*fixed_ips: \[10\.0\.0\.10\]\n +interface: alice\n/,
  )
  const dry = await apply(lab, exported.stdout, '--dry-run', '--prune')
  assert.deepEqual([dry.code, dry.stdout], [0, 'Nothing to do: 4 are so already.\n'])

  const unasked = await apply(lab, fileOf(), '--prune')
  assert.equal(unasked.code, 2)
  assert.match(unasked.stderr, /--yes/)
  const pruned = await apply(lab, fileOf(), '--prune', '--yes')
  assert.equal(pruned.code, 0, pruned.stderr)
  await until(async () => (await lab.flows()).length === bare.length, 'their flows are gone')
  assert.equal(await pings(alice, '10.0.0.11'), false)
  assert.doesNotMatch(await lab.sw.vsctl('get', 'Interface', 'alice', 'external_ids'), /iface-id/)
})

void test('interfaces that swap their ports, and one that comes only later', async () => {
  await using lab = await openLab()
  await lab.start('--host', 'h1')
  await lab.sw.addPorts([{ name: 'tap0' }, { name: 'tap1' }])
  const file = (a: string, b: string): string =>
    fileOf(
      `{name: a, fixed_ips: [10.0.0.10], interface: ${a}}`,
      `{name: b, fixed_ips: [10.0.0.11], interface: ${b}}`,
    )
  assert.equal((await apply(lab, file('tap0', 'tap1'))).code, 0)
  const [a, b] = await ports(lab)
  assert.ok(a && b)
  const swapped = await apply(lab, file('tap1', 'tap0'))
  assert.equal(swapped.code, 0, swapped.stderr)
  const ids = async (...names: readonly string[]): Promise<readonly string[]> =>
    await Promise.all(
      names.map(async (name) =>
        (await lab.sw.vsctl('get', 'Interface', name, 'external_ids:iface-id')).trim(),
      ),
    )
  assert.deepEqual(await ids('tap0', 'tap1'), [`"${b.id}"`, `"${a.id}"`])

  const waiting = await apply(lab, file('tap1', 'tap9'))
  assert.equal(waiting.code, 1)
  assert.match(waiting.stderr, /^port lan\/b is not in force: host h1 has no interface/)
  await lab.sw.addPorts([{ name: 'tap9' }])
  await until(async () => (await lab.port(b.id)).status === 'ACTIVE', 'b is ACTIVE')
  const on = await apply(lab, file('tap1', 'tap9'))
  assert.deepEqual([on.code, on.stderr], [0, ''])
})
