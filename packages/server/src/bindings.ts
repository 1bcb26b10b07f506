// GET /v2.0/ports/ID/bindings: on which hosts a port is bound, and how. Neutron API v2.0, "Port Bindings"; a port has one, and it
// is changed by the port's binding:host_id.

import type { FastifyInstance } from 'fastify'
import { askedBy } from './collection.ts'
import { adminOnly } from './policy.ts'
import { port, vifDetailsOf, vifTypeOf } from './port.ts'
import { pathOf, storedAt } from './resource.ts'
import type { Context } from './transact.ts'

export function serveBindings(app: FastifyInstance, context: Context): void {
  app.get<{ Params: { id: string } }>(`${pathOf(port)}/:id/bindings`, async (request) => {
    const asking = askedBy(context, request)
    const { record } = storedAt(port, asking, request.params.id)
    adminOnly(request.caller, 'to see how a port is bound')
    const { boundHost, vnicType, bindingProfile } = record
    if (boundHost === '') return { bindings: [] }
    const vif_type = vifTypeOf(record, context.replica)
    const vif_details = vifDetailsOf(record, context.replica)
    const profile = bindingProfile
    return {
      bindings: [
        { host: boundHost, vif_type, vnic_type: vnicType, status: 'ACTIVE', profile, vif_details },
      ],
    }
  })
}
