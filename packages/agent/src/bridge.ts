// One bridge as OVSDB describes it: which interfaces hang on it, through which ports. Fed with the database's changes, it
// tells of each interface once per transaction, and only of those on its bridge. Pure.
//
//   Bridge.ports ─► Port.interfaces ─► Interface (name, ofport, external_ids, …)

import type { Mac } from '@portward/addr'
import { parseMac } from '@portward/addr'
import { OFPP } from '@portward/openflow'
import type { Change, RowOf, VswitchSchema } from '@portward/ovsdb'
import type { Iface, PairRole } from './interface.ts'
import { OWN_TAG } from './tag-ops.ts'

export type BridgeRow = RowOf<VswitchSchema['Bridge']>
type InterfaceRow = RowOf<VswitchSchema['Interface']>
type PortRow = RowOf<VswitchSchema['Port']>
export type VswitchRows = {
  rows(table: 'Bridge'): ReadonlyMap<string, BridgeRow>
  rows(table: 'Port'): ReadonlyMap<string, PortRow>
  rows(table: 'Interface'): ReadonlyMap<string, InterfaceRow>
}

export class BridgeView {
  readonly #name: string
  readonly #setIface: (name: string, iface: Iface | undefined) => void
  #uuid: string | undefined
  /** Interfaces of each port of the bridge, and the port of each interface. */
  readonly #ifacesOf = new Map<string, ReadonlySet<string>>()
  readonly #portOf = new Map<string, string>()
  /** The name under which each interface was told, and the other way round. */
  readonly #names = new Map<string, string>()
  readonly #uuids = new Map<string, string>()
  /** Numbers that the switch has told of itself, of interfaces whose rows have none yet. */
  readonly #early = new Map<string, number>()

  /** `setIface` gets every interface that came or changed, and with undefined every one that went. */
  constructor(name: string, setIface: (name: string, iface: Iface | undefined) => void) {
    this.#name = name
    this.#setIface = setIface
  }

  /** The bridge's row; undefined while the switch has no such bridge. */
  row(db: VswitchRows): BridgeRow | undefined {
    return this.#uuid === undefined ? undefined : db.rows('Bridge').get(this.#uuid)
  }

