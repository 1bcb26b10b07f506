// Frames that lie close to the border between what a port may say and what it may not: those of the corpus, spoken with what
// the port owns or what lies next to it, and then changed in a place or two. Fields swapped with a neighbour's, bits turned,
// tags, options, extension headers and fragments added, cut off, drawn out.

import * as fc from 'fast-check'
import type { Ip, Mac } from '@portward/addr'
import { bytesOfIp, bytesOfMac } from '@portward/addr'
import type { Station } from '../../frames/index.ts'
import { corpus } from '../../frames/index.ts'
import type { DeclaredPort } from '../rules.ts'
import { wildFrames } from '../wild-frames.ts'
import { addressesNear, macsNear } from './ports.ts'

/** All have an Ethernet header. */
export function framesNear(port: DeclaredPort, neighbour: DeclaredPort): fc.Arbitrary<Uint8Array> {
  const own = stationsNear(port)
  const other = stationsNear(neighbour)
  const vids = port.checks?.vlan || []
  const ownTag = fc.constantFrom(0, ...vids)
  const spoken = fc
    .record({ which: fc.constantFrom(...corpus), own, other, peer: other })
    .chain(({ which, own, other, peer }) => {
      const change = changesBetween(own, other)
      const some = fc.oneof(
        { weight: 1, arbitrary: fc.constant([]) },
        { weight: 4, arbitrary: fc.array(change, { minLength: 1, maxLength: 3 }) },
      )
      return fc
        .record({ some, vid: ownTag })
        .map(({ some, vid }) => [...(vid === 0 ? [] : [tag({ vid })]), ...some])
        .map((all) => all.reduce((frame, apply) => apply(frame), which.frame(own, other, peer)))
    })
  return fc
    .oneof({ weight: 4, arbitrary: spoken }, { weight: 1, arbitrary: wildNear(port, neighbour) })
    .filter((frame) => frame.length >= HEADER && frame.length <= MOST)
}

const HEADER = 14
/** What fits a trace, with room. */
const MOST = 1600

/** Who speaks as this port, more or less. */
function stationsNear(port: DeclaredPort): fc.Arbitrary<Station> {
  const linkLocals = addressesNear({ ...port, ips: [], allowedAddressPairs: [] }, 6)
  return fc.record({
    mac: macsNear(port),
    ip: addressesNear(port, 4),
    ip6: addressesNear(port, 6),
    linkLocal: linkLocals,
  })
}

function wildNear(port: DeclaredPort, neighbour: DeclaredPort): fc.Arbitrary<Uint8Array> {
  const some = <T>(arbitrary: fc.Arbitrary<T>): readonly T[] =>
    fc.sample(arbitrary, { numRuns: 6, seed: 1 })
  const [macs, four, six] = [
    [...some(macsNear(port)), ...some(macsNear(neighbour)).slice(0, 2)],
    [...some(addressesNear(port, 4)), ...some(addressesNear(neighbour, 4)).slice(0, 2)],
    [...some(addressesNear(port, 6)), ...some(addressesNear(neighbour, 6)).slice(0, 2)],
  ]
  return wildFrames({
    macs: [...macs, 'ff:ff:ff:ff:ff:ff', '01:80:c2:00:00:0e'],
    ipv4s: [...four, '0.0.0.0', '255.255.255.255', '224.0.0.22'],
    ipv6s: [...six, '::', 'ff02::1'],
  })
}

type Change = (frame: Uint8Array) => Uint8Array

function changesBetween(own: Station, other: Station): fc.Arbitrary<Change> {
  return fc.oneof({ weight: 3, arbitrary: swaps(own, other) }, { weight: 7, arbitrary: changes })
}

/** One place where the one station's address stands gets the other's, or the other way round. */
function swaps(own: Station, other: Station): fc.Arbitrary<Change> {
  const both = (a: Station, b: Station): readonly (readonly [Uint8Array, Uint8Array])[] => [
    [bytesOfMac(a.mac as Mac), bytesOfMac(b.mac as Mac)],
    [bytesOfIp(a.ip as Ip), bytesOfIp(b.ip as Ip)],
    [bytesOfIp(a.ip6 as Ip), bytesOfIp(b.ip6 as Ip)],
    [bytesOfIp(a.linkLocal as Ip), bytesOfIp(b.linkLocal as Ip)],
    [bytesOfIp(a.linkLocal as Ip), bytesOfIp(a.ip6 as Ip)],
  ]
  return fc
    .record({
      pair: fc.constantFrom(...both(own, other), ...both(other, own)),
      nth: fc.nat(2),
    })
    .map(({ pair: [from, to], nth }) => (frame) => {
      const buffer = Buffer.from(frame)
      let at = buffer.indexOf(from)
      for (let i = 0; i < nth && at >= 0; i++) at = buffer.indexOf(from, at + 1)
      if (at >= 0) buffer.set(to, at)
      return buffer
    })
}

