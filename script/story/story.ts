// The story, chapter by chapter. Nothing waits for time to pass: each step waits for evidence, and gives up after a bound.

import type { FlowWatch, Portward, Switch } from '@portward/testkit'
import { BROADCAST, ethernet, gratuitousArp, ipv4, udp } from '@portward/testkit'
import type { Attack, Harm } from './attacks.ts'
import { advertisement, attacksOf } from './attacks.ts'
import type { Cast, Station } from './cast.ts'
import { ALICE, BOB, MALLORY, createPorts, macFor, ping, plugIn } from './cast.ts'
import type { Growth } from './flows.ts'
import { flowsOf, grownDrops, seenFlows } from './flows.ts'
import type { Finding, Ledger } from './ledger.ts'
import { Surprise } from './ledger.ts'

const PATIENCE_MS = 5000

export type Stage = {
  readonly sw: Switch
  readonly portward: Portward
  readonly ledger: Ledger
}

/** Everything, in order. The cast is handed out for whoever wants to look on. */
export async function tell(stage: Stage): Promise<Cast> {
  const cast = await arrive(stage)
  const attacks = attacksOf(stage.sw, cast)
  await using watch = await stage.sw.watchFlows()
  const guarded = flowsOf(await seenFlows(stage.sw), MALLORY.name)

  await repelled(stage, cast, attacks, 'Mallory claims to be bob, and is guarded')
  await switchedOff(stage, cast, watch)
  await succeeded(stage, cast, attacks)
  await switchedOn(stage, cast, watch, guarded)
  await repelled(stage, cast, attacks, 'Mallory tries again')
  return cast
}

async function arrive({ sw, portward, ledger }: Stage): Promise<Cast> {
  ledger.chapter('A network with three ports')
  const roles = [ALICE, BOB, MALLORY]
  const stations: Station[] = []
  let portIds: readonly string[] = []
  await ledger.step('a network, two subnets and three ports, over the API', 'created', async () => {
    const network = await createPorts(portward, roles)
    portIds = network.portIds
    return [['network', network.id]]
  })
  for (const [i, role] of roles.entries()) {
    await ledger.step(
      `${role.name} plugs in`,
      'the interface is the port by its iface-id',
      async () => {
        const station = await plugIn(sw, role, portIds[i] ?? '')
        stations.push(station)
        const ofport = await station.guest.ofport()
        return [['port', `${station.portId}, OpenFlow port ${ofport}, ${role.mac}`]]
      },
    )
  }
  const [alice, bob, mallory] = stations
  if (!alice || !bob || !mallory) throw new Error('the cast is not complete')
  for (const [from, to] of [
    [alice, bob],
    [bob, alice],
    [mallory, alice],
  ] as const) {
    await ledger.step(`${from.name} pings ${to.name}`, 'answers by IPv4 and IPv6', async () => {
      await ping(from, to.ipv4)
      await ping(from, to.ipv6)
      return []
    })
  }
  return { alice, bob, mallory }
}

async function repelled(
  { sw, ledger }: Stage,
  cast: Cast,
  attacks: readonly Attack[],
  title: string,
): Promise<void> {
  ledger.chapter(title)
  for (const attack of attacks) {
    await ledger.step(attack.name, 'dropped by the switch; the victim is unharmed', async () => {
      const before = await seenFlows(sw)
      cast.alice.wire.forget()
      await attack.act()
      const drop = await eventually(async () => {
        const [grown] = grownDrops(attack.table, before, await seenFlows(sw))
        return grown ?? (arrived(cast, attack) ? 'arrived' : undefined)
      })
      // The frame was dropped, or it is before the next one on its way to alice.
      await sayHello(cast)
      const harm = await attack.harm()
      const findings: Finding[] = [
        ['victim', attack.victim],
        ['found', harm.text],
      ]
      if (arrived(cast, attack)) throw new Surprise('the forged frame is at alice', findings)
      if (drop === undefined || drop === 'arrived') {
        throw new Surprise(`no flow of table ${attack.table} counted a drop`, findings)
      }
      if (harm.done !== false) throw new Surprise('it did harm', [...findings, dropped(drop)])
      return [...findings, dropped(drop)]
    })
  }
}

async function switchedOff(stage: Stage, cast: Cast, watch: FlowWatch): Promise<void> {
  const { sw, ledger } = stage
  const { mallory } = cast
  ledger.chapter('Port security is switched off for mallory')
  const expectation = 'no flow of mallory’s guard is left, only the one that admits the port'
  await ledger.step('port_security_enabled=false', expectation, async () => {
    const before = flowsOf(await seenFlows(sw), mallory.name)
    const timing = await change(stage, cast, watch, false)
    const left = flowsOf(await seenFlows(sw), mallory.name)
    const findings: Finding[] = [
      ...timing,
      ['flows', `${before.length} before; now ${left.length}:`],
      ...left.map((text): Finding => ['', text]),
    ]
    const [admitting = '', ...others] = left
    if (others.length > 0 || !/ table=0, .* actions=load:.*resubmit/.test(admitting)) {
      throw new Surprise('other flows than that are left', findings)
    }
    return findings
  })
}

