import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMac, parsePrefix } from '@portward/addr'
import type { Flow } from '@portward/openflow'
import { OFPP } from '@portward/openflow'
import { admitFlows, bridgeFlows, guardFlows, silenceFlows } from './guard.ts'
import { Audience, memberOf, pairFlows } from './toward.ts'
import { wordsOf } from './words.ts'

const M = 'fa:16:3e:00:00:10'
const portId = 'aabbccdd-0000-4000-8000-000000000000'
const spec = {
  portId,
  mac: parseMac(M),
  ips: [],
  allowedAddressPairs: [{ mac: parseMac(M), prefix: parsePrefix('10.0.0.0/24') }],
}

function linesOf(flows: readonly Flow[]): readonly string[] {
  return flows.map((flow) => `${flow.table}: ${wordsOf(flow)}`)
}

void test('the flows of a guarded port, as an operator reads them', () => {
  const ll = 'fe80::f816:3eff:fe00:10'
  assert.deepEqual(linesOf(guardFlows(7, spec)).toSorted(), [
    '0: ARP on port 7: on to table 24 (claim)',
    '0: any frame with a VLAN tag on port 7: dropped',
    '0: any other frame on port 7: on to table 25 (mac)',
    '0: neighbour advertisements on port 7: on to table 24 (claim)',
    `24: ARP as 10.0.0.0/24 from ${M} on port 7: on to table 25 (mac)`,
    `24: ARP probes for 10.0.0.0/24 from ${M} on port 7: on to table 25 (mac)`,
    `24: neighbour advertisements as ${ll} from ${M} on port 7: on to table 25 (mac)`,
    `25: any frame from ${M} on port 7: on to table 60 (deliver)`,
    `71: IPv4 as 10.0.0.0/24 from ${M} on port 7: on to table 72 (kind)`,
    `71: IPv6 as ${ll} from ${M} on port 7: on to table 72 (kind)`,
    `71: RARP announcements of the own MAC from ${M} on port 7: on to table 72 (kind)`,
    `71: duplicate address detection for ${ll} from ${M} on port 7: on to table 72 (kind)`,
    `72: neighbour advertisements from ${M} that name this MAC on port 7: on to table 94 (forward)`,
    `72: neighbour solicitations from ${M} that name this MAC on port 7: on to table 94 (forward)`,
  ])
})

void test('what a port is exempted from, and what it may send besides', () => {
  const lines = linesOf(
    guardFlows(7, { ...spec, checks: { arp: false, ra: false, vlan: [100], ethertype: [0x88cc] } }),
  )
  assert.deepEqual(
    lines.filter((line) => /exempt|VLAN|EtherType/.test(line)),
    [
      '0: any frame with a VLAN tag on port 7: dropped',
      '0: frames of VLAN 100 on port 7: exempted from arp, ra, on to table 26 (tag)',
      '0: neighbour advertisements on port 7: exempted from arp, ra, on to table 24 (claim)',
      '0: any other frame on port 7: exempted from arp, ra, on to table 25 (mac)',
      '71: EtherType 0x88cc on port 7: on to table 94 (forward)',
    ],
  )
})

