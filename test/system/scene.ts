// A scene: a few guests on a network of their own, and real programs run in them. The scenes of one lab share its bridge but
// no frame, as each is a VLAN of the bridge; so many can play side by side.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { linkLocalOf } from '@portward/addr'
import type { Daemon, Result } from '@portward/testkit'
import { startDaemon } from '@portward/testkit'
import type { GuestPort, Lab } from './lab.ts'
import { until } from './lab.ts'

/** A guest, and what it is known by. */
export type Station = GuestPort & {
  readonly mac: string
  readonly ip: string
  readonly ip6: string
  readonly linkLocal: string
}

export type Scene = {
  readonly network: string
  /** A guest whose port has an address of each family, unless `fields` say otherwise. */
  readonly station: (name: string, fields?: object) => Promise<Station>
}

/** As a text, it is split at blanks. */
export type Command = string | readonly string[]

export type Stage = {
  /** `trunks`: tags that its stations may use among each other. Without, the switch itself takes none from them. */
  readonly scene: (trunks?: readonly number[]) => Promise<Scene>
  /** Starts a program that stays, in a guest's network. */
  readonly serve: (station: Station, command: Command) => Promise<Daemon>
  /** Writes a file that lives as long as the lab; gives its path. */
  readonly file: (text: string, mode?: number) => Promise<string>
  /** A router of a prefix for autoconfiguration. It sends its first advertisement at once. */
  readonly radvd: (station: Station, prefix: string) => Promise<Daemon>
  readonly keepalived: (station: Station, conf: string) => Promise<Daemon>
  /** A DHCP server: `options` are dnsmasq's `--dhcp-…`. */
  readonly dnsmasq: (station: Station, options: string) => Promise<Daemon>
  /** Busybox's DHCP client; it ends with its first lease, or after ten seconds. */
  readonly udhcpc: (station: Station) => Promise<Result>
  /** ISC's DHCP client; it stays, as it renews its lease. */
  readonly dhclient: (station: Station, family: 4 | 6) => Promise<Daemon>
  /** OpenFlow ports at which the switch believes a MAC to be. */
  readonly portsOf: (mac: string) => Promise<readonly number[]>
  /** MACs that the switch believes to be at an OpenFlow port. */
  readonly macsAt: (ofport: number) => Promise<readonly string[]>
}

// Of each, a station has one of the first addresses. The rest is a test's to choose from.
const SUBNETS = [
  {
    ip_version: 4,
    cidr: '10.0.0.0/24',
    allocation_pools: [{ start: '10.0.0.2', end: '10.0.0.9' }],
  },
  { ip_version: 6, cidr: 'fd00::/64', allocation_pools: [{ start: 'fd00::2', end: 'fd00::9' }] },
]

export function openStage(lab: Lab): Stage {
  const { sw } = lab
  let scenes = 0
  let files = 0
  const path = (): string => join(sw.rundir, `file-${++files}`)
  const file: Stage['file'] = async (text, mode = 0o644) => {
    const at = path()
    await writeFile(at, text, { mode })
    return at
  }
  const serve: Stage['serve'] = ({ guest }, command) =>
    startDaemon(sw.enclosure, argvOf(command), { netOf: guest.pid })
  return {
    file,
    serve,
    async radvd(station, prefix) {
      const conf = await file(
        `interface eth0 {\n  AdvSendAdvert on;\n  prefix ${prefix} { };\n};\n`,
      )
      return await serve(station, `radvd --nodaemon -m stderr --config ${conf} --pidfile ${path()}`)
    },
    keepalived: (station, conf) =>
      serve(
        station,
        `keepalived --dont-fork --vrrp --log-console --use-file ${conf}
          --pid ${path()} --vrrp_pid ${path()}`,
      ),
    dnsmasq: (station, options) =>
      // No file of the machine, no DNS, and no seconds spent on finding out whether an address is in use.
      serve(
        station,
        `dnsmasq --conf-file=/dev/null --no-daemon --port=0 --no-ping --user=root
          --interface=eth0 --dhcp-leasefile=${path()} --log-facility=- ${options}`,
      ),
    async udhcpc(station) {
      const script = await file(UDHCPC_SCRIPT, 0o755)
      return await bounded(station, 12, `udhcpc -i eth0 -f -n -q -t 5 -T 2 -s ${script}`)
    },
    async dhclient(station, family) {
      const script = await file(DHCLIENT_SCRIPT, 0o755)
      const duid = family === 6 ? '-D LL' : ''
      const files = `-sf ${script} -lf ${path()} -pf ${path()} -cf /dev/null`
      return await serve(station, `dhclient -${family} -d ${duid} ${files} eth0`)
    },
    async scene(trunks) {
      const number = ++scenes
      const { id: network } = await lab.create('network', { name: `scene ${number}` })
      for (const subnet of SUBNETS) await lab.create('subnet', { network_id: network, ...subnet })
      const vlan = trunks === undefined ? `tag=${number}` : `trunks=0,${trunks.join(',')}`
      return {
        network,
        async station(name, fields = {}) {
          const device = `${name}${number}`
          const plugged = await lab.guest(device, network, fields)
          await sw.vsctl('set', 'Port', device, vlan)
          return stationOf(plugged)
        },
      }
    },
    portsOf: async (wanted) =>
      (await macTable(lab)).filter(({ mac }) => mac === wanted).map(({ ofport }) => ofport),
    macsAt: async (wanted) =>
      (await macTable(lab)).filter(({ ofport }) => ofport === wanted).map(({ mac }) => mac),
  }
}

