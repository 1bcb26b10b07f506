// A port as its frames meet it: what it is declared as, where it is plugged, and the flows that follow.

import type { Flow } from '@portward/openflow'
import type { PortSpec } from './binding.ts'
import { SpecError } from './binding.ts'
import type { FragmentView } from './guard.ts'
import { admitFlows, bridgeFlows, guardFlows, silenceFlows } from './guard.ts'
import type { Judgement } from './judge.ts'
import { judge } from './judge.ts'
import type { View } from './seen.ts'

export type Subject = {
  readonly spec: PortSpec
  /** OpenFlow port; 0, which none has, stands for one that is yet to come. */
  readonly ofport: number
  /** False: its port security is off, or it is trusted. */
  readonly guarded: boolean
  /** False: nothing of it passes. */
  readonly up: boolean
  /** Why its interface is silent, whatever it is declared as. */
  readonly silence?: string
  readonly mode: 'own' | 'shared'
  readonly fragments: FragmentView
  /** How many tags the switch looks through; 0 is as many as it can. Default 1. */
  readonly vlanLimit?: 0 | 1 | 2
  /** How many pairs, and how many listed EtherTypes, a port may have. Default: any number. */
  readonly most?: { readonly pairs: number; readonly etherTypes: number }
}

/** How the switch sees its frames. */
export function viewOf({ fragments, vlanLimit = 1 }: Subject): View {
  return { fragments: fragments === 'seen' ? 'nx-match' : 'normal', vlanLimit }
}

/** An open port on a shared bridge is none of ours: there stand no flows, and what others' flows do is not known here. */
export function isUntouched({ mode, guarded, up, silence }: Subject): boolean {
  return mode === 'shared' && !guarded && up && silence === undefined
}

/** All flows that its frames can meet. Throws a SpecError when the port cannot be guarded as it is declared. */
export function flowsOf(subject: Subject): readonly Flow[] {
  const { spec, ofport, guarded, up, silence, mode, fragments } = subject
  const own =
    silence !== undefined || !up
      ? silenceFlows(ofport, spec.portId)
      : guarded
        ? guardFlows(ofport, spec)
        : admitFlows(ofport, spec.portId)
  return isUntouched(subject) ? [] : [...bridgeFlows(mode, fragments), ...own]
}

/** What becomes of its frame; undefined when the port cannot be guarded as it is declared. */
export function judged(subject: Subject, frame: Uint8Array): Judgement | undefined {
  try {
    const judgement = judge(flowsOf(subject), frame, subject.ofport, viewOf(subject))
    return isUntouched(subject) ? { ...judgement, verdict: 'delivered', path: [] } : judgement
  } catch (error) {
    if (!(error instanceof SpecError)) throw error
    return undefined
  }
}