/** Numbers that mean something: operations, protocols, types, ports, lengths, hop limits. */
const telling = [
  0, 1, 2, 3, 4, 5, 6, 9, 17, 41, 43, 44, 51, 58, 59, 60, 64, 67, 68, 129, 130, 131, 132, 133, 134,
  135, 136, 137, 143, 254, 255,
] as const
const types = [
  0x0800, 0x0806, 0x8035, 0x86dd, 0x8100, 0x88a8, 0x9100, 0x88cc, 0x8137, 0x8847, 0x894f, 0x05dc,
  0x05ff, 0x0600, 46,
] as const

const bitFlip: fc.Arbitrary<Change> = fc.record({ at: fc.nat(90), bit: fc.nat(7) }).map(
  ({ at, bit }) =>
    (frame) =>
      frame.map((byte, i) => (i === at ? byte ^ (1 << bit) : byte)),
)

const byteSet: fc.Arbitrary<Change> = fc
  .record({ at: fc.nat(90), value: fc.constantFrom(...telling) })
  .map(
    ({ at, value }) =>
      (frame) =>
        frame.map((byte, i) => (i === at ? value : byte)),
  )

const typeSet: fc.Arbitrary<Change> = fc
  .constantFrom(...types)
  .map((type) => (frame) => spliced(frame, 12, 2, u16(type)))

const tagged: fc.Arbitrary<Change> = fc
  .record({
    tpid: fc.constantFrom(0x8100, 0x8100, 0x88a8, 0x9100),
    vid: fc.constantFrom(0, 1, 100, 100, 200, 4094, 4095),
    pcp: fc.constantFrom(0, 0, 1, 7, 15),
  })
  .map(tag)

/** LLC and SNAP between the addresses and the EtherType, behind the first tag if there is one. */
const inSnap: fc.Arbitrary<Change> = fc
  .record({ oui: fc.constantFrom(0, 0, 0, 0xf8), length: fc.option(fc.nat(0x5ff)) })
  .map(({ oui, length }) => (frame) => {
    const at = isTpid(frame, 12) ? 16 : 12
    const size = length ?? Math.min(frame.length - at + 6, 0x5ff)
    return spliced(frame, at, 0, [...u16(size), 0xaa, 0xaa, 3, 0, 0, oui])
  })

/** A header between that of IPv6 and what it carries. */
const extended: fc.Arbitrary<Change> = fc
  .oneof(
    fc
      .record({ kind: fc.constantFrom(0, 43, 60), words: fc.constantFrom(0, 0, 0, 1, 2, 200) })
      .map(({ kind, words }) => ({
        kind,
        rest: [words, ...Array.from({ length: 6 + Math.min(words, 2) * 8 }, () => 0)],
      })),
    fc.constantFrom(0, 1, 2, 4).map((words) => ({
      kind: 51,
      rest: [words, ...Array.from({ length: 6 + words * 4 }, () => 0)],
    })),
    fc
      .constantFrom(0, 0, 1, 1, 1, 2, 4, 6, 8, 9, 0x0510, 0xfff8)
      .map((offset) => ({ kind: 44, rest: [0, ...u16(offset), 0, 0, 0, 7] })),
    fc.constantFrom(59, 135, 139, 140, 253).map((kind) => ({ kind, rest: [0, 0, 0, 0, 0, 0, 0] })),
  )
  .map(({ kind, rest }) => (frame) => {
    const at = ipAt(frame, 0x86dd)
    if (at === undefined || frame.length < at + 40) return frame
    const longer = spliced(frame, at + 40, 0, [frame[at + 6] ?? 0, ...rest])
    longer[at + 6] = kind
    return relengthed(longer, at + 4, rest.length + 1)
  })

