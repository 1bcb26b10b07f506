import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { macOfBytes, parseMac } from '@portward/addr'
import type { Mac } from '@portward/addr'
import type { Action, Flow } from '@portward/openflow'
import { flowKey, flowText } from '@portward/openflow'
import type { PortSpec } from './binding.ts'
import { breachOf, tables } from './pipeline.ts'
import { Audience, isAudienceKey, memberOf, pairFlows } from './toward.ts'
import type { Member } from './toward.ts'

const macs = [1, 2, 3, 4].map((n) => macOfBytes(Uint8Array.of(2, 0, 0, 0, 0, n)))
const GROUP = parseMac('ff:ff:ff:ff:ff:ff')
const VLANS = [0, 10, 20, 4094]
/** Some share a part of a VLAN, some don't. */
const ofports = [1, 2, 63, 64, 0xffff_fffe]
const names = ['tap1', 'tap2', 'tap3', 'tap4', 'tap5']

/** What a frame looks like where it comes in again, and the port that spoke. */
type Frame = { readonly vlan: number; readonly dst: Mac; readonly from: number }
/** What comes out, in any order. */
type Copy = `${number} ${'tagged' | 'untagged'}`

const members: fc.Arbitrary<Member> = fc
  .record(
    {
      ofport: fc.constant(0),
      macs: fc.subarray(macs, { minLength: 1 }),
      vlan: fc.constantFrom(...VLANS),
      tagged: fc.subarray([10, 20]),
    },
    { noNullPrototype: true },
  )
  .map((member) => ({ ...member, tagged: member.vlan === 0 ? member.tagged : [] }))

/** A member each, with the number of its name; undefined: it goes. */
const stories = fc.array(
  fc.tuple(fc.constantFrom(...names), fc.option(members, { nil: undefined })),
  { maxLength: 30 },
)

/** Whom a frame concerns: the rule in one place, as an operator would say it. */
function naive(all: Iterable<Member>, { vlan, dst, from }: Frame): readonly Copy[] {
  const copies: Copy[] = []
  for (const member of all) {
    if (member.ofport === from) continue
    if (dst !== GROUP && !member.macs.includes(dst)) continue
    if (member.vlan === vlan) copies.push(`${member.ofport} untagged`)
    else if (member.tagged.includes(vlan)) copies.push(`${member.ofport} tagged`)
  }
  return copies.toSorted()
}

/** What tables 95 and 96 do with it, flow by flow and action by action. */
function run(flows: Iterable<Flow>, { vlan, dst, from }: Frame): readonly Copy[] {
  const tci = vlan === 0 ? 0 : 0x1000 | vlan
  const all = [...flows]
  const fitting = all.filter(({ table, match: { vlanTci, ethDst } }) => {
    if (table !== tables.toward.id) return false
    assert.ok(typeof vlanTci === 'object' && ethDst !== undefined)
    const fits = typeof ethDst === 'object' ? dst === GROUP : ethDst === dst
    return fits && (tci & vlanTci.mask) === vlanTci.value
  })
  assert.ok(fitting.length <= 1, 'no two flows take one frame')
  let tagged = vlan !== 0
  let part = 0
  const copies: Copy[] = []
  const apply = (actions: readonly Action[]): void => {
    for (const action of actions) {
      if (action.type === 'load') part = Number(action.value)
      if (action.type === 'resubmit') {
        const parts = all.filter(({ match: { reg2 } }) => reg2 === part)
        assert.equal(parts.length, 1, 'a part has one flow')
        apply(parts[0]?.actions ?? [])
      }
      if (action.type === 'popVlan') {
        assert.ok(tagged, 'there is a tag to take off')
        tagged = false
      }
      if (action.type === 'output' && action.port !== from) {
        copies.push(`${action.port} ${tagged ? 'tagged' : 'untagged'}`)
      }
    }
  }
  apply(fitting[0]?.actions ?? [])
  return copies.toSorted()
}

