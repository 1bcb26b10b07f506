// The switch's flag of each port that says whether floods reach it, over OpenFlow 1.0.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OFPP, openFloodControl } from '@portward/openflow'
import type { FloodControl } from '@portward/openflow'
import { startSwitch } from '@portward/testkit'
import type { Switch } from '@portward/testkit'
import { until } from './lab.ts'

const never = new AbortController().signal

type Told = {
  readonly onChange?: (port: number) => void
  readonly onPort?: (name: string, port: number | undefined) => void
}

function control(sw: Switch, told: Told = {}): Promise<FloodControl> {
  const [address, nobody] = [`${sw.rundir}/${sw.bridge}.mgmt`, (): void => {}]
  return openFloodControl({ address, onChange: nobody, onPort: nobody, ...told, signal: never })
}

/** The names of the ports that floods do not reach, as ovs-ofctl tells. */
async function apart(sw: Switch): Promise<readonly string[]> {
  const text = await sw.ofctl('show', sw.bridge)
  const ports = text.split(/^ (?=\S+\()/m).filter((one) => one.includes('NO_FLOOD'))
  return ports.map((one) => /\((\S+)\)/.exec(one)?.[1] ?? '').toSorted()
}

const dummies = (...names: string[]) => names.map((name) => ({ name, type: 'dummy' as const }))

void test('floods are kept from ports, and let to them again; what another hand does to a port is told', async () => {
  await using sw = await startSwitch()
  await sw.addPorts(dummies('d1', 'd2'))
  const told: number[] = []
  await using floods = await control(sw, { onChange: (port) => told.push(port) })
  const ports = await sw.ofports()
  const [d1, d2] = [ports.get('d1') ?? 0, ports.get('d2') ?? 0]
  const wanted = new Map([d1, d2, OFPP.local].map((port) => [port, false]))
  assert.deepEqual(await floods.set(wanted), new Map())
  assert.deepEqual(await apart(sw), ['br-int', 'd1', 'd2'])
  assert.deepEqual(await floods.set(new Map([[d1, true]])), new Map())
  assert.deepEqual(await apart(sw), ['br-int', 'd2'])
  assert.equal((await sw.ofctl('get-frags', sw.bridge)).trim(), 'normal')

  await sw.ofctl('-O', 'OpenFlow10', 'mod-port', sw.bridge, 'd2', 'flood')
  await until(() => told.length > 0, 'it is told')
  assert.deepEqual(told, [d2])
  await floods.set(wanted)
  assert.deepEqual(await apart(sw), ['br-int', 'd1', 'd2'])

  // A port that comes has floods, whatever its number had before it; one that is not there is refused.
  await sw.removePorts(['d1'])
  await sw.addPorts(dummies('d3'))
  const d3 = (await sw.ofports()).get('d3') ?? 0
  const refused = await floods.set(new Map([...wanted, [d3, false]]))
  assert.deepEqual([...refused], [[d1, 'the switch has no such port']])
  assert.deepEqual(await apart(sw), ['br-int', 'd2', 'd3'])
})

void test('ports that come and go are told by name, but for names that may have been cut off', async () => {
  await using sw = await startSwitch()
  await sw.addPorts(dummies('before'))
  const told: (readonly [string, number | undefined])[] = []
  await using _ = await control(sw, { onPort: (...port) => told.push(port) })
  // Fourteen, fifteen and sixteen characters.
  const names = ['tap01234567890', 'tap012345678901', 'tap0123456789012', 'd1']
  await sw.addPorts(dummies(...names))
  const ports = await sw.ofports()
  await until(() => told.length >= 2, 'they came')
  await sw.removePorts(names)
  await until(() => told.length >= 4, 'they went')
  const whole = ['d1', 'tap01234567890']
  const came = whole.map((name) => [name, ports.get(name)] as const)
  assert.deepEqual(new Map(told.slice(0, 2)), new Map(came))
  assert.deepEqual(new Map(told.slice(2)), new Map(whole.map((name) => [name, undefined])))
})

void test('a bridge without OpenFlow 1.0 says so, and the way out', async () => {
  await using sw = await startSwitch()
  await sw.vsctl('set', 'bridge', sw.bridge, 'protocols=OpenFlow13,OpenFlow15')
  await assert.rejects(control(sw), {
    name: 'SwitchError',
    message: /OpenFlow 1\.0 there: ovs-vsctl add bridge br-int protocols OpenFlow10/,
  })
})

void test('2,000 ports are read and set, on several connections, of which none is taken for another hand', async () => {
  await using sw = await startSwitch()
  const names = Array.from({ length: 2000 }, (_, i) => `d${i}`)
  await sw.addPorts(dummies(...names))
  const told: number[] = []
  await using floods = await control(sw, { onChange: (port) => told.push(port) })
  const ports = await sw.ofports()
  const wanted = new Map(names.map((name) => [ports.get(name) ?? 0, false]))
  assert.deepEqual(await floods.set(wanted), new Map())
  assert.equal((await apart(sw)).length, 2000)
  assert.deepEqual(told, [])
  const d1999 = ports.get('d1999') ?? 0
  await sw.ofctl('-O', 'OpenFlow10', 'mod-port', sw.bridge, 'd1999', 'flood')
  await until(() => told.length > 0, 'another hand is told of')
  assert.deepEqual(told, [d1999])
  await sw.removePorts(['d7'])
  const refused = await floods.set(new Map([...wanted].map(([port]) => [port, true])))
  assert.deepEqual([...refused], [[ports.get('d7'), 'the switch has no such port']])
  assert.deepEqual(await apart(sw), [])
})
