// OpenFlow 1.3 to 1.5 as Open vSwitch speaks it: flows as values, their wire form and text, and a connection to a switch.
export { openSwitch } from './connection.ts'
export type { SwitchConnection } from './connection.ts'
export { SwitchError } from './error.ts'
export * from './flow.ts'
export * from './key.ts'
export * from './oxm.ts'
export type { FlowFilter } from './stats.ts'
export { flowText } from './text.ts'
