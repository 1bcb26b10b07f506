// The store in etcd through what may happen to a cluster: nothing acknowledged is lost, a watch tells all of it in order, and who
// may not do something is told so.

import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Compacted, StoreError, keys } from '@portward/store'
import type { Op, Revision, Store } from '@portward/store'
import { openEtcd } from '@portward/store/etcd'
import { grantHost, grantServer, revokeHost } from '@portward/store/etcd-roles'
import type { Etcd } from '@portward/testkit'
import { run, startEtcd, startPortwardServer } from '@portward/testkit'
import { until } from './lab.ts'

void describe('etcd', { timeout: 120_000 }, () => {
  let etcd: Etcd
  before(async () => {
    etcd = await startEtcd()
  })
  after(async () => etcd[Symbol.asyncDispose]())

  const open = (prefix: string): Promise<Store> =>
    openEtcd({ endpoints: etcd.endpoints, prefix: `${prefix}/` })

  void test('each member is killed in turn: nothing acknowledged is lost, and the watch has all of it, in order', async () => {
    await using store = await open('turn')
    const { revision: start } = await store.range('')
    const told: number[] = []
    const over = new AbortController()
    const watching = follow(store, start, told, over.signal)
    const acknowledged: number[] = []
    let refused = 0
    const writing = (async () => {
      for (let i = 0; !over.signal.aborted; i++) {
        try {
          const done = await store.txn([], [put(`k/${i}`, String(i))])
          assert.ok(done.succeeded)
          acknowledged.push(i)
        } catch (error) {
          assert.ok(error instanceof StoreError, String(error))
          refused++
        }
      }
    })()
    for (const member of etcd.members) {
      const before = acknowledged.length
      await member.stop('SIGKILL')
      await until(() => acknowledged.length > before + 20, `it goes on without ${member.endpoint}`)
      await member.start()
      await until(async () => isHealthy(etcd), 'all are back')
    }
    over.abort()
    await writing
    await sleep(200)
    const there = new Set((await store.range('k/')).entries.map(({ value }) => Number(value)))
    assert.deepEqual(
      acknowledged.filter((i) => !there.has(i)),
      [],
    )
    await watching
    assert.deepEqual(
      told,
      told.toSorted((a, b) => a - b),
      'in order',
    )
    assert.equal(new Set(told).size, told.length, 'none twice')
    const last = told.at(-1) ?? -1
    assert.deepEqual(
      [...there].filter((i) => i <= last && !told.includes(i)),
      [],
      'none missing',
    )
    assert.ok(refused < 20, `${refused} of ${acknowledged.length} were not acknowledged`)
  })

  void test('without a majority it says so in bounded time, and goes on when that is back; a watch just goes on', async () => {
    await using store = await open('majority')
    const { revision: start } = await store.range('')
    const told: number[] = []
    const over = new AbortController()
    const watching = follow(store, start, told, over.signal)
    await store.txn([], [put('k/1', '1')])
    for (const member of etcd.members.slice(0, 2)) await member.stop('SIGKILL')
    await assert.rejects(store.txn([], [put('k/2', '2')]), (error: Error) => {
      assert.ok(error instanceof StoreError)
      assert.match(error.message, /^etcd at http:\S+: writing k\/2 .*(?:not acknowledged|failed)/)
      return true
    })
    await assert.rejects(store.range(''), StoreError)
    for (const member of etcd.members.slice(0, 2)) await member.start()
    await until(async () => isHealthy(etcd), 'all are back')
    await store.txn([], [put('k/3', '3')])
    await until(() => told.includes(3), 'the watch goes on')
    assert.equal(told[0], 1)
    await etcd.kill()
    await assert.rejects(store.range(''), /no member takes connections .*ECONNREFUSED.*: start it/)
    await etcd.start()
    await store.txn([], [put('k/4', '4')])
    await until(() => told.includes(4), 'the watch goes on after all were gone')
    over.abort()
    await watching
  })

  void test('a watch that comes too late is told so, and a range brings it up to date', async () => {
    await using store = await open('late')
    const { revision: start } = await store.range('')
    for (let i = 0; i < 5; i++) await store.txn([], [put('a', String(i))])
    const { revision } = await store.range('')
    await etcd.ctl('compact', String(revision))
    const watch = store.watch('', start, AbortSignal.timeout(10_000))
    await assert.rejects(watch[Symbol.asyncIterator]().next(), (error: unknown) => {
      assert.ok(error instanceof Compacted)
      assert.ok(error.oldest > start && error.newest >= error.oldest)
      return true
    })
    const { entries } = await store.range('')
    assert.deepEqual(
      entries.map(({ value }) => value),
      ['4'],
    )
  })

  void test('a lease outlives a member that says nothing, and a watch goes on with another', async () => {
    await using store = await open('silent')
    const { revision: start } = await store.range('')
    const told: number[] = []
    const over = new AbortController()
    const watching = follow(store, start, told, over.signal)
    const lease = await store.lease(10)
    await store.txn([], [{ ...put('k/1', '1'), lease: lease.id }])
    for (const member of etcd.members) {
      process.kill(member.pid(), 'SIGSTOP')
      try {
        await lease.keepAlive()
        await until(async () => {
          const done = await store.txn([], [put('k/2', '2')]).catch(() => undefined)
          return done?.succeeded === true
        }, 'it goes on')
      } finally {
        process.kill(member.pid(), 'SIGCONT')
      }
      await until(async () => isHealthy(etcd), 'all are back')
    }
    assert.equal((await store.range('k/1')).entries.length, 1, 'what stands under the lease does')
    await until(() => told.length >= 4, 'the watch has heard of all')
    over.abort()
    await watching
  })

  void test('what compares a key that it changes is done once, and acknowledged, though members die or freeze', async () => {
    await using store = await open('once')
    let count = 0
    await until(async () => isHealthy(etcd), 'all answer')
    const begun = await store.txn([], [put('count', '0')])
    assert.ok(begun.succeeded)
    let modified = begun.revision
    const over = new AbortController()
    const counting = (async () => {
      while (!over.signal.aborted) {
        const ops = [put('count', String(count + 1)), put(`counted/${count}`, '')]
        const done = await store.txn([{ key: 'count', modified }], ops)
        assert.ok(done.succeeded, `${count} was counted by nobody else`)
        modified = done.revision
        count++
      }
    })()
    const goesOn = async (): Promise<void> => {
      const before = count
      await Promise.race([until(() => count > before + 20, 'it goes on'), counting])
    }
    for (const member of etcd.members) {
      process.kill(member.pid(), 'SIGSTOP')
      await goesOn().finally(() => process.kill(member.pid(), 'SIGCONT'))
      await until(async () => isHealthy(etcd), 'all answer')
      await member.stop('SIGKILL')
      await goesOn()
      await member.start()
      await until(async () => isHealthy(etcd), 'all are back')
    }
    over.abort()
    await counting
    const { entries } = await store.range('count')
    const [counter] = entries
    assert.deepEqual([counter?.value, counter?.modified], [String(count), modified])
    assert.equal(entries.length, count + 1)
  })

  void test('while the leader dies a server makes all changes that it is asked for, and nothing twice', async () => {
    const flags = ['--store', `etcd:${etcd.endpoints.join(',')}`]
    await using server = await startPortwardServer({ flags })
    const { id: network_id } = await server.create('network', { name: 'n' })
    await server.create('subnet', { network_id, ip_version: 4, cidr: '10.0.0.0/16' })
    const { id } = await server.create('port', { network_id })
    const over = new AbortController()
    let asked = 0
    const asking = async (method: string, path: string, body: object, good: readonly number[]) => {
      while (!over.signal.aborted) {
        const answer = await server.ask(method, path, body)
        assert.ok(good.includes(answer.status), JSON.stringify(answer.body))
        asked++
      }
    }
    const all = Promise.all([
      asking('PUT', `/v2.0/ports/${id}`, { port: { description: 'again' } }, [200]),
      // What is new may be there, or come: nobody knows.
      asking('POST', '/v2.0/ports', { port: { network_id } }, [201, 503]),
    ])
    await until(() => asked > 20, 'it answers')
    const leader = await etcd.leader()
    await leader.stop('SIGKILL')
    const before = asked
    await Promise.race([all, until(() => asked > before + 20, 'it goes on')])
    await leader.start()
    over.abort()
    await all
    const { body } = await server.ask('GET', '/v2.0/ports')
    const { ports } = body as { ports: readonly { fixed_ips: readonly { ip_address: string }[] }[] }
    const addresses = new Set(ports.map(({ fixed_ips }) => fixed_ips[0]?.ip_address))
    assert.equal(addresses.size, ports.length)
    await until(async () => isHealthy(etcd), 'all are back')
  })

  void test('a transaction of many operations is one all the same; of too many, nothing', async () => {
    await using store = await open('many')
    const ops = (count: number): Op[] =>
      Array.from({ length: count }, (_, i) => put(`many/${i}`, String(i)))
    const compares = Array.from({ length: 60 }, (_, i) => ({ key: `many/${i}`, modified: 0 }))
    const done = await store.txn(compares, ops(3000))
    assert.ok(done.succeeded)
    const { entries } = await store.range('many/')
    assert.equal(entries.length, 3000)
    assert.deepEqual([...new Set(entries.map(({ modified }) => modified))], [done.revision])
    const again = await store.txn(compares, ops(3000))
    assert.equal(again.succeeded, false)
    assert.equal(again.succeeded ? 0 : again.failed.length, 60)
    await assert.rejects(store.txn([], ops(5000)), /--max-txn-ops/)
    const many = Array.from({ length: 200 }, (_, i) => ({ key: `n/${i}`, modified: 0 }))
    await assert.rejects(store.txn(many, [put('n', '')]), /--max-txn-ops/)
    assert.deepEqual((await store.range('n')).entries, [])
  })

  void test('it begins without the cluster: who asks is told, and it goes on when that comes', async () => {
    const other = await startEtcd({ members: 1 })
    await using _ = other
    await other.kill()
    await using store = await openEtcd({ endpoints: other.endpoints })
    await assert.rejects(store.range(''), /no member takes connections/)
    await other.start()
    assert.deepEqual((await store.range('')).entries, [])
    await assert.rejects(openEtcd({ endpoints: ['127.0.0.1:2379'] }), /no URL of an etcd member/)
  })
})

