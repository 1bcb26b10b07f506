import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseIp, parseMac } from '@portward/addr'
import { keys, parseHostKey } from './keys.ts'
import { checkTxn } from './limits.ts'

/** Whatever a tenant, a hypervisor or Open vSwitch may call something. */
const names = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('', '/', 'a/b', '..', 'ports', '%2F', 'tap0\0', 'ä 🚪'),
)
const mac = parseMac('fa:16:3e:00:00:10')
const ip = parseIp('fd00::5')

void test('every key of a host tells its parts again, whatever they are called', () => {
  fc.assert(
    fc.property(names, names, (host, name) => {
      assert.deepEqual(parseHostKey(keys.hostPort(host, name)), { host, kind: 'ports', name })
      assert.deepEqual(parseHostKey(keys.hostPlug(host, name)), { host, kind: 'plugs', name })
      assert.deepEqual(parseHostKey(keys.hostSeenIface(host, name)), { host, kind: 'seen', name })
      const applied = { host, kind: 'applied', name }
      assert.deepEqual(parseHostKey(keys.hostAppliedPort(host, name)), applied)
      assert.deepEqual(parseHostKey(keys.hostAlive(host)), { host, kind: 'alive', name: '' })
      assert.deepEqual(parseHostKey(keys.hostTurn(host)), { host, kind: 'turn', name: '' })
    }),
  )
})

void test('every key is one that a store takes', () => {
  fc.assert(
    fc.property(names, names, (a, b) => {
      for (const key of allKeys(a, b)) checkTxn([{ key, modified: 0 }], [])
    }),
  )
})

void test('different names make different keys', () => {
  fc.assert(
    fc.property(names, names, names, names, (a, b, c, d) => {
      fc.pre(a !== c && b !== d)
      const others = new Set(allKeys(c, d))
      for (const key of allKeys(a, b)) assert.ok(!others.has(key), key)
    }),
  )
})

void test('a key stands under the prefixes of its own host and kind alone', () => {
  fc.assert(
    fc.property(names, names, names, (host, other, name) => {
      fc.pre(host !== other)
      const key = keys.hostPort(host, name)
      assert.ok(key.startsWith(keys.hosts))
      assert.ok(key.startsWith(keys.hostPorts(host)))
      assert.ok(!key.startsWith(keys.hostPorts(other)))
      assert.ok(!key.startsWith(keys.hostSeen(host)))
    }),
  )
})

void test('keys of other kinds have no parts', () => {
  for (const key of ['', 'hosts', 'hosts/', 'hosts/h', 'hosts/h/later/x', 'ports/h/ports/x']) {
    assert.equal(parseHostKey(key), undefined, key)
  }
})

function allKeys(a: string, b: string): readonly string[] {
  return [
    keys.network(a),
    keys.subnet(a),
    keys.port(a),
    keys.networkMembers(a),
    keys.uniqueMac(a, mac),
    keys.uniqueIp(a, ip),
    keys.hostPort(a, b),
    keys.hostPlug(a, b),
    keys.hostSeenIface(a, b),
    keys.hostAppliedPort(a, b),
    keys.hostAlive(a),
  ]
}
