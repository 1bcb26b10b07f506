// The VLANs of networks, as tags of ports in OVSDB: what is to be written there, and whether ovs-vswitchd has taken what is
// written. Pure: no socket, no clock. ADR 12.
//
//   a port's row ───────────► setIface ─┐              ┌─► take: the steps of one transaction, which bumps next_cfg
//   what stands on the switch ► stands ─┴─► due ───────┤
//                                                      └── sent: that number; cfg: cur_cfg has reached it ──► applied
//
// The database says what was asked for, not what is so. A VLAN is believed when cur_cfg has reached a bump that came with or
// after the last change of the row. Nothing is changed under a port that may speak: it is silent first.

import type { Iface } from './interface.ts'
import type { Outcome } from './reconciler.ts'
import type { Verdict } from './verdict.ts'

/** What is to be written to the row of an interface's port. */
export type TagStep = {
  readonly iface: string
  /** The row's UUID. */
  readonly port: string
  /** Its VLAN; take away this VLAN, which we had set; or only our name, for it has another's VLAN by now. */
  readonly what: 'set' | 'clear' | 'disown'
  readonly tag: number
  /** We had set it before, and another hand has changed it. */
  readonly again?: true
}

type Known = {
  readonly iface: Iface
  /** ovs-vswitchd has taken the VLAN that the row has. */
  applied: boolean
  /** We are changing its VLAN, and do not know what ovs-vswitchd has taken of that. */
  changing: boolean
}

/** A transaction under way: of which interfaces ovs-vswitchd will have taken which VLAN, and the bump that tells. */
type Flight = { readonly expected: Map<string, Iface['vlan']>; number: number | undefined }

export class Tags {
  readonly #wanted: (iface: Iface) => number
  readonly #mark: (name: string) => void
  readonly #wake: () => void
  readonly #known = new Map<string, Known>()
  /** Those whose VLAN is not believed; those among them for which the first judgement of a switch waits. */
  readonly #unapplied = new Set<string>()
  readonly #awaited = new Set<string>()
  /** Those to look at again. */
  readonly #due = new Set<string>()
  /** The last judgement of each, and those whose last judgement stands on the switch. */
  readonly #judged = new Map<string, Verdict>()
  readonly #standing = new Set<string>()
  #flight: Flight | undefined
  #cfg = { next: 0, cur: 0 }

  constructor(options: {
    /** The VLAN that an interface's port shall be an access port of; 0: none of ours. */
    readonly wanted: (iface: Iface) => number
    /** Called with every interface that must be judged again. */
    readonly mark: (name: string) => void
    /** Called when there may be something to take. */
    readonly wake: () => void
  }) {
    this.#wanted = options.wanted
    this.#mark = options.mark
    this.#wake = options.wake
  }

  /** ovs-vswitchd is known to have taken the VLAN that the interface's port has in OVSDB. */
  applied(name: string): boolean {
    return this.#known.get(name)?.applied ?? false
  }

  /** We are changing its VLAN: ovs-vswitchd may have the one of before, or the one to come, or a later one. */
  changing(name: string): boolean {
    return this.#known.get(name)?.changing ?? false
  }

  /** Tags that an earlier run has set are not believed yet: whoever judged now would silence honest ports. */
  get starting(): boolean {
    return this.#awaited.size > 0
  }

  /**
   * A switch was found, with flows of which nothing is known: those of an earlier run, or of another Portward. What that took away
   * last, the switch may have yet.
   */
  begin(): void {
    this.#judged.clear()
    this.#standing.clear()
    const behind = this.#cfg.next !== this.#cfg.cur
    for (const name of this.#unapplied) {
      if (behind || this.#known.get(name)?.iface.ownTag !== undefined) this.#awaited.add(name)
    }
    this.#wake()
  }

  /** It does not tell that it has taken them: they are judged for what they are, not believed. */
  giveUp(): void {
    this.#awaited.clear()
  }

  /** An interface came, changed, or (undefined) went. */
  setIface(name: string, iface: Iface | undefined): void {
    const before = this.#known.get(name)
    if (iface === undefined) {
      this.#known.delete(name)
      this.#judged.delete(name)
      this.#standing.delete(name)
      this.#doubt(name)
      this.#unapplied.delete(name)
      return
    }
    const same = before?.iface.port === iface.port && before?.iface.vlan === iface.vlan
    this.#known.set(name, {
      iface,
      applied: same && (before?.applied ?? false),
      changing: before?.changing ?? false,
    })
    if (!same || before === undefined) {
      this.#unapplied.add(name)
      const expected = before?.iface.port === iface.port && this.#flight?.expected.has(name)
      if (!expected || this.#flight?.expected.get(name) !== iface.vlan) this.#doubt(name)
    }
    this.#look(name)
  }