/** Options of IPv4, and its fragment offset with the bits in front. */
const optioned: fc.Arbitrary<Change> = fc
  .record({ words: fc.constantFrom(1, 2, 10), fill: fc.constantFrom(0, 1, 0x94) })
  .map(({ words, fill }) => (frame) => {
    const at = ipAt(frame, 0x0800)
    if (at === undefined || frame.length < at + 20 || frame[at] !== 0x45) return frame
    const options = Array.from({ length: words * 4 }, () => fill)
    const longer = spliced(frame, at + 20, 0, options)
    longer[at] = 0x45 + words
    return relengthed(longer, at + 2, options.length)
  })
const fragmented: fc.Arbitrary<Change> = fc
  .constantFrom(0x2000, 0x2000, 1, 0x2001, 0x4000, 0x8000, 0x6000, 0x3fff)
  .map((bits) => (frame) => {
    const at = ipAt(frame, 0x0800)
    return at === undefined ? frame : spliced(frame, at + 6, 2, u16(bits)).subarray(0, frame.length)
  })

/** A further option at the end of a message of neighbour discovery, or whatever else is the end of the packet. */
const ndOptioned: fc.Arbitrary<Change> = fc
  .record({
    type: fc.constantFrom(1, 1, 2, 2, 3, 14),
    words: fc.constantFrom(1, 1, 1, 0, 2, 255),
    from: fc.constantFrom('source', 'zero', 'other'),
  })
  .map(({ type, words, from }) => (frame) => {
    const at = ipAt(frame, 0x86dd)
    if (at === undefined) return frame
    const mac =
      from === 'source' ? frame.subarray(6, 12) : new Uint8Array(6).fill(+(from === 'other'))
    const option = [type, words, ...mac, ...(words === 2 ? new Uint8Array(8) : [])]
    return relengthed(spliced(frame, frame.length, 0, option), at + 4, option.length)
  })

/** Shorter, with the length field left, or made to fit. */
const cut: fc.Arbitrary<Change> = fc
  .record({ size: fc.integer({ min: 1, max: 40 }), fit: fc.boolean() })
  .map(({ size, fit }) => (frame) => {
    const less = frame.slice(0, Math.max(HEADER, frame.length - size))
    const [six, four] = [ipAt(less, 0x86dd), ipAt(less, 0x0800)]
    if (!fit) return less
    if (six !== undefined) return relengthed(less, six + 4, less.length - frame.length)
    return four === undefined ? less : relengthed(less, four + 2, less.length - frame.length)
  })
const padded: fc.Arbitrary<Change> = fc
  .constantFrom(1, 2, 8, 46)
  .map((size) => (frame) => Uint8Array.of(...frame, ...new Uint8Array(size)))

const changes: fc.Arbitrary<Change> = fc.oneof(
  bitFlip,
  byteSet,
  typeSet,
  tagged,
  inSnap,
  extended,
  extended,
  optioned,
  fragmented,
  ndOptioned,
  cut,
  padded,
)

function tag({
  tpid = 0x8100,
  vid,
  pcp = 0,
}: {
  tpid?: number
  vid: number
  pcp?: number
}): Change {
  return (frame) => spliced(frame, 12, 0, [...u16(tpid), ...u16((pcp << 12) | vid)])
}

function spliced(
  frame: Uint8Array,
  at: number,
  remove: number,
  insert: readonly number[],
): Uint8Array {
  return Uint8Array.of(...frame.subarray(0, at), ...insert, ...frame.subarray(at + remove))
}

/** Adds to a length field of 16 bits. */
function relengthed(frame: Uint8Array, at: number, more: number): Uint8Array {
  const length = ((frame[at] ?? 0) << 8) | (frame[at + 1] ?? 0)
  return frame.map((byte, i) =>
    i === at ? (length + more) >> 8 : i === at + 1 ? length + more : byte,
  )
}

/** Where the packet of this EtherType begins, behind tags and SNAP. */
function ipAt(frame: Uint8Array, etherType: number): number | undefined {
  let at = 12
  while (isTpid(frame, at)) at += 4
  if (frame[at + 2] === 0xaa && frame[at + 3] === 0xaa) at += 8
  return frame[at] === etherType >> 8 && frame[at + 1] === (etherType & 0xff) ? at + 2 : undefined
}

function isTpid(frame: Uint8Array, at: number): boolean {
  return [0x8100, 0x88a8].includes(((frame[at] ?? 0) << 8) | (frame[at + 1] ?? 0))
}

function u16(n: number): readonly number[] {
  return [n >> 8, n & 0xff]
}
