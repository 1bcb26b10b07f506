import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIp, parseMac, parsePrefix } from '@portward/addr'
import type { PortSpec } from './binding.ts'
import { SpecError, bindingsOf, macsOf } from './binding.ts'

const own = parseMac('fa:16:3e:00:00:10')
const other = parseMac('fa:16:3e:00:00:99')

function port(fields: Partial<PortSpec> = {}): PortSpec {
  return {
    portId: '1f0bd2cb-0000-4000-8000-000000000001',
    mac: own,
    ips: [],
    allowedAddressPairs: [],
    ...fields,
  }
}

function texts(spec: PortSpec): readonly string[] {
  return bindingsOf(spec).map(({ mac, prefix }) => `${mac} ${prefix}`)
}

void test('a port owns its fixed addresses, its pairs, and the link-local address of each of its MACs', () => {
  const spec = port({
    ips: [parseIp('10.0.0.10'), parseIp('fd00:1::10')],
    allowedAddressPairs: [{ mac: other, prefix: parsePrefix('10.0.99.0/24') }],
  })
  assert.deepEqual(texts(spec), [
    'fa:16:3e:00:00:10 10.0.0.10/32',
    'fa:16:3e:00:00:10 fd00:1::10/128',
    'fa:16:3e:00:00:99 10.0.99.0/24',
    'fa:16:3e:00:00:10 fe80::f816:3eff:fe00:10/128',
    'fa:16:3e:00:00:99 fe80::f816:3eff:fe00:99/128',
  ])
})

void test('a pair equal to what the port owns anyway adds nothing', () => {
  const pairs = [{ mac: own, prefix: parsePrefix('10.0.0.10') }]
  const spec = port({ ips: [parseIp('10.0.0.10')], allowedAddressPairs: pairs })
  assert.equal(texts(spec).filter((text) => text.includes('10.0.0.10')).length, 1)
  assert.deepEqual(macsOf(spec), [own])
})

void test('a MAC or an address that no station sends from cannot be compiled', () => {
  for (const mac of ['01:00:5e:00:00:01', 'ff:ff:ff:ff:ff:ff', '00:00:00:00:00:00']) {
    assert.throws(() => bindingsOf(port({ mac: parseMac(mac) })), SpecError)
  }
  for (const prefix of ['224.0.0.5', '239.1.0.0/16', 'ff02::/64']) {
    const pairs = [{ mac: own, prefix: parsePrefix(prefix) }]
    assert.throws(() => bindingsOf(port({ allowedAddressPairs: pairs })), SpecError)
  }
})

void test('a pair of length 0 is no multicast pair: it frees one family', () => {
  const pairs = [{ mac: own, prefix: parsePrefix('0.0.0.0/0') }]
  assert.ok(texts(port({ allowedAddressPairs: pairs })).includes('fa:16:3e:00:00:10 0.0.0.0/0'))
})
