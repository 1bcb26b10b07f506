// OpenFlow against a real switch, in each version. ovs-ofctl is the other hand that changes flows, and says what there is.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import * as fc from 'fast-check'
import { parseIp, parseMac, parsePrefix } from '@portward/addr'
import { SwitchError, flowKey, flowText, openSwitch, sameFlow } from '@portward/openflow'
import type { Flow, FlowEvent, FlowMod, SwitchConnection } from '@portward/openflow'
import {
  Audience,
  admitFlows,
  bridgeFlows,
  guardFlows,
  memberOf,
  pairFlows,
  silenceFlows,
} from '@portward/portsec'
import type { PortSpec } from '@portward/portsec'
import { startSwitch } from '@portward/testkit'
import type { Switch } from '@portward/testkit'
import { GROUPS, flows, withLoads } from '../../packages/openflow/src/testing.ts'

const never = new AbortController().signal
const versions = { OpenFlow13: 4, OpenFlow14: 5, OpenFlow15: 6 } as const

const open = (sw: Switch): Promise<SwitchConnection> =>
  openSwitch({ address: `${sw.rundir}/${sw.bridge}.mgmt`, signal: never })

const adds = (flows: readonly Flow[]): readonly FlowMod[] =>
  flows.map((flow) => ({ command: 'add', flow }))

/** Generated flows, no two of the same key. */
function sample(count: number, seed: number): readonly Flow[] {
  const all = fc.sample(flows, { numRuns: count, seed })
  return [...new Map(all.map((flow) => [flowKey(flow), flow])).values()]
}

/** All that a bridge of ours has with 50 ports in 7 VLANs, some of them with pairs, one admitted, one silenced. */
function guards(): readonly Flow[] {
  const audience = new Audience()
  const heard = new Set<string>()
  const ports = Array.from({ length: 50 }, (_, i) => {
    const prefix = parsePrefix(i % 2 === 0 ? `10.9.${i}.0/${i % 33}` : `fd09::${i}:0/${i * 2}`)
    const pair = { mac: parseMac(`fa:16:3e:00:02:${hex(i)}`), prefix }
    const spec: PortSpec = {
      portId: `000000${hex(i)}-0000-4000-8000-000000000000`,
      mac: parseMac(`fa:16:3e:00:01:${hex(i)}`),
      ips: [parseIp(`10.0.0.${i}`), parseIp(`fd00::${i}`)],
      allowedAddressPairs: i % 3 === 0 ? [pair] : [],
      checks: i % 5 === 0 ? { vlan: [i + 1], ethertype: [0x88cc], arp: false } : {},
    }
    const keys = audience.set(`tap${i}`, memberOf(i + 1, i % 7, spec))
    for (const key of keys) heard.add(key)
    return guardFlows(i + 1, spec)
  })
  const id = '99999999-0000-4000-8000-000000000000'
  return [
    ...bridgeFlows('own', 'hidden'),
    ...ports.flat(),
    ...admitFlows(98),
    ...silenceFlows(99, id),
    ...pairFlows({ flood: 100, again: 101 }),
    ...[...heard].flatMap((key) => audience.flowsOf(key)),
  ]
}

function hex(n: number): string {
  return n.toString(16).padStart(2, '0')
}

/** Flows of one table, `count` of them, that another hand can make too. */
function plain(table: number, count: number): readonly Flow[] {
  return Array.from({ length: count }, (_, i) => {
    return { table, priority: 5, cookie: 7n, match: { inPort: i + 1 }, actions: [] }
  })
}

async function until(done: () => boolean | Promise<boolean>, what: () => string): Promise<void> {
  for (const start = performance.now(); !(await done()); await sleep(5)) {
    if (performance.now() - start > 20_000) throw new Error(`not so after 20 s: ${what()}`)
  }
}

const sorted = (lines: Iterable<string>): readonly string[] => [...lines].toSorted()

/** The switch's flows as ovs-ofctl tells them, without the age, which goes on. */
async function dump(sw: Switch, protocol: string): Promise<readonly string[]> {
  const text = await sw.ofctl(`-O${protocol}`, '--no-names', 'dump-flows', sw.bridge)
  const lines = text.split('\n').filter((line) => line.startsWith(' '))
  return sorted(lines.map(ageless))
}

