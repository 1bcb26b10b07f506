// The flows of a guarded port, compiled once for each declaration: a switch that comes back empty has them without waiting for
// them to be made again.

import type { Flow } from '@portward/openflow'
import { guardFlows } from '@portward/portsec'
import type { HostPortRecord } from '@portward/store'

type Compiled = { readonly ofport: number; readonly flows: readonly Flow[] }

const compiled = new WeakMap<HostPortRecord, Compiled>()

/** As guardFlows: throws a SpecError when the port cannot be guarded as it is declared. */
export function compiledGuard(ofport: number, port: HostPortRecord): readonly Flow[] {
  const before = compiled.get(port)
  if (before?.ofport === ofport) return before.flows
  const flows = guardFlows(ofport, port)
  compiled.set(port, { ofport, flows })
  return flows
}
