// What becomes of an interface: guarded, open, a trunk, silent, or none of our business. Pure; the one place that decides.

import type { Flow } from '@portward/openflow'
import { SpecError, admitFlows, guardFlows, silenceFlows } from '@portward/portsec'
import type { HostPortRecord, SeenRecord } from '@portward/store'
import type { Iface } from './interface.ts'
import { isCarrier } from './interface.ts'

export type Mode = 'own' | 'shared'

export type Verdict = {
  readonly state: SeenRecord['state']
  /** Why it is silent, in words for an operator; undefined otherwise. */
  readonly reason: string | undefined
  readonly flows: readonly Flow[]
  /** The port these flows fulfil, if they do: what `applied` may report once the switch has them. */
  readonly fulfils: string | undefined
  /** Keep the flows that the switch has of this interface, if any: a port that can't be compiled keeps its last good guard. */
  readonly keep?: true
}

export type Setting = {
  readonly mode: Mode
  readonly uplinks: ReadonlySet<string>
  /** The port an iface-id names, if somebody declared it for this host. */
  readonly portOf: (portId: string) => HostPortRecord | undefined
  /** All interfaces of the bridge with that iface-id. */
  readonly namesOf: (portId: string) => ReadonlySet<string>
}

export function verdictOn(iface: Iface, setting: Setting): Verdict {
  if (iface.ofport === undefined) {
    const why = iface.error ?? 'the switch has not given it a port number yet'
    return silent(`not on the switch: ${why}`)
  }
  if (isCarrier(iface, setting.uplinks)) return trunk(iface.ofport, setting.mode)
  if (iface.portId === undefined) return unknown(setting.mode, 'it has no external_ids:iface-id')

  const port = setting.portOf(iface.portId)
  if (port === undefined) {
    return unknown(setting.mode, `nobody has declared the port ${iface.portId} of its iface-id`)
  }
  const namesakes = [...setting.namesOf(iface.portId)].filter((name) => name !== iface.name)
  if (namesakes.length > 0) {
    const others = namesakes.sort().join(', ')
    return silenced(iface.ofport, port, `${others} has the same iface-id: take it off all but one`)
  }
  if (!port.up)
    return silenced(iface.ofport, port, 'admin_state_up of its port is false', port.portId)
  if (!port.guarded) return open(iface.ofport, port, setting.mode)
  try {
    const flows = guardFlows(iface.ofport, port)
    return { state: 'guarded', reason: undefined, flows, fulfils: port.portId }
  } catch (error) {
    if (!(error instanceof SpecError)) throw error
    // Stale protection beats none: what stands stays, and where nothing stands the interface is silent.
    return { ...silenced(iface.ofport, port, error.message), keep: true }
  }
}

function trunk(ofport: number, mode: Mode): Verdict {
  const flows = mode === 'own' ? admitFlows(ofport) : []
  return { state: 'trunk', reason: undefined, flows, fulfils: undefined }
}

function open(ofport: number, port: HostPortRecord, mode: Mode): Verdict {
  const flows = mode === 'own' ? admitFlows(ofport, port.portId) : []
  return { state: 'open', reason: undefined, flows, fulfils: port.portId }
}

/** On our own bridge nobody unknown speaks, by table 0's last flow. On a shared one that is not ours to say. */
function unknown(mode: Mode, reason: string): Verdict {
  if (mode === 'own') return silent(reason)
  return { state: 'foreign', reason, flows: [], fulfils: undefined }
}

function silent(reason: string): Verdict {
  return { state: 'silent', reason, flows: [], fulfils: undefined }
}

function silenced(ofport: number, port: HostPortRecord, reason: string, fulfils?: string): Verdict {
  return { state: 'silent', reason, flows: silenceFlows(ofport, port.portId), fulfils }
}
