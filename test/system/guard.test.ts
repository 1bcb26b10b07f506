// Frames of a hostile guest, and of an honest one, through a real switch: what passes, and what does not. A frame has
// passed when it is received; it has not when one sent after it is received, and it was not.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  BROADCAST,
  arp,
  arpProbe,
  arpReply,
  arpRequest,
  dhcpDiscover,
  ethernet,
  gratuitousArp,
  icmp,
  icmpv6Echo,
  ipv4,
  ipv6,
  ndOption,
  neighbourAdvertisement,
  neighbourSolicitation,
  rarp,
  routerAdvertisement,
  udp,
} from '@portward/testkit'
import type { Packet } from '@portward/testkit'
import type { GuestPort, Lab } from './lab.ts'
import { makeNetwork, openLab } from './lab.ts'

const OWN = { mac: 'fa:16:3e:00:00:03', ip: '10.0.0.3', ip6: 'fd00::3' }
const LINK_LOCAL = 'fe80::f816:3eff:fe00:3'
const BOB = { mac: 'fa:16:3e:00:00:02', ip: '10.0.0.2', ip6: 'fd00::2' }
const ALICE = { mac: 'fa:16:3e:00:00:01', ip: '10.0.0.1', ip6: 'fd00::1' }
const ALL_NODES = { mac: '33:33:00:00:00:01', ip6: 'ff02::1' }

const toAlice = { src: OWN.mac, dst: ALICE.mac }
const toAll = { src: OWN.mac, dst: BROADCAST }
const asBob = { src: BOB.mac, dst: ALICE.mac }
const na = (target: string, tll: string | undefined) =>
  neighbourAdvertisement({
    target,
    override: true,
    options: tll === undefined ? [] : [ndOption.targetLinkLayer(tll)],
  })
const ns = (target: string) => neighbourSolicitation({ target })
const ping = icmp({})

// Where to lie in a frame: RFC 826; RFC 791, 3.1; RFC 4443, 2.1.
const [HARDWARE_TYPE, PROTOCOL_TYPE, HARDWARE_SIZE, OPERATION] = [14, 16, 18, 20]
const [VERSION_IHL, LENGTH] = [14, 16]
const IPV6_LENGTH = 14 + 4
const ICMPV6_CODE = 14 + 40 + 1
const arpAsBob = frame(
  toAlice,
  arpReply({ sha: OWN.mac, spa: BOB.ip, tha: ALICE.mac, tpa: ALICE.ip }),
)

type Case = { readonly name: string; readonly frame: Uint8Array }

const honest: readonly Case[] = [
  {
    name: 'rule 3: an ARP request',
    frame: frame(toAll, arpRequest({ sha: OWN.mac, spa: OWN.ip, tpa: ALICE.ip })),
  },
  {
    name: 'rule 3: an ARP reply',
    frame: frame(toAlice, arpReply({ sha: OWN.mac, spa: OWN.ip, tha: ALICE.mac, tpa: ALICE.ip })),
  },
  {
    name: 'rule 3: a gratuitous ARP',
    frame: frame(toAll, gratuitousArp({ sha: OWN.mac, spa: OWN.ip })),
  },
  {
    name: 'rule 4: an ARP probe for the own address',
    frame: frame(toAll, arpProbe({ sha: OWN.mac, tpa: OWN.ip })),
  },
  { name: 'rule 5: RARP', frame: frame(toAll, rarp({ mac: OWN.mac })) },
  { name: 'rule 6: IPv4', frame: frame(toAlice, ipv4({ src: OWN.ip, dst: ALICE.ip }, ping)) },
  {
    name: 'rule 7: a DHCP client',
    frame: frame(
      toAll,
      ipv4(
        { src: '0.0.0.0', dst: '255.255.255.255' },
        udp({ src: 68, dst: 67 }, dhcpDiscover({ mac: OWN.mac, xid: 1 })),
      ),
    ),
  },
  {
    name: 'rule 9: IPv6',
    frame: frame(toAlice, ipv6({ src: OWN.ip6, dst: ALICE.ip6 }, icmpv6Echo({}))),
  },
  {
    name: 'rule 9: IPv6 from its link-local address',
    frame: frame(toAlice, ipv6({ src: LINK_LOCAL, dst: ALICE.ip6 }, icmpv6Echo({}))),
  },
  {
    name: 'rule 10: duplicate address detection',
    frame: frame({ ...toAll, dst: '33:33:ff:00:00:03' }, nd('::', 'ff02::1:ff00:3', ns(OWN.ip6))),
  },
  {
    name: 'rule 12: a neighbour advertisement',
    frame: frame(toAlice, nd(OWN.ip6, ALICE.ip6, na(OWN.ip6, OWN.mac))),
  },
  {
    name: 'rule 12: one without the option',
    frame: frame(toAlice, nd(OWN.ip6, ALICE.ip6, na(OWN.ip6, undefined))),
  },
]

