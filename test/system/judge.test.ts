// What `judge` makes of a frame is what the switch makes of it: the same flows, one after the other, and the same end. The switch
// is asked with `ofproto/trace`; of hostile frames, by guards and by flows of any kind, however it looks at tags and fragments.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import * as fc from 'fast-check'
import type { Ipv4, Ipv6, Mac } from '@portward/addr'
import { parseIp, parseMac, parsePrefix } from '@portward/addr'
import type { Action, Flow, Match } from '@portward/openflow'
import { OFPP, flowText } from '@portward/openflow'
import type { View } from '@portward/portsec'
import {
  admitFlows,
  bridgeFlows,
  guardFlows,
  judge,
  prepare,
  silenceFlows,
} from '@portward/portsec'
import type { Switch, Tracer } from '@portward/testkit'
import { openTracer, startSwitch, wildFrames } from '@portward/testkit'

const [macA, macB, macC] = ['fa:16:3e:00:00:10', 'fa:16:3e:00:00:11', 'fa:16:3e:00:00:99'] as const
const frames = wildFrames({
  macs: [macA, macA, macB, macC, '00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff', '01:80:c2:00:00:00'],
  ipv4s: ['10.0.0.1', '10.0.0.1', '10.0.9.9', '0.0.0.0', '224.0.0.22', '255.255.255.255'],
  ipv6s: ['fd00::1', 'fd00::1', 'fe80::f816:3eff:fe00:10', 'fd00::2', '::', 'ff02::1'],
})
const views: readonly Required<View>[] = [0, 1, 2].flatMap((limit) =>
  (['normal', 'nx-match'] as const).map((fragments) => ({
    vlanLimit: limit as 0 | 1 | 2,
    fragments,
  })),
)

let sw: Switch
let tracer: Tracer
let ports: readonly number[]

before(async () => {
  sw = await startSwitch()
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  await sw.addPorts(names.map((name) => ({ name })))
  const ofports = await sw.ofports()
  ports = names.map((name) => ofports.get(name) ?? assert.fail(name))
  tracer = await openTracer(sw)
})
after(async () => {
  await tracer[Symbol.asyncDispose]()
  await sw[Symbol.asyncDispose]()
})

async function look(view: Required<View>): Promise<void> {
  await sw.vsctl('set', 'Open_vSwitch', '.', `other_config:vlan-limit=${view.vlanLimit}`)
  await sw.ofctl('set-frags', sw.bridge, view.fragments)
}

async function replaceFlows(flows: readonly Flow[]): Promise<void> {
  await sw.ofctl('del-flows', sw.bridge)
  await sw.ofctlWith(flows.map(flowText).join('\n'), '-OOpenFlow14', 'add-flows', sw.bridge, '-')
}

/** Throws where the two differ; counts the frames that were delivered. */
async function compare(flows: readonly Flow[], count: number, view: View): Promise<number> {
  const prepared = prepare(flows)
  const cases = fc.sample(fc.tuple(fc.constantFrom(...ports), frames), count)
  const whole = cases.filter(([, frame]) => frame.length >= 14)
  const told = await Promise.all(whole.map(([port, frame]) => tracer.trace(port, frame)))
  let delivered = 0
  for (const [i, [port, frame]] of whole.entries()) {
    const { text = '', delivered: really } = told[i] ?? {}
    const { verdict, path } = judge(prepared, frame, port, view)
    const what = `${JSON.stringify(view)} in_port=${port} ${Buffer.from(frame).toString('hex')}\n${text}`
    const steps = path.map(({ table, flow }) =>
      flow === undefined
        ? `${table} none`
        : `${table} ${flow.priority} ${flow.cookie.toString(16)}`,
    )
    assert.deepEqual(steps, stepsIn(text), what)
    assert.equal(verdict, really === true ? 'delivered' : 'dropped', what)
    if (verdict === 'delivered') delivered++
  }
  return delivered
}

