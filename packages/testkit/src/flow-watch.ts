// `ovs-ofctl monitor BRIDGE watch:` beside whoever writes the flows: the switch's own word on each change, and when.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export type FlowEvent = {
  /** Milliseconds of `performance.now()` when the line arrived here. */
  readonly at: number
  readonly event: 'INITIAL' | 'ADDED' | 'DELETED' | 'MODIFIED'
  /** As ovs-ofctl prints it: `table=24 cookie=0x… arp,in_port=1 actions=…`; without actions where the flow drops. */
  readonly text: string
}

export type FlowWatch = AsyncDisposable & {
  /** Everything told since the last call. */
  readonly take: () => readonly FlowEvent[]
  /** Waits for an event that fits, and gives it; throws when none came within `ms`. */
  readonly until: (fits: (event: FlowEvent) => boolean, ms?: number) => Promise<FlowEvent>
  /** Waits until nothing was told for `ms`, and gives everything since the last call. */
  readonly settled: (ms?: number) => Promise<readonly FlowEvent[]>
}

/** Answers when the switch has told what is there already; those come as INITIAL. */
export async function watchFlows(
  bridge: string,
  env: Readonly<Record<string, string>>,
): Promise<FlowWatch> {
  const child = spawn('ovs-ofctl', ['monitor', bridge, 'watch:'], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'close')
  let events: FlowEvent[] = []
  const listeners = new Set<(event: FlowEvent) => void>()
  const read = (line: string): void => {
    const told = eventOf(line)
    if (told === undefined) return
    events.push(told)
    for (const listener of listeners) listener(told)
  }
  createInterface({ input: child.stderr }).on('line', read)
  createInterface({ input: child.stdout }).on('line', read)
  const take = (): readonly FlowEvent[] => {
    const taken = events
    events = []
    return taken
  }
  return {
    take,
    until(fits, ms = 5000) {
      const there = events.find(fits)
      if (there !== undefined) return Promise.resolve(there)
      return new Promise((resolve, reject) => {
        const done = (told: FlowEvent): void => {
          if (!fits(told)) return
          clearTimeout(timer)
          listeners.delete(done)
          resolve(told)
        }
        const timer = setTimeout(() => {
          listeners.delete(done)
          reject(new Error(`no such flow event within ${ms} ms; told: ${JSON.stringify(events)}`))
        }, ms)
        listeners.add(done)
      })
    },
    async settled(ms = 100) {
      for (let seen = -1; seen !== events.length; ) {
        seen = events.length
        await new Promise((resolve) => setTimeout(resolve, ms))
      }
      return take()
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

function eventOf(line: string): FlowEvent | undefined {
  const at = performance.now()
  const [, event, text = ''] = /^ event=(\S+) (?:reason=\S+ )?(.*)$/.exec(line) ?? []
  switch (event) {
    case 'INITIAL':
    case 'ADDED':
    case 'DELETED':
    case 'MODIFIED':
      return { at, event, text }
    default:
      return undefined
  }
}
