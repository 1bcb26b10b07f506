// What the system tests of Portward stand on: a switch, `portward up` beside it, and guests whose ports it guards.

import { join } from 'node:path'
import type { Guest, Portward, Switch, SwitchOptions } from '@portward/testkit'
import { startPortward, startSwitch } from '@portward/testkit'

export type PortBody = {
  readonly id: string
  readonly mac_address: string
  readonly fixed_ips: readonly { readonly subnet_id: string; readonly ip_address: string }[]
  readonly port_security_enabled: boolean
  readonly status: string
  readonly revision_number: number
}

export type Lab = AsyncDisposable & {
  readonly sw: Switch
  readonly state: string
  /** The one started last. */
  readonly portward: () => Portward
  readonly start: (...flags: string[]) => Promise<Portward>
  /** POST, and the resource that was made; throws when the answer is no 201. */
  readonly create: <T = { readonly id: string }>(noun: string, fields: object) => Promise<T>
  /** PUT …?wait=applied; throws when the answer is no 200. */
  readonly update: (portId: string, fields: object) => Promise<PortBody>
  readonly port: (portId: string) => Promise<PortBody>
  /** Declares a port, and plugs a guest with its id and addresses; answers when the port is ACTIVE. */
  readonly guest: (name: string, networkId: string, fields: object) => Promise<GuestPort>
  /** `ovs-ofctl dump-flows`, a line a flow, without counts. */
  readonly flows: () => Promise<readonly string[]>
}

export type GuestPort = { readonly guest: Guest; readonly port: PortBody; readonly ofport: number }

export async function openLab(options: SwitchOptions = {}): Promise<Lab> {
  const sw = await startSwitch(options)
  const { rundir, bridge } = sw
  const state = join(rundir, 'portward')
  let portward: Portward | undefined
  const running = (): Portward => {
    if (portward === undefined) throw new Error('portward was not started')
    return portward
  }
  const lab: Lab = {
    sw,
    state,
    portward: running,
    start: async (...flags) => (portward = await startPortward({ rundir, bridge, state, flags })),
    create: (noun, fields) => running().create(noun, fields),
    update: (portId, fields) => running().updatePort(portId, fields),
    async port(portId) {
      const { body } = await running().ask('GET', `/v2.0/ports/${portId}`)
      return (body as { port: PortBody }).port
    },
    async guest(name, networkId, fields) {
      const port = await lab.create<PortBody>('port', { network_id: networkId, name, ...fields })
      const guest = await sw.addGuest({
        name,
        ifaceId: port.id,
        mac: port.mac_address,
        ips: port.fixed_ips.map(({ ip_address: ip }) => `${ip}/${ip.includes(':') ? 64 : 24}`),
      })
      await until(async () => (await lab.port(port.id)).status === 'ACTIVE', `${name} is ACTIVE`)
      return { guest, port, ofport: await guest.ofport() }
    },
    async flows() {
      const text = await sw.ofctl('dump-flows', '--no-stats', '--no-names', bridge)
      return text
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '')
    },
    async [Symbol.asyncDispose]() {
      await portward?.[Symbol.asyncDispose]()
      await sw[Symbol.asyncDispose]()
    },
  }
  return lab
}

/** A network with an IPv4 and an IPv6 subnet; gives its id. */
export async function makeNetwork(lab: Lab, name = 'net'): Promise<string> {
  const { id } = await lab.create('network', { name })
  await lab.create('subnet', { network_id: id, ip_version: 4, cidr: '10.0.0.0/24' })
  await lab.create('subnet', { network_id: id, ip_version: 6, cidr: 'fd00::/64' })
  return id
}

/** Whether one ping is answered within a second. */
export async function pings(from: Guest, to: string): Promise<boolean> {
  const { code } = await from.run(['ping', '-c1', '-W1', to], { accept: [0, 1] })
  return code === 0
}

/** Asks until it is so; throws with `what` when that takes longer than any honest machine needs. */
export async function until(
  holds: () => Promise<boolean> | boolean,
  what: string,
  ms = 20_000,
): Promise<void> {
  const limit = performance.now() + ms
  while (!(await holds())) {
    if (performance.now() > limit) throw new Error(`waited ${ms} ms, and still not: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
