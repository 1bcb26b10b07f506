// Toward the port: what is flooded for others reaches no guarded port, and what is for it, broadcasts and multicasts among that,
// reaches it exactly once. Real frames, between guests, an uplink, an open port and the bridge's own.
//
//   u  uplink      o  port security off      g1 g2 g3  guarded, g1 and g3 with a VRRP MAC       tr  guarded, may speak in VLAN 10
//                                            a10 b10   guarded, access ports of VLAN 10

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Guest, GuestWire } from '@portward/testkit'
import { BROADCAST, ethernet, ipv4, udp } from '@portward/testkit'
import type { Lab } from './lab.ts'
import { makeNetwork, openLab, until } from './lab.ts'

const VRRP = '00:00:5e:00:01:07'
const NOBODY = '02:00:00:00:99:99'
const MULTICAST = '01:00:5e:00:00:fb'
/** Longer than any frame takes, also on a busy machine: what comes later is missed, and fails the test. */
const QUIET_MS = 150

type Station = { readonly mac: string; readonly ip: string; readonly wire: GuestWire }
type Heard = Readonly<Record<string, string>>

type Scene = {
  readonly lab: Lab
  readonly stations: Readonly<Record<string, Station>>
  readonly guests: Readonly<Record<string, Guest>>
  readonly ids: Readonly<Record<string, string>>
  /** Who hears a frame: for each station one letter a time, `u` untagged, `t` tagged. */
  readonly heard: (
    from: string,
    dst: string,
    more?: { src?: string; vid?: number },
  ) => Promise<Heard>
  readonly flush: () => Promise<string>
}

const pairs = { allowed_address_pairs: [{ mac_address: VRRP, ip_address: '10.0.0.200' }] }
const declared: Readonly<Record<string, object>> = {
  g1: pairs,
  g2: {},
  g3: pairs,
  a10: {},
  b10: {},
  tr: { 'portward:checks': { vlan: [10] } },
  o: { port_security_enabled: false },
}

async function openScene(lab: Lab, names: readonly string[]): Promise<Scene> {
  const { sw } = lab
  await lab.start('--uplink', 'u')
  const net = await makeNetwork(lab)
  const stations: Record<string, Station> = {}
  const guests: Record<string, Guest> = {}
  const ids: Record<string, string> = {}
  const u = await sw.addGuest({ name: 'u', mac: '02:00:00:00:00:08', ips: [] })
  await hush(u)
  stations['u'] = { mac: u.mac, ip: '10.0.0.250', wire: await u.wire() }
  for (const name of names) {
    const { guest, port } = await lab.guest(name, net, declared[name] ?? {})
    guests[name] = guest
    ids[name] = port.id
    const ip = port.fixed_ips[0]?.ip_address ?? ''
    stations[name] = { mac: guest.mac, ip, wire: await guest.wire() }
    await hush(guest)
    if (name.endsWith('10')) await sw.vsctl('set', 'Port', name, 'tag=10')
  }
  let n = 0
  const heard: Scene['heard'] = async (from, dst, { src, vid } = {}) => {
    const text = `probe-${++n}-`
    const { mac, ip, wire } = stations[from] ?? assert.fail(from)
    const tags = vid === undefined ? [] : [{ vid }]
    const source = src === VRRP ? '10.0.0.200' : ip
    const content = ipv4({ src: source, dst: '10.9.9.9' }, udp({ src: 1, dst: 2 }, text))
    await wire.send(ethernet({ src: src ?? mac, dst, tags }, content))
    await quiet()
    return tally(text)
  }
  const tally = (text: string): Heard => {
    const hears = Object.entries(stations).map(([name, { wire }]) => {
      const frames = wire.received((frame) => Buffer.from(frame).includes(text))
      return [name, frames.map((frame) => (frame[12] === 0x81 ? 't' : 'u')).join('')]
    })
    return Object.fromEntries(hears.filter(([, times]) => times !== ''))
  }
  await until(
    async () => (await apart(lab)).length === names.filter((n) => n !== 'o').length,
    'all are apart',
  )
  return { lab, stations, guests, ids, heard, flush: () => sw.appctl('fdb/flush', sw.bridge) }
}

/** Its kernel says nothing unasked any more: what the switch learns, it learns from the test. */
async function hush(guest: Guest): Promise<void> {
  await guest.run(['sh', '-c', 'echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6'])
}

const quiet = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, QUIET_MS))

