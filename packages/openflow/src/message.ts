// Messages: the header that all have, and the short ones whole (OpenFlow 1.3 sections 7.1, 7.5, A.3 and 7.3.5).

import { DecodeError, Reader, Writer } from './bytes.ts'
import type { Kind, Version } from './version.ts'
import { versions } from './version.ts'

export const OFPT = {
  hello: 0,
  error: 1,
  echoRequest: 2,
  echoReply: 3,
  experimenter: 4,
  featuresRequest: 5,
  featuresReply: 6,
  getConfigRequest: 7,
  getConfigReply: 8,
  setConfig: 9,
  flowMod: 14,
  multipartRequest: 18,
  multipartReply: 19,
  barrierRequest: 20,
  barrierReply: 21,
  bundleControl: 33,
  bundleAdd: 34,
} as const

/** Version, type, length and transaction id. */
export const HEADER_SIZE = 8

/** Whose an extension is: the ONF's, or Nicira's, which is to say Open vSwitch's. */
export const ONF = 0x4f4e_4600
export const NICIRA = 0x0000_2320
const OFPMP_EXPERIMENTER = 0xffff
const OFPMPF_MORE = 1
const OFPHET_VERSIONBITMAP = 1

/** A message as the framer cuts it: the header read, the body still bytes. */
export type Message = {
  readonly version: number
  readonly type: number
  readonly xid: number
  /** The whole message, header included: a view of what was received. */
  readonly bytes: Uint8Array
}

/** A reader that stands behind the header. */
export function bodyOf(message: Message): Reader {
  return new Reader(message.bytes, HEADER_SIZE)
}

/** Writes one message; `body` writes what follows the header. */
export function writeMessage(
  writer: Writer,
  head: { readonly version: number; readonly kind: Kind; readonly xid: number },
  body?: () => void,
): void {
  const { version, kind, xid } = head
  const start = writer.size
  writer.u8(version)
  writer.u8('type' in kind ? kind.type : OFPT.experimenter)
  writer.u16(0)
  writer.u32(xid)
  if ('onf' in kind) {
    writer.u32(ONF)
    writer.u32(kind.onf)
  }
  body?.()
  writer.patch16(start + 2, writer.size - start)
}

/** One message alone. */
export function message(
  version: number,
  type: number,
  xid: number,
  body?: (writer: Writer) => void,
): Uint8Array {
  const writer = new Writer(64)
  writeMessage(writer, { version, kind: { type }, xid }, () => body?.(writer))
  return writer.bytes()
}

/** A reader of the body if the message is of that kind. */
export function bodyOfKind(message: Message, kind: Kind): Reader | undefined {
  if ('type' in kind) return message.type === kind.type ? bodyOf(message) : undefined
  if (message.type !== OFPT.experimenter) return undefined
  const body = bodyOf(message)
  return body.u32() === ONF && body.u32() === kind.onf ? body : undefined
}

export function multipartRequest(
  version: Version,
  kind: Kind,
  xid: number,
  body: (writer: Writer) => void,
): Uint8Array {
  return message(version, OFPT.multipartRequest, xid, (writer) => {
    writer.u16('type' in kind ? kind.type : OFPMP_EXPERIMENTER)
    writer.u16(0)
    writer.zeros(4)
    if ('onf' in kind) {
      writer.u32(ONF)
      writer.u32(kind.onf)
    }
    body(writer)
  })
}

/** The body of a multipart reply of that kind, and whether more of the same reply follows; undefined for anything else. */
export function multipartReply(
  message: Message,
  kind: Kind,
): { readonly body: Reader; readonly more: boolean } | undefined {
  if (message.type !== OFPT.multipartReply) return undefined
  const body = bodyOf(message)
  const type = body.u16()
  const more = (body.u16() & OFPMPF_MORE) !== 0
  body.skip(4)
  if ('type' in kind) return type === kind.type ? { body, more } : undefined
  if (type !== OFPMP_EXPERIMENTER) return undefined
  return body.u32() === ONF && body.u32() === kind.onf ? { body, more } : undefined
}

/** A hello that offers every version spoken here (version bitmap, section 7.5.1). */
export function hello(xid: number): Uint8Array {
  const bitmap = versions.reduce<number>((bits, version) => bits | (1 << version), 0)
  return message(versions[0], OFPT.hello, xid, (writer) => {
    writer.u16(OFPHET_VERSIONBITMAP)
    writer.u16(8)
    writer.u32(bitmap)
  })
}

/** The versions that a hello offers: those of its bitmap, else all up to the one in its header. */
export function offeredBy(hello: Message): readonly number[] {
  const body = bodyOf(hello)
  while (body.left >= 4) {
    const { at } = body
    const type = body.u16()
    const length = body.u16()
    if (length < 4) throw new DecodeError(`hello element of ${length} bytes`, at)
    const element = body.part(length - 4)
    body.skip(Math.min(-length & 7, body.left))
    if (type !== OFPHET_VERSIONBITMAP) continue
    const bits = element.u32()
    return Array.from({ length: 32 }, (_, n) => n).filter((n) => ((bits >>> n) & 1) === 1)
  }
  return Array.from({ length: hello.version + 1 }, (_, n) => n)
}

/** The best version that both sides speak. */
export function agreedVersion(offered: readonly number[]): Version | undefined {
  return versions.find((version) => offered.includes(version))
}

/** The datapath id of a features reply. */
export function datapathIdOf(reply: Message): bigint {
  return bodyOf(reply).u64()
}
