// `portward server`: the API alone, over a store that agents elsewhere follow. Any number may serve one store.

import { once } from 'node:events'
import type { Config } from './config.ts'
import { announce, logOf, mustBeShared } from './daemon.ts'
import { releaseHeap } from './heap.ts'
import { openGate, serve } from './server-parts.ts'
import { openWhole } from './store/open.ts'
import { placeOf } from './store/place.ts'

/** Runs until the signal aborts; prints the line `ready URL` once it serves. Ends with the store's error if it is away then. */
export async function server(config: Config, signal: AbortSignal): Promise<void> {
  mustBeShared(config, 'server')
  const log = logOf(config)
  await using gate = await openGate(config, log, signal)
  await using store = await openWhole(placeOf(config))
  await using serving = await serve(config, gate, store, { log, signal })
  releaseHeap()
  announce(`ready ${serving.url}`)
  if (!signal.aborted) await once(signal, 'abort')
}
