// The naive twin of a store: a Map, and a list for the archive. Both are told the same, at random, and must stay alike.

import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { commit, ordered, put } from './words.ts'
import { keyOfEvent } from '../store.ts'
import type {
  Archived,
  Change,
  Entry,
  Lease,
  LeaseId,
  Op,
  Revision,
  Store,
  StoreEvent,
} from '../store.ts'

type Step =
  | { readonly type: 'txn'; readonly guesses: readonly Guess[]; readonly ops: readonly Draft[] }
  | { readonly type: 'revoke'; readonly lease: LeaseNumber }
  | { readonly type: 'forget'; readonly before: number }
/** A compare that holds, or one that does not. */
type Guess = { readonly key: string; readonly right: boolean }
/** An op with a lease by its number. */
type Draft =
  | {
      readonly type: 'put'
      readonly key: string
      readonly value: string
      readonly lease?: LeaseNumber
    }
  | Exclude<Op, { readonly type: 'put' }>
type LeaseNumber = 0 | 1
type Happened = Omit<Archived, 'id'>

const noNullPrototype = true
const keys = fc.constantFrom('a', 'a/x', 'a/y', 'b', 'b/x', 'c')
/** Few, so that a name often comes again, and not in the order of its times. */
const names = ['a', 'a/x', 'b']
const times = fc.nat(5)
const leaseNumbers = fc.constantFrom<LeaseNumber>(0, 1)

const drafts: fc.Arbitrary<Draft> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record(
      { type: fc.constant('put'), key: keys, value: fc.json(), lease: leaseNumbers },
      { requiredKeys: ['type', 'key', 'value'], noNullPrototype },
    ),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('delete'), key: keys }, { noNullPrototype }),
  },
  {
    weight: 2,
    arbitrary: fc.record(
      {
        type: fc.constant('archive'),
        name: fc.constantFrom(...names),
        at: times,
        value: fc.json(),
      },
      { noNullPrototype },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record(
      { type: fc.constant('deletePrefix'), prefix: fc.constantFrom('', 'a', 'a/', 'b/', 'c') },
      { noNullPrototype },
    ),
  },
)

const mostlyTrue = fc.nat(9).map((n) => n > 0)

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record(
      {
        type: fc.constant('txn'),
        guesses: fc.array(fc.record({ key: keys, right: mostlyTrue }, { noNullPrototype }), {
          maxLength: 2,
        }),
        ops: fc.array(drafts, { maxLength: 5 }).map(withoutConflicts),
      },
      { noNullPrototype },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('revoke'), lease: leaseNumbers }, { noNullPrototype }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('forget'), before: times }, { noNullPrototype }),
  },
)

/**
 * Each run stands under a prefix of its own, so it also sees that no other run reaches into it. The archive, which is
 * forgotten whole, starts empty.
 */
export async function compareWithTwin(store: Store): Promise<void> {
  let runs = 0
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { maxLength: 12 }), async (steps) => {
      await compareRun(store, `run${runs++}/`, steps)
    }),
    { numRuns: 60 },
  )
}

async function compareRun(store: Store, root: string, steps: readonly Step[]): Promise<void> {
  await store.forget(Number.MAX_SAFE_INTEGER)
  const { revision: start } = await store.range('')
  const twin = new Twin(start)
  const leases = [await store.lease(60), await store.lease(60)]
  const aborter = new AbortController()
  const live = told(store, root, start, aborter.signal)
  try {
    for (const step of steps) {
      if (step.type === 'txn') await runTxn(store, root, step, leases, twin)
      else if (step.type === 'revoke') await runRevoke(store, step.lease, leases, twin)
      else assert.equal(await store.forget(step.before), twin.forget(step.before))
      const { revision, entries } = await store.range(root)
      assert.deepEqual(entries, twin.entries)
      assert.ok(revision >= twin.revision)
      for (const name of [undefined, ...names.map((name) => root + name)]) {
        assert.deepEqual(await archivedIn(store, name), twin.archived(name))
      }
    }
    const last = put(`${root}last`, '')
    twin.write(await commit(store, last), [last])
    assert.deepEqual(await live, twin.changes)
    assert.deepEqual(await told(store, root, start, aborter.signal), twin.changes)
  } finally {
    aborter.abort()
    for (const lease of leases) await lease.revoke()
  }
}

async function runTxn(
  store: Store,
  root: string,
  { guesses, ops: drafts }: Extract<Step, { readonly type: 'txn' }>,
  leases: readonly Lease[],
  twin: Twin,
): Promise<void> {
  const compares = guesses.map(({ key, right }) => {
    const modified = twin.modified(root + key)
    return { key: root + key, modified: right ? modified : modified + 1 }
  })
  const ops = drafts.map((draft) => opOf(draft, root, leases))
  const result = await store.txn(compares, ops)
  const failed = compares.filter((_, i) => guesses[i]?.right === false)
  if (failed.length > 0) assert.deepEqual(result, { succeeded: false, failed })
  else {
    assert.ok(result.succeeded)
    twin.write(result.revision, ops)
  }
}