void test('whatever members come and go, each frame reaches just those that it concerns, and only what changed is told', () => {
  fc.assert(
    fc.property(stories, (story) => {
      const audience = new Audience()
      const there = new Map<string, Member>()
      // As a switch has them that is told of touched keys alone.
      const flows = new Map<string, readonly Flow[]>()
      for (const [name, wanted] of story) {
        const member = wanted && { ...wanted, ofport: ofports[names.indexOf(name)] ?? 0 }
        if (member === undefined) there.delete(name)
        else there.set(name, member)
        for (const key of audience.set(name, member)) {
          assert.ok(isAudienceKey(key))
          const before = flows.get(key)
          const now = audience.flowsOf(key)
          assert.notDeepEqual(now, before ?? [], 'what is touched has changed')
          flows.set(key, now)
        }
        assert.deepEqual(audience.set(name, member), new Set(), 'nothing changes twice')
      }
      assert.deepEqual(audience.members, there)
      const all = [...flows.values()].flat()
      assert.equal(new Set(all.map(flowKey)).size, all.length)
      for (const flow of all) assert.equal(breachOf(flow), undefined)
      for (const vlan of [...VLANS, 7]) {
        for (const dst of [...macs, GROUP, parseMac('02:00:00:00:99:99')]) {
          for (const from of [0, ...ofports]) {
            const frame = { vlan, dst, from }
            assert.deepEqual(run(all, frame), naive(there.values(), frame), JSON.stringify(frame))
          }
        }
      }
    }),
    { numRuns: 300 },
  )
})

void test('of a port, what it hears: its MAC and those of its pairs, in its VLAN or those of its permitted tags', () => {
  const spec: PortSpec = {
    portId: '1f0bd2cb-a63a-4c77-a04a-fa57b6e43463',
    mac: macs[0] ?? GROUP,
    ips: [],
    allowedAddressPairs: [],
  }
  const hears = { ofport: 7, macs: [spec.mac], vlan: 0, tagged: [] }
  assert.deepEqual(memberOf(7, 0, spec), hears)
  assert.deepEqual(memberOf(7, 0, { ...spec, checks: { vlan: [10, 20, 10] } }), {
    ...hears,
    tagged: [10, 20],
  })
  const access = { ...hears, vlan: 10 }
  assert.deepEqual(memberOf(7, 10, { ...spec, checks: { vlan: [20] } }), access)
  assert.equal(memberOf(7, 0, { ...spec, checks: { vlan: false } }), undefined)
})

void test('one member more among a thousand is told in flows of a few ports', () => {
  const audience = new Audience()
  const member = (ofport: number): Member => ({ ofport, macs: [GROUP], vlan: 0, tagged: [] })
  for (let i = 1; i <= 1000; i++) audience.set(`tap${i}`, member(i))
  const touched = audience.set('tap500', { ...member(500), macs: [macs[0] ?? GROUP] })
  assert.equal(touched.size, 2, 'its MACs')
  const gone = [...audience.set('tap500', undefined)].flatMap((key) => audience.flowsOf(key))
  assert.deepEqual(
    gone.map(({ table, actions }) => [table, actions.length]),
    [[96, 63]],
  )
})

void test('the flows of the pair, as ovs-ofctl prints them', () => {
  const flows = pairFlows({ flood: 1, again: 2 })
  for (const flow of flows) assert.equal(breachOf(flow), undefined)
  assert.deepEqual(
    flows.map((flow) => flowText(flow).replace(/^cookie=\w+, /, '')),
    [
      'table=0, priority=50,in_port=1 actions=drop',
      'table=0, priority=50,in_port=2 actions=move:NXM_NX_PKT_MARK[]->OXM_OF_IN_PORT[],load:0->NXM_NX_PKT_MARK[],resubmit(,95)',
      'table=94, priority=2,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00 actions=move:OXM_OF_IN_PORT[]->NXM_NX_PKT_MARK[],NORMAL',
      'table=95, priority=0 actions=drop',
    ],
  )
})
