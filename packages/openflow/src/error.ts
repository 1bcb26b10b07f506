// What a switch says when it refuses (OpenFlow 1.5 section 7.5.4, which extends the lists of 1.3 and 1.4 and changes none), for
// all that can be refused of what is sent from here. Version 1.3 tells the later ones as extensions of the ONF. The names are
// those that Open vSwitch's tools and log have.

import type { Flow } from './flow.ts'
import { NICIRA, ONF, bodyOf } from './message.ts'
import type { Message } from './message.ts'
import { flowText } from './text.ts'

/** The switch refused, or it cannot be spoken with. */
export class SwitchError extends Error {
  override readonly name = 'SwitchError'
  /** The name of the error, e.g. `OFPBMC_BAD_PREREQ`; undefined where the switch did not say one. */
  readonly code: string | undefined
  /** The flow that was refused, where it was one. */
  readonly flow: Flow | undefined
  constructor(message: string, about: { readonly code?: string; readonly flow?: Flow } = {}) {
    super(message)
    this.code = about.code
    this.flow = about.flow
  }
}

/** `what` was asked of the switch, in words: `the switch refused WHAT`. */
export function refusal(error: Message, what: string | Flow): SwitchError {
  const code = errorCodeOf(error)
  if (typeof what === 'string')
    return new SwitchError(`the switch refused ${what}: ${code}`, { code })
  return new SwitchError(`the switch refused the flow ${flowText(what)}: ${code}`, {
    code,
    flow: what,
  })
}

const EXPERIMENTER = 0xffff
const HELLO_FAILED = 0

/** The name of an error message; `error type T code C` for one that is not in the lists. */
export function errorCodeOf(error: Message): string {
  const body = bodyOf(error)
  const type = body.u16()
  const code = body.u16()
  if (type === EXPERIMENTER) {
    const vendor = body.u32()
    const name =
      vendor === ONF ? onfErrors[code] : vendor === NICIRA ? niciraErrors[code] : undefined
    return name ?? `error ${code} of experimenter 0x${vendor.toString(16).padStart(8, '0')}`
  }
  const family = errorFamilies[type]
  const name = family?.codes[code]
  return family === undefined || name === undefined
    ? `error type ${type} code ${code}`
    : `${family.prefix}_${name}`
}

export function isHelloFailed(error: Message): boolean {
  return bodyOf(error).u16() === HELLO_FAILED
}

type Family = { readonly prefix: string; readonly codes: readonly string[] }