  /** One transaction's changes; `db` already has them. */
  apply(changes: readonly Change<VswitchSchema>[], db: VswitchRows): void {
    const ports = new Set<string>()
    const ifaces = new Set<string>()
    for (const change of changes) {
      switch (change.table) {
        case 'Bridge':
          for (const port of this.#portsTouched(change.uuid, change.before, change.after)) {
            ports.add(port)
          }
          break
        case 'Port':
          ports.add(change.uuid)
          break
        case 'Interface':
          ifaces.add(change.uuid)
          break
        case 'Open_vSwitch':
        case 'Controller':
          break
      }
    }
    for (const iface of this.#attach(ports, db)) ifaces.add(iface)
    this.#tell(ifaces, db)
  }

  /**
   * The switch itself tells that it has made a port for an interface of that name, or (undefined) has none any more. With a thousand
   * ports, it comes round to writing that into the database only a tenth of a second later.
   */
  numbered(name: string, ofport: number | undefined, db: VswitchRows): void {
    if (this.#early.get(name) === ofport) return
    if (ofport === undefined) this.#early.delete(name)
    else this.#early.set(name, ofport)
    const told = this.#uuids.get(name)
    if (told !== undefined) this.#tell(new Set([told]), db)
  }

  /** There is no switch that could tell. */
  forgetNumbers(db: VswitchRows): void {
    for (const name of this.#early.keys()) this.numbered(name, undefined, db)
  }

  /** Ports that came to the bridge or went from it; a bridge of our name that came or went brings all of its. */
  #portsTouched(
    uuid: string,
    before: BridgeRow | undefined,
    after: BridgeRow | undefined,
  ): ReadonlySet<string> {
    if (after?.name === this.#name) this.#uuid = uuid
    else if (this.#uuid === uuid) this.#uuid = undefined
    const had = before?.name === this.#name ? before.ports : none
    const has = after?.name === this.#name ? after.ports : none
    return had.symmetricDifference(has)
  }

  /** Follows the ports to their interfaces, and gives those touched. */
  #attach(ports: ReadonlySet<string>, db: VswitchRows): ReadonlySet<string> {
    const touched = new Set<string>()
    const ours = this.row(db)?.ports ?? none
    for (const port of ports) {
      for (const iface of this.#ifacesOf.get(port) ?? none) {
        if (this.#portOf.get(iface) === port) this.#portOf.delete(iface)
        touched.add(iface)
      }
      this.#ifacesOf.delete(port)
    }
    for (const port of ports) {
      const ifaces = db.rows('Port').get(port)?.interfaces
      if (!ours.has(port) || ifaces === undefined) continue
      this.#ifacesOf.set(port, ifaces)
      for (const iface of ifaces) {
        this.#portOf.set(iface, port)
        touched.add(iface)
      }
    }
    return touched
  }

  /** What went is told before what came: a new row may bear the name of one that went with the same transaction. */
  #tell(ifaces: ReadonlySet<string>, db: VswitchRows): void {
    const present = new Map<string, InterfaceRow>()
    for (const uuid of ifaces) {
      const row = this.#portOf.has(uuid) ? db.rows('Interface').get(uuid) : undefined
      if (row !== undefined) present.set(uuid, row)
      const told = this.#names.get(uuid)
      if (told === undefined || told === row?.name) continue
      this.#names.delete(uuid)
      this.#uuids.delete(told)
      // It was of that row: another of its name is another's until the switch tells of it.
      this.#early.delete(told)
      this.#setIface(told, undefined)
    }
    for (const [uuid, row] of present) {
      this.#names.set(uuid, row.name)
      this.#uuids.set(row.name, uuid)
      if (row.ofport !== undefined) this.#early.delete(row.name)
      this.#setIface(row.name, ifaceOf(row, this.#portOf.get(uuid), this.#early.get(row.name), db))
    }
  }
}

/** `uuid`: of its port's row; `early`: its number, where the row has none yet. */
function ifaceOf(
  row: InterfaceRow,
  uuid: string | undefined,
  early: number | undefined,
  db: VswitchRows,
): Iface {
  const { name, type, error } = row
  const port = uuid === undefined ? undefined : db.rows('Port').get(uuid)
  const portId = row.external_ids.get('iface-id')
  const mac = macIn(
    row.external_ids.get('attached-mac') ?? (type === 'internal' ? row.mac_in_use : undefined),
  )
  const vlan = vlanOf(port)
  const ownTag = tagIn(port?.external_ids.get(OWN_TAG))
  const pair = type === 'patch' ? roleIn(row.external_ids.get('portward')) : undefined
  const ofport = ofportOf(row.ofport ?? early)
  return {
    name,
    type,
    ofport,
    portId,
    mac,
    // Of one that the switch has, it takes away what is wrong and says it again whenever anything is configured.
    error: ofport === undefined ? error : undefined,
    ...(vlan !== undefined && { vlan }),
    ...(uuid !== undefined && { port: uuid }),
    ...(port !== undefined && port.interfaces.size > 1 && { bond: true }),
    ...(ownTag !== undefined && { ownTag }),
    ...(pair !== undefined && { pair }),
  }
}

function vlanOf(port: PortRow | undefined): Iface['vlan'] {
  const { tag, trunks, vlan_mode: mode } = port ?? {}
  if ((trunks?.size ?? 0) > 0 || (mode !== undefined && mode !== 'access')) return 'other'
  // Of access to VLAN 0 it says nothing that a port without a tag does not.
  return tag === 0 ? undefined : tag
}

/** What is no VLAN is 0, which no row of ours has as its tag: that it says it is ours is to go. */
function tagIn(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  return /^\d{1,4}$/.test(text) ? Number(text) : 0
}

function roleIn(text: string | undefined): PairRole | undefined {
  return text === 'flood' || text === 'again' ? text : undefined
}

/** OVSDB has -1 for a port the switch could not make, and OpenFlow 1.0's number for the bridge's own. */
function ofportOf(ofport: number | undefined): number | undefined {
  if (ofport === undefined || ofport < 0) return undefined
  return ofport === LOCAL_16_BIT ? OFPP.local : ofport
}

const LOCAL_16_BIT = 0xfffe

/** What another wrote into external_ids may be anything. */
function macIn(text: string | undefined): Mac | undefined {
  try {
    return text === undefined ? undefined : parseMac(text)
  } catch {
    return undefined
  }
}

const none: ReadonlySet<string> = new Set()

/** ovs-vswitchd.conf.db(5), `other_config:vlan-limit`: how many tags the switch looks through, 1 where it is not set; 0 is 2. */
export function vlanLimitOf(text: string | undefined): 0 | 1 | 2 {
  const limit = Number(text ?? 1)
  return limit === 0 || limit === 1 ? limit : 2
}