void describe('etcd, with users and certificates', { timeout: 60_000 }, () => {
  let dir: string
  let etcd: Etcd
  const file = (name: string): string => join(dir, name)
  const as = async (name: string) => ({
    endpoints: etcd.endpoints,
    tls: {
      ca: await readFile(file('ca.pem')),
      cert: await readFile(file(`${name}.pem`)),
      key: await readFile(file(`${name}.key`)),
    },
  })

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'portward-etcd-tls-'))
    await authority(dir)
    for (const name of ['root', 'portward-server', 'portward-agent-a', 'portward-agent-b']) {
      await certificate(dir, name)
    }
    const tls = { ca: file('ca.pem'), cert: file('root.pem'), key: file('root.key') }
    etcd = await startEtcd({ tls })
    await etcd.ctl('user', 'add', 'root', '--no-password')
    await etcd.ctl('user', 'grant-role', 'root', 'root')
    await etcd.ctl('auth', 'enable')
    const admin = await as('root')
    await grantServer(admin)
    for (const host of ['a', 'b']) {
      await grantHost(admin, host)
      await grantHost(admin, host)
    }
  })
  after(async () => {
    await etcd[Symbol.asyncDispose]()
    await rm(dir, { recursive: true, force: true })
  })

  void test('an agent reads what is its host’s and writes what it observes there; of another’s it can do neither', async () => {
    await using server = await openEtcd(await as('portward-server'))
    await using agent = await openEtcd(await as('portward-agent-a'))
    await server.txn([], [put(keys.hostPort('a', 'p'), '1'), put(keys.hostPort('b', 'q'), '2')])
    await server.txn([], [put(keys.port('p'), '3')])

    const { revision, entries } = await agent.range(keys.hostPorts('a'))
    assert.deepEqual(
      entries.map(({ value }) => value),
      ['1'],
    )
    const changes = agent.watch(keys.hostPorts('a'), revision, AbortSignal.timeout(10_000))
    await server.txn([], [put(keys.hostPort('a', 'r'), '4')])
    const { value } = await changes[Symbol.asyncIterator]().next()
    assert.equal(value?.events.length, 1)
    await using lease = await agent.lease(60)
    const seen = { ...put(keys.hostSeenIface('a', 'tap0'), '5'), lease: lease.id }
    const alive = { ...put(keys.hostAlive('a'), '6'), lease: lease.id }
    const turn = { ...put(keys.hostTurn('a'), '7'), lease: lease.id }
    const applied = { ...put(keys.hostAppliedPort('a', 'p'), '8'), lease: lease.id }
    const first = { key: turn.key, modified: 0 }
    assert.ok((await agent.txn([first], [seen, alive, applied, turn])).succeeded)
    assert.equal((await server.range(keys.hostSeen('a'))).entries.length, 1)

    // What changes nothing is allowed where a change would be.
    const gone: Op = { type: 'delete', key: keys.hostSeenIface('a', 'gone') }
    assert.ok((await agent.txn([], [gone])).succeeded)
    assert.ok((await agent.txn([{ key: gone.key, modified: 0 }], [])).succeeded)

    const denied = /permission denied: the role .* may not do that/
    for (const prefix of ['', keys.hosts, keys.hostPorts('b'), keys.hostSeen('b'), keys.ports]) {
      await assert.rejects(agent.range(prefix), denied, prefix)
      const watch = agent.watch(prefix, revision, AbortSignal.timeout(10_000))
      await assert.rejects(watch[Symbol.asyncIterator]().next(), /permission denied/, prefix)
    }
    for (const key of [
      keys.hostPort('a', 'p'),
      keys.hostPlug('a', 'tap0'),
      keys.hostSeenIface('b', 'tap0'),
      keys.hostAlive('b'),
      keys.hostTurn('b'),
      keys.port('p'),
    ]) {
      await assert.rejects(agent.txn([], [put(key, 'x')]), denied, key)
      await assert.rejects(agent.txn([], [{ type: 'delete', key }]), denied, key)
    }
    await assert.rejects(agent.txn([{ key: keys.hostPort('b', 'q'), modified: 1 }], []), denied)
    await assert.rejects(agent.archived({ limit: 1 }), denied)
    await assert.rejects(agent.sync(), denied)
    assert.equal((await server.range(keys.hostPort('b', 'q'))).entries[0]?.value, '2')
  })

  void test('while hosts are granted, nobody else is refused what is theirs', async () => {
    const admin = await as('root')
    await using server = await openEtcd(await as('portward-server'))
    const granted = new AbortController()
    let done = 0
    const writing = Array.from({ length: 4 }, async (_, i) => {
      for (; !granted.signal.aborted; done++) {
        await server.txn([], [put(`granting/${i}`, String(done))])
      }
    })
    const granting = (async () => {
      try {
        for (let i = 0; i < 10; i++) await grantHost(admin, `more-${i}`)
      } finally {
        granted.abort()
      }
    })()
    await Promise.all([granting, ...writing])
    assert.ok(done > 4)
  })

  void test('who was revoked may do nothing any more; nor who shows no certificate, or one of nobody', async () => {
    await using agent = await openEtcd(await as('portward-agent-b'))
    await agent.range(keys.hostPorts('b'))
    await revokeHost(await as('root'), 'b')
    await revokeHost(await as('root'), 'b')
    await assert.rejects(agent.range(keys.hostPorts('b')), StoreError)
    const { endpoints, tls } = await as('root')
    await using nobody = await openEtcd({ endpoints, tls: { ca: tls.ca } })
    await assert.rejects(nobody.range(''), StoreError)
    await using stranger = await openEtcd({ endpoints })
    await assert.rejects(stranger.range(''), StoreError)
  })
})

