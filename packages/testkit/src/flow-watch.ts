// `ovs-ofctl monitor BRIDGE watch:` beside whoever writes the flows: the switch's own word on each change, and when.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Inbox } from './inbox.ts'

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
  const events = new Inbox<FlowEvent>(
    (told, ms) => `no such flow event within ${ms} ms; told: ${JSON.stringify(told)}`,
  )
  const read = (line: string): void => {
    const told = flowEventOf(line, performance.now())
    if (told !== undefined) events.put(told)
  }
  createInterface({ input: child.stderr }).on('line', read)
  createInterface({ input: child.stdout }).on('line', read)
  return {
    take: () => events.take(),
    until: (fits, ms = 5000) => events.until(fits, ms),
    async settled(ms = 100) {
      for (let seen = -1; seen !== events.items.length; ) {
        seen = events.items.length
        await new Promise((resolve) => setTimeout(resolve, ms))
      }
      return events.take()
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** What a line of `ovs-ofctl monitor` tells, if it tells of a flow. */
export function flowEventOf(line: string, at: number): FlowEvent | undefined {
  const [, event, text = ''] = /^ event=(\S+) (?:reason=\S+ )?(.*)$/.exec(line) ?? []
  switch (event) {
    case 'INITIAL':
    case 'ADDED':
    case 'DELETED':
    case 'MODIFIED':
      return { at, event, text }
    case undefined:
    default:
      return undefined
  }
}
