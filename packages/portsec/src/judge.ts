// What the flows make of a frame: the tables of the switch, gone through as Open vSwitch goes through them
// (ofproto/ofproto-dpif-xlate.c), with the frame seen as Open vSwitch sees it. No switch is asked.
//
// To deliver is to hand the frame to NORMAL or to a port. Where NORMAL sends it is the switch's own business: a frame it knows
// no port for, or whose destination is reserved (IEEE 802.1D: 01:80:c2:00:00:0x), may yet end there.

import type { Ip, Mac } from '@portward/addr'
import type { Action, Flow, MovableName } from '@portward/openflow'
import { OFPP } from '@portward/openflow'
import { isZero, readField, readNumber, writeNumber } from './fields.ts'
import { FlowTables, nameOf } from './flow-tables.ts'
import { ETH, ICMPV6, PROTO } from './guard.ts'
import { tables } from './pipeline.ts'
import type { Rule } from './rule.ts'
import { readCookie } from './rule.ts'
import type { View } from './seen.ts'
import { CFI, FRAGMENT, MAX_TAGS, isTag, readFrame } from './seen.ts'

/** `flow` is undefined where no flow of the table matched, which drops the frame. */
export type Step = { readonly table: number; readonly flow: Flow | undefined }

/** Who a frame says it is: a port must have it among its bindings. */
export type Claim = { readonly mac: Mac; readonly ip: Ip }

export type Judgement = {
  readonly verdict: 'delivered' | 'dropped'
  /** The rule that dropped the frame, or by which it was let through; 0 where none has a part in it. */
  readonly rule: Rule
  readonly path: readonly Step[]
  /** Absent from a frame that names no address as its own, or one that can't be read. */
  readonly claim?: Claim
}

/** Many frames are judged at little cost by flows that were prepared once. Throws when a flow can't be understood. */
export function judge(
  flows: Iterable<Flow> | FlowTables,
  frame: Uint8Array,
  inPort: number,
  view: View = {},
): Judgement {
  const prepared = flows instanceof FlowTables ? flows : new FlowTables(flows)
  const { fields, tags } = readFrame(frame, view)
  writeNumber(fields, 'inPort', inPort)
  // Before the flows change any of it.
  const claim = claimOf(fields)
  const walk = new Walk(prepared, fields, tags)
  if (view.fragments !== 'drop' || (readNumber(fields, 'ipFrag') & FRAGMENT) === 0) walk.enter(0)
  const { path, deliveredBy } = walk
  const rule = deliveredBy ?? dropRuleOf(path.at(-1), fields)
  const verdict = deliveredBy === undefined ? 'dropped' : 'delivered'
  return { verdict, rule, path, ...(claim && { claim }) }
}

export function prepare(flows: Iterable<Flow>): FlowTables {
  return new FlowTables(flows)
}

/** Limits of Open vSwitch: beyond them it drops the frame, whatever was done with it before. */
const MAX_DEPTH = 64
const MAX_RESUBMITS = MAX_DEPTH * MAX_DEPTH

/** One frame on its way. */
class Walk {
  readonly path: Step[] = []
  readonly #tables: FlowTables
  readonly #fields: Uint8Array
  readonly #tags: number[]
  /** The flows that brought the frame to where it is. */
  readonly #through: Flow[] = []
  #depth = 0
  #resubmits = 0
  #failed = false
  #deliveredBy: Rule | undefined

  constructor(prepared: FlowTables, fields: Uint8Array, tags: readonly number[]) {
    this.#tables = prepared
    this.#fields = fields
    this.#tags = [...tags]
  }

  get deliveredBy(): Rule | undefined {
    return this.#failed ? undefined : this.#deliveredBy
  }