/** The names of the ports that floods do not reach, as ovs-ofctl tells. */
async function apart({ sw }: Lab): Promise<readonly string[]> {
  const text = await sw.ofctl('show', sw.bridge).catch(() => '')
  const ports = text.split(/^ (?=\S+\()/m).filter((one) => one.includes('NO_FLOOD'))
  return ports.map((one) => /\((\S+)\)/.exec(one)?.[1] ?? '').toSorted()
}

async function bridgePorts({ sw }: Lab): Promise<readonly string[]> {
  return (await sw.vsctl('list-ports', sw.bridge)).trim().split('\n')
}

const mac = ({ stations }: Scene, name: string): string => stations[name]?.mac ?? ''

void test('unicast reaches whom it is for, once, silent or not; broadcasts reach all but the speaker, once', async () => {
  await using lab = await openLab()
  const scene = await openScene(lab, ['g1', 'g2', 'g3', 'o'])
  const { heard, flush } = scene
  const m2 = mac(scene, 'g2')
  assert.deepEqual(await apart(lab), ['g1', 'g2', 'g3'])

  assert.deepEqual(await heard('u', NOBODY), { o: 'u' })
  assert.deepEqual(await heard('g1', NOBODY), { o: 'u', u: 'u' })
  await flush()
  assert.deepEqual(await heard('u', m2), { g2: 'u', o: 'u' }, 'g2 is silent')
  assert.deepEqual(await heard('g1', m2), { g2: 'u', o: 'u', u: 'u' }, 'g2 is silent')
  await heard('g2', BROADCAST)
  for (const from of ['u', 'g1', 'o']) assert.deepEqual(await heard(from, m2), { g2: 'u' }, from)

  for (const dst of [BROADCAST, MULTICAST]) {
    for (const from of ['u', 'o', 'g1', 'g3']) {
      const others = ['g1', 'g2', 'g3', 'o', 'u'].filter((name) => name !== from)
      const expected = Object.fromEntries(others.map((name) => [name, 'u']))
      assert.deepEqual(await heard(from, dst), expected, `${from} to ${dst}`)
    }
  }

  // A MAC that two own: while nobody knows who has it, both hear; then the master alone.
  await flush()
  assert.deepEqual(await heard('u', VRRP), { g1: 'u', g3: 'u', o: 'u' })
  await heard('g1', BROADCAST, { src: VRRP })
  assert.deepEqual(await heard('u', VRRP), { g1: 'u' })
  assert.deepEqual(await heard('g3', VRRP), { g1: 'u' })
  await heard('g3', BROADCAST, { src: VRRP })
  assert.deepEqual(await heard('u', VRRP), { g3: 'u' })
})

void test('VLANs keep apart: tagged and access ports, and a guest that may speak in one', async () => {
  await using lab = await openLab()
  const scene = await openScene(lab, ['g1', 'a10', 'b10', 'tr'])
  const { heard, flush } = scene
  const [m1, a, t] = [mac(scene, 'g1'), mac(scene, 'a10'), mac(scene, 'tr')]
  await until(
    async () => (await lab.flows()).some((line) => line.includes(`dl_vlan=10,dl_dst=${a}`)),
    'its VLAN',
  )
  assert.deepEqual(await heard('a10', BROADCAST), { b10: 'u', tr: 't', u: 't' })
  assert.deepEqual(await heard('u', BROADCAST, { vid: 10 }), { a10: 'u', b10: 'u', tr: 't' })
  assert.deepEqual(await heard('u', BROADCAST, { vid: 11 }), {})
  assert.deepEqual(await heard('u', BROADCAST), { g1: 'u', tr: 'u' })
  assert.deepEqual(await heard('u', BROADCAST, { vid: 0 }), { g1: 'u', tr: 'u' })
  assert.deepEqual(await heard('tr', BROADCAST), { g1: 'u', u: 'u' })
  assert.deepEqual(await heard('tr', BROADCAST, { vid: 10 }), { a10: 'u', b10: 'u', u: 't' })
  await flush()
  assert.deepEqual(await heard('u', a, { vid: 10 }), { a10: 'u' })
  assert.deepEqual(await heard('u', t, { vid: 10 }), { tr: 't' })
  assert.deepEqual(await heard('b10', t), { tr: 't', u: 't' })
  assert.deepEqual(await heard('u', m1, { vid: 10 }), {}, 'another VLAN')
  assert.deepEqual(await heard('u', a), {}, 'another VLAN')
  assert.deepEqual(await heard('u', m1, { vid: 0 }), { g1: 'u' })
})

void test('what another hand does to floods, to the pair or to its flows is put right; what frees a MAC frees it at once', async () => {
  await using lab = await openLab()
  const scene = await openScene(lab, ['g1', 'g2'])
  const { sw } = lab
  const { heard, flush } = scene
  const whole = async (): Promise<void> => {
    await until(async () => (await apart(lab)).join() === 'g1,g2', 'they are apart')
    await until(
      async () => (await lab.flows()).filter((line) => line.includes('table=95')).length === 5,
      'the flows',
    )
    await flush()
    assert.deepEqual(await heard('u', NOBODY), {})
    assert.deepEqual(await heard('u', mac(scene, 'g2')), { g2: 'u' })
    assert.deepEqual(await heard('u', BROADCAST), { g1: 'u', g2: 'u' })
    assert.deepEqual(await heard('g1', BROADCAST), { g2: 'u', u: 'u' })
  }
  await whole()
  await sw.ofctl('-O', 'OpenFlow10', 'mod-port', sw.bridge, 'g2', 'flood')
  await whole()
  const uuidOf = (name: string): Promise<string> =>
    sw.vsctl('get', 'Interface', name, '_uuid').catch(() => '')
  for (const name of ['br-int-flood', 'br-int-again']) {
    const before = await uuidOf(name)
    await sw.vsctl('del-port', name)
    const back = async (): Promise<boolean> => !['', before].includes(await uuidOf(name))
    await until(back, `${name} is back`)
    await until(async () => ((await sw.ofports()).get(name) ?? -1) > 0, 'the switch has made it')
    await quiet()
    await whole()
  }
  await sw.ofctl('del-flows', sw.bridge, 'table=95')
  await whole()

  // g2's MAC is learned; then it is another's, who has not spoken: the switch must not go by what it learned.
  const taken = mac(scene, 'g2')
  await heard('g2', BROADCAST)
  await lab.update(scene.ids['g2'] ?? '', { mac_address: '02:00:00:00:77:02' })
  await lab.update(scene.ids['g1'] ?? '', { mac_address: taken })
  assert.deepEqual(await heard('u', taken), { g1: 'u' })
})

void test('port security off and on, an agent that ends and comes, a switch that restarts: nothing is lost or comes twice', async () => {
  await using lab = await openLab()
  const scene = await openScene(lab, ['g1', 'g2'])
  const { sw } = lab
  const { heard, stations } = scene
  const id = scene.ids['g2'] ?? ''
  await lab.update(id, { port_security_enabled: false })
  await until(async () => (await apart(lab)).join() === 'g1', 'g2 is let go')
  assert.deepEqual(await heard('u', NOBODY), { g2: 'u' })
  assert.deepEqual(await heard('u', BROADCAST), { g1: 'u', g2: 'u' })
  await lab.update(id, { port_security_enabled: true })
  assert.deepEqual(await apart(lab), ['g1', 'g2'])
  assert.deepEqual(await heard('u', BROADCAST), { g1: 'u', g2: 'u' })

  // While the agent ends and starts again, broadcasts every few milliseconds: each reaches each, once.
  const u = stations['u'] ?? assert.fail()
  let sent = 0
  const over = new AbortController()
  const talk = async (): Promise<void> => {
    for (; !over.signal.aborted; sent++) {
      const text = `talk-${sent}-`
      const content = ipv4({ src: u.ip, dst: '10.9.9.9' }, udp({ src: 1, dst: 2 }, text))
      await u.wire.send(ethernet({ src: u.mac, dst: BROADCAST }, content))
      await new Promise((resolve) => setTimeout(resolve, 3))
    }
  }
  const talking = talk()
  await lab.portward().stop('SIGTERM')
  await lab.start('--uplink', 'u')
  over.abort()
  await talking
  await quiet()
  assert.ok(sent > 50)
  for (const name of ['g1', 'g2']) {
    const got = (stations[name]?.wire.received() ?? []).flatMap(
      (frame) => /talk-(\d+)-/.exec(Buffer.from(frame).toString('latin1'))?.[1] ?? [],
    )
    assert.deepEqual(
      got,
      Array.from({ length: sent }, (_, i) => String(i)),
      name,
    )
  }

  await sw.restartVswitchd()
  await until(async () => (await apart(lab)).join() === 'g1,g2', 'they are apart again')
  await until(
    async () => (await lab.flows()).filter((line) => line.includes('table=95')).length === 5,
    'the flows',
  )
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.deepEqual(await heard('u', NOBODY), {})
  assert.deepEqual(await heard('u', BROADCAST), { g1: 'u', g2: 'u' })
  assert.deepEqual(await heard('g1', BROADCAST), { g2: 'u', u: 'u' })

  // Switched off: all is as it was without.
  await lab.portward().stop('SIGTERM')
  await lab.start('--uplink', 'u', '--isolate', 'false')
  await until(
    async () => !(await bridgePorts(lab)).some((name) => name.startsWith('br-int-')),
    'no pair',
  )
  assert.deepEqual(await apart(lab), [])
  assert.ok((await lab.flows()).every((line) => !/table=95|priority=50/.test(line)))
  assert.deepEqual(await heard('u', NOBODY), { g1: 'u', g2: 'u' })
  assert.deepEqual(await heard('u', BROADCAST), { g1: 'u', g2: 'u' })
})

void test('without OpenFlow 1.0 floods stay as they were, and the status says so', async () => {
  await using lab = await openLab()
  await lab.sw.vsctl('set', 'bridge', lab.sw.bridge, 'protocols=OpenFlow13,OpenFlow14,OpenFlow15')
  await lab.start()
  const { body } = await lab.portward().ask('GET', '/portward/v1/status')
  const { hosts } = body as { hosts: { notes: string[] }[] }
  assert.match(
    hosts[0]?.notes.join('\n') ?? '',
    /floods to guarded ports what is for others: .*protocols OpenFlow10/,
  )
  assert.ok(!(await bridgePorts(lab)).some((name) => name.startsWith('br-int-')))
})
