// Flow statistics (OFPMP_FLOW, OpenFlow 1.3 section 7.3.5.2; with OXS statistics from 1.5 on, sections 7.2.4 and 7.3.5.2 there).

import { readInstructions } from './action.ts'
import { DecodeError } from './bytes.ts'
import type { Reader } from './bytes.ts'
import type { FlowStats } from './flow.ts'
import { OFPP } from './flow.ts'
import { readMatch, writeMatch } from './match.ts'
import { multipartReply, multipartRequest } from './message.ts'
import type { Message } from './message.ts'
import type { Version } from './version.ts'
import { dialects } from './version.ts'

const OFPMP_FLOW = { type: 1 } as const
const OFPTT_ALL = 0xff
const OFPG_ANY = 0xffff_ffff
const EVERY_BIT = 0xffff_ffff_ffff_ffffn

/** Which flows: those of a table; those whose cookie equals `cookie` where `cookieMask` has ones, by default everywhere. */
export type FlowFilter = {
  readonly table?: number
  readonly cookie?: bigint
  readonly cookieMask?: bigint
}

export function flowStatsRequest(version: Version, xid: number, filter: FlowFilter): Uint8Array {
  const { table = OFPTT_ALL, cookie, cookieMask = cookie === undefined ? 0n : EVERY_BIT } = filter
  return multipartRequest(version, OFPMP_FLOW, xid, (writer) => {
    writer.u8(table)
    writer.zeros(3)
    writer.u32(OFPP.any)
    writer.u32(OFPG_ANY)
    writer.zeros(4)
    writer.u64(cookie ?? 0n)
    writer.u64(cookieMask)
    writeMatch(writer, {})
  })
}

/** Undefined for a message that is no flow statistics. */
export function readFlowStats(
  message: Message,
  version: Version,
): { readonly flows: readonly FlowStats[]; readonly more: boolean } | undefined {
  const reply = multipartReply(message, OFPMP_FLOW)
  if (reply === undefined) return undefined
  const read = dialects[version].flowStats === 'oxs' ? readWithOxs : readFixed
  const flows: FlowStats[] = []
  while (reply.body.left > 0) {
    const size = reply.body.peek16(0)
    flows.push(read(reply.body.part(size)))
  }
  return { flows, more: reply.more }
}

function readFixed(entry: Reader): FlowStats {
  entry.skip(2) // length
  const table = entry.u8()
  entry.skip(1)
  const durationSeconds = readDuration(entry)
  const priority = entry.u16()
  const idleTimeout = entry.u16()
  const hardTimeout = entry.u16()
  const flags = entry.u16()
  entry.skip(4) // importance from 1.4 on, and padding
  const cookie = entry.u64()
  const packets = entry.u64()
  const bytes = entry.u64()
  const match = readMatch(entry)
  const actions = readInstructions(entry)
  const counters = { packets, bytes, durationSeconds, idleTimeout, hardTimeout, flags }
  return { table, priority, cookie, match, actions, ...counters }
}

function readWithOxs(entry: Reader): FlowStats {
  entry.skip(4) // length, and padding
  const table = entry.u8()
  entry.skip(1)
  const priority = entry.u16()
  const idleTimeout = entry.u16()
  const hardTimeout = entry.u16()
  const flags = entry.u16()
  entry.skip(2) // importance
  const cookie = entry.u64()
  const match = readMatch(entry)
  const counters = readOxs(entry)
  const actions = readInstructions(entry)
  return { table, priority, cookie, match, actions, ...counters, idleTimeout, hardTimeout, flags }
}

const OXS_CLASS_BASIC = 0x8002
const OXS = { duration: 0, packets: 4, bytes: 5 } as const

function readOxs(entry: Reader): Pick<FlowStats, 'packets' | 'bytes' | 'durationSeconds'> {
  const { at } = entry
  entry.skip(2)
  const length = entry.u16()
  if (length < 4) throw new DecodeError(`flow statistics of ${length} bytes, want 4 or more`, at)
  const fields = entry.part(length - 4)
  entry.skip(-length & 7)
  let [packets, bytes, durationSeconds] = [0n, 0n, 0]
  while (fields.left > 0) {
    const oxsClass = fields.u16()
    const code = fields.u8() >> 1
    const field = fields.part(fields.u8())
    if (oxsClass !== OXS_CLASS_BASIC) continue
    if (code === OXS.duration) durationSeconds = readDuration(field)
    else if (code === OXS.packets) packets = field.u64()
    else if (code === OXS.bytes) bytes = field.u64()
  }
  return { packets, bytes, durationSeconds }
}

/** Seconds and nanoseconds; what is below a millisecond is dropped. */
function readDuration(reader: Reader): number {
  const whole = reader.u32()
  return (whole * 1000 + Math.floor(reader.u32() / 1_000_000)) / 1000
}