const hostile: readonly Case[] = [
  {
    name: 'rule 1: another’s MAC',
    frame: frame(asBob, ipv4({ src: OWN.ip, dst: ALICE.ip }, ping)),
  },
  {
    name: 'rule 1: another’s MAC and address',
    frame: frame(asBob, ipv4({ src: BOB.ip, dst: ALICE.ip }, ping)),
  },
  {
    name: 'rule 1: a MAC nobody has',
    frame: frame(
      { ...asBob, src: '02:00:00:00:00:99' },
      ipv4({ src: OWN.ip, dst: ALICE.ip }, ping),
    ),
  },
  {
    name: 'rule 1: a multicast MAC',
    frame: frame(
      { ...asBob, src: '01:00:5e:00:00:01' },
      ipv4({ src: OWN.ip, dst: ALICE.ip }, ping),
    ),
  },
  {
    name: 'rule 2: an 802.1Q tag',
    frame: frame({ ...toAlice, tags: [{ vid: 7 }] }, ipv4({ src: OWN.ip, dst: ALICE.ip }, ping)),
  },
  {
    name: 'rule 2: a priority tag',
    frame: frame({ ...toAlice, tags: [{ vid: 0 }] }, ipv4({ src: BOB.ip, dst: ALICE.ip }, ping)),
  },
  {
    name: 'rule 2: two priority tags',
    frame: frame(
      { ...toAlice, tags: [{ vid: 0 }, { vid: 0 }] },
      ipv4({ src: BOB.ip, dst: ALICE.ip }, ping),
    ),
  },
  {
    name: 'rule 2: three priority tags over ARP',
    frame: frame(
      { ...toAlice, tags: [{ vid: 0 }, { vid: 0 }, { vid: 0 }] },
      arpReply({ sha: OWN.mac, spa: BOB.ip, tha: ALICE.mac, tpa: ALICE.ip }),
    ),
  },
  {
    name: 'rule 2: a service tag before another tag',
    frame: frame(
      { ...toAlice, tags: [{ vid: 0, tpid: 0x88a8 }, { vid: 0 }] },
      ipv4({ src: OWN.ip, dst: ALICE.ip }, ping),
    ),
  },
  {
    name: 'rule 2: a tag of a type that the switch does not know',
    frame: frame(
      { ...toAlice, tags: [{ vid: 5, tpid: 0x9100 }] },
      ipv4({ src: OWN.ip, dst: ALICE.ip }, ping),
    ),
  },
  {
    name: 'rule 2: a service tag',
    frame: frame(
      { ...toAlice, tags: [{ vid: 5, tpid: 0x88a8 }] },
      ipv4({ src: OWN.ip, dst: ALICE.ip }, ping),
    ),
  },
  {
    name: 'rule 3: ARP reply with another’s address',
    frame: frame(toAlice, arpReply({ sha: OWN.mac, spa: BOB.ip, tha: ALICE.mac, tpa: ALICE.ip })),
  },
  {
    name: 'rule 3: ARP request with another’s address',
    frame: frame(toAll, arpRequest({ sha: OWN.mac, spa: BOB.ip, tpa: ALICE.ip })),
  },
  {
    name: 'rule 3: gratuitous ARP for another’s address',
    frame: frame(toAll, gratuitousArp({ sha: OWN.mac, spa: BOB.ip })),
  },
  {
    name: 'rule 3: its own address with another’s hardware address',
    frame: frame(toAlice, arpReply({ sha: BOB.mac, spa: OWN.ip, tha: ALICE.mac, tpa: ALICE.ip })),
  },
  {
    name: 'rule 3: another’s address and hardware address, from its own MAC',
    frame: frame(toAlice, arpReply({ sha: BOB.mac, spa: BOB.ip, tha: ALICE.mac, tpa: ALICE.ip })),
  },
  {
    name: 'rule 3: another’s MAC and address',
    frame: frame(asBob, arpReply({ sha: BOB.mac, spa: BOB.ip, tha: ALICE.mac, tpa: ALICE.ip })),
  },
  {
    name: 'rule 3: an ARP operation that is neither request nor reply',
    frame: frame(toAlice, arp({ op: 8, sha: OWN.mac, spa: OWN.ip, tpa: ALICE.ip })),
  },
  {
    name: 'rule 4: an ARP probe for another’s address',
    frame: frame(toAll, arpProbe({ sha: OWN.mac, tpa: BOB.ip })),
  },
  {
    name: 'rule 4: an ARP reply from 0.0.0.0',
    frame: frame(toAlice, arpReply({ sha: OWN.mac, spa: '0.0.0.0', tha: ALICE.mac, tpa: OWN.ip })),
  },
  { name: 'rule 5: RARP for another’s MAC', frame: frame(toAll, rarp({ mac: BOB.mac })) },
  {
    name: 'rule 6: another’s IPv4 address',
    frame: frame(toAlice, ipv4({ src: BOB.ip, dst: ALICE.ip }, ping)),
  },
  {
    name: 'rule 6: an IPv4 address nobody has',
    frame: frame(toAlice, ipv4({ src: '203.0.113.9', dst: ALICE.ip }, ping)),
  },
  {
    name: 'rule 7: IPv4 from 0.0.0.0 that is no DHCP',
    frame: frame(toAlice, ipv4({ src: '0.0.0.0', dst: ALICE.ip }, ping)),
  },
  {
    name: 'rule 7: DHCP from 0.0.0.0 to one station',
    frame: frame(toAlice, ipv4({ src: '0.0.0.0', dst: ALICE.ip }, udp({ src: 68, dst: 67 }, 'x'))),
  },
  {
    name: 'rule 8: a DHCP server',
    frame: frame(
      toAll,
      ipv4({ src: OWN.ip, dst: '255.255.255.255' }, udp({ src: 67, dst: 68 }, 'x')),
    ),
  },
  {
    name: 'rule 9: another’s IPv6 address',
    frame: frame(toAlice, ipv6({ src: BOB.ip6, dst: ALICE.ip6 }, icmpv6Echo({}))),
  },
  {
    name: 'rule 9: another’s link-local address',
    frame: frame(toAlice, ipv6({ src: 'fe80::f816:3eff:fe00:2', dst: ALICE.ip6 }, icmpv6Echo({}))),
  },
  {
    name: 'rule 10: duplicate address detection for another’s',
    frame: frame({ ...toAll, dst: '33:33:ff:00:00:02' }, nd('::', 'ff02::1:ff00:2', ns(BOB.ip6))),
  },
  {
    name: 'rule 10: IPv6 from :: that is none of those',
    frame: frame(toAlice, ipv6({ src: '::', dst: ALICE.ip6 }, icmpv6Echo({}))),
  },
  {
    name: 'rule 12: a neighbour advertisement for another’s address',
    frame: frame(
      { ...toAll, dst: ALL_NODES.mac },
      nd(OWN.ip6, ALL_NODES.ip6, na(BOB.ip6, OWN.mac)),
    ),
  },
  {
    name: 'rule 12: its own address at another’s MAC',
    frame: frame(toAlice, nd(OWN.ip6, ALICE.ip6, na(OWN.ip6, BOB.mac))),
  },
  {
    name: 'rule 12: from another’s address',
    frame: frame(toAlice, nd(BOB.ip6, ALICE.ip6, na(OWN.ip6, OWN.mac))),
  },
  {
    name: 'rule 12: with a hop limit of less than 255',
    frame: frame(
      toAlice,
      ipv6({ src: OWN.ip6, dst: ALICE.ip6, hopLimit: 254 }, na(OWN.ip6, OWN.mac)),
    ),
  },
  {
    name: 'rule 13: a router advertisement',
    frame: frame(
      { ...toAll, dst: ALL_NODES.mac },
      nd(LINK_LOCAL, ALL_NODES.ip6, routerAdvertisement({})),
    ),
  },
  {
    name: 'rule 1: no MAC at all',
    frame: frame(
      { ...toAlice, src: '00:00:00:00:00:00' },
      ipv4({ src: OWN.ip, dst: ALICE.ip }, ping),
    ),
  },
  {
    name: 'rule 3: ARP with another’s address, of another kind of hardware',
    frame: altered(arpAsBob, HARDWARE_TYPE, 0, 6),
  },
  {
    name: 'rule 3: ARP with another’s address, of another size of hardware address',
    frame: altered(arpAsBob, HARDWARE_SIZE, 7),
  },
  {
    name: 'rule 3: ARP with another’s address, of another protocol',
    frame: altered(arpAsBob, PROTOCOL_TYPE, 0x86, 0xdd),
  },
  {
    name: 'rule 3: ARP with another’s address, cut short',
    frame: arpAsBob.subarray(0, 14 + 20),
  },
  {
    name: 'rule 3: ARP whose operation looks like a reply in its low byte',
    frame: altered(
      frame(toAlice, arpReply({ sha: OWN.mac, spa: OWN.ip, tha: ALICE.mac, tpa: ALICE.ip })),
      OPERATION,
      1,
      2,
    ),
  },
  {
    name: 'rule 3: ARP with another’s address over SNAP',
    frame: frame(
      toAlice,
      snap(arpReply({ sha: OWN.mac, spa: BOB.ip, tha: ALICE.mac, tpa: ALICE.ip })),
    ),
  },
  {
    name: 'rule 6: another’s IPv4 address over SNAP',
    frame: frame(toAlice, snap(ipv4({ src: BOB.ip, dst: ALICE.ip }, ping))),
  },
  {
    name: 'rule 6: another’s IPv4 address, with a header that is shorter than any',
    frame: altered(frame(toAlice, ipv4({ src: BOB.ip, dst: ALICE.ip }, ping)), VERSION_IHL, 0x44),
  },
  {
    name: 'rule 6: another’s IPv4 address, with more bytes promised than there are',
    frame: altered(frame(toAlice, ipv4({ src: BOB.ip, dst: ALICE.ip }, ping)), LENGTH, 0xff, 0xff),
  },
  {
    name: 'rule 12: with two options, the second of another’s MAC',
    frame: naWith(OWN.ip6, ndOption.targetLinkLayer(OWN.mac), ndOption.targetLinkLayer(BOB.mac)),
  },
  {
    name: 'rule 12: with an option before that of another’s MAC',
    frame: naWith(
      OWN.ip6,
      Uint8Array.of(14, 1, 1, 2, 3, 4, 5, 6),
      ndOption.targetLinkLayer(BOB.mac),
    ),
  },
  {
    name: 'rule 12: for another’s address, with an ICMPv6 code',
    frame: altered(naWith(BOB.ip6), ICMPV6_CODE, 1),
  },
  {
    name: 'rule 12: for another’s address, with bytes behind the packet',
    frame: padded(naWith(BOB.ip6, ndOption.targetLinkLayer(OWN.mac)), 300),
  },
  ...[0, 43, 60].map((header) => ({
    name: `rule 12: for another’s address, behind extension header ${header}`,
    frame: behind(header, naWith(BOB.ip6, ndOption.targetLinkLayer(OWN.mac))),
  })),
  {
    name: 'rule 16: an EtherType that is not listed',
    frame: frame(toAlice, { etherType: 0x88cc, bytes: new Uint8Array(46) }),
  },
]

