// The HTTP application: which path is served by what, and what all answers have in common.

import { fastify } from 'fastify'
import type {
  FastifyBaseLogger,
  FastifyError,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
} from 'fastify'
import type { NetworkRecord, PortRecord, SubnetRecord } from '@portward/store'
import { randomUUID } from 'node:crypto'
import { maxHeaderSize } from 'node:http'
import { REQUEST_TIMEOUT, answerClientError } from './client-error.ts'
import { baseOf, serveCollection } from './collection.ts'
import { ApiError, errors } from './errors.ts'
import { serveExplain } from './explain.ts'
import { extensionOf, listExtensions } from './extensions.ts'
import { createNetworks, deleteNetwork, network, updateNetwork } from './networks.ts'
import { createPorts, deletePort, port, updatePort } from './ports.ts'
import { servePortward } from './portward.ts'
import type { LocalHost } from './portward.ts'
import { createSubnets, deleteSubnet, subnet, updateSubnet } from './subnets.ts'
import type { Context } from './transact.ts'
import { applied, withdrawn } from './wait.ts'

export type AppOptions = {
  readonly context: Context
  readonly log: FastifyBaseLogger | undefined
  readonly local: LocalHost | undefined
  readonly version: string
  /** Ends every wait. */
  readonly signal: AbortSignal
}

const BODY_MAX = 1 << 20
/** A name may stand where an id does: clients try that first. What Node takes for a request's line is short enough. */
const PARAM_MAX = maxHeaderSize
const METHODS = ['GET', 'OPTIONS', 'POST', 'PUT', 'DELETE'] as const

const resources = [network, subnet, port] as const

export function buildApp(options: AppOptions): FastifyInstance {
  const { context, log, signal } = options
  const app: FastifyInstance = fastify({
    ...(log === undefined ? {} : { loggerInstance: log }),
    bodyLimit: BODY_MAX,
    requestTimeout: REQUEST_TIMEOUT,
    clientErrorHandler: answerClientError,
    exposeHeadRoutes: false,
    genReqId: () => `req-${randomUUID()}`,
    rewriteUrl: ({ url = '/' }) => url.replace(/^(\/v2\.0\/[^?]*)\.json(?=\?|$)/, '$1'),
    routerOptions: { maxParamLength: PARAM_MAX },
    frameworkErrors: (error, request, reply) => void answer(error, request, withId(request, reply)),
  })
  // Neutron takes JSON under any Content-Type; what isn't JSON is found out when it is read.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body))
  app.setErrorHandler(answer)
  app.setNotFoundHandler(notFound)
  app.addHook('onRequest', (request, reply, done) => {
    withId(request, reply)
    const { accept = '*/*' } = request.headers
    done(acceptsJson(accept) ? undefined : errors.notAcceptable(accept))
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
  servePortward(app, options)
  serveExplain(app, options)
  return app
}

function serveVersions(app: FastifyInstance): void {
  const self = (href: string) => [{ rel: 'self', href }]
  app.get('/', (request) => {
    const links = self(`${baseOf(request)}/v2.0/`)
    return Promise.resolve({ versions: [{ id: 'v2.0', status: 'CURRENT', links }] })
  })
  app.get('/v2.0/', (request) =>
    Promise.resolve({
      resources: resources.map(({ name, collection }) => ({
        name,
        collection,
        links: self(`${baseOf(request)}/v2.0/${collection}`),
      })),
    }),
  )
  app.get('/healthcheck', (_, reply) => reply.type('text/plain; charset=UTF-8').send('OK'))
  app.get('/v2.0/extensions', () => Promise.resolve({ extensions: listExtensions() }))
  app.get<{ Params: { id: string } }>('/v2.0/extensions/:id', (request) =>
    Promise.resolve({ extension: extensionOf(request.params.id) }),
  )
}

/** A path that is known, and a method that isn't for it; or neither. */
function notFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const path = request.url.replace(/\?.*/s, '')
  const { method, server } = request
  const patterns = [path, path.replace(/[^/]+$/, ':id')]
  const allowed = METHODS.filter((one) =>
    patterns.some((url) => server.hasRoute({ url, method: one })),
  )
  if (allowed.length === 0) return answer(errors.noSuchPath(path), request, reply)
  const [, plural, id] = /^\/v2\.0\/([a-z-]+)(?:\/([^/]+))?$/.exec(path) ?? []
  const resource = resources.find(({ collection }) => collection === plural)
  if (resource !== undefined && id === undefined && (method === 'PUT' || method === 'DELETE')) {
    return answer(errors.noId(resource.notFound('').type, method, path), request, reply)
  }
  if (resource !== undefined && method === 'POST') {
    return answer(errors.postOnItem(path), request, reply)
  }
  reply.header('allow', allowed.join(', '))
  return answer(errors.methodNotAllowed(method, path, allowed), request, reply)
}

function withId(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return reply.header('X-Openstack-Request-Id', request.id)
}

function answer(
  error: ApiError | FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { status, body } = translated(error, request)
  if (status === 413) {
    // Whoever is still sending reads no answer before the end of it: so take it all, into nothing, and do not hang up.
    request.raw.resume()
    reply.removeHeader('connection')
  }
  return reply.code(status).send(body)
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
  request.log.error({ err: error }, 'a request failed')
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
