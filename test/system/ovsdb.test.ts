// OVSDB against a real ovsdb-server. The testkit's own transactions and ovsdb-tool change the database, ovsdb-client says
// what it holds: none of them shares a line with the client under test.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createConnection, createServer } from 'node:net'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  Disconnected,
  OvsdbError,
  SchemaError,
  encodeRow,
  openOvsdb,
  removeExternalId,
  setExternalId,
  vswitch,
} from '@portward/ovsdb'
import type { Change, Op, Ovsdb, VswitchSchema } from '@portward/ovsdb'
import { openEnclosure, run, startDaemon, startSwitch, transact } from '@portward/testkit'

const never = new AbortController().signal

/** Table, uuid, column: the cell as a sorted list, so that 5, ["set",[5]] and our 5 or Set(1) are one value. */
type Contents = Map<string, Map<string, Record<string, unknown>>>

const columns: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  Object.entries(vswitch).map(([table, schema]) => [table, Object.keys(schema)]),
)

/** What ovsdb-client says the database holds, of the tables and columns we follow. */
async function dump(socket: string): Promise<Contents> {
  const argv = ['ovsdb-client', '--format=json', 'dump', `unix:${socket}`, 'Open_vSwitch']
  const { stdout } = await run(argv)
  const contents: Contents = new Map()
  for (const line of stdout.trim().split('\n')) {
    const text: { caption: string; headings: string[]; data: unknown[][] } = JSON.parse(line)
    const table = text.caption.replace(/ table$/, '')
    const wanted = columns[table]
    if (wanted === undefined) continue
    const rows = text.data.map((cells): [string, Record<string, unknown>] => {
      const cell = (column: string): unknown[] => wireCell(cells[text.headings.indexOf(column)])
      return [String(cell('_uuid')[0]), Object.fromEntries(wanted.map((c) => [c, cell(c)]))]
    })
    contents.set(table, new Map(rows))
  }
  return contents
}

function wireCell(wire: unknown): unknown[] {
  const atom = (value: unknown): unknown =>
    Array.isArray(value) && value[0] === 'uuid' ? value[1] : value
  if (Array.isArray(wire) && wire[0] === 'set') return sorted(wire[1].map(atom))
  if (Array.isArray(wire) && wire[0] === 'map') return sorted(wire[1])
  return [atom(wire)]
}

function ourCell(value: unknown): unknown[] {
  if (value instanceof Set || value instanceof Map) return sorted([...value])
  return value === undefined ? [] : [value]
}

function sorted(list: readonly unknown[]): unknown[] {
  return list.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

function cells(row: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).map(([column, value]) => [column, ourCell(value)]))
}

/** A client, and what somebody knows who hears of nothing but its changes. */
class Follower implements AsyncDisposable {
  readonly known: Contents = new Map(Object.keys(vswitch).map((table) => [table, new Map()]))
  /** One list for each call of onChanges, since they were last taken. */
  #transactions: string[][] = []
  readonly states: string[] = []
  #onState: (() => void) | undefined
  readonly db: Ovsdb<VswitchSchema>

  constructor(address: string) {
    this.db = openOvsdb({
      address,
      schema: vswitch,
      onChanges: (changes) => this.#follow(changes),
      onState: (state, why) => {
        this.states.push(why === undefined ? state : `${state}: ${why.message}`)
        this.#onState?.()
      },
      signal: never,
    })
  }