/** From its own MAC and address to all nodes. */
function naWith(target: string, ...options: readonly Uint8Array[]): Uint8Array {
  const message = neighbourAdvertisement({ target, override: true, options })
  return frame({ ...toAll, dst: ALL_NODES.mac }, nd(OWN.ip6, ALL_NODES.ip6, message))
}

function altered(frame: Uint8Array, at: number, ...bytes: readonly number[]): Uint8Array {
  return Uint8Array.from(frame).map((byte, i) => bytes[i - at] ?? byte)
}

function padded(frame: Uint8Array, size: number): Uint8Array {
  return Uint8Array.from([...frame, ...new Uint8Array(size)])
}

/** Puts an extension header of eight bytes, with nothing but padding, before what an IPv6 packet carries: RFC 8200, 4. */
function behind(header: number, frame: Uint8Array): Uint8Array {
  const [start, carried] = [14 + 40, 14 + 6]
  const inserted = [frame[carried] ?? 0, 0, 1, 4, 0, 0, 0, 0]
  const longer = [...frame.subarray(0, start), ...inserted, ...frame.subarray(start)]
  longer[carried] = header
  longer[carried - 1] = longer.length - start
  return Uint8Array.from(longer)
}

/** IEEE 802, 9: the EtherType behind a length and an LLC header. */
function snap({ etherType, bytes }: Packet): Packet {
  const llc = [0xaa, 0xaa, 3, 0, 0, 0, etherType >> 8, etherType & 0xff]
  return { etherType: llc.length + bytes.length, bytes: Uint8Array.from([...llc, ...bytes]) }
}

