// The hosts as Neutron shows them: agents, alive or not. Neutron API v2.0, "Agents". A host's own word (hosts/H/alive) goes when
// its lease does, so the server notes each host it hears of, and when it last did, under agents/H.

import { keys, records } from '@portward/store'
import type { AgentRecord } from '@portward/store'
import { randomUUID } from 'node:crypto'
import { Type } from 'typebox'
import { NAME_MAX, idAttribute, scalar, timeOf } from './common.ts'
import { putRight } from './dirty.ts'
import type { Chore } from './dirty.ts'
import { errors } from './errors.ts'
import { changesOf } from './history.ts'
import { boolean, constant, dict, shownAs, string } from './kinds.ts'
import { authorize } from './policy.ts'
import type { Subject } from './policy.ts'
import { hostOf } from './replica.ts'
import type { Replica } from './replica.ts'
import type { Attribute, Resource, Values } from './resource.ts'
import type { Stored, Table } from './table.ts'
import type { Context, Plan } from './transact.ts'
import { noWrites } from './writes.ts'

/** What Neutron's clients know such an agent as. */
const TYPE = 'Open vSwitch agent'
const BINARY = 'portward-agent'

const text = string(NAME_MAX)
const plain = shownAs(Type.String({ pattern: String.raw`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$` }), text)
const configurations = Type.Object({
  integration_bridge: Type.String(),
  devices: Type.Integer(),
  version: Type.String(),
})
const fixed = <T>(value: T) => ({ kind: constant(value), of: (): T => value }) as const

const attributes = {
  ...idAttribute,
  agent_type: { ...fixed(TYPE), kind: text, ...scalar },
  binary: { ...fixed(BINARY), kind: text, ...scalar },
  topic: { ...fixed('N/A'), kind: text, ...scalar },
  host: {
    kind: text,
    ...scalar,
    of: (agent: AgentRecord) => agent.host,
  },
  admin_state_up: {
    kind: boolean,
    put: true,
    ...scalar,
    of: (agent: AgentRecord) => agent.adminStateUp,
  },
  created_at: { kind: plain, sort: true, of: (agent: AgentRecord) => plainTime(agent.createdAt) },
  started_at: { kind: plain, sort: true, of: (agent: AgentRecord) => plainTime(agent.startedAt) },
  heartbeat_timestamp: {
    kind: plain,
    sort: true,
    live: true,
    // Its lease is renewed every few seconds.
    of: (agent: AgentRecord, replica: Replica) =>
      plainTime(isAlive(agent, replica) ? timeOf(new Date()) : agent.seenAt),
  },
  description: {
    kind: text,
    put: true,
    ...scalar,
    of: (agent: AgentRecord) => agent.description,
  },
  resources_synced: fixed(null),
  availability_zone: fixed(null),
  alive: { kind: boolean, ...scalar, live: true, of: isAlive },
  configurations: {
    kind: shownAs(configurations, dict),
    live: true,
    of: (agent: AgentRecord, replica: Replica) => ({
      integration_bridge: agent.bridge,
      devices: replica.portsByHost.of(agent.host).size,
      version: agent.version,
    }),
  },
} as const satisfies Readonly<Record<string, Attribute<AgentRecord>>>

export const agent = {
  name: 'agent',
  collection: 'agents',
  attributes,
  filters: {},
  table: agentsById,
  notFound: (id) => errors.agentNotFound(id),
  visible: () => false,
  visibleIds: () => [],
} as const satisfies Resource<AgentRecord>

export type AgentValues = Values<typeof attributes>

export function updateAgent(
  context: Context,
  { record, modified }: Stored<AgentRecord>,
  values: AgentValues,
): Plan<undefined> {
  authorize(context.caller, 'PUT', subjectOf(record), values)
  const after: AgentRecord = {
    ...record,
    adminStateUp: values.admin_state_up ?? record.adminStateUp,
    description: values.description ?? record.description,
  }
  const same = records.agent.encode(after) === records.agent.encode(record)
  if (same) return { ...noWrites, result: undefined }
  const key = keys.agent(record.host)
  const value = records.agent.encode({ ...after, revision: record.revision + 1 })
  return {
    compares: [{ key, modified }],
    ops: [{ type: 'put', key, value }],
    changes: changesOf(agent, context.replica, record, after),
    result: undefined,
  }
}

/** Of a host whose agent is alive, it is there again at once, as another: what lives is shown. */
export function deleteAgent(
  context: Context,
  { record, modified }: Stored<AgentRecord>,
): Plan<undefined> {
  authorize(context.caller, 'DELETE', subjectOf(record), {})
  const key = keys.agent(record.host)
  return {
    compares: [{ key, modified }],
    ops: [{ type: 'delete', key }],
    changes: changesOf(agent, context.replica, record, undefined),
    result: undefined,
  }
}

/** Runs until the signal aborts: keeps agents/H by what hosts say. */
export function noteAgents(context: Context, signal: AbortSignal): Promise<void> {
  const { replica } = context
  const chore: Chore = {
    first: replica.alive.ids.map(hostOf),
    marked: ({ hosts }) => hosts,
    batch: 1,
    plan: ([host = '']) => noted(context, host),
    failure: 'a host cannot be noted, will retry',
  }
  return putRight(context, chore, signal)
}

function noted({ replica, now }: Context, host: string): Plan<undefined> {
  const nothing: Plan<undefined> = { ...noWrites, result: undefined }
  const alive = replica.alive.get(keys.hostAlive(host))?.record
  const stored = replica.agents.get(host)
  const at = timeOf(now())
  if (stored === undefined && alive === undefined) return nothing
  const after: AgentRecord = {
    id: stored?.record.id ?? randomUUID(),
    host,
    adminStateUp: stored?.record.adminStateUp ?? true,
    description: stored?.record.description ?? '',
    createdAt: stored?.record.createdAt ?? at,
    startedAt: alive?.startedAt ?? stored?.record.startedAt ?? at,
    seenAt: at,
    version: alive?.version ?? stored?.record.version ?? '',
    bridge: alive?.bridge ?? stored?.record.bridge ?? '',
    revision: stored?.record.revision ?? 0,
  }
  // While it is alive, `seenAt` says nothing.
  const same =
    alive !== undefined &&
    stored !== undefined &&
    records.agent.encode({ ...after, seenAt: stored.record.seenAt }) ===
      records.agent.encode(stored.record)
  if (same) return nothing
  const key = keys.agent(host)
  return {
    compares: [{ key, modified: stored?.modified ?? 0 }],
    ops: [{ type: 'put', key, value: records.agent.encode(after) }],
    changes: [],
    result: undefined,
  }
}

/** As a table by the agents' ids, which is how the API names them. */
function agentsById(replica: Replica): Pick<Table<AgentRecord>, 'get' | 'ids'> {
  return {
    get: (id) => replica.agents.get([...replica.agentsById.of(id)][0] ?? ''),
    get ids() {
      return [...replica.agents.records()].map(({ id }) => id).sort()
    },
  }
}

function isAlive({ host }: AgentRecord, replica: Replica): boolean {
  return replica.alive.get(keys.hostAlive(host)) !== undefined
}

function subjectOf({ id }: AgentRecord): Subject {
  return { resource: 'agent', id, projectId: '', networkProjectId: '' }
}

/** Neutron writes an agent's times so, and no others. */
function plainTime(time: string): string {
  return time.slice(0, 19).replace('T', ' ')
}
