import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { ipOfBytes, macOfBytes, parseIp, parseMac, parsePrefix, prefixOf } from '@portward/addr'
import type { Family } from '@portward/addr'
import { flowText } from '@portward/openflow'
import type { Flow } from '@portward/openflow'
import { SpecError, bindingsOf, macsOf } from './binding.ts'
import type { PortSpec } from './binding.ts'
import type { Checks } from './checks.ts'
import { admitFlows, bridgeFlows, guardFlows, silenceFlows } from './guard.ts'
import { EXEMPT, breachOf } from './pipeline.ts'
import { flowMap } from './plan.ts'
import { readCookie, rules } from './rule.ts'

const portId = '1f0bd2cb-a63a-4c77-a04a-fa57b6e43463'
const example: PortSpec = {
  portId,
  mac: parseMac('fa:16:3e:00:00:10'),
  ips: [parseIp('10.0.0.10'), parseIp('fd00:1::10')],
  allowedAddressPairs: [],
}

function text(flow: Flow): string {
  return flowText({ ...flow, cookie: 0n })
    .replace('cookie=0x0, ', '')
    .replace('cookie=0, ', '')
}

void test('the guard of a port, as ovs-ofctl prints it', () => {
  assert.deepEqual(guardFlows(7, example).map(text), [
    'table=0, priority=20,in_port=7,vlan_tci=0x1000/0x1000 actions=drop',
    'table=0, priority=10,arp,in_port=7 actions=resubmit(,24)',
    'table=0, priority=10,icmp6,in_port=7,icmp_type=136 actions=resubmit(,24)',
    'table=0, priority=9,in_port=7 actions=resubmit(,25)',
    'table=25, priority=2,in_port=7,dl_src=fa:16:3e:00:00:10 actions=resubmit(,60)',
    'table=71, priority=10,rarp,in_port=7,dl_src=fa:16:3e:00:00:10,arp_spa=0.0.0.0,arp_op=3,arp_sha=fa:16:3e:00:00:10 actions=resubmit(,72)',
    'table=72, priority=80,icmp6,in_port=7,dl_src=fa:16:3e:00:00:10,nw_ttl=255,icmp_type=135,icmp_code=0,nd_sll=fa:16:3e:00:00:10 actions=resubmit(,94)',
    'table=72, priority=80,icmp6,in_port=7,dl_src=fa:16:3e:00:00:10,nw_ttl=255,icmp_type=136,icmp_code=0,nd_tll=fa:16:3e:00:00:10 actions=resubmit(,94)',
    'table=24, priority=2,arp,in_port=7,dl_src=fa:16:3e:00:00:10,arp_spa=10.0.0.10,arp_sha=fa:16:3e:00:00:10 actions=resubmit(,25)',
    'table=24, priority=4,arp,in_port=7,dl_src=fa:16:3e:00:00:10,arp_spa=0.0.0.0,arp_tpa=10.0.0.10,arp_op=1,arp_sha=fa:16:3e:00:00:10 actions=resubmit(,25)',
    'table=71, priority=10,ip,in_port=7,dl_src=fa:16:3e:00:00:10,nw_src=10.0.0.10 actions=resubmit(,72)',
    ...ipv6Texts('fd00:1::10'),
    ...ipv6Texts('fe80::f816:3eff:fe00:10'),
  ])
})

function ipv6Texts(ip: string): readonly string[] {
  return [
    `table=24, priority=2,icmp6,in_port=7,dl_src=fa:16:3e:00:00:10,nw_ttl=255,icmp_type=136,icmp_code=0,nd_target=${ip} actions=resubmit(,25)`,
    `table=71, priority=10,ipv6,in_port=7,dl_src=fa:16:3e:00:00:10,ipv6_src=${ip} actions=resubmit(,72)`,
    `table=71, priority=20,icmp6,in_port=7,dl_src=fa:16:3e:00:00:10,ipv6_src=::,nw_ttl=255,icmp_type=135,icmp_code=0,nd_target=${ip},nd_sll=00:00:00:00:00:00 actions=resubmit(,72)`,
  ]
}

/** What stands in place of what, for a port with these checks. */
function changedBy(checks: Checks): { readonly gone: string[]; readonly come: string[] } {
  const before = guardFlows(7, example).map(text)
  const after = guardFlows(7, { ...example, checks }).map(text)
  return {
    gone: before.filter((line) => !after.includes(line)),
    come: after.filter((line) => !before.includes(line)),
  }
}

