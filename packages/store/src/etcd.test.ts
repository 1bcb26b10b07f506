// The contract, on a real cluster of three; each store of the suite has a prefix of its own there.

import { after, before } from 'node:test'
import type { Etcd } from '@portward/testkit'
import { startEtcd } from '@portward/testkit'
import { storeContract } from './contract.ts'
import { openEtcd } from './etcd.ts'

let etcd: Etcd
let opened = 0

before(async () => {
  etcd = await startEtcd()
})
after(async () => etcd[Symbol.asyncDispose]())

storeContract('etcd', () => openEtcd({ endpoints: etcd.endpoints, prefix: `test/${opened++}/` }))
