// script/demo, after its setup: the lab, the story, and then the lab as it stands for whoever wants to look.

import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Portward, Switch } from '@portward/testkit'
import { run, startPortward, startSwitch } from '@portward/testkit'
import type { Cast } from './cast.ts'
import { Ledger, paint, print } from './ledger.ts'
import { tell } from './story.ts'

const USAGE = `usage: script/demo [--once] [--json FILE]
  --once       ends after the story, with 0 only if every step came out as expected
  --json FILE  writes each step as {step, expectation, outcome, ok, ms}
`
/** What a shell gives for a program that Ctrl-C ended. */
const INTERRUPTED = 130

type Options = { readonly once: boolean; readonly json: string | undefined }

async function main({ once: ends, json }: Options): Promise<number> {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => stop.abort())
  const interrupt = once(stop.signal, 'abort')
  const ledger = new Ledger(stop.signal)
  try {
    await using sw = await startSwitch({ datapath: 'auto' })
    print(`${paint('bold', 'Portward')} on ${await describe(sw)}`)
    const { rundir, bridge } = sw
    const starting = startPortward({ rundir, bridge, state: join(rundir, 'portward') })
    await using portward = await Promise.race([starting, interrupt.then(() => undefined)])
    if (portward === undefined) return INTERRUPTED
    const broken = portward.ended.then((code) => {
      const last = portward.said().trim().split('\n').slice(-3).join('\n')
      throw new Error(`portward up ended with ${code}:\n${last}`)
    })
    const story = tell({ sw, portward, ledger })
    await Promise.race([story, interrupt, broken])
    if (stop.signal.aborted) return INTERRUPTED
    print(`\n${verdict(ledger)}`)
    if (!ends) {
      showWay(sw, portward, await story)
      await Promise.race([interrupt, broken])
    }
    return ledger.ok ? 0 : 1
  } finally {
    if (json !== undefined) await writeFile(json, `${JSON.stringify(ledger.entries, null, 2)}\n`)
  }
}

function verdict({ entries }: Ledger): string {
  const good = entries.filter(({ ok }) => ok).length
  const text = `${good} of ${entries.length} steps came out as expected`
  return paint(good === entries.length ? 'green' : 'red', text)
}

async function describe(sw: Switch): Promise<string> {
  const { stdout } = await run(['ovs-vswitchd', '--version'])
  const [version] = stdout.split('\n')
  const datapath = sw.datapath === 'netdev' ? 'in userspace' : 'in the kernel'
  return `${version}, ${datapath}, in ${sw.rundir}`
}

function showWay(sw: Switch, { url }: Portward, { mallory }: Cast): void {
  const { portId, guest } = mallory
  const openstack = `openstack --os-auth-type none --os-endpoint ${url}`
  const neutron = `OS_AUTH_TYPE=none OS_ENDPOINT=${url} neutron`
  const portward = 'npm run -s portward --'
  const ways = [
    ['the API', `curl ${url}/v2.0/ports`],
    ['ports', `${openstack} port list`],
    ['switch off', `${openstack} port set --disable-port-security ${portId}`],
    ['and on', `${neutron} port-update ${portId} --port-security-enabled=true`],
    ['flows', `ovs-ofctl --names dump-flows unix:${join(sw.rundir, `${sw.bridge}.mgmt`)}`],
    ['in words', `${portward} flows ${portId} --api ${url}`],
    ['the host', `${portward} status --api ${url}`],
    ['be mallory', `nsenter --net=/proc/${guest.pid}/ns/net bash`],
  ]
  print(`\n${paint('bold', 'Look for yourself, until Ctrl-C; then all of it is gone')}`)
  for (const [label = '', command = ''] of ways) print(`  ${label.padEnd(11)} ${command}`)
}

function optionsOf(args: string[]): Options | undefined {
  try {
    const options = { once: { type: 'boolean' }, json: { type: 'string' } } as const
    const { once = false, json } = parseArgs({ args, options }).values
    return { once, json }
  } catch {
    return undefined
  }
}

const options = optionsOf(process.argv.slice(2))
if (options === undefined) {
  process.stderr.write(USAGE)
  process.exit(2)
}
try {
  process.exit(await main(options))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
