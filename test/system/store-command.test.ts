// `portward store`: what one store holds is in the other, or in the file and in the store it is restored to.

import assert from 'node:assert/strict'
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Archived, Store } from '@portward/store'
import { keys, openSqlite } from '@portward/store'
import { MAIN, run, startEtcd } from '@portward/testkit'
import { startServer } from './server-process.ts'

type Told = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

/** Settings of this machine count for nothing. */
async function portward(...args: readonly string[]): Promise<Told> {
  const env = { PORTWARD_STATE: '/nonexistent' }
  return await run([process.execPath, MAIN, ...args], { accept: [0, 1, 2], env })
}

/** All that lasts, without its revisions and ids, which are a store's own. */
async function contentOf(store: Store): Promise<object> {
  const { entries } = await store.range('')
  const archived: Archived[] = []
  for (;;) {
    const before = archived.at(-1)?.id
    const page = await store.archived({ limit: 1000, ...(before !== undefined && { before }) })
    if (page.length === 0) break
    archived.push(...page)
  }
  return {
    entries: entries.map(({ key, value }) => [key, value]),
    archived: archived.map(({ name, at, value }) => [name, at, value]),
  }
}

async function contentAt(file: string): Promise<object> {
  await using store = await openSqlite({ file })
  return await contentOf(store)
}

