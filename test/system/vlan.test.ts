// Networks of type vlan: the agent sets the tags of their ports, and no frame leaves one in another VLAN, whatever happens to the
// port, the tag, the agent or the switch. Real frames, looked at on a trunk.
//
//   u  uplink, without a tag: has all VLANs      a1 a2  of the network with VLAN 150      b1 b2  of that with 151, same addresses

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GuestWire } from '@portward/testkit'
import { BROADCAST, arpRequest, ethernet, ipv4, udp } from '@portward/testkit'
import type { Lab, PortBody } from './lab.ts'
import { openLab, until } from './lab.ts'

/** Longer than any frame takes, also on a busy machine: what comes later is missed, and fails the test. */
const QUIET_MS = 150
const [A, B] = [150, 151]

type Station = {
  readonly name: string
  readonly mac: string
  readonly ip: string
  readonly id: string
  readonly wire: GuestWire
}

type Scene = {
  readonly lab: Lab
  readonly networks: ReadonlyMap<number, string>
  /** The trunk. */
  readonly u: GuestWire
  readonly station: (name: string, vlan: number, fields?: object) => Promise<Station>
}

async function openScene(lab: Lab, ...flags: string[]): Promise<Scene> {
  await lab.start('--uplink', 'u', ...flags)
  const networks = new Map<number, string>()
  for (const vlan of [A, B]) {
    const { id } = await lab.create('network', {
      name: `vlan ${vlan}`,
      'provider:network_type': 'vlan',
      'provider:physical_network': 'physnet1',
      'provider:segmentation_id': vlan,
    })
    await lab.create('subnet', { network_id: id, ip_version: 4, cidr: '10.0.0.0/16' })
    networks.set(vlan, id)
  }
  const trunk = await lab.sw.addGuest({ name: 'u', mac: '02:00:00:00:00:08', ips: [] })
  await hush(trunk.run)
  return {
    lab,
    networks,
    u: await trunk.wire(),
    async station(name, vlan, fields = {}) {
      const address = { fixed_ips: [{ ip_address: `10.0.0.${name.at(-1)}` }] }
      const { guest, port } = await lab.guest(name, networks.get(vlan) ?? '', {
        ...address,
        ...fields,
      })
      await hush(guest.run)
      const ip = port.fixed_ips[0]?.ip_address ?? ''
      return { name, mac: guest.mac, ip, id: port.id, wire: await guest.wire() }
    },
  }
}

/** Its kernel says nothing unasked any more: what is heard is what the test sends. */
async function hush(run: (argv: readonly string[]) => Promise<unknown>): Promise<void> {
  await run(['sh', '-ec', 'echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6'])
}

const quiet = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, QUIET_MS))

/** The VLAN of a frame's one tag (IEEE 802.1Q, 9.6); undefined: it has none. */
function vidOf(frame: Uint8Array): number | undefined {
  return frame[12] === 0x81 && frame[13] === 0
    ? (((frame[14] ?? 0) & 0xf) << 8) | (frame[15] ?? 0)
    : undefined
}

function numbered({ mac, ip }: Station, n: number): Uint8Array {
  const content = ipv4({ src: ip, dst: '10.9.9.9' }, udp({ src: 1, dst: 2 }, `flood-${mac}-${n}-`))
  return ethernet({ src: mac, dst: BROADCAST }, content)
}

type Heard = { readonly n: number; readonly vid: number | undefined }

/** The numbered frames of a guest that have come to the trunk, in order. */
function heardOf(u: GuestWire, { mac }: Station): readonly Heard[] {
  const pattern = new RegExp(`flood-${mac}-(\\d+)-`)
  return u.received().flatMap((frame) => {
    const n = pattern.exec(Buffer.from(frame).toString('latin1'))?.[1]
    return n === undefined ? [] : [{ n: Number(n), vid: vidOf(frame) }]
  })
}

/** The VLANs in which they came, and how many in each. */
function vidsOf(heard: readonly Heard[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { vid } of heard) counts[String(vid)] = (counts[String(vid)] ?? 0) + 1
  return counts
}

