// What of a bridge frames reach before any flow, or by flows that nobody is shown: no guard stands in front of it. It is for an
// operator to switch off; all we can do is to say so.

import type { BridgeRow } from './bridge.ts'
import type { RowOf, VswitchSchema } from '@portward/ovsdb'

export type ControllerRow = RowOf<VswitchSchema['Controller']>

/** Those of the bridge. */
export function controllersOf(
  { controller }: Pick<BridgeRow, 'controller'>,
  db: { rows(table: 'Controller'): ReadonlyMap<string, ControllerRow> },
): readonly ControllerRow[] {
  return [...controller].flatMap((uuid) => db.rows('Controller').get(uuid) ?? [])
}

/** Each in a sentence, with the way out. */
export function notesOnBypass(
  bridge: BridgeRow,
  controllers: readonly ControllerRow[],
): readonly string[] {
  const { name, stp_enable, rstp_enable, other_config } = bridge
  const notes: string[] = []
  for (const [spoken, column, key] of [
    [stp_enable, 'stp_enable', 'stp-enable'],
    [rstp_enable, 'rstp_enable', 'rstp-enable'],
  ] as const) {
    if (!spoken) continue
    notes.push(
      `${name} speaks a spanning tree protocol (${column}), and heeds what guests say of it before any flow: ` +
        `ovs-vsctl set Port PORT other_config:${key}=false for each port of a guest`,
    )
  }
  // In-band control (OVS's Documentation/topics/design): hidden flows, which pass ARP in the name of the bridge or the controller.
  const inBand = controllers.find(
    ({ target, connection_mode }) =>
      /^(?:tcp|ssl):/.test(target) && connection_mode !== 'out-of-band',
  )
  if (inBand !== undefined && other_config.get('disable-in-band') !== 'true') {
    notes.push(
      `${name} has an in-band controller (${inBand.target}): hidden flows before all others pass ARP of whoever claims its ` +
        `address or the bridge’s MAC: ovs-vsctl set Bridge ${name} other_config:disable-in-band=true`,
    )
  }
  return notes
}
