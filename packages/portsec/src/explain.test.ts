import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseIp, parseMac, parsePrefix } from '@portward/addr'
import {
  BROADCAST,
  arpReply,
  bpdu,
  dhcp,
  ethernet,
  icmp,
  ipv4,
  ipv6,
  lldp,
  neighbourAdvertisement,
  packet,
  rarp,
  routerAdvertisement,
  udp,
  wildFrames,
} from '@portward/testkit'
import type { Change } from './remedy.ts'
import { changed } from './remedy.ts'
import type { Owners } from './explain.ts'
import { explain, opens } from './explain.ts'
import { judge } from './judge.ts'
import type { Subject } from './subject.ts'
import { flowsOf, isUntouched, viewOf } from './subject.ts'

const MAC = 'fa:16:3e:00:00:10'
const OTHER = 'fa:16:3e:00:00:99'
const ofport = 7
const subject: Subject = {
  spec: {
    portId: '1f0bd2cb-a63a-4c77-a04a-fa57b6e43463',
    mac: parseMac(MAC),
    ips: [parseIp('10.0.0.1'), parseIp('fd00::1')],
    allowedAddressPairs: [],
  },
  ofport,
  guarded: true,
  up: true,
  mode: 'own',
  fragments: 'seen',
}

function from(src: string, carried: Parameters<typeof ethernet>[1], tags: readonly number[] = []) {
  return ethernet({ src, dst: BROADCAST, tags: tags.map((vid) => ({ vid })) }, carried)
}
const spoof = (sha = MAC) => arpReply({ sha, spa: '10.0.0.9', tha: sha, tpa: '10.0.0.9' })
const datagram = (src: string) => ipv4({ src, dst: '10.0.0.2' }, udp({ src: 9, dst: 9 }, ''))
const ra = (src: string, router: object = {}) =>
  ipv6({ src, dst: 'ff02::1', hopLimit: 255 }, routerAdvertisement(router))
const offer = udp({ src: 67, dst: 68 }, dhcp({ type: 'offer', mac: OTHER, xid: 1 }))

function changesFor(frame: Uint8Array, port = subject): readonly Change[] | undefined {
  return explain(port, frame).remedy?.changes
}

void test('a claim of another’s address: the rule, the way to it, whose it is, and the pair that allows it', () => {
  const frame = from(MAC, spoof())
  const { verdict, rule, ruleText, what, path, claim, remedy } = explain(subject, frame)
  assert.deepEqual([verdict, rule], ['dropped', 3])
  assert.equal(ruleText, 'ARP claims a binding of the port')
  assert.equal(what, `an ARP reply: 10.0.0.9 is at ${MAC}`)
  assert.deepEqual(
    path.map(({ table, words }) => [table, words]),
    [
      [0, 'ARP on port 7: on to table 24 (claim)'],
      [24, 'every other ARP and neighbour advertisement: dropped'],
    ],
  )
  assert.match(path[0]?.text ?? '', /^cookie=0x5057.*arp,in_port=7 actions=resubmit\(,24\)$/)
  assert.deepEqual(claim, { mac: MAC, ip: '10.0.0.9' })
  assert.ok(remedy)
  assert.deepEqual(remedy.changes, [{ type: 'pair', mac: MAC, ip: '10.0.0.9' }])
  assert.deepEqual(remedy.port.spec.allowedAddressPairs, [{ mac: MAC, prefix: '10.0.0.9/32' }])
  const owners: Owners = { ofIp: () => 'port bob', ofMac: () => undefined }
  const [opened = ''] = opens(remedy, subject, owners)
  assert.match(opened, /WARNING: 10\.0\.0\.9 is that of port bob: both could then answer for it/)
})

