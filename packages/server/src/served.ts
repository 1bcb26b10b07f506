// What is served, as it was registered: for telling a path that is asked in the wrong way from one that is not there.

import type { FastifyInstance } from 'fastify'
import type { ApiError } from './errors.ts'
import { errors } from './errors.ts'
import { pathOf } from './resource.ts'
import type { Resource } from './resource.ts'

export type Served = {
  /** The methods that the path takes; none: there is no such path. */
  methodsOf(path: string): readonly string[]
}

/** To be called before the first route is registered. */
export function watchRoutes(app: FastifyInstance): Served {
  const routes: { readonly path: RegExp; readonly methods: readonly string[] }[] = []
  app.addHook('onRoute', ({ url, method }) => {
    const pattern = url.replaceAll(/:[a-z]+/g, '[^/]+').replaceAll('.', String.raw`\.`)
    routes.push({ path: new RegExp(`^${pattern}$`), methods: [method].flat() })
  })
  return {
    methodsOf: (path) => [
      ...new Set(routes.flatMap((route) => (route.path.test(path) ? route.methods : []))),
    ],
  }
}

/** A path that is known, and a method that isn't for it; or neither. */
export function notServed(
  served: Served,
  resources: readonly (Pick<Resource<never>, 'collection' | 'path'> & {
    notFound(id: string): ApiError
  })[],
  { method, path }: { readonly method: string; readonly path: string },
): { readonly error: ApiError; readonly allowed: readonly string[] } {
  const allowed = served.methodsOf(path)
  if (allowed.length === 0) {
    const groups = path.startsWith('/v2.0/security-group')
    return { error: groups ? errors.noSecurityGroupPath(path) : errors.noSuchPath(path), allowed }
  }
  const refused = { error: errors.methodNotAllowed(method, path, allowed), allowed }
  const [, collection, id] = /^(\/v2\.0\/[a-z-]+)(?:\/([^/]+))?$/.exec(path) ?? []
  const resource = resources.find((one) => pathOf(one) === collection)
  if (resource === undefined) return refused
  if (id === undefined && (method === 'PUT' || method === 'DELETE')) {
    return { error: errors.noId(resource.notFound('').type, method, path), allowed }
  }
  if (id !== undefined && method === 'POST') return { error: errors.postOnItem(path), allowed }
  return refused
}
