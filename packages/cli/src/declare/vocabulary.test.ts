// What a declaration may say against what the server takes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { network } from '../../../server/src/networks.ts'
import { port } from '../../../server/src/port.ts'
import type { Member } from '../../../server/src/resource.ts'
import { subnet } from '../../../server/src/subnet.ts'
import { openBench } from './testing.ts'
import { atCreation, networkFields, portFields, subnetFields } from './vocabulary.ts'

/** Said by where it stands in the file, by who applies it, or having one value only. */
const elsewhere = new Set([
  'network_id',
  'ip_version',
  'project_id',
  'tenant_id',
  'router:external',
  'availability_zone_hints',
  'subnetpool_id',
  'service_types',
  'extra_dhcp_opts',
  'security_groups',
])
/** Not attributes of the API. */
const ours = new Set(['interface', 'host'])

for (const [resource, fields] of [
  [network, networkFields],
  [subnet, subnetFields],
  [port, portFields],
] as const) {
  void test(`a declared ${resource.name} can say whatever the API takes`, () => {
    const attributes: [string, Member][] = Object.entries(resource.attributes)
    const writable = attributes.filter(
      ([name, { post, put }]) => !elsewhere.has(name) && (post ?? put),
    )
    assert.deepEqual(
      writable.map(([name]) => name).sort(),
      Object.keys(fields)
        .filter((name) => !ours.has(name))
        .sort(),
    )
    for (const [name, { put }] of writable)
      assert.equal(put === undefined, atCreation.has(name), name)
  })
}

void test('the checks are those that the server knows', async () => {
  await using bench = await openBench()
  const made = await bench.server.call('POST', '/v2.0/networks', {
    network: { 'portward:checks': { nosuch: false } },
  })
  const known = /can be exempted from (.*)\./.exec(made.error?.message ?? '')?.[1]
  const { err } = await bench.apply(
    'networks: [{name: lan, portward:checks: {nosuchcheck: false}}]',
  )
  assert.equal(/it has (.*)$/.exec(err)?.[1], known)
})