  #follow(changes: readonly Change<VswitchSchema>[]): void {
    this.#transactions.push(changes.map(({ table, uuid }) => `${table} ${uuid}`))
    for (const { table, uuid, before, after } of changes) {
      const rows = this.known.get(table) ?? assert.fail(table)
      assert.deepEqual(before && cells(before), rows.get(uuid))
      assert.notDeepEqual(before, after)
      if (after === undefined) rows.delete(uuid)
      else rows.set(uuid, cells(after))
    }
  }

  take(): readonly (readonly string[])[] {
    const taken = this.#transactions
    this.#transactions = []
    return taken
  }

  /** Waits for the state to be told, unless the last one told is it. */
  async until(state: 'connecting' | 'synced'): Promise<void> {
    while (this.states.at(-1)?.startsWith(state) !== true) {
      await new Promise<void>((resolve) => (this.#onState = resolve))
    }
  }

  /** What is committed by now has been told: the server sends it before the answer to a later request. */
  async caughtUp(): Promise<void> {
    await this.db.transact([{ op: 'comment', comment: 'are we there yet' }])
  }

  /** What was told, what the replica has, and what the database holds are the same. */
  async agrees(socket: string): Promise<void> {
    const held = await dump(socket)
    assert.deepEqual(this.known, held)
    const tables = ['Open_vSwitch', 'Bridge', 'Port', 'Interface'] as const
    for (const table of tables) {
      const rows = [...this.db.rows(table)].map(([uuid, row]) => [uuid, cells(row)] as const)
      assert.deepEqual(new Map(rows), held.get(table))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.db[Symbol.asyncDispose]()
  }
}

/** `table uuid` of every row that differs. */
function differing(a: Contents, b: Contents): readonly string[] {
  const names = new Set<string>()
  for (const table of Object.keys(vswitch)) {
    const [one, two] = [a.get(table) ?? new Map(), b.get(table) ?? new Map()]
    for (const uuid of [...one.keys(), ...two.keys()]) {
      if (JSON.stringify(one.get(uuid)) !== JSON.stringify(two.get(uuid)))
        names.add(`${table} ${uuid}`)
    }
  }
  return [...names].sort()
}

// Changes of any kind, each a transaction. `plug` makes a port, or removes the one that is there.

type Commit = (ops: readonly object[]) => Promise<unknown>
type Edit = (commit: Commit) => Promise<void>

const names = fc.constantFrom('p0', 'p1', 'p2', 'br-int')
const texts = fc.constantFrom('', 'a', 'iface-id', 'Zürich', '日本語', '\u{1F600}"\\{', '__proto__')
const vlan = fc.nat(4095)
const edits: fc.Arbitrary<readonly Edit[]> = fc.array(
  fc.oneof(
    fc
      .tuple(names, fc.array(fc.tuple(texts, texts)), fc.uniqueArray(texts))
      .map(([name, insert, remove]) =>
        fixed(
          mutate('Interface', name, ['external_ids', 'delete', ['set', remove]]),
          mutate('Interface', name, ['external_ids', 'insert', ['map', [...new Map(insert)]]]),
        ),
      ),
    fc
      .tuple(names, fc.uniqueArray(vlan), fc.option(vlan))
      .map(([name, trunks, tag]) =>
        fixed(update('Port', name, { trunks: ['set', trunks], tag: tag ?? ['set', []] })),
      ),
    fc
      .tuple(fc.subarray(['OpenFlow10', 'OpenFlow14', 'OpenFlow15']), fc.boolean())
      .map(([protocols, secure]) =>
        fixed(
          update('Bridge', 'br-int', {
            protocols: ['set', protocols],
            fail_mode: secure ? 'secure' : ['set', []],
          }),
        ),
      ),
    fc.constantFrom('p0', 'p1', 'p2').map(plug),
  ),
  { minLength: 1, maxLength: 20 },
)

function fixed(...ops: readonly object[]): Edit {
  return async (commit) => void (await commit(ops))
}

function plug(name: string): Edit {
  return async (commit) => {
    const where = [['name', '==', name]]
    const [found] = asResults(
      await commit([{ op: 'select', table: 'Port', where, columns: ['_uuid'] }]),
    )
    const port = found?.rows?.[0]?.['_uuid']
    if (port === undefined) await commit(newPort(name))
    else await commit([mutate('Bridge', 'br-int', ['ports', 'delete', ['set', [port]]])])
  }
}

function newPort(name: string): readonly object[] {
  const row = { name, interfaces: ['named-uuid', 'i'] }
  return [
    { op: 'insert', table: 'Interface', row: { name }, 'uuid-name': 'i' },
    { op: 'insert', table: 'Port', row, 'uuid-name': 'p' },
    mutate('Bridge', 'br-int', ['ports', 'insert', ['set', [['named-uuid', 'p']]]]),
  ]
}

function update(table: string, name: string, row: object): object {
  return { op: 'update', table, where: [['name', '==', name]], row }
}

function mutate(table: string, name: string, ...mutations: readonly unknown[]): object {
  return { op: 'mutate', table, where: [['name', '==', name]], mutations }
}

type Results = readonly { readonly rows?: readonly Readonly<Record<string, unknown>>[] }[]

function asResults(results: unknown): Results {
  return Array.isArray(results) ? results : assert.fail(JSON.stringify(results))
}

void test('whatever changes in the database, each true change is told once, and the replica is the database', async () => {
  await using sw = await startSwitch()
  await sw.killVswitchd() // nobody else writes
  const socket = join(sw.rundir, 'db.sock')
  await using follower = new Follower(socket)
  await follower.db.synced
  await follower.agrees(socket)
  await fc.assert(
    fc.asyncProperty(edits, async (sequence) => {
      for (const edit of sequence) await edit((ops) => transact(socket, ops))
      await follower.caughtUp()
      await follower.agrees(socket)
    }),
    { numRuns: 20 },
  )
})

void test('ovsdb-server comes back with another database: exactly the differences are told, in one go', async () => {
  await using sw = await startSwitch()
  await sw.killVswitchd()
  const socket = join(sw.rundir, 'db.sock')
  await using follower = new Follower(`unix:${socket}`)
  await follower.db.synced
  const offline: Commit = async (ops) => {
    const text = JSON.stringify(['Open_vSwitch', ...ops])
    return JSON.parse(
      (await run(['ovsdb-tool', 'transact', join(sw.rundir, 'conf.db'), text])).stdout,
    )
  }
  await fc.assert(
    fc.asyncProperty(edits, async (sequence) => {
      const before = await dump(socket)
      follower.take()
      await sw.killOvsdb()
      await follower.until('connecting')
      for (const edit of sequence) await edit(offline)
      await sw.startOvsdb()
      await follower.until('synced')
      await follower.agrees(socket)
      const differences = differing(before, await dump(socket))
      assert.deepEqual(
        follower.take().map((changes) => changes.toSorted()),
        differences.length === 0 ? [] : [differences],
      )
    }),
    { numRuns: 6 },
  )
})

void test('a daemon that stays away is told once, and so is its return', async () => {
  await using sw = await startSwitch()
  const socket = join(sw.rundir, 'db.sock')
  await using follower = new Follower(socket)
  await follower.until('synced')
  await sw.killOvsdb()
  await assert.rejects(follower.caughtUp(), Disconnected)
  await follower.until('connecting')
  await assert.rejects(follower.db.transact([]), Disconnected)
  while (follower.states.length < 3) await new Promise((resolve) => setTimeout(resolve, 1))
  await sw.startOvsdb()
  await follower.until('synced')
  await sw.restartOvsdb()
  await follower.until('synced')
  await follower.caughtUp()
  const { states } = follower
  assert.equal(states.at(0), 'synced')
  assert.equal(states.filter((state) => state === 'synced').length, 3)
  assert.ok(states.every((state, i) => state !== states[i + 1]))
  assert.ok(states.some((state) => state.includes('is the daemon running')))
})

void test('what a transaction changes has been told when it resolves', async () => {
  await using sw = await startSwitch()
  const socket = join(sw.rundir, 'db.sock')
  await using follower = new Follower(socket)
  const { db } = follower
  await db.synced
  const idOf = (key: string): string | undefined => {
    const rows = [...db.rows('Interface').values()]
    return rows.find(({ name }) => name === 'br-int')?.external_ids.get(key)
  }
  const set = (key: string, value: string): Op => setExternalId('br-int', key, value)
  assert.deepEqual(await db.transact([set('ключ', 'Zürich'), set('b', '\u{1F600}')]), [
    { count: 1 },
    { count: 1 },
  ])
  assert.equal(idOf('ключ'), 'Zürich')
  assert.equal(await sw.vsctl('get', 'Interface', 'br-int', 'external_ids:b'), '"\u{1F600}"\n')

  await db.transact([set('b', 'c')])
  assert.equal(idOf('b'), 'c')
  await db.transact([removeExternalId('br-int', 'b', 'another value')])
  assert.equal(idOf('b'), 'c')
  await db.transact([removeExternalId('br-int', 'b', 'c')])
  assert.equal(idOf('b'), undefined)
  assert.equal(idOf('ключ'), 'Zürich')

  const row = encodeRow(vswitch.Bridge, { protocols: new Set(['OpenFlow14', 'OpenFlow15']) })
  await db.transact([{ op: 'update', table: 'Bridge', where: [['name', '==', 'br-int']], row }])
  assert.equal(
    (await sw.vsctl('get', 'Bridge', 'br-int', 'protocols')).trim(),
    '[OpenFlow14, OpenFlow15]',
  )
})

void test('a transaction that fails names the operation, and what the database said', async () => {
  await using sw = await startSwitch()
  await using follower = new Follower(join(sw.rundir, 'db.sock'))
  const { db } = follower
  await db.synced
  const comment: Op = { op: 'comment', comment: '' }
  const refused = async (ops: readonly Op[], error: string, message: RegExp): Promise<void> => {
    await assert.rejects(db.transact(ops), (thrown) => {
      assert.ok(thrown instanceof OvsdbError)
      assert.equal(thrown.error, error)
      assert.match(thrown.message, message)
      return true
    })
  }
  const nowhere: Op = { op: 'insert', table: 'Nope', row: {} }
  await refused(
    [comment, nowhere],
    'syntax error',
    /operation 2 of 2 \(insert Nope\): .*No table named/,
  )
  const wait: Op = {
    op: 'wait',
    table: 'Bridge',
    timeout: 0,
    where: [],
    columns: ['name'],
    until: '==',
    rows: [],
  }
  await refused(
    [comment, wait],
    'timed out',
    /^transaction, operation 2 of 2 \(wait Bridge\): timed out/,
  )
  const orphan: Op = { op: 'insert', table: 'Port', row: { name: 'x' } }
  await refused(
    [orphan],
    'referential integrity violation',
    /^transaction: commit: .*column interfaces/,
  )
  const invalid: Op = { op: 'update', table: 'Bridge', where: [], row: { fail_mode: 'insecure' } }
  await refused([invalid], 'constraint violation', /operation 1 of 1 \(update Bridge\): .*insecure/)
})

void test('a column that the database has not, or otherwise, is named, and looked for again', async () => {
  await using sw = await startSwitch()
  const told: Error[] = []
  await using db = openOvsdb({
    address: join(sw.rundir, 'db.sock'),
    schema: {
      Bridge: { name: 'string', vendor: 'string', fail_mode: 'string' },
      Guard: { a: 'uuid' },
    },
    onChanges: () => assert.fail('there can be nothing'),
    onState: (state, why) => told.push(why ?? assert.fail(state)),
    signal: never,
  })
  while (told.length === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  assert.ok(told[0] instanceof SchemaError)
  assert.match(
    told[0].message,
    /Bridge\.vendor is not there; Bridge\.fail_mode holds optional string/,
  )
  assert.match(told[0].message, /Guard\.a is not there/)
  await assert.rejects(db.transact([]), Disconnected)
  await db[Symbol.asyncDispose]()
  await assert.rejects(db.synced, Disconnected)
})

void test('what the receiver of changes throws ends the client', async () => {
  await using sw = await startSwitch()
  const bug = new Error('cannot bear it')
  const db = openOvsdb({
    address: join(sw.rundir, 'db.sock'),
    schema: vswitch,
    onChanges: () => {
      throw bug
    },
    onState: () => {},
    signal: never,
  })
  await assert.rejects(db.ended, bug)
  await assert.rejects(db.synced, Disconnected)
})

void test('a clustered database remembers: after a cut, what came meanwhile is told and no more', async () => {
  await using enclosure = await openEnclosure()
  const socket = join(enclosure.dir, 'db.sock')
  const database = join(enclosure.dir, 'cluster.db')
  const schemaFile = '/usr/share/openvswitch/vswitch.ovsschema'
  const local = `unix:${join(enclosure.dir, 'raft.sock')}`
  await run(['ovsdb-tool', 'create-cluster', database, schemaFile, local])
  const args = [`--remote=punix:${socket}`, `--unixctl=${socket}.ctl`, '-vconsole:emer', database]
  await startDaemon(enclosure, ['ovsdb-server', ...args], {})
  await run(['ovsdb-client', '--timeout=30', 'wait', `unix:${socket}`, 'Open_vSwitch', 'connected'])
  const commit: Commit = (ops) => transact(socket, ops)
  // It remembers the last transactions, in as much room as the database itself takes: that has to be of some size, and
  // the transaction that made it so is the first to be forgotten.
  const filling = Array.from({ length: 10_000 }, (_, i) => [`key ${i}`, `value ${i}`])
  const root = { bridges: ['named-uuid', 'b'], external_ids: ['map', filling] }
  await commit([
    { op: 'insert', table: 'Bridge', row: { name: 'br-int' }, 'uuid-name': 'b' },
    { op: 'insert', table: 'Open_vSwitch', row: root },
  ])
  await commit(newPort('br-int'))
  await commit(newPort('p0'))

  await using relay = await openRelay(join(enclosure.dir, 'relay.sock'), socket)
  await using follower = new Follower(relay.path)
  await follower.until('synced')
  await follower.agrees(socket)
  await fc.assert(
    fc.asyncProperty(edits, async (sequence) => {
      const before = await dump(socket)
      follower.take()
      relay.cut()
      await follower.until('connecting')
      for (const edit of sequence) await edit(commit)
      const received = await relay.open()
      await follower.until('synced')
      assert.match(received(), /"result":\[true,/)
      await follower.agrees(socket)
      const differences = differing(before, await dump(socket))
      assert.deepEqual(
        follower.take().map((changes) => changes.toSorted()),
        differences.length === 0 ? [] : [differences],
      )
    }),
    { numRuns: 6 },
  )
})

type Relay = AsyncDisposable & {
  readonly path: string
  /** Ends every connection, and takes no further one. */
  cut(): void
  /** Takes connections again; gives what has come from the server since. */
  open(): Promise<() => string>
}

async function openRelay(path: string, to: string): Promise<Relay> {
  const sockets = new Set<Socket>()
  let received = ''
  const server = createServer((client) => {
    const upstream = createConnection({ path: to })
    upstream.on('data', (chunk) => (received += chunk.toString()))
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => sockets.delete(socket))
    }
    client.pipe(upstream).pipe(client)
  })
  const cut = (): void => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  const open = async (): Promise<() => string> => {
    received = ''
    server.listen(path)
    await once(server, 'listening')
    return () => received
  }
  await open()
  return {
    path,
    cut,
    open,
    async [Symbol.asyncDispose]() {
      cut()
      await once(server, 'close')
    },
  }
}
