// Command lines as people type them, run by the real clients: exit status, requests, output, and what the server then has.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { furtherLines } from './further-lines.ts'
import { runnerOf } from './line.ts'
import type { Line } from './line.ts'
import { openBench } from './programs.ts'
import type { Bench } from './programs.ts'
import { recordedLines } from './recorded-lines.ts'

let bench: Bench
let run: (line: Line) => Promise<void>

before(async () => {
  bench = await openBench()
  run = runnerOf(bench)
  await bench.alive('h1')
})
after(() => bench[Symbol.asyncDispose]())

void test('what the lines are about', async () => {
  const network = await bench.post('network', { name: 'clinet' })
  for (const subnet of [
    { name: 's4', cidr: '10.0.0.0/16', ip_version: 4, enable_dhcp: false },
    { name: 's6', cidr: 'fd00:1::/64', ip_version: 6, enable_dhcp: false },
  ]) {
    await bench.post('subnet', { network_id: network, ...subnet })
  }
  const vm1 = {
    name: 'vm1',
    device_id: 'vm',
    device_owner: 'compute:nova',
    'binding:host_id': 'h1',
    mac_address: 'fa:16:3e:dc:ef:1d',
    fixed_ips: [{ ip_address: '10.0.0.10' }, { ip_address: 'fd00:1::10' }],
  }
  await bench.post('port', { network_id: network, ...vm1 })
  await bench.post('port', { network_id: network, name: 'vm2' })
})

for (const line of [...recordedLines, ...furtherLines]) {
  const { run: text, differs } = line
  void test(differs === undefined ? text : `${text} (${differs})`, () => run(line))
}

void test('a program in a process of its own says the same', async () => {
  for (const [program, args] of [
    ['openstack', ['port', 'list', '--sort-column', 'Name']],
    ['neutron', ['port-show', 'vm1']],
    ['openstack', ['port', 'show', 'nosuch']],
  ] as const) {
    const env = { OS_AUTH_TYPE: 'none', OS_ENDPOINT: bench.url }
    const [here, there] = [
      await bench.run(program, args, env),
      await bench.start(program, args, env),
    ]
    assert.deepEqual(here, there)
  }
})
