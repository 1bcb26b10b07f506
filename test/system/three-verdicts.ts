// Three verdicts on a frame at a port: of the rules, written down as predicates; of the interpreter, which goes through the
// flows; and of Open vSwitch, which has the flows. All must be the same, whatever the port, the frame, and the switch's
// settings are.

import * as fc from 'fast-check'
import { flowText } from '@portward/openflow'
import type { PortSpec, Rule } from '@portward/portsec'
import { bridgeFlows, guardFlows, judge, prepare } from '@portward/portsec'
import type { DeclaredPort, Eyes, Switch } from '@portward/testkit'
import { declaredPorts, framesNear, openTracer, verdictByRules } from '@portward/testkit'

/** What one switch is asked of one frame. */
export type Case = { readonly port: number; readonly frame: Uint8Array }

export type Verdicts = {
  readonly byRules: boolean
  readonly byFlows: boolean
  readonly bySwitch: boolean
  /** The rules that the frame breaks. */
  readonly broken: readonly number[]
  /**
   * The rule by which the flows drop it, or let it pass. Undefined where they would have it pass, and the switch itself
   * drops it.
   */
  readonly named: Rule | undefined
  /** What Open vSwitch says of it. */
  readonly trace: string
}

/** Milliseconds that each has taken; of the switch, until all was told while the others were at work too. */
export type Times = { cases: number; rules: number; flows: number; switch: number }

export type Court = AsyncDisposable & {
  /** How the switch is set from now on. */
  readonly look: (eyes: Eyes) => Promise<void>
  readonly judge: (cases: readonly Case[]) => Promise<readonly Verdicts[]>
}

/**
 * Ports of these declarations on the switch, all at once, named by their places in the list; gone again when it is disposed
 * of.
 */
export async function openCourt(
  sw: Switch,
  ports: readonly DeclaredPort[],
  times: Times = noTime(),
): Promise<Court> {
  const names = ports.map((_, i) => `port${i}`)
  // A patch port without its peer costs the switch nothing. NORMAL needs one that it can send to.
  const elsewhere = { name: 'elsewhere' }
  await sw.addPorts([...names.map((name) => ({ name, type: 'patch' as const })), elsewhere])
  const numbers = await sw.ofports()
  const ofports = names.map((name) => numbers.get(name) ?? -1)
  const tracer = await openTracer(sw)
  let eyes: Eyes
  let prepared: ReturnType<typeof prepare>

  return {
    async look(like) {
      eyes = like
      const flows = [
        ...bridgeFlows('own', eyes.fragments),
        ...ports.flatMap((port, i) => guardFlows(at(ofports, i), specOf(port, i))),
      ]
      prepared = prepare(flows)
      await sw.vsctl('set', 'Open_vSwitch', '.', `other_config:vlan-limit=${eyes.vlanLimit}`)
      await sw.ofctl('set-frags', sw.bridge, fragmentModes[eyes.fragments])
      await sw.ofctl('del-flows', sw.bridge)
      await sw.ofctlWith(
        flows.map(flowText).join('\n'),
        '-OOpenFlow14',
        'add-flows',
        sw.bridge,
        '-',
      )
    },
    async judge(cases) {
      const asked = performance.now()
      const traces = cases.map(({ port, frame }) => tracer.trace(at(ofports, port), frame))
      const ruled = timed(times, 'rules', () =>
        cases.map(({ port, frame }) => verdictByRules(at(ports, port), frame, eyes)),
      )
      const view = { vlanLimit: eyes.vlanLimit, fragments: fragmentModes[eyes.fragments] }
      const judged = timed(times, 'flows', () =>
        cases.map(({ port, frame }) => judge(prepared, frame, at(ofports, port), view)),
      )
      const told = await Promise.all(traces)
      times.switch += performance.now() - asked
      return told.map(({ text }, i) => ({
        byRules: at(ruled, i).passes,
        byFlows: at(judged, i).verdict === 'delivered',
        bySwitch: REACHED_NORMAL.test(text) && !HALF_A_TAG.test(text),
        broken: at(ruled, i).broken,
        named: HALF_A_TAG.test(text) ? undefined : at(judged, i).rule,
        trace: text,
      }))
    },
    async [Symbol.asyncDispose]() {
      await tracer[Symbol.asyncDispose]()
      await sw.removePorts([...names, elsewhere.name])
    },
  }
}

/** What they differ in; undefined when they agree. Of several broken rules, the flows may name any. */
export function differenceOf(verdicts: Verdicts): string | undefined {
  const { byRules, byFlows, bySwitch, broken, named } = verdicts
  const says = (passes: boolean): string => (passes ? 'let it pass' : 'drop it')
  if (byRules !== byFlows || byFlows !== bySwitch) {
    const flows = `the flows ${says(byFlows)} (rule ${named ?? 'none'})`
    const rules = `the rules ${says(byRules)} (broken: ${broken.join(', ') || 'none'})`
    return `${rules}, ${flows}, the switch would ${says(bySwitch)}`
  }
  if (byRules || named === undefined || broken.includes(named)) return undefined
  return `all drop it, but the rules by ${broken.join(', ')}, the flows by ${named}`
}

