// Where `portward` begins: what must be set before anything else is loaded.

import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'

// A start makes much that lives for a moment. V8 would make room for all of it, and keep the room: 60 MB with 1,000 ports.
setFlagsFromString('--semi-space-growth-factor=1')
setFlagsFromString('--heap-growing-percent=25')

// Compiled code is kept beside the code, never in a shared /tmp: who can write there could as well write the code itself.
// It halves the time that a daemon needs to start, and what stripping the types takes in memory.
enableCompileCache(fileURLToPath(new URL('../../../node_modules/.cache/portward', import.meta.url)))

await import('./program.ts')