function frame(header: Parameters<typeof ethernet>[0], packet: Packet): Uint8Array {
  return ethernet(header, packet)
}

function nd(src: string, dst: string, message: ReturnType<typeof ns>): Packet {
  return ipv6({ src, dst, hopLimit: 255 }, message)
}

let marks = 0

/** Sends the frame, then one that passes any guard, and waits for the latter. */
async function arrives(sent: Uint8Array, mallory: GuestPort, alice: GuestPort): Promise<boolean> {
  const [from, to] = [await mallory.guest.wire(), await alice.guest.wire()]
  to.forget()
  const mark = frame(
    toAlice,
    ipv4({ src: OWN.ip, dst: ALICE.ip }, udp({ src: 9, dst: 9 }, `mark ${++marks}`)),
  )
  await from.send(sent)
  await from.send(mark)
  await to.expect((got) => Buffer.compare(got, mark) === 0)
  return to.received((got) => Buffer.compare(got, sent) === 0).length > 0
}

const fields = ({ mac, ip, ip6 }: typeof OWN) => ({
  mac_address: mac,
  fixed_ips: [{ ip_address: ip }, { ip_address: ip6 }],
})

for (const failMode of ['secure', 'standalone'] as const) {
  void describe(`frames of a guest, fail_mode=${failMode}`, () => {
    let lab: Lab
    let alice: GuestPort
    let mallory: GuestPort
    const passes = (sent: Uint8Array): Promise<boolean> => arrives(sent, mallory, alice)

    before(async () => {
      lab = await openLab({ failMode })
      await lab.start()
      const network = await makeNetwork(lab)
      alice = await lab.guest('alice', network, fields(ALICE))
      await lab.guest('bob', network, fields(BOB))
      mallory = await lab.guest('mallory', network, fields(OWN))
    })
    after(async () => lab[Symbol.asyncDispose]())

    for (const { name, frame } of honest) {
      void test(`passes: ${name}`, async () => assert.equal(await passes(frame), true))
    }
    for (const { name, frame } of hostile) {
      void test(`dropped: ${name}`, async () => assert.equal(await passes(frame), false))
    }

    void test('with port security off, all of it passes, and no flow of the port judges it', async () => {
      await lab.update(mallory.port.id, { port_security_enabled: false })
      const left = (await lab.flows()).filter((line) => line.includes(`in_port=${mallory.ofport}`))
      assert.equal(left.length, failMode === 'secure' ? 1 : 0, left.join('\n'))
      assert.ok(left.every((line) => !line.includes('actions=drop')))
      for (const { name, frame } of [...honest, ...hostile]) {
        // A switch gives no frame back to a station whose MAC it has just learnt from it, nor takes a group for a source.
        if (name.includes('a multicast MAC') || name.includes('rule 2')) continue
        assert.equal(await passes(frame), true, name)
      }
    })

    void test('on again, it is guarded as before', async () => {
      await lab.update(mallory.port.id, { port_security_enabled: true })
      for (const { name, frame } of hostile) assert.equal(await passes(frame), false, name)
      for (const { name, frame } of honest) assert.equal(await passes(frame), true, name)
    })
  })
}

