// The command lines that `explain` names for people with the openstack client: run as they are printed, they do it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Bench } from './programs.ts'
import { openBench } from './programs.ts'

type Explained = {
  readonly verdict: string
  readonly remedy: { readonly command: string } | null
}

async function post<T>(bench: Bench, path: string, body: object): Promise<T> {
  const answer = await fetch(bench.url + path, { method: 'POST', body: JSON.stringify(body) })
  const text = await answer.text()
  assert.ok(answer.ok, text)
  return JSON.parse(text) as T
}

void test('openstack port set as explain prints it: pairs are added, security goes off with its pairs, the port comes up', async () => {
  await using bench = await openBench()
  type Made = { readonly network: { readonly id: string }; readonly port: { readonly id: string } }
  const { network } = await post<Made>(bench, '/v2.0/networks', { network: {} })
  const subnet = { network_id: network.id, cidr: '10.0.0.0/24', ip_version: 4 }
  await post(bench, '/v2.0/subnets', { subnet })
  const { port } = await post<Made>(bench, '/v2.0/ports', {
    port: {
      network_id: network.id,
      fixed_ips: [{ ip_address: '10.0.0.10' }],
      allowed_address_pairs: [{ ip_address: '10.9.0.0/16' }],
      admin_state_up: false,
    },
  })
  const path = `/portward/v1/ports/${port.id}/explain?offline=true`
  for (const [words, flags] of [
    [
      'mac fa:16:3e:00:00:99 ip from 10.0.0.9',
      /--enable --allowed-address ip-address=10\.0\.0\.9,/,
    ],
    ['arp 10.0.0.8', /^openstack port set --allowed-address/],
    ['mac 01:00:5e:00:00:01 rarp', /--disable-port-security --no-allowed-address/],
  ] as const) {
    const { remedy } = await post<Explained>(bench, path, { words })
    assert.match(remedy?.command ?? '', flags)
    const [, ...args] = remedy?.command.split(' ') ?? []
    const { code, stderr } = await bench.openstack(...args)
    assert.equal(code, 0, stderr)
    assert.equal((await post<Explained>(bench, path, { words })).verdict, 'delivered', words)
    if (words.startsWith('mac 01')) continue
    const [now] = await bench.all('ports')
    assert.match(JSON.stringify(now), /10\.9\.0\.0\/16/)
  }
})
