import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAddress } from './address.ts'

void test('the spellings of Open vSwitch', () => {
  const unix = { type: 'unix', path: '/run/openvswitch/db.sock' }
  assert.deepEqual(parseAddress('unix:/run/openvswitch/db.sock'), unix)
  assert.deepEqual(parseAddress('/run/openvswitch/db.sock'), unix)
  assert.deepEqual(parseAddress('tcp:127.0.0.1:6640'), {
    type: 'tcp',
    host: '127.0.0.1',
    port: 6640,
  })
  assert.deepEqual(parseAddress('tcp:[::1]:6640'), { type: 'tcp', host: '::1', port: 6640 })
})

for (const text of [
  '',
  'unix:',
  'db.sock',
  'tcp:host',
  'tcp:::1:6640',
  'tcp:h:0',
  'tcp:h:65536',
  'ssl:h:1',
  'ptcp:6640',
]) {
  void test(`${JSON.stringify(text)} is no address`, () => {
    assert.throws(
      () => parseAddress(text),
      (error: Error) => {
        assert.equal(error.name, 'TypeError')
        assert.ok(error.message.includes(JSON.stringify(text)))
        return true
      },
    )
  })
}
