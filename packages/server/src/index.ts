// The Neutron API v2.0 over a store, and Portward's own paths beside it.
export { ApiError } from './errors.ts'
export type { LocalHost } from './portward.ts'
export { Replica } from './replica.ts'
export { openServer } from './server.ts'
export type { Server, ServerOptions } from './server.ts'
