// The core: what a port owns, the flows that follow from it, and what to tell the switch. No socket, no clock, no file.
export * from './binding.ts'
export * from './checks.ts'
export * from './flow-row.ts'
export * from './guard.ts'
export * from './pipeline.ts'
export * from './plan.ts'
export * from './rule.ts'
export * from './words.ts'
