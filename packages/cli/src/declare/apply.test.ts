// portward apply and export on a real server: what they say, and how they end.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exportState } from './export.ts'
import { openBench } from './testing.ts'
import type { Bench } from './testing.ts'

const FILE = `networks:
  - name: lan
    subnets:
      - {name: lan4, cidr: 10.0.0.0/24}
    ports:
      - {name: web1, mac_address: fa:16:3e:00:00:10, fixed_ips: [10.0.0.10]}
      - {name: web2, mac_address: fa:16:3e:00:00:11, fixed_ips: [10.0.0.11]}
`
const WITHOUT_WEB2 = FILE.replace(/^.*web2.*\n/m, '')

async function portNames({ server }: Bench): Promise<readonly unknown[]> {
  const { all } = await server.call('GET', '/v2.0/ports?fields=name&sort_key=name&sort_dir=asc')
  return all('ports').map(({ name }) => name)
}

void test('shown only: 3 while there is something to do, and nothing is done; then done; then nothing to do', async () => {
  await using bench = await openBench()
  const dry = await bench.apply(FILE, { dryRun: true })
  assert.equal(dry.status, 3)
  assert.match(dry.out, /^\+ network lan\n\+ subnet lan\/lan4\n {4}cidr +10\.0\.0\.0\/24\n/)
  assert.match(dry.out, /\n4 to create\.$/)
  assert.deepEqual(await portNames(bench), [])
  const done = await bench.apply(FILE)
  assert.equal(done.status, 0)
  assert.match(
    done.out,
    /\nDone: 4 created\. 0 of 2 ports are in force\.\nport lan\/web1 is not ACTIVE: no host has an interface/,
  )
  const again = await bench.apply(FILE, { dryRun: true })
  assert.deepEqual([again.status, again.out], [0, 'Nothing to do: 4 are so already.'])
})

void test('a change reads as what was and what shall be', async () => {
  await using bench = await openBench()
  await bench.apply(FILE)
  const { out } = await bench.apply(
    FILE.replace('[10.0.0.10]', '[10.0.0.12], allowed_address_pairs: [10.0.0.99]'),
    { dryRun: true },
  )
  assert.equal(
    out,
    '~ port lan/web1\n' +
      '    fixed_ips              [10.0.0.10] -> [10.0.0.12]\n' +
      '    allowed_address_pairs  [] -> [10.0.0.99]\n' +
      '1 to update; 3 are so already.',
  )
})

void test('prune: named without, asked with, refused where nobody can be asked', async () => {
  await using bench = await openBench()
  await bench.apply(FILE)
  const without = await bench.apply(WITHOUT_WEB2)
  assert.match(
    without.out,
    /^Made by apply, and in none of the files: port lan\/web2\. --prune deletes/,
  )
  const unasked = await bench.apply(WITHOUT_WEB2, { prune: true })
  assert.match(String(unasked.status), /give --yes as well\. Nothing was done/)
  const refused = await bench.apply(WITHOUT_WEB2, { prune: true }, false)
  assert.equal(refused.status, 'Nothing was done')
  assert.deepEqual(await portNames(bench), ['web1', 'web2'])
  const asked = await bench.apply(WITHOUT_WEB2, { prune: true }, true)
  assert.match(
    asked.out,
    /^- port lan\/web2 \(\S{36}\)\n1 to delete; 3 are so already\.\nDone: 1 deleted\./,
  )
  assert.deepEqual(await portNames(bench), ['web1'])
  const all = await bench.apply('networks: []', { prune: true, yes: true })
  assert.match(all.out, /Done: 3 deleted\./)
  assert.deepEqual((await bench.server.call('GET', '/v2.0/networks')).body, { networks: [] })
})

void test('what is wrong in files is said at once, and nothing is done', async () => {
  await using bench = await openBench()
  const wrong = await bench.apply([
    FILE.replace('cidr:', 'cdir:'),
    FILE.replace('lan\n', 'x\n    mtu: 1\n'),
  ])
  assert.equal(wrong.status, '3 things stand in the way, and nothing was done')
  assert.equal(
    wrong.err,
    "ports.yaml:4:22: a subnet has no 'cdir': is cidr meant?\n" +
      "ports.yaml:4:9: a subnet needs 'cidr'\n" +
      'ports1.yaml:3:10: wanted an integer from 68 to 65535, got 1',
  )
  const missing = await bench.apply(FILE.replace('[10.0.0.10]', '[{subnet: lan6}]'))
  assert.match(
    missing.err,
    /^ports\.yaml:6:54: network lan has no subnet lan6; it has lan4, 10\.0\.0\.0\/24$/,
  )
  const outside = await bench.apply(FILE.replace('10.0.0.11', '10.7.0.11'))
  assert.match(
    outside.err,
    /^ports\.yaml:7:\d+: 10\.7\.0\.11 is in no subnet of network lan; it has 10\.0\.0\.0\/24$/,
  )
  assert.deepEqual(await portNames(bench), [])
})

