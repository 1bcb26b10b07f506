// What every store must do, as a suite of node:test that each implementation runs on itself. For tests only.

import { describe, test } from 'node:test'
import { archives } from './contract/archive.ts'
import { leases } from './contract/lease.ts'
import { compareWithTwin } from './contract/twin.ts'
import { ranges, transactions } from './contract/txn.ts'
import { watches } from './contract/watch.ts'
import type { Store } from './store.ts'

/** `open` gives an empty store each time, its own; the suite closes it. */
export function storeContract(name: string, open: () => Promise<Store>): void {
  void describe(name, () => {
    ranges(open)
    transactions(open)
    watches(open)
    leases(open)
    archives(open)
    void test('a store does what a map and a list do, and a watch tells all of the map', async () => {
      await using store = await open()
      await compareWithTwin(store)
    })
  })
}
