// Allowed address pairs by the thousand, on a real switch: what they allow passes, what lies beside them does not.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BROADCAST, arpRequest, ethernet, icmp, ipv4 } from '@portward/testkit'
import { makeNetwork, openLab } from './lab.ts'

const COUNT = 1000
const mac = 'fa:16:3e:00:00:03'
const alice = 'fa:16:3e:00:00:01'
const pairIp = (n: number): string => `10.9.${n >> 8}.${n & 0xff}`
const pairsTo = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ ip_address: pairIp(n) }))

/** For a whole binding, of which there is one for each pair: ARP, ARP probe, source. */
const FLOWS_EACH = 3

void test(`a port with ${COUNT} pairs may speak as each of them, and as nobody else`, async () => {
  await using lab = await openLab()
  await lab.start('--max-allowed-address-pair', String(COUNT))
  const network = await makeNetwork(lab)
  const listener = await lab.guest('alice', network, {
    mac_address: alice,
    port_security_enabled: false,
  })
  const speaker = await lab.guest('mallory', network, { mac_address: mac })
  const before = (await lab.flows()).length
  await lab.update(speaker.port.id, { allowed_address_pairs: pairsTo(COUNT) })
  assert.equal((await lab.flows()).length - before, COUNT * FLOWS_EACH)

  const [from, to] = [await speaker.guest.wire(), await listener.guest.wire()]
  const send = async (ip: string): Promise<void> => {
    const request = arpRequest({ sha: mac, spa: ip, tpa: '10.0.0.1' })
    await from.send(ethernet({ src: mac, dst: BROADCAST }, request))
    await from.send(
      ethernet({ src: mac, dst: alice }, ipv4({ src: ip, dst: '10.0.0.1' }, icmp({}))),
    )
  }
  await send(pairIp(COUNT))
  for (const n of [0, 255, 256, COUNT - 1]) await send(pairIp(n))
  const source = (frame: Uint8Array): string =>
    frame.subarray(...(frame[13] === 6 ? [28, 32] : [26, 30])).join('.')
  const last = pairIp(COUNT - 1)
  await to.expect((frame) => frame[13] === 0 && source(frame) === last)
  const ours = to.received((frame) => frame[12] === 8 && source(frame).startsWith('10.9.'))
  const sources = [0, 255, 256, COUNT - 1].flatMap((n) => [pairIp(n), pairIp(n)])
  assert.deepEqual(ours.map(source).toSorted(), sources.toSorted())

  const { status, body } = await lab.portward().ask('PUT', `/v2.0/ports/${speaker.port.id}`, {
    port: { allowed_address_pairs: pairsTo(COUNT + 1) },
  })
  assert.equal(status, 400)
  assert.match(JSON.stringify(body), /AllowedAddressPairExhausted.*1001 are given.*can have 1000/)
  await lab.update(speaker.port.id, { allowed_address_pairs: null })
  assert.equal((await lab.flows()).length, before)
})
