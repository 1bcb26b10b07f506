// `portward up` as an operator meets it: on a bridge of its own and on a shared one, started too early, restarted, killed,
// and with another hand in its flows.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startPortward, startSwitch } from '@portward/testkit'
import type { Lab, PortBody } from './lab.ts'
import { makeNetwork, openLab, until } from './lab.ts'

const MAC = 'fa:16:3e:00:00:10'
const fields = {
  mac_address: MAC,
  fixed_ips: [{ ip_address: '10.0.0.10' }, { ip_address: 'fd00::10' }],
}

/** A switch lists flows of one priority in no particular order. */
function same(before: readonly string[], after: readonly string[]): boolean {
  return before.toSorted().join('\n') === after.toSorted().join('\n')
}

type Interface = { iface: string; state: string; reason: string | null; port_id: string | null }

async function interfaces(lab: Lab): Promise<readonly Interface[]> {
  const { body } = await lab.portward().ask('GET', '/portward/v1/interfaces')
  return (body as { interfaces: readonly Interface[] }).interfaces
}

/** Declares a port, and plugs an interface with nothing behind it. */
async function plugged(
  lab: Lab,
  network: string,
  name: string,
  more: object = {},
): Promise<PortBody> {
  const port = await lab.create<PortBody>('port', { network_id: network, ...more })
  await lab.sw.addPorts([{ name, ifaceId: port.id }])
  await until(async () => (await lab.port(port.id)).status === 'ACTIVE', `${name} is ACTIVE`)
  return port
}

void test('the flows of a protected port are those that the reference text shows', async () => {
  await using lab = await openLab()
  await lab.start()
  await plugged(lab, await makeNetwork(lab), 'tap0', fields)
  const ofport = (await lab.sw.ofports()).get('tap0')
  const flows = (await lab.flows()).map((line) => line.replace(/cookie=\S+, /, ''))
  const from = `in_port=${ofport},dl_src=${MAC}`
  for (const line of [
    `priority=20,in_port=${ofport},vlan_tci=0x1000/0x1000 actions=drop`,
    `priority=10,arp,in_port=${ofport} actions=resubmit(,24)`,
    `priority=10,icmp6,in_port=${ofport},icmp_type=136 actions=resubmit(,24)`,
    `priority=9,in_port=${ofport} actions=resubmit(,25)`,
    `table=24, priority=2,arp,${from},arp_spa=10.0.0.10,arp_sha=${MAC} actions=resubmit(,25)`,
    'table=24, priority=0 actions=drop',
    `table=25, priority=2,${from} actions=resubmit(,60)`,
    'table=25, priority=0 actions=drop',
    `table=71, priority=10,ip,${from},nw_src=10.0.0.10 actions=resubmit(,72)`,
    `table=71, priority=10,ipv6,${from},ipv6_src=fd00::10 actions=resubmit(,72)`,
    'table=71, priority=0 actions=drop',
  ]) {
    assert.ok(flows.includes(line), `${line}\nis not among\n${flows.join('\n')}`)
  }
})

void test('each change of a port is one bundle: an observer sees nothing but what differs', async () => {
  await using lab = await openLab()
  await lab.start()
  const port = await plugged(lab, await makeNetwork(lab), 'tap0', fields)
  await using watch = await lab.sw.watchFlows()
  await watch.settled()
  watch.take()
  await lab.update(port.id, {
    fixed_ips: [{ ip_address: '10.0.0.11' }, { ip_address: 'fd00::10' }],
  })
  const events = await watch.settled()
  const touched = events.map(({ event, text }) => `${event} ${/10\.0\.0\.1[01]/.exec(text)?.[0]}`)
  assert.deepEqual(touched.sort(), [
    ...Array<string>(3).fill('ADDED 10.0.0.11'),
    ...Array<string>(3).fill('DELETED 10.0.0.10'),
  ])
})

