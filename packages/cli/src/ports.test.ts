import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import type { Api } from './api.ts'
import { Refusal } from './api.ts'
import { listPorts, showPort } from './ports.ts'

const port = {
  id: '7e245799-7562-4b0b-8423-8fb5ddedf28b',
  name: 'vm1',
  mac_address: 'fa:16:3e:00:00:10',
  fixed_ips: [{ ip_address: '10.0.0.5' }],
  port_security_enabled: true,
  'binding:host_id': 'h1',
  status: 'ACTIVE',
  'portward:checks': {},
}
const exempted = { arp: false, vlan: [100, 200], ethertype: ['0x88cc'] }

/** A server with that one port. */
function apiOf(fields: object): Api {
  const view = { host: 'h1', iface: 'tap0', ofport: 3, status: 'ACTIVE', state: 'guarded' }
  const rest = { bindings: [], reason: null, applied: true, flows: 12 }
  const shown = { ...port, ...fields }
  return {
    get: async <T>(path: string) =>
      (path.startsWith('/v2.0/ports')
        ? { ports: [shown] }
        : { port: shown, ...view, ...rest }) as T,
    post: () => assert.fail(),
    put: () => assert.fail(),
    delete: () => assert.fail(),
  }
}

async function linesOf(ask: Promise<{ text: string }>): Promise<readonly string[]> {
  return stripVTControlCharacters((await ask).text).split('\n')
}

void test('port list says of each port whether it is guarded, and which checks it is exempted from', async () => {
  for (const [fields, wanted] of [
    [{}, 'on'],
    [{ 'portward:checks': undefined }, 'on'],
    [{ 'portward:checks': exempted }, 'on, but for arp vlan ethertype'],
    [{ port_security_enabled: false, 'portward:checks': exempted }, 'off'],
  ] as const) {
    const [, line = ''] = await linesOf(listPorts(apiOf(fields)))
    assert.equal(line.split(/ {2,}/)[4], wanted)
  }
})

void test('port show names each exemption and what is permitted, whether security is on or off', async () => {
  for (const on of [true, false]) {
    const fields = { port_security_enabled: on, 'portward:checks': exempted }
    const lines = await linesOf(showPort(apiOf(fields), 'vm1'))
    const at = lines.findIndex((line) => line.startsWith('exempted'))
    assert.deepEqual(
      lines.slice(at, at + 4).map((line) => line.trim().split(/ {2,}/)),
      [
        ['exempted', 'arp'],
        ['vlan: only for 100, 200'],
        ['ethertype: only for 0x88cc'],
        ['status', 'ACTIVE'],
      ],
    )
  }
  assert.ok(!(await linesOf(showPort(apiOf({}), 'vm1'))).some((line) => /exempt/.test(line)))
})

void test('who is no administrator is not shown the host, and need not ask the hosts for a name', async () => {
  const [, line = ''] = await linesOf(listPorts(apiOf({ 'binding:host_id': undefined })))
  assert.match(line, /10\.0\.0\.5 +on +ACTIVE$/)
  const none: Api = {
    ...apiOf({}),
    async get<T>(path: string) {
      if (path.startsWith('/portward/')) throw new Refusal('it takes an administrator', 403)
      return { ports: [] } as T
    },
  }
  await assert.rejects(showPort(none, 'vm9'), /no port has the id or name 'vm9'/)
})
