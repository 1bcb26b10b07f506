// What the two switch protocols share: an address, a framed channel, the life of a link, the wire trace.
export * from './address.ts'
export * from './channel.ts'
export * from './keep.ts'
export * from './link.ts'
export * from './trace.ts'
