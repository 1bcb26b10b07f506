// The HTTP application: which path is served by what, and what all answers have in common.

import { fastify } from 'fastify'
import type {
  FastifyBaseLogger,
  FastifyError,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
} from 'fastify'
import { StoreError, TooManyOps } from '@portward/store'
import type {
  AgentRecord,
  NetworkRecord,
  PortRecord,
  RbacRecord,
  SubnetRecord,
} from '@portward/store'
import { randomUUID } from 'node:crypto'
import { maxHeaderSize } from 'node:http'
import { agent, deleteAgent, updateAgent } from './agents.ts'
import { serveBindings } from './bindings.ts'
import type { Caller, Identity } from './caller.ts'
import { REQUEST_TIMEOUT, answerClientError } from './client-error.ts'
import { baseOf, serveCollection } from './collection.ts'
import { ApiError, errors } from './errors.ts'
import { serveExplain } from './explain.ts'
import { extensionOf, listExtensions } from './extensions.ts'
import { serveHistory } from './history-routes.ts'
import { serveInterfaces } from './interfaces.ts'
import type { Tls } from './identity/tls.ts'
import { deleteNetwork } from './network-deletion.ts'
import { createNetworks, network, updateNetwork } from './networks.ts'
import { serveOpenApi } from './openapi.ts'
import { port } from './port.ts'
import { createPorts, deletePort, updatePort } from './ports.ts'
import { servePortward } from './portward.ts'
import type { LocalHost } from './portward.ts'
import { serveQuotas } from './quotas.ts'
import { createRbac, deleteRbac, updateRbac } from './rbac.ts'
import { rbacPolicy } from './rbac-policy.ts'
import { pathOf } from './resource.ts'
import { notServed, watchRoutes } from './served.ts'
import { subnet } from './subnet.ts'
import { createSubnets, deleteSubnet, updateSubnet } from './subnets.ts'
import { serveTags } from './tags.ts'
import type { Context } from './transact.ts'
import { applied, withdrawn } from './wait.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who sends it. */
    caller: Caller
  }
}

export type AppOptions = {
  readonly context: Context
  readonly identity: Identity
  readonly tls: Tls | undefined
  readonly log: FastifyBaseLogger | undefined
  readonly local: LocalHost | undefined
  readonly version: string
  /** Ends every wait. */
  readonly signal: AbortSignal
}

const BODY_MAX = 1 << 20
/** A name may stand where an id does: clients try that first. What Node takes for a request's line is short enough. */
const PARAM_MAX = maxHeaderSize

const resources = [network, subnet, port, rbacPolicy, agent] as const

