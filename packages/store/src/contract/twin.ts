// The naive twin of a store: a Map. Both are told the same, at random, and must stay alike.

import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { commit, ordered, put } from './words.ts'
import { keyOfEvent } from '../store.ts'
import type { Change, Entry, Lease, LeaseId, Op, Revision, Store, StoreEvent } from '../store.ts'

type Step =
  | { readonly type: 'txn'; readonly guesses: readonly Guess[]; readonly ops: readonly Draft[] }
  | { readonly type: 'revoke'; readonly lease: LeaseNumber }
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

const noNullPrototype = true
const keys = fc.constantFrom('a', 'a/x', 'a/y', 'b', 'b/x', 'c')
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
)

/** Each run stands under a prefix of its own, so it also sees that no other run reaches into it. */
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
  const { revision: start } = await store.range('')
  const twin = new Twin(start)
  const leases = [await store.lease(60), await store.lease(60)]
  const aborter = new AbortController()
  const live = told(store, root, start, aborter.signal)
  try {
    for (const step of steps) {
      if (step.type === 'txn') await runTxn(store, root, step, leases, twin)
      else await runRevoke(store, step.lease, leases, twin)
      const { revision, entries } = await store.range(root)
      assert.deepEqual({ revision, entries }, { revision: twin.revision, entries: twin.entries })
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

  /** Does what the store says it did at this revision: a new one if it changed something, else the old one. */
  write(revision: Revision, ops: readonly Op[]): void {
    const events = ops.flatMap((op) => this.#apply(op, revision))
    if (events.length === 0) assert.equal(revision, this.#revision)
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
    return [...this.#entries.keys()].flatMap((key) => {
      if (op.type === 'delete' ? key !== op.key : !key.startsWith(op.prefix)) return []
      this.#entries.delete(key)
      return [{ type: 'delete', key, modified: revision }]
    })
  }
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
  const lease = draft.lease === undefined ? undefined : leases[draft.lease]
  return put(root + draft.key, draft.value, lease)
}

/** Of drafts that write one key twice, the first. */
function withoutConflicts(drafts: readonly Draft[]): readonly Draft[] {
  return drafts.filter((draft, i) => !drafts.slice(0, i).some((other) => conflict(draft, other)))
}

function conflict(a: Draft, b: Draft): boolean {
  const [begin, other] = [beginOf(a), beginOf(b)]
  if (a.type === 'deletePrefix' && other.startsWith(begin)) return true
  if (b.type === 'deletePrefix' && begin.startsWith(other)) return true
  return begin === other
}

function beginOf(draft: Draft): string {
  return draft.type === 'deletePrefix' ? draft.prefix : draft.key
}
