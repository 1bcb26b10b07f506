// A resource as text is its view, whoever looks, and however often.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type {
  AgentRecord,
  NetworkRecord,
  PortRecord,
  RbacRecord,
  SubnetRecord,
} from '@portward/store'
import * as fc from 'fast-check'
import { agent } from './agents.ts'
import type { Caller } from './caller.ts'
import { network } from './networks.ts'
import { port } from './port.ts'
import { rbacPolicy } from './rbac-policy.ts'
import { viewOf } from './resource.ts'
import type { Resource } from './resource.ts'
import { subnet } from './subnet.ts'
import { callerIn, openTestServer } from './testing.ts'
import type { TestServer } from './testing.ts'
import { viewText } from './view-text.ts'

const texts = fc.string({ unit: 'grapheme', maxLength: 8 })
const callers: fc.Arbitrary<Caller> = fc.record({
  userId: texts,
  userName: texts,
  projectId: fc.constantFrom('', 'a', 'b'),
  role: fc.constantFrom('admin', 'member', 'reader'),
})

function check<R extends object>(
  server: TestServer,
  resource: Resource<R>,
  record: R,
  caller: Caller,
  fields: readonly string[] | undefined,
): void {
  const eyes = { replica: server.replica, caller }
  const text = viewText(resource, record, eyes, fields)
  const wanted: unknown = JSON.parse(JSON.stringify(viewOf(resource, record, eyes, fields)))
  assert.deepEqual(JSON.parse(text), wanted)
  // Each member once: JSON.parse would take the last.
  assert.equal(text.length, JSON.stringify(wanted).length)
}

const access = { object_type: 'network', action: 'access_as_shared' }

type Change =
  | { readonly type: 'rename'; readonly name: string; readonly tags: readonly string[] }
  | { readonly type: 'share'; readonly shared: boolean }
  | { readonly type: 'bind'; readonly host: string }
  | { readonly type: 'give' | 'alive' | 'gone' | 'apply' | 'subnet' }

const changes: fc.Arbitrary<Change> = fc.oneof(
  fc.record({
    type: fc.constant('rename' as const),
    name: texts,
    tags: fc.array(
      texts.filter((one) => one !== '' && !one.includes(',')),
      { maxLength: 2 },
    ),
  }),
  fc.record({ type: fc.constant('share' as const), shared: fc.boolean() }),
  fc.record({ type: fc.constant('bind' as const), host: fc.constantFrom('', 'h1', 'h2') }),
  fc.record({ type: fc.constantFrom('give', 'alive', 'gone', 'apply', 'subnet') }),
)

void test('the text is the view, through every change of what it hangs on, for every caller', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(changes, { maxLength: 12 }),
      fc.array(callers, { maxLength: 2 }),
      async (steps, who) => {
        await using server = await openTestServer()
        const { call, replica } = server
        const made = await call('POST', '/v2.0/networks', { network: { project_id: 'a' } })
        const net = String(made.at('network', 'id'))
        const one = await call('POST', '/v2.0/ports', {
          port: { network_id: net, project_id: 'b' },
        })
        const id = String(one.at('port', 'id'))
        let subnets = 0
        const look = (): void => {
          for (const caller of [...who, callerIn('a'), callerIn('b'), callerIn('a', 'admin')]) {
            for (const r of replica.networks.records())
              check<NetworkRecord>(server, network, r, caller, undefined)
            for (const r of replica.subnets.records())
              check<SubnetRecord>(server, subnet, r, caller, undefined)
            for (const r of replica.ports.records())
              check<PortRecord>(server, port, r, caller, undefined)
            for (const r of replica.rbac.records())
              check<RbacRecord>(server, rbacPolicy, r, caller, undefined)
            for (const r of replica.agents.records()) {
              check<AgentRecord>(server, agent, r, caller, [
                'id',
                'host',
                'alive',
                'configurations',
              ])
            }
          }
        }
        look()
        for (const step of steps) {
          switch (step.type) {
            case 'rename':
              await call('PUT', `/v2.0/networks/${net}`, { network: { name: step.name } })
              await call('PUT', `/v2.0/ports/${id}`, { port: { name: step.name } })
              await call('PUT', `/v2.0/ports/${id}/tags`, { tags: step.tags })
              break
            case 'share':
              await call('PUT', `/v2.0/networks/${net}`, { network: { shared: step.shared } })
              break
            case 'bind':
              await call('PUT', `/v2.0/ports/${id}`, { port: { 'binding:host_id': step.host } })
              break
            case 'give':
              await call('POST', '/v2.0/rbac-policies', {
                rbac_policy: { ...access, object_id: net, target_tenant: 'b' },
              })
              break
            case 'alive':
              await server.agent('h1').alive()
              break
            case 'gone':
              await server.agent('h1').gone()
              break
            case 'apply':
              await server.agent('h1').apply(id)
              break
            case 'subnet':
              await call('POST', '/v2.0/subnets', {
                subnet: { network_id: net, cidr: `10.${subnets++}.0.0/24` },
              })
              break
            default:
              step satisfies never
          }
          look()
        }
      },
    ),
    { numRuns: 20 },
  )
})

void test('with fields it has those, in either way', async () => {
  await using server = await openTestServer()
  await server.call('POST', '/v2.0/networks', { network: { name: '"\\\n ü' } })
  const [record] = server.replica.networks.records()
  assert.ok(record !== undefined)
  const names = [...Object.keys(network.attributes), 'nothing', '__proto__']
  fc.assert(
    fc.property(fc.subarray(names), callers, (fields, caller) => {
      check<NetworkRecord>(server, network, record, caller, fields)
    }),
  )
})

void test('a list and an item show what changes without their records changing', async () => {
  await using server = await openTestServer()
  const { call } = server
  const made = await call('POST', '/v2.0/networks', { network: { project_id: 'a' } })
  const net = String(made.at('network', 'id'))
  const told = { network_id: net, 'binding:host_id': 'h1' }
  const id = String((await call('POST', '/v2.0/ports', { port: told })).at('port', 'id'))
  const seen = async () => {
    const item = (await call('GET', `/v2.0/ports/${id}`)).at('port', 'status')
    const listed = (await call('GET', '/v2.0/ports')).at('ports', 0, 'status')
    assert.equal(item, listed)
    return item
  }
  assert.equal(await seen(), 'DOWN')
  await server.agent('h1').alive()
  await server.agent('h1').apply(id)
  assert.equal(await seen(), 'ACTIVE')
  await server.agent('h1').gone()
  assert.equal(await seen(), 'DOWN')
  const b = server.as(callerIn('b'))
  await call('PUT', `/v2.0/networks/${net}`, { network: { shared: true } })
  assert.equal((await b('GET', '/v2.0/networks')).at('networks', 0, 'shared'), true)
})