/** How many of another VLAN come after its port was silent, that is after the first number that is missing. */
function strayAfterSilence(heard: readonly Heard[], vlan: number): number {
  const gap = heard.findIndex(({ n }, i) => i > 0 && n !== (heard[i - 1]?.n ?? 0) + 1)
  return gap < 0 ? 0 : heard.slice(gap).filter(({ vid }) => vid !== vlan).length
}

/** Numbered frames, one every `ms`, or as fast as its device takes them, until it is stopped; gives how many. */
function flood(station: Station, ms = 0): { readonly stop: () => Promise<number> } {
  const over = new AbortController()
  const talk = async (): Promise<number> => {
    let n = 0
    for (; !over.signal.aborted; n++) {
      await station.wire.send(numbered(station, n))
      if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms))
    }
    return n
  }
  const talking = talk()
  talking.catch(() => {}) // whoever stops it hears of it
  return {
    async stop() {
      over.abort()
      return await talking
    },
  }
}

/** Waits until frames of the guest come in the VLAN again. */
async function speaks(u: GuestWire, station: Station, vlan: number): Promise<void> {
  const before = heardOf(u, station).length
  const again = (): boolean =>
    heardOf(u, station)
      .slice(before)
      .some(({ vid }) => vid === vlan)
  await until(again, `${station.name} speaks in VLAN ${vlan}`)
}

async function tagOf({ sw }: Lab, name: string): Promise<string> {
  const columns = ['tag', 'vlan_mode', 'external_ids:portward-tag'].map((column) =>
    sw.vsctl('--if-exists', 'get', 'Port', name, column),
  )
  return (await Promise.all(columns)).map((text) => text.trim().replaceAll('"', '')).join(' ')
}

const tagged = (vlan: number): string => `${vlan} access ${vlan}`
const UNTAGGED = '[] [] '

async function nextCfg({ sw }: Lab): Promise<number> {
  return Number(await sw.vsctl('get', 'Open_vSwitch', '.', 'next_cfg'))
}

async function stateOf(
  lab: Lab,
  name: string,
): Promise<{ state?: string; reason?: string | null }> {
  const { body } = await lab.portward().ask('GET', '/portward/v1/interfaces')
  type Row = { readonly iface: string; readonly state: string; readonly reason: string | null }
  return (
    (body as { interfaces: readonly Row[] }).interfaces.find(({ iface }) => iface === name) ?? {}
  )
}

/** What each station, and the trunk, hears of one frame: for each its VLAN, or `u` where it came untagged. */
async function heard(
  u: GuestWire,
  stations: readonly Station[],
  send: () => Promise<void>,
): Promise<Readonly<Record<string, string>>> {
  const wires = [{ name: 'u', wire: u }, ...stations]
  for (const { wire } of wires) wire.forget()
  await send()
  await quiet()
  const hears = wires.map(({ name, wire }) => [
    name,
    wire
      .received()
      .map((frame) => String(vidOf(frame) ?? 'u'))
      .join(),
  ])
  return Object.fromEntries(hears.filter(([, times]) => times !== ''))
}