void test('a failure on the way says what was done, and the next run goes on', async () => {
  await using bench = await openBench()
  const pairs = Array.from({ length: 11 }, (_, i) => `10.9.0.${i}`).join(', ')
  const many = FILE.replace('{name: web1', `{name: web1, allowed_address_pairs: [${pairs}]`)
  const stopped = await bench.apply(many)
  assert.match(
    String(stopped.status),
    /^create port lan\/web1: allowed_address_pairs: 11 are given .*\. Done before: create network lan, create subnet lan\/lan4\. Not done: this, and create port lan\/web2\. Run it again: it goes on from there$/,
  )
  const on = await bench.apply(FILE)
  assert.match(on.out, /^\+ port lan\/web1\n/)
  assert.deepEqual(await portNames(bench), ['web1', 'web2'])
})

void test('what somebody else changes between the look and the write is not overwritten', async () => {
  await using bench = await openBench()
  await bench.apply(FILE)
  const { at } = await bench.server.call('GET', '/v2.0/ports?name=web1')
  const path = `/v2.0/ports/${String(at('ports', 0, 'id'))}`
  const change = () => bench.server.call('PUT', path, { port: { description: 'hers' } })
  const late = await bench.apply(FILE.replace('[10.0.0.10]', '[10.0.0.12]'), {}, undefined, change)
  assert.match(
    String(late.status),
    /^update port lan\/web1: somebody else has changed it meanwhile, and that was not overwritten\. Nothing was done\./,
  )
  const now = await bench.server.call('GET', path)
  assert.deepEqual(
    [now.at('port', 'description'), now.at('port', 'fixed_ips', 0, 'ip_address')],
    ['hers', '10.0.0.10'],
  )
})

void test('a port with an interface that is not in force is a failure, again on the next run', async () => {
  await using bench = await openBench()
  const tied = FILE.replace('name: web1', 'name: web1, interface: vnet3')
  for (const _ of [1, 2]) {
    const done = await bench.apply(tied)
    assert.equal(done.status, 1)
    assert.match(done.err, /^port lan\/web1 is not in force: no agent is alive on host h1/)
  }
  const json = await bench.apply(tied, { json: true })
  const { items, idle } = JSON.parse(json.out) as {
    items: unknown
    idle: readonly { tied: boolean }[]
  }
  assert.deepEqual([items, idle.map((one) => one.tied), json.err], [[], [true, false], ''])
})

void test('an export has no things without a name of their own, and says so; one network can be chosen', async () => {
  await using bench = await openBench()
  await bench.apply(FILE)
  const network = await bench.server.call('POST', '/v2.0/networks', { network: { name: 'other' } })
  const id = network.at('network', 'id')
  const port = await bench.server.call('POST', '/v2.0/ports', { port: { network_id: id } })
  const { alarm, text } = await exportState(bench.api, undefined)
  assert.match(alarm ?? '', new RegExp(`port of network other ${String(port.at('port', 'id'))}`))
  assert.match(text, /name: other/)
  const one = await exportState(bench.api, 'lan')
  assert.equal(one.alarm, undefined)
  assert.doesNotMatch(one.text, /other/)
  await assert.rejects(
    exportState(bench.api, 'x'),
    /no network has the name 'x'; there are lan, other/,
  )
})

void test('what protect made stays with it', async () => {
  await using bench = await openBench()
  await bench.server.agent('h1').see('tap0', {})
  const body = { iface: 'tap0', ips: ['10.0.0.5'], mac: 'fa:16:3e:00:00:10' }
  await bench.server.call('POST', '/portward/v1/protect', body)
  assert.deepEqual((await exportState(bench.api, undefined)).json, { networks: [] })
  const pruned = await bench.apply('networks: []', { prune: true, yes: true })
  assert.equal(pruned.out, 'Nothing to do.')
})
