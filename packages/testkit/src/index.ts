// What tests of Portward stand on: a real Open vSwitch in namespaces of its own, guests, frames, arbitraries.
export * from './enclosure.ts'
export * from './flow-watch.ts'
export * from './ovsdb.ts'
export type { PortOptions } from './ports.ts'
export * from './run.ts'
export * from './switch.ts'
