// The switch's datapath caches verdicts. When an answer says that a change is applied, none of those reached before is left:
// frames sent from then on are judged by the flows as they are.

import assert from 'node:assert/strict'
import { readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { ethernet, icmpv6Echo, ipv6, udp } from '@portward/testkit'
import type { GuestWire } from '@portward/testkit'
import type { GuestPort, Lab } from './lab.ts'
import { makeNetwork, openLab, until } from './lab.ts'

const ALICE = { mac: 'fa:16:3e:00:00:0a', ip: 'fd00::a' }
const MALLORY = { mac: 'fa:16:3e:00:00:66', ip: 'fd00::66' }
/** Not mallory's. */
const FORGED = ['fd00::b', 'fd00::c'] as const
const ROUNDS = 3
/** ovs-vswitchd.conf.db(5), `max-idle`: the shortest that Open vSwitch takes. */
const MAX_IDLE_MS = 500
/** By then what was not used is out of the cache. */
const FORGOTTEN_MS = 2.5 * MAX_IDLE_MS

/** A packet to alice with a number to be known by; an answer, so that she has none to give. */
function packet(src: string, n: number): Uint8Array {
  const echo = icmpv6Echo({ type: 129, id: n >>> 16, seq: n & 0xffff })
  return ethernet({ src: MALLORY.mac, dst: ALICE.mac }, ipv6({ src, dst: ALICE.ip }, echo))
}

function numberOf(frame: Uint8Array): number {
  return Buffer.from(frame).readUInt32BE(frame.length - 4)
}

/** Sends from each of the addresses in turn, and counts; adding one to the set has it sent from the next time on. */
function flood(wire: GuestWire, from: ReadonlySet<string>) {
  const stop = new AbortController()
  let sent = 0
  const flooding = (async () => {
    while (!stop.signal.aborted) {
      for (const src of from) await wire.send(packet(src, ++sent))
      await pause(2)
    }
  })()
  return {
    /** The number of the last frame sent. */
    get sent() {
      return sent
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await flooding
    },
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

async function stations(lab: Lab): Promise<{ alice: GuestPort; mallory: GuestPort }> {
  const network = await makeNetwork(lab)
  const plug = (name: string, { mac, ip }: typeof ALICE): Promise<GuestPort> =>
    lab.guest(name, network, { mac_address: mac, fixed_ips: [{ ip_address: ip }] })
  const [alice, mallory] = [await plug('alice', ALICE), await plug('mallory', MALLORY)]
  for (const { guest } of [alice, mallory]) {
    // They say nothing but what the test sends.
    await guest.run(['sysctl', '-qw', 'net.ipv6.conf.eth0.disable_ipv6=1'])
  }
  return { alice, mallory }
}

// The datapath looks through its cache mask by mask. Three kinds of verdicts, and the first forgotten, bring it to look at the
// last before the second: and where it looks for the second by a frame's fields, it finds the last, which covers them as well.
void test('switched on again, no forged frame passes that was sent after the answer, though they never ceased', async () => {
  await using lab = await openLab()
  await lab.sw.vsctl('set', 'Open_vSwitch', '.', `other_config:max-idle=${MAX_IDLE_MS}`)
  await lab.start()
  const { alice, mallory } = await stations(lab)
  const [from, to] = [await mallory.guest.wire(), await alice.guest.wire()]
  const honest = ethernet(
    { src: MALLORY.mac, dst: ALICE.mac },
    ipv6({ src: MALLORY.ip, dst: ALICE.ip }, udp({ src: 9, dst: 9 }, 'honest')),
  )
  const isHonest = (frame: Uint8Array): boolean => Buffer.compare(frame, honest) === 0
  const arrived = (): readonly number[] =>
    to.received((frame) => !isHonest(frame)).map((frame) => numberOf(frame))

  for (let round = 0; round < ROUNDS; round++) {
    await pause(FORGOTTEN_MS)
    await from.send(honest)
    const addresses = new Set<string>([FORGED[0]])
    await using forged = flood(from, addresses)
    await pause(100)
    await lab.update(mallory.port.id, { port_security_enabled: false })
    addresses.add(FORGED[1])
    await pause(FORGOTTEN_MS)
    to.forget()
    await until(() => arrived().length > 10, 'forged frames pass')

    await lab.update(mallory.port.id, { port_security_enabled: true })
    const answered = forged.sent
    await until(() => forged.sent > answered + 100, 'mallory goes on')
    await from.send(honest)
    await to.expect(isHonest)
    assert.deepEqual(
      arrived().filter((n) => n > answered),
      [],
    )
  }
})

void test('while the cache can’t be emptied, the guard stands and is not told to be applied; then it is', async () => {
  await using lab = await openLab()
  await lab.start()
  const { mallory } = await stations(lab)
  await lab.update(mallory.port.id, { port_security_enabled: false })
  const [control = ''] = (await readdir(lab.sw.rundir)).filter((name) =>
    /^ovs-vswitchd\.\d+\.ctl$/.test(name),
  )
  const path = join(lab.sw.rundir, control)
  const hidden = join(lab.sw.rundir, 'hidden.ctl')
  await rename(path, hidden)

  const change = { port: { port_security_enabled: true } }
  await lab.portward().ask('PUT', `/v2.0/ports/${mallory.port.id}`, change)
  const told = async (): Promise<string> => {
    const { body } = await lab.portward().ask('GET', '/portward/v1/interfaces')
    return JSON.stringify(body)
  }
  await until(async () => /ovs-vswitchd\.PID\.ctl/.test(await told()), 'the way out is shown')
  assert.ok((await lab.flows()).some((line) => line.includes(`in_port=${mallory.ofport},dl_src=`)))
  assert.equal((await lab.port(mallory.port.id)).status, 'DOWN')

  await rename(hidden, path)
  await until(async () => (await lab.port(mallory.port.id)).status === 'ACTIVE', 'it is ACTIVE')
  assert.doesNotMatch(await told(), /ovs-vswitchd/)
})
