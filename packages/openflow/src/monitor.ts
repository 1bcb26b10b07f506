// Flow monitors: what there is, and then every change (OpenFlow 1.4 section 7.3.5.17; ONF EXT-187 for 1.3).
//
// The changes that this connection asks for itself come abbreviated to their transaction id, and are left out here. When its
// reader is slow, Open vSwitch pauses (OFPFME_PAUSED) rather than buffer without end. Meanwhile it still tells what was
// removed; the rest it tells at once before OFPFME_RESUMED: every flow that was added or changed since, as it is then. So
// whoever only keeps what is there misses nothing and need not know of the pause. But changes of our own that fall into a
// pause come in full, like another's: true, and nothing new.

import { readInstructions } from './action.ts'
import { DecodeError } from './bytes.ts'
import type { Reader } from './bytes.ts'
import type { FlowEvent } from './flow.ts'
import { OFPP } from './flow.ts'
import { readMatch, writeMatch } from './match.ts'
import { multipartReply, multipartRequest } from './message.ts'
import type { Message } from './message.ts'
import type { Dialect, Version } from './version.ts'
import { dialects } from './version.ts'

/** OFPFMF_ INITIAL, ADD, REMOVED, MODIFY, INSTRUCTIONS: the same bits in every version. */
const EVERYTHING = 0b11111
const OFPFMC_ADD = 0
const OFPTT_ALL = 0xff
const OFPG_ANY = 0xffff_ffff

/** Monitors every flow of every table. */
export function flowMonitorRequest(version: Version, xid: number, id: number): Uint8Array {
  const { flowMonitor, flowUpdate } = dialects[version]
  return multipartRequest(version, flowMonitor, xid, (writer) => {
    writer.u32(id)
    switch (flowUpdate.layout) {
      case 'standard':
        writer.u32(OFPP.any)
        writer.u32(OFPG_ANY)
        writer.u16(EVERYTHING)
        writer.u8(OFPTT_ALL)
        writer.u8(OFPFMC_ADD)
        break
      case 'onf':
        writer.u16(EVERYTHING)
        writer.u16(4) // the length of the match
        writer.u32(OFPP.any)
        writer.u8(OFPTT_ALL)
        writer.zeros(3)
        break
      default:
        flowUpdate.layout satisfies never
    }
    writeMatch(writer, {})
  })
}

/** Undefined for a message that is of no flow monitor. */
export function readFlowUpdates(
  message: Message,
  version: Version,
): { readonly events: readonly FlowEvent[]; readonly more: boolean } | undefined {
  const { flowMonitor, flowUpdate } = dialects[version]
  const reply = multipartReply(message, flowMonitor)
  if (reply === undefined) return undefined
  const events: FlowEvent[] = []
  while (reply.body.left > 0) {
    const { at } = reply.body
    const size = reply.body.peek16(0)
    if (size < 8) throw new DecodeError(`flow update of ${size} bytes, want 8 or more`, at)
    const event = readUpdate(reply.body.part(size), flowUpdate)
    if (event !== undefined) events.push(event)
  }
  return { events, more: reply.more }
}

/** Undefined for an update that carries no flow. */
function readUpdate(update: Reader, row: Dialect['flowUpdate']): FlowEvent | undefined {
  update.skip(2) // length
  const event = update.u16()
  const removed = event === row.removed
  if (!removed && !row.present.includes(event)) return undefined
  const head = headReaders[row.layout](update)
  const flow = { ...head, match: readMatch(update), actions: readInstructions(update) }
  return { type: removed ? 'removed' : 'present', flow }
}

type Head = { readonly table: number; readonly priority: number; readonly cookie: bigint }

const headReaders: { readonly [L in Dialect['flowUpdate']['layout']]: (update: Reader) => Head } = {
  standard(update) {
    const table = update.u8()
    update.skip(5) // reason, timeouts
    const priority = update.u16()
    update.skip(4)
    return { table, priority, cookie: update.u64() }
  },
  onf(update) {
    update.skip(2) // reason
    const priority = update.u16()
    update.skip(6) // timeouts, length of the match
    const table = update.u8()
    update.skip(1)
    return { table, priority, cookie: update.u64() }
  },
}
