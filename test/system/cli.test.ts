// The commands as an operator types them, against `portward up` beside a real switch: what they print, as text and as JSON,
// and the status they end with.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Guest, Result } from '@portward/testkit'
import { MAIN, run } from '@portward/testkit'
import type { Lab, PortBody } from './lab.ts'
import { makeNetwork, openLab, pings, until } from './lab.ts'

type Command = (...args: readonly string[]) => Promise<Result>

/** `portward ARGS`, told by its environment where the API is. Whatever it prints is fit for people. */
function commandOf(lab: Lab): Command {
  return (...args) => portward(args, { PORTWARD_API: lab.portward().url })
}

async function portward(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Result> {
  const result = await run([process.execPath, MAIN, ...args], {
    env,
    accept: [0, 1, 2],
    signal: AbortSignal.timeout(30_000),
  })
  const said = result.stdout + result.stderr
  assert.doesNotMatch(said, /undefined|\[object|NaN|^ +at .*:\d+/m, args.join(' '))
  if (result.code === 0) assert.equal(result.stderr, '', args.join(' '))
  else assert.equal(result.stdout, '', args.join(' '))
  return result
}

/** The same with --json, parsed. */
async function jsonOf<T>(command: Command, ...args: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await command(...args, '--json')
  assert.equal(code, 0, stderr)
  return JSON.parse(stdout) as T
}

/** Each column's cells, by its heading; throws unless all begin under it. */
function columnsOf(text: string): ReadonlyMap<string, readonly string[]> {
  const [head = '', ...rows] = text.split('\n')
  const starts = [...head.matchAll(/\S+/g)].map(({ index }) => index)
  return new Map(
    starts.map((start, i) => [
      head.slice(start, starts[i + 1]).trim(),
      rows.map((row) => {
        assert.match(row.slice(Math.max(0, start - 2), start), /^ *$/, `not aligned:\n${text}`)
        return row.slice(start, starts[i + 1]).trim()
      }),
    ]),
  )
}

/** Guests on the bridge that no cloud has declared. */
async function plug(lab: Lab, names: readonly string[]): Promise<readonly Guest[]> {
  const guests: Guest[] = []
  for (const [i, name] of names.entries()) {
    const mac = `fa:16:3e:00:0c:0${i}`
    guests.push(await lab.sw.addGuest({ name, mac, ips: [`10.0.0.1${i}/24`] }))
  }
  return guests
}

void test('protect, and the guest behind the interface speaks as itself alone; unprotect, and it is silent; protect again', async () => {
  await using lab = await openLab()
  await lab.start()
  const command = commandOf(lab)
  const [carol] = await plug(lab, ['carol', 'dave'])
  assert.ok(carol)
  assert.equal((await command('protect', 'dave', '--ip', '10.0.0.11', '--ip', 'fd00::11')).code, 0)
  assert.equal(await pings(carol, '10.0.0.11'), false)

  const first = await command('protect', 'carol', '--ip', '10.0.0.10')
  assert.match(
    first.stdout,
    /^carol may speak as fa:16:3e:00:0c:00 with 10\.0\.0\.10, .*: \d+ flows stand\.\n/,
  )
  // Her kernel may just be giving up to find the other, and with that drop what it was to send.
  await until(() => pings(carol, '10.0.0.11'), 'carol is heard and answered')
  assert.deepEqual(await command('protect', 'carol', '--ip', '10.0.0.10'), first)

  const taken = await command('protect', 'carol', '--ip', '10.0.0.11')
  assert.equal(taken.code, 1)
  assert.match(
    taken.stderr,
    /^portward: ips: 10\.0\.0\.11 is already that of interface dave on host /,
  )
  assert.equal(await pings(carol, '10.0.0.11'), true)
  assert.equal((await command('protect', 'carol', '--ip', '10.0.0.99')).code, 0)
  assert.equal(await pings(carol, '10.0.0.11'), false)

  const gone = await command('unprotect', 'carol')
  assert.match(gone.stdout, /^carol is no port any more: the flows of \S+ are gone\.\n/)
  assert.equal(await pings(carol, '10.0.0.11'), false)
  const again = await command('unprotect', 'carol')
  assert.equal(again.code, 1)
  assert.match(again.stderr, /not protected, so there is nothing to undo\. Those that are: dave/)
  const args = ['protect', 'carol', '--ip', '10.0.0.10', '--mac', 'FA-16-3E-00-0C-00'] as const
  const made = await jsonOf<{ iface: string; applied: boolean }>(command, ...args)
  assert.deepEqual([made.iface, made.applied], ['carol', true])
  await until(() => pings(carol, '10.0.0.11'), 'carol is heard and answered again')
})

void test('protect on a shared bridge leaves everybody else alone', async () => {
  await using lab = await openLab({ failMode: 'standalone' })
  await lab.start()
  const command = commandOf(lab)
  const [carol, dave] = await plug(lab, ['carol', 'dave'])
  assert.ok(carol && dave)
  assert.equal((await command('protect', 'carol', '--ip', '10.0.0.99')).code, 0)
  assert.equal(await pings(dave, '10.0.0.10'), false) // carol may not answer for it
  assert.equal((await command('unprotect', 'carol')).code, 0)
  // Dave's kernel may just be giving up to find her, and with that drop what it was to answer.
  await until(() => pings(carol, '10.0.0.11'), 'carol is heard and answered')
  const status = await command('status')
  assert.match(status.stdout, /br-int is shared: interfaces that nobody declared are not judged/)
})

void test('what protect cannot do: a sentence that says why and what to do, and nothing is made', async () => {
  await using lab = await openLab()
  await lab.start('--uplink', 'eth7')
  const command = commandOf(lab)
  await lab.sw.addPorts([{ name: 'tap0' }, { name: 'eth7' }])
  const port = await lab.create<PortBody>('port', { network_id: await makeNetwork(lab) })
  await lab.sw.addPorts([{ name: 'tap1', ifaceId: port.id }])
  for (const [args, sentence] of [
    [['nosuch', '--ip', '10.0.0.9'], /No interface "nosuch".*tap0/],
    [['tap0', '--ip', '10.0.0.9'], /MAC address of the guest behind tap0: .*--mac/],
    [['tap0', '--ip', '10.0.0.9', '--mac', 'x'], /mac: wanted a MAC address such as .*got "x"/],
    [['tap0', '--ip', '10.0.0.9/24'], /ips: wanted a list of IP addresses.*10\.0\.0\.9\/24/],
    [['tap0', '--ip', '10.0.0.9', '--host', 'h9'], /"h9"\. Hosts that are known: /],
    [['tap1', '--ip', '10.0.0.9'], new RegExp(`tap1 is port ${port.id}`)],
    [['eth7', '--ip', '10.0.0.9'], /eth7 is an uplink/],
  ] as const) {
    const { code, stderr } = await command('protect', ...args)
    assert.equal(code, 1, stderr)
    assert.match(stderr, sentence)
    assert.match(stderr, /^portward: .*\n$/)
  }
  const ports = await jsonOf<readonly { id: string }[]>(command, 'port', 'list')
  assert.deepEqual(
    ports.map(({ id }) => id),
    [port.id],
  )
})

void test('status, port list, port show: what there is, in columns and in JSON', async () => {
  await using lab = await openLab()
  await lab.start('--host', 'h1')
  const command = commandOf(lab)
  assert.match((await command('port', 'list')).stdout, /^No port is declared: make one with /)
  const network = await makeNetwork(lab)
  const { port: alice } = await lab.guest('alice', network, {})
  const twin = await lab.create<PortBody>('port', { network_id: network, name: 'twin' })
  await lab.create('port', { network_id: network, name: 'twin', port_security_enabled: false })
  await lab.create('port', { network_id: network, name: '漢字\u001b[2J' })
  await lab.sw.addPorts([{ name: 'tap9' }])

  const list = columnsOf(
    (await command('port', 'list')).stdout.trimEnd().replaceAll(/漢字/g, 'kanj'),
  )
  assert.deepEqual(list.get('NAME'), ['alice', 'twin', 'twin', String.raw`kanj\u{1b}[2J`])
  assert.deepEqual(list.get('STATUS'), ['ACTIVE', 'DOWN', 'DOWN', 'DOWN'])
  assert.deepEqual(list.get('SECURITY')?.toSorted(), ['off', 'on', 'on', 'on'])
  const ports = await jsonOf<readonly PortBody[]>(command, 'port', 'list')
  assert.equal(ports.find(({ id }) => id === alice.id)?.status, 'ACTIVE')

  const byName = await command('port', 'show', 'alice')
  assert.deepEqual(await command('port', 'show', alice.id), byName)
  assert.match(byName.stdout, /^interface  alice \(OpenFlow port \d+\)$/m)
  assert.match(byName.stdout, /^flows {6}\d+, acknowledged by the switch$/m)
  assert.match(byName.stdout, new RegExp(`^may claim  ${alice.mac_address} 10\\.0\\.0\\.`, 'm'))
  const idle = await command('port', 'show', twin.id)
  assert.match(idle.stdout, /^state {6}unbound: no host has an interface with iface-id /m)
  assert.match(idle.stdout, /^interface  none$/m)
  const two = await command('port', 'show', 'twin')
  assert.equal(two.code, 1)
  assert.match(two.stderr, /2 ports have the name twin; name one by its id: .*, /)
  const none = await command('port', 'show', 'nosuch')
  assert.match(none.stderr, /^portward: no port has the id or name 'nosuch': `portward port list`/)

  const [summary = '', hosts = '', silent = ''] = (await command('status')).stdout
    .trim()
    .split('\n\n')
  assert.match(summary, /^portward \S+: 1 of 4 ports active \(/)
  assert.deepEqual(columnsOf(hosts).get('STATE'), ['in-sync'])
  assert.deepEqual(columnsOf(silent).get('SILENT'), ['tap9'])
  type Status = { ports: { active: number }; hosts: readonly { host: string; state: string }[] }
  const status = await jsonOf<Status>(command, 'status')
  assert.deepEqual([status.ports.active, status.hosts[0]?.host], [1, 'h1'])
})

void test('flows: whose, by which rule, how many frames; and while the switch is away, that it is', async () => {
  await using lab = await openLab()
  await lab.start()
  const command = commandOf(lab)
  const network = await makeNetwork(lab)
  const { guest, ofport } = await lab.guest('alice', network, {
    fixed_ips: [{ ip_address: '10.0.0.10' }],
    mac_address: 'fa:16:3e:00:0c:00',
  })
  await lab.create('port', { network_id: network, name: 'idle' })
  await pings(guest, '10.0.0.99')

  const { stdout } = await command('flows', 'alice')
  const lines = stdout.trimEnd().split('\n')
  assert.ok(
    lines.every((line, i) => (i % 2 === 0 ? /^table \d+ \[alice\] / : /^ {4}cookie=/).test(line)),
  )
  const claim = `ARP as 10.0.0.10 from fa:16:3e:00:0c:00 on port ${ofport}: on to table 25 (mac)`
  const rule = '(rule 3: ARP claims a binding of the port)'
  assert.match(lines.find((line) => line.includes(claim)) ?? '', /, [1-9]\d* frames?$/)
  assert.ok(stdout.includes(`${claim} ${rule}`))
  assert.match(
    (await command('flows')).stdout,
    /^table 0 frames of every other interface: dropped, /m,
  )
  assert.match((await command('flows', 'idle')).stdout, /^No flow: /)
  const rows = await jsonOf<readonly { text: string }[]>(command, 'flows', 'alice')
  assert.equal(rows.length * 2, lines.length)

  const api = { PORTWARD_API: lab.portward().url }
  const cut = ['sh', '-c', '"$0" "$1" flows | true', process.execPath, MAIN]
  assert.equal((await run(cut, { env: api })).stderr, '')

  await lab.sw.killVswitchd()
  const away = await command('flows')
  assert.equal(away.code, 1)
  assert.match(away.stderr, /^portward: The switch of host .* does not tell its flows \(.*\)/)
})

void test('asked wrongly ends with 2 and says what is right; nobody there ends with 1', async () => {
  for (const [args, sentence] of [
    [[], /^Usage: portward /],
    [['statsu'], /^portward: unknown command 'statsu'\n\(Did you mean status\?\)/],
    [['status', '--jsn'], /^portward: unknown option '--jsn'\n\(Did you mean --json\?\)/],
    [['status', 'extra'], /^portward: too many arguments for 'status'/],
    [['port'], /^Usage: portward port /],
    [['port', 'show'], /^portward: missing required argument 'PORT'/],
    [['protect', 'tap0'], /^portward: required option '--ip <ADDRESS>'/],
    [['protect', 'tap0', '--ip', ''], /^portward: option '--ip <ADDRESS>' argument '' is invalid/],
    [['status', '--api', 'localhost:9696'], /^portward: --api, .* is no URL/],
    [
      ['up', '--bridge-mode', 'mine'],
      /^portward: --bridge-mode is "mine"; wanted auto or own or shared/,
    ],
    [
      ['up', '--listen', '0.0.0.0:9696'],
      /^portward: cannot listen on '0\.0\.0\.0:9696': .*portward token create/,
    ],
    [['up', '--config', '/nosuch.toml'], /^portward: \/nosuch\.toml: /],
    [['server', '--store', 'sqlite:x'], /^portward: server: .*`portward up`/],
    [['agent', '--store', 'sqlite:x'], /^portward: agent: .*`portward up`/],
    [['agent', '--store', 'etcd:x'], /^portward: store is 'etcd:x'; wanted sqlite:FILE, or etcd:/],
  ] as const) {
    const { code, stderr } = await portward(args)
    assert.equal(code, 2, args.join(' '))
    assert.match(stderr, sentence)
  }
  const api = ['--api', 'http://127.0.0.1:9'] // discard: nobody listens there
  const nobody = await portward(['port', 'list', ...api])
  assert.equal(nobody.code, 1)
  assert.match(
    nobody.stderr,
    /^portward: no answer from http:\/\/127\.0\.0\.1:9: .*Is `portward up` running\?/,
  )
  for (const args of [['--help'], ['help', 'up'], ['protect', '--help'], ['--version']]) {
    assert.equal((await portward(args)).code, 0)
  }
})

void test('a state directory where none can be made is refused, not tried for ever', async () => {
  const { code, stderr } = await portward([
    'up',
    '--state',
    '/proc/portward',
    '--listen',
    '127.0.0.1:0',
  ])
  assert.equal(code, 1)
  assert.match(stderr, /^portward: \/proc\/portward\/portward\.db: cannot be opened for writing: /)
})

void test('up takes from its configuration file what no flag says', async () => {
  await using lab = await openLab()
  const config = join(lab.sw.rundir, 'portward.toml')
  await writeFile(config, 'uplinks = ["eth7"]\nhost = "h1"\nbridge = "br-none"\n')
  await lab.sw.addPorts([{ name: 'eth7' }])
  await lab.start('--config', config)
  const { hosts } = await jsonOf<{ hosts: readonly { host: string; bridge: string }[] }>(
    commandOf(lab),
    'status',
  )
  assert.deepEqual([hosts[0]?.host, hosts[0]?.bridge], ['h1', 'br-int'])
  const ofport = (await lab.sw.ofports()).get('eth7')
  assert.ok((await lab.flows()).some((line) => line.includes(`priority=8,in_port=${ofport} `)))
})
