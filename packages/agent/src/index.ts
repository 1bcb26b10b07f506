// The agent of one host: sees its interfaces, keeps its flows right, reports what the switch has acknowledged.
export * from './agent.ts'
export { openCache } from './cache.ts'
export type { Cache } from './cache.ts'
export type { Log } from './log.ts'
export type { ModeWish } from './mode.ts'
export { verify } from './verify.ts'
export type { Difference, Expected, Verification } from './verify.ts'
