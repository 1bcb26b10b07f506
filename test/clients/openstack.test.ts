// The `openstack` program on networks, subnets and ports.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openBench } from './programs.ts'
import type { Bench } from './programs.ts'

let bench: Bench

before(async () => {
  bench = await openBench()
})
after(() => bench[Symbol.asyncDispose]())

async function openstack(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await bench.openstack(...args)
  assert.equal(code, 0, `openstack ${args.join(' ')}: ${stderr}`)
  return stdout
}

async function port(name: string): Promise<Readonly<Record<string, unknown>>> {
  const found = (await bench.all('ports')).find((one) => one['name'] === name)
  assert.ok(found !== undefined)
  return found
}

void test('network create, subnet create, network set', async () => {
  await openstack('network', 'create', '--disable-port-security', 'on')
  await openstack(
    'subnet',
    'create',
    '--network',
    'on',
    '--subnet-range',
    '10.6.0.0/24',
    '--no-dhcp',
    'os',
  )
  await openstack('network', 'set', '--enable-port-security', 'on')
  const [network] = await bench.all('networks')
  assert.equal(network?.['port_security_enabled'], true)
  const show = await openstack('network', 'show', 'on', '-f', 'json')
  assert.equal(JSON.parse(show).subnets[0], network?.['subnets'] && Object(network['subnets'])[0])
})

void test('port create, by name and with everything', async () => {
  await openstack('port', 'create', '--network', 'on', '--disable-port-security', 'p3')
  assert.equal((await port('p3'))['port_security_enabled'], false)
  await openstack(
    'port',
    'create',
    '--network=on',
    '--no-security-group',
    '--fixed-ip=ip-address=10.6.0.30',
    '--mac-address=fa:16:3e:00:00:30',
    '--allowed-address=ip-address=10.6.0.31',
    'p4',
  )
  const made = await port('p4')
  assert.deepEqual(made['allowed_address_pairs'], [
    { mac_address: 'fa:16:3e:00:00:30', ip_address: '10.6.0.31' },
  ])
})

void test('port set --enable-port-security, --disable-port-security', async () => {
  const { id } = await port('p3')
  await openstack('port', 'set', '--enable-port-security', 'p3')
  assert.equal((await port('p3'))['port_security_enabled'], true)
  await openstack('port', 'set', '--disable-port-security', String(id))
  assert.equal((await port('p3'))['port_security_enabled'], false)
})

void test('what is refused is said in our words', async () => {
  const { code, stderr } = await bench.openstack('port', 'set', '--disable-port-security', 'p4')
  assert.equal(code, 1)
  assert.match(
    stderr,
    /ConflictException: 409: .*"allowed_address_pairs": \[\] in the same request/,
  )
})

void test('port unset --allowed-address, port set --fixed-ip, --disable', async () => {
  const pair = 'ip-address=10.6.0.31,mac-address=fa:16:3e:00:00:30'
  await openstack('port', 'unset', '--allowed-address', pair, 'p4')
  await openstack('port', 'set', '--fixed-ip', 'subnet=os,ip-address=10.6.0.32', '--disable', 'p4')
  const { allowed_address_pairs: pairs, fixed_ips: ips, admin_state_up: up } = await port('p4')
  assert.deepEqual([pairs, up], [[], false])
  assert.match(JSON.stringify(ips), /10\.6\.0\.30.*10\.6\.0\.32/)
})

void test('port list, filtered; port show', async () => {
  const { id } = await port('p4')
  for (const filter of [
    ['--fixed-ip', 'ip-address=10.6.0.30'],
    ['--mac-address', 'fa:16:3e:00:00:30'],
  ]) {
    assert.equal(
      await openstack('port', 'list', '-f', 'value', '-c', 'ID', ...filter),
      `${String(id)}\n`,
    )
  }
  const shown = JSON.parse(await openstack('port', 'show', 'p4', '-f', 'json'))
  assert.deepEqual([shown.id, shown.status, shown.binding_vif_type], [id, 'DOWN', 'unbound'])
})

void test('port delete, extension list, network delete', async () => {
  await openstack('port', 'delete', 'p3', 'p4')
  assert.deepEqual(await bench.all('ports'), [])
  const aliases = await openstack('extension', 'list', '--network', '-c', 'Alias', '-f', 'value')
  assert.ok(aliases.split('\n').includes('port-security'))
  assert.ok(!aliases.split('\n').includes('security-group'))
  await openstack('network', 'delete', 'on')
  assert.deepEqual(await bench.all('subnets'), [])
})
