import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Compare } from '../store.ts'
import { doneAt, guardsItself } from './guarded.ts'
import type { KeyValue, RequestOp, TxnRequest, TxnResponse } from './rpc.ts'

const put = (key: string) => ({ type: 'put', key, value: '' }) as const
const remove = (key: string) => ({ type: 'delete', key }) as const
const at = (key: string, modified: number): Compare => ({ key, modified })

void test('who changes a key that was there, and compares it, is done once at most', () => {
  assert.ok(guardsItself([at('a', 3)], [put('b'), put('a')]))
  assert.ok(guardsItself([at('a', 3)], [remove('a')]))
  // That nothing is there may become true again, whenever it is deleted.
  assert.ok(!guardsItself([at('a', 0)], [put('a')]))
  assert.ok(!guardsItself([at('a', 0)], [remove('a')]))
  assert.ok(!guardsItself([at('b', 3)], [put('a')]))
  assert.ok(!guardsItself([at('a', 3)], [{ type: 'deletePrefix', prefix: 'a' }]))
  assert.ok(!guardsItself([], [put('a')]))
})

/** A store that has this, by key: the value, and the revision that wrote it. */
function asking(there: Readonly<Record<string, readonly [string, number]>>) {
  const kvs = (from: string, end: string | undefined): readonly KeyValue[] =>
    Object.entries(there).flatMap(([key, [value, revision]]) => {
      const within = end === undefined ? key === from : key >= from && key < end
      const text = String(revision)
      const kv = { create_revision: text, mod_revision: text, value: Buffer.from(value) }
      return within ? [{ key: Buffer.from(key), ...kv }] : []
    })
  const answer = (ops: readonly RequestOp[]): TxnResponse['responses'] =>
    ops.map((op) => {
      if ('request_txn' in op) {
        const responses = answer(op.request_txn.success)
        return { response_txn: { header: null, succeeded: true, responses } }
      }
      assert.ok('request_range' in op)
      const { key, range_end } = op.request_range
      const found = kvs(key.toString(), range_end?.toString())
      return { response_range: { header: null, kvs: found, more: false } }
    })
  return async ({ success }: TxnRequest): Promise<TxnResponse> => ({
    header: null,
    succeeded: true,
    responses: answer(success),
  })
}

function request(
  compares: Readonly<Record<string, number>>,
  puts: Readonly<Record<string, string>>,
  gone: readonly (readonly [string, string?])[] = [],
): TxnRequest {
  const compare = Object.entries(compares).map(
    ([key, mod_revision]) =>
      ({ result: 'EQUAL', target: 'MOD', key: Buffer.from(key), mod_revision }) as const,
  )
  const success = [
    ...Object.entries(puts).map(([key, value]) => ({
      request_put: { key: Buffer.from(key), value: Buffer.from(value) },
    })),
    ...gone.map(([key, end]) => ({
      request_delete_range: {
        key: Buffer.from(key),
        ...(end !== undefined && { range_end: Buffer.from(end) }),
      },
    })),
  ]
  return { compare, success, failure: [] }
}

void test('it was done if all that it puts stands in one revision, later than what it compares, and nothing of what it deletes', async () => {
  const asked = request({ a: 2 }, { a: '1', b: '2' }, [['c'], ['d/', 'd0']])
  const done = { a: ['1', 5], b: ['2', 5], e: ['', 9] } as const
  assert.equal(await doneAt(asked, asking(done)), 5)
  assert.equal(await doneAt(asked, asking({ ...done, b: ['2', 6] })), undefined, 'by two writers')
  assert.equal(await doneAt(asked, asking({ ...done, b: ['3', 5] })), undefined, 'another value')
  assert.equal(await doneAt(asked, asking({ a: ['1', 5] })), undefined, 'one is missing')
  assert.equal(await doneAt(asked, asking({ ...done, c: ['', 1] })), undefined, 'one is left')
  assert.equal(await doneAt(asked, asking({ ...done, 'd/1': ['', 1] })), undefined, 'likewise')
  assert.equal(await doneAt(request({ a: 2 }, {}, [['a']]), asking({})), undefined, 'by whom?')
})

void test('that the same stood there before does not say that it was done', async () => {
  const same = request({ a: 2, b: 2 }, { a: '1' })
  assert.equal(await doneAt(same, asking({ a: ['1', 2], b: ['', 7] })), undefined)
  assert.equal(await doneAt(same, asking({ a: ['1', 3], b: ['', 2] })), 3)
})

void test('of many, all are looked at', async () => {
  const puts = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, String(i)]))
  const done = Object.fromEntries(
    Object.entries(puts).map(([key, value]) => [key, [value, 8] as const]),
  )
  const asked = request({ k0: 1 }, puts)
  assert.equal(await doneAt(asked, asking(done)), 8)
  assert.equal(await doneAt(asked, asking({ ...done, k299: ['299', 7] })), undefined)
})
