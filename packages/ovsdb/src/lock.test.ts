import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { keepLock } from './lock.ts'

/** What is told when the server answers `lock` and, in the same piece, notifies. */
async function told(locked: boolean, notified: 'locked' | 'stolen'): Promise<readonly string[]> {
  const dir = await mkdtemp(join(tmpdir(), 'portward-ovsdb-'))
  const [server, end, states] = [createServer(), new AbortController(), [] as string[]]
  try {
    server.on('connection', (socket) => {
      socket.on('error', () => {}) // the client leaves when the test is over
      socket.on('data', (request) => {
        const { id } = JSON.parse(String(request))
        const answer = JSON.stringify({ id, result: { locked }, error: null })
        const notification = JSON.stringify({ id: null, method: notified, params: ['name'] })
        socket.write(answer + notification)
      })
    })
    server.listen(join(dir, 'db.sock'))
    await once(server, 'listening')
    const address = join(dir, 'db.sock')
    const onState = (state: string): void => {
      states.push(state)
      // Whatever else it has to tell of what is in hand, it tells before that.
      setImmediate(() => end.abort())
    }
    await keepLock({ address, name: 'name', onState, signal: end.signal })
    return states
  } finally {
    server.close()
    await rm(dir, { recursive: true })
  }
}

void test('a lock that is granted right behind the answer that it is taken is held', async () => {
  assert.equal((await told(false, 'locked')).at(-1), 'held')
})

void test('a lock that is stolen right behind the answer that it is ours is taken', async () => {
  assert.equal((await told(true, 'stolen')).at(-1), 'taken')
})