for (const mode of ['own', 'shared'] as const) {
  void test(`two networks with the same addresses on one bridge hear nothing of each other: ${mode}`, async () => {
    await using lab = await openLab(mode === 'shared' ? { failMode: 'standalone' } : {})
    const { u, station } = await openScene(lab)
    const all = [
      await station('a1', A),
      await station('a2', A),
      await station('b1', B),
      await station('b2', B),
    ] as const
    const [a1, a2, b1, b2] = all
    assert.equal(a1.ip, b1.ip)
    const from =
      (who: Station, to: string, src = who.mac) =>
      (): Promise<void> =>
        who.wire.send(
          ethernet(
            { src, dst: to },
            ipv4({ src: who.ip, dst: '10.9.9.9' }, udp({ src: 1, dst: 2 }, 'x')),
          ),
        )
    const asks = (who: Station, tpa: string) => (): Promise<void> =>
      who.wire.send(
        ethernet({ src: who.mac, dst: BROADCAST }, arpRequest({ sha: who.mac, spa: who.ip, tpa })),
      )
    const nobody = '10.0.0.99'
    const isolated = mode === 'own'
    assert.deepEqual(await heard(u, all, asks(a1, nobody)), { a2: 'u', u: '150' })
    assert.deepEqual(await heard(u, all, asks(b1, nobody)), { b2: 'u', u: '151' })
    assert.deepEqual(await heard(u, all, asks(a2, nobody)), { a1: 'u', u: '150' })
    assert.deepEqual(await heard(u, all, asks(b2, nobody)), { b1: 'u', u: '151' })
    assert.deepEqual(await heard(u, all, from(a1, a2.mac)), { a2: 'u' })
    assert.deepEqual(await heard(u, all, from(b2, b1.mac)), { b1: 'u' })
    const astray = isolated ? { u: '150' } : { a2: 'u', u: '150' }
    assert.deepEqual(await heard(u, all, from(a1, b1.mac)), astray, 'a MAC of the other network')
    assert.deepEqual(await heard(u, all, from(a1, BROADCAST, a2.mac)), {}, 'a spoof')
    const into = (vid: number, dst: string) => (): Promise<void> =>
      u.send(
        ethernet(
          { src: '02:00:00:00:00:08', dst, tags: [{ vid }] },
          ipv4({ src: '10.0.0.250', dst: '10.9.9.9' }, udp({ src: 1, dst: 2 }, 'x')),
        ),
      )
    assert.deepEqual(await heard(u, all, into(A, BROADCAST)), { a1: 'u', a2: 'u' })
    assert.deepEqual(await heard(u, all, into(B, b2.mac)), { b2: 'u' })
    assert.deepEqual(await heard(u, all, into(7, BROADCAST)), {})

    // Without port security it may say what it likes, in its VLAN.
    await lab.update(a1.id, { port_security_enabled: false })
    assert.deepEqual(await heard(u, all, from(a1, BROADCAST, '02:00:00:00:99:99')), {
      a2: 'u',
      u: '150',
    })
  })
}

void test('plugged, unplugged, toggled: each of its frames is in the VLAN of its network', async (t) => {
  await using lab = await openLab()
  const { u, station } = await openScene(lab)
  const { sw } = lab
  const a1 = await station('a1', A)
  assert.equal(await tagOf(lab, 'a1'), tagged(A))
  const flooding = flood(a1)
  await speaks(u, a1, A)
  const before = await nextCfg(lab)
  for (let i = 0; i < 10; i++) {
    await lab.update(a1.id, { port_security_enabled: i % 2 === 1 })
    await speaks(u, a1, A)
  }
  assert.equal(await nextCfg(lab), before, 'port security is no business of OVSDB')
  const plug = ['add-port', sw.bridge, 'a1', '--', 'set', 'Interface', 'a1']
  for (let i = 0; i < 10; i++) {
    await sw.vsctl('del-port', 'a1')
    const wrong = i % 2 === 0 ? [] : ['--', 'set', 'Port', 'a1', 'tag=7']
    await sw.vsctl(...plug, `external_ids:iface-id=${a1.id}`, ...wrong)
    await speaks(u, a1, A)
  }
  for (let i = 0; i < 5; i++) {
    await lab.update(a1.id, { admin_state_up: false })
    await lab.update(a1.id, { admin_state_up: true })
    await speaks(u, a1, A)
  }
  t.diagnostic(`to the trunk, by VLAN: ${JSON.stringify(vidsOf(heardOf(u, a1)))}`)
  assert.deepEqual(Object.keys(vidsOf(heardOf(u, a1))), ['150'])

  // Nobody's: its tag goes when it says nothing any more.
  u.forget()
  await lab.portward().ask('DELETE', `/v2.0/ports/${a1.id}`)
  await until(async () => (await tagOf(lab, 'a1')) === UNTAGGED, 'its tag is taken away')
  await quiet()
  await flooding.stop()
  assert.deepEqual(
    Object.keys(vidsOf(heardOf(u, a1))).filter((vid) => vid !== '150'),
    [],
  )
  assert.equal((await stateOf(lab, 'a1')).state, 'silent')
})

