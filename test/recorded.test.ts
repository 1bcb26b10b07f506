// What Neutron answered, asked of Portward: every exchange of test/recorded, in order, on one server. Where the two differ on
// purpose, deviations.ts says so, and the difference must be there.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { withoutIdentity } from '../packages/server/src/identity/nobody.ts'
import { openTestServer } from '../packages/server/src/testing.ts'
import type { TestServer } from '../packages/server/src/testing.ts'
import { differenceOf } from './recorded/compare.ts'
import { differsIn, exchangeOf, ownExtensions, unmet } from './recorded/deviations.ts'
import { ends } from './recorded/ends.ts'
import { extensions } from './recorded/extensions.ts'
import { Ledger } from './recorded/ledger.ts'
import { lists } from './recorded/lists.ts'
import { networks } from './recorded/networks.ts'
import { ports } from './recorded/ports.ts'
import { refusals } from './recorded/refusals.ts'
import { subnets } from './recorded/subnets.ts'
import { versions } from './recorded/versions.ts'

const HOST = 'neutron:9696'

const ledger = new Ledger(`http://${HOST}`)
let server: TestServer

before(async () => {
  const vlanRange = { first: 100, last: 199 }
  server = await openTestServer({
    identity: withoutIdentity(),
    settings: { network: { type: 'vlan', physicalNetwork: 'physnet1', vlanRange } },
  })
  await server.agent('h1').alive()
})
after(() => server[Symbol.asyncDispose]())

for (const exchange of [versions, networks, subnets, ports, refusals, lists, ends].flat()) {
  const { note, send } = exchange
  void test(`${send[0]} ${send[1]}: ${note}`, async () => {
    const [method, path, body, headers = {}] = send
    const answer = await server.call(method, ledger.toldText(path, path), ledger.told(body, path), {
      ...ledger.told(headers, path),
      host: HOST,
    })
    const [ours, theirs] = [exchangeOf(exchange), exchange].map((one) =>
      differenceOf(answer, one, ledger),
    )
    ledger.keep(answer, exchange)
    assert.equal(ours, undefined, `${ours} in ${JSON.stringify(answer.body)}`)
    if (differsIn(exchange)) assert.ok(theirs, 'it is as Neutron has it: no deviation any more')
  })
}

void test('extensions are those of Neutron, of the same dates, and a few of its own', async () => {
  const { all } = await server.call('GET', '/v2.0/extensions')
  const others = all('extensions').filter(
    ({ alias, updated }) => extensions[String(alias)] !== updated,
  )
  assert.deepEqual(new Set(others.map(({ alias }) => alias)), ownExtensions)
})

void test('every deviation was met', () => {
  assert.deepEqual(unmet(), [])
})
