// A flow as both sides speak of it: what it matches, what it does. Statistics come apart from it, as `FlowStats`.

import type { LoadableName, Match, MovableName } from './oxm.ts'

/** Reserved port numbers (OpenFlow 1.3, section A.2.1), 32 bits wide. */
export const OFPP = {
  max: 0xffffff00,
  inPort: 0xfffffff8,
  table: 0xfffffff9,
  normal: 0xfffffffa,
  flood: 0xfffffffb,
  all: 0xfffffffc,
  controller: 0xfffffffd,
  local: 0xfffffffe,
  any: 0xffffffff,
} as const

export type Action =
  /** `port` is a number or one of OFPP. `maxLength` is how much of the frame a controller gets; 0 elsewhere. */
  | { readonly type: 'output'; readonly port: number; readonly maxLength?: number }
  /** NXAST_RESUBMIT_TABLE with the frame's own in_port. */
  | { readonly type: 'resubmit'; readonly table: number }
  /** Sets `bits` bits of a register or the mark, from `offset` on: NXAST_REG_LOAD, in OpenFlow 1.5 a set_field with a mask. */
  | {
      readonly type: 'load'
      readonly field: LoadableName
      readonly offset: number
      readonly bits: number
      readonly value: bigint
    }
  /** Copies the low `bits` bits of one field to the low bits of another: NXAST_REG_MOVE, in OpenFlow 1.5 a copy_field. */
  | {
      readonly type: 'move'
      readonly from: MovableName
      readonly to: MovableName
      readonly bits: number
    }
  /** OFPAT_POP_VLAN: takes the outermost tag off. */
  | { readonly type: 'popVlan' }
  /** OFPAT_PUSH_VLAN: a new outermost tag with this TPID, VID and PCP zero. */
  | { readonly type: 'pushVlan'; readonly tpid: number }
  | { readonly type: 'group'; readonly group: number }
  /** Any other action that a switch reported, whole: so that it survives a round trip and compares unequal to ours. */
  | { readonly type: 'raw'; readonly hex: string }
  /** An instruction other than to apply actions, whole, likewise. */
  | { readonly type: 'instruction'; readonly hex: string }

export type Flow = {
  readonly table: number
  readonly priority: number
  readonly cookie: bigint
  readonly match: Match
  /** Applied in order; none drops the frame. */
  readonly actions: readonly Action[]
}

/** A flow as a switch reports it. */
export type FlowStats = Flow & {
  readonly packets: bigint
  readonly bytes: bigint
  /** Since the flow was added; to the millisecond. */
  readonly durationSeconds: number
  readonly idleTimeout: number
  readonly hardTimeout: number
  /** OFPFF_ bits. */
  readonly flags: number
}

/**
 * `add` replaces a flow of the same key. `deleteStrict` removes the flow of that key if it still has that cookie: one that
 * changed hands meanwhile stays.
 */
export type FlowMod = { readonly command: 'add' | 'deleteStrict'; readonly flow: Flow }

/** What became of a flow: it is there, as said, or it went. A flow that is gone comes with what it was. */
export type FlowEvent =
  | { readonly type: 'present'; readonly flow: Flow }
  | { readonly type: 'removed'; readonly flow: Flow }
