// The `neutron` program: the command of the reference text, and those around it.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openBench } from './programs.ts'
import type { Bench } from './programs.ts'

let bench: Bench
let portId: string

before(async () => {
  bench = await openBench()
})
after(() => bench[Symbol.asyncDispose]())

async function neutron(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await bench.neutron(...args)
  assert.equal(code, 0, `neutron ${args.join(' ')}: ${stderr}`)
  return stdout
}

async function port(): Promise<Readonly<Record<string, unknown>>> {
  const found = (await bench.all('ports')).find(({ name }) => name === 'p5')
  assert.ok(found !== undefined)
  return found
}

void test('net-create, subnet-create, port-create', async () => {
  await neutron('net-create', 'cn')
  await neutron('subnet-create', 'cn', '10.5.0.0/24', '--name', 'cs')
  const made = await neutron('port-create', 'cn', '--name', 'p5')
  assert.match(made, /port_security_enabled \| True/)
  portId = String((await port())['id'])
  assert.ok(made.includes(portId))
})

void test('port-update PORT --port-security-enabled=false, and true', async () => {
  for (const [argument, value] of [
    ['--port-security-enabled=false', false],
    ['--port_security_enabled=True', true],
  ] as const) {
    const told = await neutron('port-update', portId, argument)
    assert.equal(told, `Updated port: ${portId}\n`)
    assert.equal((await port())['port_security_enabled'], value)
  }
})

void test('port-list, port-show', async () => {
  const list = await neutron('port-list', '-c', 'id', '-c', 'mac_address', '-f', 'value')
  assert.equal(list, `${portId} ${String((await port())['mac_address'])}\n`)
  const show = await neutron('port-show', 'p5', '-c', 'port_security_enabled', '-f', 'value')
  assert.equal(show, 'True\n')
})

void test('allowed address pairs: given, in the way of switching port security off, taken away', async () => {
  await neutron('port-update', 'p5', '--allowed-address-pair', 'ip_address=10.5.0.88')
  const pairs = (await port())['allowed_address_pairs']
  const mac = (await port())['mac_address']
  assert.deepEqual(pairs, [{ mac_address: mac, ip_address: '10.5.0.88' }])
  const refused = await bench.neutron('port-update', 'p5', '--port-security-enabled=false')
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /"allowed_address_pairs": \[\] in the same request/)
  await neutron('port-update', 'p5', '--no-allowed-address-pairs', '--port-security-enabled=false')
  assert.equal((await port())['port_security_enabled'], false)
})

void test('port-delete, net-list, net-delete', async () => {
  assert.match(await neutron('port-delete', 'p5'), /Deleted port\(s\): p5/)
  assert.match(await neutron('net-list'), /10\.5\.0\.0\/24/)
  await neutron('net-delete', 'cn')
  assert.deepEqual(await bench.all('networks'), [])
})
