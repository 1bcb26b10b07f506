// Matches on the wire (OpenFlow 1.3 section 7.2.3), by the rows of `oxm`.
//
//   ┌──────────┬────────┬─ one per field ────────────────────────────────┬─────────────┐
//   │ type = 1 │ length │ class 16, code 7, has mask 1, size 8 │ value │ mask │ zeros to 8 │
//   └──────────┴────────┴────────────────────────────────────────────────┴─────────────┘
//
// A match has one encoding: fields in the order of the rows, values cut down to their masks, a mask of ones left out, a field
// whose mask is zero too. So two matches that select the same frames by the same fields are the same bytes.

import { DecodeError, Reader, Writer, hexOf } from './bytes.ts'
import type { Masked, Match, OxmField, OxmName } from './oxm.ts'
import { OXM_CLASS, isMasked, isOxmName, oxm } from './oxm.ts'
import type { ValueCodec } from './value.ts'
import { valueCodecs } from './value.ts'

const OFPMT_OXM = 1
const HEADER_SIZE = 4

/** Where a row stands in the table, and what of it the codec needs. */
export type OxmRow = {
  readonly name: OxmName
  readonly order: number
  readonly class: number
  readonly code: number
  readonly codec: ValueCodec<unknown>
  readonly size: number
  /** The value of each byte of a mask that leaves nothing open. */
  readonly ones: Uint8Array
}

/** In the order of the table. */
const oxmRows: readonly OxmRow[] = Object.keys(oxm)
  .filter(isOxmName)
  .map((name, order) => {
    const { class: oxmClass, code, codec: codecName, bits }: OxmField = oxm[name]
    const codec: ValueCodec<unknown> = valueCodecs[codecName]
    const { size } = codec
    const ones = Uint8Array.from({ length: size }, (_, i) => onesOf(bits ?? size * 8, size - 1 - i))
    return { name, order, class: oxmClass, code, codec, size, ones }
  })

export const rowOf: ReadonlyMap<string, OxmRow> = new Map(oxmRows.map((row) => [row.name, row]))

/** By class and code, the upper 23 bits of a header. */
export const rowOfHeader: ReadonlyMap<number, OxmRow> = new Map(
  oxmRows.map((row) => [headerOf(row.class, row.code), row]),
)

export function writeMatch(writer: Writer, match: Match): void {
  const start = writer.size
  writer.u16(OFPMT_OXM)
  writer.u16(0)
  writeFields(writer, match)
  writer.patch16(start + 2, writer.size - start)
  writer.pad8(start)
}

/** The fields alone, without the header and the padding. */
export function writeFields(writer: Writer, match: Match): void {
  for (const row of rowsOf(match)) writeField(writer, row, match[row.name])
  if (match.unknown !== undefined) writer.hex(match.unknown)
}

export function readMatch(reader: Reader): Match {
  const { at } = reader
  const type = reader.u16()
  if (type !== OFPMT_OXM) throw new DecodeError(`match of type ${type}, want OXM (1)`, at)
  const length = reader.u16()
  const fields = reader.part(length - HEADER_SIZE)
  reader.skip(-length & 7)
  return readFields(fields)
}

/** The same match with each field written as the wire has it: cut down to its mask, bare where that is all ones. */
export function canonicalMatch(match: Match): Match {
  const writer = new Writer()
  writeFields(writer, match)
  return readFields(new Reader(writer.bytes()))
}

/** The rows a match speaks of, in their order. */
export function rowsOf(match: Match): readonly OxmRow[] {
  const rows: OxmRow[] = []
  for (const name in match) {
    const row = rowOf.get(name)
    if (row === undefined || match[row.name] === undefined) continue
    let at = rows.length
    for (; at > 0; at--) {
      const before = rows[at - 1]
      if (before === undefined || before.order < row.order) break
      rows[at] = before
    }
    rows[at] = row
  }
  return rows
}

/** One field with its header. */
export function writeField(writer: Writer, row: OxmRow, field: Masked<unknown>): void {
  const { size, codec, ones } = row
  const start = writer.size
  writer.u16(row.class)
  writer.u8(row.code << 1)
  writer.u8(size)
  const at = writer.space(size)
  if (!isMasked(field)) {
    codec.write(writer.buffer, at, field)
    return
  }
  const maskAt = writer.space(size)
  const { buffer } = writer
  codec.write(buffer, at, field.value)
  codec.write(buffer, maskAt, field.mask)
  let open = false
  let any = false
  for (let i = 0; i < size; i++) {
    const one = ones[i] ?? 0
    const mask = (buffer[maskAt + i] ?? 0) & one
    buffer[at + i] = (buffer[at + i] ?? 0) & mask
    buffer[maskAt + i] = mask
    if (mask !== one) open = true
    if (mask !== 0) any = true
  }
  if (!any) writer.rewind(start)
  else if (!open) writer.rewind(maskAt)
  else {
    buffer[start + 2] = (row.code << 1) | 1
    buffer[start + 3] = size * 2
  }
}

