import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import {
  bigintOfIp,
  bytesOfIp,
  ipOfBigint,
  ipOfBytes,
  isMulticastIp,
  parseIp,
  parseIpv4,
  parseIpv6,
} from './ip.ts'

/** Mostly zeros, since that is where IPv6 has more than one spelling. */
const bytes6 = fc.array(fc.oneof(fc.constant(0), fc.constant(0), fc.nat(255)), {
  minLength: 16,
  maxLength: 16,
})
const bytes4 = fc.array(fc.nat(255), { minLength: 4, maxLength: 4 })
const bytes = fc.oneof(bytes4, bytes6)

void test('an IPv6 address is written as RFC 5952 has it', () => {
  fc.assert(
    fc.property(bytes6, (given) => {
      const text: string = ipOfBytes(Uint8Array.from(given))
      assert.equal(text, new ipaddr.IPv6(given).toRFC5952String())
    }),
    { numRuns: 2000 },
  )
})

void test('bytes, text and number are one address', () => {
  fc.assert(
    fc.property(bytes, (given) => {
      const ip = ipOfBytes(Uint8Array.from(given))
      assert.deepEqual([...bytesOfIp(ip)], given)
      assert.equal(parseIp(ip), ip)
      assert.equal(ipOfBigint(bigintOfIp(ip), given.length === 4 ? 4 : 6), ip)
    }),
  )
})

void test('every spelling of an IPv6 address is the same value', () => {
  for (const text of [
    'fd00:0:0:0:0:0:0:1',
    'FD00::1',
    'fd00::0001',
    'fd00:0::0:1',
    'fd00::0.0.0.1',
  ]) {
    assert.equal(parseIp(text), 'fd00::1')
  }
  assert.equal(parseIp('::ffff:10.0.0.1'), '::ffff:a00:1')
  assert.equal(parseIp('::10.0.0.1'), '::a00:1')
  assert.equal(parseIp('64:ff9b::192.0.2.33'), '64:ff9b::c000:221')
})

void test('what one program reads so and another otherwise is no address here', () => {
  for (const text of [
    '010.0.0.1',
    '::010.0.0.1',
    '::1.2.3.4:5',
    '1.2.3.4::',
    '::1.2.3',
    '10.0.0.01',
    '10.0.1',
    '167772161',
    '0xa.0.0.1',
    '10.0.0.1 ',
    '10.0.0.256',
    '',
    'fe80::1%eth0',
    '1::2::3',
    'fd00::12345',
    '[fd00::1]',
  ]) {
    assert.throws(() => parseIp(text), TypeError, text)
  }
  assert.throws(() => parseIpv4('fd00::1'), /not an IPv4 address/)
  assert.throws(() => parseIpv6('10.0.0.1'), /not an IPv6 address/)
})

void test('multicast is 224.0.0.0/4 and ff00::/8', () => {
  const multicast = ['224.0.0.0', '239.255.255.255', 'ff00::', 'ff02::1']
  const unicast = ['223.255.255.255', '240.0.0.0', '255.255.255.255', 'fe80::1', '::']
  assert.ok(multicast.every((text) => isMulticastIp(parseIp(text))))
  assert.ok(!unicast.some((text) => isMulticastIp(parseIp(text))))
})
