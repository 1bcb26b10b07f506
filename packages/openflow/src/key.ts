// When two flows are the same one, and when they say the same.

import { Writer } from './bytes.ts'
import type { Action, Flow } from './flow.ts'
import { writeFields } from './match.ts'

/** Most flows fit; a larger one makes the writer grow. */
const TYPICAL_SIZE = 128

/**
 * What makes a switch take two flows for one: table, priority and match. A string of one character a byte, for maps: compact,
 * equal for equal matches however they were written down, and not for reading.
 */
export function flowKey(flow: Pick<Flow, 'table' | 'priority' | 'match'>): string {
  const writer = new Writer(TYPICAL_SIZE)
  writer.u8(flow.table)
  writer.u16(flow.priority)
  writeFields(writer, flow.match)
  return writer.latin1()
}

/** Whether both do the same with a frame, word for word. */
export function sameActions(a: Pick<Flow, 'actions'>, b: Pick<Flow, 'actions'>): boolean {
  if (a.actions === b.actions) return true
  return (
    a.actions.length === b.actions.length &&
    a.actions.every((action, i) => {
      const other = b.actions[i]
      return other !== undefined && sameAction(action, other)
    })
  )
}

/** Whether a switch that has the one need not be told the other. */
export function sameFlow(a: Flow, b: Flow): boolean {
  if (a === b) return true
  return a.cookie === b.cookie && sameActions(a, b) && flowKey(a) === flowKey(b)
}

function sameAction(a: Action, b: Action): boolean {
  switch (a.type) {
    case 'output':
      return a.type === b.type && a.port === b.port && (a.maxLength ?? 0) === (b.maxLength ?? 0)
    case 'resubmit':
      return a.type === b.type && a.table === b.table
    case 'load':
      return (
        a.type === b.type &&
        a.field === b.field &&
        a.offset === b.offset &&
        a.bits === b.bits &&
        a.value === b.value
      )
    case 'move':
      return a.type === b.type && a.from === b.from && a.to === b.to && a.bits === b.bits
    case 'popVlan':
      return a.type === b.type
    case 'pushVlan':
      return a.type === b.type && a.tpid === b.tpid
    case 'group':
      return a.type === b.type && a.group === b.group
    case 'raw':
    case 'instruction':
      return a.type === b.type && a.hex === b.hex
    default:
      return a satisfies never
  }
}