function readFields(reader: Reader): Match {
  const match: Record<string, unknown> = {}
  const tag: Tag = { value: 0, mask: 0 }
  let unknown = ''
  while (reader.left > 0) {
    const { at } = reader
    const header = reader.u32()
    const field: WireField = {
      class: header >>> 16,
      code: (header >>> 9) & 0x7f,
      hasMask: (header & 0x100) !== 0,
      payload: reader.take(header & 0xff),
      at,
    }
    const row = rowOfHeader.get(headerOf(field.class, field.code))
    if (row !== undefined) match[row.name] = readField(row, field)
    else if (!readEquivalent(match, tag, field)) {
      unknown += header.toString(16).padStart(8, '0') + hexOf(field.payload)
    }
  }
  if (tag.mask !== 0) match['vlanTci'] = tag.mask === 0xffff ? tag.value : tag
  if (unknown !== '') match['unknown'] = unknown
  return match
}

/** What is told of the tag, in parts. */
type Tag = { value: number; mask: number }

type WireField = {
  readonly class: number
  readonly code: number
  readonly hasMask: boolean
  readonly payload: Uint8Array
  readonly at: number
}

function readField(row: OxmRow, field: WireField): unknown {
  const { size, codec, ones } = row
  const { payload } = field
  checkSize(row.name, size, field)
  const value = codec.read(payload, 0)
  if (!field.hasMask || ones.every((one, i) => payload[size + i] === one)) return value
  return { value, mask: codec.read(payload, size) }
}

/** OXM_OF_VLAN_VID, OXM_OF_VLAN_PCP, OXM_OF_PACKET_TYPE. */
const VLAN_VID = 6
const VLAN_PCP = 7
const PACKET_TYPE = 44
const VID_BITS = 0x1fff
const PCP_SHIFT = 13

/**
 * Fields of ours that the switch has other names for: it tells vlan_tci as VID (with the CFI bit) and PCP, two registers as one
 * of 64 bits (OpenFlow 1.5), and adds that a frame is Ethernet where no other field says so. False for any other field.
 */
function readEquivalent(match: Record<string, unknown>, tag: Tag, field: WireField): boolean {
  const { class: oxmClass, code, hasMask, payload } = field
  const reader = new Reader(payload)
  if (oxmClass === OXM_CLASS.packetRegs && code < 8) {
    checkSize(`packet register ${code}`, 8, field)
    const [high, low] = [reader.u32(), reader.u32()]
    putRegister(match, code * 2, high, hasMask ? reader.u32() : ONES)
    putRegister(match, code * 2 + 1, low, hasMask ? reader.u32() : ONES)
    return true
  }
  if (oxmClass !== OXM_CLASS.openflowBasic) return false
  switch (code) {
    case VLAN_VID:
      checkSize('vlan_vid', 2, field)
      putTag(tag, reader.u16(), hasMask ? reader.u16() : VID_BITS)
      return true
    case VLAN_PCP:
      checkSize('vlan_pcp', 1, field)
      putTag(tag, reader.u8() << PCP_SHIFT, 7 << PCP_SHIFT)
      return true
    case PACKET_TYPE:
      return payload.every((byte) => byte === 0)
    default:
      return false
  }
}

const ONES = 0xffff_ffff

function putRegister(match: Record<string, unknown>, n: number, value: number, mask: number): void {
  if (mask !== 0) match[`reg${n}`] = mask === ONES ? value : { value, mask }
}

function putTag(tag: Tag, value: number, mask: number): void {
  tag.value |= value
  tag.mask |= mask
}

function checkSize(name: string, size: number, { hasMask, payload, at }: WireField): void {
  const want = hasMask ? size * 2 : size
  if (payload.length !== want) {
    throw new DecodeError(`${name} of ${payload.length} bytes, want ${want}`, at)
  }
}

function headerOf(oxmClass: number, code: number): number {
  return (oxmClass << 7) | code
}

/** Byte `index` from the low end of a number with `bits` ones. */
function onesOf(bits: number, index: number): number {
  return 0xff >>> Math.min(8, Math.max(0, 8 - (bits - index * 8)))
}
