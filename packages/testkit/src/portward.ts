// The daemons of Portward, each a process of its own: `portward up`, or the agent, beside the switch of a test; or a server.

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { createInterface } from 'node:readline'

export type PortwardOptions = ProcessOptions & {
  /** Of the switch: `rundir` and `bridge`. */
  readonly rundir: string
  readonly bridge: string
  /** Its state directory; one that is not there is made. */
  readonly state: string
}

export type ProcessOptions = {
  /** Further flags, such as `['--bridge-mode', 'own']`. */
  readonly flags?: readonly string[]
  /** A command that executes another, which it gets as its arguments, in its own place: `['prlimit', '--as=…']`. */
  readonly within?: readonly string[]
  /** Beside the environment of this process. */
  readonly env?: Readonly<Record<string, string>>
  /** Called with what it writes on standard error, as it comes. */
  readonly heard?: (text: string) => void
  /** Kills it, also while it is not ready yet. */
  readonly signal?: AbortSignal
}

export type Answer = { readonly status: number; readonly headers: Headers; readonly body: unknown }

export type Portward = AsyncDisposable & {
  readonly url: string
  readonly pid: number
  /** What it wrote on standard error so far: its log, a JSON object a line. */
  readonly said: () => string
  /** One exchange over HTTP; `path` from the root, such as `/v2.0/ports`. */
  readonly ask: (method: string, path: string, body?: object, headers?: object) => Promise<Answer>
  /** POST of a network, subnet or port: what was made. Throws with what the server said when it refuses. */
  readonly create: <T = { readonly id: string }>(noun: string, fields: object) => Promise<T>
  /** PUT of a port, answered when the switch has acknowledged it: the port. Throws likewise, and when it has not in time. */
  readonly updatePort: <T = { readonly id: string }>(id: string, fields: object) => Promise<T>
  /** Resolves when it has ended, as `stop` does. */
  readonly ended: Promise<number | null>
  /** Sends the signal and gives the exit code, or null where the signal ended it. */
  readonly stop: (signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL') => Promise<number | null>
}

/** The program `portward`, for Node to run. */
export const MAIN = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url))

/** Server and agent. Answers when it is ready. Throws with what it said when it ended before. It does not outlive this process. */
export function startPortward(options: PortwardOptions): Promise<Portward> {
  return startProcess(['up', ...beside(options), ...LISTEN], options)
}

/** A server alone; likewise. */
export function startPortwardServer(options: ProcessOptions): Promise<Portward> {
  return startProcess(['server', ...LISTEN], options)
}

/** An agent alone; likewise. It has no URL, and nothing to ask. */
export function startPortwardAgent(options: PortwardOptions): Promise<Portward> {
  return startProcess(['agent', ...beside(options)], options)
}

const LISTEN = ['--listen', '127.0.0.1:0']

function beside({ rundir, bridge, state }: PortwardOptions): readonly string[] {
  return ['--ovs-rundir', rundir, '--bridge', bridge, '--state', state]
}

async function startProcess(
  command: readonly string[],
  { flags = [], within = [], env = {}, heard, signal }: ProcessOptions,
): Promise<Portward> {
  const argv = [...within, process.execPath, MAIN, ...command, ...flags]
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...argv], {
    detached: true, // Ctrl-C is for the owner, who ends it when it likes
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    killSignal: 'SIGKILL',
    ...(signal && { signal }),
  })
  child.on('error', () => {}) // aborted: `close` tells
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
    heard?.(text)
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const url = await readyLine(child.stdout, ended, () => said)
  const ask: Portward['ask'] = async (method, path, body, headers) => {
    const answer = await fetch(url + path, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return {
      status: answer.status,
      headers: answer.headers,
      body: text === '' ? undefined : JSON.parse(text),
    }
  }
  return {
    url,
    pid: child.pid ?? 0,
    said: () => said,
    ended,
    ask,
    async create<T>(noun: string, fields: object) {
      const answer = await ask('POST', `/v2.0/${noun}s`, { [noun]: fields })
      return resourceIn(answer, noun, 201) as T
    },
    async updatePort<T>(id: string, fields: object) {
      const answer = await ask('PUT', `/v2.0/ports/${id}?wait=applied`, { port: fields })
      return resourceIn(answer, 'port', 200) as T
    },
    async stop(signal) {
      child.kill(signal)
      return await ended
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** The resource of this name in an answer of this status. */
function resourceIn({ status, body }: Answer, noun: string, wanted: number): unknown {
  if (status === wanted) return (body as Readonly<Record<string, unknown>>)[noun]
  throw new Error(`${noun}: ${status} ${JSON.stringify(body)}`)
}

async function readyLine(
  stdout: NodeJS.ReadableStream,
  ended: Promise<number | null>,
  said: () => string,
): Promise<string> {
  const lines = createInterface({ input: stdout })
  const ready = new Promise<string>((resolve) => {
    lines.on('line', (line) => {
      const [ready, url = ''] = /^ready(?: (http\S+))?$/.exec(line) ?? []
      if (ready !== undefined) resolve(url)
    })
  })
  const dead = ended.then((code) => {
    throw new Error(`portward ended with ${code}: ${said().trim()}`)
  })
  return await Promise.race([ready, dead])
}
