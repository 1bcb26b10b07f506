import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Packet } from './index.ts'
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
} from './index.ts'
import { pcap, run } from '@portward/testkit'

const a = 'fa:16:3e:00:00:01'
const b = 'fa:16:3e:00:00:02'

/** What tcpdump, which knows nothing of our builders, reads in a frame; its lines joined. */
async function read(frame: Uint8Array): Promise<string> {
  const argv = ['tcpdump', '-r', '-', '-n', '-e', '-t', '-vv']
  const { stdout } = await run(argv, { input: pcap([frame]) })
  return stdout.trim().replaceAll(/\s+/g, ' ')
}

const golden: readonly { name: string; packet: Packet; reads: RegExp }[] = [
  {
    name: 'ARP request',
    packet: arpRequest({ sha: a, spa: '10.0.0.1', tpa: '10.0.0.2' }),
    reads: /ethertype ARP .* Request who-has 10\.0\.0\.2 tell 10\.0\.0\.1, length 28$/,
  },
  {
    name: 'ARP reply',
    packet: arpReply({ sha: a, spa: '10.0.0.1', tha: b, tpa: '10.0.0.2' }),
    reads: /ethertype ARP .* Reply 10\.0\.0\.1 is-at fa:16:3e:00:00:01, length 28$/,
  },
  {
    name: 'ARP probe',
    packet: arpProbe({ sha: a, tpa: '10.0.0.2' }),
    reads: /Request who-has 10\.0\.0\.2 tell 0\.0\.0\.0, length 28$/,
  },
  {
    name: 'ARP announcement',
    packet: gratuitousArp({ sha: a, spa: '10.0.0.2' }),
    reads: /Request who-has 10\.0\.0\.2 tell 10\.0\.0\.2, length 28$/,
  },
  {
    name: 'ARP announcement as a reply',
    packet: gratuitousArp({ op: 2, sha: a, spa: '10.0.0.2' }),
    reads: /Reply 10\.0\.0\.2 is-at fa:16:3e:00:00:01, length 28$/,
  },
  {
    name: 'ARP with fields that contradict each other',
    packet: arp({ op: 2, sha: b, spa: '10.0.0.9', tha: BROADCAST, tpa: '0.0.0.0' }),
    reads: /fa:16:3e:00:00:01 > .* Reply 10\.0\.0\.9 is-at fa:16:3e:00:00:02, length 28$/,
  },
  {
    name: 'RARP',
    packet: rarp({ mac: a }),
    reads: /Reverse ARP \(0x8035\).* who-is fa:16:3e:00:00:01 tell fa:16:3e:00:00:01, length 28$/,
  },
  {
    name: 'UDP in IPv4, an odd number of bytes',
    packet: ipv4({ src: '10.0.0.1', dst: '10.0.0.2' }, udp({ src: 7, dst: 9 }, 'odd')),
    reads: /ttl 64.*length 31\) 10\.0\.0\.1\.7 > 10\.0\.0\.2\.9: \[udp sum ok\] UDP, length 3$/,
  },
  {
    name: 'UDP in IPv6',
    packet: ipv6({ src: 'fd00::1', dst: 'fd00::2' }, udp({ src: 7, dst: 9 }, 'even')),
    reads: /\(hlim 64, .* fd00::1\.7 > fd00::2\.9: \[udp sum ok\] UDP, length 4$/,
  },
  {
    name: 'ICMP echo',
    packet: ipv4({ src: '10.0.0.1', dst: '10.0.0.2', ttl: 3, id: 77 }, icmp({ id: 5, seq: 6 })),
    reads: /ttl 3, id 77, .* 10\.0\.0\.1 > 10\.0\.0\.2: ICMP echo request, id 5, seq 6, length 8$/,
  },
  {
    name: 'ICMP redirect',
    packet: ipv4(
      { src: '10.0.0.1', dst: '10.0.0.2' },
      icmp({ type: 5, code: 1, data: ipv4({ src: '10.0.0.2', dst: '10.9.9.9' }, icmp({})).bytes }),
    ),
    reads: /10\.0\.0\.1 > 10\.0\.0\.2: ICMP redirect 10\.9\.9\.9 to host 0\.0\.0\.0, length 36/,
  },
  {
    name: 'ICMPv6 echo',
    packet: ipv6({ src: 'fd00::1', dst: 'fd00::2' }, icmpv6Echo({ id: 5, seq: 6 })),
    reads: /fd00::1 > fd00::2: \[icmp6 sum ok\] ICMP6, echo request, id 5, seq 6$/,
  },
  {
    name: 'ICMPv6 echo reply',
    packet: ipv6({ src: 'fd00::1', dst: 'fd00::2' }, icmpv6Echo({ type: 129, id: 5, seq: 6 })),
    reads: /\[icmp6 sum ok\] ICMP6, echo reply, id 5, seq 6$/,
  },
  {
    name: 'neighbour solicitation',
    packet: ipv6(
      { src: 'fd00::1', dst: 'ff02::1:ff00:2', hopLimit: 255 },
      neighbourSolicitation({ target: 'fd00::2', options: [ndOption.sourceLinkLayer(a)] }),
    ),
    reads:
      /\(hlim 255, .*\[icmp6 sum ok\] ICMP6, neighbor solicitation, length 32, who has fd00::2 source link-address option \(1\), length 8 \(1\): fa:16:3e:00:00:01/,
  },
  {
    name: 'neighbour advertisement',
    packet: ipv6(
      { src: 'fd00::1', dst: 'ff02::1', hopLimit: 255 },
      neighbourAdvertisement({
        target: 'fd00::1',
        router: true,
        solicited: true,
        override: true,
        options: [ndOption.targetLinkLayer(a)],
      }),
    ),
    reads:
      /\[icmp6 sum ok\] ICMP6, neighbor advertisement, length 32, tgt is fd00::1, Flags \[router, solicited, override\] destination link-address option \(2\), length 8 \(1\): fa:16:3e:00:00:01/,
  },
  {
    name: 'neighbour advertisement without flags and options',
    packet: ipv6(
      { src: 'fd00::1', dst: 'ff02::1', hopLimit: 255 },
      neighbourAdvertisement({ target: 'fd00::1' }),
    ),
    reads: /neighbor advertisement, length 24, tgt is fd00::1, Flags \[none\]$/,
  },
  {
    name: 'router advertisement',
    packet: ipv6(
      { src: 'fe80::1', dst: 'ff02::1', hopLimit: 255 },
      routerAdvertisement({ options: [ndOption.prefix('fd00:0:0:7::', 64)] }),
    ),
    reads:
      /\[icmp6 sum ok\] ICMP6, router advertisement, length 48 hop limit 64, .* router lifetime 1800s, .* prefix info option \(3\), length 32 \(4\): fd00:0:0:7::\/64, Flags \[onlink, auto\], valid time 3600s, pref\. time 3600s/,
  },
  {
    name: 'DHCP discover',
    packet: ipv4(
      { src: '0.0.0.0', dst: '255.255.255.255' },
      udp({ src: 68, dst: 67 }, dhcpDiscover({ mac: a, xid: 0xdeadbeef })),
    ),
    reads:
      /0\.0\.0\.0\.68 > 255\.255\.255\.255\.67: \[udp sum ok\] BOOTP\/DHCP, Request from fa:16:3e:00:00:01, length 244, xid 0xdeadbeef, .* DHCP-Message \(53\), length 1: Discover$/,
  },
]

for (const { name, packet, reads } of golden) {
  void test(`${name}: tcpdump reads it as meant`, async () => {
    const text = await read(ethernet({ src: a, dst: BROADCAST }, packet))
    assert.match(text, reads)
    assert.match(text, /^fa:16:3e:00:00:01 > ff:ff:ff:ff:ff:ff, /)
    assert.doesNotMatch(text, /bad cksum|wrong|truncated|\[\|/)
  })
}

void test('tags stand in the order given', async () => {
  const tags = [
    { vid: 100, tpid: 0x88a8 },
    { vid: 7, pcp: 3 },
  ]
  const packet = arpProbe({ sha: a, tpa: '10.0.0.2' })
  assert.match(
    await read(ethernet({ src: a, dst: b, tags }, packet)),
    /802\.1Q-QinQ \(0x88a8\), length 50: vlan 100, p 0, ethertype 802\.1Q \(0x8100\), vlan 7, p 3, ethertype ARP/,
  )
})

void test('a UDP checksum that comes out as zero is sent as all ones', async () => {
  // RFC 768: zero on the wire would say that the sender made none. These two bytes bring the sum to zero.
  const packet = (data: Uint8Array): Packet =>
    ipv4({ src: '10.0.0.1', dst: '10.0.0.2' }, udp({ src: 7, dst: 9 }, data))
  const sum = packet(new Uint8Array(2)).bytes.slice(26, 28)
  const { bytes } = packet(sum)
  assert.deepEqual(bytes.slice(26, 28), Uint8Array.of(0xff, 0xff))
  assert.match(await read(ethernet({ src: a, dst: b }, packet(sum))), /udp sum ok/)
})

void test('what is no address makes no frame', () => {
  assert.throws(() => arpProbe({ sha: a, tpa: '10.0.0.256' }), /not an IPv4 address: |not an IP/)
  assert.throws(() => rarp({ mac: 'fa:16' }), /not a MAC address: "fa:16"/)
})
