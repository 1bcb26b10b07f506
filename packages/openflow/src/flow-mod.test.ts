import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import * as fc from 'fast-check'
import { parseIpv4, parseIpv6, parseMac } from '@portward/addr'
import { flows, withLoads } from './testing.ts'
import { DecodeError, Writer, hexOf } from './bytes.ts'
import { readFlowMod, writeFlowMod } from './flow-mod.ts'
import type { Flow, FlowMod } from './flow.ts'
import { OFPP } from './flow.ts'
import { openflowFramer } from './framer.ts'
import { canonicalMatch } from './match.ts'
import type { Message } from './message.ts'
import { flowText } from './text.ts'
import { versions } from './version.ts'
import type { Version } from './version.ts'

function encode(version: Version, mod: FlowMod): Uint8Array {
  const writer = new Writer()
  writeFlowMod(writer, version, 7, mod)
  return writer.bytes()
}

function messageOf(bytes: Uint8Array): Message {
  return openflowFramer().push(bytes)[0] ?? assert.fail('not a message')
}

/** One line for each message, by ovs-ofctl, the other implementation. */
async function ofpParse(messages: readonly Uint8Array[]): Promise<readonly string[]> {
  const dir = await mkdtemp(join(tmpdir(), 'portward-openflow-'))
  try {
    const file = join(dir, 'messages')
    await writeFile(file, Buffer.concat(messages))
    const { stdout } = await promisify(execFile)('ovs-ofctl', ['ofp-parse', file], {
      maxBuffer: 1 << 28,
    })
    return stdout.split('\n').filter((line) => line.startsWith('OFPT'))
  } finally {
    await rm(dir, { recursive: true })
  }
}

/** The line of a dump, put in the order in which ovs-ofctl prints a flow mod. */
function modText(version: Version, { command, flow }: FlowMod): string {
  const [, table, match = '', actions] =
    /^cookie=[^,]*, table=(\d+), (?:(.*) )?actions=(.*)$/.exec(flowText(flow)) ?? []
  const cookie = `cookie:0x${flow.cookie.toString(16)}`
  return [
    `OFPT_FLOW_MOD (OF1.${version - 1}) (xid=0x7):`,
    command === 'add' ? 'ADD' : 'DEL_STRICT',
    ...(table === '0' ? [] : [`table:${table}`]),
    ...(match === '' ? [] : [match]),
    ...(command === 'add'
      ? flow.cookie === 0n
        ? []
        : [cookie]
      : [`${cookie}/0xffffffffffffffff`]),
    `actions=${command === 'add' ? actions : 'drop'}`,
  ].join(' ')
}

const sample = fc.sample(flows, { numRuns: 1500, seed: 20_261_124 })

for (const version of versions) {
  void test(`flow mods of OpenFlow 1.${version - 1} read as they were written, for ovs-ofctl too`, async () => {
    const mods = sample.map((flow, i): FlowMod => {
      return { command: i % 5 === 0 ? 'deleteStrict' : 'add', flow }
    })
    const lines = await ofpParse(mods.map((mod) => encode(version, mod)))
    assert.equal(lines.length, mods.length)
    for (const [i, mod] of mods.entries()) {
      assert.equal(withLoads(lines[i] ?? ''), modText(version, mod))
    }
  })

  void test(`flow mods of OpenFlow 1.${version - 1} survive the way there and back`, () => {
    fc.assert(
      fc.property(flows, (flow) => {
        const bytes = encode(version, { command: 'add', flow })
        assert.equal(bytes.length % 8, 0)
        const mod = readFlowMod(messageOf(bytes))
        assert.deepEqual(mod, {
          command: 'add',
          flow: { ...flow, match: canonicalMatch(flow.match) },
        })
        assert.deepEqual(encode(version, mod), bytes)
      }),
    )
  })
}