void test('a trunk port’s permitted tag is taken off and looked behind; every other tag is dropped as before', () => {
  const off = 'move:NXM_OF_VLAN_TCI[]->NXM_NX_REG1[0..15],pop_vlan,resubmit(,26)'
  assert.deepEqual(changedBy({ vlan: [100, 200] }), {
    gone: [],
    come: [100, 200].map((vid) => `table=0, priority=21,in_port=7,dl_vlan=${vid} actions=${off}`),
  })
})

void test('an exemption is a bit that the port’s flows of table 0 set, or a flow that is not there', () => {
  assert.deepEqual(changedBy({ ra: false, query: false }).come, [
    'table=0, priority=10,arp,in_port=7 actions=load:0xa0->NXM_NX_REG0[],resubmit(,24)',
    'table=0, priority=10,icmp6,in_port=7,icmp_type=136 actions=load:0xa0->NXM_NX_REG0[],resubmit(,24)',
    'table=0, priority=9,in_port=7 actions=load:0xa0->NXM_NX_REG0[],resubmit(,25)',
  ])
  assert.deepEqual(changedBy({ vlan: false }), {
    gone: ['table=0, priority=20,in_port=7,vlan_tci=0x1000/0x1000 actions=drop'],
    come: [],
  })
  assert.deepEqual(changedBy({ ethertype: [0x88cc] }), {
    gone: [],
    come: ['table=71, priority=10,in_port=7,dl_type=0x88cc actions=resubmit(,94)'],
  })
  assert.ok(!guardFlows(7, { ...example, checks: { arp: false } }).some(isTo24('0x0806')))
  assert.ok(!guardFlows(7, { ...example, checks: { nd: false } }).some(isTo24('0x86dd')))
})

void test('a list that names what has rules of its own is no way around them: the port cannot be compiled', () => {
  for (const checks of [{ ethertype: [0x0800] }, { ethertype: [0x8100] }, { vlan: [0] }]) {
    assert.throws(() => guardFlows(7, { ...example, checks }), SpecError)
  }
})

const isTo24 =
  (ethType: string) =>
  ({ table, match }: Flow): boolean =>
    table === 0 && match.ethType === Number(ethType)

void test('a port costs 4 flows, 4 for each MAC and 3 for each binding, whatever it is exempted from', () => {
  fc.assert(
    fc.property(specs, checksets, (spec, checks) => {
      const lists = (checks.vlan || []).length + (checks.ethertype || []).length
      const absent = [checks.vlan, checks.arp, checks.nd].filter((check) => check === false).length
      const size = 4 - absent + lists + 4 * macsOf(spec).length + 3 * bindingsOf(spec).length
      assert.equal(guardFlows(7, { ...spec, checks }).length, size)
    }),
  )
})

void test('a pair of length 0 frees the sources of its own MAC and family, and nothing else', () => {
  const pairs = [{ mac: example.mac, prefix: parsePrefix('0.0.0.0/0') }]
  const freed = guardFlows(7, { ...example, allowedAddressPairs: pairs }).map(text)
  const before = new Set(guardFlows(7, example).map(text))
  assert.deepEqual(
    freed.filter((line) => !before.has(line)),
    [
      'table=24, priority=2,arp,in_port=7,dl_src=fa:16:3e:00:00:10,arp_sha=fa:16:3e:00:00:10 actions=resubmit(,25)',
      'table=24, priority=4,arp,in_port=7,dl_src=fa:16:3e:00:00:10,arp_spa=0.0.0.0,arp_op=1,arp_sha=fa:16:3e:00:00:10 actions=resubmit(,25)',
      'table=71, priority=10,ip,in_port=7,dl_src=fa:16:3e:00:00:10 actions=resubmit(,72)',
    ],
  )
})

const macs = fc
  .uint8Array({ minLength: 6, maxLength: 6 })
  .map((bytes) => macOfBytes(Uint8Array.of(((bytes[0] ?? 0) & 0xfc) | 2, ...bytes.subarray(1))))
const ipsOf = (family: Family) =>
  fc
    .uint8Array({ minLength: family === 4 ? 4 : 16, maxLength: family === 4 ? 4 : 16 })
    .map((bytes) => {
      bytes[0] = (bytes[0] ?? 0) & 0x7f
      return ipOfBytes(bytes)
    })
