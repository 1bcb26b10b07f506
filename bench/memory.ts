// What memory processes need. The proportional set size (PSS) counts a page that several share once among them all; the resident
// set size (RSS) counts it for each.

import { readFile, readdir, readlink } from 'node:fs/promises'

/** MB of all these processes together (PSS). One that has ended meanwhile needs none. */
export async function memoryOf(pids: readonly number[]): Promise<number> {
  const each = await Promise.all(
    pids.map(async (pid) => {
      const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
      return Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) / 1024
    }),
  )
  return each.reduce((sum, mb) => sum + mb, 0)
}

/** MB of one process (RSS). */
export async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024
}

/** Every process in the process namespace that `pid` is in, with its program's name. */
export async function processesBeside(
  pid: number,
): Promise<readonly { readonly pid: number; readonly name: string }[]> {
  const namespaceOf = (of: number): Promise<string> =>
    readlink(`/proc/${of}/ns/pid`).catch(() => '')
  const namespace = await namespaceOf(pid)
  const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger)
  const found = await Promise.all(
    pids.map(async (each) => {
      if ((await namespaceOf(each)) !== namespace) return []
      const name = await readFile(`/proc/${each}/comm`, 'utf8').catch(() => '')
      return name === '' ? [] : [{ pid: each, name: name.trim() }]
    }),
  )
  return found.flat()
}
