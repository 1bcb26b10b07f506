// Ports that come and go, and interfaces that become another's.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from './fault.ts'
import { fromThenOn, honestFrames, kindsOf } from './frames.ts'
import type { Kind } from './frames.ts'
import type { Declared, Scene, Station } from './scene.ts'
import { active } from './scene.ts'

const STORM = { ports: 20, waves: 5 }
const TOGGLES = 20

export const portFaults: readonly Fault[] = [
  {
    name: 'storm-of-plugs',
    lossless: true,
    async inject(scene) {
      const ids: string[] = []
      for (let i = 0; i < STORM.ports; i++) ids.push((await scene.declare({})).portId)
      const ports = ids.map((ifaceId, i) => ({ name: `storm${i}`, ifaceId }))
      scene.struck()
      for (let wave = 0; wave < STORM.waves; wave++) {
        await scene.sw.addPorts(ports)
        await scene.sw.removePorts(ports.map(({ name }) => name))
      }
    },
  },
  {
    name: 'other-toggled',
    lossless: true,
    async inject({ portward, victim }) {
      for (let i = 0; i < TOGGLES; i++) {
        await portward().updatePort(victim.portId, { port_security_enabled: i % 2 === 1 })
      }
    },
  },
  inherited('ofport-inherited', false),
  inherited('ofport-inherited-at-once', true),
  ifaceIdChanged(),
]

/** Another guest whose port gets the number of the sender's. What it says as the sender is stale from the first. */
function inherited(name: string, atOnce: boolean): Fault {
  const heirs = new WeakMap<Scene, Station>()
  const heirOf = (scene: Scene): Station => {
    const heir = heirs.get(scene)
    if (heir === undefined) throw new Error('the heir speaks before anything happens')
    return heir
  }
  return {
    name,
    lossless: false,
    tailMs: 1500,
    async speakers(scene) {
      const { sw, sender, victim, receiver } = scene
      if (!heirs.has(scene)) {
        const heir = await scene.station('heir')
        heirs.set(scene, heir)
        await sw.vsctl('del-port', sw.bridge, heir.guest.name)
        await sleep(300)
      }
      const heir = heirOf(scene)
      const stale = honestFrames(sender, receiver).map(
        (kind): Kind => ({ ...kind, name: `${kind.name} of the last`, nature: 'stale' }),
      )
      const own = fromThenOn(kindsOf(heir, victim, receiver))
      return [{ guest: heir.guest, kinds: [...own, ...stale] }]
    },
    async inject(scene) {
      const { sw, sender } = scene
      const ofport = await sender.guest.ofport()
      const out = ['del-port', sw.bridge, sender.guest.name]
      const into = plugging(scene, heirOf(scene), ofport)
      scene.struck()
      if (atOnce) {
        await sw.vsctl(...out, '--', ...into)
      } else {
        await sw.vsctl(...out)
        await sw.vsctl(...into)
      }
    },
    async restore(scene) {
      const { sw, sender } = scene
      await sw.vsctl('del-port', sw.bridge, heirOf(scene).guest.name)
      await sw.vsctl(...plugging(scene, sender))
      await active(scene.portward(), sender.portId)
      await sleep(300)
    },
  }
}

export function plugging(
  { sw }: Scene,
  { guest, portId }: Station,
  ofport?: number,
): readonly string[] {
  const settings = [`external_ids:iface-id=${portId}`]
  if (ofport !== undefined) settings.push(`ofport_request=${ofport}`)
  return ['add-port', sw.bridge, guest.name, '--', 'set', 'Interface', guest.name, ...settings]
}

/** The sender's interface becomes that of a port nothing is plugged for: whose it may claim to be turns round. */
function ifaceIdChanged(): Fault {
  const others = new WeakMap<Scene, Declared>()
  return {
    name: 'iface-id-changed',
    lossless: false,
    tailMs: 1500,
    async speakers(scene) {
      const { sender, victim, receiver } = scene
      const other = others.get(scene) ?? (await scene.declare({}))
      others.set(scene, other)
      const before = kindsOf(sender, victim, receiver).map(
        (kind): Kind => (kind.nature === 'honest' ? { ...kind, after: 'stale' } : kind),
      )
      const later = fromThenOn(honestFrames(other, receiver)).map((kind) => ({
        ...kind,
        name: `${kind.name} of the next`,
      }))
      return [{ guest: sender.guest, kinds: [...before, ...later] }]
    },
    inject: (scene) =>
      scene.sw.setIfaceId(scene.sender.guest.name, others.get(scene)?.portId ?? null),
    async restore({ sw, sender, portward }) {
      await sw.setIfaceId(sender.guest.name, sender.portId)
      await active(portward(), sender.portId)
      await sleep(300)
    },
  }
}