const ips = fc.oneof(ipsOf(4), ipsOf(6))
const prefixes = fc.oneof(
  fc.tuple(ipsOf(4), fc.integer({ min: 0, max: 32 })).map(([ip, length]) => prefixOf(ip, length)),
  fc.tuple(ipsOf(6), fc.integer({ min: 0, max: 128 })).map(([ip, length]) => prefixOf(ip, length)),
)
const specs: fc.Arbitrary<PortSpec> = fc.record(
  {
    portId: fc.uuid(),
    mac: macs,
    ips: fc.array(ips, { maxLength: 5 }),
    allowedAddressPairs: fc.array(
      fc.record({ mac: macs, prefix: prefixes }, { noNullPrototype: true }),
      {
        maxLength: 5,
      },
    ),
  },
  { noNullPrototype: true },
)

const checksets: fc.Arbitrary<Checks> = fc.record(
  {
    ...Object.fromEntries(Object.keys(EXEMPT).map((check) => [check, fc.constant(false)])),
    vlan: fc.oneof(
      fc.constant(false),
      fc.uniqueArray(fc.integer({ min: 1, max: 4094 }), { maxLength: 3 }),
    ),
    ethertype: fc.oneof(
      fc.constant(false),
      fc.uniqueArray(fc.integer({ min: 0x88cc, max: 0xffff }), { maxLength: 3 }),
    ),
  },
  { requiredKeys: [], noNullPrototype: true },
)

void test('every flow keeps its table’s contract, is of the port alone, and says its rule in its cookie', () => {
  fc.assert(
    fc.property(specs, checksets, fc.integer({ min: 1, max: 65279 }), (spec, checks, ofport) => {
      const flows = guardFlows(ofport, { ...spec, checks })
      for (const flow of flows) {
        assert.equal(breachOf(flow), undefined)
        assert.equal(flow.match.inPort, ofport)
        const cookie = readCookie(flow.cookie)
        assert.ok(cookie !== undefined && cookie.rule in rules)
        assert.equal(cookie.portTag, Number.parseInt(spec.portId.slice(0, 8), 16))
      }
      assert.equal(flowMap(flows).size, flows.length, 'no flow stands twice')
    }),
  )
})

void test('flows that pass or hand on are bound to a MAC of the port, from table 24 on', () => {
  fc.assert(
    fc.property(specs, (spec) => {
      for (const { table, match } of guardFlows(3, spec)) {
        if (table !== 0) assert.ok(match.ethSrc !== undefined)
      }
    }),
  )
})

for (const mode of ['own', 'shared'] as const) {
  for (const view of ['seen', 'hidden'] as const) {
    void test(`the bridge’s own flows keep the contract: ${mode}, fragments ${view}`, () => {
      const flows = bridgeFlows(mode, view)
      for (const flow of flows) assert.equal(breachOf(flow), undefined)
      assert.equal(flowMap(flows).size, flows.length)
      const table0 = flows.filter(({ table }) => table === 0).map(text)
      assert.deepEqual(table0, mode === 'own' ? ['table=0, priority=0 actions=drop'] : [])
      for (const table of [24, 25, 71]) {
        assert.ok(flows.map(text).includes(`table=${table}, priority=0 actions=drop`))
      }
    })
  }
}

void test('where the switch hides what is in fragments, no first fragment of ICMP passes either', () => {
  const seen = new Set(bridgeFlows('own', 'seen').map(text))
  assert.deepEqual(
    bridgeFlows('own', 'hidden')
      .map(text)
      .filter((line) => !seen.has(line)),
    ['table=72, priority=120,icmp,nw_frag=first actions=drop'],
  )
})

void test('an admitted interface goes round the guards; a silenced one goes nowhere', () => {
  assert.deepEqual(admitFlows(3).map(text), [
    'table=0, priority=8,in_port=3 actions=load:0x1->NXM_NX_REG0[0],resubmit(,60)',
  ])
  assert.deepEqual(silenceFlows(3, portId).map(text), [
    'table=0, priority=30,in_port=3 actions=drop',
  ])
  for (const flow of [...admitFlows(3), ...silenceFlows(3, portId)]) {
    assert.equal(breachOf(flow), undefined)
  }
})