/** Ports of an API, and more changes of one than the archive gives at once. */
async function populate(file: string): Promise<void> {
  await using server = await startServer(file)
  const post = async (path: string, body: object): Promise<{ readonly id: string }> => {
    const init = { method: 'POST', body: JSON.stringify(body) }
    const answer = await fetch(`${server.url}/v2.0/${path}`, init)
    assert.equal(answer.status, 201)
    return Object.values((await answer.json()) as object)[0]
  }
  const network = await post('networks', { network: { name: 'net\u2028work' } })
  const subnet = { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/16' }
  await post('subnets', { subnet })
  for (let i = 0; i < 30; i++) {
    const port = { network_id: network.id, 'binding:host_id': `h${i % 3}`, name: `p${i}` }
    await post('ports', { port })
  }
  await server.kill()
  await using store = await openSqlite({ file })
  await using lease = await store.lease(60)
  const past = (i: number) =>
    ({ type: 'archive', name: `x/${i % 7}`, at: i, value: `{"i":${i}}` }) as const
  await store.txn(
    [],
    Array.from({ length: 2345 }, (_, i) => past(i)),
  )
  const observed = [keys.hostAlive('h0'), keys.hostTurn('h0'), keys.hostSeenIface('h0', 'tap0')]
  await store.txn(
    [],
    observed.map((key) => ({ type: 'put', key, value: '{}', lease: lease.id })),
  )
}

void describe('portward store', { timeout: 120_000 }, () => {
  let directory: string
  const at = (name: string): string => join(directory, name)
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'portward-store-'))
    await populate(at('first.db'))
  })
  after(() => rm(directory, { recursive: true, force: true }))

  void test('from a backup the store comes back as it was', async () => {
    const backup = await portward(
      'store',
      'backup',
      at('copy'),
      '--store',
      `sqlite:${at('first.db')}`,
      '--json',
    )
    assert.equal(backup.code, 0, backup.stderr)
    const counts = JSON.parse(backup.stdout)
    assert.deepEqual([counts.networks, counts.subnets, counts.ports], [1, 1, 30])
    assert.ok(counts.archived > 2345)
    assert.equal((await stat(at('copy'))).mode & 0o777, 0o600)

    const restore = await portward(
      'store',
      'restore',
      at('copy'),
      '--store',
      `sqlite:${at('second.db')}`,
    )
    assert.equal(restore.code, 0, restore.stderr)
    assert.match(restore.stdout, /second\.db: 1 networks, 1 subnets, 30 ports; \d+ entries in all/)
    const first = await contentAt(at('first.db'))
    assert.deepEqual(await contentAt(at('second.db')), first)

    const migrate = await portward(
      'store',
      'migrate',
      `sqlite:${at('second.db')}`,
      `sqlite:${at('third.db')}`,
    )
    assert.equal(migrate.code, 0, migrate.stderr)
    assert.deepEqual(await contentAt(at('third.db')), first)
  })

  void test('what is not empty is not overwritten, and what is in it is said', async () => {
    await portward('store', 'backup', at('copy'), '--store', `sqlite:${at('first.db')}`)
    const before = await contentAt(at('first.db'))
    for (const args of [
      ['restore', at('copy'), '--store', `sqlite:${at('first.db')}`],
      ['migrate', `sqlite:${at('other.db')}`, `sqlite:${at('first.db')}`],
    ]) {
      await (await openSqlite({ file: at('other.db') }))[Symbol.asyncDispose]()
      const { code, stderr } = await portward('store', ...args)
      assert.equal(code, 1)
      assert.match(
        stderr,
        /first\.db has \d+ entries \(.*\) already, and nothing of it is overwritten/,
      )
    }
    assert.deepEqual(await contentAt(at('first.db')), before)
  })

  void test('a copy that is damaged makes no store', async () => {
    await portward('store', 'backup', at('copy'), '--store', `sqlite:${at('first.db')}`)
    const whole = await readFile(at('copy'), 'utf8')
    for (const text of [whole.slice(0, -200), whole.replace('10.0.0.2', '10.0.0.3'), '']) {
      await writeFile(at('damaged'), text)
      const { code, stderr } = await portward(
        'store',
        'restore',
        at('damaged'),
        '--store',
        `sqlite:${at('none.db')}`,
      )
      assert.equal(code, 1)
      assert.match(stderr, /damaged: is not whole/)
    }
    assert.ok(!(await readdir(directory)).includes('none.db'))
  })

  void test('what was not filled to its end is not served, and the next attempt begins anew', async () => {
    await portward('store', 'backup', at('copy'), '--store', `sqlite:${at('first.db')}`)
    const file = at('half.db')
    {
      await using store = await openSqlite({ file })
      const put = (key: string) => ({ type: 'put', key, value: '{}' }) as const
      await store.txn([], [put(keys.restoring), put('networks/half')])
      await store.txn([], [{ type: 'archive', name: 'half', at: 1, value: '{}' }])
    }
    const served = await portward('up', '--store', `sqlite:${file}`, '--listen', '127.0.0.1:0')
    assert.equal(served.code, 1)
    assert.match(
      served.stderr,
      /half\.db is being filled from a copy, .* run the same portward store/,
    )
    const { code, stderr } = await portward(
      'store',
      'restore',
      at('copy'),
      '--store',
      `sqlite:${file}`,
    )
    assert.equal(code, 0, stderr)
    assert.deepEqual(await contentAt(file), await contentAt(at('first.db')))
  })

  void test('a store that is in use, or is not there, is no source', async () => {
    await using _ = await openSqlite({ file: at('held.db') })
    const held = await portward('store', 'backup', at('no'), '--store', `sqlite:${at('held.db')}`)
    assert.deepEqual([held.code, /another portward holds it/.test(held.stderr)], [1, true])
    const gone = await portward('store', 'backup', at('no'), '--store', `sqlite:${at('gone.db')}`)
    assert.deepEqual(
      [gone.code, /there is no store sqlite:.*gone\.db/.test(gone.stderr)],
      [1, true],
    )
    const files = await readdir(directory)
    assert.deepEqual(
      files.filter((name) => name === 'no' || name.startsWith('gone')),
      [],
    )
  })

  void test('who may use etcd is granted and revoked', async () => {
    await using etcd = await startEtcd({ members: 1 })
    const store = ['--store', `etcd:${etcd.endpoints.join(',')}`]
    for (const [args, sentence] of [
      [['grant', '--server'], /the name \(CN\) portward-server may use all/],
      [['grant', 'h1'], /the name \(CN\) portward-agent-h1 may use what is h1’s/],
      [['grant', 'h2'], /portward-agent-h2/],
      [['revoke', 'h2'], /portward-agent-h2 may use nothing/],
    ] as const) {
      const { code, stdout, stderr } = await portward('store', ...args, ...store)
      assert.equal(code, 0, stderr)
      assert.match(stdout, sentence)
    }
    const users = (await etcd.ctl('user', 'list')).trim().split('\n')
    assert.deepEqual(users.toSorted(), ['portward-agent-h1', 'portward-server'])

    for (const [args, sentence] of [
      [['grant', ...store], /say whose: HOST for its agent, or --server/],
      [['grant', 'h1', '--server', ...store], /say whose/],
      [['grant', 'h1', '--store', 'sqlite:x'], /sqlite:x, where nobody has a role/],
      [['revoke', 'h1', '--store', 'sqlite:x'], /sqlite:x, where nobody has a role/],
    ] as const) {
      const { code, stderr } = await portward('store', ...args)
      assert.equal(code, 2)
      assert.match(stderr, sentence)
    }
  })
})
