// Every error the API can answer with: status, type and sentence. Statuses and types are Neutron's, so that clients which
// look at them go on working; the sentences are ours and name the way out.

import { portwardErrors } from './errors/portward.ts'
import { requestErrors } from './errors/request.ts'
import { resourceErrors } from './errors/resource.ts'

export { ApiError } from './errors/define.ts'

export const errors = { ...requestErrors, ...resourceErrors, ...portwardErrors } as const