/** ` 0. in_port=1, priority 9, cookie 0x5057010000000000`, `60. No match.` */
function stepsIn(trace: string): readonly string[] {
  const line = /^ *(\d+)\. (?:.*priority (\d+)(?:, cookie 0x([0-9a-f]+))?|No match\.)$/gm
  return [...trace.matchAll(line)].map(([, table, priority, cookie = '0']) =>
    priority === undefined ? `${table} none` : `${table} ${priority} ${cookie}`,
  )
}

/** Ports of every kind: guarded, a trunk, exempted from this and that, of a pair for any address, admitted, silenced. */
function guards(fragments: 'seen' | 'hidden'): readonly Flow[] {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = ports
  const spec = {
    portId: '1f0bd2cb-a63a-4c77-a04a-fa57b6e43463',
    mac: parseMac(macA),
    ips: [parseIp('10.0.0.1'), parseIp('fd00::1')],
    allowedAddressPairs: [],
  }
  const anything = ['0.0.0.0/0', '::/0'].map((text) => ({
    mac: parseMac(macB),
    prefix: parsePrefix(text),
  }))
  return [
    ...bridgeFlows('own', fragments),
    ...guardFlows(a, spec),
    ...guardFlows(b, { ...spec, checks: { vlan: [1, 10], ethertype: [0x88cc, 0x8847] } }),
    ...guardFlows(c, {
      ...spec,
      checks: { vlan: false, ethertype: false, arp: false, nd: false, source: false },
    }),
    ...guardFlows(d, {
      ...spec,
      allowedAddressPairs: anything,
      checks: { ra: false, query: false },
    }),
    ...admitFlows(e),
    ...silenceFlows(f, spec.portId),
  ]
}

for (const view of views) {
  const name = `vlan-limit ${view.vlanLimit}, fragments ${view.fragments}`
  void test(`guards: ${name}`, async () => {
    await look(view)
    const flows = guards(view.fragments === 'normal' ? 'hidden' : 'seen')
    await replaceFlows(flows)
    const delivered = await compare(flows, 3000, view)
    assert.ok(delivered > 300, `only ${delivered} frames were delivered: that says little`)
  })

  void test(`flows of any kind: ${name}`, async () => {
    await look(view)
    let delivered = 0
    for (let round = 0; round < 5; round++) {
      const flows = anyFlows()
      await replaceFlows(flows)
      delivered += await compare(flows, 400, view)
    }
    assert.ok(delivered > 100, `only ${delivered} frames were delivered: that says little`)
  })
}

void test('fragment mode drop: no fragment comes to the flows', async () => {
  const view = { vlanLimit: 1, fragments: 'drop' } as const
  await sw.vsctl('set', 'Open_vSwitch', '.', 'other_config:vlan-limit=1')
  await sw.ofctl('set-frags', sw.bridge, 'drop')
  const flows: readonly Flow[] = [
    {
      table: 0,
      priority: 1,
      cookie: 0n,
      match: {},
      actions: [{ type: 'output', port: OFPP.normal }],
    },
  ]
  await replaceFlows(flows)
  const whole = fc.sample(frames, 2000).filter((frame) => frame.length >= 14)
  for (const frame of whole) {
    const { delivered, text } = await tracer.trace(ports[0] ?? 0, frame)
    const { verdict } = judge(flows, frame, ports[0] ?? 0, view)
    assert.equal(verdict === 'delivered', delivered, text)
  }
})

void test('a loop is given up as a whole, and what was delivered before with it', async () => {
  await look({ vlanLimit: 1, fragments: 'nx-match' })
  const again = (table: number): Action => ({ type: 'resubmit', table })
  const normal: Action = { type: 'output', port: OFPP.normal }
  const loops: readonly (readonly Flow[])[] = [
    [{ table: 0, priority: 1, cookie: 0n, match: {}, actions: [normal, again(0)] }],
    // Only on the way back is it deeper.
    Array.from({ length: 100 }, (_, table) => {
      const actions = table === 99 ? [normal] : [again(table + 1)]
      return { table, priority: 1, cookie: 0n, match: {}, actions }
    }),
    [
      { table: 0, priority: 1, cookie: 0n, match: {}, actions: [normal, again(1)] },
      { table: 1, priority: 1, cookie: 0n, match: {}, actions: [again(2), again(2)] },
      ...Array.from({ length: 12 }, (_, i) => {
        return {
          table: i + 2,
          priority: 1,
          cookie: 0n,
          match: {},
          actions: [again(i + 3), again(i + 3)],
        }
      }),
    ],
  ]
  const verdicts: string[] = []
  for (const flows of loops) {
    await replaceFlows(flows)
    const frame = new Uint8Array(60)
    const { delivered } = await tracer.trace(ports[0] ?? 0, frame)
    const { verdict } = judge(flows, frame, ports[0] ?? 0)
    assert.equal(verdict === 'delivered', delivered)
    verdicts.push(verdict)
  }
  assert.deepEqual(verdicts, ['dropped', 'delivered', 'dropped'])
})