async function runRevoke(
  store: Store,
  lease: LeaseNumber,
  leases: Lease[],
  twin: Twin,
): Promise<void> {
  const { id } = leases[lease] ?? assert.fail()
  await leases[lease]?.revoke()
  leases[lease] = await store.lease(60)
  const keys = twin.keysOf(id)
  twin.write(
    (await store.range('')).revision,
    keys.map((key) => ({ type: 'delete', key })),
  )
}

class Twin {
  readonly changes: Change[] = []
  #archived: readonly Happened[] = []
  readonly #entries = new Map<string, { readonly entry: Entry; readonly lease?: LeaseId }>()
  #revision: Revision

  constructor(revision: Revision) {
    this.#revision = revision
  }

  get revision(): Revision {
    return this.#revision
  }

  get entries(): readonly Entry[] {
    const entries = [...this.#entries.values()].map(({ entry }) => entry)
    return entries.sort((a, b) => (a.key < b.key ? -1 : 1))
  }

  modified(key: string): Revision {
    return this.#entries.get(key)?.entry.modified ?? 0
  }

  keysOf(lease: LeaseId): readonly string[] {
    return [...this.#entries.keys()].filter((key) => this.#entries.get(key)?.lease === lease)
  }

  /** Newest first. */
  archived(name: string | undefined): readonly Happened[] {
    return this.#archived.filter((one) => name === undefined || one.name === name)
  }

  forget(before: number): number {
    const count = this.#archived.length
    this.#archived = this.#archived.filter(({ at }) => at >= before)
    return count - this.#archived.length
  }

  /** Does what the store says it did at this revision: a new one if it changed something, else no older one. */
  write(revision: Revision, ops: readonly Op[]): void {
    const events = ops.flatMap((op) => this.#apply(op, revision))
    if (events.length === 0) assert.ok(revision >= this.#revision)
    else {
      assert.ok(revision > this.#revision)
      this.changes.push(ordered({ revision, events }))
    }
    this.#revision = revision
  }

  #apply(op: Op, revision: Revision): readonly StoreEvent[] {
    if (op.type === 'put') {
      const { type, lease, ...pair } = op
      const created = this.#entries.get(op.key)?.entry.created ?? revision
      const entry = { ...pair, created, modified: revision }
      this.#entries.set(op.key, { entry, ...(lease !== undefined && { lease }) })
      return [{ type, entry }]
    }
    if (op.type === 'archive') {
      const { type: _, ...happened } = op
      this.#archived = [happened, ...this.#archived]
      return []
    }
    return [...this.#entries.keys()].flatMap((key) => {
      if (op.type === 'delete' ? key !== op.key : !key.startsWith(op.prefix)) return []
      this.#entries.delete(key)
      return [{ type: 'delete', key, modified: revision }]
    })
  }
}

/** Two at a time, newest first. */
async function archivedIn(store: Store, name: string | undefined): Promise<readonly Happened[]> {
  const all: Archived[] = []
  for (;;) {
    const before = all.at(-1)?.id
    const page = await store.archived({
      limit: 2,
      ...(name !== undefined && { name }),
      ...(before !== undefined && { before }),
    })
    all.push(...page)
    if (page.length < 2) break
  }
  return all.map(({ name, at, value }) => ({ name, at, value }))
}

/** All that a watch tells until the last put of a run. */
async function told(
  store: Store,
  root: string,
  after: Revision,
  signal: AbortSignal,
): Promise<readonly Change[]> {
  const changes: Change[] = []
  for await (const change of store.watch(root, after, signal)) {
    changes.push(ordered(change))
    if (change.events.some((event) => keyOfEvent(event) === `${root}last`)) break
  }
  return changes
}

function opOf(draft: Draft, root: string, leases: readonly Lease[]): Op {
  if (draft.type === 'deletePrefix') return { ...draft, prefix: root + draft.prefix }
  if (draft.type === 'delete') return { ...draft, key: root + draft.key }
  if (draft.type === 'archive') return { ...draft, name: root + draft.name }
  const lease = draft.lease === undefined ? undefined : leases[draft.lease]
  return put(root + draft.key, draft.value, lease)
}

/** Of drafts that write one key twice, the first. */
function withoutConflicts(drafts: readonly Draft[]): readonly Draft[] {
  return drafts.filter((draft, i) => !drafts.slice(0, i).some((other) => conflict(draft, other)))
}

function conflict(a: Draft, b: Draft): boolean {
  if (a.type === 'archive' || b.type === 'archive') return false
  const [begin, other] = [beginOf(a), beginOf(b)]
  if (a.type === 'deletePrefix' && other.startsWith(begin)) return true
  if (b.type === 'deletePrefix' && begin.startsWith(other)) return true
  return begin === other
}

function beginOf(draft: Exclude<Draft, { readonly type: 'archive' }>): string {
  return draft.type === 'deletePrefix' ? draft.prefix : draft.key
}
