// A fault, as an object: what is done to Portward or to the switch while frames flow, and what frames must not notice of it.

import type { Guest, PortwardOptions, Switch } from '@portward/testkit'
import type { Kind } from './frames.ts'
import type { Scene, Stage } from './scene.ts'

/** `S`: where it can happen; Portward's own scene, or a peer's. */
export type Fault<S extends Stage = Scene> = {
  /** For `--only`; words with hyphens. */
  readonly name: string
  /** Whether every honest frame must arrive all the same: the switch and its flows survive. Otherwise a loss is a figure. */
  readonly lossless: boolean
  /**
   * The fault is itself a hole, made by one who may: how long it stays open is a figure. One that `must` be seen is there to say
   * that this bench does see. Otherwise no leak is allowed.
   */
  readonly opens?: 'may' | 'must'
  /** Takes so long that it is run by name alone. */
  readonly slow?: true
  /** How long frames flow on when all is over; default TAIL_MS. */
  readonly tailMs?: number
  /** Who speaks, and what; default: the sender, as itself and as the victim. */
  readonly speakers?: (scene: S) => Promise<readonly Speaker[]>
  /** Where Portward is started with something else than usual. */
  readonly setting?: (sw: Switch) => Promise<Setting>
  /** Does it, and puts right what an operator would put right; `scene.struck()` where it begins later than the call. */
  readonly inject: (scene: S, random: () => number) => Promise<void>
  /** What no frame needs to see, so that it can happen again. */
  readonly restore?: (scene: S) => Promise<void>
}

export type Speaker = { readonly guest: Guest; readonly kinds: readonly Kind[] }

export type Setting = Partial<Pick<PortwardOptions, 'rundir' | 'state' | 'env' | 'within'>>

export const TAIL_MS = 700
