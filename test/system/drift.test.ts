// Another hand in the tables of a guarded bridge: what it does is put right, counted and shown; a port that it concerns is not
// ACTIVE meanwhile; and whoever does it again and again is told of, without a race against it.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Lab } from './lab.ts'
import { makeNetwork, openLab, until } from './lab.ts'

type Host = {
  readonly state: string
  readonly notes: readonly string[]
  readonly drift: { readonly count: number; readonly last: string } | null
}

void describe('drift', { timeout: 120_000 }, () => {
  void test('flows that another hand deletes, changes or adds are put right, counted, and shown', async () => {
    await using lab = await openGuarded()
    const { sw } = lab
    const before = await lab.flows()
    const right = async (): Promise<boolean> =>
      (await lab.flows()).toSorted().join('\n') === before.toSorted().join('\n')
    assert.equal((await hostOf(lab)).drift, null)
    const ours = 'cookie=0x5057000000000000,table=0,priority=40,actions=NORMAL'
    const deeds = [
      ['del-flows', sw.bridge, 'table=24'],
      ['--strict', 'del-flows', sw.bridge, 'table=0,priority=0'],
      ['mod-flows', sw.bridge, 'table=25,actions=NORMAL'],
      ['add-flow', sw.bridge, 'table=0,priority=65535,actions=NORMAL'],
      ['add-flow', sw.bridge, ours],
      ['add-flow', sw.bridge, 'table=71,priority=9999,cookie=7,ip,actions=NORMAL'],
    ]
    let counted = 0
    for (const deed of deeds) {
      await sw.ofctl(...deed)
      await until(right, deed.join(' '))
      await until(async () => ((await hostOf(lab)).drift?.count ?? 0) > counted, 'it is counted')
      counted = (await hostOf(lab)).drift?.count ?? 0
    }
    assert.match((await hostOf(lab)).drift?.last ?? '', /table=71, priority=9999,ip/)
    await until(async () => (await hostOf(lab)).state === 'in-sync', 'it is in sync again')
  })

  void test('a fight is told of, and its ports are not ACTIVE until it is over; the agent does not spin', async () => {
    await using lab = await openGuarded()
    const { sw } = lab
    const fought = async (): Promise<string | undefined> =>
      (await hostOf(lab)).notes.find((note) => note.includes('another hand keeps changing flows'))
    await using watch = await sw.watchFlows()
    await watch.settled()
    watch.take()
    const ofport = (await sw.ofports()).get('tap0')
    let undone = 0
    const until5s = performance.now() + 5000
    while (performance.now() < until5s) {
      await sw.ofctl('del-flows', sw.bridge, `table=25,in_port=${ofport}`)
      undone++
    }
    assert.ok(await fought())
    const put = (await watch.settled(300)).filter(({ event }) => event === 'ADDED').length
    assert.ok(undone >= 5, `undone ${undone} times`)
    assert.ok(put >= 5 && put <= 110, `put right ${put} times in 5 s: not more than every 50 ms`)
    const states = async (): Promise<readonly string[]> => {
      const { body } = await lab.portward().ask('GET', '/v2.0/ports')
      return (body as { ports: { status: string }[] }).ports.map(({ status }) => status)
    }
    assert.deepEqual(await states(), ['DOWN'])
    await until(async () => (await fought()) === undefined, 'the fight is over', 30_000)
    await until(async () => (await states()).join() === 'ACTIVE', 'the port is ACTIVE again')
  })
})

async function openGuarded(): Promise<Lab> {
  const lab = await openLab()
  await lab.start()
  const network = await makeNetwork(lab)
  const port = await lab.create('port', { network_id: network })
  await lab.sw.addPorts([{ name: 'tap0', ifaceId: port.id }])
  const status = async (): Promise<string> => (await lab.port(port.id)).status
  await until(async () => (await status()) === 'ACTIVE', 'tap0 is guarded')
  await until(async () => (await hostOf(lab)).state === 'in-sync', 'all is in sync')
  return lab
}

async function hostOf(lab: Lab): Promise<Host> {
  const { body } = await lab.portward().ask('GET', '/portward/v1/status')
  const [host] = (body as { hosts: readonly Host[] }).hosts
  assert.ok(host)
  return host
}
