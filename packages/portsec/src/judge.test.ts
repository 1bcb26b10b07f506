import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Ipv4, Mac } from '@portward/addr'
import { parseIp, parseMac } from '@portward/addr'
import type { Action, Flow, Match } from '@portward/openflow'
import { OFPP } from '@portward/openflow'
import {
  arp,
  arpProbe,
  arpRequest,
  dhcpDiscover,
  ethernet,
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
  wildFrames,
} from '@portward/testkit'
import type { Packet } from '@portward/testkit'
import { admitFlows, bridgeFlows, guardFlows, silenceFlows } from './guard.ts'
import { judge, prepare } from './judge.ts'
import type { Rule } from './rule.ts'
import { cookieOf } from './rule.ts'

const mac = 'fa:16:3e:00:00:10'
const gateway = 'fa:16:3e:00:00:01'
const linkLocal = 'fe80::f816:3eff:fe00:10'
const portId = '1f0bd2cb-a63a-4c77-a04a-fa57b6e43463'

const NORMAL: Action = { type: 'output', port: OFPP.normal }
const to = (table: number): Action => ({ type: 'resubmit', table })
const load = (value: bigint, offset = 0, bits = 32): Action => {
  return { type: 'load', field: 'reg0', offset, bits, value }
}
const flow = (
  table: number,
  priority: number,
  match: Match,
  actions: readonly Action[],
  rule: Rule = 0,
): Flow => ({ table, priority, cookie: cookieOf(rule), match, actions })

const request = arpRequest({ sha: mac, spa: '10.0.0.10', tpa: '10.0.0.1' })
const frame = (packet: Packet, ...vids: readonly number[]): Uint8Array =>
  ethernet({ src: mac, dst: gateway, tags: vids.map((vid) => ({ vid })) }, packet)
const delivered = (flows: readonly Flow[], bytes = frame(request), inPort = 1): boolean =>
  judge(flows, bytes, inPort).verdict === 'delivered'

void test('the flow of the highest priority decides, whether it names the port or not', () => {
  const low = flow(0, 1, {}, [])
  assert.ok(delivered([low, flow(0, 2, { inPort: 1 }, [NORMAL])]))
  assert.ok(delivered([flow(0, 1, { inPort: 1 }, []), flow(0, 2, {}, [NORMAL])]))
  assert.ok(!delivered([low, flow(0, 2, { inPort: 2 }, [NORMAL])]))
})

void test('a mask leaves open what it does not cover', () => {
  const from = (value: string, mask: string): Match => ({
    ethType: 0x0806,
    arpSpa: { value: value as Ipv4, mask: mask as Ipv4 },
  })
  assert.ok(delivered([flow(0, 1, from('10.0.0.99', '255.255.255.0'), [NORMAL])]))
  assert.ok(!delivered([flow(0, 1, from('10.0.1.10', '255.255.255.0'), [NORMAL])]))
  assert.ok(delivered([flow(0, 1, { ethSrc: mac as Mac }, [NORMAL])]))
  assert.ok(!delivered([flow(0, 1, { ethSrc: gateway as Mac }, [NORMAL])]))
})

void test('a table without a flow for the frame drops it', () => {
  const { verdict, rule, path } = judge([flow(0, 1, {}, [to(7)])], frame(request), 1)
  assert.deepEqual([verdict, rule, path.map(({ table }) => table)], ['dropped', 0, [0, 7]])
  assert.equal(path[1]?.flow, undefined)
})

void test('what comes behind a resubmit is done as well', () => {
  assert.ok(delivered([flow(0, 1, {}, [to(1), NORMAL])]))
  assert.ok(delivered([flow(0, 1, {}, [to(1), to(2)]), flow(2, 1, {}, [NORMAL])]))
})

void test('registers are zero at first, take bits where they are loaded, and keep them behind a resubmit', () => {
  const only = (value: number): Flow => flow(1, 1, { reg0: value }, [NORMAL])
  assert.ok(delivered([flow(0, 1, {}, [to(1)]), only(0)]))
  assert.ok(
    delivered([flow(0, 1, {}, [load(0xffff_ffffn), load(0n, 4, 8), to(1)]), only(0xffff_f00f)]),
  )
  assert.ok(delivered([flow(0, 1, {}, [to(2), to(1)]), flow(2, 1, {}, [load(5n)]), only(5)]))
})

void test('a tag can be taken off and put on as it was', () => {
  const tagged = { vlanTci: { value: 0x1000, mask: 0x1000 } }
  const keep: Action = { type: 'move', from: 'vlanTci', to: 'reg1', bits: 16 }
  const back: Action = { type: 'move', from: 'reg1', to: 'vlanTci', bits: 16 }
  const flows = [
    flow(0, 1, tagged, [keep, { type: 'popVlan' }, to(1)]),
    flow(1, 2, { ethType: 0x8100 }, []),
    flow(1, 1, { vlanTci: 0, reg1: 0x1005 }, [{ type: 'pushVlan', tpid: 0x8100 }, to(2)]),
    flow(2, 1, { vlanTci: 0x1000 }, [back, to(3)]),
    flow(3, 1, { vlanTci: 0x1005 }, [NORMAL]),
  ]
  assert.ok(delivered(flows, frame(request, 5)))
  assert.ok(!delivered(flows, frame(request)))
  assert.ok(!delivered(flows, frame(request, 5, 6)))
  const { path } = judge(flows, frame(request, 5, 6), 1, { vlanLimit: 2 })
  assert.deepEqual(
    path.map(({ table }) => table),
    [0, 1],
  )
})

