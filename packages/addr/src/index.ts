// Addresses in one canonical form. Everything inside Portward compares them as strings, so there must be one spelling each.
export * from './ip.ts'
export * from './mac.ts'
export * from './prefix.ts'
