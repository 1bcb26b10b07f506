// An order in which the ports of a network can be written: whoever frees a MAC or an address comes before whoever takes it.
// Where ports want each other's in a circle, one of them lets go of what is wanted first.

import type { Call } from './plan.ts'

/** What becomes of one port. */
export type PortOp = {
  readonly calls: readonly Call[]
  /** MACs and addresses that become its own, and that are its own no longer. */
  readonly takes: ReadonlySet<string>
  readonly frees: ReadonlySet<string>
  /** The server chooses some of its addresses: after all that are named. */
  readonly chooses: boolean
  /** Lets go of these, before its own time comes. */
  readonly yields: (claims: ReadonlySet<string>) => Call
}

export function orderPorts(ops: readonly PortOp[]): readonly Call[] {
  const takers = new Set(ops.flatMap(({ takes }) => [...takes]))
  const givers = new Map(ops.flatMap((op) => [...op.frees].map((claim) => [claim, op] as const)))
  const progress = new Map<PortOp, 'begun' | 'yielded' | 'done'>()
  const calls: Call[] = []
  const visit = (op: PortOp): void => {
    progress.set(op, 'begun')
    for (const claim of op.takes) {
      const giver = givers.get(claim)
      if (giver === undefined || giver === op) continue
      const at = progress.get(giver)
      if (at === undefined) visit(giver)
      else if (at === 'begun') {
        progress.set(giver, 'yielded')
        calls.push(giver.yields(giver.frees.intersection(takers)))
      }
    }
    progress.set(op, 'done')
    calls.push(...op.calls)
  }
  for (const op of [...ops].sort((a, b) => rank(a) - rank(b))) if (!progress.has(op)) visit(op)
  return calls
}

/** What takes nothing goes last: a failure on the way then has cost the least. */
function rank({ takes, chooses }: PortOp): number {
  if (chooses) return 1
  return takes.size === 0 ? 2 : 0
}
