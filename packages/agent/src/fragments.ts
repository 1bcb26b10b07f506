// What flows see of fragments. A bridge of our own is set to show them the first of each packet's; on a shared one that would
// change what others' flows match, so there it is only looked at.

import type { Fragments, SwitchConnection } from '@portward/openflow'
import { SwitchError } from '@portward/openflow'
import type { FragmentView } from '@portward/portsec'
import type { Mode } from './verdict.ts'

/** What this needs of a switch. */
type Configurable = Pick<SwitchConnection, 'fragments' | 'setFragments'>

/** Gives how it is now, after setting it where it is ours to set. Throws when the switch cannot be asked. */
export async function fragmentView(session: Configurable, mode: Mode): Promise<FragmentView> {
  const found = await session.fragments()
  if (mode === 'shared' || found === 'nx-match') return viewOf(found)
  try {
    await session.setFragments('nx-match')
    return 'seen'
  } catch (error) {
    if (!(error instanceof SwitchError)) throw error
    return viewOf(await session.fragments())
  }
}

/** Of a bridge that drops fragments, flows need know nothing. */
export function viewOf(fragments: Fragments): FragmentView {
  return fragments === 'nx-match' || fragments === 'drop' ? 'seen' : 'hidden'
}

/** What an operator must know of it, in a sentence. */
export function noteOnFragments(view: FragmentView, bridge: string): string | undefined {
  if (view === 'seen') return undefined
  return (
    `${bridge} hides from its flows what is in fragments: the first fragments of UDP and ICMP are dropped, as nobody can ` +
    `tell what they are. To let honest ones pass: ovs-ofctl set-frags ${bridge} nx-match`
  )
}
