import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import * as fc from 'fast-check'
import type { Settings } from './config.ts'
import { configOf, parseListen, parseVlanRange } from './config.ts'

const directory = mkdtempSync(join(tmpdir(), 'portward-cli-'))
after(() => rmSync(directory, { recursive: true }))
const file = join(directory, 'portward.toml')

/** The configuration from a file with this text. */
function configFrom(toml: string, flags: Settings = {}, env: NodeJS.ProcessEnv = {}) {
  writeFileSync(file, toml)
  return configOf(flags, file, env)
}

const refused = (status: 1 | 2, message: RegExp) => ({ name: 'Complaint', status, message })

void test('flags stand over the environment, that over the file, that over what is built in', async () => {
  const toml = 'bridge = "file"\nhost = "file"\nstate = "file"\nuplinks = ["eth0"]'
  const env = { PORTWARD_HOST: 'env', PORTWARD_STATE: 'env', PORTWARD_UPLINKS: 'eth1,eth2' }
  const config = await configFrom(toml, { state: 'flag' }, env)
  assert.equal(config.listen, '127.0.0.1:9696')
  assert.deepEqual(
    [config.bridge, config.host, config.state, config.uplinks],
    ['file', 'env', 'flag', ['eth1', 'eth2']],
  )
})

void test('OVS_RUNDIR, as the programs of Open vSwitch know it, is where the switch runs unless Portward is told', async () => {
  const env = { OVS_RUNDIR: '/ovs' }
  assert.equal((await configFrom('', {}, env)).ovs_rundir, '/ovs')
  assert.equal((await configFrom('ovs_rundir = "/file"', {}, env)).ovs_rundir, '/file')
  assert.equal((await configFrom('', {}, { OVS_RUNDIR: '' })).ovs_rundir, '/var/run/openvswitch')
})

void test('whether ports are isolated is true or false, wherever it is said', async () => {
  assert.equal((await configFrom('')).isolate, true)
  assert.equal((await configFrom('isolate = false')).isolate, false)
  assert.equal((await configFrom('', {}, { PORTWARD_ISOLATE: 'false' })).isolate, false)
  assert.equal((await configFrom('isolate = false', { isolate: true })).isolate, true)
  const wanted = /PORTWARD_ISOLATE is "no"; wanted true or false/
  await assert.rejects(configFrom('', {}, { PORTWARD_ISOLATE: 'no' }), refused(2, wanted))
})

void test('no uplinks in the environment are none', async () => {
  assert.deepEqual((await configFrom('', {}, { PORTWARD_UPLINKS: '' })).uplinks, [])
})

void test('a number is one in every spelling', async () => {
  const most = async (...args: Parameters<typeof configFrom>) =>
    (await configFrom(...args)).max_allowed_address_pair
  assert.equal(await most(''), 10)
  assert.equal(await most('max_allowed_address_pair = 1000'), 1000)
  assert.equal(await most('', {}, { PORTWARD_MAX_ALLOWED_ADDRESS_PAIR: '20' }), 20)
  assert.equal(await most('', { max_allowed_address_pair: 30 }), 30)
  await assert.rejects(
    most('', {}, { PORTWARD_MAX_ALLOWED_ADDRESS_PAIR: 'many' }),
    /PORTWARD_MAX_ALLOWED_ADDRESS_PAIR is "many"; wanted a number from 0 to 10000/,
  )
})

void test('a setting that is misspelt is refused, with those there are', async () => {
  for (const name of ['brigde', 'ovs-rundir', '__proto__', 'constructor']) {
    const message = new RegExp(
      `portward\\.toml: ${name} is no setting; there are ovs_rundir, bridge`,
    )
    await assert.rejects(configFrom(`${name} = "x"`), refused(2, message))
  }
  await assert.rejects(configFrom('[agent]\nbridge = "x"'), refused(2, /agent is no setting/))
})

void test('a value that makes no sense is shown as it is spelt where it stands', async () => {
  const modes = 'is "mine"; wanted auto or own or shared'
  for (const [from, message] of [
    [() => configFrom('bridge_mode = "mine"'), `${file}: bridge_mode ${modes}`],
    [() => configFrom('', {}, { PORTWARD_BRIDGE_MODE: 'mine' }), `PORTWARD_BRIDGE_MODE ${modes}`],
    // @ts-expect-error as a flag is: any text
    [() => configFrom('', { bridge_mode: 'mine' }), `--bridge-mode ${modes}`],
    [() => configFrom('bridge = 5'), `${file}: bridge is 5; wanted a string, and not empty`],
    [
      () => configFrom('uplinks = "eth0"'),
      `${file}: uplinks is "eth0"; wanted a list of interface names`,
    ],
    [() => configFrom('', { uplinks: [''] }), '--uplink is [""]; wanted a list of interface names'],
    [() => configFrom('', { state: '' }), '--state is ""; wanted a string, and not empty'],
  ] as const) {
    await assert.rejects(from(), { name: 'Complaint', status: 2, message })
  }
})

