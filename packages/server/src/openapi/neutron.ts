// The operations of the Neutron API that are no resource's list, show, create, update and delete.

import { Type } from 'typebox'
import type { TSchema } from 'typebox'
import { binding as bindingRequest } from '../bindings.ts'
import { port, vifDetails } from '../port.ts'
import { quotaKinds } from '../quota.ts'
import { foreign, quota } from '../quotas.ts'
import { pathOf } from '../resource.ts'
import type { Operation } from './operation.ts'
import { pending, requestOf, waiting } from './operation.ts'

const links = Type.Array(
  Type.Object({ rel: Type.Literal('self'), href: Type.String({ format: 'uri' }) }),
)
const extension = Type.Object(
  {
    name: Type.String(),
    alias: Type.String(),
    description: Type.String(),
    updated: Type.String({ format: 'date-time' }),
    links: Type.Unsafe({ const: [] }),
  },
  { title: 'Extension' },
)

export const versionOperations: readonly Operation[] = [
  {
    method: 'GET',
    path: '/',
    id: 'listVersions',
    tag: 'versions',
    summary: 'Lists the versions of the Neutron API.',
    answers: {
      200: Type.Object({
        versions: Type.Array(
          Type.Object({ id: Type.String(), status: Type.Literal('CURRENT'), links }),
        ),
      }),
    },
    forAll: true,
  },
  {
    method: 'GET',
    path: '/healthcheck',
    id: 'healthcheck',
    tag: 'versions',
    summary: 'Says OK.',
    answers: { 200: Type.Literal('OK') },
    media: 'text/plain',
    forAll: true,
  },
  {
    method: 'GET',
    path: '/openapi.json',
    id: 'describe',
    tag: 'versions',
    summary: 'Describes the API: this document.',
    answers: {
      200: Type.Object({ openapi: Type.String() }, { additionalProperties: true }),
    },
    forAll: true,
  },
  {
    method: 'GET',
    path: '/v2.0/',
    id: 'listResources',
    tag: 'versions',
    summary: 'Lists the kinds of resources.',
    answers: {
      200: Type.Object({
        resources: Type.Array(
          Type.Object({ name: Type.String(), collection: Type.String(), links }),
        ),
      }),
    },
  },
  {
    method: 'GET',
    path: '/v2.0/extensions',
    id: 'listExtensions',
    tag: 'versions',
    summary: 'Lists the extensions of the Neutron API that work here.',
    answers: { 200: Type.Object({ extensions: Type.Array(extension) }) },
  },
  {
    method: 'GET',
    path: '/v2.0/extensions/:id',
    id: 'showExtension',
    tag: 'versions',
    summary: 'Shows one extension.',
    answers: { 200: Type.Object({ extension }) },
  },
]

const binding = Type.Object({
  host: Type.String(),
  vif_type: Type.String(),
  vnic_type: Type.String(),
  status: Type.String({ enum: ['ACTIVE', 'INACTIVE'] }),
  profile: Type.Record(Type.String(), Type.Unknown()),
  vif_details: vifDetails,
})

const bindingPath = `${pathOf(port)}/:id/bindings/:host`

