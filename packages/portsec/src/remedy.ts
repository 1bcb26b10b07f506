// The smallest change of a port that lets a frame pass, found by trying: what could help against the rule that drops the frame, in
// order of how little it opens, is compiled and judged again, until the frame is delivered. Nothing that was not tried is offered.

import type { Ip, Mac } from '@portward/addr'
import { bitsOf, familyOf, linkLocalOf, prefixOf } from '@portward/addr'
import { bindingsOf } from './binding.ts'
import type { Check, Checks } from './checks.ts'
import { checks, lists } from './checks.ts'
import type { Rule } from './rule.ts'
import type { Seen } from './seen.ts'
import type { Subject } from './subject.ts'
import { judged } from './subject.ts'

/** One change of a port. */
export type Change =
  | { readonly type: 'up' }
  | { readonly type: 'pair'; readonly mac: Mac; readonly ip: Ip }
  | { readonly type: 'list'; readonly check: 'vlan' | 'ethertype'; readonly entry: number }
  | { readonly type: 'exempt'; readonly check: Check }
  | { readonly type: 'off' }

/** All of the changes together, and what they make of the port. */
export type Remedy = { readonly changes: readonly Change[]; readonly port: Subject }

type Attempt = Remedy & { readonly cost: number }

/** Of a port that drops the frame. Undefined where no change of it lets the frame pass. */
export function remedyFor(subject: Subject, frame: Uint8Array, seen: Seen): Remedy | undefined {
  const attempts: Attempt[] = [{ changes: [], port: subject, cost: 0 }]
  const tried = new Set<string>()
  for (let next = cheapest(attempts); next !== undefined; next = cheapest(attempts)) {
    const { changes, port, cost } = next
    const key = changes.map(nameOf).sort().join()
    if (tried.has(key)) continue
    tried.add(key)
    const judgement = judged(port, frame)
    if (judgement?.verdict === 'delivered') return { changes, port }
    if (changes.length >= MOST_CHANGES) continue
    for (const change of changesFor(port, judgement?.rule, seen)) {
      const after = changed(port, change)
      if (after === undefined) continue
      attempts.push({ changes: [...changes, change], port: after, cost: cost + costOf(change) })
    }
  }
  return undefined
}

/** The port is to be up; and of one frame a tag, a claim, a source and a kind can each be in the way. */
const MOST_CHANGES = 5

function cheapest(attempts: Attempt[]): Attempt | undefined {
  let best: Attempt | undefined
  for (const attempt of attempts) {
    if (best === undefined || attempt.cost < best.cost) best = attempt
  }
  if (best !== undefined) attempts.splice(attempts.indexOf(best), 1)
  return best
}

/** How much a change opens, against others: an address, a kind of frame, a whole check, everything. */
function costOf(change: Change): number {
  switch (change.type) {
    case 'up':
      return 0
    case 'pair':
      // Its link-local address comes with each MAC: such a pair opens the MAC and nothing else.
      return change.ip === linkLocalOf(change.mac) ? 1 : 1.5
    case 'list':
      return 3
    case 'exempt':
      return exemptionCosts[change.check]
    case 'off':
      return 1000
    default:
      return change satisfies never
  }
}

const exemptionCosts: Readonly<Record<Check, number>> = {
  query: 10,
  redirect: 12,
  ra: 14,
  'dhcp-server': 14,
  vlan: 20,
  ethertype: 20,
  nd: 30,
  arp: 30,
  source: 40,
}

function nameOf(change: Change): string {
  return JSON.stringify(change)
}

/** What could help against a rule; without one the port cannot be guarded as it is. Whether it does is for others to try. */
function changesFor(port: Subject, rule: Rule | undefined, seen: Seen): readonly Change[] {
  if (!port.up) return [{ type: 'up' }]
  if (!port.guarded) return []
  if (rule === undefined) return [{ type: 'off' }]
  return [...pairsFor(rule, seen), ...listsFor(rule, seen), ...exemptionsFor(rule), { type: 'off' }]
}

const claims: ReadonlySet<Rule> = new Set<Rule>([1, 3, 4, 5, 6, 9, 10, 12])

function pairsFor(rule: Rule, seen: Seen): readonly Change[] {
  if (!claims.has(rule)) return []
  const mac = seen.ethSrc
  const { arpSpa, arpTpa, ipv4Src, ipv6Src, ipv6NdTarget } = seen
  const asked = arpSpa === '0.0.0.0' ? arpTpa : arpSpa
  const ips = [linkLocalOf(mac), asked, ipv4Src, ipv6Src, ipv6NdTarget]
  return [...new Set(ips)].flatMap((ip): readonly Change[] =>
    ip === undefined || ip === '0.0.0.0' || ip === '::' ? [] : [{ type: 'pair', mac, ip }],
  )
}

function listsFor(rule: Rule, { tags, ethType }: Seen): readonly Change[] {
  const [tci] = tags
  if (rule === 2 && tci !== undefined) {
    return [{ type: 'list', check: 'vlan', entry: tci & 0xfff }]
  }
  return rule === 16 ? [{ type: 'list', check: 'ethertype', entry: ethType }] : []
}

function exemptionsFor(rule: Rule): readonly Change[] {
  const covering = Object.entries(checks).filter(([, check]) =>
    (check.rules as readonly Rule[]).includes(rule),
  )
  return covering.map(([check]) => ({ type: 'exempt', check: check as Check }))
}

/** The port after a change; undefined where that is no change, or none that a port can have. */
export function changed(port: Subject, change: Change): Subject | undefined {
  const { spec } = port
  switch (change.type) {
    case 'up':
      return port.up ? undefined : { ...port, up: true }
    case 'off':
      // Pairs are for ports with port security alone: the API keeps the two apart.
      return { ...port, guarded: false, spec: { ...spec, allowedAddressPairs: [] } }
    case 'exempt':
      return exemptedOf(spec.checks, change.check, false, port)
    case 'list': {
      const { check, entry } = change
      const before = spec.checks?.[check] ?? []
      if (before === false || before.includes(entry) || !lists[check].permits(entry))
        return undefined
      const most = check === 'ethertype' ? port.most?.etherTypes : undefined
      if (before.length >= (most ?? Infinity)) return undefined
      return exemptedOf(spec.checks, check, [...before, entry], port)
    }
    case 'pair': {
      const { mac, ip } = change
      const pair = { mac, prefix: prefixOf(ip, bitsOf(familyOf(ip))) }
      const pairs = spec.allowedAddressPairs
      if (pairs.length >= (port.most?.pairs ?? Infinity)) return undefined
      const has = bindingsOf(spec).some((one) => one.mac === mac && one.prefix === pair.prefix)
      return has ? undefined : { ...port, spec: { ...spec, allowedAddressPairs: [...pairs, pair] } }
    }
    default:
      return change satisfies never
  }
}

function exemptedOf(
  checks: Checks = {},
  check: Check,
  exemption: false | readonly number[],
  port: Subject,
): Subject | undefined {
  if (checks[check] === false) return undefined
  return { ...port, spec: { ...port.spec, checks: { ...checks, [check]: exemption } } }
}
