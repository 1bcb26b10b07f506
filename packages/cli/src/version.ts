import { createRequire } from 'node:module'

/** One version for all packages. */
export const { version: VERSION } = createRequire(import.meta.url)('../package.json') as {
  version: string
}
