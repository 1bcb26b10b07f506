// GET /openapi.json: the API described as OpenAPI 3.1, whose schemas are JSON Schema, from the schemas that check requests and the
// tables that answers are made by.

import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { TSchema } from 'typebox'
import { agent } from './agents.ts'
import { baseOf } from './collection.ts'
import { errors } from './errors.ts'
import { network } from './networks.ts'
import { collectionOperations } from './openapi/collections.ts'
import { bindingOperations, quotaOperations, versionOperations } from './openapi/neutron.ts'
import type { Operation } from './openapi/operation.ts'
import { portwardOperations } from './openapi/portward.ts'
import { port } from './port.ts'
import { rbacPolicy } from './rbac-policy.ts'
import { isObject } from './resource.ts'
import { subnet } from './subnet.ts'

type Json = Readonly<Record<string, unknown>>

export function serveOpenApi(app: FastifyInstance, version: string): void {
  let text: string | undefined
  app.get('/openapi.json', (request, reply) => {
    text ??= JSON.stringify(documentOf(version))
    // The rest is the same for whoever asks.
    const servers = JSON.stringify([{ url: baseOf(request) }])
    return reply
      .type('application/json; charset=utf-8')
      .send(`{"servers":${servers},${text.slice(1)}`)
  })
}

/** Without its servers. */
function documentOf(version: string): Json {
  const schemas: Record<string, unknown> = {}
  const operations: readonly Operation[] = [
    ...versionOperations,
    ...collectionOperations({ resource: network, words: ['network', 'networks'], tagged: true }),
    ...collectionOperations({ resource: subnet, words: ['subnet', 'subnets'], tagged: true }),
    ...collectionOperations({
      resource: port,
      words: ['port', 'ports'],
      applied: true,
      tagged: true,
    }),
    ...bindingOperations,
    ...collectionOperations({ resource: rbacPolicy, words: ['RBAC policy', 'RBAC policies'] }),
    ...collectionOperations({ resource: agent, words: ['agent', 'agents'], found: true }),
    ...quotaOperations,
    ...portwardOperations,
  ]
  const paths: Record<string, Record<string, Json>> = {}
  for (const operation of operations) {
    const path = operation.path.replaceAll(/:(\w+)/g, '{$1}')
    const methods = (paths[path] ??= {})
    methods[operation.method.toLowerCase()] = operationOf(operation, schemas)
  }
  const statuses = new Set(operations.flatMap(errorsOf))
  const responses = [...statuses].map((status) => [nameOf(status), errorOf(status, schemas)])
  return {
    openapi: '3.1.0',
    info: {
      title: 'Portward',
      version,
      description: 'Port security for Open vSwitch, through the Neutron API.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    security: [{}, { token: [] }, { bearer: [] }],
    tags: [...new Set(operations.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        token: {
          type: 'apiKey',
          in: 'header',
          name: 'X-Auth-Token',
          description:
            "Keystone's token, or one of the server's file. On loopback it may ask for none.",
        },
        bearer: { type: 'http', scheme: 'bearer', description: 'The same, as RFC 6750 has it.' },
      },
      responses: Object.fromEntries(responses) as Json,
      schemas,
    },
  }
}

function operationOf(operation: Operation, schemas: Record<string, unknown>): Json {
  const {
    id,
    tag,
    summary,
    path,
    query = {},
    headers = {},
    body,
    answers,
    media,
    forAll,
  } = operation
  const content = (schema: TSchema, media = 'application/json'): Json => ({
    [media]: { schema: named(schema, schemas) },
  })
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    description: pathWords[name] ?? name,
    schema: { type: 'string' },
  }))
  const others = [['query', query] as const, ['header', headers] as const].flatMap(
    ([where, parameters]) =>
      Object.entries(parameters).map(([name, parameter]) => {
        const { description, ...schema } = named(parameter, schemas)
        return { name, in: where, description, schema }
      }),
  )
  const succeeded = Object.entries(answers).map(([status, schema]) => [
    status,
    {
      description: statusWords[Number(status)],
      ...(schema && { content: content(schema, media) }),
    },
  ])
  const failed = errorsOf(operation).map((status) => [
    status,
    { $ref: `#/components/responses/${nameOf(status)}` },
  ])
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(forAll && { security: [] }),
    parameters: [...inPath, ...others],
    ...(body && { requestBody: { required: true, content: content(body) } }),
    responses: Object.fromEntries([...succeeded, ...failed]) as Json,
  }
}

