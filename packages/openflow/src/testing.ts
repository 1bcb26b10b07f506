// What tests of flows stand on. The flows have every field row with what it needs, values of every kind, and only what a switch
// takes.

import * as fc from 'fast-check'
import { macOfBytes } from '@portward/addr'
import type { Mac } from '@portward/addr'
import type { Action, Flow } from './flow.ts'
import { OFPP } from './flow.ts'
import { isOxmName, isRegisterName, oxm } from './oxm.ts'
import type { Masked, Match } from './oxm.ts'
import { ipv4Of, ipv6Of } from './value.ts'

const u8 = fc.integer({ min: 0, max: 0xff })
const u16 = fc.integer({ min: 0, max: 0xffff })
const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
const u64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn })
const mac: fc.Arbitrary<Mac> = fc.uint8Array({ minLength: 6, maxLength: 6 }).map(macOfBytes)
const ipv4 = fc.uint8Array({ minLength: 4, maxLength: 4 }).map(ipv4Of)
/** Runs of zeros in any place: the forms in which the text of IPv6 addresses differs. */
const ipv6 = fc
  .tuple(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.nat(16), fc.nat(16), fc.boolean())
  .map(([bytes, from, to, mapped]) => {
    bytes.fill(0, from, to)
    if (mapped && from === 0 && to >= 10) bytes.fill(0xff, 10, 12)
    return ipv6Of(bytes)
  })

/** Ones, then zeros. */
const prefixMask = (size: number): fc.Arbitrary<Uint8Array> =>
  fc.nat(size * 8).map((length) =>
    Uint8Array.from({ length: size }, (_, i) => {
      return (0xff << (8 - Math.min(8, Math.max(0, length - i * 8)))) & 0xff
    }),
  )

function masked<T>(value: fc.Arbitrary<T>, mask = value): fc.Arbitrary<Masked<T>> {
  return fc.oneof(value, fc.record({ value, mask }, { noNullPrototype: true }))
}

const maskedIpv4 = masked(ipv4, fc.oneof(ipv4, prefixMask(4).map(ipv4Of)))
const maskedIpv6 = masked(ipv6, fc.oneof(ipv6, prefixMask(16).map(ipv6Of)))

/** Some of the fields, perhaps none. */
const some = <T extends object>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(fields, { requiredKeys: [], noNullPrototype: true })

/** All masks that Open vSwitch tells back as they were: see the row. */
const vlanTci: fc.Arbitrary<Masked<number>> = fc
  .record(
    {
      tci: u16,
      mask: fc.oneof(
        fc.constantFrom(0x1000, 0x1fff, 0xf000, 0xffff),
        fc.nat(0x1fff),
        fc.nat(0x0fff).map((vid) => vid | 0xf000),
      ),
    },
    { noNullPrototype: true },
  )
  .map(({ tci, mask }) => {
    const value = mask > 0x1fff ? tci | 0x1000 : tci
    return mask === 0xffff ? value : { value, mask }
  })

const registers = Object.keys(oxm).filter(isOxmName).filter(isRegisterName)

const arp = fc
  .tuple(
    fc.constantFrom(0x0806, 0x8035),
    some({
      arpOp: u8,
      arpSpa: maskedIpv4,
      arpTpa: maskedIpv4,
      arpSha: masked(mac),
      arpTha: masked(mac),
    }),
  )
  .map(([ethType, fields]): Match => ({ ethType, ...fields }))

const transport: fc.Arbitrary<Match> = fc.oneof(
  some({ ipProto: u8.filter((n) => ![1, 6, 17, 58].includes(n)) }),
  some({ tcpSrc: masked(u16), tcpDst: masked(u16) }).map((ports) => ({ ipProto: 6, ...ports })),
  some({ udpSrc: masked(u16), udpDst: masked(u16) }).map((ports) => ({ ipProto: 17, ...ports })),
)

const ip = some({
  ipTtl: u8,
  ipFrag: fc.oneof(
    fc.constantFrom(0, 1, 3),
    fc.record({ value: fc.nat(3), mask: fc.constantFrom(0, 1, 2) }, { noNullPrototype: true }),
  ),
})

const icmpv4 = some({ icmpv4Type: u8, icmpv4Code: u8 }).map(
  (icmp): Match => ({ ipProto: 1, ...icmp }),
)
const icmpv6 = fc.oneof(
  some({ icmpv6Type: u8.filter((type) => type !== 135 && type !== 136), icmpv6Code: u8 }),
  some({ ipv6NdTarget: maskedIpv6, ipv6NdSll: masked(mac) }).map((nd) => ({
    icmpv6Type: 135,
    ...nd,
  })),
  some({ ipv6NdTarget: maskedIpv6, ipv6NdTll: masked(mac) }).map((nd) => ({
    icmpv6Type: 136,
    ...nd,
  })),
)

const overIpv4 = fc
  .tuple(ip, some({ ipv4Src: maskedIpv4, ipv4Dst: maskedIpv4 }), fc.oneof(transport, icmpv4))
  .map((parts) => unfragmented(Object.assign({ ethType: 0x0800 }, ...parts)))