void test('the smallest change that helps is offered, and no greater one', () => {
  const link = 'fe80::f816:3eff:fe00:99'
  const rows: readonly (readonly [name: string, Uint8Array, readonly Change[] | undefined])[] = [
    ['own address', from(MAC, datagram('10.0.0.1')), undefined],
    [
      'IPv4 of another address',
      from(MAC, datagram('10.0.0.9')),
      [{ type: 'pair', mac: parseMac(MAC), ip: parseIp('10.0.0.9') }],
    ],
    [
      'another MAC and no address',
      from(OTHER, rarp({ mac: OTHER })),
      [{ type: 'pair', mac: parseMac(OTHER), ip: parseIp(link) }],
    ],
    [
      'a neighbour advertisement from and for two addresses, neither its own',
      from(
        MAC,
        ipv6(
          { src: 'fd00::8', dst: 'ff02::1', hopLimit: 255 },
          neighbourAdvertisement({ target: 'fd00::9' }),
        ),
      ),
      [
        { type: 'pair', mac: parseMac(MAC), ip: parseIp('fd00::8') },
        { type: 'pair', mac: parseMac(MAC), ip: parseIp('fd00::9') },
      ],
    ],
    [
      'ARP that speaks for another station: no pair helps',
      from(MAC, spoof(OTHER)),
      [{ type: 'exempt', check: 'arp' }],
    ],
    [
      'a DHCP server',
      from(MAC, ipv4({ src: '10.0.0.1', dst: '255.255.255.255' }, offer)),
      [{ type: 'exempt', check: 'dhcp-server' }],
    ],
    [
      'a DHCP server of another address, in a VLAN',
      from(MAC, ipv4({ src: '10.0.0.9', dst: '255.255.255.255' }, offer), [100]),
      [
        { type: 'list', check: 'vlan', entry: 100 },
        { type: 'pair', mac: parseMac(MAC), ip: parseIp('10.0.0.9') },
        { type: 'exempt', check: 'dhcp-server' },
      ],
    ],
    [
      'a router advertisement of another MAC',
      from(OTHER, ra(link)),
      [
        { type: 'pair', mac: parseMac(OTHER), ip: parseIp(link) },
        { type: 'exempt', check: 'ra' },
      ],
    ],
    [
      'ICMP redirect',
      from(MAC, ipv4({ src: '10.0.0.1', dst: '10.0.0.2' }, icmp({ type: 5 }))),
      [{ type: 'exempt', check: 'redirect' }],
    ],
    [
      'VLAN 100',
      from(MAC, datagram('10.0.0.1'), [100]),
      [{ type: 'list', check: 'vlan', entry: 100 }],
    ],
    [
      'two tags: the switch takes the second for an EtherType',
      from(MAC, datagram('10.0.0.1'), [100, 200]),
      [
        { type: 'exempt', check: 'vlan' },
        { type: 'exempt', check: 'ethertype' },
      ],
    ],
    ['a priority tag', from(MAC, datagram('10.0.0.1'), [0]), [{ type: 'exempt', check: 'vlan' }]],
    [
      'an EtherType',
      from(MAC, packet(0x88f7, new Uint8Array(40))),
      [{ type: 'list', check: 'ethertype', entry: 0x88f7 }],
    ],
    ['a group as sender', from('01:00:5e:00:00:01', datagram('10.0.0.1')), [{ type: 'off' }]],
    [
      'a link’s own frames',
      ethernet({ src: MAC, dst: '01:80:c2:00:00:0e' }, lldp({ mac: MAC })),
      undefined,
    ],
    [
      'spanning tree',
      ethernet({ src: MAC, dst: '01:80:c2:00:00:00' }, bpdu({ mac: MAC })),
      undefined,
    ],
  ]
  for (const [name, frame, wanted] of rows) assert.deepEqual(changesFor(frame), wanted, name)
})

void test('what the switch itself never forwards has no remedy, and the reason is given', () => {
  const reserved = ethernet({ src: MAC, dst: '01:80:c2:00:00:0e' }, lldp({ mac: MAC }))
  assert.match(explain(subject, reserved).note ?? '', /forwards nothing to 01:80:c2:00:00:0e/)
  const open = explain({ ...subject, guarded: false }, reserved)
  assert.equal(open.verdict, 'delivered')
  assert.match(open.note ?? '', /forwards nothing/)
  const broken = explain(subject, from(MAC, packet(0x8100, new Uint8Array(1))))
  assert.equal(broken.remedy, undefined)
  assert.match(broken.note ?? '', /breaks off/)
})

void test('a list that is there is kept, and one that is full stays so', () => {
  const frame = from(MAC, packet(0x88f7, new Uint8Array(40)))
  const listed: Subject = {
    ...subject,
    spec: { ...subject.spec, checks: { ethertype: [0x88cc], vlan: [3] } },
  }
  const { remedy } = explain(listed, frame)
  assert.deepEqual(remedy?.port.spec.checks, { ethertype: [0x88cc, 0x88f7], vlan: [3] })
  const pair = { mac: parseMac(MAC), prefix: parsePrefix('10.9.0.0/16') }
  const full: Subject = {
    ...subject,
    most: { pairs: 1, etherTypes: 64 },
    spec: { ...subject.spec, allowedAddressPairs: [pair] },
  }
  assert.deepEqual(changesFor(from(MAC, datagram('10.0.0.9')), full), [
    { type: 'exempt', check: 'source' },
  ])
  const off = explain(full, from('01:00:5e:00:00:01', datagram('10.0.0.1'))).remedy
  assert.deepEqual(off?.port.spec.allowedAddressPairs, [])
})