const mac = parseMac('fa:16:3e:00:00:10')
const golden: readonly { readonly flow: Flow; readonly hex: string; readonly text: string }[] = [
  {
    flow: {
      table: 24,
      priority: 2,
      cookie: 0x5057_0300_1f0b_d2cbn,
      match: {
        ethType: 0x0806,
        inPort: 7,
        ethSrc: mac,
        arpSpa: parseIpv4('10.0.0.10'),
        arpSha: mac,
      },
      actions: [{ type: 'resubmit', table: 25 }],
    },
    hex:
      '050e007800000007505703001f0bd2cb000000000000000018000000000000 02ffffffffffffffffffffffff00000000' +
      '0001002e 80000004 00000007 80000806 fa163e000010 80000a02 0806 80002c04 0a00000a 80003006 fa163e000010 0000' +
      '00040018 00000000 ffff0010 00002320 000e fff8 19 000000',
    text: 'cookie=0x505703001f0bd2cb, table=24, priority=2,arp,in_port=7,dl_src=fa:16:3e:00:00:10,arp_spa=10.0.0.10,arp_sha=fa:16:3e:00:00:10 actions=resubmit(,25)',
  },
  {
    flow: {
      table: 0,
      priority: 20,
      cookie: 0n,
      match: { inPort: 7, vlanTci: { value: 0xffff, mask: 0x1000 } },
      actions: [],
    },
    hex:
      '050e0048000000070000000000000000000000000000000000000000000000 14ffffffffffffffffffffffff00000000' +
      '00010014 80000004 00000007 00000904 1000 1000 00000000',
    text: 'cookie=0x0, table=0, priority=20,in_port=7,vlan_tci=0x1000/0x1000 actions=drop',
  },
  {
    flow: {
      table: 71,
      priority: 32_768,
      cookie: 1n,
      match: {
        reg0: { value: 3, mask: 1 },
        ethType: 0x86dd,
        ipv6Src: { value: parseIpv6('fd00:1::10'), mask: parseIpv6('ffff:ffff::') },
      },
      actions: [
        { type: 'load', field: 'reg0', offset: 0, bits: 1, value: 1n },
        { type: 'output', port: OFPP.normal },
      ],
    },
    hex:
      '050e00a000000007000000000000000100000000000000004700000000008000ffffffffffffffffffffffff00000000' +
      '0001003a 00010108 00000001 00000001 80000a02 86dd 80003520 fd000001000000000000000000000000 ffffffff000000000000000000000000 000000000000' +
      '00040030 00000000 ffff0018 00002320 0007 0000 00010004 0000000000000001 00000010 fffffffa 0000 000000000000',
    text: 'cookie=0x1, table=71, ipv6,reg0=0x1/0x1,ipv6_src=fd00:1::/32 actions=load:0x1->NXM_NX_REG0[0],NORMAL',
  },
]

for (const { flow, hex, text } of golden) {
  void test(text, async () => {
    const mod: FlowMod = { command: 'add', flow }
    const bytes = encode(5, mod)
    assert.equal(hexOf(bytes), hex.replaceAll(' ', ''))
    assert.equal(flowText(readFlowMod(messageOf(bytes)).flow), text)
    assert.equal(flowText(flow), text)
    assert.deepEqual(await ofpParse([bytes]), [modText(5, mod)])
  })
}

void test('what a switch has and we have no word for survives whole', () => {
  const flow: Flow = {
    table: 1,
    priority: 1,
    cookie: 0n,
    // conj_id=5; an experimenter field
    match: { inPort: 1, unknown: '00014a0400000005ffff000600002320abcd' },
    actions: [
      // NXAST_RESUBMIT_TABLE from another port, and to a table of its own choosing
      { type: 'raw', hex: 'ffff001000002320000e000705000000' },
      { type: 'raw', hex: 'ffff001000002320000efff8ff000000' },
      { type: 'output', port: 2 },
      // OFPIT_GOTO_TABLE
      { type: 'instruction', hex: '0001000803000000' },
    ],
  }
  const mod = readFlowMod(messageOf(encode(5, { command: 'add', flow })))
  assert.deepEqual(mod.flow, flow)
})

void test('a message cut short, or spoilt, is refused in words or read: nothing else happens', () => {
  fc.assert(
    fc.property(flows, fc.nat(), fc.nat(), fc.nat(255), (flow, cut, spot, byte) => {
      const bytes = Uint8Array.from(encode(5, { command: 'add', flow }))
      bytes[8 + (spot % (bytes.length - 8))] = byte
      const length = 8 + (cut % (bytes.length - 8))
      for (const part of [bytes, bytes.subarray(0, length)]) {
        try {
          readFlowMod({ version: 5, type: 14, xid: 7, bytes: part })
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error))
        }
      }
    }),
  )
})
