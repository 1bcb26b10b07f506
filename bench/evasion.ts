// What a hostile guest gets past port security, and what an honest one does not: every frame of the corpus as real bytes through
// a real switch, with Portward, with what others put on the same switch, and with nothing at all.
//
//   sender, its port protected ──► the switch, as the peer programmes it ──► receiver, its port unprotected
//
// A frame has passed when it is delivered to the receiver.

import { corpusFamilies, openPassage, passesAt, station } from '@portward/testkit'
import type { CorpusFrame } from '@portward/testkit'
import type { Limit, Result } from './figures.ts'
import { progress } from './lab.ts'
import { neutronHybrid, neutronNoop, neutronOpenvswitch } from './peers/neutron.ts'
import { ovn } from './peers/ovn.ts'
import type { Peer } from './peers/peer.ts'
import { portward } from './peers/portward.ts'
import { unprotected } from './peers/unprotected.ts'

const peers: readonly Peer[] = [
  unprotected,
  neutronNoop,
  neutronHybrid,
  neutronOpenvswitch,
  ovn,
  portward,
]

/** A frame of the corpus, as a port with one MAC, one address of each family, and nothing else sends it. */
type Sent = {
  readonly name: string
  readonly family: string
  /** What a switch cannot tell apart is neither honest nor a spoof: it says nothing of who guards better. */
  readonly nature: 'honest' | 'spoof' | 'undecidable'
  readonly frame: Uint8Array
}

type Measured = {
  readonly peer: string
  /** Names of the frames that passed; undefined where it could not be measured. */
  readonly passed: ReadonlySet<string> | undefined
}

export async function evasion(): Promise<Result> {
  const corpus = frames()
  const measured: Measured[] = []
  const notes: string[] = []
  for (const peer of peers) {
    const why = await peer.missing?.()
    if (why !== undefined) notes.push(`${peer.name}: not measured: ${why}`)
    else if (peer.note !== undefined) notes.push(`${peer.name}: ${peer.note}`)
    const passed = why === undefined ? await passing(peer, corpus) : undefined
    measured.push({ peer: peer.name, passed })
  }
  const row = (family: string, of: readonly Sent[]) => ({
    family,
    ...Object.fromEntries(measured.map(({ peer, passed }) => [peer, cell(passed, of)])),
  })
  return {
    bench: 'evasion: spoofs passed/of how many, honest frames held/of how many',
    rows: [
      ...Object.keys(corpusFamilies).map((name) =>
        row(
          name,
          corpus.filter(({ family }) => family === name),
        ),
      ),
      row('all', corpus),
    ],
    notes,
    limits: limitsOf(measured, corpus),
    frames: corpus.map(({ name, family, nature }) => ({
      name,
      family,
      nature,
      passed: Object.fromEntries(measured.map(({ peer, passed }) => [peer, passed?.has(name)])),
    })),
  }
}

const sides = { sender: station(3), receiver: station(1) }
const other = station(2)

/** All that a bridge forwards at all. */
function frames(): readonly Sent[] {
  return Object.entries(corpusFamilies).flatMap(([family, list]) =>
    list
      .filter(({ unforwardable }) => unforwardable === undefined)
      .map((each) => ({
        name: each.name,
        family,
        nature: natureOf(each),
        frame: each.frame(sides.sender, other, sides.receiver),
      })),
  )
}

function natureOf(frame: CorpusFrame): Sent['nature'] {
  if (frame.honest === 'undecidable') return 'undecidable'
  return passesAt(frame, 'plain') ? 'honest' : 'spoof'
}

async function passing(peer: Peer, corpus: readonly Sent[]): Promise<ReadonlySet<string>> {
  await using site = await peer.open(sides)
  const { sw, sender: from, receiver: to, vlan } = site
  const passage = await openPassage({ sw, from, to, ip: sides.sender.ip, vlans: [vlan] })
  const passed = new Set<string>()
  for (const packet of packetsIn(corpus)) {
    progress(`${peer.name}: ${packet[0]?.family}`)
    const arrived = await passage.send(...packet.map(({ frame }) => frame))
    for (const [i, { name }] of packet.entries()) if (arrived[i] === true) passed.add(name)
  }
  return passed
}

/** Fragments of one packet go together: a switch may keep the first until it has the last. They are NAME-1, NAME-2 and so on. */
function packetsIn(corpus: readonly Sent[]): readonly (readonly Sent[])[] {
  return [...Map.groupBy(corpus, ({ name }) => name.replace(/-\d+$/, '')).values()]
}

function cell(passed: Measured['passed'], corpus: readonly Sent[]): string {
  if (passed === undefined) return '-'
  const { spoofs, through, honest, held } = count(passed, corpus)
  return `${through.length}/${spoofs} ${held.length}/${honest}`
}

function count(passed: ReadonlySet<string>, corpus: readonly Sent[]) {
  const spoofs = corpus.filter(({ nature }) => nature === 'spoof')
  const honest = corpus.filter(({ nature }) => nature === 'honest')
  return {
    spoofs: spoofs.length,
    through: spoofs.filter(({ name }) => passed.has(name)),
    honest: honest.length,
    held: honest.filter(({ name }) => !passed.has(name)),
  }
}

/** Ours is to be perfect; and without protection every honest frame must arrive, or something else than a guard holds it. */
function limitsOf(measured: readonly Measured[], corpus: readonly Sent[]): readonly Limit[] {
  const of = (peer: Peer) => {
    const passed = measured.find((each) => each.peer === peer.name)?.passed ?? new Set()
    return count(passed, corpus)
  }
  const ours = of(portward)
  const bare = of(unprotected)
  const named = (list: readonly Sent[]): string =>
    [String(list.length), ...list.map(({ name }) => name)].join('; ')
  return [
    {
      what: `spoofs that pass ${portward.name}: ${named(ours.through)}`,
      limit: '0',
      holds: ours.through.length === 0,
    },
    {
      what: `honest frames that ${portward.name} holds: ${named(ours.held)}`,
      limit: '0',
      holds: ours.held.length === 0,
    },
    {
      what: `honest frames that do not arrive without protection: ${named(bare.held)}`,
      limit: '0',
      holds: bare.held.length === 0,
    },
  ]
}
