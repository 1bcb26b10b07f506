// Who may read and write what in etcd. A user is known by the name (CN) of the certificate it shows, and has no password:
//
//   portward-server         all that is Portward's
//   portward-agent-HOST     reads hosts/HOST/, and writes there what it observes: nothing of another host, and no declaration

import { status } from '@grpc/grpc-js'
import type { EtcdOptions } from './etcd.ts'
import { PREFIX } from './etcd.ts'
import { Members, codeOf } from './etcd/members.ts'
import { namesBelow } from './etcd/names.ts'
import type { Method, Permission } from './etcd/rpc.ts'
import { rpc } from './etcd/rpc.ts'
import { told } from './etcd/told.ts'
import { keys } from './keys.ts'

export const SERVER_USER = 'portward-server'

export function agentUser(host: string): string {
  return `portward-agent-${host}`
}

/** Makes the user and role of a host's agent, or sees that they are as they should be. Throws a StoreError that says why not. */
export async function grantHost(admin: EtcdOptions, host: string): Promise<void> {
  const names = namesBelow(admin.prefix ?? PREFIX)
  const below = (permType: Permission['permType'], key: string): Permission => ({
    permType,
    key: names.state(key),
    range_end: names.stateEnd(key),
  })
  await grant(admin, agentUser(host), [
    below('READ', keys.host(host)),
    below('WRITE', keys.hostSeen(host)),
    below('WRITE', keys.hostApplied(host)),
    below('WRITE', keys.hostViolations(host)),
    below('WRITE', keys.hostAlive(host)),
    below('WRITE', keys.hostTurn(host)),
  ])
}

export async function grantServer(admin: EtcdOptions): Promise<void> {
  const { key, end } = namesBelow(admin.prefix ?? PREFIX).all
  await grant(admin, SERVER_USER, [{ permType: 'READWRITE', key, range_end: end }])
}

/** Of one that is gone already, does nothing. */
export async function revokeHost(admin: EtcdOptions, host: string): Promise<void> {
  const name = agentUser(host)
  await using asking = new Asking(admin)
  await asking.unless(status.FAILED_PRECONDITION, rpc.userDelete, { name })
  await asking.unless(status.FAILED_PRECONDITION, rpc.roleDelete, { name })
}

async function grant(
  admin: EtcdOptions,
  name: string,
  permissions: readonly Permission[],
): Promise<void> {
  await using asking = new Asking(admin)
  // etcd says FAILED_PRECONDITION of a name that is there already.
  await asking.unless(status.FAILED_PRECONDITION, rpc.roleAdd, { name })
  for (const perm of permissions) {
    await asking.unless(undefined, rpc.roleGrantPermission, { name, perm })
  }
  await asking.unless(status.FAILED_PRECONDITION, rpc.userAdd, {
    name,
    options: { no_password: true },
  })
  await asking.unless(undefined, rpc.userGrantRole, { user: name, role: name })
}

class Asking implements AsyncDisposable {
  readonly #members: Members

  constructor(admin: EtcdOptions) {
    this.#members = new Members(admin)
  }

  /** Asks; that answer is as good. */
  async unless<Q, A>(code: number | undefined, method: Method<Q, A>, request: Q): Promise<void> {
    try {
      await this.#members.ask(method, request, { again: true })
    } catch (error) {
      if (code !== undefined && codeOf(error) === code) return
      throw told(error, 'changing users and roles', this.#members.text)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#members.close()
  }
}