/** Over five tables, no two of the same priority: which of those takes a frame is nobody's to say. */
function anyFlows(): readonly Flow[] {
  const onward = (table: number): Action =>
    table === 4 ? { type: 'output', port: OFPP.normal } : { type: 'resubmit', table: table + 1 }
  const lasts = [0, 1, 2, 3, 4].map((table): Flow => {
    return { table, priority: 0, cookie: 0n, match: {}, actions: [onward(table)] }
  })
  const parts = fc.sample(
    fc.record({ table: fc.nat(4), match: matches(), actions: actions() }),
    120,
  )
  const flows = parts.map(({ table, match, actions }, i): Flow => {
    const popping = actions.some(({ type }) => type === 'popVlan')
    const tagged = popping ? { ...match, vlanTci: { value: 0x1000, mask: 0x1000 } } : match
    // Most go on, and few go back: what goes back goes round and round.
    const wished = i % 4 === 0 ? actions : [...actions, onward(table)]
    const most = wished.map((action) => {
      const back = action.type === 'resubmit' && action.table <= table
      return back && i % 30 !== 0 ? onward(table) : action
    })
    const accepted = acceptable(most, popping ? 1 : 0)
    return { table, priority: i + 1, cookie: BigInt(i), match: tagged, actions: accepted }
  })
  return [...flows, ...lasts]
}

/** The switch refuses a flow that takes off a tag that need not be there, or puts on a third. `tags` is how many it matches. */
function acceptable(actions: readonly Action[], tags: number): readonly Action[] {
  return actions.filter(({ type }) => {
    const change = type === 'pushVlan' ? 1 : type === 'popVlan' ? -1 : 0
    if (tags + change < 0 || tags + change > 2) return false
    tags += change
    return true
  })
}