  /** The numbers of Open_vSwitch, when the rows are those that came with them. */
  cfg(next: number, cur: number): void {
    this.#cfg = { next, cur }
    this.#settle()
  }

  /** What is about to be sent to the switch: from here on it may be so. */
  judged({ name, verdict }: Outcome): void {
    this.#standing.delete(name)
    if (verdict === undefined) this.#judged.delete(name)
    else this.#judged.set(name, verdict)
  }

  /** The switch has it, and its datapath follows. */
  stands({ name, verdict }: Outcome): void {
    if (verdict === undefined || this.#judged.get(name) !== verdict) return
    this.#standing.add(name)
    this.#look(name)
  }

  /**
   * What to write in one transaction that bumps next_cfg, which may be nothing else; undefined: no transaction. It is under way
   * until `sent` and `cfg` tell that it has been taken, or it has `failed`; meanwhile there is no other.
   */
  take(): readonly TagStep[] | undefined {
    if (this.#flight !== undefined) return undefined
    const steps = [...this.#due].flatMap((name) => this.#stepOf(name) ?? [])
    const asking = [...this.#due].filter((name) => this.#asks(name))
    this.#due.clear()
    if (steps.length === 0 && asking.length === 0 && !this.starting) return undefined
    const expected = new Map<string, Iface['vlan']>()
    for (const { iface: name, what, tag } of steps) {
      const known = this.#known.get(name)
      if (known === undefined || what === 'disown') continue
      const after = what === 'set' ? tag : undefined
      if (known.iface.vlan !== after) {
        known.applied = false
        this.#unapplied.add(name)
      }
      known.changing = true
      expected.set(name, after)
    }
    for (const name of [...asking, ...this.#unapplied]) {
      if (!expected.has(name)) expected.set(name, this.#known.get(name)?.iface.vlan)
    }
    this.#flight = { expected, number: undefined }
    return steps
  }

  /** The database has it; next_cfg is this since. */
  sent(number: number): void {
    if (this.#flight !== undefined) this.#flight.number = number
    this.#settle()
  }

  /** The database may have it, or not. */
  failed(): void {
    for (const name of this.#flight?.expected.keys() ?? []) this.#due.add(name)
    this.#flight = undefined
    this.#wake()
  }

  /** Whether the switch has caught up. Who sets next_cfg back has the switch set cur_cfg back, a little later. */
  #settle(): void {
    const { next, cur } = this.#cfg
    const { number, expected } = this.#flight ?? {}
    if (number === undefined || expected === undefined) return
    if (next < number) return this.failed()
    if (!(cur >= number && cur <= next)) return
    this.#flight = undefined
    for (const [name, vlan] of expected) {
      const known = this.#known.get(name)
      if (known === undefined) continue
      if (known.iface.vlan === vlan) this.#believe(name, known)
      this.#due.add(name)
    }
    this.#wake()
  }

  #believe(name: string, known: Known): void {
    const concerns = known.changing || this.#awaited.has(name) || this.#wanted(known.iface) !== 0
    known.applied = true
    known.changing = false
    this.#unapplied.delete(name)
    this.#awaited.delete(name)
    if (concerns) this.#mark(name)
  }

  /** What is under way tells nothing of it any more. */
  #doubt(name: string): void {
    this.#flight?.expected.delete(name)
    if (this.#awaited.delete(name)) this.#mark(name)
  }

  #look(name: string): void {
    this.#due.add(name)
    if (this.#flight === undefined) this.#wake()
  }

  #stepOf(name: string): TagStep | undefined {
    const iface = this.#known.get(name)?.iface
    if (iface?.port === undefined || iface.bond === true) return undefined
    const { port, vlan, ownTag } = iface
    const tag = this.#wanted(iface)
    if (tag !== 0) {
      if (vlan === tag && ownTag === tag) return undefined
      if (vlan !== tag && this.#stateOf(name) !== 'silent') return undefined
      return { iface: name, port, what: 'set', tag, ...(ownTag === tag && { again: true }) }
    }
    if (ownTag === undefined) return undefined
    if (vlan !== ownTag) return { iface: name, port, what: 'disown', tag: ownTag }
    const gone = ['silent', 'trunk', 'foreign'].includes(this.#stateOf(name) ?? '')
    return gone ? { iface: name, port, what: 'clear', tag: ownTag } : undefined
  }

  /** Its row is as it should be, and the switch is to say that it has taken it. */
  #asks(name: string): boolean {
    const known = this.#known.get(name)
    if (known === undefined) return false
    const tag = this.#wanted(known.iface)
    if (tag !== 0) return !known.applied && known.iface.vlan === tag
    return known.changing && known.iface.ownTag === undefined
  }

  #stateOf(name: string): Verdict['state'] | undefined {
    return this.#standing.has(name) ? this.#judged.get(name)?.state : undefined
  }
}
