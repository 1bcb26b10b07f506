// Real attack tools against `portward up`. Each strikes twice: guarded, the victim goes on believing the truth; then with
// the attacker's port security off, the same command has the victim believe the lie. So the tool does attack, and the test
// can fail. Where a modern kernel believes no such lie, its frames reach the victim or don't.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Attack, Cast, Frame } from './attack.ts'
import {
  TRUSTED,
  arpPoisoning,
  arrival,
  macFlood,
  macTheft,
  ndPoisoning,
  routeTheft,
} from './attack.ts'
import type { Lab } from './lab.ts'
import { openLab, until } from './lab.ts'
import type { Stage, Station } from './scene.ts'
import { addresses, answers, bounded, decided, ipJson, openStage, reaches, shell } from './scene.ts'

/** Documentation addresses, off the link (RFC 5737, 3849). */
const AFAR = { ip: '203.0.113.9', ip6: '2001:db8:9::9' }
/** What rogues give; the lease is the first that fake_dhcps6 has of the prefix. */
const ROGUE = {
  prefix: '2001:db8:bad::/64',
  lease: '10.0.0.250',
  prefix6: 'fd00:bad::/64',
  lease6: 'fd00:bad:0:0:100::',
}
const TAG = 4000
const FLOOD = 'rate 1mbit burst 16k latency 50ms'
const YERSINIA = 'yersinia -l /dev/null' // else it writes a log where it stands

