// The archive in etcd: names.ts says under what keys.

import type { Archived, Op } from '../store.ts'
import { MAX_TXN_OPS } from './batches.ts'
import type { Names } from './names.ts'
import { Ids, isId } from './names.ts'
import type { RangeRequest, RangeResponse, RequestOp, TxnRequest, TxnResponse } from './rpc.ts'

type Asking = {
  readonly range: (request: RangeRequest) => Promise<RangeResponse>
  readonly txn: (request: TxnRequest) => Promise<TxnResponse>
}
type ArchiveOp = Extract<Op, { readonly type: 'archive' }>
type Kept = { readonly name: string; readonly at: number; readonly value: string }

const NOTHING = Buffer.alloc(0)
/** Each has three keys. */
const FORGOTTEN_AT_ONCE = Math.floor(MAX_TXN_OPS / 3)

export class EtcdArchive {
  readonly #names: Names
  readonly #asking: Asking
  readonly #ids = new Ids()

  constructor(names: Names, asking: Asking) {
    this.#names = names
    this.#asking = asking
  }

  ops({ name, at, value }: ArchiveOp): readonly RequestOp[] {
    const id = this.#ids.next(Date.now())
    const kept: Kept = { name, at, value }
    const puts = [
      [this.#names.archived(id), Buffer.from(JSON.stringify(kept))],
      [this.#names.archivedNamed(name, id), NOTHING],
      [this.#names.archivedAt(at, id), Buffer.from(name)],
    ] as const
    return puts.map(([key, value]) => ({ request_put: { key, value } }))
  }

  async read(query: {
    readonly name?: string
    readonly before?: string
    readonly limit: number
  }): Promise<readonly Archived[]> {
    const { name, before, limit } = query
    if (before !== undefined && !isId(before)) {
      throw new TypeError(`${JSON.stringify(before)}: not an id of what was archived`)
    }
    return name === undefined ? this.#all(before, limit) : this.#named(name, before, limit)
  }

  async forget(before: number): Promise<number> {
    let count = 0
    for (;;) {
      const { kvs } = await this.#asking.range({
        key: this.#names.archivedAt(0, ''),
        range_end: this.#names.archivedAt(before, ''),
        limit: FORGOTTEN_AT_ONCE,
      })
      if (kvs.length === 0) return count
      const gone = kvs.flatMap(({ key, value }) => {
        const id = this.#names.idOf(key)
        return [this.#names.archived(id), this.#names.archivedNamed(value.toString(), id), key]
      })
      const success = gone.map((key) => ({ request_delete_range: { key } }))
      await this.#asking.txn({ compare: [], success, failure: [] })
      count += kvs.length
    }
  }

  async #all(before: string | undefined, limit: number): Promise<readonly Archived[]> {
    const first = this.#names.archived('')
    const key = before === undefined ? first : after(this.#names.archived(before))
    const { kvs } = await this.#asking.range({ key, range_end: this.#names.archivedEnd, limit })
    return kvs.map(({ key, value }) => archivedIn(this.#names.idOf(key), value))
  }

  async #named(name: string, before: string | undefined, limit: number) {
    const first = this.#names.archivedNamed(name, '')
    const key = before === undefined ? first : after(this.#names.archivedNamed(name, before))
    const range_end = this.#names.archivedNamedEnd(name)
    const { kvs } = await this.#asking.range({ key, range_end, limit, keys_only: true })
    const ids = kvs.map(({ key }) => this.#names.idOf(key))
    const archived: Archived[] = []
    for (let i = 0; i < ids.length; i += MAX_TXN_OPS) {
      const part = ids.slice(i, i + MAX_TXN_OPS)
      const success = part.map((id) => ({ request_range: { key: this.#names.archived(id) } }))
      const { responses } = await this.#asking.txn({ compare: [], success, failure: [] })
      for (const [j, { response_range: found }] of responses.entries()) {
        // It may have been forgotten meanwhile.
        const value = found?.kvs[0]?.value
        if (value !== undefined) archived.push(archivedIn(part[j] ?? '', value))
      }
    }
    return archived
  }
}

function archivedIn(id: string, value: Buffer): Archived {
  const kept: Kept = JSON.parse(value.toString())
  return { id, ...kept }
}

/** The least name that is greater. */
function after(name: Buffer): Buffer {
  return Buffer.concat([name, Buffer.of(0)])
}