// What allowed address pairs add, and what they don't: MAC and address must come from one binding, and one family is no other.
const PAIR = {
  mac: 'fa:16:3e:00:00:99',
  ip: '10.0.9.5',
  ip6: 'fd00:9::5',
  linkLocal: 'fe80::f816:3eff:fe00:99',
}
const ANY_IPV4 = 'fa:16:3e:00:00:44'
const ANY_IPV6 = 'fa:16:3e:00:00:66'
const pairs = [
  { ip_address: '10.0.0.77' },
  { ip_address: OWN.ip },
  { ip_address: '10.0.9.0/24', mac_address: PAIR.mac },
  { ip_address: 'fd00:9::/64', mac_address: PAIR.mac },
  { ip_address: '0.0.0.0/0', mac_address: ANY_IPV4 },
  { ip_address: '::/0', mac_address: ANY_IPV6 },
]

const says = {
  arp: (mac: string, ip: string, sha = mac) =>
    frame({ src: mac, dst: ALICE.mac }, arpReply({ sha, spa: ip, tha: ALICE.mac, tpa: ALICE.ip })),
  ipv4: (mac: string, ip: string) =>
    frame({ src: mac, dst: ALICE.mac }, ipv4({ src: ip, dst: ALICE.ip }, ping)),
  ipv6: (mac: string, ip: string) =>
    frame({ src: mac, dst: ALICE.mac }, ipv6({ src: ip, dst: ALICE.ip6 }, icmpv6Echo({}))),
  na: (mac: string, ip: string, target = ip, tll = mac) =>
    frame({ src: mac, dst: ALL_NODES.mac }, nd(ip, ALL_NODES.ip6, na(target, tll))),
}

