// The verdicts that the datapath caches: each must be as narrow as what the flows looked at, or an honest frame would open the
// way for hostile ones. ofproto/trace cannot show it, so real frames are sent, and the cache is read.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  corpus,
  ethernet,
  ipv6,
  ndOption,
  neighbourAdvertisement,
  neighbourSolicitation,
} from '@portward/testkit'
import type { Lab } from './lab.ts'
import { makeNetwork, openLab, until } from './lab.ts'

const own = { mac: 'fa:16:3e:00:00:03', ip: '10.0.0.3', ip6: 'fd00::3' }
const other = { mac: 'fa:16:3e:00:00:02', ip: '10.0.0.2', ip6: 'fd00::2' }
const peer = { mac: 'fa:16:3e:00:00:01', ip: '10.0.0.1', ip6: 'fd00::1' }
const linkLocalOf = (mac: string): string => `fe80::f816:3eff:fe00:${Number(`0x${mac.slice(-2)}`)}`
const station = (one: typeof own) => ({ ...one, linkLocal: linkLocalOf(one.mac) })

const nd = (message: Parameters<typeof ipv6>[1]): Uint8Array =>
  ethernet(
    { src: own.mac, dst: peer.mac },
    ipv6({ src: own.ip6, dst: peer.ip6, hopLimit: 255 }, message),
  )
const advertises = (target: string, mac: string): Uint8Array =>
  nd(neighbourAdvertisement({ target, options: [ndOption.targetLinkLayer(mac)] }))
const solicits = (mac: string): Uint8Array =>
  nd(neighbourSolicitation({ target: peer.ip6, options: [ndOption.sourceLinkLayer(mac)] }))

async function openScene(lab: Lab) {
  await lab.start()
  const network = await makeNetwork(lab)
  const fixed = (one: typeof own) => ({
    mac_address: one.mac,
    fixed_ips: [{ ip_address: one.ip }, { ip_address: one.ip6 }],
  })
  const alice = await lab.guest('alice', network, { ...fixed(peer), port_security_enabled: false })
  const mallory = await lab.guest('mallory', network, fixed(own))
  const [from, to] = [await mallory.guest.wire(), await alice.guest.wire()]
  // So that the switch knows where alice is.
  await to.send(
    ethernet({ src: peer.mac, dst: own.mac }, { etherType: 0x0600, bytes: new Uint8Array(46) }),
  )
  return { from, to, ofport: mallory.ofport }
}

void test('what an advertisement and a solicitation say is in the verdict that is cached of them', async () => {
  await using lab = await openLab()
  const { from, to } = await openScene(lab)
  for (const frame of [advertises(own.ip6, own.mac), solicits(own.mac)]) {
    await from.send(frame)
    await to.expect((received) => Buffer.compare(received, frame) === 0)
  }
  const cached = (await lab.sw.appctl('dpctl/dump-flows', '-m')).split('\n')
  const verdictOn = (type: number): string =>
    cached.find((line) => line.includes(`icmpv6(type=${type},code=0)`) && line.includes(own.ip6)) ??
    assert.fail(cached.join('\n'))
  assert.match(verdictOn(136), new RegExp(`nd\\(target=${own.ip6},[^)]*tll=${own.mac}\\)`))
  assert.match(verdictOn(135), new RegExp(`nd\\([^)]*sll=${own.mac}[,)]`))
})

void test('between lies, all that is honest arrives, and of the lies nothing', async () => {
  await using lab = await openLab()
  const { from, to } = await openScene(lab)
  const lies = [
    advertises(other.ip6, own.mac),
    advertises(own.ip6, other.mac),
    solicits(other.mac),
    ...corpus
      .filter(
        ({ name, passes, honest }) =>
          honest === false && passes.length === 0 && name.startsWith('nd-'),
      )
      .map(({ frame }) => frame(station(own), station(other), station(peer))),
  ]
  const truths = [advertises(own.ip6, own.mac), solicits(own.mac)]
  const rounds = 30
  const mark = advertises(linkLocalOf(own.mac), own.mac)
  const marks = (): number => to.received((one) => Buffer.compare(one, mark) === 0).length
  let sent = 0
  for (let round = 0; round < rounds; round++) {
    for (const [i, lie] of lies.entries()) {
      const truth = truths[i % truths.length] ?? assert.fail()
      await from.send(lie)
      await from.send(truth)
      sent++
    }
    // A round at a time: what is sent faster than a busy machine takes it is lost before any flow.
    const before = marks()
    await until(async () => {
      await from.send(mark)
      await new Promise((resolve) => setTimeout(resolve, 20))
      return marks() > before
    }, 'a mark after the round arrives')
  }
  const hex = (frame: Uint8Array): string => Buffer.from(frame).toString('hex')
  const [honest, hostile] = [new Set(truths.map(hex)), new Set(lies.map(hex))]
  const received = to.received().map(hex)
  assert.equal(received.filter((frame) => hostile.has(frame)).length, 0)
  assert.equal(received.filter((frame) => honest.has(frame)).length, sent)
})
