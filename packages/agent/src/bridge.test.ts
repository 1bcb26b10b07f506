import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { OFPP } from '@portward/openflow'
import type { Change, RowOf, VswitchSchema } from '@portward/ovsdb'
import { BridgeView } from './bridge.ts'
import type { BridgeRow, VswitchRows } from './bridge.ts'
import type { Iface } from './interface.ts'

type PortRow = RowOf<VswitchSchema['Port']>
type InterfaceRow = RowOf<VswitchSchema['Interface']>

/** A database in a few words: which ports each bridge has, which interfaces each port, and what each interface says. */
type Picture = {
  readonly bridges: Readonly<Record<string, readonly string[]>>
  readonly ports: Readonly<Record<string, readonly string[]>>
  readonly ifaces: Readonly<
    Record<string, { name: string; ofport: number | undefined; ifaceId: string }>
  >
}

class Database implements VswitchRows {
  bridges = new Map<string, BridgeRow>()
  ports = new Map<string, PortRow>()
  ifaces = new Map<string, InterfaceRow>()

  rows(table: 'Bridge'): ReadonlyMap<string, BridgeRow>
  rows(table: 'Port'): ReadonlyMap<string, PortRow>
  rows(table: 'Interface'): ReadonlyMap<string, InterfaceRow>
  rows(table: string): ReadonlyMap<string, unknown> {
    if (table === 'Bridge') return this.bridges
    return table === 'Port' ? this.ports : this.ifaces
  }

  /** Becomes the picture, and gives the changes of it as one transaction. */
  become(picture: Picture): readonly Change<VswitchSchema>[] {
    const before = { bridges: this.bridges, ports: this.ports, ifaces: this.ifaces }
    const rows = Object.entries
    this.bridges = new Map(
      rows(picture.bridges).map(([name, ports]) => [`b-${name}`, bridge(name, ports)]),
    )
    this.ports = new Map(rows(picture.ports).map(([name, ifaces]) => [name, port(name, ifaces)]))
    this.ifaces = new Map(rows(picture.ifaces).map(([uuid, row]) => [uuid, interfaceRow(row)]))
    return [
      ...difference(before.ifaces, this.ifaces).map((c) => ({ table: 'Interface' as const, ...c })),
      ...difference(before.ports, this.ports).map((c) => ({ table: 'Port' as const, ...c })),
      ...difference(before.bridges, this.bridges).map((c) => ({ table: 'Bridge' as const, ...c })),
    ]
  }
}

function difference<T>(before: ReadonlyMap<string, T>, after: ReadonlyMap<string, T>) {
  const uuids = [...new Set([...before.keys(), ...after.keys()])]
  return uuids
    .map((uuid) => ({ uuid, before: before.get(uuid), after: after.get(uuid) }))
    .filter((change) => !same(change.before, change.after))
}

function same(a: unknown, b: unknown): boolean {
  try {
    assert.deepEqual(a, b)
    return true
  } catch {
    return false
  }
}

function bridge(name: string, ports: readonly string[]): BridgeRow {
  return {
    name,
    ports: new Set(ports),
    fail_mode: 'secure',
    protocols: new Set(),
    datapath_type: '',
    datapath_id: undefined,
    controller: new Set(),
    stp_enable: false,
    rstp_enable: false,
    other_config: new Map(),
  }
}

function port(name: string, ifaces: readonly string[]): PortRow {
  return {
    name,
    interfaces: new Set(ifaces),
    tag: undefined,
    trunks: new Set(),
    vlan_mode: undefined,
    external_ids: new Map(),
  }
}

function interfaceRow({
  name,
  ofport,
  ifaceId,
}: {
  name: string
  ofport: number | undefined
  ifaceId: string
}): InterfaceRow {
  const external_ids = new Map([['iface-id', ifaceId]])
  return { name, type: '', ofport, external_ids, error: undefined, mac_in_use: undefined }
}

/** What hangs on br-int, the long way round. */
function naive({ bridges, ports, ifaces }: Picture): Map<string, [number | undefined, string]> {
  const on = (bridges['br-int'] ?? []).flatMap((name) => ports[name] ?? [])
  return new Map(
    on.flatMap((uuid) => {
      const row = ifaces[uuid]
      return row === undefined
        ? []
        : [[row.name, [row.ofport, row.ifaceId]] as [string, [number | undefined, string]]]
    }),
  )
}

const ids = ['1', '2', '3', '4']
const pictures: fc.Arbitrary<Picture> = fc
  .tuple(
    // On which bridge each port is, if any; in which port each interface is, and under which name.
    fc.tuple(...ids.map(() => fc.constantFrom('br-int', 'br-ex', undefined))),
    fc.tuple(...ids.map(() => fc.constantFrom(...ids, undefined))),
    fc.shuffledSubarray(['a', 'b', 'c', 'd'], { minLength: 4 }),
    fc.tuple(...ids.map(() => fc.integer({ min: 1, max: 9 }))),
    fc.constantFrom(['br-int', 'br-ex'], ['br-ex'], ['br-int']),
  )
  .map(([bridgeOf, portOf, names, ofports, present]) => ({
    bridges: Object.fromEntries(
      present.map((name) => [name, ids.filter((_, i) => bridgeOf[i] === name).map((n) => `p${n}`)]),
    ),
    ports: Object.fromEntries(
      ids
        .filter((_, i) => bridgeOf[i] !== undefined)
        .map((n) => [`p${n}`, ids.filter((_, i) => portOf[i] === n).map((m) => `i${m}`)]),
    ),
    ifaces: Object.fromEntries(
      ids.flatMap((m, i) =>
        portOf[i] === undefined
          ? []
          : [[`i${m}`, { name: names[i] ?? '', ofport: ofports[i] ?? 0, ifaceId: `id${m}` }]],
      ),
    ),
  }))

