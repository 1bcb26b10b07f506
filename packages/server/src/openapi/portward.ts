// The operations below /portward/v1/, and what they answer.

import { Type } from 'typebox'
import { question } from '../explain.ts'
import { PAGE, PAGE_MAX } from '../history-routes.ts'
import { tie } from '../interfaces.ts'
import { port } from '../port.ts'
import { ROOT, protection, unprotection } from '../portward.ts'
import { canonicalMacText, cidrText, ipText } from '../texts.ts'
import type { Operation } from './operation.ts'
import { orNull, pending, requestOf, shownOf, waiting } from './operation.ts'

const text = Type.String()
const textOrNull = orNull(Type.String())
const count = Type.Integer({ minimum: 0 })
const time = Type.String({ format: 'date-time' })
const ofport = orNull(Type.Integer({ description: 'The OpenFlow port.' }))

const seenStates = ['guarded', 'open', 'trunk', 'silent', 'blocked', 'foreign']
const interfaceState = Type.String({
  enum: [...seenStates, 'absent'],
  title: 'InterfaceState',
  description: 'What becomes of the frames of an interface.',
})
const row = Type.Object(
  {
    host: text,
    iface: text,
    port_id: textOrNull,
    port_name: textOrNull,
    wanted_port_id: textOrNull,
    type: text,
    ofport,
    mac: orNull(canonicalMacText),
    state: interfaceState,
    reason: textOrNull,
  },
  { title: 'Interface' },
)

const hostStatus = Type.Object(
  {
    host: text,
    alive: Type.Boolean(),
    version: textOrNull,
    started_at: orNull(time),
    bridge: textOrNull,
    mode: orNull(Type.String({ enum: ['own', 'shared'] })),
    state: orNull(Type.String({ enum: ['connecting', 'syncing', 'in-sync', 'disturbed'] })),
    notes: Type.Array(text, { description: 'What an operator must know.' }),
    drift: orNull(
      Type.Object(
        { count, last: text },
        {
          title: 'Drift',
          description:
            'How many changes of its flows by another hand its agent has put right since it started, and the last in words.',
        },
      ),
    ),
    interfaces: count,
    ports: count,
  },
  { title: 'HostStatus' },
)
const status = Type.Object(
  {
    version: text,
    revision: count,
    hosts: Type.Array(hostStatus),
    ports: Type.Object({ total: count, active: count, states: Type.Record(Type.String(), count) }),
    silent: Type.Array(row),
    host: orNull(Type.String({ description: 'The host whose agent is in this process.' })),
  },
  { title: 'Status' },
)

const binding = Type.Object(
  { mac: canonicalMacText, prefix: cidrText },
  { title: 'Binding', description: 'A MAC and the addresses that it may claim.' },
)
const portState = Type.Object(
  {
    port: shownOf('Port', port.attributes),
    bindings: Type.Array(binding),
    host: textOrNull,
    iface: textOrNull,
    ofport,
    status: Type.String({ enum: ['ACTIVE', 'DOWN'] }),
    state: Type.String({
      enum: [...seenStates, 'unbound', 'hostDown', 'unplugged', 'pending'],
    }),
    reason: textOrNull,
    applied: Type.Boolean({ description: 'The switch enforces the port as it is now.' }),
    flows: count,
  },
  { title: 'PortState' },
)

const flow = Type.Object(
  {
    table: count,
    priority: count,
    port_id: textOrNull,
    rule: orNull(count),
    rule_text: textOrNull,
    words: text,
    text: Type.String({ description: 'As ovs-ofctl prints it.' }),
    packets: Type.String({ pattern: String.raw`^\d+$` }),
    bytes: Type.String({ pattern: String.raw`^\d+$` }),
  },
  { title: 'Flow' },
)

const enforced = Type.Object(
  {
    id: text,
    revision: count,
    applied: Type.Boolean(),
    declared: Type.Record(Type.String(), Type.Unknown()),
  },
  { title: 'EnforcedPort' },
)

const verdict = Type.String({ enum: ['delivered', 'dropped'] })
const explanation = Type.Object(
  {
    port_id: text,
    name: text,
    host: textOrNull,
    iface: textOrNull,
    ofport,
    applied: Type.Boolean(),
    reason: textOrNull,
    frame: Type.Object({ hex: text, words: text }),
    verdict,
    rule: count,
    rule_text: text,
    path: Type.Array(Type.Object({ table: count, name: text, words: text, text })),
    claim: orNull(
      Type.Object({
        mac: canonicalMacText,
        ip: ipText,
        owner: orNull(Type.Object({ id: text, name: text })),
      }),
    ),
    remedy: orNull(
      Type.Object({
        request: Type.Object({
          method: Type.Literal('PUT'),
          path: text,
          body: requestBody(),
        }),
        command: text,
        opens: Type.String({ description: 'What else it lets pass.' }),
      }),
    ),
    note: textOrNull,
    switch: Type.Union(
      [
        Type.Null(),
        Type.Object({ verdict, agrees: Type.Boolean(), trace: text }),
        Type.Object({ unavailable: text }),
      ],
      { description: 'What the running switch says; null: it was not to be asked.' },
    ),
  },
  { title: 'Explanation' },
)

