// The memory of a daemon that runs for months, with little to do.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Gives back what the start needed and nothing needs any more; takes some 70 ms with 1,000 ports. V8 would keep it until the
 * heap has grown again, which it may never do: 135 MB resident instead of 155 to 180.
 */
export function releaseHeap(): void {
  setFlagsFromString('--expose-gc') // in contexts made from now on
  const gc: unknown = runInNewContext('gc')
  if (typeof gc === 'function') gc({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}