/** What the switch has learnt: `ovs-appctl fdb/show`. */
async function macTable({ sw }: Lab): Promise<readonly { ofport: number; mac: string }[]> {
  const [, ...rows] = (await sw.appctl('fdb/show', sw.bridge)).trim().split('\n')
  return rows.map((row) => {
    const [ofport = '', , mac = ''] = row.trim().split(/ +/)
    return { ofport: Number(ofport), mac }
  })
}

function stationOf(plugged: GuestPort): Station {
  const addresses = plugged.port.fixed_ips.map(({ ip_address: ip }) => ip)
  const { mac } = plugged.guest
  return {
    ...plugged,
    mac,
    ip: addresses.find((ip) => !ip.includes(':')) ?? '',
    ip6: addresses.find((ip) => ip.includes(':')) ?? '',
    linkLocal: linkLocalOf(mac),
  }
}

// What a client does with a lease; Debian's own scripts would write the machine's resolv.conf.
const UDHCPC_SCRIPT = `#!/bin/sh
case $1 in bound | renew) ip address replace "$ip/$mask" dev "$interface" ;; esac
`
const DHCLIENT_SCRIPT = `#!/bin/sh
case $reason in
  BOUND | RENEW | REBIND) ip address replace "$new_ip_address/$new_subnet_mask" dev "$interface" ;;
  BOUND6 | RENEW6 | REBIND6) ip address replace "$new_ip6_address/128" dev "$interface" ;;
esac
`

/** Runs a tool that may not end by itself. */
export function bounded({ guest }: Station, seconds: number, command: Command): Promise<Result> {
  const killed = 128
  const inTime = ['timeout', '-s', 'KILL', String(seconds), ...argvOf(command)]
  return guest.run(inTime, { accept: [0, 1, killed] })
}

function argvOf(command: Command): readonly string[] {
  return typeof command === 'string' ? command.trim().split(/\s+/) : command
}

/** Shell commands in a guest; any that fails is an error. */
export function shell({ guest }: Station, script: string): Promise<Result> {
  return guest.run(['sh', '-ec', script])
}

/** What `ip -json` prints. */
export async function ipJson<Row>(station: Station, ...args: string[]): Promise<readonly Row[]> {
  const { stdout } = await station.guest.run(['ip', '-json', ...args], { accept: [0, 2] })
  return JSON.parse(stdout || '[]') as readonly Row[]
}

/** The MAC that a station has in its cache for an address. */
export async function neighbour({ guest }: Station, ip: string): Promise<string | undefined> {
  return (await guest.neighbours()).find(({ dst }) => dst === ip)?.lladdr
}

/** Its addresses of global scope, on any device, in order. */
export async function addresses(station: Station, family: 4 | 6): Promise<readonly string[]> {
  type Row = { readonly addr_info?: readonly { readonly local: string; readonly scope: string }[] }
  const rows = await ipJson<Row>(station, `-${family}`, 'address', 'show')
  return rows
    .flatMap(({ addr_info: all = [] }) => all)
    .filter(({ scope }) => scope === 'global')
    .map(({ local }) => local)
    .toSorted()
}

/** Waits until a ping is answered; `options` are those of ping(8). */
export async function reaches(from: Station, to: string, ...options: string[]): Promise<void> {
  await until(() => answers(from, to, ...options), `${from.guest.name} reaches ${to}`)
}

export async function answers(from: Station, to: string, ...options: string[]): Promise<boolean> {
  const argv = ['ping', '-q', '-n', '-c', '1', '-W', '1', ...options, to]
  return (await from.guest.run(argv, { accept: [0, 1, 2] })).code === 0
}

/** What duplicate address detection has made of an address, once it has. */
export async function decided(station: Station, ip: string): Promise<'free' | 'duplicate'> {
  type Address = { readonly local: string; readonly tentative?: true; readonly dadfailed?: true }
  let found: Address | undefined
  await until(async () => {
    type Row = { readonly addr_info: readonly Address[] }
    const rows = await ipJson<Row>(station, '-6', 'address', 'show', 'dev', 'eth0')
    found = rows.flatMap(({ addr_info: all }) => all).find(({ local }) => local === ip)
    return found !== undefined && (found.dadfailed === true || found.tentative !== true)
  }, `whether ${ip} is free`)
  return found?.dadfailed === true ? 'duplicate' : 'free'
}