void test('a restart touches no flow; kill -9 leaves them all, and what changed meanwhile is made up for', async () => {
  await using lab = await openLab()
  await lab.start()
  const network = await makeNetwork(lab)
  const kept = await plugged(lab, network, 'tap0', fields)
  await plugged(lab, network, 'tap1')
  const before = await lab.flows()
  await using watch = await lab.sw.watchFlows()
  await watch.settled()

  assert.equal(await lab.portward().stop('SIGTERM'), 0)
  assert.deepEqual(await lab.flows(), before)
  watch.take()
  await lab.start()
  assert.deepEqual(await watch.settled(300), [])
  assert.equal((await lab.port(kept.id)).status, 'ACTIVE')

  await lab.portward().stop('SIGKILL')
  assert.deepEqual(await lab.flows(), before)
  await lab.sw.removePorts(['tap1'])
  await lab.start()
  assert.equal((await lab.port(kept.id)).status, 'ACTIVE')
  // The list of whom broadcasts reach is one flow for all ports.
  const changed = (await watch.settled(300)).filter(({ text }) => !text.includes('table=96 '))
  const gone = changed.map(({ event }) => event)
  assert.ok(gone.length > 0 && gone.every((event) => event === 'DELETED'), gone.join())
})

void test('flows that another hand deletes or changes are put right, and its own flows are left alone', async () => {
  await using lab = await openLab()
  await lab.start()
  await plugged(lab, await makeNetwork(lab), 'tap0', fields)
  const before = await lab.flows()
  const { sw } = lab
  const restored = async (): Promise<boolean> =>
    same(
      before,
      (await lab.flows()).filter((line) => line.includes('cookie=0x5057')),
    )

  await sw.ofctl('del-flows', sw.bridge, 'table=24')
  await until(restored, 'table 24 is as it was')
  await sw.ofctl('del-flows', sw.bridge)
  await until(restored, 'all tables are as they were')
  await sw.ofctl('mod-flows', sw.bridge, 'table=25,actions=NORMAL')
  await until(restored, 'table 25 does what it did')
  await sw.ofctl('add-flow', sw.bridge, 'table=99,priority=1,in_port=99,actions=NORMAL')
  await sw.ofctl('del-flows', sw.bridge, 'table=71')
  await until(restored, 'table 71 is as it was')
  assert.ok((await lab.flows()).some((line) => line.includes('in_port=99')))
})

void test('a restart of ovs-vswitchd, and of its database: guarded again without being asked', async () => {
  await using lab = await openLab()
  await lab.start()
  await plugged(lab, await makeNetwork(lab), 'tap0', fields)
  const before = await lab.flows()
  for (const restart of [lab.sw.restartVswitchd, lab.sw.restartOvsdb]) {
    await restart()
    const back = async (): Promise<boolean> => same(before, await lab.flows().catch(() => []))
    await until(back, 'the flows are as they were')
  }
})

void test('a port is ACTIVE while its switch is there, and not while it is dead', async () => {
  await using lab = await openLab()
  await lab.start()
  const port = await plugged(lab, await makeNetwork(lab), 'tap0', fields)
  await lab.sw.killVswitchd()
  await until(async () => (await lab.port(port.id)).status === 'DOWN', 'it is DOWN')
  await lab.sw.startVswitchd()
  await until(async () => (await lab.port(port.id)).status === 'ACTIVE', 'it is ACTIVE again')
})

void test('an interface with an iface-id nobody declared says nothing, is reported, and speaks once it is declared', async () => {
  await using lab = await openLab()
  await lab.start()
  const network = await makeNetwork(lab)
  const id = '11111111-2222-4333-8444-555555555555'
  await lab.sw.addPorts([{ name: 'tap0', ifaceId: id }, { name: 'tap1' }])
  const stateOf = async (name: string) =>
    (await interfaces(lab)).find(({ iface }) => iface === name)
  await until(async () => (await stateOf('tap0')) !== undefined, 'tap0 is seen')
  assert.match(
    (await stateOf('tap0'))?.reason ?? '',
    new RegExp(`nobody has declared the port ${id}`),
  )
  assert.match((await stateOf('tap1'))?.reason ?? '', /no external_ids:iface-id/)
  const ofport = (await lab.sw.ofports()).get('tap0')
  assert.ok((await lab.flows()).every((line) => !line.includes(`in_port=${ofport},`)))
  assert.ok((await lab.flows()).some((line) => line.endsWith(' priority=0 actions=drop')))

  const port = await lab.create<PortBody>('port', { network_id: network })
  await lab.sw.setIfaceId('tap0', port.id)
  await until(async () => (await stateOf('tap0'))?.state === 'guarded', 'tap0 is guarded')
})