const attacks: readonly Attack[] = [
  // ARP
  arpPoisoning('arpspoof', ({ alice, bob, mallory }) =>
    bounded(mallory, 2.5, `arpspoof -i eth0 -t ${alice.ip} ${bob.ip}`),
  ),
  arpPoisoning('nping, an ARP reply', ({ alice, bob, mallory }) =>
    nping(
      mallory,
      `--arp --arp-type ARP-reply --arp-sender-mac ${mallory.mac} --arp-sender-ip ${bob.ip}
        --arp-target-mac ${alice.mac} --dest-mac ${alice.mac} ${alice.ip}`,
    ),
  ),
  arpPoisoning('another’s address taken, and arping -U', async ({ bob, mallory }) => {
    await shell(mallory, `ip address replace ${bob.ip}/24 dev eth0`)
    await bounded(mallory, 4, `arping -U -c 2 -I eth0 ${bob.ip}`)
  }),
  arpPoisoning('keepalived, without a pair', async ({ stage, bob, mallory }) => {
    const conf = `vrrp_instance theft {
  interface eth0
  virtual_router_id 66
  priority 255
  virtual_ipaddress {
    ${bob.ip}/24
  }
}
`
    const keepalived = await stage.keepalived(mallory, await stage.file(conf))
    await until(async () => (await addresses(mallory, 4)).includes(bob.ip), 'it has the address')
    await sleep(500)
    await keepalived.stop('SIGTERM')
  }),

  // MACs
  macTheft('nping, with another’s MAC and address', ({ alice, bob, mallory }) =>
    nping(
      mallory,
      `--icmp --source-mac ${bob.mac} --source-ip ${bob.ip} --dest-mac ${alice.mac} ${alice.ip}`,
    ),
  ),
  macTheft('nping, RARP for another’s MAC', ({ bob, mallory }) =>
    nping(
      mallory,
      `--arp --arp-type RARP --source-mac ${bob.mac} --arp-sender-mac ${bob.mac}
        --arp-target-mac ${bob.mac} 255.255.255.255`,
    ),
  ),
  // Half of macof's MACs are multicast, which no switch learns.
  macFlood('macof', ({ mallory }) => bounded(mallory, 3, 'macof -i eth0 -n 200')),
  macFlood('flood_advertise6', ({ mallory }) =>
    bounded(mallory, 0.5, 'atk6-flood_advertise6 eth0'),
  ),

  // IPv4
  arrival('hping3, from another’s address', isIpv4('bob', 17), ({ alice, bob, mallory }) =>
    bounded(mallory, 2, `hping3 -q -a ${bob.ip} --udp -p 9 -c 1 ${alice.ip}`),
  ),
  arrival('hping3, the same in fragments', isIpv4('bob', 17), ({ alice, bob, mallory }) =>
    bounded(mallory, 2, `hping3 -q -a ${bob.ip} --udp -p 9 -c 1 -f -d 100 ${alice.ip}`),
  ),
  {
    name: 'hping3, ICMP redirects',
    bob: TRUSTED,
    prepare: ({ alice, bob }) => shell(alice, `ip route add default via ${bob.ip}`),
    strike: ({ alice, bob, mallory }) =>
      bounded(
        mallory,
        5,
        `hping3 -q -c 3 -i u300000 -a ${bob.ip} --icmp -C 5 -K 1 --icmp-gw ${mallory.ip}
          --icmp-ipproto 1 --icmp-ipsrc ${alice.ip} --icmp-ipdst ${AFAR.ip} ${alice.ip}`,
      ),
    belief: ({ alice }) => gatewayTo(alice, AFAR.ip),
    truth: ({ bob }) => bob.ip,
    lie: ({ mallory }) => mallory.ip,
  },
  arrival(
    'nping, an ICMP router advertisement',
    (frame, { mallory }) => frame.ipv4?.source === mallory.ip && frame.ipv4.type === 9,
    ({ alice, mallory }) =>
      nping(mallory, `--icmp --icmp-type 9 --icmp-advert-entry ${mallory.ip},9 ${alice.ip}`),
  ),
  arrival('scapy, an IGMP query', isIpv4('mallory', 2), ({ mallory }) =>
    scapy(
      mallory,
      `from scapy.contrib.igmp import IGMP
sendp(Ether(src='${mallory.mac}', dst='01:00:5e:00:00:01')
    /IP(src='${mallory.ip}', dst='224.0.0.1', ttl=1)/IGMP(type=0x11))`,
    ),
  ),

  // Neighbour discovery
  ndPoisoning('fake_advertise6', advertisement()),
  ndPoisoning('fake_advertise6, from its own address', advertisement({ fromItself: true })),
  ndPoisoning('fake_advertise6 -H, behind a hop-by-hop header', advertisement({ evasion: '-H' })),
  arrival(
    'fake_advertise6 -f, in atomic fragments',
    isFirstFragment,
    advertisement({ evasion: '-f' }),
  ),
  arrival('fake_advertise6 -F, in fragments', isFirstFragment, advertisement({ evasion: '-F' })),
  ndPoisoning('fake_solicitate6', ({ alice, bob, mallory }) =>
    bounded(
      mallory,
      1,
      `atk6-fake_solicitate6 eth0 ${alice.ip6} ${alice.ip6} ${mallory.mac} ${bob.ip6}`,
    ),
  ),
  ndPoisoning('parasite6', parasite('eth0')),
  ndPoisoning('parasite6 -H, behind a hop-by-hop header', parasite('-H eth0')),
  {
    name: 'dos-new-ip6, against duplicate address detection',
    prepare: ({ alice }) =>
      shell(alice, 'cd /proc/sys/net/ipv6/conf/eth0; echo 1 >accept_dad; echo 1 >dad_transmits'),
    async strike({ stage, alice, mallory }) {
      const tool = await stage.serve(mallory, 'atk6-dos-new-ip6 eth0')
      await sleep(500)
      const own = `${alice.ip6}/64 dev eth0`
      await shell(alice, `ip address delete ${own}; ip address add ${own}`)
      await decided(alice, alice.ip6)
      await tool.stop('SIGKILL')
    },
    belief: ({ alice }) => decided(alice, alice.ip6),
    truth: () => 'free',
    lie: () => 'duplicate',
  },
  {
    name: 'redir6',
    bob: TRUSTED,
    prepare: ({ alice, bob }) => shell(alice, `ip route add default via ${bob.linkLocal} dev eth0`),
    strike: ({ alice, bob, mallory }) =>
      bounded(
        mallory,
        3,
        `atk6-redir6 eth0 ${alice.ip6} ${AFAR.ip6} ${bob.linkLocal} ${mallory.linkLocal} ${mallory.mac}`,
      ),
    belief: ({ alice }) => gatewayTo(alice, AFAR.ip6),
    truth: ({ bob }) => bob.linkLocal,
    lie: ({ mallory }) => mallory.linkLocal,
  },
  arrival(
    'smurf6, to have all nodes answer the victim',
    (frame, { bob }) => frame.source === bob.mac && frame.icmpv6 === 129,
    ({ alice, mallory }) => bounded(mallory, 0.5, `atk6-smurf6 eth0 ${alice.ip6}`),
  ),
  arrival(
    'thcping6, from another’s address',
    (frame, { bob, mallory }) => frame.source === mallory.mac && frame.isFromIpv6(bob.ip6),
    ({ alice, bob, mallory }) =>
      bounded(mallory, 1, `atk6-thcping6 -n 1 eth0 ${bob.ip6} ${alice.ip6}`),
  ),
  arrival(
    'fake_mld6, a query',
    (frame, { mallory }) => frame.source === mallory.mac && frame.icmpv6 === 130,
    ({ mallory }) => bounded(mallory, 0.5, 'atk6-fake_mld6 eth0 query'),
  ),

  // Routers
  routeTheft('fake_router26', routerAdvertisement()),
  routeTheft('fake_router26 -E H, behind a hop-by-hop header', routerAdvertisement('-E H')),
  arrival('fake_router26 -E D, in fragments', isFirstFragment, routerAdvertisement('-E D')),
  arrival('fake_router26 -E F, in more of them', isFirstFragment, routerAdvertisement('-E F')),
  arrival('scapy, a router advertisement in an atomic fragment', isFirstFragment, ({ mallory }) =>
    scapy(
      mallory,
      `sendp(Ether(src='${mallory.mac}', dst='33:33:00:00:00:01')
    /IPv6(src='${mallory.linkLocal}', dst='ff02::1', hlim=255)/IPv6ExtHdrFragment()/ICMPv6ND_RA())`,
    ),
  ),
  arrival(
    'flood_router26',
    (frame) => frame.icmpv6 === 134,
    ({ mallory }) => bounded(mallory, 0.5, 'atk6-flood_router26 eth0'),
  ),
  routeTheft('radvd', async ({ stage, mallory }) => {
    const radvd = await stage.radvd(mallory, ROGUE.prefix)
    await sleep(1000)
    await radvd.stop('SIGKILL')
  }),
  {
    ...routeTheft('kill_router6', ({ bob, mallory }) =>
      bounded(mallory, 1, `atk6-kill_router6 eth0 ${bob.linkLocal}`),
    ),
    lie: () => [],
  },

  // DHCP
  {
    name: 'dnsmasq, a faster DHCP server',
    bob: TRUSTED,
    prepare: honestDhcp,
    async strike({ stage, alice, mallory }) {
      const range = `${ROGUE.lease},${ROGUE.lease}`
      const rogue = await stage.dnsmasq(mallory, `--dhcp-authoritative --dhcp-range=${range}`)
      await sleep(300)
      await shell(alice, 'ip -4 address flush dev eth0')
      await stage.udhcpc(alice)
      await rogue.stop('SIGKILL')
    },
    belief: ({ alice }) => addresses(alice, 4),
    truth: ({ alice }) => [alice.ip],
    lie: () => [ROGUE.lease],
  },
  {
    name: 'scapy, a DHCP server that answers from another port',
    bob: TRUSTED,
    prepare: honestDhcp,
    async strike({ stage, alice, mallory }) {
      const rogue = await stage.serve(mallory, scapyProgram(rogueDhcp(mallory)))
      await until(() => rogue.said().includes('ready'), 'the rogue listens')
      await shell(alice, 'ip -4 address flush dev eth0')
      await stage.udhcpc(alice)
      await rogue.stop('SIGKILL')
    },
    belief: ({ alice }) => addresses(alice, 4),
    truth: ({ alice }) => [alice.ip],
    lie: () => [ROGUE.lease],
  },
  {
    // Which answers from another port than 547.
    name: 'fake_dhcps6',
    bob: TRUSTED,
    prepare: ({ stage, alice, bob }) =>
      stage.dnsmasq(bob, `--dhcp-range=fd00::,static,64 --dhcp-host=${alice.mac},[${alice.ip6}]`),
    async strike({ stage, alice, mallory }) {
      const rogue = await stage.serve(mallory, `atk6-fake_dhcps6 eth0 ${ROGUE.prefix6} ${AFAR.ip6}`)
      await sleep(300)
      await shell(alice, 'ip -6 address flush dev eth0 scope global')
      const client = await stage.dhclient(alice, 6)
      await until(async () => (await addresses(alice, 6)).length > 0, 'alice has a lease')
      await client.stop('SIGKILL')
      await rogue.stop('SIGKILL')
    },
    belief: ({ alice }) => addresses(alice, 6),
    truth: ({ alice }) => [alice.ip6],
    lie: () => [ROGUE.lease6],
  },
  arrival(
    'yersinia, DHCP for many a MAC',
    (frame, { mallory }) => frame.ipv4?.source === '0.0.0.0' && frame.source !== mallory.mac,
    async ({ stage, mallory }) => {
      // It goes on until somebody presses a key: at the end of its standard input, for one, which a daemon's never comes to.
      const tool = await stage.serve(mallory, `${YERSINIA} dhcp -attack 1 -interface eth0`)
      await sleep(1500)
      await tool.stop('SIGKILL')
    },
  ),

  // Tags, and what is no IP
  {
    ...arrival(
      'yersinia, two tags',
      (frame) => frame.tagged,
      ({ mallory }) => yersinia(mallory, `dot1q -attack 1 -vlan1 ${TAG}`),
    ),
    trunks: [TAG],
  },
  arrival('yersinia, spanning tree', isLlc, ({ mallory }) => yersinia(mallory, 'stp -attack 0')),
  arrival('yersinia, CDP', isLlc, ({ mallory }) => yersinia(mallory, 'cdp -attack 0')),
]

