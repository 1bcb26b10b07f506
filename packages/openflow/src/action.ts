// What a flow does, on the wire: instructions (OpenFlow 1.3 section 7.2.4) and the actions in them (7.2.5, nicira-ext.h).
// Actions are applied at once, so the one instruction we send is OFPIT_APPLY_ACTIONS; a flow without any drops.

import { DecodeError, Reader, hexOf } from './bytes.ts'
import type { Writer } from './bytes.ts'
import type { Action } from './flow.ts'
import { OFPP } from './flow.ts'
import { rowOfHeader } from './match.ts'
import { NICIRA } from './message.ts'
import { isLoadableName, isMovableName, oxm } from './oxm.ts'
import type { LoadableName, MovableName, OxmField, OxmName } from './oxm.ts'
import { dialects } from './version.ts'
import type { Version } from './version.ts'

const OFPIT_APPLY_ACTIONS = 4
const OFPAT = {
  output: 0,
  pushVlan: 17,
  popVlan: 18,
  group: 22,
  setField: 25,
  copyField: 28,
  experimenter: 0xffff,
} as const
const NXAST = { regMove: 6, regLoad: 7, resubmitTable: 14 } as const
/** OFPP_IN_PORT and "every table" where they have 16 and 8 bits. */
const IN_PORT_16 = 0xfff8
const TABLE_ALL = 0xff
/** Of a type and a length: what every action and instruction begins with. */
const HEADER_SIZE = 4

export function writeInstructions(
  writer: Writer,
  version: Version,
  actions: readonly Action[],
): void {
  const start = writer.size
  writer.u16(OFPIT_APPLY_ACTIONS)
  writer.u16(0)
  writer.zeros(4)
  const empty = writer.size
  for (const action of actions)
    if (action.type !== 'instruction') writeAction(writer, version, action)
  if (writer.size === empty) writer.rewind(start)
  else writer.patch16(start + 2, writer.size - start)
  for (const action of actions) if (action.type === 'instruction') writer.hex(action.hex)
}

export function readInstructions(reader: Reader): readonly Action[] {
  const actions: Action[] = []
  while (reader.left > 0) {
    const item = readItem(reader)
    const { type, body } = bodyOf(item)
    if (type === OFPIT_APPLY_ACTIONS) {
      body.skip(4)
      while (body.left > 0) actions.push(readAction(body))
    } else actions.push({ type: 'instruction', hex: hexOf(item) })
  }
  return actions
}

type AnyAction = Exclude<Action, { type: 'instruction' }>

function writeAction(writer: Writer, version: Version, action: AnyAction): void {
  switch (action.type) {
    case 'output':
      writer.u16(OFPAT.output)
      writer.u16(16)
      writer.u32(action.port)
      writer.u16(action.maxLength ?? 0)
      writer.zeros(6)
      return
    case 'group':
      writer.u16(OFPAT.group)
      writer.u16(8)
      writer.u32(action.group)
      return
    case 'resubmit':
      writeNicira(writer, NXAST.resubmitTable, 16)
      writer.u16(IN_PORT_16)
      writer.u8(action.table)
      writer.zeros(3)
      return
    case 'load':
      if (dialects[version].load === 'regLoad') writeRegLoad(writer, action)
      else writeSetField(writer, action)
      return
    case 'move':
      writeMove(writer, version, action)
      return
    case 'popVlan':
      writer.u16(OFPAT.popVlan)
      writer.u16(8)
      writer.zeros(4)
      return
    case 'pushVlan':
      writer.u16(OFPAT.pushVlan)
      writer.u16(8)
      writer.u16(action.tpid)
      writer.zeros(2)
      return
    case 'raw':
      writer.hex(action.hex)
      return
    default:
      action satisfies never
  }
}

function readAction(reader: Reader): Action {
  const item = readItem(reader)
  const { type, body } = bodyOf(item)
  return readKnown(type, body) ?? { type: 'raw', hex: hexOf(item) }
}

/** Undefined for an action that there is no word for here. */
function readKnown(type: number, body: Reader): Action | undefined {
  switch (type) {
    case OFPAT.output: {
      const port = body.u32()
      const maxLength = body.u16()
      return port === OFPP.controller && maxLength !== 0
        ? { type: 'output', port, maxLength }
        : { type: 'output', port }
    }
    case OFPAT.pushVlan:
      return { type: 'pushVlan', tpid: body.u16() }
    case OFPAT.popVlan:
      return { type: 'popVlan' }
    case OFPAT.group:
      return { type: 'group', group: body.u32() }
    case OFPAT.copyField: {
      const sizes = [body.u16(), body.u16(), body.u16()] as const
      body.skip(2)
      return readMove(body, sizes)
    }
    case OFPAT.setField:
      return readSetField(body)
    case OFPAT.experimenter:
      return body.u32() === NICIRA ? readNicira(body) : undefined
    default:
      return undefined
  }
}

