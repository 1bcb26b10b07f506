// The agent of one host: sees its interfaces, keeps its flows right, reports what the switch has acknowledged.
export * from './agent.ts'
export type { Log } from './log.ts'
export type { ModeWish } from './mode.ts'