function ageless(line: string): string {
  return withLoads(line.trim().replaceAll(/duration=[\d.]+s, |idle_age=\d+, /g, ''))
}

for (const [protocol, version] of Object.entries(versions)) {
  void test(`${protocol}: what is committed is what the switch then has, to the letter`, async () => {
    await using sw = await startSwitch()
    await sw.vsctl('set', 'bridge', sw.bridge, `protocols=${protocol}`)
    for (const group of GROUPS) {
      await sw.ofctl(`-O${protocol}`, 'add-group', sw.bridge, `group_id=${group},type=all`)
    }
    await using connection = await open(sw)
    assert.equal(connection.version, version)
    const features = await sw.ofctl(`-O${protocol}`, 'show', sw.bridge)
    assert.equal(BigInt(`0x${/dpid:(\w+)/.exec(features)?.[1]}`), connection.datapathId)

    const sent = sample(2000, version)
    let accepted = 0
    await connection.commit(adds(sent), () => accepted++)
    assert.equal(accepted, 1)
    const stats = await connection.flowStats()
    const got = new Map(stats.map((flow) => [flowKey(flow), flow]))
    assert.equal(stats.length, sent.length)
    for (const flow of sent) {
      const there = got.get(flowKey(flow))
      assert.ok(there !== undefined && sameFlow(there, flow), flowText(flow))
      assert.equal(flowText({ ...flow, ...there, match: flow.match }), flowText(there))
      assert.deepEqual(there.actions, flow.actions)
    }
    assert.deepEqual(sorted(stats.map((flow) => ageless(flowText(flow)))), await dump(sw, protocol))

    const [first, ...rest] = sent
    assert.ok(first !== undefined)
    const table = await connection.flowStats({ table: first.table })
    assert.equal(table.length, sent.filter((flow) => flow.table === first.table).length)
    const own = await connection.flowStats({ cookie: first.cookie })
    assert.equal(own.length, sent.filter(({ cookie }) => cookie === first.cookie).length)
    const odd = await connection.flowStats({ cookie: 1n, cookieMask: 1n })
    assert.equal(odd.length, sent.filter(({ cookie }) => (cookie & 1n) === 1n).length)

    await connection.commit(rest.map((flow) => ({ command: 'deleteStrict', flow })))
    const last = { ...first, cookie: first.cookie ^ 1n }
    await connection.commit([{ command: 'deleteStrict', flow: last }])
    assert.deepEqual((await connection.flowStats()).map(flowKey), [flowKey(first)])
    await connection.commit([{ command: 'add', flow: last }])
    assert.ok(sameFlow((await connection.flowStats())[0] ?? first, last), 'an add replaces')
  })

  void test(`${protocol}: guards that ovs-ofctl read from our text and wrote are those we read back`, async () => {
    await using sw = await startSwitch()
    await sw.vsctl('set', 'bridge', sw.bridge, `protocols=${protocol}`)
    const meant = guards()
    const text = meant.map(flowText).join('\n')
    await sw.ofctlWith(text, `-O${protocol}`, '--bundle', 'add-flows', sw.bridge, '-')
    await using connection = await open(sw)
    const got = new Map((await connection.flowStats()).map((flow) => [flowKey(flow), flow]))
    assert.equal(got.size, meant.length)
    for (const flow of meant) {
      const there = got.get(flowKey(flow))
      assert.ok(there !== undefined && sameFlow(there, flow), flowText(flow))
    }
  })

  void test(`${protocol}: a bundle that is refused leaves nothing, and says which flow it was`, async () => {
    await using sw = await startSwitch()
    await sw.vsctl('set', 'bridge', sw.bridge, `protocols=${protocol}`)
    const limit = ['--id=@t', 'create', 'Flow_Table', 'flow_limit=3']
    await sw.vsctl('--', ...limit, '--', 'set', 'bridge', sw.bridge, 'flow_tables:9=@t')
    await using connection = await open(sw)
    const refused = async (flow: Flow, code: string): Promise<void> => {
      const mods = adds([...plain(3, 2000), flow, ...plain(4, 3000)])
      await assert.rejects(
        connection.commit(mods, () => assert.fail('accepted')),
        (error) => {
          assert.ok(error instanceof SwitchError, String(error))
          assert.equal(error.code, code)
          assert.equal(error.flow, flow)
          assert.ok(error.message.includes(flowText(flow)))
          return true
        },
      )
      assert.deepEqual(await connection.flowStats(), [])
    }
    const flow = { table: 1, priority: 1, cookie: 0n, match: {}, actions: [] }
    // Told when it is added to the bundle: a field without what it needs, a group that is not there.
    await refused({ ...flow, match: { ipTtl: 255 } }, 'OFPBMC_BAD_PREREQ')
    await refused({ ...flow, actions: [{ type: 'group', group: 9 }] }, 'OFPBAC_BAD_OUT_GROUP')
    // Told when the bundle is committed: the table is full.
    const full = plain(9, 5)
    await assert.rejects(connection.commit(adds([...plain(3, 5), ...full])), (error) => {
      assert.ok(error instanceof SwitchError)
      assert.equal(error.code, 'OFPFMFC_TABLE_FULL')
      assert.equal(error.flow, full[3])
      return true
    })
    assert.deepEqual(await connection.flowStats(), [])

    await connection.commit([], () => {})
    await Promise.all([
      connection.commit(adds(plain(3, 3000))),
      connection.commit(adds(plain(4, 3000))),
    ])
    assert.equal((await connection.flowStats()).length, 6000)
  })

  void test(`${protocol}: a watch tells what there is, then what other hands do, and not what we do`, async () => {
    await using sw = await startSwitch()
    await sw.vsctl('set', 'bridge', sw.bridge, `protocols=${protocol}`)
    const other = (...args: readonly string[]) => sw.ofctl(`-O${protocol}`, ...args)
    await sw.ofctlWith(
      plain(5, 3000).map(addText).join('\n'),
      `-O${protocol}`,
      'add-flows',
      sw.bridge,
      '-',
    )
    await using connection = await open(sw)

    const events: FlowEvent[] = []
    const told = (): string =>
      events.map(({ type, flow }) => `${type} ${flowText(flow)}`).join('\n')
    const initial = await connection.watchFlows((event) => events.push(event))
    assert.deepEqual(sorted(initial.map(flowKey)), sorted(plain(5, 3000).map(flowKey)))

    const own = plain(6, 100)
    await connection.commit(adds(own))
    await connection.commit(adds(own.map((flow) => ({ ...flow, cookie: 8n }))))
    await connection.commit(
      own.slice(1).map((flow) => ({ command: 'deleteStrict', flow: { ...flow, cookie: 8n } })),
    )
    await other(
      'add-flow',
      sw.bridge,
      'table=7,priority=1,cookie=3,arp,in_port=1,actions=resubmit(,8)',
    )
    await other('mod-flows', sw.bridge, 'table=7,arp,actions=drop')
    await other('--strict', 'del-flows', sw.bridge, 'table=7,priority=1,arp,in_port=1')
    await other('del-flows', sw.bridge, 'table=6')
    await until(() => events.length === 4, told)
    assert.deepEqual(told().split('\n'), [
      'present cookie=0x3, table=7, priority=1,arp,in_port=1 actions=resubmit(,8)',
      'present cookie=0x3, table=7, priority=1,arp,in_port=1 actions=drop',
      'removed cookie=0x3, table=7, priority=1,arp,in_port=1 actions=drop',
      'removed cookie=0x8, table=6, priority=5,in_port=1 actions=drop',
    ])
  })

  void test(`${protocol}: whoever follows a watch through a flood ends with what the switch has`, async () => {
    await using sw = await startSwitch()
    await sw.vsctl('set', 'bridge', sw.bridge, `protocols=${protocol}`)
    await using connection = await open(sw)
    const there = new Map<string, Flow>()
    const follow = ({ type, flow }: FlowEvent): void => {
      if (type === 'present') there.set(flowKey(flow), flow)
      else there.delete(flowKey(flow))
    }
    for (const flow of await connection.watchFlows(follow)) there.set(flowKey(flow), flow)
    // Each of these is more than the switch buffers (128 kB): it pauses the watch, and more happens before it resumes.
    const floods = [
      plain(5, 20_000).map(addText),
      plain(5, 10_000).map(
        (flow) => `delete_strict table=5,priority=5,in_port=${flow.match.inPort}`,
      ),
      plain(5, 15_000).map((flow) => addText({ ...flow, cookie: 9n })),
      plain(6, 20_000).map(addText),
    ]
    for (const flood of floods) {
      await sw.ofctlWith(flood.join('\n'), `-O${protocol}`, '--bundle', 'add-flows', sw.bridge, '-')
    }
    await connection.commit(adds(plain(8, 1)))
    for (const flow of plain(8, 1)) there.set(flowKey(flow), flow)
    const all = sorted((await connection.flowStats()).map(textOf))
    assert.equal(all.length, 40_001)
    await until(
      () => there.size === all.length,
      () => `${there.size} flows`,
    )
    await until(
      () => sorted([...there.values()].map(textOf)).join() === all.join(),
      () => 'other flows',
    )
    const pauses = () => sw.appctl('coverage/read-counter', 'ofmonitor_pause')
    await until(
      async () => Number(await pauses()) > 0, // the switch counts with a second's delay
      () => 'the watch was paused',
    )
  })
}

