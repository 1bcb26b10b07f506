// keepalived on two guests that share an address of each family, by VRRPv3 (RFC 5798): the guard lets the pairs of both
// ports have it, the one that is master speaks with it, and when that one is gone the other does.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Lab } from './lab.ts'
import { openLab } from './lab.ts'
import type { Stage, Station } from './scene.ts'
import { addresses, neighbour, openStage, reaches, shell } from './scene.ts'

type Pair = { readonly ip_address: string; readonly mac_address?: string }
type Own = { readonly ip: string; readonly linkLocal: string }
/** RFC 5798, 7.3: what virtual router `id` is known by. */
type VirtualRouter = { readonly id: number; readonly mac: string; readonly mac6: string }

type Kind = {
  readonly title: string
  /** Of a vrrp_instance. */
  readonly options: string
  readonly router: VirtualRouter
  readonly pairs: (router: VirtualRouter, own: Own) => readonly Pair[]
}

const VIP = { ip: '10.0.0.200', ip6: 'fd00::200' }

const kinds: readonly Kind[] = [
  {
    title: 'by the ports’ own MACs',
    options: '',
    router: virtualRouter(0x33),
    pairs: fromPortMac,
  },
  {
    title: 'by a virtual MAC',
    options: 'use_vmac\n  vmac_xmit_base',
    router: virtualRouter(0x34),
    pairs: fromVirtualMac,
  },
  {
    title: 'by a virtual MAC that VRRP itself is spoken from',
    options: 'use_vmac',
    router: virtualRouter(0x35),
    // In that, the virtual MAC speaks from the port's own addresses.
    pairs: (router, own) => [
      ...fromVirtualMac(router),
      { ip_address: own.ip, mac_address: router.mac },
      { ip_address: own.linkLocal, mac_address: router.mac6 },
    ],
  },
]

function virtualRouter(id: number): VirtualRouter {
  const last = id.toString(16)
  return { id, mac: `00:00:5e:00:01:${last}`, mac6: `00:00:5e:00:02:${last}` }
}

function fromPortMac(): readonly Pair[] {
  return [{ ip_address: VIP.ip }, { ip_address: VIP.ip6 }]
}

/** ARP and neighbour discovery announce the virtual MAC. Yet what the kernel routes, answers too, leaves by the port's own. */
function fromVirtualMac({ mac, mac6 }: VirtualRouter): readonly Pair[] {
  const announced = [
    { ip_address: VIP.ip, mac_address: mac },
    { ip_address: VIP.ip6, mac_address: mac6 },
  ]
  return [...fromPortMac(), ...announced]
}

void describe('keepalived', { concurrency: true, timeout: 60_000 }, () => {
  let lab: Lab
  let stage: Stage
  before(async () => {
    lab = await openLab()
    await lab.start()
    stage = openStage(lab)
  })
  after(async () => lab[Symbol.asyncDispose]())

  for (const kind of kinds) {
    void test(kind.title, async (t) => {
      const scene = await stage.scene()
      const [client, first, second] = await Promise.all([
        scene.station('client'),
        scene.station('first', memberOf(11, kind)),
        scene.station('second', memberOf(12, kind)),
      ])
      const virtual = kind.options.includes('use_vmac')
      if (virtual && !(await hasMacvlan(client))) {
        return t.skip('this kernel has no macvlan, which use_vmac needs')
      }
      const owner = async (): Promise<unknown> =>
        virtual ? await stage.portsOf(kind.router.mac) : await neighbour(client, VIP.ip)
      const ownerIs = ({ mac, ofport }: Station): unknown => (virtual ? [ofport] : mac)

      await stage.keepalived(first, await stage.file(conf(kind, 200)))
      await reaches(client, VIP.ip)
      await reaches(client, VIP.ip6)
      assert.deepEqual(await owner(), ownerIs(first))

      await stage.keepalived(second, await stage.file(conf(kind, 100)))
      await sleep(1500)
      const idle = [await addresses(second, 4), await addresses(second, 6)]
      assert.deepEqual(idle, [[second.ip], [second.ip6]], 'the second hears that there is a first')

      await shell(first, 'ip link set eth0 down')
      await reaches(client, VIP.ip)
      await reaches(client, VIP.ip6)
      assert.deepEqual(await owner(), ownerIs(second))
    })
  }
})

/** Fields of a port whose addresses end in `n`. */
function memberOf(n: number, { router, pairs }: Kind): object {
  const own = { ip: `10.0.0.${n}`, linkLocal: `fe80::f816:3eff:fe0f:${n}` }
  return {
    mac_address: `fa:16:3e:0f:00:${n}`,
    fixed_ips: [{ ip_address: own.ip }, { ip_address: `fd00::${n}` }],
    allowed_address_pairs: pairs(router, own),
  }
}

async function hasMacvlan(station: Station): Promise<boolean> {
  const probe = 'ip link add link eth0 name probe type macvlan && ip link delete probe'
  const made = await shell(station, probe).catch(() => undefined)
  return made !== undefined
}

function conf({ options, router }: Kind, priority: number): string {
  const instance = (name: string, vip: string): string => `
vrrp_instance ${name} {
  state BACKUP
  interface eth0
  virtual_router_id ${router.id}
  priority ${priority}
  advert_int 0.2
  garp_master_delay 1
  ${options}
  virtual_ipaddress {
    ${vip}
  }
}`
  const version = 'global_defs {\n  vrrp_version 3\n}'
  return `${version}${instance('v4', `${VIP.ip}/24`)}${instance('v6', `${VIP.ip6}/64`)}\n`
}