function matches(): fc.Arbitrary<Match> {
  const exactOr = <T>(value: T, mask: T): fc.Arbitrary<T | { value: T; mask: T }> =>
    fc.constantFrom(value, { value, mask })
  const ip4 = exactOr('10.0.0.1' as Ipv4, '255.255.0.0' as Ipv4)
  const ip6 = exactOr('fd00::1' as Ipv6, 'ffff::' as Ipv6)
  const mac = exactOr(macA as Mac, 'ff:ff:ff:ff:ff:f0' as Mac)
  const arp = fc.constantFrom(0x0806, 0x8035)
  const nd = { ethType: fc.constant(0x86dd), ipProto: fc.constant(58) }
  const frag = fc.constantFrom(0, 1, 3, { value: 0, mask: 2 }, { value: 1, mask: 1 })
  const ports = fc.constantFrom(0, 53, 67, 68, 547, { value: 64, mask: 0xffc0 })
  const kinds: readonly fc.Arbitrary<Match>[] = [
    fc.constant({}),
    fc.record({ ethType: fc.constantFrom(0x0800, 0x0806, 0x86dd, 0x05ff, 0x8100, 0x88a8, 0x9100) }),
    fc.record({ ethType: arp, arpOp: fc.constantFrom(0, 1, 2, 3) }),
    fc.record({ ethType: arp, arpSpa: ip4, arpSha: mac }),
    fc.record({ ethType: arp, arpTpa: ip4, arpTha: mac }),
    fc.record({ ethType: fc.constant(0x0800), ipv4Src: ip4 }),
    fc.record({ ethType: fc.constant(0x0800), ipv4Dst: ip4, ipFrag: frag }),
    fc.record({ ethType: fc.constant(0x0800), ipTtl: fc.constantFrom(0, 64, 255) }),
    fc.record({ ethType: fc.constant(0x86dd), ipv6Src: ip6 }),
    fc.record({ ethType: fc.constant(0x86dd), ipv6Dst: ip6, ipFrag: frag }),
    fc.record({ ethType: fc.constant(0x86dd), ipTtl: fc.constantFrom(0, 64, 255) }),
    fc.record({
      ethType: fc.constantFrom(0x0800, 0x86dd),
      ipProto: fc.constantFrom(0, 2, 6, 17, 44, 58),
    }),
    fc.record({
      ethType: fc.constantFrom(0x0800, 0x86dd),
      ipProto: fc.constant(17),
      udpSrc: ports,
    }),
    fc.record({ ethType: fc.constantFrom(0x0800, 0x86dd), ipProto: fc.constant(6), tcpDst: ports }),
    fc.record({
      ethType: fc.constant(0x0800),
      ipProto: fc.constant(1),
      icmpv4Type: fc.constantFrom(0, 5, 8),
    }),
    fc.record({ ...nd, icmpv6Type: fc.constantFrom(0, 128, 134, 135, 136), icmpv6Code: fc.nat(1) }),
    fc.record({
      ...nd,
      icmpv6Type: fc.constantFrom(135, 136),
      ipv6NdTarget: fc.oneof(ip6, fc.constant('::' as Ipv6)),
    }),
    fc.record({ ...nd, icmpv6Type: fc.constant(135), ipv6NdSll: mac }),
    fc.record({ ...nd, icmpv6Type: fc.constant(136), ipv6NdTll: mac }),
  ]
  const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
    fc.option(arbitrary, { nil: undefined, freq: 1 })
  const common = fc.record({
    inPort: optional(fc.constantFrom(1, 2, 3, 4, 5, 6)),
    ethSrc: optional(mac),
    vlanTci: optional(
      fc.constantFrom(
        0,
        { value: 0x1000, mask: 0x1000 },
        { value: 0x100a, mask: 0x1fff },
        { value: 0x1001, mask: 0x1fff },
      ),
    ),
    reg0: optional(fc.constantFrom(0, { value: 1, mask: 1 }, { value: 0, mask: 0xf0 })),
    reg1: optional(fc.constantFrom({ value: 0x1000, mask: 0x1000 }, { value: 0, mask: 0xfff })),
  })
  return fc.tuple(fc.oneof(...kinds), common).map(([kind, rest]) => {
    const said = Object.entries(rest).filter(([, value]) => value !== undefined)
    return { ...kind, ...Object.fromEntries(said.slice(0, 1)) }
  })
}

function actions(): fc.Arbitrary<readonly Action[]> {
  const action = fc.oneof<fc.Arbitrary<Action>[]>(
    fc.nat(4).map((table): Action => ({ type: 'resubmit', table })),
    fc.nat(4).map((table): Action => ({ type: 'resubmit', table })),
    fc
      .record({ offset: fc.nat(28), bits: fc.constantFrom(1, 4), value: fc.bigInt(0n, 1n) })
      .map((load): Action => ({ type: 'load', field: 'reg0', ...load })),
    fc.constant<Action>({ type: 'load', field: 'reg0', offset: 0, bits: 32, value: 0xffff_fff1n }),
    fc.constant<Action>({ type: 'move', from: 'vlanTci', to: 'reg1', bits: 16 }),
    fc.constant<Action>({ type: 'move', from: 'reg1', to: 'vlanTci', bits: 16 }),
    fc.constant<Action>({ type: 'move', from: 'reg0', to: 'reg1', bits: 8 }),
    fc.constant<Action>({ type: 'popVlan' }),
    fc.constant<Action>({ type: 'pushVlan', tpid: 0x8100 }),
    fc.constantFrom(OFPP.normal, 1, 2).map((port): Action => ({ type: 'output', port })),
  )
  return fc.array(action, { maxLength: 4 })
}
