// The versions spoken, and what differs between them, as rows.

/** The version byte of a message: OpenFlow 1.3, 1.4, 1.5. */
export type Version = 4 | 5 | 6

/** A kind of message or multipart: by its own number, or as an extension of the ONF (EXT-230 bundles, EXT-187 monitors). */
export type Kind = { readonly type: number } | { readonly onf: number }

export type Dialect = {
  /** As the column `protocols` of a bridge has it. */
  readonly name: string
  readonly bundleControl: Kind
  readonly bundleAdd: Kind
  /** Kinds of multipart. */
  readonly flowMonitor: Kind
  /** How a part of a register is set; ovs-ofctl prints what it was told in 1.5 as `set_field`. */
  readonly load: 'regLoad' | 'setField'
  readonly flowStats: 'fixed' | 'oxs'
  /** What the events of a flow monitor are numbered, and in which order their fields come. */
  readonly flowUpdate: {
    readonly layout: 'onf' | 'standard'
    readonly present: readonly number[]
    readonly removed: number
  }
}

const standard = {
  bundleControl: { type: 33 },
  bundleAdd: { type: 34 },
  flowMonitor: { type: 16 },
  load: 'regLoad',
  flowStats: 'fixed',
  // OFPFME_INITIAL, _ADDED, _MODIFIED; _REMOVED. The others (ABBREV, PAUSED, RESUMED) carry no flow.
  flowUpdate: { layout: 'standard', present: [0, 1, 3], removed: 2 },
} as const

export const dialects: { readonly [V in Version]: Dialect } = {
  4: {
    name: 'OpenFlow13',
    bundleControl: { onf: 2300 },
    bundleAdd: { onf: 2301 },
    flowMonitor: { onf: 1870 },
    load: 'regLoad',
    flowStats: 'fixed',
    // NXFME_ADDED, _MODIFIED; _DELETED. The other (ABBREV) carries no flow.
    flowUpdate: { layout: 'onf', present: [0, 2], removed: 1 },
  },
  5: { ...standard, name: 'OpenFlow14' },
  6: { ...standard, name: 'OpenFlow15', load: 'setField', flowStats: 'oxs' },
}

/** The best first. */
export const versions = [6, 5, 4] as const satisfies readonly Version[]