export type Round = {
  readonly cases: number
  readonly passed: number
  /** By what they differ in: the first that was met, made as small as can be, ready to be kept; and how many there were. */
  readonly differences: ReadonlyMap<string, { readonly text: string; count: number }>
}

/** Cases of a round. */
export const ROUND = 20_000
const BATCH = 1000
const SHRINK_MS = 10_000
const PORTS = 60
/** With the batches that see so: most see as a bridge of ours does. */
const views: readonly (readonly [Eyes, number])[] = [
  [{ vlanLimit: 1, fragments: 'seen' }, 10],
  [{ vlanLimit: 1, fragments: 'hidden' }, 4],
  [{ vlanLimit: 0, fragments: 'seen' }, 3],
  [{ vlanLimit: 2, fragments: 'hidden' }, 3],
]

/** `ROUND` random cases: some ports side by side, and frames near what they may say. All follow from the seed. */
export async function playRound(sw: Switch, seed: number, times?: Times): Promise<Round> {
  const ports = fc.sample(declaredPorts(), { numRuns: PORTS, seed })
  const frames = ports.map((port, i) => framesNear(port, at(ports, (i + 1) % PORTS)))
  const cases = fc
    .nat(PORTS - 1)
    .chain((port) => at(frames, port).map((frame): Case => ({ port, frame })))
  await using court = await openCourt(sw, ports, times)
  const differences = new Map<string, { text: string; count: number }>()
  let passed = 0
  let count = 0
  for (const [eyes, batches] of views) {
    await court.look(eyes)
    for (let batch = 0; batch < batches; batch++) {
      const batchSeed = seed + count
      const sample = (): Case[] => fc.sample(cases, { numRuns: BATCH, seed: batchSeed })
      const some = times === undefined ? sample() : timed(times, 'cases', sample)
      count += some.length
      for (const [i, verdicts] of (await court.judge(some)).entries()) {
        if (verdicts.byRules) passed++
        const difference = differenceOf(verdicts)
        if (difference === undefined) continue
        const known = differences.get(difference)
        if (known !== undefined) known.count++
        else {
          const run = { seed: batchSeed, path: String(i) }
          const { found, path } = await smallest(court, cases, run, at(some, i))
          const [small] = await court.judge([found])
          const kept = textOfCase(at(ports, found.port), found.frame, eyes)
          const where = `seed ${batchSeed}, path ${path}, of the round ${seed}`
          const what = differenceOf(small ?? verdicts) ?? difference
          const text = [what, where, kept, small?.trace].join('\n')
          differences.set(difference, { text, count: 1 })
        }
      }
    }
  }
  return { cases: count, passed, differences }
}

/** The case at this place of a run, as small as it can be and still be judged differently. */
async function smallest(
  court: Court,
  cases: fc.Arbitrary<Case>,
  run: { readonly seed: number; readonly path: string },
  first: Case,
): Promise<{ readonly found: Case; readonly path: string }> {
  const agree = fc.asyncProperty(cases, async (one) => {
    const verdicts = await court.judge([one])
    return verdicts.every((each) => differenceOf(each) === undefined)
  })
  const details = await fc.check(agree, { ...run, numRuns: 1, interruptAfterTimeLimit: SHRINK_MS })
  const [found = first] = details.counterexample ?? []
  return { found, path: details.counterexamplePath ?? run.path }
}

export function textOfCase(port: DeclaredPort, frame: Uint8Array, eyes: Eyes): string {
  const hex = Buffer.from(frame).toString('hex')
  return `port: ${JSON.stringify(port)}\neyes: ${JSON.stringify(eyes)}\nframe: ${hex}`
}

export function noTime(): Times {
  return { cases: 0, rules: 0, flows: 0, switch: 0 }
}

const fragmentModes = { seen: 'nx-match', hidden: 'normal' } as const
/** Where it goes from there is the bridge's own business. */
const REACHED_NORMAL = /^ +NORMAL$/m
/** But for these: whatever VLANs the bridge's ports are in, it forwards none of them. */
const HALF_A_TAG = /partial VLAN tag, dropping/

function specOf(port: DeclaredPort, i: number): PortSpec {
  const id = (i + 1).toString(16).padStart(8, '0')
  return { portId: `${id}-a63a-4c77-a04a-fa57b6e43463`, ...port }
}

function at<T>(list: readonly T[], i: number): T {
  const found = list[i]
  if (found === undefined) throw new RangeError(`there is no ${i}`)
  return found
}

function timed<T>(times: Times, name: keyof Times, work: () => T): T {
  const from = performance.now()
  const result = work()
  times[name] += performance.now() - from
  return result
}