/** Without statistics. */
function textOf({ table, priority, cookie, match, actions }: Flow): string {
  return flowText({ table, priority, cookie, match, actions })
}

function addText({ table, priority, cookie, match }: Flow): string {
  return `table=${table},priority=${priority},cookie=${cookie},in_port=${match.inPort},actions=drop`
}

for (const protocol of Object.keys(versions)) {
  void test(`${protocol}: how flows see fragments is told, and set, and ovs-ofctl says so too`, async () => {
    await using sw = await startSwitch()
    await sw.vsctl('set', 'bridge', sw.bridge, `protocols=${protocol}`)
    await using connection = await open(sw)
    const theirs = (): Promise<string> => sw.ofctl('-O', protocol, 'get-frags', sw.bridge)
    assert.equal(await connection.fragments(), 'normal')
    for (const mode of ['nx-match', 'drop', 'normal'] as const) {
      await connection.setFragments(mode)
      assert.equal((await theirs()).trim(), mode)
      assert.equal(await connection.fragments(), mode)
    }
    await assert.rejects(connection.setFragments('reassemble'), /goes on to treat fragments as/)
  })
}

void test('the highest version that the bridge allows is taken; where it allows none, the error says the way out', async () => {
  await using sw = await startSwitch()
  for (const [allowed, version] of [
    ['OpenFlow10,OpenFlow13,OpenFlow14', 5],
    ['OpenFlow10,OpenFlow13', 4],
    ['OpenFlow13,OpenFlow15', 6],
  ] as const) {
    await sw.vsctl('set', 'bridge', sw.bridge, `protocols=${allowed}`)
    await using connection = await open(sw)
    assert.equal(connection.version, version)
  }
  await sw.vsctl('set', 'bridge', sw.bridge, 'protocols=OpenFlow10,OpenFlow12')
  await assert.rejects(open(sw), (error) => {
    assert.ok(error instanceof SwitchError, String(error))
    const wayOut = 'ovs-vsctl set bridge br-int protocols=OpenFlow13,OpenFlow14,OpenFlow15'
    assert.ok(error.message.includes(wayOut), error.message)
    return true
  })
})

void test('a probe is answered; a switch that dies ends what was asked of it', async () => {
  await using sw = await startSwitch()
  const connection = await open(sw)
  const { heardAt } = connection
  connection.probe()
  await until(
    () => connection.heardAt > heardAt,
    () => 'no answer',
  )
  await connection.commit(adds(plain(3, 100)))
  const asked = connection.commit(adds(plain(4, 60_000)), () => assert.fail('accepted'))
  asked.catch(() => {})
  await sw.killVswitchd()
  const why = await connection.closed
  assert.ok(why instanceof Error)
  await assert.rejects(asked, why)
  await assert.rejects(connection.flowStats(), why)
  await assert.rejects(open(sw), { name: 'ConnectError' })
})

void test('a connection that we close ends without a reason, and with it what was asked', async () => {
  await using sw = await startSwitch()
  const stop = new AbortController()
  const address = `${sw.rundir}/${sw.bridge}.mgmt`
  const connection = await openSwitch({ address, signal: stop.signal })
  const asked = connection.flowStats()
  asked.catch(() => {})
  stop.abort()
  assert.equal(await connection.closed, undefined)
  await assert.rejects(asked, SwitchError)
  await assert.rejects(openSwitch({ address, signal: stop.signal }), { name: 'AbortError' })
})
