import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMac, parsePrefix } from '@portward/addr'
import type { Flow } from '@portward/openflow'
import { OFPP } from '@portward/openflow'
import { admitFlows, bridgeFlows, guardFlows, silenceFlows } from './guard.ts'
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
    `24: neighbour advertisements as ${ll} from ${M} that name no link-layer address on port 7: on to table 25 (mac)`,
    `24: neighbour advertisements as ${ll} from ${M} that name this MAC on port 7: on to table 25 (mac)`,
    `25: any frame from ${M} on port 7: on to table 60 (deliver)`,
    `71: IPv4 as 10.0.0.0/24 from ${M} on port 7: delivered`,
    `71: IPv6 as ${ll} from ${M} on port 7: delivered`,
    `71: RARP announcements of the own MAC from ${M} on port 7: delivered`,
    `71: duplicate address detection for ${ll} from ${M} on port 7: delivered`,
  ])
})

void test('the flows of the bridge itself say whose frames are dropped', () => {
  assert.deepEqual(linesOf(bridgeFlows('own')).toSorted(), [
    '0: frames of every other interface: dropped',
    '24: every other ARP and neighbour advertisement: dropped',
    '24: malformed neighbour advertisements: dropped',
    '25: frames from every other MAC: dropped',
    '60: frames admitted without a guard: delivered',
    '60: frames of guarded ports: on to table 71 (source)',
    '71: ARP replies: delivered',
    '71: ARP requests: delivered',
    '71: ICMP redirects: dropped',
    '71: ICMPv6 redirects: dropped',
    '71: IGMPv3 reports: delivered',
    '71: IPv4 from every other source: dropped',
    '71: IPv6 from every other source: dropped',
    '71: MLD queries: dropped',
    '71: MLD reports: delivered',
    '71: MLDv2 reports: delivered',
    '71: a DHCP client’s requests: delivered',
    '71: a DHCP server’s answers: dropped',
    '71: a DHCPv6 server’s answers: dropped',
    '71: any other IPv4 from 0.0.0.0: dropped',
    '71: any other IPv6 from ::: dropped',
    '71: everything that nothing above lets pass: dropped',
    '71: router advertisements: dropped',
    '71: router solicitations: delivered',
  ])
})

void test('an interface without a guard, and one that is silenced', () => {
  assert.deepEqual(linesOf(admitFlows(3)), [
    '0: any frame on port 3: admitted without a guard, on to table 60 (deliver)',
  ])
  assert.deepEqual(linesOf(silenceFlows(3, portId)), ['0: any frame on port 3: dropped'])
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
  assert.ok(lines.includes(`71: IPv4 from ${M} on port 7: delivered`))
  assert.ok(lines.includes(`24: ARP probes from ${M} on port 7: on to table 25 (mac)`))
})
