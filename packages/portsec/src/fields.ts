// All fields of a frame, one behind the other in bytes, as the wire has them and in the order of `oxm`: what a frame says can
// be copied there as it stands, and a flow's match compared without a look at any text. A field that a frame doesn't have is
// zero, as in Open vSwitch; no flow can match it without matching what the frame would have to be.

import type { OxmName, OxmValues } from '@portward/openflow'
import { isOxmName, oxm, valueCodecs } from '@portward/openflow'

export type FieldValue<Name extends OxmName> = OxmValues[(typeof oxm)[Name]['codec']]

type Place = { readonly at: number; readonly size: number }

const places = new Map<OxmName, Place>()
let end = 0
for (const name of Object.keys(oxm).filter(isOxmName)) {
  const { size } = valueCodecs[oxm[name].codec]
  places.set(name, { at: end, size })
  end += size
}

/** How many bytes all fields are. */
export const FIELDS_SIZE = end

export function placeOf(name: OxmName): Place {
  const place = places.get(name)
  if (place === undefined) throw new Error(`no such field: ${name}`)
  return place
}

export function readField<Name extends OxmName>(fields: Uint8Array, name: Name): FieldValue<Name> {
  return valueCodecs[oxm[name].codec].read(fields, placeOf(name).at) as FieldValue<Name>
}

/** A field of up to 32 bits. */
export function readNumber(fields: Uint8Array, name: OxmName): number {
  const { at, size } = placeOf(name)
  let n = 0
  for (let i = at; i < at + size; i++) n = ((n << 8) | (fields[i] ?? 0)) >>> 0
  return n
}

export function writeNumber(fields: Uint8Array, name: OxmName, n: number): void {
  const { at, size } = placeOf(name)
  for (let i = at + size - 1; i >= at; i--) {
    fields[i] = n
    n >>>= 8
  }
}

export function copyField(
  fields: Uint8Array,
  name: OxmName,
  from: Uint8Array,
  offset: number,
): void {
  const { at, size } = placeOf(name)
  for (let i = 0; i < size; i++) fields[at + i] = from[offset + i] ?? 0
}

export function clearField(fields: Uint8Array, name: OxmName): void {
  const { at, size } = placeOf(name)
  fields.fill(0, at, at + size)
}

export function isZero(fields: Uint8Array, name: OxmName): boolean {
  const { at, size } = placeOf(name)
  for (let i = at; i < at + size; i++) if (fields[i] !== 0) return false
  return true
}
