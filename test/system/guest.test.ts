// Guests on a bridge that learns and forwards as it likes (NORMAL): what the tests of Portward stand on, without Portward.

import type { Guest, Switch } from '@portward/testkit'
import {
  arpReply,
  ethernet,
  icmpv6Echo,
  ipv4,
  ipv6,
  ndOption,
  neighbourAdvertisement,
  run,
  startSwitch,
  udp,
} from '@portward/testkit'
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, readlink } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { test } from 'node:test'

const ALICE = { name: 'alice', mac: 'fa:16:3e:00:00:0a', ips: ['10.0.0.10/24', 'fd00::a/64'] }
const BOB = { name: 'bob', mac: 'fa:16:3e:00:00:0b', ips: ['10.0.0.11/24', 'fd00::b/64'] }

async function pair(sw: Switch): Promise<{ alice: Guest; bob: Guest }> {
  const alice = await sw.addGuest({ ...ALICE, ifaceId: 'port-a' })
  return { alice, bob: await sw.addGuest(BOB) }
}

const ping = (ip: string): string[] => ['ping', '-n', '-c', '1', '-W', '5', ip]

void test('guests reach each other by IPv4 and IPv6, TCP too', async () => {
  await using sw = await startSwitch({ failMode: 'standalone' })
  const { alice, bob } = await pair(sw)
  await alice.run(ping('10.0.0.11'))
  await alice.run(ping('fd00::b'))

  const cache = await alice.neighbours()
  assert.equal(cache.find(({ dst }) => dst === '10.0.0.11')?.lladdr, BOB.mac)
  assert.equal(cache.find(({ dst }) => dst === 'fd00::b')?.lladdr, BOB.mac)

  // A checksum left to the device would be wrong at the other side, and no connection come about.
  const listen = `import socket; s = socket.create_server(("10.0.0.11", 80)); print(s.accept()[0].recv(9).decode())`
  const heard = bob.run(['/usr/bin/python3', '-c', listen])
  const connect = `
import socket, time
until = time.monotonic() + 5
while True:
    try: socket.create_connection(("10.0.0.11", 80), 1).send(b"hello"); break
    except ConnectionRefusedError:
        if time.monotonic() > until: raise
`
  await alice.run(['/usr/bin/python3', '-c', connect])
  assert.equal((await heard).stdout, 'hello\n')
})

void test('a guest’s interface says whose it is, from the transaction that made it', async () => {
  await using sw = await startSwitch()
  const { alice, bob } = await pair(sw)
  const ids = await sw.vsctl('get', 'Interface', 'alice', 'external_ids')
  assert.equal(ids.trim(), `{attached-mac="${ALICE.mac}", iface-id=port-a}`)
  assert.equal(
    (await sw.vsctl('get', 'Interface', 'bob', 'external_ids:iface-id').catch(String)).includes(
      'no key',
    ),
    true,
  )
  const ofports = await sw.ofports()
  assert.equal(await alice.ofport(), ofports.get('alice'))
  assert.equal(await bob.ofport(), ofports.get('bob'))
})

void test('raw frames arrive exactly as sent', async () => {
  await using sw = await startSwitch({ failMode: 'standalone' })
  const { alice, bob } = await pair(sw)
  const [from, to] = await Promise.all([alice.wire(), bob.wire()])
  const ends = { src: ALICE.mac, dst: BOB.mac }
  const forged = { ...ends, src: 'fa:16:3e:00:00:ee' }
  const lie = { sha: forged.src, spa: '10.0.0.99', tha: BOB.mac, tpa: '10.0.0.11' }
  const hello = ipv4({ src: '10.0.0.99', dst: '10.0.0.11' }, udp({ src: 7, dst: 9 }, 'hello'))
  const na = neighbourAdvertisement({
    target: 'fd00::99',
    override: true,
    options: [ndOption.targetLinkLayer(ALICE.mac)],
  })
  const frames = [
    ethernet(ends, arpReply(lie)),
    ethernet(forged, arpReply(lie)),
    ethernet(ends, hello),
    ethernet(ends, ipv6({ src: 'fd00::99', dst: 'fd00::b', hopLimit: 255 }, na)),
    ethernet(ends, ipv6({ src: 'fd00::99', dst: 'fd00::b' }, icmpv6Echo({ seq: 3 }))),
  ]
  for (const frame of frames) {
    await from.send(frame)
    assert.deepEqual(await to.expect((got) => Buffer.from(got).equals(frame)), frame)
    to.forget()
  }
})

void test('VLAN tags arrive, both of two', async () => {
  await using sw = await startSwitch()
  const { alice, bob } = await pair(sw)
  // NORMAL would put a tagged frame into a VLAN of its own: this bridge hands everything on.
  await sw.ofctl('add-flow', 'br-int', 'in_port=alice,actions=output:bob')
  const [from, to] = await Promise.all([alice.wire(), bob.wire()])
  const hello = ipv4({ src: '10.0.0.10', dst: '10.0.0.11' }, udp({ src: 7, dst: 9 }, 'hello'))
  const service = { vid: 100, tpid: 0x88a8 }
  for (const tags of [
    [{ vid: 7, pcp: 5 }],
    [{ vid: 0 }],
    [service],
    [service, { vid: 7 }],
    [{ vid: 1 }, { vid: 2 }],
  ]) {
    const frame = ethernet({ src: ALICE.mac, dst: BOB.mac, tags }, hello)
    await from.send(frame)
    assert.deepEqual(await to.expect((got) => Buffer.from(got).equals(frame)), frame)
  }
})

