// A message in one line, for the wire trace.

import { errorCodeOf } from './error.ts'
import { readFlowMod } from './flow-mod.ts'
import { openflowFramer } from './framer.ts'
import { OFPT, bodyOfKind } from './message.ts'
import type { Message } from './message.ts'
import { flowText } from './text.ts'
import { dialects, versions } from './version.ts'

const names = new Map<number, string>(Object.entries(OFPT).map(([name, type]) => [type, name]))

/** E.g. `flowMod 1.4 xid=0x7 88 bytes: add cookie=0x0, table=24, …`. */
export function describe(message: Message): string {
  const { version, type, xid, bytes } = message
  const name = names.get(type) ?? `type ${type}`
  const head = `${name} 1.${version - 1} xid=0x${xid.toString(16)} ${bytes.length} bytes`
  const detail = detailOf(message)
  return detail === undefined ? head : `${head}: ${detail}`
}

/** The messages in what is about to be sent. */
export function messagesIn(bytes: Uint8Array): readonly Message[] {
  return openflowFramer().push(bytes)
}

function detailOf(message: Message): string | undefined {
  const { version, type } = message
  if (type === OFPT.error) return errorCodeOf(message)
  if (type === OFPT.flowMod) {
    const { command, flow } = readFlowMod(message)
    return `${command} ${flowText(flow)}`
  }
  const spoken = versions.find((known) => known === version)
  if (spoken === undefined) return undefined
  const { bundleControl, bundleAdd } = dialects[spoken]
  const control = bodyOfKind(message, bundleControl)
  if (control !== undefined) return `bundle ${control.u32()} ${controlNames[control.u16()]}`
  const add = bodyOfKind(message, bundleAdd)
  if (add === undefined) return undefined
  const bundle = add.u32()
  add.skip(4)
  const [inner] = messagesIn(add.take(add.left))
  return `bundle ${bundle} ${inner === undefined ? 'of nothing' : detailOf(inner)}`
}

/** OFPBCT_, by number. */
const controlNames = [
  'open',
  'opened',
  'close',
  'closed',
  'commit',
  'committed',
  'discard',
  'discarded',
]
