// The corpus on a real switch: every frame of it, sent by a station at each kind of port, arrives at an open port or does not.
//
// A frame has arrived when the listener has received its bytes. It has not when two marks sent behind it, the second after the
// first had come, are there and it is not: the switch takes frames in bursts, and inside one keeps no order.

import type { CorpusFrame, GuestWire, Kind, Station } from '@portward/testkit'
import {
  canonical,
  corpus,
  ethernet,
  ipv4,
  kinds,
  passesAt,
  portFields,
  station,
  udp,
} from '@portward/testkit'
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Lab } from './lab.ts'
import { makeNetwork, openLab } from './lab.ts'

const [PEER, OTHER] = [station(1), station(2)]
const FIRST = 16
/** As many at once as the switch's queues surely hold. */
const BATCH = 32

/** A guest's own network says nothing: or the answer of its kernel could pass for a frame of the corpus. */
const SILENCE = `
echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6
ip addr flush dev eth0
ip link set eth0 arp off
`

type Speaker = { readonly own: Station; readonly wire: GuestWire }

const bridges = [
  // On a bridge of its own the agent has flows see what is in first fragments.
  { mode: 'own', failMode: 'secure', showsFirstFragments: true },
  { mode: 'shared', failMode: 'standalone', showsFirstFragments: false },
] as const

for (const { mode, failMode, showsFirstFragments } of bridges) {
  void describe(`the corpus, bridge mode ${mode}`, () => {
    let lab: Lab
    let listener: GuestWire
    const speakers = new Map<Kind, Speaker>()

    before(async () => {
      lab = await openLab({ failMode })
      await lab.start('--bridge-mode', mode)
      const network = await makeNetwork(lab)
      const add = async (name: string, who: Station, more: object): Promise<GuestWire> => {
        const addresses = [who.ip, who.ip6].map((ip) => ({ ip_address: ip }))
        const fields = { mac_address: who.mac, fixed_ips: addresses, ...more }
        const { guest } = await lab.guest(name, network, fields)
        await guest.run(['sh', '-ec', SILENCE])
        return await guest.wire()
      }
      listener = await add('listener', PEER, { port_security_enabled: false })
      const speaks = async (kind: Kind, i: number): Promise<void> => {
        const own = station(FIRST + i)
        speakers.set(kind, { own, wire: await add(`guest${i}`, own, portFields(kind, own, OTHER)) })
      }
      await Promise.all(kinds.map(speaks))
    })
    after(async () => lab[Symbol.asyncDispose]())

    for (const kind of kinds) {
      void test(`at a port of kind ${kind}, just what may pass arrives`, async () => {
        // Else the bridge would keep frames for reserved addresses to itself, and nobody see whether the guard lets them pass.
        await forwardReserved(lab, true)
        const { own, wire } = speakerOf(kind)
        const expected = (frame: CorpusFrame): boolean => {
          if (frame.unforwardable === 'partial tag') return false
          const hidden = !showsFirstFragments && isFirstFragment(frame.frame(own, OTHER, PEER))
          return passesAt(frame, kind) && (kind === 'off' || !hidden)
        }
        const arrived = await arrivals({ own, wire }, listener, corpus)
        const wrong = corpus.filter((frame) => arrived.has(frame.name) !== expected(frame))
        assert.deepEqual(
          wrong.map(({ name }) => `${name} ${arrived.has(name) ? 'arrived' : 'was dropped'}`),
          [],
        )
      })
    }

    void test('what no bridge forwards arrives from no port, be it switched off', async () => {
      await forwardReserved(lab, false)
      const frames = corpus.filter(({ unforwardable }) => unforwardable)
      for (const kind of ['off', 'exempt-ethertype'] as const) {
        assert.deepEqual(await arrivals(speakerOf(kind), listener, frames), new Set())
      }
    })

    function speakerOf(kind: Kind): Speaker {
      const speaker = speakers.get(kind)
      assert.ok(speaker)
      return speaker
    }
  })
}

async function forwardReserved(lab: Lab, wish: boolean): Promise<void> {
  await lab.sw.vsctl('set', 'Bridge', lab.sw.bridge, `other_config:forward-bpdu=${wish}`)
  // Until a whole round has gone over the datapath it does as it did, and one may have been under way.
  await lab.sw.appctl('revalidator/wait')
  await lab.sw.appctl('revalidator/wait')
}

/** Names of those that the listener receives. */
async function arrivals(
  { own, wire }: Speaker,
  listener: GuestWire,
  frames: readonly CorpusFrame[],
): Promise<ReadonlySet<string>> {
  listener.forget()
  for (let i = 0; i < frames.length; i += BATCH) {
    const batch = frames.slice(i, i + BATCH)
    await Promise.all(batch.map(({ frame }) => wire.send(frame(own, OTHER, PEER))))
    await pass(mark(own, `${i}, first`), wire, listener)
    await pass(mark(own, `${i}, second`), wire, listener)
  }
  const received = new Set(listener.received().map(keyOf))
  const has = ({ frame }: CorpusFrame): boolean => received.has(keyOf(frame(own, OTHER, PEER)))
  return new Set(frames.filter(has).map(({ name }) => name))
}

function mark(own: Station, label: string): Uint8Array {
  const packet = ipv4({ src: own.ip, dst: PEER.ip }, udp({ src: 9, dst: 9 }, `mark ${label}`))
  return ethernet({ src: own.mac, dst: PEER.mac }, packet)
}

async function pass(frame: Uint8Array, from: GuestWire, to: GuestWire): Promise<void> {
  await from.send(frame)
  await to.expect((got) => Buffer.compare(got, frame) === 0)
}

function keyOf(frame: Uint8Array): string {
  return Buffer.from(canonical(frame)).toString('hex')
}

/** A first of several parts, of anything but TCP: where flows do not see its ports or its type, the guard lets none pass. */
function isFirstFragment(frame: Uint8Array): boolean {
  const bytes = Buffer.from(frame)
  const [ethernetSize, ipv6Size] = [14, 40]
  const known = (protocol: number | undefined): boolean =>
    [PROTOCOL.icmp, PROTOCOL.udp, PROTOCOL.icmpv6, PROTOCOL.destination].some(
      (one) => one === protocol,
    )
  const [type, ip] = [bytes.readUInt16BE(12), bytes.subarray(ethernetSize)]
  if (type === 0x0800 && ip.length >= 20) {
    return (ip.readUInt16BE(6) & 0x3fff) === 0x2000 && known(ip[9])
  }
  if (type !== 0x86dd || ip.length < ipv6Size + 8) return false
  const behind = ip[6] === PROTOCOL.hopByHop ? 8 : 0
  const next = behind === 0 ? ip[6] : ip[ipv6Size]
  if (next !== PROTOCOL.fragment || ip.length < ipv6Size + behind + 8) return false
  const header = ip.subarray(ipv6Size + behind)
  return header.readUInt16BE(2) === 1 && known(header[0])
}

const PROTOCOL = {
  hopByHop: 0,
  icmp: 1,
  udp: 17,
  fragment: 44,
  icmpv6: 58,
  destination: 60,
} as const
