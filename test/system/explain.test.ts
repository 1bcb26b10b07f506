// `portward explain` against the real switch: it says what the switch does, says so loudly where the two differ, changes nothing by
// asking, and the way out that it names is one.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import * as fc from 'fast-check'
import type { GuestWire, Result } from '@portward/testkit'
import {
  BROADCAST,
  MAIN,
  arpReply,
  ethernet,
  packet,
  pcap,
  run,
  wildFrames,
} from '@portward/testkit'
import type { GuestPort, Lab } from './lab.ts'
import { makeNetwork, openLab, until } from './lab.ts'

const ALICE = 'fa:16:3e:00:0e:01'
const BOB = 'fa:16:3e:00:0e:02'
/** Of a station that has not spoken yet. */
const STRANGER = 'fa:16:3e:00:0e:99'

type Explained = {
  readonly frame: { readonly hex: string; readonly words: string }
  readonly verdict: 'delivered' | 'dropped'
  readonly rule: number
  readonly path: readonly { readonly table: number; readonly text: string }[]
  readonly claim: { readonly ip: string; readonly owner: { readonly name: string } | null } | null
  readonly remedy: {
    readonly request: { readonly method: string; readonly path: string; readonly body: object }
    readonly command: string
    readonly opens: string
  } | null
  readonly note: string | null
  readonly switch: {
    readonly verdict?: string
    readonly agrees?: boolean
    readonly trace?: string
    readonly unavailable?: string
  } | null
}

let lab: Lab
let alice: GuestPort
let bob: GuestPort
let open: GuestPort
let trunk: GuestPort

before(async () => {
  lab = await openLab()
  await lab.start('--host', 'h1')
  const network = await makeNetwork(lab)
  alice = await lab.guest('alice', network, at('10.0.0.10', ALICE))
  bob = await lab.guest('bob', network, at('10.0.0.11', BOB))
  open = await lab.guest('open', network, {
    ...at('10.0.0.12', 'fa:16:3e:00:0e:03'),
    port_security_enabled: false,
  })
  trunk = await lab.guest('trunk', network, {
    ...at('10.0.0.13', 'fa:16:3e:00:0e:04'),
    'portward:checks': { vlan: [100], ethertype: ['0x88cc'], ra: false },
    allowed_address_pairs: [{ ip_address: '0.0.0.0/0' }],
  })
})
after(() => lab[Symbol.asyncDispose]())

function at(ip: string, mac: string) {
  return {
    fixed_ips: [{ ip_address: ip }, { ip_address: `fd00::${ip.split('.')[3]}` }],
    mac_address: mac,
  }
}

async function ask(port: GuestPort, question: object, query = ''): Promise<Explained> {
  const path = `/portward/v1/ports/${port.port.id}/explain${query}`
  const { status, body } = await lab.portward().ask('POST', path, question)
  assert.equal(status, 200, JSON.stringify(body))
  return body as Explained
}

function command(...args: readonly string[]): Promise<Result> {
  return commandOf(lab, ...args)
}

function commandOf(lab: Lab, ...args: readonly string[]): Promise<Result> {
  const env = { PORTWARD_API: lab.portward().url }
  const signal = AbortSignal.timeout(30_000)
  const argv = [process.execPath, MAIN, 'explain', ...args]
  return run(argv, { env, accept: [0, 1, 2], signal })
}

const phrases = [
  'arp 10.0.0.10',
  'arp 10.0.0.11',
  'arp 10.0.0.10 to 10.0.0.11',
  'arp-reply 10.0.0.11',
  'arp-probe 10.0.0.10',
  'arp-probe 10.0.0.11',
  'rarp',
  'ip from 10.0.0.10',
  'ip from 10.0.0.11 to 10.0.0.12',
  'ip from fd00::10',
  'ip from fd00::11',
  'na fd00::10',
  'na fd00::11',
  'ns fd00::11',
  'dad fd00::10',
  'dad fd00::11',
  'ra',
  'rs',
  'redirect',
  'redirect6',
  'dhcp-discover',
  'dhcp-offer',
  'dhcpv6-solicit',
  'dhcpv6-reply',
  'mld-query',
  'mld-report',
  'igmp-query',
  'igmp-report',
  'lldp',
  'bpdu',
  'ethertype 0x88cc',
  'ethertype 0x88f7',
]

