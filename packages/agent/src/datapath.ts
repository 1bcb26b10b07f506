// The switch's datapath: it judges most frames by verdicts that it has cached. When flows change, Open vSwitch goes through the
// cache at once and puts it right, some milliseconds after it has acknowledged the change.
//
// Its userspace datapath may leave a verdict behind there: it looks for the one to change by a frame's fields, finds another
// that covers these as well, and changes that. The verdict goes on for as long as frames use it, whatever the flows say. There
// the cache is to be emptied, so that all is judged anew: ADR 7.

import { setTimeout as sleep } from 'node:timers/promises'
import { askSwitch } from './control.ts'

/** Releases with Open vSwitch's commit "dpif-netdev: Fix dpif_netdev_flow_put.": of each line the first; later lines all. */
const mended: ReadonlyMap<string, number> = new Map([
  ['2.17', 8],
  ['3.0', 5],
  ['3.1', 3],
  ['3.2', 0],
])
const LAST_LINE = [3, 2] as const
/** What leads to the next line is numbered like 3.1.90, and says nothing of what it has. */
const DEVELOPMENT = 90

/**
 * Whether a cached verdict may outlive its flows: `datapathType` is the bridge's (OVSDB), empty for the kernel's; `version` is
 * Open vSwitch's own, such as `3.1.0`, and one that isn't known counts as yes.
 */
export function clings(datapathType: string | undefined, version: string | undefined): boolean {
  if (datapathType !== 'netdev') return false
  const [, ...digits] = /^(\d+)\.(\d+)\.(\d+)/.exec(version ?? '') ?? []
  const [major, minor, patch] = digits.map(Number)
  if (major === undefined || minor === undefined || patch === undefined) return true
  const [lastMajor, lastMinor] = LAST_LINE
  if (major > lastMajor || (major === lastMajor && minor > lastMinor)) return false
  const first = mended.get(`${major}.${minor}`)
  return first === undefined || patch < first || patch >= DEVELOPMENT
}

/**
 * A purge passes over a verdict that the switch is just looking at, and what is about to be changed is changed after it. The
 * switch goes through its cache when flows have changed, which is when we purge: so once more, a little later.
 */
const PURGES = 2
const BETWEEN_MS = 10
/** A switch that is given thousands of ports at once says nothing for as long as 13 s. */
const PATIENCE_MS = 60_000

/**
 * Empties the cache of the switch that has this run directory: what frames meet next are the flows. Throws an error that says
 * what to do when the switch can't be asked or refuses; then nothing is known of the cache.
 */
export async function emptyCache(rundir: string, signal: AbortSignal): Promise<void> {
  const until = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)])
  for (let i = 0; i < PURGES; i++) {
    if (i > 0) await sleep(BETWEEN_MS, undefined, { signal: until })
    await askSwitch(rundir, 'revalidator/purge', [], until)
  }
}
