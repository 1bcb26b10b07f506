// For how long flows were missing that came back, and how many of them at once. One that did not come back was not needed.

import type { FlowEvent } from '@portward/testkit'

export type Absence = { readonly ms: number; readonly most: number }

export function absenceIn(changes: readonly FlowEvent[]): Absence {
  const gone = new Map<string, number>()
  const steps: { readonly at: number; readonly by: number }[] = []
  for (const { at, event, text } of changes) {
    const flow = text.replace(/ cookie=\w+/, '').replace(/ actions=.*$/, '')
    const since = gone.get(flow)
    if (event === 'DELETED') gone.set(flow, at)
    else if (since !== undefined) {
      gone.delete(flow)
      steps.push({ at: since, by: 1 }, { at, by: -1 })
    }
  }
  let [ms, flows, most, last] = [0, 0, 0, 0]
  for (const { at, by } of steps.toSorted((a, b) => a.at - b.at || b.by - a.by)) {
    if (flows > 0) ms += at - last
    last = at
    flows += by
    most = Math.max(most, flows)
  }
  return { ms, most }
}