export function buildApp(options: AppOptions): FastifyInstance {
  const { context, identity, tls, log, signal } = options
  const app: FastifyInstance = fastify({
    ...(log === undefined ? {} : { loggerInstance: log }),
    ...(tls === undefined ? {} : { https: tls.options }),
    bodyLimit: BODY_MAX,
    requestTimeout: REQUEST_TIMEOUT,
    clientErrorHandler: answerClientError,
    exposeHeadRoutes: false,
    genReqId: () => `req-${randomUUID()}`,
    // As Neutron's router: a suffix .json and a slash at the end are as if they were not there.
    rewriteUrl: ({ url = '/' }) =>
      url.replace(/^(\/v2\.0\/[^?]*?)(?:\.json|(?<!\/v2\.0)\/)(?=\?|$)/, '$1'),
    routerOptions: { maxParamLength: PARAM_MAX },
    frameworkErrors: (error, request, reply) => void answer(error, request, withId(request, reply)),
  })
  // Neutron takes JSON under any Content-Type; what isn't JSON is found out when it is read.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body))
  app.setErrorHandler(answer)
  const served = watchRoutes(app)
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.replace(/\?.*/s, '')
    const { error, allowed } = notServed(served, resources, { method: request.method, path })
    if (error.status === 405) reply.header('allow', allowed.join(', '))
    return answer(error, request, reply)
  })
  app.addHook('onRequest', (request, reply, done) => {
    withId(request, reply)
    const { accept = '*/*' } = request.headers
    done(acceptsJson(accept) ? undefined : errors.notAcceptable(accept))
  })

  app.decorateRequest('caller')
  app.addHook('onRequest', async (request) => {
    request.caller = isForAll(request.url) ? stranger : await identity.identify(request.headers)
  })

  serveVersions(app)
  serveCollection<NetworkRecord, typeof network.attributes>(
    app,
    context,
    { resource: network, create: createNetworks, update: updateNetwork, remove: deleteNetwork },
    signal,
  )
  serveCollection<SubnetRecord, typeof subnet.attributes>(
    app,
    context,
    { resource: subnet, create: createSubnets, update: updateSubnet, remove: deleteSubnet },
    signal,
  )
  serveCollection<PortRecord, typeof port.attributes>(
    app,
    context,
    {
      resource: port,
      create: createPorts,
      update: updatePort,
      remove: deletePort,
      written: applied,
      deleted: ({ id, boundHost }) => withdrawn(id, boundHost),
    },
    signal,
  )
  serveCollection<RbacRecord, typeof rbacPolicy.attributes>(
    app,
    context,
    { resource: rbacPolicy, create: createRbac, update: updateRbac, remove: deleteRbac },
    signal,
  )
  serveCollection<AgentRecord, typeof agent.attributes>(
    app,
    context,
    { resource: agent, update: updateAgent, remove: deleteAgent },
    signal,
  )
  serveTags<NetworkRecord>(app, context, { resource: network, update: updateNetwork })
  serveTags<SubnetRecord>(app, context, { resource: subnet, update: updateSubnet })
  serveTags<PortRecord>(app, context, { resource: port, update: updatePort })
  serveBindings(app, context, signal)
  serveQuotas(app, context)
  serveHistory(app, context)
  servePortward(app, options)
  serveInterfaces(app, options)
  serveExplain(app, options)
  serveOpenApi(app, options.version)
  return app
}

/** Who has not been asked who it is. */
const stranger: Caller = { userId: '', userName: '', projectId: '', role: 'reader' }

/** What says nothing of anybody's resources. */
function isForAll(url: string): boolean {
  return ['/', '/healthcheck', '/openapi.json'].includes(url.replace(/\?.*/s, ''))
}

function serveVersions(app: FastifyInstance): void {
  const self = (href: string) => [{ rel: 'self', href }]
  app.get('/', (request) => {
    const links = self(`${baseOf(request)}/v2.0/`)
    return Promise.resolve({ versions: [{ id: 'v2.0', status: 'CURRENT', links }] })
  })
  app.get('/v2.0/', (request) =>
    Promise.resolve({
      resources: resources.map((resource) => ({
        name: resource.name,
        collection: resource.collection,
        links: self(`${baseOf(request)}${pathOf(resource)}`),
      })),
    }),
  )
  app.get('/healthcheck', (_, reply) => reply.type('text/plain; charset=UTF-8').send('OK'))
  app.get('/v2.0/extensions', () => Promise.resolve({ extensions: listExtensions() }))
  app.get<{ Params: { id: string } }>('/v2.0/extensions/:id', (request) =>
    Promise.resolve({ extension: extensionOf(request.params.id) }),
  )
}

function withId(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return reply.header('X-Openstack-Request-Id', request.id)
}

function answer(
  error: ApiError | FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { status, body, headers } = translated(error, request)
  if (status === 413) {
    // Whoever is still sending reads no answer before the end of it: so take it all, into nothing, and do not hang up.
    request.raw.resume()
    reply.removeHeader('connection')
  }
  return reply.code(status).headers(headers).send(body)
}

function translated(error: ApiError | FastifyError, request: FastifyRequest): ApiError {
  if (error instanceof ApiError) return error
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') return errors.tooLarge(BODY_MAX)
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return errors.noMediaType(request.headers['content-type'] ?? '')
  }
  if (error.statusCode !== undefined && error.statusCode < 500) {
    return errors.malformed(error.message)
  }
  if (error instanceof TooManyOps) return errors.tooManyAtOnce()
  request.log.error({ err: error }, 'a request failed')
  if (error instanceof StoreError) return errors.storeAway(request.id)
  return errors.internal(request.id)
}

/** RFC 9110, section 12.5.1, as far as it concerns a server with one media type. */
function acceptsJson(accept: string): boolean {
  return accept.split(',').some((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const refused = parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter))
    return !refused && ['*/*', 'application/*', 'application/json'].includes(type)
  })
}
