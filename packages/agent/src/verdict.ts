// What becomes of an interface: guarded, open, a trunk, silent, or none of our business. Pure; the one place that decides.

import type { Flow } from '@portward/openflow'
import { SpecError, admitFlows, guardFlows, memberOf, silenceFlows } from '@portward/portsec'
import type { Member } from '@portward/portsec'
import type { SeenRecord } from '@portward/store'
import type { Iface } from './interface.ts'
import { isCarrier } from './interface.ts'
import type { Declared } from './inventory.ts'

export type Mode = 'own' | 'shared'

export type Verdict = {
  readonly state: SeenRecord['state']
  /** Why it is silent, in words for an operator; undefined otherwise. */
  readonly reason: string | undefined
  readonly flows: readonly Flow[]
  /** The port these flows fulfil, if they do: what `applied` may report once the switch has them. */
  readonly fulfils: Declared | undefined
  /** Keep the port's guard that stands on this interface, if one does: what can't be compiled keeps its last good one. */
  readonly keep?: true
  /** What of the floods concerns it; absent from what is not guarded, or can't be kept apart. */
  readonly member?: Member
}

export type Setting = {
  readonly mode: Mode
  readonly uplinks: ReadonlySet<string>
  /** The port an iface-id names, if somebody declared it for this host. */
  readonly portOf: (portId: string) => Declared | undefined
  /** All interfaces that the switch has a port for and that carry this iface-id. */
  readonly namesOf: (portId: string) => ReadonlySet<string>
}

export function verdictOn(iface: Iface, setting: Setting): Verdict {
  if (iface.ofport === undefined) {
    const why = iface.error ?? 'the switch has not given it a port number yet'
    return silent(`not on the switch: ${why}`)
  }
  if (isCarrier(iface, setting.uplinks)) return trunk(iface.ofport, setting.mode)
  if (iface.portId === undefined) return unknown(setting.mode, 'it has no external_ids:iface-id')

  const declared = setting.portOf(iface.portId)
  if (declared === undefined) {
    return unknown(setting.mode, `nobody has declared the port ${iface.portId} of its iface-id`)
  }
  const namesakes = [...setting.namesOf(iface.portId)].filter((name) => name !== iface.name)
  const port = declared.record
  if (namesakes.length > 0) {
    const others = namesakes.sort().join(', ')
    const reason = `${others} has the same iface-id: take it off all but one`
    return silenced(iface.ofport, port.portId, reason)
  }
  if (!port.up) {
    const down = silenced(iface.ofport, port.portId, 'admin_state_up of its port is false')
    return { ...down, fulfils: declared }
  }
  if (!port.guarded) {
    const flows = setting.mode === 'own' ? admitFlows(iface.ofport, port.portId) : []
    return { state: 'open', reason: undefined, flows, fulfils: declared }
  }
  try {
    const flows = guardFlows(iface.ofport, port)
    const { ofport, vlan = 0 } = iface
    const member = vlan === 'other' ? undefined : memberOf(ofport, vlan, port)
    const verdict = { state: 'guarded', reason: undefined, flows, fulfils: declared } as const
    return member === undefined ? verdict : { ...verdict, member }
  } catch (error) {
    if (!(error instanceof SpecError)) throw error
    // Stale protection beats none: what stands stays, and where nothing stands the interface is silent.
    return { ...silenced(iface.ofport, port.portId, error.message), keep: true }
  }
}

/** What becomes of an interface whose flows the switch has refused: what stands stays, else it is silent. */
export function refusedVerdict(iface: Iface, judged: Verdict, refusal: string): Verdict {
  const { ofport, portId } = iface
  if (ofport === undefined) return judged
  return portId === undefined
    ? silent(refusal)
    : { ...silenced(ofport, portId, refusal), keep: true }
}

function trunk(ofport: number, mode: Mode): Verdict {
  const flows = mode === 'own' ? admitFlows(ofport) : []
  return { state: 'trunk', reason: undefined, flows, fulfils: undefined }
}

/** On our own bridge nobody unknown speaks, by table 0's last flow. On a shared one that is not ours to say. */
function unknown(mode: Mode, reason: string): Verdict {
  if (mode === 'own') return silent(reason)
  return { state: 'foreign', reason, flows: [], fulfils: undefined }
}

function silent(reason: string): Verdict {
  return { state: 'silent', reason, flows: [], fulfils: undefined }
}

function silenced(ofport: number, portId: string, reason: string): Verdict {
  return { state: 'silent', reason, flows: silenceFlows(ofport, portId), fulfils: undefined }
}
