// OVSDB (RFC 7047, ovsdb-server(7)): a database's rows, typed, kept in step with the server; and transactions on them.
export * from './client.ts'
export * from './column.ts'
export * from './errors.ts'
export { encode, encodeRow } from './notation.ts'
export type { Json } from './notation.ts'
export type { Condition, Mutation, Op, OpResult, WireRow } from './operation.ts'
export type { Change } from './replica.ts'
export * from './vswitch.ts'