void describe('attack tools', { concurrency: 5 }, () => {
  let lab: Lab
  let stage: Stage
  before(async () => {
    lab = await openLab()
    // Else the switch would itself keep some of these frames from everybody.
    await lab.sw.vsctl('set', 'Bridge', lab.sw.bridge, 'other_config:forward-bpdu=true')
    await lab.start()
    stage = openStage(lab)
  })
  after(async () => lab[Symbol.asyncDispose]())

  for (const attack of attacks) {
    void test(attack.name, { timeout: 90_000 }, async () => {
      const cast = await castOf(stage, attack)
      const { alice, bob, mallory } = cast
      await acquaint(alice, bob)
      await attack.prepare?.(cast)
      await until(async () => isSame(await attack.belief(cast), attack.truth(cast)), 'at first')

      await attack.strike(cast)
      // What mallory may say comes after what it may not: once that has arrived, the other never will.
      await reaches(mallory, alice.linkLocal, '-I', 'eth0')
      assert.deepEqual(await attack.belief(cast), attack.truth(cast))

      await lab.update(mallory.port.id, { port_security_enabled: false })
      await strikeUntilBelieved(attack, cast)
    })
  }
})

async function castOf(stage: Stage, { bob: fields = {}, trunks }: Attack): Promise<Cast> {
  const scene = await stage.scene(trunks)
  const [alice, bob, mallory] = await Promise.all([
    scene.station('alice'),
    scene.station('bob', fields),
    scene.station('mallory'),
  ])
  // Where the kernel can, so that a flood goes on in its own scene alone: its switch has others to serve as well.
  await shell(mallory, `tc qdisc add dev eth0 root tbf ${FLOOD} 2>/dev/null || :`)
  return { stage, alice, bob, mallory }
}