void test('a file that is not there, or is no TOML: where, in one line', async () => {
  const absent = join(directory, 'absent.toml')
  await assert.rejects(configOf({}, absent, {}), refused(2, /absent\.toml: ENOENT/))
  await assert.rejects(
    configFrom('host = "a"\nbridge = '),
    refused(2, /^\S+portward\.toml, line 2: .+$/),
  )
})

void test('how the server knows who asks, and what each way needs', async () => {
  assert.equal((await configFrom('')).auth, 'none')
  assert.equal((await configFrom('auth = "tokens"')).token_file, '/etc/portward/tokens')
  const url = 'https://keystone.example.org:5000/v3'
  const keystone = await configFrom('auth = "keystone"', { keystone_url: url })
  assert.deepEqual([keystone.keystone_url, keystone.keystone_token_file], [url, ''])
  for (const [toml, message] of [
    ['auth = "keystone"', /auth is keystone, and keystone_url is not set: say where/],
    [
      `keystone_url = "${url}"`,
      /^keystone_url is set, and auth is none: nobody would ask Keystone/,
    ],
    ['auth = "tokens"\nkeystone_token_file = "/t"', /^keystone_token_file is set, and auth is tok/],
    ['token_file = "/t"', /^token_file is set, and auth is none: .* set auth = "tokens"/],
    [`auth = "keystone"\nkeystone_url = "${url}"\ntoken_file = "/t"`, /^token_file is set, and au/],
    ['auth = "basic"', /auth is "basic"; wanted none or tokens or keystone/],
    ['tls_cert = "/c"', /^tls_key is not set: a certificate and its key go together/],
    ['tls_key = "/k"', /^tls_cert is not set: a certificate and its key go together/],
  ] as const) {
    await assert.rejects(configFrom(toml), refused(2, message))
  }
})

void test('a quota is a number or -1, in every spelling', async () => {
  const { quota_network, quota_subnet, quota_port, quota_rbac_policy } = await configFrom(
    'quota_network = 5',
    { quota_port: 0 },
    { PORTWARD_QUOTA_SUBNET: '-1', PORTWARD_QUOTA_RBAC_POLICY: '10' },
  )
  assert.deepEqual([quota_network, quota_subnet, quota_port, quota_rbac_policy], [5, -1, 0, 10])
  for (const value of ['-2', '1.5', '2147483648', '"many"']) {
    const wanted = refused(2, /quota_port is .*; wanted how many, or -1 for any number/)
    await assert.rejects(configFrom(`quota_port = ${value}`), wanted)
  }
})

void test('for how many days changes are kept', async () => {
  assert.equal((await configFrom('')).audit_days, 365)
  for (const days of [0, 36_501]) {
    const wanted = refused(2, /audit_days is \d+; wanted a number of days from 1 to 36500/)
    await assert.rejects(configFrom(`audit_days = ${days}`), wanted)
  }
})

void test('what kind of network is made, and from which VLANs', async () => {
  const { network_type, physical_network, vlan_range } = await configFrom('network_type = "vlan"')
  assert.deepEqual([network_type, physical_network, vlan_range], ['vlan', 'physnet1', '1:4094'])
  const wanted = /vlan_range is "100"; wanted FIRST:LAST within 1:4094/
  await assert.rejects(configFrom('vlan_range = "100"'), refused(2, wanted))
  assert.deepEqual(parseVlanRange('100:199'), { first: 100, last: 199 })
  assert.deepEqual(parseVlanRange('7:7'), { first: 7, last: 7 })
  for (const text of ['0:5', '5:4', '1:4095']) {
    assert.throws(() => parseVlanRange(text), refused(2, /wanted FIRST:LAST within 1:4094/), text)
  }
})

void test('where to listen: who asks nobody stays on loopback, at any port', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 65_535 }), (port) => {
      for (const host of ['127.0.0.1', '127.1.2.3', 'localhost']) {
        const listen = parseListen(`${host}:${port}`, 'none')
        assert.deepEqual(listen, { host, port, loopback: true })
      }
      const listen = parseListen(`[::1]:${port}`, 'keystone')
      assert.deepEqual(listen, { host: '::1', port, loopback: true })
    }),
  )
  for (const text of [
    '',
    '9696',
    ':9696',
    'localhost',
    '127.0.0.1:65536',
    '::1:9696',
    '127.0.0.1:',
  ]) {
    assert.throws(() => parseListen(text, 'tokens'), refused(2, /write HOST:PORT/), text)
  }
  for (const [text, host] of [
    ['0.0.0.0:9696', '0.0.0.0'],
    ['[::]:9696', '::'],
    ['10.0.0.1:9696', '10.0.0.1'],
    ['127.0.0.1.example.org:9696', '127.0.0.1.example.org'],
  ] as const) {
    const ways = /portward token create.*auth = "tokens".*auth = "keystone".*or listen on loopback/
    assert.throws(() => parseListen(text, 'none'), refused(2, ways), text)
    for (const auth of ['tokens', 'keystone'] as const) {
      assert.deepEqual(parseListen(text, auth), { host, port: 9696, loopback: false })
    }
  }
})
