// Whose bridge it is: ours, or one that something else controls and on which we only write the guards of our ports.

import type { Flow } from '@portward/openflow'
import { flowKey } from '@portward/openflow'
import { bridgeFlows, isOurs } from '@portward/portsec'
import { BRIDGE } from './inventory.ts'
import type { Mode } from './verdict.ts'

export type ModeWish = Mode | 'auto'

/** What decides the mode, as the bridge was found. */
export type Found = {
  readonly failMode: string | undefined
  /** All flows on the bridge. */
  readonly flows: readonly Flow[]
}

/**
 * Ours is a bridge that says nothing by itself: `fail_mode=secure`, and no flow of another's. One that was ours stays ours
 * when another adds a flow: to leave it then would silence every interface that our flows admit.
 */
export function modeOf(wish: ModeWish, { failMode, flows }: Found): Mode {
  if (wish !== 'auto') return wish
  if (flows.some((flow) => isOurs(flow.cookie) && OWN_MARK.has(flowKey(flow)))) return 'own'
  return failMode === 'secure' && flows.every(({ cookie }) => isOurs(cookie)) ? 'own' : 'shared'
}

/** What an operator must know of a bridge in this mode, each in a sentence; none when there is nothing to say. */
export function notesOn(mode: Mode, bridge: string, failMode: string | undefined): string[] {
  if (mode === 'own') {
    if (failMode === 'secure') return []
    return [
      `${bridge} has not fail_mode=secure: when ovs-vswitchd restarts, frames pass until the guards stand again. ` +
        `To close that: ovs-vsctl set-fail-mode ${bridge} secure`,
    ]
  }
  return [
    `${bridge} is shared: interfaces that nobody declared are not judged, and may say anything`,
    `${bridge} is shared: a declared port speaks unguarded between its plug and its guard, and after a restart of ` +
      'ovs-vswitchd until its guard stands again. A bridge of Portward’s own has neither gap: give it ' +
      'fail_mode=secure and no flows but ours',
  ]
}

/** The flows of others that frames can meet before or beside ours: they may let pass what a guard would drop. */
export function noteOnForeign(foreign: ReadonlyMap<string, Flow>): string | undefined {
  const inTheWay = [...foreign.values()].filter(
    ({ table, priority }) => GUARD_TABLES.has(table) && (table > 0 || priority >= GUARD_PRIORITY),
  )
  const [first] = inTheWay
  if (first === undefined) return undefined
  const { table, priority, cookie } = first
  return (
    `${inTheWay.length} flows of others come before the guards or stand in their tables, and may let pass what a ` +
    `guard drops; the first: table ${table}, priority ${priority}, cookie 0x${cookie.toString(16)}`
  )
}

/** Whose flows the switch refuses, by interface. */
export function noteOnRefused(refused: ReadonlyMap<string, string>): string | undefined {
  const [first] = refused
  if (first === undefined) return undefined
  const [name, why] = first
  const whose = name === BRIDGE ? 'the bridge itself' : name
  const others = refused.size === 1 ? '' : ` and of ${refused.size - 1} more`
  return (
    `the switch refuses flows of ${whose}${others}: ${why}. An interface that it concerns keeps its last good guard or is ` +
    'silent; it is tried again every few seconds'
  )
}

/** The lowest priority by which a guard takes a port's frames out of table 0. */
const GUARD_PRIORITY = 9
const GUARD_TABLES = new Set([0, ...bridgeFlows('own', 'hidden').map(({ table }) => table)])
/** Flows that stand on a bridge of our own and on no other. */
const shared = new Set(bridgeFlows('shared', 'hidden').map(flowKey))
const OWN_MARK = new Set(
  bridgeFlows('own', 'hidden')
    .map(flowKey)
    .filter((key) => !shared.has(key)),
)
