import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { bytesOfMac, isMulticastMac, linkLocalOf, macOfBytes, parseMac } from './mac.ts'

void test('bytes and text are one MAC address', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (bytes) => {
      const mac = macOfBytes(bytes)
      assert.deepEqual(bytesOfMac(mac), bytes)
      assert.equal(parseMac(mac), mac)
      assert.equal(isMulticastMac(mac), (bytes[0] ?? 0) % 2 === 1)
    }),
  )
})

void test('three spellings, one value; anything else is none', () => {
  for (const text of ['fa:16:3e:00:00:10', 'FA-16-3E-00-00-10', 'fa163e000010']) {
    assert.equal(parseMac(text), 'fa:16:3e:00:00:10')
  }
  for (const text of [
    '',
    'fa:16:3e:00:00',
    'fa:16-3e:00:00:10',
    'fa:16:3e:0:0:10',
    'zz:16:3e:00:00:10',
    'fa:16:3e:00:00:10 ',
  ]) {
    assert.throws(() => parseMac(text), TypeError, text)
  }
})

void test('the link-local address of a MAC, as RFC 4291 has it', () => {
  assert.equal(linkLocalOf(parseMac('fa:16:3e:00:00:10')), 'fe80::f816:3eff:fe00:10')
  assert.equal(linkLocalOf(parseMac('00:00:5e:00:01:01')), 'fe80::200:5eff:fe00:101')
})
