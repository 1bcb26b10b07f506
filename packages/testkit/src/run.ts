// Commands of the system, run to their end.

import { spawn } from 'node:child_process'

export type RunOptions = {
  /** Given on standard input, which is then closed; without it, standard input is empty. */
  readonly input?: string | Uint8Array
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Ends the command with SIGKILL, and the promise with an error. */
  readonly signal?: AbortSignal
  /** Exit codes that are no failure; 0 alone by default. `ping` without an answer gives 1. */
  readonly accept?: readonly number[]
}

export type Result = { readonly code: number; readonly stdout: string; readonly stderr: string }

/** Throws an error with the command, its exit code and what it said, if the code is none of those accepted. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<Result> {
  const [command = '', ...args] = argv
  const { input = '', env, signal, accept = [0] } = options
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    killSignal: 'SIGKILL',
    ...(signal && { signal }),
  })
  const closed = new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, killedBy) => resolve(code ?? (killedBy === null ? -1 : 128)))
  })
  child.stdin.on('error', () => {}) // a command need not read what it is given
  child.stdin.end(input)
  const [code, stdout, stderr] = await Promise.all([
    closed,
    textOf(child.stdout),
    textOf(child.stderr),
  ])
  if (accept.includes(code)) return { code, stdout, stderr }
  throw new Error(
    `${argv.join(' ').slice(0, 500)}: exit code ${code}: ${stderr.trim() || stdout.trim()}`,
  )
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  stream.setEncoding('utf8')
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  return text
}
