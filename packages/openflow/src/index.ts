export * from './flow.ts'
export * from './oxm.ts'
