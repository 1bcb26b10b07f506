// `portward verify` beside a real switch: it proves what is so, also when the agent is dead, and names what is not.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { openServer } from '@portward/server'
import { openSqlite } from '@portward/store'
import type { Result } from '@portward/testkit'
import { MAIN, run } from '@portward/testkit'
import type { Lab, PortBody } from './lab.ts'
import { makeNetwork, openLab, until } from './lab.ts'

const HOST = 'alpha'

type Verification = {
  readonly ports: number
  readonly frames: number
  readonly differences: readonly {
    readonly iface: string
    readonly portId: string | null
    readonly what: string
  }[]
}

async function verify(lab: Lab, api: string, ...more: readonly string[]): Promise<Result> {
  const { rundir, bridge } = lab.sw
  const where = ['--host', HOST, '--ovs-rundir', rundir, '--bridge', bridge, '--api', api]
  return run([process.execPath, MAIN, 'verify', ...where, ...more], { accept: [0, 1, 2] })
}

async function found(lab: Lab, api: string): Promise<Verification> {
  const { stdout } = await verify(lab, api, '--json')
  return JSON.parse(stdout) as Verification
}

/** Declares ports on the network, plugs them, and waits until all are ACTIVE. */
async function plugged(lab: Lab, networkId: string, names: readonly string[]) {
  const ports: PortBody[] = []
  for (const name of names) {
    ports.push(await lab.create<PortBody>('port', { network_id: networkId, name }))
  }
  await lab.sw.addPorts(ports.map(({ id }, i) => ({ name: names[i] ?? '', ifaceId: id })))
  for (const { id } of ports) {
    await until(async () => (await lab.port(id)).status === 'ACTIVE', `${id} is ACTIVE`)
  }
  return ports
}

void describe('portward verify', { timeout: 120_000, concurrency: true }, () => {
  void test('all is as declared, on a bridge of our own and a shared one, with and without VLANs', async () => {
    for (const failMode of ['secure', 'standalone'] as const) {
      await using lab = await openLab({ failMode })
      await lab.start('--host', HOST)
      await plugged(lab, await makeNetwork(lab), ['tap0', 'tap1'])
      const vlan = { name: 'v', 'provider:network_type': 'vlan' }
      const { id } = await lab.create('network', vlan)
      await lab.create('subnet', { network_id: id, ip_version: 4, cidr: '10.9.0.0/24' })
      const [tagged] = await plugged(lab, id, ['tap2'])
      await lab.update(tagged?.id ?? '', { port_security_enabled: false })
      const { code, stdout, stderr } = await verify(lab, lab.portward().url)
      assert.equal(code, 0, stdout + stderr)
      assert.match(stdout, /3 ports, \d+ flows, \d{2,} frames judged: all as declared\n$/)
      const one = await verify(lab, lab.portward().url, 'tap0')
      assert.equal(one.code, 0, one.stdout + one.stderr)
    }
  })

  void test('with the agent dead: whatever another hand does to the guard is named, and the status is 1', async () => {
    await using lab = await openLab()
    const portward = await lab.start('--host', HOST)
    const { id: network } = await lab.create('network', { 'provider:network_type': 'vlan' })
    await lab.create('subnet', { network_id: network, ip_version: 4, cidr: '10.0.0.0/24' })
    const [port] = await plugged(lab, network, ['tap0', 'tap1'])
    const ofport = (await lab.sw.ofports()).get('tap0')
    const ip = port?.fixed_ips[0]?.ip_address
    await portward.stop('SIGKILL')
    const end = new AbortController()
    await using store = await openSqlite({ file: join(lab.state, 'portward.db') })
    await using server = await openServer({
      store,
      host: '127.0.0.1',
      port: 0,
      version: 'test',
      signal: end.signal,
      log: undefined,
    })
    const { url } = server
    assert.deepEqual((await found(lab, url)).differences, [])

    const { sw } = lab
    const saved = await sw.ofctl(
      '-OOpenFlow15',
      'dump-flows',
      '--no-stats',
      '--no-names',
      sw.bridge,
    )
    const deeds: readonly (readonly [readonly string[], RegExp, RegExp | undefined])[] = [
      [
        ['del-flows', sw.bridge, `table=24,in_port=${ofport}`],
        /a flow is missing: .*table=24, priority=2,arp,in_port=/,
        new RegExp(`ARP .*${ip?.replaceAll('.', '\\.')}.*: must be delivered .* has it dropped`),
      ],
      [
        ['add-flow', sw.bridge, `table=0,priority=99,in_port=${ofport},actions=NORMAL`],
        /a flow is too many: .*priority=99,in_port=/,
        /198\.51\.100\.66.*: must be dropped \(rule \d+: .*\); the switch has it delivered: 0\. in_port=/,
      ],
      [
        ['mod-flows', sw.bridge, `table=25,in_port=${ofport},actions=drop`],
        /a flow is changed: .*resubmit\(,60\), is .*table=25.*actions=drop/,
        /must be delivered .* has it dropped/,
      ],
      [
        ['del-flows', sw.bridge, 'table=72,udp'],
        /a flow is missing: .*table=72/,
        /must be dropped/,
      ],
    ]
    for (const [deed, flow, frame] of deeds) {
      await sw.ofctl(...deed)
      const { code, stdout, stderr } = await verify(lab, url)
      assert.equal(code, 1)
      assert.match(stdout, flow)
      if (frame !== undefined) assert.match(stdout, frame)
      assert.match(stderr, /^portward: \d+ things are not as declared/)
      await sw.ofctl('del-flows', sw.bridge)
      await sw.ofctlWith(saved, '-OOpenFlow15', 'add-flows', sw.bridge, '-')
      assert.deepEqual((await found(lab, url)).differences, [], `${deed.join(' ')}, undone`)
    }

    await sw.vsctl('set', 'Port', 'tap0', 'tag=77')
    const { differences } = await found(lab, url)
    assert.ok(
      differences.some(
        ({ iface, portId, what }) =>
          iface === 'tap0' &&
          portId === port?.id &&
          /its network has VLAN \d+, and its port in OVSDB the tag 77/.test(what),
      ),
      JSON.stringify(differences),
    )
    end.abort()
  })

  void test('where it cannot look it says so: nothing is proven, and that is no success', async () => {
    await using lab = await openLab()
    const { url } = await lab.start('--host', HOST)
    const [port] = await plugged(lab, await makeNetwork(lab), ['tap0'])
    const elsewhere = await verify(lab, url, '--bridge', 'br-none')
    assert.equal(elsewhere.code, 1)
    assert.match(elsewhere.stderr, /nothing is proven: there is no bridge br-none/)
    const nobody = await verify(lab, 'http://127.0.0.1:9')
    assert.equal(nobody.code, 1)
    assert.match(nobody.stderr, /nothing is proven: no answer from http:\/\/127\.0\.0\.1:9/)
    const other = await verify(lab, url, port?.id ?? '', '--host', 'beta')
    assert.equal(other.code, 1)
    assert.match(other.stderr, /is not for host beta to enforce/)
  })
})