const overIpv6 = fc
  .tuple(
    ip,
    some({ ipv6Src: maskedIpv6, ipv6Dst: maskedIpv6 }),
    fc.oneof(
      transport,
      icmpv6.map((icmp): Match => ({ ipProto: 58, ...icmp })),
    ),
  )
  .map((parts) => unfragmented(Object.assign({ ethType: 0x86dd }, ...parts)))

/** A later fragment has no header to match behind that of IP. */
function unfragmented(match: Match): Match {
  const behind = Object.keys(match).some((name) => /^(?:tcp|udp|icmp)/.test(name))
  const { ipFrag } = match
  if (!behind || ipFrag === undefined) return match
  if (typeof ipFrag === 'number') return { ...match, ipFrag: ipFrag & 1 }
  return { ...match, ipFrag: { ...ipFrag, value: ipFrag.value & 1 } }
}

const otherType = some({ ethType: fc.constantFrom(0x0600, 0x05ff, 0x88cc, 0x8847, 0x8848, 0xffff) })

const below = some({
  pktMark: masked(u32),
  inPort: fc.oneof(fc.integer({ min: 1, max: 0xfeff }), fc.constant(OFPP.local)),
  metadata: masked(u64),
  vlanTci,
  ethSrc: masked(mac),
  ethDst: masked(mac),
})

const loaded = fc
  .array(fc.tuple(fc.constantFrom(...registers), masked(u32)), { maxLength: 6 })
  .map((entries) => Object.fromEntries(entries))

/** Keys in any order: the order in which a match is written down says nothing. */
export const matches: fc.Arbitrary<Match> = fc
  .tuple(below, loaded, fc.oneof(arp, overIpv4, overIpv6, otherType))
  .chain((parts) => {
    const entries = parts.flatMap((part) => Object.entries<unknown>(part))
    return fc
      .shuffledSubarray(entries, { minLength: entries.length })
      .map((shuffled): Match => Object.fromEntries(shuffled))
  })

/** Groups that an action may name; the switch must have them. */
export const GROUPS = [1, 4_000_000] as const

const loads: fc.Arbitrary<Action> = fc
  .record({
    field: fc.constantFrom('pktMark' as const, ...registers),
    offset: fc.nat(31),
    size: fc.nat(31),
    value: u64,
  })
  .map(({ field, offset, size, value }) => {
    const bits = Math.min(size + 1, 32 - offset)
    return { type: 'load', field, offset, bits, value: BigInt.asUintN(bits, value) }
  })

const moves: fc.Arbitrary<Action> = fc
  .tuple(
    fc.constantFrom('pktMark' as const, ...registers),
    fc.constantFrom('vlanTci' as const, 'inPort' as const, ...registers),
  )
  .chain(([register, other]) => {
    const most = other === 'vlanTci' ? 16 : 32
    return fc.tuple(fc.integer({ min: 1, max: most }), fc.boolean()).map(
      ([bits, there]): Action => ({
        type: 'move',
        from: there ? register : other,
        to: there ? other : register,
        bits,
      }),
    )
  })

/** A switch takes no pop where there is no tag, and no second one on top of it. */
const tagging: fc.Arbitrary<readonly Action[]> = fc
  .constantFrom(0x8100, 0x88a8)
  .map((tpid) => [{ type: 'pushVlan', tpid }, { type: 'popVlan' }])

const single: fc.Arbitrary<Action> = fc.oneof(
  fc.integer({ min: 1, max: 0xfeff }).map((port): Action => ({ type: 'output', port })),
  fc
    .constantFrom(OFPP.inPort, OFPP.normal, OFPP.flood, OFPP.all, OFPP.local, OFPP.controller)
    .map((port): Action => ({ type: 'output', port })),
  fc
    .integer({ min: 1, max: 0xffff })
    .map((maxLength): Action => ({ type: 'output', port: OFPP.controller, maxLength })),
  fc.nat(254).map((table): Action => ({ type: 'resubmit', table })),
  fc.constantFrom(...GROUPS).map((group): Action => ({ type: 'group', group })),
  loads,
  moves,
)

export const actions: fc.Arbitrary<readonly Action[]> = fc
  .tuple(fc.array(single, { maxLength: 5 }), fc.option(tagging, { nil: [] }))
  .map(([plain, tags]) => [...plain, ...tags])

/** To Open vSwitch a cookie of all ones is none. */
const cookie = u64.filter((n) => n !== 0xffff_ffff_ffff_ffffn)

export const flows: fc.Arbitrary<Flow> = fc.record(
  { table: fc.nat(253), priority: u16, cookie, match: matches, actions },
  { noNullPrototype: true },
)

/** A line of ovs-ofctl with a load in place of every set_field of a register: OpenFlow 1.5 has the latter alone. */
export function withLoads(line: string): string {
  return line.replaceAll(
    /set_field:(\w+)(?:\/(\w+))?->(reg\d+|pkt_mark)/g,
    (_, value, mask, field) => {
      const bits = BigInt(mask ?? 0xffff_ffff).toString(2)
      const offset = bits.length - bits.lastIndexOf('1') - 1
      const size = bits.length - offset
      const n = BigInt(value) >> BigInt(offset)
      const range = size === 32 ? '' : size === 1 ? offset : `${offset}..${offset + size - 1}`
      return `load:${n === 0n ? '0' : `0x${n.toString(16)}`}->NXM_NX_${field.toUpperCase()}[${range}]`
    },
  )
}
