// A frame of the corpus: what a station sends, by which rule it is judged, and at which kinds of port it passes.
//
// What is expected stands here because the rules of port security say so, not because a switch was seen to do it.

import { altered } from '../src/frames.ts'

/** Who speaks, whom it may pretend to be, whom it speaks to. */
export type Station = {
  readonly mac: string
  readonly ip: string
  readonly ip6: string
  /** EUI-64, of its MAC. */
  readonly linkLocal: string
}

/** Each the same station, declared in another way: see `portFields`. */
export const kinds = [
  'plain',
  'pair',
  'zero',
  'trunk',
  'exempt-arp',
  'exempt-nd',
  'exempt-source',
  'exempt-dhcp-server',
  'exempt-ra',
  'exempt-redirect',
  'exempt-query',
  'exempt-vlan',
  'exempt-ethertype',
  'exempt-ethertype-list',
  'off',
] as const
export type Kind = (typeof kinds)[number]

/** `everywhere`, or at these kinds alone; always at `off`, which nobody judges. */
export type Passes = 'everywhere' | readonly Exclude<Kind, 'off'>[]

export type FrameOf = (own: Station, other: Station, peer: Station) => Uint8Array

/** What a family says of a frame, under its name. */
export type Said = {
  /** Of port security: 1 to 16. */
  readonly rule: number
  /** The standard, the weakness, or the program that it comes from. */
  readonly source: string
  readonly frame: FrameOf
  /**
   * Whether a station that keeps to its declaration sends it; `undecidable` where the switch sees no difference between an
   * honest frame and a hostile one, so that `passes` is a decision.
   */
  readonly honest: boolean | 'undecidable'
  readonly passes: Passes
  /**
   * Why it never arrives, also where nobody judges it: no bridge forwards what goes to a reserved address (IEEE 802.1Q, 8.6.3),
   * unless it is told to; NORMAL of OVS nothing that promises a tag and has none.
   */
  readonly unforwardable?: 'reserved address' | 'partial tag'
}

export type CorpusFrame = Said & {
  /** Unique, in kebab case. Fragments of one packet are NAME-1, NAME-2 …: the packet arrives when all of them do. */
  readonly name: string
}

/** Whether the guard lets the frame pass at a port of this kind; what is unforwardable, the bridge drops nevertheless. */
export function passesAt(frame: CorpusFrame, kind: Kind): boolean {
  return kind === 'off' || frame.passes === 'everywhere' || frame.passes.includes(kind)
}

/**
 * By what a frame is known when it arrives. A switch takes tags of VID 0 off, writes a service tag anew as a customer's, and loses
 * the bit of a tag that says "drop eligible".
 */
export function canonical(frame: Uint8Array): Uint8Array {
  const addressesEnd = 12
  const [high = 0, low = 0, tci = 0, vid = 0] = frame.subarray(addressesEnd)
  const type = (high << 8) | low
  if (type !== 0x8100 && type !== 0x88a8) return frame
  if (frame.length >= addressesEnd + 6 && (tci & 0xf) === 0 && vid === 0) {
    const untagged = [...frame.subarray(0, addressesEnd), ...frame.subarray(addressesEnd + 4)]
    return canonical(Uint8Array.from(untagged))
  }
  return altered(frame, addressesEnd, 0x81, 0, tci & 0xef)
}

export function honest(
  rule: number,
  source: string,
  frame: FrameOf,
  passes: Passes = 'everywhere',
): Said {
  return { rule, source, frame, honest: true, passes }
}

export function hostile(rule: number, source: string, frame: FrameOf, passes: Passes = []): Said {
  return { rule, source, frame, honest: false, passes }
}

export function undecidable(
  rule: number,
  source: string,
  frame: FrameOf,
  passes: Passes = 'everywhere',
): Said {
  return { rule, source, frame, honest: 'undecidable', passes }
}

export function unforwardable(why: NonNullable<Said['unforwardable']>, said: Said): Said {
  return { ...said, unforwardable: why }
}

/** Fragments of one packet, each with what is said of it: they become NAME-1, NAME-2 … */
export function fragmentSet(
  name: string,
  frames: (own: Station, other: Station, peer: Station) => readonly Uint8Array[],
  ...each: readonly ((frame: FrameOf) => Said)[]
): Readonly<Record<string, Said>> {
  const part =
    (i: number): FrameOf =>
    (own, other, peer) =>
      frames(own, other, peer)[i] ?? noPart(name)
  return Object.fromEntries(each.map((say, i) => [`${name}-${i + 1}`, say(part(i))]))
}

function noPart(name: string): never {
  throw new Error(`${name}: more is said than there are fragments`)
}

export function family(said: Readonly<Record<string, Said>>): readonly CorpusFrame[] {
  return Object.entries(said).map(([name, rest]) => ({ name, ...rest }))
}