void test('a tag that another hand sets is put right, and nothing is said in a wrong VLAN after it; what is another’s stays', async (t) => {
  await using lab = await openLab()
  const { u, station } = await openScene(lab)
  const { sw } = lab
  const a1 = await station('a1', A)
  const a2 = await station('a2', A, { port_security_enabled: false })
  const astray: number[] = []
  for (const who of [a1, a2]) {
    const flooding = flood(who, 1)
    await speaks(u, who, A)
    for (const change of [
      ['tag=7'],
      ['tag=151'],
      ['trunks=7,150'],
      ['tag=7', 'vlan_mode=native-untagged'],
    ]) {
      u.forget()
      await sw.vsctl('set', 'Port', who.name, ...change)
      await until(async () => (await tagOf(lab, who.name)) === tagged(A), 'put right')
      await speaks(u, who, A)
      const got = heardOf(u, who)
      astray.push(got.filter(({ vid }) => vid !== A).length)
      assert.equal(strayAfterSilence(got, A), 0, JSON.stringify(got))
    }
    await flooding.stop()
  }
  assert.match(lab.portward().said(), /another hand changed the tags of ports/)
  t.diagnostic(`frames in a wrong VLAN, each time: ${astray.join()}`)

  // Undeclared while the agent is away, and another has taken the port: only our name goes.
  await lab.portward().ask('DELETE', `/v2.0/ports/${a1.id}`)
  await until(async () => (await tagOf(lab, 'a1')) === UNTAGGED, 'its tag is taken away')
  await lab.portward().stop('SIGTERM')
  await sw.vsctl('set', 'Port', 'a2', 'tag=9')
  await sw.setIfaceId('a2', null)
  await lab.start('--uplink', 'u')
  await until(async () => (await tagOf(lab, 'a2')) === '9 access ', 'our name goes, its tag stays')
})

void test('the agent ends or is killed, and comes again: no frame of a steady stream is lost', async () => {
  await using lab = await openLab()
  const { u, station } = await openScene(lab)
  const a1 = await station('a1', A)
  const flooding = flood(a1, 2)
  await speaks(u, a1, A)
  for (const signal of ['SIGTERM', 'SIGKILL', 'SIGKILL'] as const) {
    await lab.portward().stop(signal)
    await lab.start('--uplink', 'u')
    await until(async () => (await lab.port(a1.id)).status === 'ACTIVE', 'a1 is ACTIVE')
    await speaks(u, a1, A)
  }
  const sent = await flooding.stop()
  await quiet()
  const got = heardOf(u, a1)
  assert.deepEqual(
    got.map(({ n }) => n),
    Array.from({ length: sent }, (_, n) => n),
  )
  assert.deepEqual(vidsOf(got), { 150: sent })
})

void test('ovs-vswitchd restarts, its database restarts, with the agent there or not: no frame is in a wrong VLAN', async () => {
  await using lab = await openLab()
  const { u, station } = await openScene(lab)
  const { sw } = lab
  const a1 = await station('a1', A)
  const flooding = flood(a1)
  const back = async (): Promise<void> => {
    await until(async () => (await lab.port(a1.id)).status === 'ACTIVE', 'a1 is ACTIVE')
    await speaks(u, a1, A)
  }
  await back()
  await sw.restartVswitchd()
  await back()
  await sw.restartOvsdb()
  await back()
  await lab.portward().stop('SIGKILL')
  await sw.restartVswitchd()
  await lab.start('--uplink', 'u')
  await back()
  // While the switch is down, another hand: it has never been said in that VLAN.
  await sw.killVswitchd()
  await sw.vsctl('--no-wait', 'set', 'Port', 'a1', 'tag=7')
  await sw.startVswitchd()
  await back()
  await until(async () => (await tagOf(lab, 'a1')) === tagged(A), 'put right')
  await flooding.stop()
  assert.deepEqual(Object.keys(vidsOf(heardOf(u, a1))), ['150'])
})