void test('what it says is what the switch does, for each phrase, from ports of every kind', async () => {
  const counts = { delivered: 0, dropped: 0 }
  for (const port of [alice, open, trunk]) {
    for (const prefix of ['', 'vlan 100 ', 'vlan 0 vlan 100 ', `mac ${BOB} `]) {
      for (const phrase of phrases) {
        const words = prefix + phrase
        const told = await ask(port, { words })
        assert.equal(told.switch?.verdict, told.verdict, `${words}\n${JSON.stringify(told)}`)
        assert.equal(told.switch?.agrees, true)
        assert.deepEqual(
          told.path.map(({ table }) => table),
          tablesIn(told.switch?.trace ?? ''),
          words,
        )
        counts[told.verdict]++
      }
    }
  }
  assert.ok(counts.delivered > 100 && counts.dropped > 100, JSON.stringify(counts))
})

void test('what it says is what the switch does with hostile frames', async () => {
  const frames = wildFrames({
    macs: [ALICE, ALICE, ALICE, BOB, BROADCAST],
    ipv4s: ['10.0.0.10', '10.0.0.10', '10.0.0.11', '0.0.0.0', '224.0.0.22'],
    ipv6s: ['fd00::10', 'fd00::10', 'fd00::11', '::', 'ff02::1'],
  })
  const counts = { delivered: 0, dropped: 0 }
  for (const frame of fc.sample(frames, 400)) {
    if (frame.length < 14) continue
    const told = await ask(alice, { frame: Buffer.from(frame).toString('hex') })
    assert.equal(told.switch?.verdict, told.verdict, JSON.stringify(told))
    counts[told.verdict]++
  }
  assert.ok(counts.delivered > 10 && counts.dropped > 100, JSON.stringify(counts))
})

/**
 * The tables that a frame goes through, as ofproto/trace tells: ` 0. in_port=1, priority 9`. What NORMAL floods then comes in again,
 * and goes through others.
 */
function tablesIn(trace: string): readonly number[] {
  const steps = trace.matchAll(/^ *(\d+)\. (?:.*priority \d+|No match)/gm)
  const ids = [...steps].map(([, id]) => Number(id))
  return ids.slice(0, ids.includes(94) ? ids.indexOf(94) + 1 : undefined)
}

void test('asking changes nothing: the switch learns from no frame that it is asked about', async () => {
  const { sw } = lab
  const words = `mac ${STRANGER} arp 10.0.0.99`
  const told = await ask(open, { words })
  assert.equal(told.switch?.verdict, 'delivered')
  assert.ok(!(await sw.appctl('fdb/show', sw.bridge)).includes(STRANGER))
  // Traced as a packet, it would have.
  await sw.appctl('ofproto/trace', sw.bridge, `in_port=${open.ofport}`, told.frame.hex)
  assert.ok((await sw.appctl('fdb/show', sw.bridge)).includes(STRANGER))
  await sw.appctl('fdb/flush', sw.bridge)
})

void test('where the switch itself forwards nothing, that is said, and nowhere else', async () => {
  const octets = Array.from({ length: 0x22 }, (_, i) => i.toString(16).padStart(2, '0'))
  const destinations = [
    ...octets.flatMap((octet) => [`01:80:c2:00:00:${octet}`, `00:e0:2b:00:00:${octet}`]),
    ...octets.map((octet) => `01:00:0c:cc:cc:${(0xbf + Number.parseInt(octet, 16)).toString(16)}`),
    '01:00:0c:00:00:00',
    '01:00:0c:cd:cd:cd',
    '01:00:0c:cd:cd:cc',
    BROADCAST,
  ]
  let kept = 0
  for (const dst of destinations) {
    const frame = ethernet({ src: STRANGER, dst }, packet(0x88f7, new Uint8Array(46)))
    const told = await ask(open, { frame: Buffer.from(frame).toString('hex') })
    const reserved = /reserved destination MAC/.test(told.switch?.trace ?? '')
    assert.equal(told.note !== null, reserved, dst)
    if (reserved) kept++
  }
  assert.equal(kept, 31)
})

void test('of a frame with two tags a switch that sees both cannot be asked: that is said, not guessed', async () => {
  const { sw } = lab
  const words = 'vlan 100 vlan 200 ip from 10.0.0.13'
  assert.equal((await ask(trunk, { words })).switch?.agrees, true)
  await sw.vsctl('set', 'Open_vSwitch', '.', 'other_config:vlan-limit=2')
  const told = await ask(trunk, { words })
  assert.match(told.switch?.unavailable ?? '', /it sees two VLAN tags/)
  await sw.vsctl('remove', 'Open_vSwitch', '.', 'other_config', 'vlan-limit')
})