/** By type; `codes` by code. */
export const errorFamilies: { readonly [type: number]: Family } = {
  0: { prefix: 'OFPHFC', codes: ['INCOMPATIBLE', 'EPERM'] },
  1: {
    prefix: 'OFPBRC',
    codes: [
      'BAD_VERSION',
      'BAD_TYPE',
      'BAD_STAT',
      'BAD_VENDOR',
      'BAD_SUBTYPE',
      'EPERM',
      'BAD_LEN',
      'BUFFER_EMPTY',
      'BUFFER_UNKNOWN',
      'BAD_TABLE_ID',
      'IS_SECONDARY',
      'BAD_PORT',
      'BAD_PACKET',
      'MULTIPART_BUFFER_OVERFLOW',
      'MULTIPART_REQUEST_TIMEOUT',
      'MULTIPART_REPLY_TIMEOUT',
      'MULTIPART_BAD_SCHED',
      'PIPELINE_FIELDS_ONLY',
      'UNKNOWN',
    ],
  },
  2: {
    prefix: 'OFPBAC',
    codes: [
      'BAD_TYPE',
      'BAD_LEN',
      'BAD_VENDOR',
      'BAD_VENDOR_TYPE',
      'BAD_OUT_PORT',
      'BAD_ARGUMENT',
      'EPERM',
      'TOO_MANY',
      'BAD_QUEUE',
      'BAD_OUT_GROUP',
      'MATCH_INCONSISTENT',
      'UNSUPPORTED_ORDER',
      'BAD_TAG',
      'BAD_SET_TYPE',
      'BAD_SET_LEN',
      'BAD_SET_ARGUMENT',
      'BAD_SET_MASK',
      'BAD_METER',
    ],
  },
  3: {
    prefix: 'OFPBIC',
    codes: [
      'UNKNOWN_INST',
      'UNSUP_INST',
      'BAD_TABLE_ID',
      'UNSUP_METADATA',
      'UNSUP_METADATA_MASK',
      'BAD_EXPERIMENTER',
      'BAD_EXP_TYPE',
      'BAD_LEN',
      'EPERM',
      'DUP_INST',
    ],
  },
  4: {
    prefix: 'OFPBMC',
    codes: [
      'BAD_TYPE',
      'BAD_LEN',
      'BAD_TAG',
      'BAD_DL_ADDR_MASK',
      'BAD_NW_ADDR_MASK',
      'BAD_WILDCARDS',
      'BAD_FIELD',
      'BAD_VALUE',
      'BAD_MASK',
      'BAD_PREREQ',
      'DUP_FIELD',
      'EPERM',
    ],
  },
  5: {
    prefix: 'OFPFMFC',
    codes: [
      'UNKNOWN',
      'TABLE_FULL',
      'BAD_TABLE_ID',
      'OVERLAP',
      'EPERM',
      'BAD_TIMEOUT',
      'BAD_COMMAND',
      'BAD_FLAGS',
      'CANT_SYNC',
      'BAD_PRIORITY',
      'IS_SYNC',
    ],
  },
  16: {
    prefix: 'OFPMOFC',
    codes: [
      'UNKNOWN',
      'MONITOR_EXISTS',
      'INVALID_MONITOR',
      'UNKNOWN_MONITOR',
      'BAD_COMMAND',
      'BAD_FLAGS',
      'BAD_TABLE_ID',
      'BAD_OUT',
    ],
  },
  17: {
    prefix: 'OFPBFC',
    codes: [
      'UNKNOWN',
      'EPERM',
      'BAD_ID',
      'BUNDLE_EXIST',
      'BUNDLE_CLOSED',
      'OUT_OF_BUNDLES',
      'BAD_TYPE',
      'BAD_FLAGS',
      'MSG_BAD_LEN',
      'MSG_BAD_XID',
      'MSG_UNSUP',
      'MSG_CONFLICT',
      'MSG_TOO_MANY',
      'MSG_FAILED',
      'TIMEOUT',
      'BUNDLE_IN_PROGRESS',
      'SCHED_NOT_SUPPORTED',
      'SCHED_FUTURE',
      'SCHED_PAST',
    ],
  },
}

/** EXT-230 numbers the errors of bundles from 2300 on. */
export const onfErrors: { readonly [code: number]: string } = {
  ...Object.fromEntries(
    Array.from({ length: 16 }, (_, code) => [
      2300 + code,
      `OFPBFC_${errorFamilies[17]?.codes[code]}`,
    ]),
  ),
  2360: 'OFPFMFC_BAD_PRIORITY',
  2600: 'OFPBIC_DUP_INST',
  2640: 'OFPBRC_MULTIPART_REQUEST_TIMEOUT',
  2641: 'OFPBRC_MULTIPART_REPLY_TIMEOUT',
  4250: 'OFPBAC_BAD_SET_MASK',
}

/** Open vSwitch's own (openvswitch/ofp-errors.h). */
export const niciraErrors: { readonly [code: number]: string } = {
  2: 'NXBRC_NXM_INVALID',
  3: 'NXBRC_NXM_BAD_TYPE',
  4: 'NXBRC_MUST_BE_ZERO',
  6: 'OFPMOFC_MONITOR_EXISTS',
  7: 'OFPMOFC_BAD_FLAGS',
  8: 'OFPMOFC_UNKNOWN_MONITOR',
  9: 'NXBRC_FM_BAD_EVENT',
  10: 'NXBRC_UNENCODABLE_ERROR',
  11: 'NXBAC_MUST_BE_ZERO',
  12: 'NXFMFC_HARDWARE',
  13: 'NXFMFC_BAD_TABLE_ID',
  15: 'NXBAC_BAD_CONJUNCTION',
  22: 'OFPBFC_BAD_VERSION',
  37: 'NXFMFC_INVALID_TLV_FIELD',
  42: 'NXBAC_CT_DATAPATH_SUPPORT',
  43: 'NXBMC_CT_DATAPATH_SUPPORT',
}
