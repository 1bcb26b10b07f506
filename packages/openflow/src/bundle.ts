// Bundles: flow changes that take effect together or not at all (OpenFlow 1.4 section 7.3.9; ONF EXT-230 for 1.3).
//
//   open, add, add, …, close ──► close reply, no error ──► commit ──► commit reply
//                            └─► an error of any of them ──► discard
//
// The switch checks each message as it is added, and a bundle with one of them missing could still be committed: so the
// commit is sent only when the answer to the close has shown that there was no error.

import type { Reader, Writer } from './bytes.ts'
import { writeFlowMod } from './flow-mod.ts'
import type { FlowMod } from './flow.ts'
import { bodyOfKind, writeMessage } from './message.ts'
import type { Message } from './message.ts'
import type { Version } from './version.ts'
import { dialects } from './version.ts'

/** Requests; the reply to each is numbered one higher. */
export const OFPBCT = { open: 0, close: 2, commit: 4, discard: 6 } as const
export type BundleRequest = keyof typeof OFPBCT

const OFPBF_ATOMIC = 1
const OFPBF_ORDERED = 2

export function writeBundleControl(
  writer: Writer,
  head: { readonly version: Version; readonly xid: number; readonly bundle: number },
  request: BundleRequest,
): void {
  const { version, xid, bundle } = head
  writeMessage(writer, { version, kind: dialects[version].bundleControl, xid }, () => {
    writer.u32(bundle)
    writer.u16(OFPBCT[request])
    writer.u16(OFPBF_ATOMIC | OFPBF_ORDERED)
  })
}

/** The outer and the inner message have the same transaction id: an error of either names the flow. */
export function writeBundleAdd(
  writer: Writer,
  head: { readonly version: Version; readonly xid: number; readonly bundle: number },
  mod: FlowMod,
): void {
  const { version, xid, bundle } = head
  writeMessage(writer, { version, kind: dialects[version].bundleAdd, xid }, () => {
    writer.u32(bundle)
    writer.u16(0)
    writer.u16(OFPBF_ATOMIC | OFPBF_ORDERED)
    writeFlowMod(writer, version, xid, mod)
  })
}

/** Whether the message is the switch's good answer to that request. */
export function isBundleReply(message: Message, version: Version, request: BundleRequest): boolean {
  const body: Reader | undefined = bodyOfKind(message, dialects[version].bundleControl)
  if (body === undefined) return false
  body.skip(4)
  return body.u16() === OFPBCT[request] + 1
}
