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
    name: 'rule 16: an EtherType that is not listed',
    frame: frame(toAlice, { etherType: 0x88cc, bytes: new Uint8Array(46) }),
  },
]

function frame(header: Parameters<typeof ethernet>[0], packet: Packet): Uint8Array {
  return ethernet(header, packet)
}

function nd(src: string, dst: string, message: ReturnType<typeof ns>): Packet {
  return ipv6({ src, dst, hopLimit: 255 }, message)
}

for (const failMode of ['secure', 'standalone'] as const) {
  void describe(`frames of a guest, fail_mode=${failMode}`, () => {
    let lab: Lab
    let alice: GuestPort
    let mallory: GuestPort
    let marks = 0

    before(async () => {
      lab = await openLab({ failMode })
      await lab.start()
      const network = await makeNetwork(lab)
      const fields = ({ mac, ip, ip6 }: typeof OWN) => ({
        mac_address: mac,
        fixed_ips: [{ ip_address: ip }, { ip_address: ip6 }],
      })
      alice = await lab.guest('alice', network, fields(ALICE))
      await lab.guest('bob', network, fields(BOB))
      mallory = await lab.guest('mallory', network, fields(OWN))
    })
    after(async () => lab[Symbol.asyncDispose]())

    /** Sends the frame, then one that passes any guard, and waits for the latter. */
    async function passes(sent: Uint8Array): Promise<boolean> {
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
