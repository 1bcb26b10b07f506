// A process with many hosts: for each a fake switch, an agent, and a store of its own on etcd. Told by lines on standard input:
//
//   in    {"endpoints": …, "hosts": [{"host": NAME, "ports": [ID, …]}, …]}
//         reconnect
//   out   {"synced": N}                 so many agents are in sync, as they become so
//         {"host": NAME, "at": MS}      a bundle was committed there, once all are
//         {"resynced": N}

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Agent } from '@portward/agent'
import { openEtcd } from '@portward/store/etcd'
import type { FakeSwitch } from './fake-switch.ts'
import { startFakeSwitch } from './fake-switch.ts'

type Told = {
  readonly endpoints: readonly string[]
  readonly hosts: readonly { readonly host: string; readonly ports: readonly string[] }[]
}

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const dir = await mkdtemp(join(tmpdir(), 'portward-fleet-'))
const switches: FakeSwitch[] = []
let synced = 0
let quiet = true
let again = 0

for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'reconnect') {
    again = 0
    for (const sw of switches) sw.hangUp()
  } else await begin(JSON.parse(line) as Told)
}
await rm(dir, { recursive: true, force: true })
process.exit(0)

async function begin({ endpoints, hosts }: Told): Promise<void> {
  for (const { host, ports } of hosts) {
    const rundir = await mkdtemp(join(dir, 'h'))
    const store = await openEtcd({ endpoints })
    const sw = await startFakeSwitch(rundir, ports, () => {
      if (!quiet) say({ host, at: performance.timeOrigin + performance.now() })
    })
    switches.push(sw)
    const agent = new Agent({
      store,
      host,
      version: 'fleet',
      rundir,
      bridge: 'br-int',
      mode: 'own',
      uplinks: new Set(),
      isolate: false,
      log: {
        ...silent,
        info: (_, text) => {
          if (!quiet && text.startsWith('connected to')) say({ resynced: ++again })
        },
      },
    })
    void agent.run(new AbortController().signal)
    void agent.inSync.then(() => {
      say({ synced: ++synced })
      if (synced === hosts.length) quiet = false
      return undefined
    })
  }
}

function say(what: object): void {
  process.stdout.write(`${JSON.stringify(what)}\n`)
}