function put(key: string, value: string): Op & { readonly type: 'put' } {
  return { type: 'put', key, value }
}

/** The numbers that were put under k/. */
async function follow(
  store: Store,
  after: Revision,
  told: number[],
  signal: AbortSignal,
): Promise<void> {
  for await (const { events } of store.watch('k/', after, signal)) {
    for (const event of events) if (event.type === 'put') told.push(Number(event.entry.value))
  }
}

async function isHealthy(etcd: Etcd): Promise<boolean> {
  return etcd.ctl('--command-timeout=2s', 'endpoint', 'health').then(
    () => true,
    () => false,
  )
}

async function authority(dir: string): Promise<void> {
  const subject = ['-subj', '/CN=ca', '-days', '1']
  const keys = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const out = ['-keyout', join(dir, 'ca.key'), '-out', join(dir, 'ca.pem')]
  await run(['openssl', 'req', '-x509', ...keys, ...subject, ...out])
}

/** Of a client, and of a member on loopback. */
async function certificate(dir: string, name: string): Promise<void> {
  const file = (ending: string): string => join(dir, `${name}.${ending}`)
  const keys = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1']
  await run(['openssl', 'req', ...keys, ...subject, '-keyout', file('key'), '-out', file('csr')])
  const signer = ['-CA', join(dir, 'ca.pem'), '-CAkey', join(dir, 'ca.key'), '-CAcreateserial']
  const made = ['-days', '1', '-copy_extensions', 'copy', '-in', file('csr'), '-out', file('pem')]
  await run(['openssl', 'x509', '-req', ...signer, ...made])
}