/** Alice knows where bob is, and believes whoever says otherwise at once: a kernel would let a second pass. */
async function acquaint(alice: Station, bob: Station): Promise<void> {
  await shell(alice, 'echo 0 >/proc/sys/net/ipv4/neigh/eth0/locktime')
  await reaches(alice, bob.ip)
  await reaches(alice, bob.ip6)
}

async function strikeUntilBelieved(attack: Attack, cast: Cast): Promise<void> {
  const over = new AbortController()
  const watched = until(
    async () => isSame(await attack.belief(cast), attack.lie(cast)),
    'unguarded, the attack works',
  ).finally(() => over.abort())
  const striking = async (): Promise<void> => {
    while (!over.signal.aborted) await attack.strike(cast)
  }
  await Promise.all([watched, striking()])
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

function isIpv4(from: 'bob' | 'mallory', wanted: number) {
  return ({ source, ipv4 }: Frame, cast: Cast): boolean =>
    source === cast.mallory.mac && ipv4?.source === cast[from].ip && ipv4.protocol === wanted
}

function isFirstFragment({ source, firstFragment }: Frame, { mallory }: Cast): boolean {
  return source === mallory.mac && firstFragment
}

/** IEEE 802.3: a length where there could be an EtherType. */
function isLlc({ source, etherType }: Frame, { mallory }: Cast): boolean {
  return source === mallory.mac && etherType < 0x0600
}

function nping(mallory: Station, options: string): Promise<unknown> {
  return bounded(mallory, 5, `nping --no-capture -e eth0 -c 2 --delay 200ms ${options}`)
}

function yersinia(mallory: Station, options: string): Promise<unknown> {
  return bounded(mallory, 1.5, `${YERSINIA} ${options} -source ${mallory.mac} -interface eth0`)
}

/** Bob's address at mallory's MAC. */
function advertisement({ evasion = '', fromItself = false } = {}): Attack['strike'] {
  return ({ alice, bob, mallory }) => {
    const lie = `${bob.ip6} ${alice.ip6} ${mallory.mac} ${fromItself ? mallory.ip6 : bob.ip6}`
    return bounded(mallory, 2, `atk6-fake_advertise6 ${evasion} -n 1 -w 1 eth0 ${lie}`)
  }
}

/** Parasite6 answers when alice asks for bob. */
function parasite(options: string): Attack['strike'] {
  return async ({ stage, alice, bob, mallory }) => {
    const tool = await stage.serve(mallory, `atk6-parasite6 ${options}`)
    await sleep(500)
    await shell(alice, 'ip -6 neigh flush dev eth0')
    await answers(alice, bob.ip6)
    await sleep(500)
    await tool.stop('SIGKILL')
  }
}

function routerAdvertisement(evasion = ''): Attack['strike'] {
  const options = `-A ${ROGUE.prefix} ${evasion} -n 1 -i 1`
  return ({ mallory }) => bounded(mallory, 2, `atk6-fake_router26 ${options} eth0`)
}

/** A server that takes its second. */
function honestDhcp({ stage, alice, bob }: Cast): Promise<unknown> {
  const lease = `--dhcp-range=${bob.ip},static --dhcp-host=${alice.mac},${alice.ip}`
  return stage.dnsmasq(bob, `--dhcp-reply-delay=1 ${lease}`)
}

function scapy(mallory: Station, script: string): Promise<unknown> {
  return bounded(mallory, 20, scapyProgram(script))
}

function scapyProgram(script: string): readonly string[] {
  const head = `import sys\nfrom scapy.all import *\nconf.verb = 0\nconf.iface = 'eth0'`
  return ['/usr/bin/python3', '-I', '-c', `${head}\n${script}`]
}

/** RFC 2131, 4.1, has a server send to port 68; that it sends from 67, no client looks at. */
function rogueDhcp({ mac, ip }: Station): string {
  return `
def answer(frame):
    asked = frame[BOOTP]
    if asked.op != 1: return
    kind = 2 if ('message-type', 1) in frame[DHCP].options else 5
    sendp(Ether(src='${mac}', dst=frame.src)/IP(src='${ip}', dst='${ROGUE.lease}')
        /UDP(sport=1067, dport=68)
        /BOOTP(op=2, xid=asked.xid, chaddr=asked.chaddr, yiaddr='${ROGUE.lease}', siaddr='${ip}')
        /DHCP(options=[('message-type', kind), ('server_id', '${ip}'), ('lease_time', 3600),
                       ('subnet_mask', '255.255.255.0'), 'end']))
sniff(filter='udp port 67', prn=answer, started_callback=lambda: print('ready', file=sys.stderr))`
}

async function gatewayTo(station: Station, ip: string): Promise<string | undefined> {
  type Route = { readonly gateway?: string }
  return (await ipJson<Route>(station, 'route', 'get', ip))[0]?.gateway
}