const always = [400, 401, 403, 406, 408, 431, 500, 503]

/** The statuses of the errors it can answer with. */
function errorsOf(operation: Operation): readonly number[] {
  const { method, path, headers = {}, errors = [], forAll } = operation
  if (forAll) return [406, 500]
  const writes = method !== 'GET' && method !== 'OPTIONS'
  return [
    ...always,
    ...(path.includes(':') || writes ? [404] : []),
    ...(writes ? [409, 413] : []),
    ...('If-Match' in headers ? [412] : []),
    ...errors,
  ].filter((status, i, all) => all.indexOf(status) === i)
}

function errorOf(status: number, schemas: Record<string, unknown>): Json {
  const types = Object.values(errors).flatMap((one) =>
    'status' in one && one.status === status ? [one.type] : [],
  )
  const schema = status === 401 ? unauthorized : neutronError([...new Set(types)].sort())
  const headers = {
    'WWW-Authenticate': {
      description: 'Where or how to get a token.',
      schema: { type: 'string' },
    },
  }
  return {
    description: statusWords[status],
    ...(status === 401 && { headers }),
    content: { 'application/json': { schema: named(schema, schemas) } },
  }
}

function neutronError(types: string[]): TSchema {
  const type = Type.String({ enum: types })
  const error = Type.Object({ type, message: Type.String(), detail: Type.Literal('') })
  return Type.Object({ NeutronError: error })
}

/** As Keystone's middleware answers. */
const unauthorized = Type.Object({
  error: Type.Object({
    code: Type.Literal(401),
    title: Type.Literal('Unauthorized'),
    message: Type.String({ description: 'What is wrong, and the way out.' }),
  }),
})

/** The schema as JSON, with a reference to `schemas` in the place of each that has a title. */
function named(schema: TSchema, schemas: Record<string, unknown>): Json {
  const { title, ...rest } = Object.fromEntries(
    Object.entries(schema).map(([name, value]) => [name, within(value)]),
  )
  if (typeof title !== 'string') return title === undefined ? rest : { title, ...rest }
  schemas[title] ??= rest
  if (JSON.stringify(schemas[title]) !== JSON.stringify(rest)) {
    throw new Error(`two schemas are called ${title}: call one of them something else`)
  }
  return { $ref: `#/components/schemas/${title}` }

  function within(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(within)
    return isObject(value) ? named(value, schemas) : value
  }
}

function nameOf(status: number): string {
  return `Error${status}`
}

const pathWords: Readonly<Record<string, string>> = {
  id: 'The id.',
  tag: 'The tag.',
  project: 'The id of a project.',
  host: 'The name of a host.',
  iface: 'The name of an interface.',
}

const statusWords: Readonly<Record<number, string>> = {
  200: 'It is so.',
  201: 'It was made.',
  202: 'It is written, and a switch has still to do it.',
  204: 'It is so, and there is nothing to show.',
  400: 'The request makes no sense; the message names what is wrong and the way out.',
  401: 'The request says not who asks.',
  403: 'Whoever asks may not.',
  404: 'There is no such thing, as far as whoever asks may know.',
  406: 'Accept leaves out application/json.',
  408: 'The request took too long to arrive.',
  409: 'Something else stands in the way.',
  412: 'The revision is not that of If-Match.',
  413: 'The body is too large.',
  431: 'The headers are too large.',
  500: 'The server failed.',
  501: 'There is no switch beside this server.',
  503: 'Try again.',
}