void test('a shared bridge: set right, put right, taken away', async () => {
  await using lab = await openLab({ failMode: 'standalone' })
  const { u, station } = await openScene(lab)
  const { sw } = lab
  const a1 = await station('a1', A)
  const flooding = flood(a1)
  await speaks(u, a1, A)
  u.forget()
  await lab.update(a1.id, { port_security_enabled: false })
  await speaks(u, a1, A)
  await lab.update(a1.id, { port_security_enabled: true })
  await speaks(u, a1, A)
  await lab.portward().stop('SIGKILL')
  await lab.start('--uplink', 'u')
  await speaks(u, a1, A)
  assert.deepEqual(Object.keys(vidsOf(heardOf(u, a1))), ['150'])
  await sw.vsctl('set', 'Port', 'a1', 'tag=7')
  await until(async () => (await tagOf(lab, 'a1')) === tagged(A), 'put right')
  await speaks(u, a1, A)
  await lab.portward().ask('DELETE', `/v2.0/ports/${a1.id}`)
  await until(async () => (await tagOf(lab, 'a1')) === UNTAGGED, 'its tag is taken away')
  await flooding.stop()
})

void test('among many ports, an interface that is given to another network, and again: after it was silent, it is in the new VLAN', async () => {
  await using lab = await openLab()
  const { u, station, networks } = await openScene(lab)
  const { sw } = lab
  // ovs-vswitchd looks at each of them before it has taken anything.
  await sw.addPorts(Array.from({ length: 1000 }, (_, i) => ({ name: `d${i}` })))
  const a1 = await station('a1', A)
  const b = await lab.create<PortBody>('port', {
    network_id: networks.get(B),
    mac_address: a1.mac,
    fixed_ips: [{ ip_address: a1.ip }],
  })
  const flooding = flood(a1, 1)
  await speaks(u, a1, A)
  for (let i = 0; i < 5; i++) {
    for (const [id, vlan] of [
      [b.id, B],
      [a1.id, A],
    ] as const) {
      await quiet()
      u.forget()
      await sw.setIfaceId('a1', id)
      await speaks(u, a1, vlan)
      const got = heardOf(u, a1)
      assert.equal(strayAfterSilence(got, vlan), 0, JSON.stringify(got))
      const turn = got.findIndex(({ vid }) => vid === vlan)
      assert.deepEqual(Object.keys(vidsOf(got.slice(turn))), [String(vlan)])
      assert.ok(got.slice(0, turn).every(({ vid }) => vid === A + B - vlan))
    }
  }
  await flooding.stop()
})

void test('a thousand ports plugged at once are a few transactions; a bond is silent, and says why', async (t) => {
  await using lab = await openLab()
  const { networks } = await openScene(lab)
  const { sw } = lab
  const names = Array.from({ length: 1000 }, (_, i) => `d${i}`)
  const ids: string[] = []
  for (const name of names) {
    const { id } = await lab.create('port', {
      network_id: networks.get(ids.length % 2 === 0 ? A : B),
      name,
    })
    ids.push(id)
  }
  const before = await nextCfg(lab)
  await sw.addPorts(names.map((name, i) => ({ name, type: 'patch', ifaceId: ids[i] ?? '' })))
  for (const id of ids)
    await until(async () => (await lab.port(id)).status === 'ACTIVE', id, 60_000)
  const bumps = (await nextCfg(lab)) - before
  t.diagnostic(`next_cfg was bumped ${bumps} times, one of them by who plugged them`)
  assert.ok(bumps <= 10, `${bumps}`)

  const { id } = await lab.create('port', { network_id: networks.get(A) })
  const bond = ['add-bond', sw.bridge, 'bond0', 'l0', 'l1']
  const dummies = ['l0', 'l1'].flatMap((name) => ['--', 'set', 'Interface', name, 'type=dummy'])
  await sw.vsctl(...bond, ...dummies, '--', 'set', 'Interface', 'l0', `external_ids:iface-id=${id}`)
  await until(async () => /a bond/.test((await stateOf(lab, 'l0')).reason ?? ''), 'the reason')
  assert.equal((await stateOf(lab, 'l0')).state, 'silent')
  assert.equal(await tagOf(lab, 'bond0'), UNTAGGED)
})
