// OFPT_FLOW_MOD (OpenFlow 1.3 section 7.3.4.2).

import { readInstructions, writeInstructions } from './action.ts'
import { DecodeError } from './bytes.ts'
import type { Writer } from './bytes.ts'
import type { FlowMod } from './flow.ts'
import { OFPP } from './flow.ts'
import { readMatch, writeMatch } from './match.ts'
import { OFPT, bodyOf, writeMessage } from './message.ts'
import type { Message } from './message.ts'
import type { Version } from './version.ts'

const OFPFC = { add: 0, deleteStrict: 4 } as const
const OFPG_ANY = 0xffff_ffff
const OFP_NO_BUFFER = 0xffff_ffff
const EVERY_BIT = 0xffff_ffff_ffff_ffffn

export function writeFlowMod(writer: Writer, version: Version, xid: number, mod: FlowMod): void {
  const { command, flow } = mod
  const adds = command === 'add'
  writeMessage(writer, { version, kind: { type: OFPT.flowMod }, xid }, () => {
    writer.u64(flow.cookie)
    // The mask has a meaning in a deletion alone: a flow that changed hands, and so its cookie, stays.
    writer.u64(adds ? 0n : EVERY_BIT)
    writer.u8(flow.table)
    writer.u8(OFPFC[command])
    writer.zeros(4) // timeouts: none
    writer.u16(flow.priority)
    writer.u32(OFP_NO_BUFFER)
    writer.u32(OFPP.any)
    writer.u32(OFPG_ANY)
    writer.zeros(4) // flags; importance, or padding before OpenFlow 1.4
    writeMatch(writer, flow.match)
    if (adds) writeInstructions(writer, version, flow.actions)
  })
}

/** The same read back. Throws a DecodeError for a command that is none of a FlowMod's. */
export function readFlowMod(message: Message): FlowMod {
  const body = bodyOf(message)
  const cookie = body.u64()
  body.skip(8)
  const table = body.u8()
  const { at } = body
  const number = body.u8()
  const command = number === OFPFC.add ? 'add' : 'deleteStrict'
  if (number !== OFPFC[command]) throw new DecodeError(`flow mod of command ${number}`, at)
  body.skip(4)
  const priority = body.u16()
  body.skip(16)
  const match = readMatch(body)
  return { command, flow: { table, priority, cookie, match, actions: readInstructions(body) } }
}
