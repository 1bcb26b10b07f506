// Frames as a hostile guest may make them, for properties: every kind that the rules speak of, tagged, hidden behind extension
// headers, in fragments, in LLC; then often cut off, or with bits turned. Addresses come from few, so that many frames lie in
// just one of them.

import * as fc from 'fast-check'
import { bytesOfIpv6, bytesOfMac, parseIpv6, parseMac } from '@portward/addr'
import type { Packet, Segment } from './frames.ts'
import { arp, ethernet, icmp, icmpv6, ipv4, ipv6, ndOption, udp } from './frames.ts'

export type WildPools = {
  readonly macs: readonly string[]
  readonly ipv4s: readonly string[]
  readonly ipv6s: readonly string[]
}

export function wildFrames({ macs, ipv4s, ipv6s }: WildPools): fc.Arbitrary<Uint8Array> {
  const mac = fc.constantFrom(...macs)
  const ip4 = fc.constantFrom(...ipv4s)
  const ip6 = fc.constantFrom(...ipv6s)

  const arps = fc
    .record({ op: fc.constantFrom(1, 2, 3, 4, 255, 256), sha: mac, spa: ip4, tha: mac, tpa: ip4 })
    .chain((who) => fc.constantFrom(0x0806, 0x0806, 0x8035).map((type) => ({ who, type })))
    .map(({ who, type }): Packet => ({ ...arp(who), etherType: type }))

  const ports = fc.constantFrom(53, 67, 68, 546, 547)
  const udps = fc.record({ src: ports, dst: ports }).map((both) => udp(both, 'data'))
  const tcps = fc
    .record({ port: ports, words: fc.constantFrom(0, 4, 5, 5, 6, 15), size: fc.nat(40) })
    .map(({ port, words, size }) => plain(6, [0, port, ...zeros(10), words << 4, ...zeros(size)]))
  const others = fc
    .record({ protocol: fc.constantFrom(0, 2, 58, 1, 132, 44, 59), bytes: bytesUpTo(24) })
    .map(({ protocol, bytes }) => plain(protocol, [...bytes]))
  const echoes = fc.constantFrom(8, 0, 5, 9, 10).map((type) => icmp({ type }))

  const packets4 = fc
    .record({
      src: ip4,
      dst: ip4,
      ttl: fc.constantFrom(1, 64, 255),
      segment: fc.oneof(udps, tcps, echoes, others),
      options: fc.constantFrom(0, 0, 0, 1, 10),
      fragment: fc.constantFrom(0, 0, 0, 0x2000, 0x2001, 1, 0x4000, 0x8000),
    })
    .map(({ segment, options, fragment, ...header }): Packet => {
      const { etherType, bytes } = ipv4(header, segment)
      const longer = Buffer.concat([
        bytes.subarray(0, 20),
        Buffer.alloc(options * 4),
        bytes.subarray(20),
      ])
      longer[0] = 0x45 + options
      longer.writeUInt16BE(longer.length, 2)
      longer.writeUInt16BE(fragment, 6)
      return { etherType, bytes: longer }
    })

  const options = fc.array(
    fc.oneof(
      mac.map(ndOption.sourceLinkLayer),
      mac.map(ndOption.targetLinkLayer),
      ip6.map((prefix) => ndOption.prefix(prefix, 64)),
      fc
        .record({
          type: fc.constantFrom(1, 2, 14),
          length: fc.constantFrom(0, 1, 2, 255),
          body: mac,
        })
        .map(({ type, length, body }) =>
          Uint8Array.of(type, length, ...bytesOfMac(parseMac(body)), ...zeros(8)),
        ),
    ),
    { maxLength: 3 },
  )
  const nds = fc
    .record({
      type: fc.constantFrom(130, 131, 133, 134, 135, 135, 136, 136, 137, 143, 128),
      code: fc.constantFrom(0, 0, 0, 1),
      target: ip6,
      options,
    })
    .map(({ type, code, target, options: list }) => {
      const body = [...zeros(4), ...bytesOfIpv6(parseIpv6(target)), ...list.flatMap((o) => [...o])]
      return icmpv6(type, Uint8Array.from(body), code)
    })

  const extensions = fc.array(
    fc.oneof(
      fc
        .record({ protocol: fc.constantFrom(0, 43, 60), words: fc.constantFrom(0, 0, 1, 3) })
        .map(({ protocol, words }) => ({ protocol, rest: [words, ...zeros(6 + words * 8)] })),
      fc
        .constantFrom(0, 1, 2, 4)
        .map((words) => ({ protocol: 51, rest: [words, ...zeros(6 + words * 4)] })),
      fc
        .constantFrom(0, 1, 2, 6, 8, 9, 0x0510)
        .map((bits) => ({ protocol: 44, rest: [0, bits >> 8, bits & 0xff, 0, 0, 0, 7] })),
    ),
    { maxLength: 3 },
  )
  const packets6 = fc
    .record({
      src: ip6,
      dst: ip6,
      hopLimit: fc.constantFrom(1, 64, 255, 255, 255),
      segment: fc.oneof(nds, nds, udps, tcps, others),
      chain: fc.oneof(fc.constant([]), extensions),
    })
    .map(({ segment, chain, ...header }) => ipv6(header, behind(chain, segment)))

  const strangers = fc
    .record({
      etherType: fc.constantFrom(0, 38, 0x5ff, 0x600, 0x8847, 0x8100, 0x88a8, 0x9100, 0x88cc),
      bytes: bytesUpTo(40),
    })
    .map((packet): Packet => packet)

  const tags = fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    fc.array(
      fc.record({
        vid: fc.constantFrom(0, 1, 10, 4095),
        pcp: fc.constantFrom(0, 7),
        tpid: fc.constantFrom(0x8100, 0x8100, 0x88a8, 0x9100),
      }),
      { maxLength: 3 },
    ),
  )
  const wholes = fc
    .record({
      src: mac,
      dst: mac,
      tags,
      packet: fc.oneof(arps, packets4, packets6, packets6, strangers),
      llc: fc.constantFrom<readonly number[] | undefined>(
        ...Array.from<undefined>({ length: 8 }),
        [0xaa, 0xaa, 3, 0, 0, 0],
        [0xaa, 0xaa, 3, 0, 0, 1],
        [0x42, 0x42, 3],
      ),
      padding: fc.constantFrom(0, 0, 6, 40),
    })
    .map(({ src, dst, tags: list, packet, llc, padding }) => {
      const frame = ethernet(
        { src, dst, tags: list },
        llc === undefined ? packet : inLlc(llc, packet),
      )
      return Uint8Array.of(...frame, ...zeros(padding))
    })

  const damages = fc.oneof(
    { weight: 4, arbitrary: fc.constant({ cut: undefined, flips: [] }) },
    {
      weight: 3,
      arbitrary: fc.record({
        cut: fc.option(fc.integer({ min: 1, max: 120 }), { nil: undefined }),
        flips: fc.array(fc.record({ at: fc.nat(100), bit: fc.nat(7) }), { maxLength: 3 }),
      }),
    },
  )
  return fc.record({ whole: wholes, damage: damages }).map(({ whole, damage: { cut, flips } }) => {
    const frame = whole.slice(0, cut)
    for (const { at, bit } of flips) {
      if (at < frame.length) frame[at] = (frame[at] ?? 0) ^ (1 << bit)
    }
    return frame
  })
}

function plain(protocol: number, bytes: readonly number[]): Segment {
  return { protocol, bytes: () => Uint8Array.from(bytes) }
}

/** A chain of extension headers, `rest` being all of each but its first byte, in front of what it hides. */
function behind(
  chain: readonly { readonly protocol: number; readonly rest: readonly number[] }[],
  segment: Segment,
): Segment {
  return chain.reduceRight<Segment>(
    (inner, { protocol, rest }) => ({
      protocol,
      bytes: (checksum) => Uint8Array.of(inner.protocol, ...rest, ...inner.bytes(checksum)),
    }),
    segment,
  )
}

/** IEEE 802.3: the length instead of the EtherType, which SNAP has behind it. */
function inLlc(llc: readonly number[], { etherType, bytes }: Packet): Packet {
  const inner = Uint8Array.of(...llc, etherType >> 8, etherType & 0xff, ...bytes)
  return { etherType: Math.min(inner.length, 1500), bytes: inner }
}

function bytesUpTo(maxLength: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ maxLength })
}

function zeros(count: number): readonly number[] {
  return Array.from({ length: count }, () => 0)
}
