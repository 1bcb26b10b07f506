// Errors of a request, whatever it is about.

import { ApiError, Unauthorized, define, few, quoted, show } from './define.ts'

export const requestErrors = {
  // Identity.
  noToken: (challenge: string) =>
    new Unauthorized(
      'The request says not who asks: send a token as X-Auth-Token, or as Authorization: Bearer.',
      challenge,
    ),
  unknownToken: (challenge: string) =>
    new Unauthorized('The token is not known, or no longer valid: get another.', challenge),
  noRole: define(
    403,
    'PolicyNotAuthorized',
    (user: string, roles: readonly string[]) =>
      `User ${user} has none of the roles admin, member and reader here, but ${few(roles)}: have one assigned (openstack role add).`,
  ),
  noScope: define(
    403,
    'PolicyNotAuthorized',
    (scope: string) =>
      `The token is for ${scope}, and networks belong to projects: get one for a project (openstack --os-project-name NAME …).`,
  ),
  askedByName: define(
    403,
    'PolicyNotAuthorized',
    (host: string) =>
      `This server asks nobody who they are, and so answers to loopback's names alone, not to ${show(host)}: ask 127.0.0.1 or localhost, or have it know who asks (auth = "tokens").`,
  ),
  askedByPage: define(
    403,
    'PolicyNotAuthorized',
    (origin: string) =>
      `A browser sends this for a page (Origin ${show(origin)}), and nobody here is asked who it is: leave Origin out, or have the server know who asks (auth = "tokens" or "keystone").`,
  ),
  keystoneAway: define(
    503,
    'ServiceUnavailable',
    () =>
      'Keystone does not say whether the token is valid: try again. Why is in the log of portward.',
  ),

  // The request as such.
  noSuchPath: define(
    404,
    'HTTPNotFound',
    (path: string) =>
      `Nothing is served at ${path}: see GET /v2.0/ for networks, subnets and ports, GET /portward/v1/status for the hosts.`,
  ),
  noSecurityGroupPath: define(
    404,
    'HTTPNotFound',
    (path: string) =>
      `Nothing is served at ${path}: Portward enforces port security, not security groups. What a port may send as are its fixed_ips and allowed_address_pairs: see GET /v2.0/ports.`,
  ),
  noSuchExtension: define(
    404,
    'HTTPNotFound',
    (alias: string) =>
      `There is no extension ${show(alias)} here: GET /v2.0/extensions lists them.`,
  ),
  methodNotAllowed: define(
    405,
    'HTTPMethodNotAllowed',
    (method: string, path: string, allowed: readonly string[]) =>
      `${path} does not take ${method}: it takes ${allowed.join(', ')}.`,
  ),
  notAcceptable: define(
    406,
    'HTTPNotAcceptable',
    (accept: string) =>
      `Answers are application/json, and Accept is ${show(accept)}: accept that, or leave it out.`,
  ),
  tooLarge: define(
    413,
    'HTTPRequestEntityTooLarge',
    (limit: number) => `A request's body may have ${limit} bytes: send less at once.`,
  ),
  headersTooLarge: define(
    431,
    'HTTPRequestHeaderFieldsTooLarge',
    (limit: number) =>
      `A request's line and headers may have ${limit} bytes: ask with a shorter query, or several times.`,
  ),
  tooSlow: define(
    408,
    'HTTPRequestTimeout',
    (seconds: number) =>
      `The request did not arrive within ${seconds} seconds, and nothing was done: send it again.`,
  ),
  noMediaType: define(
    400,
    'HTTPBadRequest',
    (type: string) => `Content-Type is ${show(type)}: write application/json, or leave it out.`,
  ),
  malformed: define(400, 'HTTPBadRequest', (why: string) => `The request cannot be read: ${why}.`),
  notJson: define(
    400,
    'HTTPBadRequest',
    (why: string) => `The request's body must be a JSON object: ${why}.`,
  ),
  noResource: define(
    400,
    'HTTPBadRequest',
    (resource: string) =>
      `The request's body lacks its member '${resource}': write {"${resource}": {…}}.`,
  ),
  emptyBulk: define(
    400,
    'HTTPBadRequest',
    (collection: string) => `'${collection}' is an empty list: name at least one.`,
  ),
  bulkTooLarge: define(
    400,
    'HTTPBadRequest',
    (collection: string, count: number, most: number) =>
      `'${collection}' has ${count} members, and one request may make ${most}: send several.`,
  ),
  postOnItem: define(
    400,
    'HTTPBadRequest',
    (path: string) => `POST makes a new resource at its collection; to change ${path} use PUT.`,
  ),
  /** PUT or DELETE of a collection: Neutron looks for a resource without an id. */
  noId: (type: string, method: string, path: string) =>
    new ApiError(404, type, `${method} needs the id of what it is for: ${path}/ID.`),
  badIfMatch: define(
    400,
    'BadRequest',
    (text: string) => `If-Match is ${show(text)}: write revision_number=NUMBER.`,
  ),
  badWait: define(
    400,
    'HTTPBadRequest',
    (text: string) => `wait is ${show(text)}: the only thing to wait for is 'applied'.`,
  ),
  staleRevision: define(
    412,
    'RevisionNumberConstraintFailed',
    (wanted: number, current: number) =>
      `If-Match wants revision_number ${wanted} and it is ${current} by now: read it again, then decide.`,
  ),
  tooManyAtOnce: define(
    413,
    'HTTPRequestEntityTooLarge',
    () =>
      'The store takes less than that in one transaction, and nothing was written: send fewer resources at once.',
  ),
  storeAway: define(
    503,
    'ServiceUnavailable',
    (requestId: string) =>
      `The store did not acknowledge it: look whether it was done before you try again. The server's log has the cause under ${requestId}.`,
  ),
  contended: define(
    503,
    'ServiceUnavailable',
    () => 'Others keep changing the same resource; nothing was written. Try again.',
  ),

  // Attributes.
  unknownAttributes: define(
    400,
    'HTTPBadRequest',
    (resource: string, names: readonly string[]) =>
      `Unrecognized attribute(s) ${quoted(names)}: a ${resource} has no such; take it out of the request.`,
  ),
  missingAttribute: define(
    400,
    'HTTPBadRequest',
    (resource: string, name: string) => `A new ${resource} needs '${name}'.`,
  ),
  notInPost: define(
    400,
    'HTTPBadRequest',
    (name: string) => `'${name}' is decided by the server: take it out of the request.`,
  ),
  readOnly: define(
    400,
    'HTTPBadRequest',
    (name: string) => `'${name}' cannot be changed: make a new one, or take it out of the request.`,
  ),
  invalidValue: define(
    400,
    'HTTPBadRequest',
    (name: string, wanted: string, seen: unknown) =>
      `${name}: wanted ${wanted}, got ${show(seen)}.`,
  ),
  invalidInput: define(
    400,
    'InvalidInput',
    (name: string, wanted: string, seen: unknown) =>
      `${name}: wanted ${wanted}, got ${show(seen)}.`,
  ),
  projectsDiffer: define(
    400,
    'HTTPBadRequest',
    (projectId: string, tenantId: string) =>
      `project_id ${show(projectId)} and tenant_id ${show(tenantId)} are one attribute: give one of them.`,
  ),

  noProject: define(
    400,
    'HTTPBadRequest',
    () => 'Whoever asks belongs to no project: say whose it shall be as project_id.',
  ),
  notYourProject: define(
    400,
    'HTTPBadRequest',
    (asked: string, own: string) =>
      `project_id: ${show(asked)} is not the project you are in, ${show(own)}: only administrators make resources for others.`,
  ),
  forbidden: define(
    403,
    'PolicyNotAuthorized',
    (what: string, wanted: string) => `You may not do this (${what}): it takes ${wanted}.`,
  ),

  // Lists.
  notFilterable: define(
    400,
    'HTTPBadRequest',
    (names: readonly string[], known: readonly string[]) =>
      `A list cannot be filtered by ${quoted(names)}; it can be by ${known.join(', ')}.`,
  ),
  notSortable: define(
    400,
    'HTTPBadRequest',
    (names: readonly string[], known: readonly string[]) =>
      `A list cannot be sorted by ${quoted(names)}; it can be by ${known.join(', ')}.`,
  ),
  badSortDir: define(
    400,
    'HTTPBadRequest',
    (names: readonly string[]) => `sort_dir is ${quoted(names)}: it can be 'asc' or 'desc'.`,
  ),
  unevenSort: define(
    400,
    'HTTPBadRequest',
    (keys: number, dirs: number) =>
      `${keys} sort_key and ${dirs} sort_dir are given: give one sort_dir for each sort_key.`,
  ),
  badLimit: define(
    400,
    'BadRequest',
    (text: string) => `limit is ${show(text)}: it must be an integer, 0 or greater.`,
  ),
} as const