const attributes = Type.Record(Type.String(), Type.Unknown())
const change = Type.Object(
  {
    time,
    request_id: textOrNull,
    user: Type.Object({ id: text, name: text, project: text, role: text }),
    action: Type.String({ enum: ['create', 'update', 'delete'] }),
    resource: text,
    id: text,
    project: text,
    before: attributes,
    after: attributes,
  },
  { title: 'Change' },
)
const changes = Type.Object({ changes: Type.Array(change), next: textOrNull })
const portThen = Type.Object({
  at: time,
  port: orNull(attributes),
  allowed: orNull(Type.Array(binding)),
  since: orNull(change),
})
const pages = {
  limit: Type.Integer({
    minimum: 1,
    maximum: PAGE_MAX,
    description: `How many; ${PAGE} if left out.`,
  }),
  before: Type.String({ description: 'What `next` of the page before says.' }),
}

const tied = { interface: row }
const freed = { host: text, iface: text, port_id: text }

export const portwardOperations: readonly Operation[] = [
  {
    method: 'GET',
    path: `${ROOT}/status`,
    id: 'showStatus',
    tag: 'hosts',
    summary: 'Shows the hosts and what an operator must know.',
    answers: { 200: status },
  },
  {
    method: 'GET',
    path: `${ROOT}/interfaces`,
    id: 'listInterfaces',
    tag: 'hosts',
    summary: 'Lists the interfaces that hosts see, and those they wait for.',
    answers: { 200: Type.Object({ interfaces: Type.Array(row) }) },
  },
  {
    method: 'GET',
    path: `${ROOT}/flows`,
    id: 'listFlows',
    tag: 'hosts',
    summary: 'Lists the flows of the switch beside this server, in words.',
    query: { port: Type.String({ description: 'Of the port with this id only.' }) },
    answers: { 200: Type.Object({ host: text, flows: Type.Array(flow) }) },
    errors: [404, 501],
  },
  {
    method: 'GET',
    path: `${ROOT}/hosts/:host/ports`,
    id: 'listPortsOfHost',
    tag: 'hosts',
    summary: 'Lists what a host must enforce, as its agent is told, and whether its switch does.',
    answers: { 200: Type.Object({ host: text, ports: Type.Array(enforced) }) },
  },
  {
    method: 'GET',
    path: `${ROOT}/ports/:id`,
    id: 'showPortState',
    tag: 'ports',
    summary: 'Shows a port, what it may say, and what has become of it.',
    answers: { 200: portState },
  },
  {
    method: 'POST',
    path: `${ROOT}/ports/:id/explain`,
    id: 'explainFrame',
    tag: 'ports',
    summary: 'Says whether a frame of the port passes, why, and what would let it.',
    query: {
      offline: Type.Boolean({ description: 'The running switch is not asked.' }),
    },
    body: requestOf('Question', question.attributes, 'POST'),
    answers: { 200: explanation },
  },
  {
    method: 'GET',
    path: `${ROOT}/ports/:id/history`,
    id: 'listPortChanges',
    tag: 'ports',
    summary: 'Lists who changed a port and how; or shows what it was at a time.',
    query: { ...pages, at: Type.String({ format: 'date-time', description: 'What it was then.' }) },
    answers: { 200: Type.Union([changes, portThen]) },
  },
  {
    method: 'GET',
    path: `${ROOT}/history`,
    id: 'listChanges',
    tag: 'history',
    summary: 'Lists the changes of all resources, the newest first.',
    query: pages,
    answers: { 200: changes },
  },
  {
    method: 'POST',
    path: `${ROOT}/protect`,
    id: 'protect',
    tag: 'hosts',
    summary: 'Makes a port for an interface, or gives it these addresses.',
    ...waiting,
    body: requestOf('Protection', protection.attributes, 'POST'),
    answers: {
      200: portState,
      201: portState,
      202: Type.Object({ ...portState.properties, pending }),
    },
  },
  {
    method: 'POST',
    path: `${ROOT}/unprotect`,
    id: 'unprotect',
    tag: 'hosts',
    summary: 'Undoes protect.',
    ...waiting,
    body: requestOf('Unprotection', unprotection.attributes, 'POST'),
    answers: { 200: Type.Object(freed), 202: Type.Object({ ...freed, pending }) },
  },
  {
    method: 'PUT',
    path: `${ROOT}/hosts/:host/interfaces/:iface`,
    id: 'tieInterface',
    tag: 'hosts',
    summary: 'Ties an interface to a port, whether it is there already or not.',
    ...waiting,
    body: requestOf('Tie', tie.attributes, 'POST'),
    answers: {
      200: Type.Object(tied),
      201: Type.Object(tied),
      202: Type.Object({ ...tied, pending }),
    },
  },
  {
    method: 'DELETE',
    path: `${ROOT}/hosts/:host/interfaces/:iface`,
    id: 'untieInterface',
    tag: 'hosts',
    summary: 'Unties an interface from its port.',
    ...waiting,
    answers: { 204: null, 202: Type.Object({ port_id: text, pending }) },
  },
]

function requestBody() {
  return Type.Object({ port: requestOf('PortChanges', port.attributes, 'PUT') })
}
