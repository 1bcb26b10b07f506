// What the number of ports does to the API: the same requests to servers with a thousand ports, ten and a hundred thousand, in rounds
// that alternate between them. Their switches are empty. Of each measure the best round counts: what disturbs a round only slows it.

import type { Portward } from '@portward/testkit'
import type { Result } from './figures.ts'
import { openLab, progress } from './lab.ts'
import type { Lab } from './lab.ts'
import type { Load, Request } from './load.ts'
import { startLoad } from './load.ts'
import { memoryOf, residentMb } from './memory.ts'
import { at, create, filtered, makeNetwork, portOn, show, times, update } from './requests.ts'

const SIZES = [1000, 10_000, 100_000]
const ROUNDS = 8
const READS = 1000
const WRITES = 50
const ROUND_SECONDS = 10
/** Each on a /16 of its own, so that no address is there twice. */
const PORTS_PER_NETWORK = 1000
const PORTS_PER_REQUEST = 500
const PAGE = 50
const LIMIT_RATIO = 1.5

type Port = {
  readonly id: string
  readonly name: string
  readonly network_id: string
  readonly device_id: string
  readonly mac_address: string
  readonly fixed_ips: readonly { readonly ip_address: string }[]
}

type Measure = {
  readonly name: string
  readonly count: number
  /** Found by a key: must not take longer where there are more ports. */
  readonly keyed?: true
  readonly request: (port: Port, i: number, round: number) => Request
}

const by = (name: string, queryOf: (port: Port) => Readonly<Record<string, string>>): Measure => ({
  name: `list by ${name}`,
  count: READS,
  keyed: true,
  request: (port) => filtered({ ...queryOf(port), limit: PAGE }),
})

const measures: readonly Measure[] = [
  { name: 'show', count: READS, keyed: true, request: show },
  by('mac_address', ({ mac_address }) => ({ mac_address })),
  by('fixed_ips', ({ fixed_ips }) => ({ fixed_ips: `ip_address=${fixed_ips[0]?.ip_address}` })),
  by('name', ({ name }) => ({ name })),
  by('device_id', ({ device_id }) => ({ device_id })),
  by('network_id', ({ network_id }) => ({ network_id })),
  { name: 'create', count: WRITES, request: ({ network_id }) => create(portOn(network_id)) },
  {
    name: 'update name',
    count: WRITES,
    request: (port, i, round) => update(port, { name: `${round}-${i}` }),
  },
  {
    name: 'toggle port_security_enabled',
    count: WRITES,
    request: (port, _, round) => update(port, { port_security_enabled: round % 2 === 1 }),
  },
]

type Site = AsyncDisposable & {
  readonly load: Load
  readonly ports: readonly Port[]
  /** From the start of the process until it answers. */
  readonly startMs: number
  readonly memory: () => Promise<{ readonly pss: number; readonly rss: number }>
}

export async function growth(): Promise<Result> {
  await using stack = new AsyncDisposableStack()
  const sites: Site[] = []
  for (const size of SIZES) sites.push(stack.use(await openSite(size)))
  const before = await Promise.all(sites.map(({ memory }) => memory()))

  const medians = measures.map(() => sites.map(() => Infinity))
  for (let round = 0; round < ROUNDS; round++) {
    for (const [m, { name, count, request }] of measures.entries()) {
      for (const [s, { load, ports }] of sites.entries()) {
        progress(`round ${round + 1} of ${ROUNDS}: ${name}, ${SIZES[s]} ports`)
        // Far apart, so that no two lie together by chance.
        const step = Math.floor(ports.length / count)
        const requests = times(count, (i) => request(at(ports, i * step), i, round))
        const { p50 } = await load.run({ requests, connections: 1, seconds: ROUND_SECONDS })
        const row = at(medians, m)
        row[s] = Math.min(row[s] ?? Infinity, p50)
      }
    }
  }
  const after = await Promise.all(sites.map(({ memory }) => memory()))
  const row = (what: string, values: readonly number[]) => ({
    what,
    ...Object.fromEntries(SIZES.map((size, i) => [`${size} ports`, values[i] ?? '-'])),
    'last, of first': ratioOf(values),
  })
  return {
    bench: `growth: medians of the best of ${ROUNDS} rounds, one request after another`,
    rows: [
      row(
        'start until it answers, s',
        sites.map(({ startMs }) => startMs / 1000),
      ),
      ...measures.map(({ name }, m) => row(`${name}, ms`, at(medians, m))),
      row(
        'memory after the start, MB (PSS)',
        before.map(({ pss }) => pss),
      ),
      row(
        'memory after all of this, MB (PSS)',
        after.map(({ pss }) => pss),
      ),
      row(
        'the same, MB (RSS)',
        after.map(({ rss }) => rss),
      ),
    ],
    limits: measures.flatMap(({ name, keyed }, m) => {
      if (keyed !== true) return []
      const ratio = ratioOf(at(medians, m))
      const what = `${name}: with ${SIZES.at(-1)} ports ${ratio.toFixed(2)} times as long as with ${SIZES[0]}`
      return [{ what, limit: `${LIMIT_RATIO} times`, holds: ratio <= LIMIT_RATIO }]
    }),
  }
}

function ratioOf(values: readonly number[]): number {
  return (values.at(-1) ?? Number.NaN) / (values[0] ?? Number.NaN)
}

/** Declares so many ports, and starts the server anew: it then holds what it read from the disk, and nothing else. */
async function openSite(size: number): Promise<Site> {
  await using stack = new AsyncDisposableStack()
  const lab = stack.use(await openLab())
  const ports = await fill(lab, size)
  const begun = performance.now()
  const portward = stack.use(await lab.start())
  const startMs = performance.now() - begun
  const load = await loadOn(lab, portward)
  const kept = stack.move()
  return {
    load,
    ports,
    startMs,
    async memory() {
      return { pss: await memoryOf([portward.pid]), rss: await residentMb(portward.pid) }
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

async function fill(lab: Lab, size: number): Promise<readonly Port[]> {
  await using portward = await lab.start()
  await using load = await loadOn(lab, portward)
  const ports: Port[] = []
  let network = ''
  while (ports.length < size) {
    progress(`declared ${ports.length} of ${size} ports`)
    const first = ports.length
    if (first % PORTS_PER_NETWORK === 0)
      network = await makeNetwork(load, first / PORTS_PER_NETWORK)
    const bodies = times(PORTS_PER_REQUEST, (i) => ({
      ...portOn(network),
      name: `port-${first + i}`,
      device_id: `device-${first + i}`,
    }))
    type Made = { readonly ports: readonly Port[] }
    ports.push(...(await load.ask<Made>('POST', '/v2.0/ports', { ports: bodies })).ports)
  }
  await portward.stop('SIGTERM')
  return ports
}

function loadOn({ sw }: Lab, { url }: Portward): Promise<Load> {
  const port = Number(new URL(url).port)
  return startLoad({ enclosure: sw.enclosure, port, netOf: process.pid })
}
