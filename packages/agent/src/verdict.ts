// What becomes of an interface: guarded, open, a trunk, silent, or none of our business. Pure; the one place that decides.

import type { Flow } from '@portward/openflow'
import { SpecError, admitFlows, memberOf, silenceFlows } from '@portward/portsec'
import type { Member } from '@portward/portsec'
import type { HostPortRecord, SeenRecord } from '@portward/store'
import { compiledGuard } from './compiled.ts'
import type { Iface } from './interface.ts'
import { isCarrier } from './interface.ts'
import type { Declared } from './inventory.ts'
import type { Tags } from './tags.ts'

export type Mode = 'own' | 'shared'

export type Verdict = {
  readonly state: SeenRecord['state']
  /** Why it is silent, in words for an operator; undefined otherwise. */
  readonly reason: string | undefined
  readonly flows: readonly Flow[]
  /** The port these flows fulfil, if they do: what `applied` may report once the switch has them. */
  readonly fulfils: Declared | undefined
  /** What a port on standby, which is silent as it should be, would still have to have before it could speak. */
  readonly lacks?: string
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
  readonly tags: Pick<Tags, 'applied' | 'changing'>
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
    // On a shared bridge it would speak by others' flows while its tag goes. A bond's stays.
    const goes = setting.mode === 'shared' && iface.bond !== true
    const leaving = goes ? leavingReason(iface, setting.tags) : undefined
    if (leaving !== undefined) return silenced(iface.ofport, iface.portId, leaving)
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
  if (port.standby === true) {
    // Silence is what is asked for, and all that the host it leaves has to give.
    const lacks = strayReason(iface, port, setting.tags)
    const verdict = { ...silenced(iface.ofport, port.portId, lacks ?? STANDBY), fulfils: declared }
    if (lacks === undefined) return verdict
    // On a shared bridge, the other interfaces of a bond speak by others' flows.
    const others = setting.mode === 'shared' && iface.bond === true
    return others ? { ...verdict, fulfils: undefined } : { ...verdict, lacks }
  }
  const stray = strayReason(iface, port, setting.tags)
  if (stray !== undefined) return silenced(iface.ofport, port.portId, stray)
  if (!port.guarded) {
    const flows = setting.mode === 'own' ? admitFlows(iface.ofport, port.portId) : []
    return { state: 'open', reason: undefined, flows, fulfils: declared }
  }
  try {
    const flows = compiledGuard(iface.ofport, port)
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

const STANDBY = 'its port speaks on another host: here it is ready, and silent until it is moved'

/** The VLAN that the interface's port in OVSDB shall be an access port of; 0: none of ours. */
export function wantedTag(iface: Iface, setting: Pick<Setting, 'uplinks' | 'portOf'>): number {
  if (iface.portId === undefined || iface.bond === true) return 0
  if (isCarrier(iface, setting.uplinks)) return 0
  const { vlan = 0, checks } = setting.portOf(iface.portId)?.record ?? {}
  return checks?.vlan === undefined ? vlan : 0
}

/**
 * What becomes of an interface whose flows the switch has refused: what stands stays, else it is silent. What was to be silent
 * is, on a bridge of our own, by having no flow.
 */
export function refusedVerdict(
  iface: Iface,
  judged: Verdict,
  refusal: string,
  mode: Mode,
): Verdict {
  const { ofport, portId } = iface
  if (ofport === undefined) return judged
  if (mode === 'own' && judged.state === 'silent' && judged.keep !== true) return silent(refusal)
  return portId === undefined
    ? silent(refusal)
    : { ...silenced(ofport, portId, refusal), keep: true }
}

/** Why its frames might leave in another VLAN than its network's, in words; undefined: they don't. */
function strayReason(
  iface: Iface,
  { vlan, checks }: HostPortRecord,
  tags: Setting['tags'],
): string | undefined {
  const { name, bond, vlan: has, ownTag } = iface
  if (bond === true && (vlan !== 0 || ownTag !== undefined)) {
    return 'its port in OVSDB has other interfaces too (a bond), and can be put in no VLAN for it alone: give it a port of its own'
  }
  if (vlan === 0) return leavingReason(iface, tags)
  if (checks.vlan !== undefined) {
    return `its network has VLAN ${vlan}, and it is exempted from the check \`vlan\`: take one of the two away`
  }
  if (has !== vlan)
    return `its port in OVSDB has ${wordsOf(has)}, not the tag ${vlan} of its network yet`
  if (tags.applied(name)) return undefined
  return `ovs-vswitchd has not taken the tag ${vlan} of its network yet`
}

/** Why it is in a VLAN that we set and that is no longer its, in words; undefined: it isn't. */
function leavingReason({ name, vlan, ownTag }: Iface, tags: Setting['tags']): string | undefined {
  const leaving = (ownTag !== undefined && ownTag === vlan) || tags.changing(name)
  return leaving ? 'the VLAN that its port in OVSDB had before is being taken away' : undefined
}

function wordsOf(vlan: Iface['vlan']): string {
  if (vlan === undefined) return 'no tag'
  return vlan === 'other' ? 'trunks or a vlan_mode' : `the tag ${vlan}`
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