const honestPairs: readonly Case[] = [
  { name: 'a further address of its own MAC: ARP', frame: says.arp(OWN.mac, '10.0.0.77') },
  { name: 'a further address of its own MAC: IPv4', frame: says.ipv4(OWN.mac, '10.0.0.77') },
  { name: 'its own address, also a pair', frame: says.ipv4(OWN.mac, OWN.ip) },
  { name: 'a pair’s MAC and address: ARP', frame: says.arp(PAIR.mac, PAIR.ip) },
  { name: 'a pair’s MAC and address: IPv4', frame: says.ipv4(PAIR.mac, PAIR.ip) },
  { name: 'a pair’s MAC and address: IPv6', frame: says.ipv6(PAIR.mac, PAIR.ip6) },
  { name: 'a pair’s MAC and address: advertisement', frame: says.na(PAIR.mac, PAIR.ip6) },
  { name: 'a pair’s MAC and its link-local address', frame: says.na(PAIR.mac, PAIR.linkLocal) },
  {
    name: 'a pair’s MAC: RARP',
    frame: frame({ src: PAIR.mac, dst: BROADCAST }, rarp({ mac: PAIR.mac })),
  },
  { name: 'any IPv4 address: ARP', frame: says.arp(ANY_IPV4, BOB.ip) },
  { name: 'any IPv4 address: IPv4', frame: says.ipv4(ANY_IPV4, '203.0.113.9') },
  {
    name: 'any IPv4 address: a DHCP client',
    frame: frame(
      { src: ANY_IPV4, dst: BROADCAST },
      ipv4(
        { src: '0.0.0.0', dst: '255.255.255.255' },
        udp({ src: 68, dst: 67 }, dhcpDiscover({ mac: ANY_IPV4, xid: 1 })),
      ),
    ),
  },
  {
    name: 'any IPv6 address: duplicate address detection',
    frame: frame(
      { src: ANY_IPV6, dst: '33:33:ff:00:00:02' },
      nd('::', 'ff02::1:ff00:2', ns(BOB.ip6)),
    ),
  },
  { name: 'any IPv6 address: IPv6', frame: says.ipv6(ANY_IPV6, '2001:db8::9') },
  { name: 'any IPv6 address: advertisement', frame: says.na(ANY_IPV6, BOB.ip6) },
]

