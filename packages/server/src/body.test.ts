import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestServer } from './testing.ts'

/** A network whose attribute is a list in a list in a list, and so on. */
function nested(attribute: string, depth: number): string {
  return `{"network": {"${attribute}": ${'['.repeat(depth)}${']'.repeat(depth)}}}`
}

void test('a body nested ten thousand deep is refused in a sentence, not by running out of stack', async () => {
  await using server = await openTestServer()
  for (const depth of [100, 10_000, 200_000]) {
    for (const attribute of ['name', 'availability_zone_hints', 'colour']) {
      const answer = await server.call('POST', '/v2.0/networks', nested(attribute, depth))
      assert.equal(answer.status, 400)
      assert.match(answer.error?.message ?? '', /nested deeper than 64 levels/)
    }
  }
  const deep = `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`
  const profile = `{"port": {"network_id": "x", "binding:profile": ${deep}}}`
  assert.equal((await server.call('POST', '/v2.0/ports', profile)).status, 400)
})

void test('what a port needs is not too deep', async () => {
  await using server = await openTestServer()
  const network = await server.call('POST', '/v2.0/networks', { network: {} })
  const profile = { a: [{ b: [{ c: 'd' }] }] }
  const port = { network_id: network.at('network', 'id'), 'binding:profile': profile }
  const made = await server.call('POST', '/v2.0/ports', { ports: [port] })
  assert.equal(made.status, 201)
  assert.deepEqual(made.at('ports', 0, 'binding:profile'), profile)
})

void test('a name that is no Unicode text is refused: it would come back as another', async () => {
  await using server = await openTestServer()
  const latin1 = Buffer.from('{"network": {"name": "K\xf6ln"}}', 'latin1')
  const notUtf8 = await server.call('POST', '/v2.0/networks', latin1)
  assert.match(notUtf8.error?.message ?? '', /not UTF-8/)
  for (const body of ['{"network": {"name": "a\\ud800b"}}', '{"network": {"a\\udc00": 1}}']) {
    const half = await server.call('POST', '/v2.0/networks', body)
    assert.equal(half.status, 400)
    assert.match(half.error?.message ?? '', /surrogate/)
  }
  const whole = await server.call('POST', '/v2.0/networks', { network: { name: 'Köln 😀' } })
  assert.equal(whole.at('network', 'name'), 'Köln 😀')
})