void test('the flows of the bridge itself say whose frames are dropped', () => {
  assert.deepEqual(linesOf(bridgeFlows('own', 'hidden')), [
    '0: frames of every other interface: dropped',
    '60: frames admitted without a guard: on to table 94 (forward)',
    '24: every other ARP probe: dropped',
    '24: every other ARP and neighbour advertisement: dropped',
    '25: frames from every other MAC: dropped',
    '26: frames with a second VLAN tag: dropped',
    '26: frames with a second VLAN tag: dropped',
    '26: frames with a second VLAN tag: dropped',
    '26: ARP: on to table 24 (claim)',
    '26: neighbour advertisements: on to table 24 (claim)',
    '26: any other frame behind its tag: on to table 25 (mac)',
    '60: frames of guarded ports: on to table 71 (source)',
    '71: a DHCP client’s requests: on to table 72 (kind)',
    '71: IGMPv3 reports: on to table 72 (kind)',
    '71: router solicitations: on to table 72 (kind)',
    '71: MLD reports: on to table 72 (kind)',
    '71: MLDv2 reports: on to table 72 (kind)',
    '71: malformed neighbour solicitations: dropped',
    '71: any other IPv4 from 0.0.0.0: dropped',
    '71: any other IPv6 from ::: dropped',
    '71: ARP requests: on to table 72 (kind)',
    '71: ARP replies: on to table 72 (kind)',
    '71: IPv4 of ports exempted from source: on to table 72 (kind)',
    '71: IPv6 of ports exempted from source: on to table 72 (kind)',
    '71: IPv4 from every other source: dropped',
    '71: IPv6 from every other source: dropped',
    '71: every other ARP: dropped',
    '71: every other RARP: dropped',
    '71: any other frame of ports exempted from ethertype: on to table 94 (forward)',
    '71: every other EtherType: dropped',
    '72: a DHCP server’s answers: dropped',
    '72: UDP to a DHCP client: dropped',
    '72: a DHCPv6 server’s answers: dropped',
    '72: UDP to a DHCPv6 client: dropped',
    '72: a DHCPv6 client’s requests as fe80::/10: on to table 94 (forward)',
    '72: any other DHCPv6 client’s requests: dropped',
    '72: ICMP redirects: dropped',
    '72: ICMP router advertisements: dropped',
    '72: router advertisements: dropped',
    '72: ICMPv6 redirects: dropped',
    '72: MLD queries: dropped',
    '72: multicast router advertisements: dropped',
    '72: IGMPv3 reports: on to table 94 (forward)',
    '72: IGMPv2 leave messages: on to table 94 (forward)',
    '72: IGMP queries and reports: dropped',
    '72: malformed neighbour solicitations: dropped',
    '72: malformed neighbour advertisements: dropped',
    '72: neighbour solicitations that name no link-layer address: on to table 94 (forward)',
    '72: neighbour advertisements that name no link-layer address: on to table 94 (forward)',
    '72: neighbour solicitations: dropped',
    '72: neighbour advertisements: dropped',
    '72: frames to the reserved multicast of bridges: dropped',
    '72: all else that a port says as itself: on to table 94 (forward)',
    '72: IPv4 whose header makes no sense: dropped',
    '72: IPv6 whose headers cannot be followed to their end: dropped',
    '72: first fragments of router solicitations: dropped',
    '72: first fragments of router advertisements: dropped',
    '72: first fragments of neighbour solicitations: dropped',
    '72: first fragments of neighbour advertisements: dropped',
    '72: first fragments of ICMPv6 redirects: dropped',
    '72: first fragments of ICMPv6 of a type that is not in it: dropped',
    '72: first fragments of UDP whose ports are not in it: dropped',
    '72: first fragments of UDP whose ports are not in it: dropped',
    '72: first fragments of ICMP: dropped',
    '94: frames that may pass: delivered',
  ])
})

void test('an interface without a guard, and one that is silenced', () => {
  assert.deepEqual(linesOf(admitFlows(3)), [
    '0: any frame on port 3: admitted without a guard, on to table 60 (deliver)',
  ])
  assert.deepEqual(linesOf(silenceFlows(3, portId)), ['0: any frame on port 3: dropped'])
})

void test('what is flooded, and to whom it is handed', () => {
  assert.deepEqual(linesOf(pairFlows({ flood: 1, again: 2 })), [
    '0: what NORMAL has flooded on port 1: dropped',
    '0: what NORMAL has flooded on port 2: on to table 95 (toward)',
    '94: broadcast and multicast that may pass: delivered',
    '95: what was flooded for nobody here: dropped',
  ])
  const audience = new Audience()
  for (let i = 7; i < 17; i++) audience.set(`tap${i}`, memberOf(i, 0, spec))
  const keys = audience.set(
    'tap10',
    memberOf(10, 10, { ...spec, mac: parseMac('fa:16:3e:00:00:11') }),
  )
  assert.deepEqual(linesOf([...keys].flatMap((key) => audience.flowsOf(key))).toSorted(), [
    '95: broadcast and multicast of VLAN 10: on to table 96 (members)',
    '95: frames to fa:16:3e:00:00:10 of VLAN 10: handed to port 10',
    '95: frames to fa:16:3e:00:00:10: handed to ports 7, 8, 9, 11, 12, 13, 14, 15 and 1 more',
    '95: frames to fa:16:3e:00:00:11 of VLAN 10: handed to port 10',
    '96: broadcast and multicast for ports 0 to 63: handed to ports 7, 8, 9, 11, 12, 13, 14, 15 and 1 more',
    '96: broadcast and multicast of VLAN 10 for ports 0 to 63: handed to port 10',
  ])
})

void test('the bridge’s own port has a name, not the number 4294967294', () => {
  assert.deepEqual(linesOf(silenceFlows(OFPP.local, portId)), [
    '0: any frame on port LOCAL: dropped',
  ])
})

void test('a pair for any address claims none in particular', () => {
  const any = {
    ...spec,
    allowedAddressPairs: [{ mac: parseMac(M), prefix: parsePrefix('0.0.0.0/0') }],
  }
  const lines = linesOf(guardFlows(7, any))
  assert.ok(lines.includes(`71: IPv4 from ${M} on port 7: on to table 72 (kind)`))
  assert.ok(lines.includes(`24: ARP probes from ${M} on port 7: on to table 25 (mac)`))
})