void test('NORMAL drops a frame with half a tag, or with one behind that which was taken off', () => {
  assert.ok(!delivered([flow(0, 1, {}, [NORMAL])], frame(request, 5).subarray(0, 17)))
  const pop = flow(0, 1, {}, [{ type: 'popVlan' }, NORMAL])
  assert.ok(!delivered([pop], frame(request, 5, 6)))
  assert.ok(delivered([pop], frame(request, 5)))
})

void test('to send a frame back where it came from, or to a controller, delivers nothing', () => {
  const out = (port: number): readonly Flow[] => [flow(0, 1, {}, [{ type: 'output', port }])]
  assert.ok(!delivered(out(1)) && !delivered(out(OFPP.controller)))
  assert.ok(delivered(out(2)) && delivered(out(OFPP.inPort)) && delivered(out(OFPP.local)))
  assert.ok(delivered([flow(0, 1, {}, [{ type: 'group', group: 1 }])]))
})

void test('a loop is given up, and with it what was delivered before', () => {
  assert.ok(!delivered([flow(0, 1, {}, [NORMAL, to(0)])]))
})

void test('what a flow says that is not known here is no matter for guessing', () => {
  assert.throws(() => prepare([flow(0, 1, { unknown: '00010203' }, [])]), /table 0, priority 1/)
  const raw: Action = { type: 'raw', hex: '0102' }
  assert.throws(
    () => judge([flow(0, 1, {}, [raw])], frame(request), 1),
    /does what is not known here: 0102/,
  )
})

const guard = guardFlows(1, {
  portId,
  mac: parseMac(mac),
  ips: [parseIp('10.0.0.10'), parseIp('fd00::10')],
  allowedAddressPairs: [],
})
const flows = [
  ...bridgeFlows('own', 'seen'),
  ...guard,
  ...admitFlows(2),
  ...silenceFlows(3, portId),
]
const prepared = prepare(flows)

const from4 = (src: string, segment = icmp({})): Uint8Array =>
  frame(ipv4({ src, dst: '10.0.0.1' }, segment))
const from6 = (src: string, segment = icmpv6Echo({}), hopLimit = 255): Uint8Array =>
  frame(ipv6({ src, dst: 'ff02::1', hopLimit }, segment))
const na = (target: string, tll = mac): Uint8Array =>
  from6(linkLocal, neighbourAdvertisement({ target, options: [ndOption.targetLinkLayer(tll)] }))
const other = '10.0.0.66'
const dhcp = ethernet(
  { src: mac, dst: 'ff:ff:ff:ff:ff:ff' },
  ipv4(
    { src: '0.0.0.0', dst: '255.255.255.255' },
    udp({ src: 68, dst: 67 }, dhcpDiscover({ mac, xid: 1 })),
  ),
)

