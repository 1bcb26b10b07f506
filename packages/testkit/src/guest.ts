// A guest: a network namespace with one device, eth0, whose other end hangs on the bridge.
//
//   ┌ enclosure ─────────────────────┐    ┌ guest ────────────┐
//   │ ovs-vswitchd ── br-int ── NAME ├────┤ eth0  mac, ips    │     a veth pair
//   └────────────────────────────────┘    └───────────────────┘
//
// The namespace has no name in the file system: it is held by one process in the enclosure, and goes with it.

import type { Mac } from '@portward/addr'
import { parseMac } from '@portward/addr'
import { readlink } from 'node:fs/promises'
import type { Daemon } from './daemon.ts'
import { startDaemon } from './daemon.ts'
import type { Enclosure } from './enclosure.ts'
import type { GuestWire } from './guest-wire.ts'
import { openWire } from './guest-wire.ts'
import type { PortOptions } from './ports.ts'
import { externalIds } from './ports.ts'
import type { Result, RunOptions } from './run.ts'
import { run } from './run.ts'

export type GuestOptions = PortOptions & {
  /** Of the guest and of its device on the bridge; at most 15 bytes, as device names are. */
  readonly name: string
  readonly mac: string
  /** With their prefix length, e.g. `10.0.0.1/24`, `fd00::1/64`. */
  readonly ips: readonly string[]
  /** Duplicate address detection for IPv6 (RFC 4862, 5.4), a second or more. Default false: addresses work at once. */
  readonly dad?: boolean
}

/** A row of `ip neigh`. */
export type Neighbour = {
  readonly dst: string
  /** Absent while it is not known. */
  readonly lladdr?: string
  readonly state: readonly string[]
}

export type Guest = {
  readonly name: string
  readonly mac: Mac
  /** A process in its network namespace, by its number outside: `nsenter --net=/proc/PID/ns/net`. */
  readonly pid: number
  /** Runs a command in the guest's network. */
  readonly run: (argv: readonly string[], options?: RunOptions) => Promise<Result>
  /** OpenFlow port on the bridge. */
  readonly ofport: () => Promise<number>
  /** Its neighbour cache, ARP and ND. */
  readonly neighbours: () => Promise<readonly Neighbour[]>
  /** Its device, raw. One a guest: the same at every call. */
  readonly wire: () => Promise<GuestWire>
  /** Unplugs it and ends it. */
  readonly remove: () => Promise<void>
}

/** What a guest needs of the switch it is plugged into. */
export type Socket = {
  readonly enclosure: Enclosure
  readonly bridge: string
  readonly vsctl: (...args: readonly string[]) => Promise<string>
}

const DEVICE = 'eth0'

/** Answers when the switch has the port and the guest its addresses. */
export async function addGuest(socket: Socket, options: GuestOptions): Promise<Guest> {
  const { enclosure, bridge, vsctl } = socket
  const { name, ips, dad = false } = options
  const mac = parseMac(options.mac)
  const holder = await startDaemon(enclosure, ['unshare', '--net', 'sleep', 'infinity'])
  await apart(holder, enclosure)

  const inside = (argv: readonly string[], more?: RunOptions): Promise<Result> =>
    run(enclosure.inside(argv, holder.pid), more)
  const inGuest = `/proc/${holder.pid}/ns/net`
  // The switch's end is no station: without an address of its own it says nothing.
  await enclosure.run(['ip', '-batch', '-'], {
    input: `link add ${name} type veth peer name ${DEVICE} address ${mac} netns ${inGuest}
link set ${name} addrgenmode none
link set ${name} up
`,
  })
  await inside(['sh', '-ec', SETUP, 'sh', DEVICE, dad ? '1' : '0', ...ips])
  const ids = externalIds(options).map(([key, value]) => `external_ids:${key}=${value}`)
  await vsctl('add-port', bridge, name, '--', 'set', 'Interface', name, ...ids)

  let wire: Promise<GuestWire> | undefined
  return {
    name,
    mac,
    pid: holder.pid,
    run: inside,
    async ofport() {
      return Number(await vsctl('get', 'Interface', name, 'ofport'))
    },
    async neighbours() {
      const { stdout } = await inside(['ip', '-json', 'neigh', 'show', 'dev', DEVICE])
      const rows: readonly Neighbour[] = JSON.parse(stdout || '[]')
      return rows
    },
    wire: () => (wire ??= openWire(enclosure, holder.pid, DEVICE)),
    async remove() {
      await vsctl('del-port', bridge, name)
      await (await wire)?.[Symbol.asyncDispose]()
      await enclosure.run(['ip', 'link', 'del', name])
      await holder.stop('SIGKILL')
    },
  }
}

// A userspace switch sees the frame as the guest's kernel leaves it, so the kernel may leave no checksum to the device.
const SETUP = `
DEVICE=$1 DAD=$2
shift 2
ethtool -K "$DEVICE" tx off >/dev/null
echo "$DAD" >/proc/sys/net/ipv6/conf/"$DEVICE"/accept_dad
echo "$DAD" >/proc/sys/net/ipv6/conf/"$DEVICE"/dad_transmits
ip link set lo up
ip link set "$DEVICE" up
for IP; do ip addr add "$IP" dev "$DEVICE"; done
`

/** Waits until the process has left the enclosure's network for one of its own. */
async function apart(holder: Daemon, enclosure: Enclosure): Promise<void> {
  const shared = await readlink(`/proc/${enclosure.pid}/ns/net`)
  while ((await readlink(`/proc/${holder.pid}/ns/net`)) === shared) {
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}
