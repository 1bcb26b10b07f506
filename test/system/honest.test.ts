// Honest software in guests whose ports are guarded, all of them: it notices nothing of the guard.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { BROADCAST, ethernet, rarp } from '@portward/testkit'
import type { Lab } from './lab.ts'
import { openLab, until } from './lab.ts'
import type { Scene, Stage, Station } from './scene.ts'
import { addresses, answers, bounded, decided, ipJson, openStage, reaches, shell } from './scene.ts'

const DHCP_SERVER = { 'portward:checks': { 'dhcp-server': false } }
const ROUTER = { 'portward:checks': { ra: false } }

// Autoconfiguration: RFC 4862, and RFC 8981 for addresses that change.
const PREFIX = '2001:db8:5::/64'
const ON_LINK = '2001:db8:5::1'
const HOST_MAC = 'fa:16:3e:05:00:07'
const EUI64 = '2001:db8:5:0:f816:3eff:fe05:7'

// Groups: RFC 3376 and 3810.
const GROUPS = [
  { family: 'IPv4', group: '239.1.2.3' },
  { family: 'IPv6', group: 'ff15::1234' },
] as const

void describe('honest software', { concurrency: 4, timeout: 100_000 }, () => {
  let lab: Lab
  let stage: Stage
  before(async () => {
    lab = await openLab()
    await lab.start()
    stage = openStage(lab)
  })
  after(async () => lab[Symbol.asyncDispose]())

  void test('udhcpc has its lease', async () => {
    const { client, server } = await clientAndServer(await stage.scene())
    await stage.dnsmasq(server, `--dhcp-range=${server.ip},static ${hostOf(client)}`)
    await shell(client, 'ip -4 address flush dev eth0')
    await stage.udhcpc(client)
    assert.deepEqual(await addresses(client, 4), [client.ip])
    await reaches(client, server.ip)
  })

  void test('dhclient has its lease, and renews it', async () => {
    const { client, server } = await clientAndServer(await stage.scene())
    const renewal = '--dhcp-option=58,3' // in seconds: RFC 2132, 9.11
    const leases = `--dhcp-range=${server.ip},static ${hostOf(client)}`
    const dnsmasq = await stage.dnsmasq(server, `${leases} ${renewal}`)
    await shell(client, 'ip -4 address flush dev eth0')
    await stage.dhclient(client, 4)
    await until(async () => (await addresses(client, 4)).includes(client.ip), 'it has the lease')
    await reaches(client, server.ip)
    await until(() => dnsmasq.said().split('DHCPACK').length > 2, 'it has renewed it')
  })

  void test('dhclient -6 has its lease', async () => {
    const { client, server } = await clientAndServer(await stage.scene())
    await stage.dnsmasq(server, `--dhcp-range=fd00::,static,64 ${hostOf(client)}`)
    await shell(
      client,
      'ip -6 address flush dev eth0 scope global; ip route replace fd00::/64 dev eth0',
    )
    await stage.dhclient(client, 6)
    await until(async () => (await addresses(client, 6)).includes(client.ip6), 'it has the lease')
    await reaches(client, server.ip6)
  })

  void test('a host asks for a router, and makes itself an address', async () => {
    const { host, router } = await hostAndRouter(lab, stage)
    await until(async () => (await addresses(host, 6)).includes(EUI64), 'it has the address')
    await reaches(host, ON_LINK, '-I', EUI64)
    const [route] = await ipJson<{ gateway?: string }>(host, '-6', 'route', 'show', 'default')
    assert.equal(route?.gateway, router.linkLocal)
  })

  void test('privacy addresses, once a pair permits them', async () => {
    const { host } = await hostAndRouter(lab, stage, 'echo 2 >use_tempaddr')
    const temporary = async (): Promise<string | undefined> =>
      (await addresses(host, 6)).find((ip) => ip !== EUI64)
    await until(async () => (await temporary()) !== undefined, 'it has one')
    const address = (await temporary()) ?? ''
    assert.equal(await answers(host, ON_LINK, '-I', address), false)
    await lab.update(host.port.id, { allowed_address_pairs: [{ ip_address: PREFIX }] })
    await reaches(host, ON_LINK, '-I', address)
  })

  void test('duplicate address detection: an address of its own, and one that another has', async () => {
    const scene = await stage.scene()
    const alice = await scene.station('alice')
    const both = [alice.ip, alice.ip6].map((ip) => ({ ip_address: ip }))
    const bob = await scene.station('bob', { allowed_address_pairs: both })
    for (const station of [alice, bob]) {
      await shell(
        station,
        'cd /proc/sys/net/ipv6/conf/eth0; echo 1 >accept_dad; echo 1 >dad_transmits',
      )
    }
    await shell(
      bob,
      `ip address delete ${bob.ip6}/64 dev eth0; ip address add ${bob.ip6}/64 dev eth0`,
    )
    await shell(bob, `ip address add ${alice.ip6}/64 dev eth0`)
    assert.equal(await decided(bob, bob.ip6), 'free')
    assert.equal(await decided(bob, alice.ip6), 'duplicate')

    const arping = 'arping -D -q -c 2 -w 3 -I eth0'
    assert.equal((await bounded(bob, 5, `${arping} ${alice.ip}`)).code, 1)
    assert.equal((await bounded(bob, 5, `${arping} ${bob.ip}`)).code, 0)
  })

  void test('ping, from an address or a device, and of more than one frame; arping', async () => {
    const { alice, bob } = await aliceAndBob(await stage.scene())
    await reaches(alice, bob.ip, '-I', alice.ip)
    await reaches(alice, bob.ip6, '-I', alice.ip6)
    await reaches(alice, bob.linkLocal, '-I', 'eth0')
    for (const size of ['1473', '4000', '20000']) {
      assert.ok(await answers(alice, bob.ip, '-s', size), `IPv4, ${size} bytes`)
      assert.ok(await answers(alice, bob.ip6, '-s', size), `IPv6, ${size} bytes`)
    }
    const { code } = await bounded(alice, 5, `arping -c 2 -w 4 -I eth0 ${bob.ip}`)
    assert.equal(code, 0)
  })

  void test('TCP of many frames', async () => {
    const { alice, bob } = await aliceAndBob(await stage.scene())
    const serving =
      '/usr/bin/python3 -I -m http.server --bind :: --directory /usr/share/openvswitch'
    await stage.serve(bob, serving)
    for (const host of [bob.ip, `[${bob.ip6}]`]) {
      const url = `http://${host}:8000/vswitch.ovsschema`
      const curl = ['curl', '-sS', '--retry', '9', '--retry-connrefused', '--max-time', '15', url]
      const { stdout } = await alice.guest.run(curl)
      assert.equal((JSON.parse(stdout) as { name: string }).name, 'Open_vSwitch')
    }
  })

  void test('a device that comes up announces its addresses', async () => {
    const { alice, bob } = await aliceAndBob(await stage.scene())
    const wire = await bob.guest.wire()
    await shell(
      alice,
      `cd /proc/sys/net; echo 1 | tee ipv4/conf/eth0/arp_notify ipv6/conf/eth0/ndisc_notify \\
        ipv6/conf/eth0/keep_addr_on_down >/dev/null
      ip link set eth0 down; ip link set eth0 up`,
    )
    const fromAlice = (frame: Uint8Array): boolean =>
      Buffer.from(frame).toString('hex', 6, 12) === alice.mac.replaceAll(':', '')
    const [ARP, NA] = [0x0806, 136]
    await wire.expect((frame) => fromAlice(frame) && etherType(frame) === ARP)
    await wire.expect((frame) => fromAlice(frame) && frame[20] === 58 && frame[54] === NA)
  })

  void test('QEMU’s announcement of a guest that has moved', async () => {
    const { alice, bob } = await aliceAndBob(await stage.scene())
    const mac = 'fa:16:3e:0a:0b:0c'
    await lab.update(alice.port.id, {
      allowed_address_pairs: [{ ip_address: '10.0.0.99', mac_address: mac }],
    })
    const shortest = 60
    const frame = new Uint8Array(shortest)
    frame.set(ethernet({ src: mac, dst: BROADCAST }, rarp({ mac })))
    const [from, to] = [await alice.guest.wire(), await bob.guest.wire()]
    await from.send(frame)
    await to.expect((got) => Buffer.compare(got, frame) === 0)
    assert.deepEqual(await stage.portsOf(mac), [alice.ofport])
  })

  void test('as many pairs as a port may have', async () => {
    const { alice, bob } = await aliceAndBob(await stage.scene())
    const more = [100, 101, 102, 103].flatMap((n) => [`10.0.0.${n}`, `fd00::${n}`])
    const inPrefixes = ['10.0.0.140', 'fd00::ab:1']
    const pairs = [...more, '10.0.0.128/25', 'fd00::ab:0/112'].map((ip) => ({ ip_address: ip }))
    await lab.update(alice.port.id, { allowed_address_pairs: pairs })
    for (const ip of [...more, ...inPrefixes]) {
      await shell(alice, `ip address add ${ip}/${ip.includes(':') ? 64 : 24} dev eth0`)
      await reaches(alice, ip.includes(':') ? bob.ip6 : bob.ip, '-I', ip)
    }
  })
})