export const bindingOperations: readonly Operation[] = [
  {
    method: 'GET',
    path: `${pathOf(port)}/:id/bindings`,
    id: 'listPortBindings',
    tag: 'ports',
    summary: 'Lists the hosts a port is bound to: where it speaks, and where it is to be moved.',
    answers: { 200: Type.Object({ bindings: Type.Array(binding) }) },
  },
  {
    method: 'POST',
    path: `${pathOf(port)}/:id/bindings`,
    id: 'createPortBinding',
    tag: 'ports',
    summary: 'Gets a host ready for a port that is to be moved there.',
    body: Type.Object({ binding: requestOf('NewBinding', bindingRequest.attributes, 'POST') }),
    answers: { 201: Type.Object({ binding }) },
    errors: [409],
  },
  {
    method: 'GET',
    path: bindingPath,
    id: 'showPortBinding',
    tag: 'ports',
    summary: 'Shows one of them.',
    answers: { 200: Type.Object({ binding }) },
  },
  {
    method: 'PUT',
    path: bindingPath,
    id: 'updatePortBinding',
    tag: 'ports',
    summary: 'Changes one of them.',
    body: Type.Object({ binding: requestOf('BindingChange', bindingRequest.attributes, 'PUT') }),
    answers: { 200: Type.Object({ binding }) },
  },
  {
    method: 'DELETE',
    path: bindingPath,
    id: 'deletePortBinding',
    tag: 'ports',
    summary: 'Lets go of a host; not of the one where the port speaks.',
    answers: { 204: null },
    errors: [409],
  },
  {
    method: 'PUT',
    path: `${bindingPath}/activate`,
    id: 'activatePortBinding',
    tag: 'ports',
    summary: 'Moves the port: it speaks there once it is silent where it was.',
    ...waiting,
    answers: {
      200: Type.Object({ binding }),
      202: Type.Object({ binding, pending }),
    },
    errors: [409],
  },
]

const limits = eachQuota(Type.Integer({ minimum: -1, description: '-1: any number.' }))
const details = eachQuota(
  Type.Object({
    limit: Type.Integer({ minimum: -1 }),
    used: Type.Integer({ minimum: 0 }),
    reserved: Type.Literal(0),
  }),
)
const owner = { project_id: Type.String(), tenant_id: Type.String() }
const ignored = [...foreign].map(
  (name) =>
    [
      name,
      Type.Optional(Type.Unknown({ description: 'There is none of it here: ignored.' })),
    ] as const,
)

export const quotaOperations: readonly Operation[] = [
  {
    method: 'GET',
    path: '/v2.0/quotas',
    id: 'listQuotas',
    tag: 'quotas',
    summary: 'Lists the quotas that differ from the defaults.',
    answers: {
      200: Type.Object({ quotas: Type.Array(Type.Object({ ...limits, ...owner })) }),
    },
  },
  ...['tenant', 'project'].map(
    (own): Operation => ({
      method: 'GET',
      path: `/v2.0/quotas/${own}`,
      id: own === 'tenant' ? 'showOwnTenant' : 'showOwnProject',
      tag: 'quotas',
      summary: 'Says which project asks.',
      answers: { 200: Type.Object({ [own]: Type.Object(owner) }) },
    }),
  ),
  quotaOperation('GET', '', 'showQuota', 'Shows the quota of a project.'),
  quotaOperation('GET', '/default', 'showDefaultQuota', 'Shows the quota of those without one.'),
  {
    ...quotaOperation('GET', '/details', 'showQuotaDetails', 'Shows a quota and what is used.'),
    answers: { 200: Type.Object({ quota: Type.Object(details) }) },
  },
  {
    ...quotaOperation('PUT', '', 'updateQuota', 'Changes the quota of a project.'),
    body: Type.Object({
      quota: Type.Object(
        {
          ...requestOf('QuotaChanges', quota.attributes, 'PUT').properties,
          check_limit: Type.Optional(
            Type.Unknown({ description: 'true: no limit may be below what is used.' }),
          ),
          force: Type.Optional(Type.Unknown({ description: 'true: check_limit does not count.' })),
          ...Object.fromEntries(ignored),
        },
        { title: 'QuotaChanges', additionalProperties: false },
      ),
    }),
  },
  {
    ...quotaOperation('DELETE', '', 'deleteQuota', 'Gives a project the defaults again.'),
    answers: { 204: null },
  },
]

function quotaOperation(
  method: Operation['method'],
  below: string,
  id: string,
  summary: string,
): Operation {
  const path = `/v2.0/quotas/:project${below}`
  const answers = { 200: Type.Object({ quota: Type.Object(limits) }) }
  return { method, path, id, tag: 'quotas', summary, answers }
}

function eachQuota(schema: TSchema): Record<string, TSchema> {
  return Object.fromEntries(quotaKinds.map((kind) => [kind, schema]))
}
