// A place to run system daemons in, that nothing outlives: a directory, a process namespace and a network namespace.
//
//   owner (this process)
//     │ pipe: closed by us, or by the kernel when we die, however we die
//     └─ sh, in a session of its own ── unshare ── cat, process 1 of the namespace, reads the pipe to its end
//                                                     └─ every process started inside
//
// When cat ends, the kernel kills whatever else is in its process namespace; with the last process the network
// namespaces go, and with those their devices. Then sh removes the directory. There is no list of things to clean up.

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { createInterface } from 'node:readline'
import type { Result, RunOptions } from './run.ts'
import { run } from './run.ts'

// Ignoring SIGCHLD survives exec, and has the kernel reap orphans in cat's stead.
const KEEPER = `
trap '' INT TERM HUP
cd "$1" && DIR=$(mktemp -d "$1/portward-lab-XXXXXX") && cd "$DIR" || exit 1
unshare --fork --pid --net --kill-child -- sh -c '
  read -r PID REST </proc/self/stat
  trap "" CHLD
  ip link set lo up && echo "$PID $1" && exec cat >/dev/null
' sh "$DIR"
cd / && rm -rf "$DIR"
`

export type Enclosure = AsyncDisposable & {
  /** Absolute; made for this enclosure and removed with it. */
  readonly dir: string
  /** Process 1 of the process namespace, by its number outside. */
  readonly pid: number
  /** The command that runs `argv` inside; in the network namespace of process `netOf` where one is given. */
  readonly inside: (argv: readonly string[], netOf?: number) => readonly string[]
  readonly run: (argv: readonly string[], options?: RunOptions) => Promise<Result>
}

export async function openEnclosure(): Promise<Enclosure> {
  if (process.getuid?.() !== 0) {
    throw new Error('network namespaces can be made by root only: run this as root, or with sudo')
  }
  const keeper = spawn('sh', ['-c', KEEPER, 'sh', tmpdir()], {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const { pid, dir } = await greeting(keeper)

  const inside = (argv: readonly string[], netOf: number = pid): readonly string[] => [
    'nsenter',
    `--pid=/proc/${pid}/ns/pid`,
    `--net=/proc/${netOf}/ns/net`,
    '--',
    // What nsenter starts ends with nsenter, so whoever kills nsenter kills the command.
    'setpriv',
    '--pdeathsig',
    'KILL',
    '--',
    ...argv,
  ]
  return {
    dir,
    pid,
    inside,
    run: (argv, options) => run(inside(argv), options),
    async [Symbol.asyncDispose]() {
      if (keeper.exitCode === null && keeper.signalCode === null) {
        const gone = once(keeper, 'close')
        keeper.stdin?.end()
        await gone
      }
      await rm(dir, { recursive: true, force: true }) // the keeper did, unless it was killed
    },
  }
}

async function greeting(keeper: ChildProcess): Promise<{ pid: number; dir: string }> {
  const { stdin, stdout, stderr } = keeper
  if (stdin === null || stdout === null || stderr === null)
    throw new Error('the keeper has no pipes')
  stdin.on('error', () => {}) // it may have ended: `close` tells
  let complaint = ''
  stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text))
  for await (const line of createInterface({ input: stdout })) {
    const [pid, ...dir] = line.split(' ')
    return { pid: Number(pid), dir: dir.join(' ') }
  }
  throw new Error(`no namespace for a lab: ${complaint.trim() || 'unshare said nothing'}`)
}