  enter(table: number): void {
    const flow = this.#tables.find(table, readNumber(this.#fields, 'inPort'), this.#fields)
    this.path.push({ table, flow })
    if (flow === undefined) return
    this.#through.push(flow)
    for (const action of flow.actions) {
      if (this.#failed) break
      this.#apply(action, flow)
    }
    this.#through.pop()
  }

  #apply(action: Action, flow: Flow): void {
    switch (action.type) {
      case 'resubmit':
        return this.#resubmit(action.table, flow.table)
      case 'load':
        return this.#put(action.field, action.offset, action.bits, Number(action.value))
      case 'move':
        return this.#put(action.to, 0, action.bits, readNumber(this.#fields, action.from))
      case 'popVlan':
        if (isTagged(this.#tags)) this.#tags.shift()
        return this.#showTag()
      case 'pushVlan':
        this.#tags.unshift(CFI)
        this.#tags.splice(MAX_TAGS)
        return this.#showTag()
      case 'output':
        return this.#output(action.port)
      case 'group':
        // What its buckets do is not known here. It may deliver, so it does.
        return this.#deliver()
      case 'raw':
      case 'instruction':
        throw new Error(`${nameOf(flow)} does what is not known here: ${action.hex}`)
    }
  }

  /** Only the way back to a table, or to the same, counts as deeper. */
  #resubmit(table: number, from: number): void {
    this.#failed = this.#depth >= MAX_DEPTH || this.#resubmits >= MAX_RESUBMITS
    if (this.#failed) return
    const deeper = table <= from ? 1 : 0
    this.#resubmits++
    this.#depth += deeper
    this.enter(table)
    this.#depth -= deeper
  }

  #put(name: MovableName, offset: number, bits: number, value: number): void {
    const ones = bits >= 32 ? 0xffff_ffff : 2 ** bits - 1
    const before = readNumber(this.#fields, name)
    const after = (before & ~(ones << offset)) | ((value & ones) << offset)
    writeNumber(this.#fields, name, after >>> 0)
    if (name === 'vlanTci') this.#tags[0] = readNumber(this.#fields, name)
  }

  #showTag(): void {
    writeNumber(this.#fields, 'vlanTci', this.#tags[0] ?? 0)
  }

  #output(port: number): void {
    switch (port) {
      case OFPP.controller:
      case OFPP.any:
      case readNumber(this.#fields, 'inPort'):
        return
      case OFPP.normal:
        // A tag that ends too early, or that comes to light when another was taken off: NORMAL calls it partial and drops it.
        if (isTag(readNumber(this.#fields, 'ethType')) && !isTagged(this.#tags)) return
        return this.#deliver()
      default:
        return this.#deliver()
    }
  }

  #deliver(): void {
    this.#deliveredBy ??= passRuleOf(this.#through)
  }
}

function isTagged(tags: readonly number[]): boolean {
  return ((tags[0] ?? 0) & CFI) !== 0
}

/** Whom a frame speaks for is decided among the claims or by its source; elsewhere, the last flow that stands for a rule let it by. */
function passRuleOf(through: readonly Flow[]): Rule {
  const ruled = through.filter((flow) => ruleOf(flow) !== 0)
  const { claim, source } = tables
  const speaks = [claim.id, source.id].map((id) => ruled.find(({ table }) => table === id))
  return ruleOf(speaks.find((flow) => flow !== undefined) ?? ruled.at(-1))
}

/** The last flow of a table that judges takes what no rule lets pass: which one that is, the frame tells. */
function dropRuleOf(last: Step | undefined, fields: Uint8Array): Rule {
  const rule = ruleOf(last?.flow)
  if (rule !== 0 || last === undefined || !UNNAMED_DROPS.has(last.table)) return rule
  return last.table === tables.mac.id ? 1 : kindRuleOf(fields)
}

const UNNAMED_DROPS: ReadonlySet<number> = new Set([
  tables.claim.id,
  tables.mac.id,
  tables.source.id,
])

function ruleOf(flow: Flow | undefined): Rule {
  return (flow && readCookie(flow.cookie)?.rule) ?? 0
}

function kindRuleOf(fields: Uint8Array): Rule {
  const ethType = readNumber(fields, 'ethType')
  switch (ethType) {
    case ETH.arp:
      return isProbe(fields) ? 4 : 3
    case ETH.rarp:
      return 5
    case ETH.ipv4:
      return isZero(fields, 'ipv4Src') ? 7 : 6
    case ETH.ipv6:
      if (isIcmpv6(fields, ICMPV6.na)) return 12
      return isZero(fields, 'ipv6Src') ? 10 : 9
    default:
      return isTag(ethType) ? 2 : 16
  }
}

/** From no address of its own, a probe claims the one it asks for, as does a solicitation. */
function claimOf(fields: Uint8Array): Claim | undefined {
  switch (readNumber(fields, 'ethType')) {
    case ETH.arp: {
      const sha = readField(fields, 'arpSha')
      return claim(fields, sha, isProbe(fields) ? 'arpTpa' : 'arpSpa')
    }
    case ETH.rarp:
      return claim(fields, readField(fields, 'arpSha'), 'arpSpa')
    case ETH.ipv4:
      return claim(fields, readField(fields, 'ethSrc'), 'ipv4Src')
    case ETH.ipv6: {
      const src = readField(fields, 'ethSrc')
      if (isIcmpv6(fields, ICMPV6.na)) {
        const tll = isZero(fields, 'ipv6NdTll') ? src : readField(fields, 'ipv6NdTll')
        return claim(fields, tll, 'ipv6NdTarget')
      }
      const solicits = isIcmpv6(fields, ICMPV6.ns) && isZero(fields, 'ipv6Src')
      return claim(fields, src, solicits ? 'ipv6NdTarget' : 'ipv6Src')
    }
    default:
      return undefined
  }
}

type AddressName = 'arpSpa' | 'arpTpa' | 'ipv4Src' | 'ipv6Src' | 'ipv6NdTarget'

/** Nothing is claimed with the unspecified address, which is also what can't be read looks like. */
function claim(fields: Uint8Array, mac: Mac, name: AddressName): Claim | undefined {
  return isZero(fields, name) ? undefined : { mac, ip: readField(fields, name) }
}

function isProbe(fields: Uint8Array): boolean {
  return readNumber(fields, 'arpOp') === 1 && isZero(fields, 'arpSpa')
}

function isIcmpv6(fields: Uint8Array, type: number): boolean {
  return readNumber(fields, 'ipProto') === PROTO.icmpv6 && readNumber(fields, 'icmpv6Type') === type
}