const hostilePairs: readonly Case[] = [
  { name: 'a pair’s MAC with the fixed address: ARP', frame: says.arp(PAIR.mac, OWN.ip) },
  { name: 'a pair’s MAC with the fixed address: IPv4', frame: says.ipv4(PAIR.mac, OWN.ip) },
  { name: 'a pair’s MAC with the fixed address: IPv6', frame: says.ipv6(PAIR.mac, OWN.ip6) },
  { name: 'a pair’s MAC with the fixed address: advertisement', frame: says.na(PAIR.mac, OWN.ip6) },
  {
    name: 'a pair’s MAC advertises the fixed address from its own',
    frame: says.na(PAIR.mac, PAIR.ip6, OWN.ip6),
  },
  { name: 'its own MAC with a pair’s address: ARP', frame: says.arp(OWN.mac, PAIR.ip) },
  { name: 'its own MAC with a pair’s address: IPv4', frame: says.ipv4(OWN.mac, PAIR.ip) },
  { name: 'its own MAC with a pair’s address: IPv6', frame: says.ipv6(OWN.mac, PAIR.ip6) },
  {
    name: 'its own MAC advertises a pair’s address',
    frame: says.na(OWN.mac, OWN.ip6, PAIR.ip6),
  },
  {
    name: 'its own MAC advertises a pair’s address at the pair’s MAC',
    frame: says.na(OWN.mac, OWN.ip6, PAIR.ip6, PAIR.mac),
  },
  {
    name: 'a pair’s MAC advertises its address at the port’s MAC',
    frame: says.na(PAIR.mac, PAIR.ip6, PAIR.ip6, OWN.mac),
  },
  { name: 'ARP of a pair from the port’s MAC', frame: says.arp(OWN.mac, PAIR.ip, PAIR.mac) },
  { name: 'ARP of the port from a pair’s MAC', frame: says.arp(PAIR.mac, OWN.ip, OWN.mac) },
  { name: 'the address before a pair’s first', frame: says.ipv4(PAIR.mac, '10.0.8.255') },
  { name: 'the address after a pair’s last', frame: says.ipv4(PAIR.mac, '10.0.10.0') },
  { name: 'the address after a pair’s only one', frame: says.ipv4(OWN.mac, '10.0.0.78') },
  { name: 'the address after an IPv6 pair’s last', frame: says.ipv6(PAIR.mac, 'fd00:9:0:1::') },
  { name: 'another’s link-local address', frame: says.ipv6(PAIR.mac, LINK_LOCAL) },
  { name: 'any IPv4 address is no IPv6 address', frame: says.ipv6(ANY_IPV4, OWN.ip6) },
  { name: 'any IPv4 address is no advertisement', frame: says.na(ANY_IPV4, OWN.ip6) },
  { name: 'any IPv6 address is no IPv4 address', frame: says.ipv4(ANY_IPV6, OWN.ip) },
  { name: 'any IPv6 address is no ARP', frame: says.arp(ANY_IPV6, OWN.ip) },
  { name: 'any IPv4 address, at another’s MAC: ARP', frame: says.arp(ANY_IPV4, BOB.ip, BOB.mac) },
  {
    name: 'any IPv6 address, at another’s MAC: advertisement',
    frame: says.na(ANY_IPV6, BOB.ip6, BOB.ip6, BOB.mac),
  },
  {
    name: 'any IPv6 address: an advertisement that cannot be read',
    frame: altered(says.na(ANY_IPV6, BOB.ip6), ICMPV6_CODE, 1),
  },
  { name: 'any IPv4 address, and yet none', frame: says.ipv4(ANY_IPV4, '0.0.0.0') },
  {
    name: 'any IPv4 address: a packet that cannot be read',
    frame: altered(says.ipv4(ANY_IPV4, BOB.ip), VERSION_IHL, 0x44),
  },
  { name: 'any IPv6 address, and yet none', frame: says.ipv6(ANY_IPV6, '::') },
  {
    name: 'any IPv6 address: a packet that cannot be read',
    frame: altered(says.ipv6(ANY_IPV6, BOB.ip6), IPV6_LENGTH, 0xff, 0xff),
  },
  {
    name: 'any IPv4 address, and yet no DHCP server',
    frame: frame(
      { src: ANY_IPV4, dst: BROADCAST },
      ipv4({ src: BOB.ip, dst: '255.255.255.255' }, udp({ src: 67, dst: 68 }, 'x')),
    ),
  },
  {
    name: 'any IPv6 address, and yet no router',
    frame: frame(
      { src: ANY_IPV6, dst: ALL_NODES.mac },
      nd('fe80::1', ALL_NODES.ip6, routerAdvertisement({})),
    ),
  },
]

void describe('frames of a guest with allowed address pairs', () => {
  let lab: Lab
  let alice: GuestPort
  let mallory: GuestPort

  before(async () => {
    lab = await openLab()
    await lab.start()
    const network = await makeNetwork(lab)
    alice = await lab.guest('alice', network, fields(ALICE))
    mallory = await lab.guest('mallory', network, {
      ...fields(OWN),
      allowed_address_pairs: pairs,
    })
  })
  after(async () => lab[Symbol.asyncDispose]())

  for (const { name, frame } of honestPairs) {
    void test(`passes: ${name}`, async () =>
      assert.equal(await arrives(frame, mallory, alice), true))
  }
  for (const { name, frame } of hostilePairs) {
    void test(`dropped: ${name}`, async () =>
      assert.equal(await arrives(frame, mallory, alice), false))
  }

  void test('with the pairs taken away, none of it passes', async () => {
    await lab.update(mallory.port.id, { allowed_address_pairs: [] })
    for (const { name, frame } of [...honestPairs, ...hostilePairs]) {
      if (name === 'its own address, also a pair') continue
      assert.equal(await arrives(frame, mallory, alice), false, name)
    }
  })
})
