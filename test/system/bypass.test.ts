// What frames reach without meeting a flow of ours: it is said, with the way out, and the way out works.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BROADCAST, arpRequest, ethernet } from '@portward/testkit'
import { makeNetwork, openLab, until } from './lab.ts'

void test('an in-band controller lets guests pass by the guard: the status says so until it is switched off', async () => {
  await using lab = await openLab()
  await lab.start()
  const network = await makeNetwork(lab)
  const alice = await lab.guest('alice', network, { port_security_enabled: false })
  const mallory = await lab.guest('mallory', network, {})
  const [from, to] = [await mallory.guest.wire(), await alice.guest.wire()]
  const { vsctl, bridge } = lab.sw
  const controller = '192.0.2.1'
  const lie = ethernet(
    { src: mallory.guest.mac, dst: BROADCAST },
    arpRequest({ sha: mallory.guest.mac, spa: controller, tpa: '10.0.0.1' }),
  )
  const passes = async (): Promise<boolean> => {
    to.forget()
    await from.send(lie)
    await new Promise((resolve) => setTimeout(resolve, 100))
    return to.received((frame) => Buffer.compare(frame, lie) === 0).length > 0
  }
  const notes = async (): Promise<string> => {
    const { body } = await lab.portward().ask('GET', '/portward/v1/status')
    return (body as { hosts: { notes: string[] }[] }).hosts[0]?.notes.join('\n') ?? ''
  }
  assert.equal(await passes(), false)
  assert.doesNotMatch(await notes(), /in-band/)
  await vsctl('set-controller', bridge, `tcp:${controller}:6653`)
  await until(async () => (await notes()).includes('in-band controller'), 'it is said')
  await until(passes, 'the lie passes')
  await vsctl('set', 'Bridge', bridge, 'other_config:disable-in-band=true')
  await until(async () => !(await notes()).includes('in-band'), 'it is said no more')
  await until(async () => !(await passes()), 'the lie passes no more')
})

void test('a bridge that speaks spanning tree: the status says so', async () => {
  await using lab = await openLab()
  await lab.start()
  await lab.sw.vsctl('set', 'Bridge', lab.sw.bridge, 'rstp_enable=true')
  await until(async () => {
    const { body } = await lab.portward().ask('GET', '/portward/v1/status')
    return JSON.stringify(body).includes('other_config:rstp-enable=false')
  }, 'it is said')
})