// Here a group's frames go only where the switch has heard a report: so it tells whether reports pass.
void describe('honest receivers on a bridge that snoops', { timeout: 60_000 }, () => {
  let lab: Lab
  let stage: Stage
  before(async () => {
    lab = await openLab()
    await lab.sw.vsctl('set', 'Bridge', lab.sw.bridge, 'mcast_snooping_enable=true')
    await lab.start()
    stage = openStage(lab)
  })
  after(async () => lab[Symbol.asyncDispose]())

  for (const { family, group } of GROUPS) {
    void test(`multicast, ${family}`, async () => {
      const { alice, bob } = await aliceAndBob(await stage.scene())
      await shell(bob, 'ip route add 239.0.0.0/8 dev eth0')
      const listening = bounded(alice, 15, python(receive(group)))
      await until(async () => (await lab.sw.appctl('mdb/show', 'br-int')).includes(group), 'joined')
      const sender = await stage.serve(bob, python(send(group)))
      assert.equal((await listening).stdout.trim(), 'heard')
      await sender.stop('SIGKILL')
    })
  }
})

async function clientAndServer(scene: Scene): Promise<{ client: Station; server: Station }> {
  const [client, server] = await Promise.all([
    scene.station('client'),
    scene.station('server', DHCP_SERVER),
  ])
  return { client, server }
}