void test('a port that is down, silent, or cannot be guarded', () => {
  const frame = from(MAC, datagram('10.0.0.9'))
  const down = { ...subject, up: false }
  assert.match(explain(down, frame).ruleText, /admin_state_up is false/)
  assert.deepEqual(changesFor(frame, down), [
    { type: 'up' },
    { type: 'pair', mac: MAC, ip: '10.0.0.9' },
  ])
  const silent = explain({ ...subject, silence: 'tap1 has the same iface-id' }, frame)
  assert.deepEqual([silent.verdict, silent.remedy], ['dropped', undefined])
  assert.match(silent.ruleText, /tap1 has the same iface-id/)
  const wrong = { ...subject, spec: { ...subject.spec, mac: parseMac('01:00:5e:00:00:01') } }
  assert.deepEqual(changesFor(frame, wrong), [{ type: 'off' }])
  const shared = explain({ ...subject, mode: 'shared', guarded: false }, frame)
  assert.deepEqual([shared.verdict, shared.path], ['delivered', []])
})

void test('whatever a port is and a frame says: a remedy lets it pass, and none is without use', () => {
  let offered = 0
  let most = 0
  fc.assert(
    fc.property(subjects(), frames, (port, frame) => {
      const begun = performance.now()
      const { verdict, remedy, note } = explain(port, frame)
      most = Math.max(most, performance.now() - begun)
      if (verdict === 'delivered') return assert.equal(remedy, undefined)
      if (remedy === undefined) return assert.ok(note !== undefined || port.silence !== undefined)
      offered++
      const flows = flowsOf(remedy.port)
      const after = judge(flows, frame, ofport, viewOf(port))
      assert.ok(after.verdict === 'delivered' || isUntouched(remedy.port))
      // None of the changes can be left out.
      for (const left of remedy.changes) {
        const fewer = changedBy(port, remedy.changes, left)
        if (fewer === undefined) continue
        assert.equal(explain(fewer, frame).verdict, 'dropped', JSON.stringify(remedy.changes))
      }
      for (const text of opens(remedy, port, nobody)) assert.match(text, /^[A-Z].*\.$/)
    }),
    { numRuns: 1000 },
  )
  assert.ok(offered > 500, `only ${offered} remedies: that says little`)
  assert.ok(most < 1000, `one explanation took ${most} ms`)
})

function changedBy(port: Subject, changes: readonly Change[], left: Change): Subject | undefined {
  let after: Subject | undefined = port
  for (const change of changes) {
    if (change !== left) after = after && changed(after, change)
  }
  return after
}

const nobody: Owners = { ofIp: () => undefined, ofMac: () => undefined }
const frames = wildFrames({
  macs: [MAC, MAC, OTHER, '00:00:00:00:00:00', BROADCAST, '01:80:c2:00:00:00'],
  ipv4s: ['10.0.0.1', '10.0.0.9', '0.0.0.0', '224.0.0.22', '255.255.255.255'],
  ipv6s: ['fd00::1', 'fe80::f816:3eff:fe00:10', 'fd00::2', '::', 'ff02::1'],
}).filter((frame) => frame.length >= 14)

function subjects(): fc.Arbitrary<Subject> {
  const exempted = fc.constantFrom(undefined, undefined, undefined, false)
  const someChecks = fc
    .record({
      arp: exempted,
      nd: exempted,
      source: exempted,
      'dhcp-server': exempted,
      ra: exempted,
      redirect: exempted,
      query: exempted,
      vlan: fc.constantFrom(undefined, undefined, false, [1, 10]),
      ethertype: fc.constantFrom(undefined, undefined, false, [0x88cc, 0x8847]),
    })
    .map((all) => Object.fromEntries(Object.entries(all).filter(([, one]) => one !== undefined)))
  const pair = fc.record({
    mac: fc.constantFrom(MAC, OTHER).map(parseMac),
    prefix: fc.constantFrom('10.0.0.9/32', '0.0.0.0/0', '::/0', 'fd00::2/128').map(parsePrefix),
  })
  return fc
    .record({
      checks: someChecks,
      allowedAddressPairs: fc.array(pair, { maxLength: 2 }),
      guarded: fc.constantFrom(true, true, true, false),
      up: fc.constantFrom(true, true, true, false),
      mode: fc.constantFrom('own' as const, 'shared' as const),
      fragments: fc.constantFrom('seen' as const, 'hidden' as const),
    })
    .map(({ checks, allowedAddressPairs, ...rest }) => ({
      ...subject,
      ...rest,
      spec: { ...subject.spec, checks, allowedAddressPairs },
    }))
}