void test('two interfaces with one iface-id: neither speaks, both are reported', async () => {
  await using lab = await openLab()
  await lab.start()
  const port = await plugged(lab, await makeNetwork(lab), 'tap0', fields)
  await lab.sw.addPorts([{ name: 'tap1', ifaceId: port.id }])
  await until(
    async () => (await interfaces(lab)).filter(({ state }) => state === 'silent').length === 2,
    'both are silent',
  )
  assert.equal((await lab.port(port.id)).status, 'DOWN')
  assert.ok((await lab.flows()).every((line) => !line.includes(`dl_src=${MAC}`)))
  await lab.sw.removePorts(['tap0'])
  await until(async () => (await lab.port(port.id)).status === 'ACTIVE', 'the one left is guarded')
})

void test('a deleted port leaves no flow, and its interface is silent', async () => {
  await using lab = await openLab()
  await lab.start()
  const port = await plugged(lab, await makeNetwork(lab), 'tap0', fields)
  const { status } = await lab.portward().ask('DELETE', `/v2.0/ports/${port.id}?wait=applied`)
  assert.equal(status, 204)
  assert.ok((await lab.flows()).every((line) => !line.includes(MAC)))
})

void test('admin_state_up=false silences the port, whatever its port security', async () => {
  await using lab = await openLab()
  await lab.start()
  const port = await plugged(lab, await makeNetwork(lab), 'tap0', fields)
  const ofport = (await lab.sw.ofports()).get('tap0')
  for (const port_security_enabled of [true, false]) {
    await lab.update(port.id, { admin_state_up: false, port_security_enabled })
    const flows = (await lab.flows()).filter((line) => line.includes(`in_port=${ofport}`))
    assert.deepEqual(
      flows.map((line) => line.replace(/cookie=\S+, /, '')),
      [`priority=30,in_port=${ofport} actions=drop`],
    )
  }
})

void test('on a shared bridge only guards are written; what was there stays, and what cannot be promised is said', async () => {
  await using lab = await openLab({ failMode: 'standalone' })
  const before = await lab.flows()
  await lab.start()
  const port = await plugged(lab, await makeNetwork(lab), 'tap0', fields)
  const flows = await lab.flows()
  for (const line of before) assert.ok(flows.includes(line))
  assert.match(
    lab.portward().said(),
    /br-int is shared: interfaces that nobody declared are not judged/,
  )
  await lab.update(port.id, { port_security_enabled: false })
  const ofport = (await lab.sw.ofports()).get('tap0')
  assert.ok((await lab.flows()).every((line) => !line.includes(`in_port=${ofport}`)))
})

void test('a port whose flows the switch refuses is silent and says why; the others are guarded, and so is it when there is room', async () => {
  await using lab = await openLab()
  const { sw } = lab
  await lab.start()
  const network = await makeNetwork(lab)
  await plugged(lab, network, 'tap0', fields)
  const table = ['create', 'Flow_Table', 'flow_limit=2', 'overflow_policy=refuse']
  await sw.vsctl('--id=@t', ...table, '--', 'set', 'Bridge', sw.bridge, 'flow_tables:25=@t')
  const refused = await lab.create<PortBody>('port', { network_id: network })
  const open = await lab.create<PortBody>('port', {
    network_id: network,
    port_security_enabled: false,
  })
  await sw.addPorts([
    { name: 'tap1', ifaceId: refused.id },
    { name: 'tap2', ifaceId: open.id },
  ])
  await until(async () => (await lab.port(open.id)).status === 'ACTIVE', 'the other is ACTIVE')
  const tap1 = async () => (await interfaces(lab)).find(({ iface }) => iface === 'tap1')
  assert.match((await tap1())?.reason ?? '', /refused the flow .*table=25.*OFPFMFC_TABLE_FULL/)
  assert.equal((await lab.port(refused.id)).status, 'DOWN')
  assert.match(lab.portward().said(), /the switch refuses flows of tap1: /)
  await sw.vsctl('clear', 'Bridge', sw.bridge, 'flow_tables')
  await until(async () => (await lab.port(refused.id)).status === 'ACTIVE', 'it is ACTIVE')
})

void test('--bridge-mode and --uplink: an uplink passes on a bridge of our own, and nobody else does', async () => {
  await using lab = await openLab()
  await lab.sw.addPorts([{ name: 'eth7' }, { name: 'tap0' }])
  await lab.start('--bridge-mode', 'own', '--uplink', 'eth7')
  const ofports = await lab.sw.ofports()
  const table0 = (await lab.flows()).filter((line) => !line.includes('table='))
  const named = (name: string) =>
    table0.filter((line) => line.includes(`in_port=${ofports.get(name)} `))
  assert.equal(named('eth7').length, 1)
  assert.equal(named('tap0').length, 0)
})

