// A lease of etcd, which counts the time and takes the keys away when it is over.

import { once } from 'node:events'
import { status } from '@grpc/grpc-js'
import { LeaseExpired, StoreError } from '../errors.ts'
import type { Lease, LeaseId } from '../store.ts'
import type { Members, Stream } from './members.ts'
import { codeOf } from './members.ts'
import { rpc } from './rpc.ts'

type Renewals = Stream<{ ID: string }, { TTL: string }>

/** How long a member may take to answer, in milliseconds, and how many are asked: a lease is not to go for want of one of them. */
const TRY_MS = 1500
const TRIES = 3

export class EtcdLease implements Lease {
  readonly id: LeaseId
  readonly #members: Members
  readonly #told: (error: unknown, doing: string) => unknown
  /** Kept from one renewal to the next: a thousand agents would have two hundred new ones a second. */
  #renewals: Renewals | undefined

  constructor(id: LeaseId, members: Members, told: (error: unknown, doing: string) => unknown) {
    this.id = id
    this.#members = members
    this.#told = told
  }

  async keepAlive(): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        if (Number(await this.#renew()) > 0) return
        break
      } catch (error) {
        if (tries === TRIES) throw this.#told(error, 'renewing a lease')
      }
    }
    this.#drop()
    throw new LeaseExpired(this.id)
  }

  async revoke(): Promise<void> {
    this.#drop()
    try {
      await this.#members.ask(rpc.leaseRevoke, { ID: this.id }, { again: true })
    } catch (error) {
      if (codeOf(error) !== status.NOT_FOUND) throw this.#told(error, 'revoking a lease')
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.revoke()
  }

  /** Gives for how many seconds it is good from now on: 0 when it is gone. */
  async #renew(): Promise<string> {
    const renewals = (this.#renewals ??= await this.#open())
    const { stream } = renewals
    const signal = AbortSignal.timeout(TRY_MS)
    try {
      stream.write({ ID: this.id })
      const [answer] = (await once(stream, 'data', { signal })) as [{ readonly TTL: string }]
      return answer.TTL
    } catch (error) {
      this.#drop()
      renewals.left()
      if (!signal.aborted) throw error
      throw new StoreError(
        `etcd: no member answers within ${TRY_MS} ms that a lease is renewed: look at \`etcdctl endpoint status\``,
      )
    }
  }

  /** One that its member ends while nobody asks is forgotten then. */
  async #open(): Promise<Renewals> {
    const renewals = await this.#members.open(rpc.leaseKeepAlive)
    renewals.stream.on('status', () => {
      if (this.#renewals === renewals) this.#renewals = undefined
    })
    return renewals
  }

  #drop(): void {
    this.#renewals?.stream.cancel()
    this.#renewals = undefined
  }
}