void test('whatever becomes of the database, the view tells just what hangs on its bridge', () => {
  fc.assert(
    fc.property(fc.array(pictures, { minLength: 1, maxLength: 6 }), (story) => {
      const told = new Map<string, [number, string]>()
      const view = new BridgeView('br-int', (name, iface) => {
        if (iface === undefined) assert.ok(told.delete(name), `${name} went and had never come`)
        else told.set(name, [iface.ofport ?? 0, iface.portId ?? ''])
      })
      const db = new Database()
      for (const picture of story) {
        view.apply(db.become(picture), db)
        assert.deepEqual(sorted(told), sorted(naive(picture)))
        assert.equal(view.row(db)?.name, picture.bridges['br-int'] && 'br-int')
      }
    }),
    { numRuns: 1000 },
  )
})

function sorted<T>(map: ReadonlyMap<string, T>): readonly [string, T][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1))
}

void test('a number the switch could not give is none; its own port has the number of OpenFlow 1.1 and later', () => {
  const told = new Map<string, Iface | undefined>()
  const view = new BridgeView('br-int', (name, iface) => told.set(name, iface))
  const db = new Database()
  const changes = db.become({
    bridges: { 'br-int': ['p1', 'p2'] },
    ports: { p1: ['i1'], p2: ['i2'] },
    ifaces: {
      i1: { name: 'gone', ofport: -1, ifaceId: 'x' },
      i2: { name: 'br-int', ofport: 65_534, ifaceId: 'y' },
    },
  })
  view.apply(changes, db)
  assert.equal(told.get('gone')?.ofport, undefined)
  assert.equal(told.get('br-int')?.ofport, OFPP.local)
})

void test('a number that the switch tells of itself counts until the row has one, or the switch tells that it is gone', () => {
  const [db, told] = [new Database(), new Map<string, number | undefined>()]
  const view = new BridgeView('br-int', (name, iface) => {
    if (iface === undefined) told.delete(name)
    else told.set(name, iface.ofport)
  })
  const is = (ofport: number | undefined): void => {
    const picture = {
      bridges: { 'br-int': ['p1'] },
      ports: { p1: ['i1'] },
      ifaces: { i1: { name: 'a', ofport, ifaceId: '' } },
    }
    view.apply(db.become(picture), db)
  }
  const nothing = { bridges: { 'br-int': [] }, ports: {}, ifaces: {} }
  view.apply(db.become(nothing), db)
  view.numbered('a', 3, db)
  assert.equal(told.size, 0, 'what OVSDB has not told of is none of ours')
  is(undefined)
  assert.equal(told.get('a'), 3)
  view.numbered('a', undefined, db)
  assert.equal(told.get('a'), undefined)
  view.numbered('a', 4, db)
  assert.equal(told.get('a'), 4)
  is(5)
  assert.equal(told.get('a'), 5, 'the row has the last word')
  is(undefined)
  assert.equal(told.get('a'), undefined)
  view.numbered('a', 6, db)
  is(-1)
  assert.equal(told.get('a'), undefined)
  is(undefined)
  view.numbered('a', 7, db)
  assert.equal(told.get('a'), 7)
  view.forgetNumbers(db)
  assert.equal(told.get('a'), undefined)
  view.numbered('a', 8, db)
  view.apply(db.become(nothing), db)
  assert.equal(told.size, 0)
})

void test('the VLAN of an interface is its port’s, and follows that; what is ours says so', () => {
  const told = new Map<string, Iface | undefined>()
  const view = new BridgeView('br-int', (name, iface) => told.set(name, iface))
  const db = new Database()
  const picture = {
    bridges: { 'br-int': ['p1'] },
    ports: { p1: ['i1'] },
    ifaces: { i1: { name: 'tap1', ofport: 1, ifaceId: 'x' } },
  }
  view.apply(db.become(picture), db)
  const before = db.ports.get('p1')
  assert.ok(before !== undefined)
  assert.equal(told.get('tap1')?.vlan, undefined)
  for (const [fields, vlan] of [
    [{ tag: 10 }, 10],
    [{ tag: 10, vlan_mode: 'access' }, 10],
    [{ tag: 0 }, undefined],
    [{ trunks: new Set([10]) }, 'other'],
    [{ tag: 10, vlan_mode: 'native-untagged' }, 'other'],
  ] as const) {
    const after = { ...before, ...fields }
    db.ports.set('p1', after)
    view.apply([{ table: 'Port', uuid: 'p1', before, after }], db)
    assert.equal(told.get('tap1')?.vlan, vlan, JSON.stringify(fields))
  }
  for (const [fields, ownTag, bond] of [
    [{ external_ids: new Map([['portward-tag', '10']]) }, 10, undefined],
    [{ external_ids: new Map([['portward-tag', 'ten']]) }, 0, undefined],
    [{ interfaces: new Set(['i1', 'i2']) }, undefined, true],
  ] as const) {
    const after = { ...before, ...fields }
    db.ports.set('p1', after)
    view.apply([{ table: 'Port', uuid: 'p1', before, after }], db)
    const iface = told.get('tap1')
    assert.deepEqual([iface?.port, iface?.ownTag, iface?.bond], ['p1', ownTag, bond])
  }
  const row = db.ifaces.get('i1')
  assert.ok(row !== undefined)
  const ours = { ...row, type: 'patch', external_ids: new Map([['portward', 'again']]) }
  db.ifaces.set('i1', ours)
  view.apply([{ table: 'Interface', uuid: 'i1', before: row, after: ours }], db)
  assert.equal(told.get('tap1')?.pair, 'again')
})