void test('started before the switch, before its bridge: it waits, says so, and comes up', async () => {
  await using sw = await startSwitch()
  await sw.vsctl('del-br', sw.bridge)
  await sw.killVswitchd()
  await sw.killOvsdb()
  let log = ''
  const { rundir, bridge } = sw
  const heard = (text: string): void => void (log += text)
  const end = new AbortController()
  using _ = { [Symbol.dispose]: () => end.abort() }
  const { signal } = end
  const starting = startPortward({ rundir, bridge, state: join(rundir, 'state'), heard, signal })
  starting.catch(() => {}) // awaited below, if it comes to that
  await until(() => /db\.sock: .*is the daemon running/.test(log), 'it says so')
  await sw.startOvsdb()
  await sw.startVswitchd()
  const missing = /there is no bridge br-int on this switch.*ovs-vsctl add-br br-int/
  await until(() => missing.test(log), 'it says that there is no bridge')
  const settings = [`datapath_type=${sw.datapath}`, 'fail_mode=secure']
  await sw.vsctl('add-br', bridge, '--', 'set', 'Bridge', bridge, ...settings)
  await using portward = await starting
  assert.match(portward.url, /^http:/)
})

void test('a state directory that cannot be used, or that another uses, is refused with a sentence', async () => {
  await using lab = await openLab()
  const { rundir, bridge } = lab.sw
  const startIn = (state: string) => startPortward({ rundir, bridge, state })
  await writeFile(join(rundir, 'file'), '')
  await assert.rejects(startIn(join(rundir, 'file', 'state')), /ended with 1: portward: .*file/)
  await mkdir(join(rundir, 'broken'))
  await writeFile(join(rundir, 'broken', 'portward.db'), 'this is no database at all'.repeat(100))
  await assert.rejects(startIn(join(rundir, 'broken')), /ended with 1: portward: .*portward\.db/)
  await lab.start()
  await assert.rejects(startIn(lab.state), /ended with 1: portward: .*portward\.db/)
})

void test('a listening address that is taken or not loopback is refused with a sentence', async () => {
  await using lab = await openLab()
  const portward = await lab.start()
  const { rundir, bridge } = lab.sw
  const listenOn = (address: string) =>
    startPortward({
      rundir,
      bridge,
      state: join(rundir, 'other'),
      flags: ['--listen', address],
    })
  const taken = new URL(portward.url).host
  await assert.rejects(listenOn(taken), /ended with 1: portward: .*another program listens there/)
  await assert.rejects(listenOn('0.0.0.0:0'), /ended with 2: portward: .*loopback/)
})

void test('a second one on the same bridge waits, and changes nothing; it guards when the first has ended', async () => {
  await using lab = await openLab()
  const first = await lab.start()
  await plugged(lab, await makeNetwork(lab), 'tap0', fields)
  const before = await lab.flows()
  await using watch = await lab.sw.watchFlows()
  await watch.settled()
  watch.take()
  const { rundir, bridge } = lab.sw
  let log = ''
  const heard = (text: string): void => void (log += text)
  const starting = startPortward({ rundir, bridge, state: join(rundir, 'other'), heard })
  await until(() => /another Portward guards br-int: waiting/.test(log), 'it says so')
  assert.deepEqual(await watch.settled(300), [])
  await first.stop('SIGKILL')
  await using second = await starting
  assert.match(second.url, /^http:/)
  assert.ok((await lab.flows()).length < before.length, 'ports it does not know are silent')
})

void test('ended through `npm run`, as from a checkout: SIGTERM reaches it, and it ends in order', async () => {
  await using lab = await openLab()
  const where = ['--ovs-rundir', lab.sw.rundir, '--state', lab.state, '--listen', '127.0.0.1:0']
  const npm = spawn('npm', ['run', '-s', 'portward', '--', 'up', ...where], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let log = ''
  npm.stderr.setEncoding('utf8').on('data', (text: string) => (log += text))
  await until(() => log.includes('connected to br-int'), 'it runs')
  // When nobody holds its standard error any more.
  const closed = once(npm, 'close', { signal: AbortSignal.timeout(5000) })
  npm.kill('SIGTERM')
  await closed
  assert.match(log, /the agent ends/)
})