const verdicts: readonly [string, Uint8Array, 'delivered' | 'dropped', Rule, string?][] = [
  ['ARP of its own', frame(request), 'delivered', 3, `${mac} 10.0.0.10`],
  [
    'ARP of another',
    frame(arpRequest({ sha: mac, spa: other, tpa: '10.0.0.1' })),
    'dropped',
    3,
    `${mac} ${other}`,
  ],
  [
    'an ARP reply with another MAC',
    frame(arp({ op: 2, sha: gateway, spa: '10.0.0.10', tpa: other })),
    'dropped',
    3,
    `${gateway} 10.0.0.10`,
  ],
  [
    'a probe of its own',
    frame(arpProbe({ sha: mac, tpa: '10.0.0.10' })),
    'delivered',
    4,
    `${mac} 10.0.0.10`,
  ],
  [
    'a probe of another',
    frame(arpProbe({ sha: mac, tpa: other })),
    'dropped',
    4,
    `${mac} ${other}`,
  ],
  ['RARP of its own', frame(rarp({ mac })), 'delivered', 5],
  ['RARP of another', frame(rarp({ mac: gateway })), 'dropped', 5],
  [
    'another source MAC',
    ethernet({ src: gateway, dst: mac }, ipv4({ src: '10.0.0.10', dst: other }, icmp({}))),
    'dropped',
    1,
    `${gateway} 10.0.0.10`,
  ],
  ['a tag', frame(request, 0), 'dropped', 2, `${mac} 10.0.0.10`],
  ['IPv4 of its own', from4('10.0.0.10'), 'delivered', 6, `${mac} 10.0.0.10`],
  ['IPv4 of another', from4(other), 'dropped', 6, `${mac} ${other}`],
  ['IPv4 from nobody', from4('0.0.0.0'), 'dropped', 7],
  ['a DHCP client', dhcp, 'delivered', 7],
  [
    'a DHCP server',
    from4('10.0.0.10', udp({ src: 67, dst: 68 }, '')),
    'dropped',
    8,
    `${mac} 10.0.0.10`,
  ],
  ['IPv6 of its own', from6('fd00::10'), 'delivered', 9, `${mac} fd00::10`],
  ['IPv6 of another', from6('fd00::66'), 'dropped', 9, `${mac} fd00::66`],
  ['IPv6 from nobody', from6('::'), 'dropped', 10],
  [
    'duplicate address detection',
    from6('::', neighbourSolicitation({ target: 'fd00::10' })),
    'delivered',
    10,
    `${mac} fd00::10`,
  ],
  [
    'the same of another',
    from6('::', neighbourSolicitation({ target: 'fd00::66' })),
    'dropped',
    10,
    `${mac} fd00::66`,
  ],
  ['an NA of its own', na('fd00::10'), 'delivered', 12, `${mac} fd00::10`],
  ['an NA of another', na('fd00::66'), 'dropped', 12, `${mac} fd00::66`],
  ['an NA with another MAC', na('fd00::10', gateway), 'dropped', 12, `${gateway} fd00::10`],
  ['an RA', from6(linkLocal, routerAdvertisement({})), 'dropped', 13, `${mac} ${linkLocal}`],
  ['LLDP', frame({ etherType: 0x88cc, bytes: new Uint8Array(46) }), 'dropped', 16],
]

for (const [name, bytes, verdict, rule, claim] of verdicts) {
  void test(`judged: ${name}`, () => {
    const judgement = judge(prepared, bytes, 1)
    assert.deepEqual([judgement.verdict, judgement.rule], [verdict, rule])
    const claimed = judgement.claim && `${judgement.claim.mac} ${judgement.claim.ip}`
    assert.equal(claimed, claim)
  })
}

void test('an admitted port may say anything, a silenced one nothing, and so one that is not known', () => {
  const judged = [2, 3, 4].map((inPort) => judge(prepared, from4(other), inPort))
  assert.deepEqual(
    judged.map(({ verdict, rule }) => [verdict, rule]),
    [
      ['delivered', 0],
      ['dropped', 0],
      ['dropped', 0],
    ],
  )
})

void test('the last flow of a table speaks for the rule that the frame falls under', () => {
  const last = [flow(0, 1, {}, [to(24)]), flow(24, 0, {}, [])]
  const ruleOf = (bytes: Uint8Array, table = 24): Rule =>
    judge(table === 24 ? last : [flow(0, 1, {}, [to(table)])], bytes, 1).rule
  assert.equal(ruleOf(frame(request)), 3)
  assert.equal(ruleOf(frame(arpProbe({ sha: mac, tpa: other }))), 4)
  assert.equal(ruleOf(na('fd00::10')), 12)
  assert.equal(ruleOf(frame(request), 25), 1)
  assert.equal(ruleOf(frame(rarp({ mac })), 71), 5)
  assert.equal(ruleOf(from4(other), 71), 6)
  assert.equal(ruleOf(from4('0.0.0.0'), 71), 7)
  assert.equal(ruleOf(from6('fd00::66'), 71), 9)
  assert.equal(ruleOf(from6('::'), 71), 10)
  assert.equal(ruleOf(frame(request, 5, 6), 71), 2)
  assert.equal(ruleOf(frame({ etherType: 0x88cc, bytes: new Uint8Array(46) }), 71), 16)
})

void test('in fragment mode drop, no fragment passes', () => {
  const fragment = from4('10.0.0.10')
  fragment[20] = 0x20
  assert.equal(judge(prepared, fragment, 2).verdict, 'delivered')
  const { verdict, path } = judge(prepared, fragment, 2, { fragments: 'drop' })
  assert.deepEqual([verdict, path], ['dropped', []])
  assert.equal(judge(prepared, from4(other), 2, { fragments: 'drop' }).verdict, 'delivered')
})

void test('whatever a guarded port is let say, it owns what it claims there', () => {
  const frames = wildFrames({
    macs: [mac, mac, gateway],
    ipv4s: ['10.0.0.10', other, '0.0.0.0'],
    ipv6s: ['fd00::10', linkLocal, 'fd00::66', '::'],
  })
  const own = new Set(['10.0.0.10', 'fd00::10', linkLocal].map((ip) => `${mac} ${ip}`))
  fc.assert(
    fc.property(frames, (bytes) => {
      const { verdict, claim } = judge(prepared, bytes, 1)
      if (verdict === 'dropped' || claim === undefined) return
      assert.ok(own.has(`${claim.mac} ${claim.ip}`), `${claim.mac} ${claim.ip}`)
    }),
    { numRuns: 5000 },
  )
})
