import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KeptState, Session } from './keep.ts'
import { keepConnected } from './keep.ts'
import { PACE } from './link.ts'

/** A session with a peer that answers probes for as long as it is told to. */
class FakeSession implements Session {
  readonly #end = Promise.withResolvers<Error | undefined>()
  readonly closed = this.#end.promise
  heardAt = performance.now()
  probes = 0
  answering = true
  disposed = false

  constructor(signal: AbortSignal) {
    signal.addEventListener('abort', () => this.end(undefined))
  }

  probe(): void {
    this.probes++
    if (this.answering) this.heardAt = performance.now()
  }

  end(why: Error | undefined): void {
    this.#end.resolve(why)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.disposed = true
    this.end(undefined)
    await this.closed
  }
}

const hasty = { ...PACE, firstBackoff: 1, maxBackoff: 4, flapBackoff: 4, patience: 20, probe: 5 }

void test('connects again after each failure and each end, until the signal, and disposes of every session', async () => {
  const stop = new AbortController()
  const sessions: FakeSession[] = []
  const told: string[] = []
  let attempts = 0
  await keepConnected({
    async connect(signal) {
      attempts++
      if (attempts % 2 === 1) throw new Error(`attempt ${attempts} failed`)
      const session = new FakeSession(signal)
      sessions.push(session)
      return session
    },
    onState(state) {
      told.push(state.state === 'backoff' ? state.why.message : state.state)
      if (state.state !== 'up') return
      if (sessions.length === 3) stop.abort()
      else state.session.end(new Error(`session ${sessions.length} ended`))
    },
    signal: stop.signal,
    pace: hasty,
  })
  const round = (n: number): readonly string[] => [
    'connecting',
    `attempt ${n * 2 - 1} failed`,
    'connecting',
    'up',
    `session ${n} ended`,
  ]
  assert.deepEqual(told, [...round(1), ...round(2), ...round(3).slice(0, 4)])
  assert.ok(sessions.every(({ disposed }) => disposed))
})

void test('a peer that answers probes is kept; one that falls silent is dropped', async () => {
  const stop = new AbortController()
  const sessions: FakeSession[] = []
  const ends: string[] = []
  await keepConnected({
    async connect(signal) {
      const session = new FakeSession(signal)
      sessions.push(session)
      return session
    },
    onState(state) {
      if (state.state === 'up') {
        const { session } = state
        const probe = session.probe.bind(session)
        session.probe = () => {
          session.answering = session.probes < 3
          probe()
        }
      }
      if (state.state === 'backoff') {
        ends.push(state.why.message)
        stop.abort()
      }
    },
    signal: stop.signal,
    pace: hasty,
  })
  assert.equal(sessions[0]?.probes, 4)
  assert.ok(sessions[0].disposed)
  assert.match(ends.join(), /^no answer within 5 ms/)
})

void test('an attempt that takes too long is ended', async () => {
  const stop = new AbortController()
  const states: KeptState<FakeSession>[] = []
  await keepConnected<FakeSession>({
    connect: (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('told to stop')))
      }),
    onState(state) {
      states.push(state)
      if (states.length === 4) stop.abort()
    },
    signal: stop.signal,
    pace: hasty,
  })
  assert.deepEqual(
    states.map((state) => (state.state === 'backoff' ? state.why.message : state.state)),
    ['connecting', 'no session within 20 ms', 'connecting', 'no session within 20 ms'],
  )
})

void test('a receiver that throws ends it all, the session with it', async () => {
  const sessions: FakeSession[] = []
  const kept = keepConnected({
    async connect(signal) {
      const session = new FakeSession(signal)
      sessions.push(session)
      return session
    },
    onState({ state }) {
      if (state === 'up') throw new Error('cannot bear it')
    },
    signal: new AbortController().signal,
    pace: hasty,
  })
  await assert.rejects(kept, /cannot bear it/)
  assert.ok(sessions[0]?.disposed)
})
