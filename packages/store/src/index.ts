// The store: desired state on its way to the hosts, observed state on its way back.
export { Compacted, LeaseExpired, StoreError, TooManyOps } from './errors.ts'
export * from './follow.ts'
export * from './keys.ts'
export * from './records.ts'
export { isEntry, readSealed, writeSealed } from './sealed.ts'
export { openSqlite } from './sqlite.ts'
export type { SqliteOptions } from './sqlite.ts'
export * from './store.ts'