void test('a wire says what it did not get, and what the device would not take', async () => {
  await using sw = await startSwitch()
  const { alice } = await pair(sw)
  const wire = await alice.wire()
  await assert.rejects(
    wire.expect(() => false, 1),
    /no such frame on eth0 within 1 ms/,
  )
  await assert.rejects(wire.send(Uint8Array.of(1, 2)), /eth0 did not take the frame: /)
  assert.equal(await alice.wire(), wire)
  await wire[Symbol.asyncDispose]()
  await assert.rejects(wire.send(new Uint8Array(60)), /the wire has ended/)
})

void test('a guest that wants duplicate address detection asks for its addresses first', async () => {
  await using sw = await startSwitch({ failMode: 'standalone' })
  const { bob } = await pair(sw)
  const wire = await bob.wire()
  await sw.addGuest({
    name: 'carol',
    mac: 'fa:16:3e:00:00:0c',
    ips: ['fd00::c/64'],
    dad: true,
  })
  // RFC 4862, 5.4.2: a solicitation from :: to the solicited-node group of the target, IPv6 at byte 14.
  const ns = await wire.expect(
    (frame) => frame[12] === 0x86 && frame[54] === 135 && frame[77] === 0x0c,
  )
  assert.deepEqual(ns.slice(22, 38), new Uint8Array(16))
})

void test('an unplugged guest leaves nothing: no port, device, process or namespace', async () => {
  await using sw = await startSwitch({ failMode: 'standalone' })
  const { alice, bob } = await pair(sw)
  await bob.wire()
  const net = (await bob.run(['readlink', '/proc/self/ns/net'])).stdout.trim()
  await bob.remove()
  assert.deepEqual([...(await sw.ofports()).keys()].sort(), ['alice', 'br-int'])
  assert.doesNotMatch((await sw.enclosure.run(['ip', 'link'])).stdout, /bob/)
  assert.equal((await namespaces()).has(net), false)
  await sw.addGuest(BOB)
  await alice.run(ping('10.0.0.11'))
})

void test('two switches side by side know nothing of each other', async () => {
  await using one = await startSwitch({ failMode: 'standalone' })
  await using two = await startSwitch({ failMode: 'standalone' })
  const first = await pair(one)
  const second = await two.addGuest(ALICE)
  const [wire] = await Promise.all([second.wire(), first.bob.wire()])
  await first.alice.run(ping('10.0.0.11'))
  const failed = await second.run(['ping', '-n', '-c', '1', '-W', '1', '10.0.0.11'], {
    accept: [1],
  })
  assert.match(failed.stdout, /100% packet loss/)
  assert.deepEqual(wire.received(), [])
})

void test('when its owner is killed, devices, namespaces, processes and directory are gone', async () => {
  const script = `
    const { startSwitch } = await import('@portward/testkit')
    const sw = await startSwitch()
    const guest = await sw.addGuest(${JSON.stringify(ALICE)})
    await guest.wire()
    const { stdout } = await guest.run(['readlink', '/proc/self/ns/net'])
    console.log(JSON.stringify([sw.enclosure.pid, sw.rundir, stdout.trim()]))
    await new Promise((resolve) => setTimeout(resolve, 600_000))
  `
  const owner = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line]: string[] = await once(createInterface({ input: owner.stdout }), 'line')
  const [pid, dir, guestNet]: [number, string, string] = JSON.parse(line ?? '')
  const switchNet = await readlink(`/proc/${pid}/ns/net`)
  const before = await namespaces()
  assert.ok(before.has(switchNet) && before.has(guestNet))
  await access(dir)

  owner.kill('SIGKILL')
  await eventually(async () => {
    const left = await namespaces()
    return !left.has(switchNet) && !left.has(guestNet)
  })
  await eventually(async () => !(await exists(dir)))
  const { stdout } = await run(['ps', '-eo', 'args'])
  assert.equal(stdout.includes(dir), false)
  assert.doesNotMatch((await run(['ip', 'link'])).stdout, /alice/)
  assert.equal((await run(['ip', 'netns', 'list'])).stdout, '')
})

/** Network namespaces that any process of the machine is in; a namespace without one is gone, as none here has a name. */
async function namespaces(): Promise<ReadonlySet<string>> {
  const { stdout } = await run(['sh', '-c', 'readlink /proc/[0-9]*/ns/net'], { accept: [0, 1] })
  return new Set(stdout.split('\n'))
}

async function eventually(holds: () => Promise<boolean>): Promise<void> {
  const until = performance.now() + 10_000
  while (!(await holds())) {
    assert.ok(performance.now() < until, 'not within ten seconds')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