void test('a person reads the verdict, the rule, the way, whose the address is, and the way out', async () => {
  const { code, stdout, stderr } = await command('alice', 'arp-reply', '10.0.0.11')
  assert.deepEqual([code, stderr], [0, ''])
  const lines = stdout.trimEnd().split('\n')
  assert.equal(lines[0], `DROPPED on alice (alice of h1): an ARP reply: 10.0.0.11 is at ${ALICE}`)
  assert.equal(lines[1], 'why      against rule 3: ARP claims a binding of the port')
  assert.match(stdout, /^path {5}table 0 \(classify\): ARP on port \d+: on to table 24 \(claim\)$/m)
  assert.match(stdout, /^ {13}cookie=0x5057000\S+, table=24, priority=0 actions=drop$/m)
  assert.match(
    stdout,
    new RegExp(
      `^claims   10\\.0\\.0\\.11 with ${ALICE}, which is that of port bob \\(${bob.port.id}\\)$`,
      'm',
    ),
  )
  assert.match(
    stdout,
    /^way out {2}openstack port set --allowed-address ip-address=10\.0\.0\.11,mac/m,
  )
  assert.match(stdout, /^opens {4}.*WARNING: 10\.0\.0\.11 is that of port bob/m)
  assert.match(stdout, /^switch {3}drops it too \(ofproto\/trace\)$/m)
  assert.doesNotMatch(stdout, /undefined|\[object|NaN/)
  for (const which of [alice.port.id, 'alice']) {
    assert.equal((await command(which, 'arp-reply 10.0.0.11')).stdout, stdout)
  }
  const passes = await command('alice', 'ip from 10.0.0.10')
  assert.match(passes.stdout, /^PASSES on alice/)
  assert.doesNotMatch(passes.stdout, /^way out/m)
})

void test('hex, packets of a capture, and an interface’s name; what is asked wrongly', async () => {
  const claim = (spa: string): Uint8Array =>
    ethernet({ src: ALICE, dst: BROADCAST }, arpReply({ sha: ALICE, spa, tha: ALICE, tpa: spa }))
  const hex = Buffer.from(claim('10.0.0.11')).toString('hex')
  const file = join(lab.sw.rundir, 'frames.pcap')
  await writeFile(file, pcap([claim('10.0.0.10'), claim('10.0.0.11')]))
  const rows = [
    [['alice', hex], 'DROPPED'],
    [['alice', hex.replaceAll(/(..)/g, '$1 ').trim()], 'DROPPED'],
    [['alice', '--pcap', file], 'PASSES'],
    [['alice', '--pcap', file, '2'], 'DROPPED'],
    [['alice', 'dad', 'fd00::9'], 'DROPPED'],
  ] as const
  for (const [args, verdict] of rows) {
    const { stdout, stderr } = await command(...args)
    assert.ok(stdout.startsWith(verdict), `${args.join(' ')}: ${stdout}${stderr}`)
  }
  const { id } = await lab.create<{ id: string }>('port', {
    network_id: (await lab.create<{ id: string }>('network', { name: 'other' })).id,
  })
  await lab.sw.addPorts([{ name: 'tap7', ifaceId: id }])
  await until(async () => {
    const { body } = await lab.portward().ask('GET', `/portward/v1/ports/${id}`)
    return (body as { iface: string | null }).iface === 'tap7'
  }, 'tap7 is seen')
  const json = await command('tap7', 'rarp', '--json')
  assert.equal((JSON.parse(json.stdout) as { port_id: string }).port_id, id)

  for (const [args, code, sentence] of [
    [['alice'], 2, /^portward: FRAME: give its bytes as hex, words such as/],
    [['alice', 'apr'], 1, /^portward: words: "apr" is no kind of frame: understood are arp IP/],
    [
      ['alice', 'ff ff'],
      1,
      /^portward: frame: wanted the bytes of an Ethernet frame as hex, from 14/,
    ],
    [['nosuch', 'rarp'], 1, /^portward: no port has the id or name 'nosuch'/],
    [['alice', '--pcap', file, '3'], 1, /has no packet 3/],
    [['alice', '--pcap', file, 'x'], 2, /it is a packet’s number, from 1; not 'x'/],
    [['alice', '--pcap', '/nosuch.pcap'], 1, /--pcap: \/nosuch\.pcap cannot be read/],
  ] as const) {
    const result = await command(...args)
    assert.equal(result.code, code, result.stderr)
    assert.match(result.stderr, sentence)
    assert.equal(result.stdout, '')
  }
})

void test('the way out is one: once the request is made, the real frame arrives, and not before', async () => {
  const wires = { from: await alice.guest.wire(), to: await bob.guest.wire() }
  const frames = [
    'arp-reply 10.0.0.11',
    'ip from 10.0.0.77',
    `mac ${STRANGER} ip from 10.0.0.78`,
    'na fd00::77',
    'dhcp-offer',
    'ra',
    'ethertype 0x88f7',
    'igmp-query',
  ]
  for (const words of frames) {
    const { remedy, frame } = await ask(alice, { words })
    assert.ok(remedy, words)
    const bytes = Uint8Array.from(Buffer.from(frame.hex, 'hex'))
    assert.equal(await arrives(wires, bytes), false, words)
    const { method, path, body } = remedy.request
    const answer = await lab.portward().ask(method, `${path}?wait=applied`, body)
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    assert.equal(await arrives(wires, bytes), true, words)
    const now = await ask(alice, { words })
    assert.deepEqual([now.verdict, now.remedy, now.switch?.agrees], ['delivered', null, true])
  }
  const clean = { allowed_address_pairs: [], 'portward:checks': {} }
  await lab.update(alice.port.id, clean)
  // The command line does the same.
  const { remedy, frame } = await ask(alice, { words: 'vlan 100 redirect' })
  await run(['sh', '-ec', remedy?.command ?? 'false'])
  const { body } = await lab.portward().ask('GET', `/v2.0/ports/${alice.port.id}`)
  const { port } = body as { port: Record<string, unknown> }
  assert.deepEqual(port['portward:checks'], { redirect: false, vlan: [100] }, frame.words)
  await lab.update(alice.port.id, clean)
})

/** Whether it comes out at the other guest before a frame that was sent after it. */
async function arrives({ from, to }: { from: GuestWire; to: GuestWire }, frame: Uint8Array) {
  const mark = Uint8Array.from(Buffer.from((await ask(alice, { words: 'rarp' })).frame.hex, 'hex'))
  to.forget()
  await from.send(frame)
  await from.send(mark)
  await to.expect((one) => Buffer.compare(one, mark) === 0)
  return to.received((one) => Buffer.compare(one, frame) === 0).length > 0
}

void test('where another hand lets through what is declared to be dropped, that is said loudly', async () => {
  // On a bridge of our own its flow would be deleted at once.
  await using lab = await openLab({ failMode: 'standalone' })
  await lab.start('--host', 'h1')
  const alice = await lab.guest('alice', await makeNetwork(lab), at('10.0.0.10', ALICE))
  const command = (...args: readonly string[]) => commandOf(lab, ...args)
  const { sw } = lab
  const flow = `table=0,priority=100,in_port=${alice.ofport},arp`
  await sw.ofctl('add-flow', sw.bridge, `${flow},actions=NORMAL`)
  const { code, stdout, stderr } = await command('alice', 'arp 10.0.0.11')
  assert.equal(code, 1)
  assert.match(stdout, /^DROPPED on alice/)
  assert.match(stdout, /^switch {3}lets it pass: THE SWITCH DISAGREES$/m)
  assert.match(
    stderr,
    /THE SWITCH DISAGREES: what is declared of alice .* drops this frame, and the/,
  )
  assert.match(stderr, /the running switch LETS IT PASS/)
  assert.match(stderr, /another hand has changed them/)
  assert.match(stderr, /^ {3}0\. arp,in_port=\d+, priority 100$/m)
  const json = await command('alice', 'arp 10.0.0.11', '--json')
  assert.equal(json.code, 1)
  assert.equal((JSON.parse(json.stdout) as Explained).switch?.agrees, false)
  assert.match(json.stderr, /DISAGREES/)
  // The other way round.
  await sw.ofctl('add-flow', sw.bridge, `${flow},actions=drop`)
  const dropped = await command('alice', 'arp 10.0.0.10')
  assert.equal(dropped.code, 1)
  assert.match(dropped.stderr, /lets pass this frame, and the running switch DROPS IT/)
  await sw.ofctl('--strict', 'del-flows', sw.bridge, flow)
  assert.equal((await command('alice', 'arp 10.0.0.11')).code, 0)
})

void test('without a switch: what is declared is explained all the same', async () => {
  const before = await command('alice', 'arp 10.0.0.11', '--offline')
  assert.equal(before.code, 0)
  assert.match(before.stdout, /^switch {3}not asked \(--offline\)$/m)
  await lab.sw.killVswitchd()
  assert.deepEqual(await command('alice', 'arp 10.0.0.11', '--offline'), before)
  const { code, stdout } = await command('alice', 'arp 10.0.0.11')
  assert.equal(code, 0)
  assert.match(stdout, /^switch {3}not asked: /m)
})
