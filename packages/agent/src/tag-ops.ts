// The steps of tags.ts in OVSDB's words: the rows of the Port table, and the bump by which ovs-vswitchd tells that it has taken
// them. ADR 12.

import type { Op } from '@portward/ovsdb'
import type { TagStep } from './tags.ts'

/** Key of a port's external_ids: the tag that we have set, so that a later run knows it for ours. */
export const OWN_TAG = 'portward-tag'

/** One transaction with all the steps and the bump of next_cfg. The last of its results has the number. */
export function tagOps(steps: readonly TagStep[]): readonly Op[] {
  return [
    ...steps.flatMap(stepOps),
    {
      op: 'mutate',
      table: 'Open_vSwitch',
      where: [],
      mutations: [['next_cfg', '+=', 1]],
    },
    { op: 'select', table: 'Open_vSwitch', where: [], columns: ['next_cfg'] },
  ]
}

const none = ['set', []] as const

function stepOps({ port, what, tag }: TagStep): readonly Op[] {
  const row = ['_uuid', '==', ['uuid', port]] as const
  const forget = ['external_ids', 'delete', ['set', [OWN_TAG]]] as const
  const on = { table: 'Port', where: [row] } as const
  switch (what) {
    case 'set': {
      const own = ['external_ids', 'insert', ['map', [[OWN_TAG, String(tag)]]]] as const
      return [
        { op: 'update', ...on, row: { tag, vlan_mode: 'access', trunks: none } },
        // Inserting leaves a key that is there as it is.
        { op: 'mutate', ...on, mutations: [forget, own] },
      ]
    }
    case 'clear': {
      // Unless another hand was faster.
      const ours = { table: 'Port', where: [row, ['tag', '==', tag]] } as const
      return [
        { op: 'update', ...ours, row: { tag: none, vlan_mode: none } },
        { op: 'mutate', ...on, mutations: [forget] },
      ]
    }
    case 'disown':
      return [{ op: 'mutate', ...on, mutations: [forget] }]
    default:
      return what satisfies never
  }
}