function readNicira(body: Reader): Action | undefined {
  switch (body.u16()) {
    case NXAST.resubmitTable: {
      const inPort = body.u16()
      const table = body.u8()
      return inPort === IN_PORT_16 && table !== TABLE_ALL ? { type: 'resubmit', table } : undefined
    }
    case NXAST.regLoad: {
      const range = body.u16()
      const { field } = readLoadable(body)
      const value = body.u64()
      if (field === undefined) return undefined
      return { type: 'load', field, offset: range >> 6, bits: (range & 0x3f) + 1, value }
    }
    case NXAST.regMove:
      return readMove(body, [body.u16(), body.u16(), body.u16()])
    default:
      return undefined
  }
}

/** OpenFlow 1.5 tells a load as the setting of a field, with a mask where it is a part of it. */
function readSetField(body: Reader): Action | undefined {
  const { field, hasMask } = readLoadable(body)
  if (field === undefined) return undefined
  const value = body.u32()
  const mask = hasMask ? body.u32() : 0xffff_ffff
  const offset = 31 - Math.clz32(mask & -mask)
  const ones = mask >>> offset
  if (mask === 0 || (ones & (ones + 1)) !== 0) return undefined
  const bits = 32 - Math.clz32(ones)
  return { type: 'load', field, offset, bits, value: BigInt((value & mask) >>> offset) }
}

type Load = Extract<Action, { type: 'load' }>

type Move = Extract<Action, { type: 'move' }>

/** A move of parts that do not begin at bit 0 is nothing we have a word for. */
function readMove(
  body: Reader,
  [bits, fromOffset, toOffset]: readonly [number, number, number],
): Action | undefined {
  const from = readField(body).name
  const to = readField(body).name
  if (from === undefined || to === undefined || fromOffset !== 0 || toOffset !== 0) return undefined
  return isMovableName(from) && isMovableName(to) ? { type: 'move', from, to, bits } : undefined
}

function writeMove(writer: Writer, version: Version, { from, to, bits }: Move): void {
  const start = writer.size
  if (dialects[version].load === 'regLoad') writeNicira(writer, NXAST.regMove, 24)
  else {
    writer.u16(OFPAT.copyField)
    writer.u16(24)
  }
  writer.u16(bits)
  writer.zeros(4) // both from bit 0 on
  if (dialects[version].load !== 'regLoad') writer.zeros(2)
  writeField(writer, from, false)
  writeField(writer, to, false)
  writer.pad8(start)
}

function writeRegLoad(writer: Writer, { field, offset, bits, value }: Load): void {
  writeNicira(writer, NXAST.regLoad, 24)
  writer.u16((offset << 6) | (bits - 1))
  writeField(writer, field, false)
  writer.u64(value)
}

function writeSetField(writer: Writer, { field, offset, bits, value }: Load): void {
  const start = writer.size
  writer.u16(OFPAT.setField)
  writer.u16(16)
  writeField(writer, field, bits < 32)
  writer.u32(Number(value << BigInt(offset)))
  if (bits < 32) writer.u32(Number(((1n << BigInt(bits)) - 1n) << BigInt(offset)))
  writer.pad8(start)
}

function writeNicira(writer: Writer, subtype: number, size: number): void {
  writer.u16(OFPAT.experimenter)
  writer.u16(size)
  writer.u32(NICIRA)
  writer.u16(subtype)
}

function writeField(writer: Writer, name: MovableName, hasMask: boolean): void {
  const { class: oxmClass, code, codec }: OxmField = oxm[name]
  const size = codec === 'u16' ? 2 : 4
  writer.u16(oxmClass)
  writer.u8((code << 1) | (hasMask ? 1 : 0))
  writer.u8(hasMask ? 2 * size : size)
}

function readField(reader: Reader): { name: OxmName | undefined; hasMask: boolean } {
  const header = reader.u32()
  return { name: rowOfHeader.get(header >>> 9)?.name, hasMask: (header & 0x100) !== 0 }
}

function readLoadable(reader: Reader): { field: LoadableName | undefined; hasMask: boolean } {
  const { name, hasMask } = readField(reader)
  return { field: name !== undefined && isLoadableName(name) ? name : undefined, hasMask }
}

/** The next action or instruction, whole. */
function readItem(reader: Reader): Uint8Array {
  const { at } = reader
  const size = reader.peek16(2)
  if (size < HEADER_SIZE || size % 8 !== 0) {
    throw new DecodeError(`an action or instruction of ${size} bytes, want a multiple of 8`, at)
  }
  return reader.take(size)
}

function bodyOf(item: Uint8Array): { type: number; body: Reader } {
  const body = new Reader(item)
  const type = body.u16()
  body.skip(2)
  return { type, body }
}
