// How fast the API is, beside a real Neutron (neutron-server.ts) in the same run on the same machine: the same requests from the same
// client, in rounds that alternate between the two. Of each measure the best round counts: what disturbs a round only slows it.

import { PORTS, openNeutron, openPortward, portsOf } from './api-site.ts'
import type { Counts, Declared, Port, Site } from './api-site.ts'
import type { Limit, Result } from './figures.ts'
import { progress } from './lab.ts'
import type { Pace, Request } from './load.ts'
import { neutronMissing } from './neutron-server.ts'
import { at, create, filtered, portOn, remove, show, times, update } from './requests.ts'

const ROUNDS = 3
const CONNECTIONS = [1, 8]
const LIMIT_TIMES = 50
const LIMIT_MS = 5

type Measure = {
  readonly name: string
  readonly count: Exclude<keyof Counts, 'seconds'>
  /** So many requests; `scratch` are the ports on the other network. */
  readonly requests: (given: {
    readonly n: number
    readonly round: string
    readonly declared: Declared
    readonly scratch: readonly Port[]
  }) => readonly Request[]
  readonly slow?: true
}

const measures: readonly Measure[] = [
  {
    name: 'create',
    count: 'write',
    requests: ({ n, declared: { scratch } }) => times(n, () => create(portOn(scratch))),
  },
  {
    name: 'show',
    count: 'read',
    requests: ({ n, declared }) => times(n, (i) => show(at(declared.ports, i))),
  },
  {
    name: `list of ${PORTS}`,
    count: 'whole',
    slow: true,
    requests: ({ n, declared }) => times(n, () => filtered({ network_id: declared.network })),
  },
  {
    name: 'list by mac_address',
    count: 'read',
    requests: ({ n, declared }) =>
      times(n, (i) => filtered({ mac_address: at(declared.ports, i).mac_address })),
  },
  {
    name: 'list by fixed_ips',
    count: 'read',
    requests: ({ n, declared }) =>
      times(n, (i) => {
        const [first] = at(declared.ports, i).fixed_ips
        return filtered({ fixed_ips: `ip_address=${first?.ip_address}` })
      }),
  },
  {
    name: 'update name',
    count: 'write',
    requests: ({ n, round, declared }) =>
      times(n, (i) => update(at(declared.ports, i), { name: `${round}-${i}` })),
  },
  {
    // Every port off, and then every one on again.
    name: 'toggle port_security_enabled',
    count: 'write',
    requests: ({ n, declared }) =>
      times(n, (i) =>
        update(at(declared.ports, i % (n / 2)), { port_security_enabled: i >= n / 2 }),
      ),
  },
  {
    name: 'delete',
    count: 'write',
    requests: ({ n, scratch }) => scratch.slice(0, n).map(remove),
  },
]

export async function api(): Promise<Result> {
  const why = await neutronMissing()
  await using portward = await openPortward()
  await using neutron = why === undefined ? await openNeutron() : undefined
  const sites = neutron === undefined ? [portward] : [portward, neutron]
  const best = new Map(sites.map((site) => [site, new Map<string, Pace>()]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const connections of CONNECTIONS) {
      for (const measure of measures) {
        for (const [site, paces] of best) {
          progress(`round ${round + 1} of ${ROUNDS}: ${measure.name}, ${connections} at once`)
          const pace = await paceOf(site, measure, connections, round)
          const key = keyOf(measure, connections)
          if (pace.perSecond > (paces.get(key)?.perSecond ?? 0)) paces.set(key, pace)
        }
      }
    }
  }
  const ours = best.get(portward)
  const theirs = neutron && best.get(neutron)
  const notes = [
    `memory of Portward: ${(await portward.memory()).toFixed(0)} MB (PSS)`,
    neutron === undefined
      ? `Neutron: not measured: ${why}`
      : `memory of neutron-server, its agent, MariaDB and RabbitMQ: ${(await neutron.memory()).toFixed(0)} MB (PSS)`,
  ]
  const pairs = measures.flatMap((measure) =>
    CONNECTIONS.map((connections) => {
      const key = keyOf(measure, connections)
      return { measure, connections, ours: ours?.get(key), theirs: theirs?.get(key) }
    }),
  )
  return {
    bench: `api: best of ${ROUNDS} rounds, ports of one network ${PORTS}; a second, and ms`,
    rows: pairs.map(({ measure, connections, ours, theirs }) => ({
      request: measure.name,
      'at once': connections,
      'Portward, 1/s': figure(ours?.perSecond),
      p50: figure(ours?.p50),
      p99: figure(ours?.p99),
      'Neutron, 1/s': figure(theirs?.perSecond),
      'its p50': figure(theirs?.p50),
      'its p99': figure(theirs?.p99),
      times: figure((ours?.perSecond ?? Number.NaN) / (theirs?.perSecond ?? Number.NaN)),
    })),
    notes,
    limits: pairs.flatMap((pair) => limitsOf(pair)),
  }
}

type Pair = {
  readonly measure: Measure
  readonly connections: number
  readonly ours: Pace | undefined
  readonly theirs: Pace | undefined
}

function limitsOf({ measure, connections, ours, theirs }: Pair): readonly Limit[] {
  const limits: Limit[] = []
  const { perSecond = 0, p50 = Infinity } = ours ?? {}
  const what = keyOf(measure, connections)
  if (theirs !== undefined) {
    const ratio = perSecond / theirs.perSecond
    limits.push({
      what: `${what}: ${ratio.toFixed(0)} times as many a second as Neutron`,
      limit: `${LIMIT_TIMES} times`,
      holds: ratio >= LIMIT_TIMES,
    })
  }
  if (measure.slow !== true) {
    limits.push({
      what: `${what}: median ${p50.toFixed(2)} ms`,
      limit: `${LIMIT_MS} ms`,
      holds: p50 <= LIMIT_MS,
    })
  }
  return limits
}

async function paceOf(
  { load, counts, declared }: Site,
  { name, count, requests }: Measure,
  connections: number,
  round: number,
): Promise<Pace> {
  const scratch = name === 'delete' ? await portsOf(load, declared.scratch) : []
  const given = { n: counts[count], round: `${connections}-${round}`, declared, scratch }
  return await load.run({ requests: requests(given), connections, seconds: counts.seconds })
}

function keyOf({ name }: Measure, connections: number): string {
  return `${name}, ${connections} at once`
}

/** As many digits as can be told from run to run. */
function figure(value = Number.NaN): number | string {
  return Number.isNaN(value) ? '-' : Number(value.toPrecision(3))
}