async function aliceAndBob(scene: Scene): Promise<{ alice: Station; bob: Station }> {
  const [alice, bob] = await Promise.all([scene.station('alice'), scene.station('bob')])
  return { alice, bob }
}

function hostOf({ mac, ip, ip6 }: Station): string {
  return `--dhcp-host=${mac},${ip},[${ip6}]`
}

/** A host without an address, whose device has just come up beside a router; `settings` are commands in its IPv6 sysctls. */
async function hostAndRouter(
  lab: Lab,
  stage: Stage,
  settings = '',
): Promise<{ host: Station; router: Station }> {
  const scene = await stage.scene()
  await lab.create('subnet', { network_id: scene.network, ip_version: 6, cidr: PREFIX })
  const router = await scene.station('router', { ...ROUTER, fixed_ips: [{ ip_address: ON_LINK }] })
  const host = await scene.station('host', {
    mac_address: HOST_MAC,
    fixed_ips: [{ ip_address: EUI64 }],
  })
  await shell(host, `ip address flush dev eth0; cd /proc/sys/net/ipv6/conf/eth0; ${settings}`)
  await shell(router, 'echo 1 >/proc/sys/net/ipv6/conf/all/forwarding')
  await stage.radvd(router, PREFIX)
  await until(async () => (await addresses(host, 6)).length > 0, 'the first advertisement')
  // Down, a device loses its addresses. The next advertisement is up to 16 seconds off, unless the host asks for one.
  await shell(host, 'ip link set eth0 down; ip link set eth0 up')
  return { host, router }
}

function python(script: string): readonly string[] {
  return ['/usr/bin/python3', '-I', '-S', '-c', script]
}

function receive(group: string): string {
  return group.includes(':')
    ? `from socket import *
s = socket(AF_INET6, SOCK_DGRAM); s.bind(('::', 5000))
s.setsockopt(IPPROTO_IPV6, IPV6_JOIN_GROUP, inet_pton(AF_INET6, '${group}') + (if_nametoindex('eth0')).to_bytes(4, 'little'))
print(s.recv(99).decode())`
    : `from socket import *
s = socket(AF_INET, SOCK_DGRAM); s.bind(('', 5000))
s.setsockopt(IPPROTO_IP, 35, inet_aton('${group}') + bytes(4) + (if_nametoindex('eth0')).to_bytes(4, 'little'))
print(s.recv(99).decode())`
}

function send(group: string): string {
  const v6 = group.includes(':')
  return `from socket import *
from time import sleep
s = socket(${v6 ? 'AF_INET6' : 'AF_INET'}, SOCK_DGRAM)
while True:
    s.sendto(b'heard', ('${group}', 5000${v6 ? `, 0, if_nametoindex('eth0')` : ''}))
    sleep(0.2)`
}

function etherType(frame: Uint8Array): number {
  return Buffer.from(frame).readUInt16BE(12)
}
