// Neutron's Open vSwitch agent: the flows of a real one (see the text files), put on a switch of ours for ports of ours. With
// firewall_driver=iptables_hybrid there is a Linux bridge besides, on which iptables judges what the flows let pass:
//
//   sender ── eth0 ═ sender ┐              ┌ qvo ── br-int ── receiver       ═ veth pairs
//                           └ qbr ── qvb ═ ┘        the flows
//                             iptables
//
// On br-int, noop and iptables_hybrid have the same flows.

import { access, readFile } from 'node:fs/promises'
import { linkLocalOf, parseMac } from '@portward/addr'
import type { Switch } from '@portward/testkit'
import { run, startSwitch } from '@portward/testkit'
import { flowLines } from '../lab.ts'
import type { Peer, Sides } from './peer.ts'
import { plug } from './peer.ts'

export const neutronNoop: Peer = {
  name: 'Neutron noop',
  open: (sides) => replay('neutron-noop.txt', sides),
}

export const neutronHybrid: Peer = {
  name: 'Neutron iptables_hybrid',
  async missing() {
    const there = await run(['iptables', '--version']).catch(() => undefined)
    if (there === undefined) return 'iptables is not installed: apt-get install iptables'
    const able = await access('/proc/sys/net/bridge').then(
      () => true,
      () => false,
    )
    // Not done here: it would have iptables judge what the machine's own bridges carry.
    return able ? undefined : 'the kernel has no br_netfilter: modprobe br_netfilter'
  },
  open: (sides) => replay('neutron-noop.txt', sides, putBridgeBetween),
}

export const neutronOpenvswitch: Peer = {
  name: 'Neutron openvswitch',
  note: 'connection tracking also holds honest replies, errors and reports, of which it has seen no beginning here',
  open: (sides) => replay('neutron-openvswitch.txt', sides),
}

const UPLINK = 'int-br-phy'
const VLAN = 1
const SEGMENT = 198
/** In `vlan_vid`: there is a tag (OpenFlow 1.3, OFPVID_PRESENT). */
const PRESENT = 0x1000

/** `between` puts something between a guest's device and br-int, and gives what is the port on br-int then. */
async function replay(
  file: string,
  sides: Sides,
  between: (sw: Switch, device: string, names: Names) => Promise<string> = async (_, device) =>
    device,
): ReturnType<Peer['open']> {
  const sw = await startSwitch()
  try {
    await sw.addPorts([{ name: UPLINK }])
    const guests = await plug(sw, sides)
    const sender = await between(sw, guests.sender.name, addressesOf(sides))
    const receiver = guests.receiver.name
    for (const port of [sender, receiver]) await sw.vsctl('set', 'Port', port, `tag=${VLAN}`)
    const ofports = await sw.ofports()
    const names = {
      ...addressesOf(sides),
      ...numbered('PORT', ofports.get(sender)),
      ...numbered('RECEIVER', ofports.get(receiver)),
      ...numbered('UPLINK', ofports.get(UPLINK)),
      ...numbered('VLAN', VLAN),
      VLAN_VID: String(PRESENT | VLAN),
      SEGMENT: String(SEGMENT),
    }
    await install(sw, await linesOf(file, names))
    // To track connections, the userspace datapath takes no fragment that is smaller than this, and 400 is the least it can be
    // told. The kernel's, on which Neutron is mostly run, takes any.
    for (const family of ['v4', 'v6']) await sw.appctl('dpctl/ipf-set-min-frag', family, '400')
    return { sw, ...guests, vlan: VLAN, [Symbol.asyncDispose]: () => sw[Symbol.asyncDispose]() }
  } catch (error) {
    await sw[Symbol.asyncDispose]()
    throw error
  }
}

type Names = Readonly<Record<string, string>>

function addressesOf({ sender }: Sides): Names {
  return {
    MAC: sender.mac,
    IPV4: sender.ip,
    IPV6: sender.ip6,
    LINK_LOCAL: linkLocalOf(parseMac(sender.mac)),
  }
}

function numbered(name: string, value: number | undefined): Names {
  if (value === undefined) throw new Error(`the switch has no port for ${name}`)
  return { [name]: String(value), [`${name}_HEX`]: `0x${value.toString(16)}` }
}

/** With names filled in, without what is there for an allowed address pair: the port has none. */
async function linesOf(file: string, names: Names): Promise<readonly string[]> {
  const text = await readFile(new URL(file, import.meta.url), 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#') && !line.includes('{PAIR_'))
    .map((line) => line.replaceAll(/\{(\w+)\}/g, (_, name: string) => known(names, name)))
}

function known(names: Names, name: string): string {
  const value = names[name]
  if (value === undefined) throw new Error(`there is nothing called {${name}}`)
  return value
}

/** The switch must say back the flows, word for word, or it is no replay. */
async function install(sw: Switch, flows: readonly string[]): Promise<void> {
  const version = ['-O', 'OpenFlow13']
  await sw.ofctlWith(`${flows.join('\n')}\n`, ...version, 'add-flows', sw.bridge, '-')
  const there = new Set(await flowLines(sw, ...version))
  const strange = new Set(flows).symmetricDifference(there)
  if (strange.size > 0) throw new Error(`not replayed as captured:\n${[...strange].join('\n')}`)
}

const [BRIDGE, QVB, QVO] = ['qbrsender', 'qvbsender', 'qvosender'] as const

/** As os-vif plugs a guest for this driver: the bridge neither learns nor snoops, so it passes on all there is. */
async function putBridgeBetween(sw: Switch, device: string, addresses: Names): Promise<string> {
  const { enclosure } = sw
  await sw.vsctl('del-port', sw.bridge, device)
  await enclosure.run(['ip', '-batch', '-'], {
    input: `link add ${BRIDGE} type bridge ageing_time 0 stp_state 0 forward_delay 0 mcast_snooping 0
link add ${QVB} type veth peer name ${QVO}
${[BRIDGE, QVB, QVO].map((name) => `link set ${name} addrgenmode none up`).join('\n')}
link set ${device} master ${BRIDGE}
link set ${QVB} master ${BRIDGE}
`,
  })
  const settings = ['bridge-nf-call-iptables', 'bridge-nf-call-ip6tables']
  await enclosure.run(['sysctl', '-qw', ...settings.map((name) => `net.bridge.${name}=1`)])
  const names = { ...addresses, TAP: device, QVB }
  for (const program of ['iptables', 'ip6tables']) {
    const rules = await linesOf(`neutron-hybrid-${program}.txt`, names)
    await enclosure.run([`${program}-restore`, '-n'], { input: `${rules.join('\n')}\n` })
  }
  await sw.vsctl('add-port', sw.bridge, QVO)
  return QVO
}
