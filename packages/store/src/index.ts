// The store: desired state on its way to the hosts, observed state on its way back.
export * from './keys.ts'
export * from './records.ts'
export * from './store.ts'
