// How the flows of a bridge see fragments: a part of the switch configuration (OpenFlow 1.3 section A.3.2). Of a bridge, and
// until its ovs-vswitchd ends.

import type { Writer } from './bytes.ts'
import { OFPT, bodyOf } from './message.ts'
import type { Message } from './message.ts'

/**
 * As `ovs-ofctl get-frags` names them. `normal`: flows see neither ports nor ICMP types of any fragment. `nx-match`: of the
 * first fragment they see what is in it. `drop`: no fragment comes to the flows. Open vSwitch does not reassemble.
 */
export type Fragments = (typeof fragmentModes)[number]

/** OFPC_FRAG_, by number; the last is Open vSwitch's. */
const fragmentModes = ['normal', 'drop', 'reassemble', 'nx-match'] as const
const OFPC_FRAG_MASK = 3

export type SwitchConfig = {
  readonly fragments: Fragments
  /** Other flags, as they are. */
  readonly flags: number
  /** How much of a frame a controller is sent by default, in bytes. */
  readonly missSendLength: number
}

/** Undefined for another kind of message. */
export function readConfig(message: Message): SwitchConfig | undefined {
  if (message.type !== OFPT.getConfigReply) return undefined
  const body = bodyOf(message)
  const bits = body.u16()
  const fragments = fragmentModes[bits & OFPC_FRAG_MASK] ?? 'normal'
  return { fragments, flags: bits & ~OFPC_FRAG_MASK, missSendLength: body.u16() }
}

export function writeConfig(
  writer: Writer,
  { fragments, flags, missSendLength }: SwitchConfig,
): void {
  writer.u16(flags | fragmentModes.indexOf(fragments))
  writer.u16(missSendLength)
}
