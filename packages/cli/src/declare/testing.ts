// Declarations at random, and a real server for them to be applied to. For tests only.

import * as fc from 'fast-check'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { localHost, openTestServer } from '../../../server/src/testing.ts'
import type { TestServer } from '../../../server/src/testing.ts'
import { openApi } from '../api.ts'
import type { Api } from '../api.ts'
import { apply } from './apply.ts'
import type { Wish } from './apply.ts'

/** What a run of apply said, and how it ended. */
export type Outcome = {
  readonly status: number | string
  readonly out: string
  readonly err: string
}

export type Bench = AsyncDisposable & {
  readonly server: TestServer
  readonly api: Api
  /** Files by their texts; a text that is no string is written as JSON. */
  apply(
    files: unknown,
    wish?: Partial<Omit<Wish, 'files'>>,
    /** What a person says to a question; undefined: nobody is there. */
    answer?: boolean,
    /** Happens before the first PUT. */
    meanwhile?: () => Promise<unknown>,
  ): Promise<Outcome>
}

/** Its host h1 is known, and its agent away: so nobody waits for it. */
export async function openBench(): Promise<Bench> {
  const server = await openTestServer({ local: localHost() })
  await server.agent('h1').see('eth0', { state: 'trunk' })
  const url = await server.app.listen({ port: 0, host: '127.0.0.1' })
  const directory = await mkdtemp(join(tmpdir(), 'portward-declare-'))
  const api = openApi(url)
  return {
    server,
    api,
    async apply(files, wish = {}, answer, meanwhile) {
      const paths = [files].flat().map((_, i) => join(directory, `ports${i === 0 ? '' : i}.yaml`))
      for (const [i, file] of [files].flat().entries()) {
        await writeFile(paths[i] ?? '', typeof file === 'string' ? file : JSON.stringify(file))
      }
      const said = { out: [] as string[], err: [] as string[] }
      const plain = (text: string): string => text.replaceAll(`${directory}/`, '')
      const terminal = {
        out: (text: string) => void said.out.push(plain(text)),
        err: (text: string) => void said.err.push(plain(text)),
        ask: answer === undefined ? undefined : () => Promise.resolve(answer),
      }
      const meddled = meanwhile === undefined ? api : before(api, meanwhile)
      const whole = { files: paths, dryRun: false, prune: false, yes: false, json: false, ...wish }
      const status = await apply(meddled, whole, terminal).catch((error: Error) =>
        plain(error.message),
      )
      return { status, out: said.out.join('\n'), err: said.err.join('\n') }
    },
    async [Symbol.asyncDispose]() {
      // A client may have opened more of them than it had requests, and a server waits a minute for those.
      server.app.server.closeAllConnections()
      await server[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** The same, with something happening before its first PUT. */
function before(api: Api, act: () => Promise<unknown>): Api {
  let acted: Promise<unknown> | undefined
  return {
    ...api,
    async put(path, body, revision) {
      await (acted ??= act())
      return await api.put(path, body, revision)
    },
  }
}

const MACS = [0, 1, 2, 3].map((n) => `fa:16:3e:00:00:0${n}`)
const PAIRS = [
  '10.9.0.1',
  '10.9.1.0/24',
  'fd09::/64',
  { ip_address: '10.9.0.1', mac_address: 'fa:16:3e:00:00:99' },
]
const CHECKS = [
  {},
  { arp: false },
  { vlan: [7, 3], 'dhcp-server': false },
  { ethertype: ['0x88cc'] },
]
const SUBNETS = {
  four: {
    name: 'four',
    cidr: '10.0.0.0/24',
    allocation_pools: [{ start: '10.0.0.100', end: '10.0.0.200' }],
  },
  bare: { cidr: '10.1.0.0/24' },
  six: { name: 'six', cidr: 'fd00::/64' },
} as const
const AUTO = { name: 'auto', cidr: 'fd01::/64', ipv6_ra_mode: 'slaac', ipv6_address_mode: 'slaac' }
/** Addresses that the server gives to nobody by itself. */
const IPS = {
  four: ['10.0.0.10', '10.0.0.11', '10.0.0.12', '10.0.0.13'],
  bare: [],
  six: ['fd00::f000:1', 'fd00::f000:2', 'fd00::f000:3'],
} as const

type Subnet = keyof typeof SUBNETS

const some = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(values, { nil: undefined })

const traits = fc.record({
  description: some(fc.string({ maxLength: 12 })),
  admin_state_up: some(fc.boolean()),
  port_security_enabled: some(fc.boolean()),
  'portward:checks': some(fc.constantFrom(...CHECKS)),
})

/** A port keeps the MAC it has where no file says another, so either all of them say theirs or none does. */
type Style = { readonly auto: boolean; readonly macs: boolean }

type PortDeclared = Readonly<Record<string, unknown>>
type Declared = {
  readonly networks: readonly { readonly name: string; readonly ports: readonly PortDeclared[] }[]
}

/** Two declarations for one server. In the second, as often as not, ports have what the first gave to others. */
export const two: fc.Arbitrary<readonly [Declared, Declared]> = fc
  .record({ auto: fc.boolean(), macs: fc.boolean() })
  .chain((style) => fc.tuple(declarations(style), declarations(style), fc.boolean()))
  .map(([first, second, turn]) => [first, turn ? turned(first) : second])

/** Each port of a network has what the next one had. */
function turned({ networks }: Declared): Declared {
  return {
    networks: networks.map((network) => ({
      ...network,
      ports: network.ports.map((one, i) => ({
        ...network.ports[(i + 1) % network.ports.length],
        name: one['name'],
      })),
    })),
  }
}

/** Networks `a` and `b` with few names, MACs and addresses, so that two declarations want each other's. */
function declarations({ auto, macs }: Style): fc.Arbitrary<Declared> {
  const interfaces = fc.shuffledSubarray(['t0', 't1', 't2', 't3', 't4'])
  const names = fc.subarray(['a', 'b'])
  return fc
    .tuple(names, network(auto, macs), network(auto, macs), interfaces)
    .map(([chosen, a, b, ifaces]) => {
      const left = [...ifaces]
      const whole = { a: { name: 'a', ...a }, b: { name: 'b', ...b } }
      return {
        networks: chosen.map((name) => ({
          ...whole[name as 'a' | 'b'],
          ports: whole[name as 'a' | 'b'].ports.map((port) => {
            const iface = left.pop()
            return { ...port, ...(iface !== undefined && { interface: iface }) }
          }),
        })),
      }
    })
}

function network(auto: boolean, macs: boolean) {
  const subnets = fc.subarray(['four', 'bare', 'six'] as const)
  return fc
    .tuple(traits, some(fc.integer({ min: 68, max: 9000 })), subnets)
    .chain(([its, mtu, present]) =>
      fc
        .tuple(
          ports(present, macs),
          some(fc.constantFrom(null, '10.0.0.1', '10.0.0.254')),
          fc.subarray(['10.0.0.1', 'fd00::1']),
        )
        .map(([members, gateway, dns]) => ({
          ...defined({ ...its, mtu }),
          subnets: [
            ...present.map((name) => ({
              ...SUBNETS[name],
              ...(name === 'four' && defined({ gateway_ip: gateway, dns_nameservers: dns })),
            })),
            ...(auto ? [AUTO] : []),
          ],
          ports: members,
        })),
    )
}

function ports(subnets: readonly Subnet[], withMacs: boolean) {
  const ips = fc.shuffledSubarray(subnets.flatMap((name) => IPS[name]))
  const macs = fc.shuffledSubarray(MACS, { minLength: MACS.length })
  const members = fc.array(
    fc.record({
      its: traits,
      count: fc.integer({ min: 0, max: 2 }),
      any: fc.boolean(),
      pairs: fc.subarray(PAIRS),
    }),
    { maxLength: 4 },
  )
  return fc
    .tuple(fc.shuffledSubarray(['p', 'q', 'r', 's']), members, ips, macs)
    .map(([names, rows, free, freeMacs]) =>
      names.flatMap((name, i) => {
        const row = rows[i]
        if (row === undefined) return []
        const mac = withMacs ? freeMacs.pop() : undefined
        const given = free.splice(0, row.count)
        const any = row.any && subnets.includes('four') ? [{ subnet: 'four' }] : []
        const open = row.its.port_security_enabled !== true
        return [
          {
            name,
            ...defined({ ...row.its, mac_address: mac }),
            fixed_ips: [...given, ...any],
            ...(open ? {} : { allowed_address_pairs: row.pairs }),
          },
        ]
      }),
    )
}

function defined(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
}