async function succeeded({ ledger }: Stage, cast: Cast, attacks: readonly Attack[]): Promise<void> {
  const { alice, mallory } = cast
  ledger.chapter('Mallory claims to be bob, and nothing stands in the way')
  for (const attack of attacks) {
    await ledger.step(attack.name, 'the frame is at alice, and does its harm', async () => {
      if (attack.poisons !== undefined) await relearn(alice, attack.poisons)
      alice.wire.forget()
      const harm = await untilHarmed(attack)
      const findings: Finding[] = [
        ['victim', attack.victim],
        ['found', harm.text],
      ]
      if (!arrived(cast, attack)) throw new Surprise('the frame is not at alice', findings)
      if (harm.done !== true) throw new Surprise('it did no harm', findings)
      return findings
    })
  }
  await ledger.step('alice pings bob, as she thinks', 'her packets go to mallory', async () => {
    const [reply] = attacks
    if (reply === undefined) throw new Error('no attacks')
    await relearn(alice, BOB.ipv4)
    await untilHarmed(reply)
    mallory.wire.forget()
    await alice.guest.run(['ping', '-n', '-c', '1', '-W', '0.1', BOB.ipv4], { accept: [0, 1] })
    const stolen = `${mallory.mac}${alice.mac}0800`.replaceAll(':', '')
    const packet = await eventually(async () =>
      mallory.wire.received().find((frame) => hexOf(frame).startsWith(stolen)),
    )
    if (packet === undefined) throw new Surprise('none came there')
    return [['found', `mallory has her packet for ${BOB.ipv4}, ${packet.length} bytes`]]
  })
}

/** Mallory has patience: a victim that was just told the truth is deaf to lies for a moment. */
async function untilHarmed(attack: Attack): Promise<Harm> {
  let harm: Harm = { done: undefined, text: 'nothing' }
  await eventually(async () => {
    await attack.act()
    harm = await attack.harm()
    return harm.done === true || undefined
  })
  return harm
}

async function switchedOn(
  stage: Stage,
  cast: Cast,
  watch: FlowWatch,
  guarded: readonly string[],
): Promise<void> {
  const { sw, ledger } = stage
  const { alice, bob, mallory } = cast
  ledger.chapter('Port security is switched on again')
  await ledger.step('port_security_enabled=true', 'the same guard as at first', async () => {
    const timing = await change(stage, cast, watch, true)
    const now = flowsOf(await seenFlows(sw), mallory.name)
    const findings: Finding[] = [...timing, ['flows', `${now.length}`]]
    if (now.toSorted().join('\n') !== guarded.toSorted().join('\n')) {
      throw new Surprise(`other flows than the ${guarded.length} at first`, findings)
    }
    return findings
  })
  await ledger.step('bob announces himself', 'alice has bob’s own MAC again', async () => {
    const claim = gratuitousArp({ sha: bob.mac, spa: bob.ipv4 })
    await bob.wire.send(ethernet({ src: bob.mac, dst: BROADCAST }, claim))
    await bob.wire.send(advertisement(bob, bob.ipv6))
    await ping(alice, bob.ipv4)
    await ping(alice, bob.ipv6)
    const macs = [await macFor(alice, bob.ipv4), await macFor(alice, bob.ipv6)]
    if (macs.some((mac) => mac !== bob.mac)) throw new Surprise(`alice has ${macs.join(' and ')}`)
    return [['found', `alice has ${bob.ipv4} and ${bob.ipv6} at ${bob.mac}; bob answers her`]]
  })
}

/** PUT, with the switch's own flow events as the clock: they are told to another connection than Portward's. */
async function change(
  { portward }: Stage,
  { mallory }: Cast,
  watch: FlowWatch,
  on: boolean,
): Promise<readonly Finding[]> {
  watch.take()
  const asked = performance.now()
  await portward.updatePort(mallory.portId, { port_security_enabled: on })
  const answered = performance.now()
  const events = await watch.settled()
  const last = events.at(-1)
  if (last === undefined) throw new Surprise('the switch tells of no change')
  const count = (event: string): number => events.filter((told) => told.event === event).length
  const ms = (at: number): string => `${(at - asked).toFixed(1)} ms`
  return [
    [
      'switch',
      `${count('DELETED')} flows deleted, ${count('ADDED')} added; the last ${ms(last.at)} after the request`,
    ],
    ['answer', `${ms(answered)} after the request`],
  ]
}

/** An honest frame that must arrive: what was sent before it and is not there by then will not come. */
async function sayHello({ alice, mallory }: Cast): Promise<void> {
  const hello = ethernet(
    { src: mallory.mac, dst: alice.mac },
    ipv4({ src: mallory.ipv4, dst: alice.ipv4 }, udp({ src: 9, dst: 9 }, 'honest')),
  )
  await mallory.wire.send(hello)
  await alice.wire.expect((frame) => hexOf(frame) === hexOf(hello), PATIENCE_MS)
}

async function relearn(station: Station, ip: string): Promise<void> {
  await station.guest.run(['ip', 'neigh', 'flush', 'to', ip, 'dev', 'eth0'])
  await ping(station, ip)
}

function arrived({ alice }: Cast, attack: Attack): boolean {
  return alice.wire.received(attack.isForged).length > 0
}

function dropped({ text, before, after }: Growth): Finding {
  return ['dropped', `${text}   n_packets ${before} → ${after}`]
}

function hexOf(frame: Uint8Array): string {
  return Buffer.from(frame).toString('hex')
}

/** What `look` finds, asked again and again; undefined when it found nothing in time. */
async function eventually<T>(look: () => Promise<T | undefined>): Promise<T | undefined> {
  const until = performance.now() + PATIENCE_MS
  for (;;) {
    const found = await look()
    if (found !== undefined || performance.now() > until) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
