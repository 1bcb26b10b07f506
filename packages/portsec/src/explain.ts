// Why a frame of a port passes or not, for whoever asks: what it is, the way it takes, whose address it claims, and what change
// of the port would let it pass.

import type { Ip, Mac } from '@portward/addr'
import { flowText } from '@portward/openflow'
import { macsOf } from './binding.ts'
import type { Check } from './checks.ts'
import { frameWords } from './frame-words.ts'
import type { Claim, Judgement, Step } from './judge.ts'
import { tables } from './pipeline.ts'
import type { Change, Remedy } from './remedy.ts'
import { remedyFor } from './remedy.ts'
import { isReserved } from './reserved.ts'
import type { Rule } from './rule.ts'
import { rules } from './rule.ts'
import { isTag, seenOf } from './seen.ts'
import type { Subject } from './subject.ts'
import { isUntouched, judged, viewOf } from './subject.ts'
import { wordsOf } from './words.ts'

export type Explanation = {
  readonly verdict: 'delivered' | 'dropped'
  /** 0 where no rule has a part in it. */
  readonly rule: Rule
  readonly ruleText: string
  /** What the frame is. */
  readonly what: string
  readonly path: readonly PathStep[]
  /** False: no flow of ours judges the port’s frames. */
  readonly judged: boolean
  readonly claim: Claim | undefined
  /** What lets a dropped frame pass. */
  readonly remedy: Remedy | undefined
  /** Why it gets nowhere all the same, or why there is no remedy. */
  readonly note: string | undefined
}

export type PathStep = {
  readonly table: number
  readonly name: string
  readonly words: string
  /** As `ovs-ofctl dump-flows` prints the flow; empty where none takes the frame. */
  readonly text: string
}

export function explain(subject: Subject, frame: Uint8Array): Explanation {
  const view = viewOf(subject)
  const seen = seenOf(frame, view)
  const judgement = judged(subject, frame) ?? unjudged
  const { verdict, rule, path, claim } = judgement
  const reserved = isReserved(seen.ethDst) ? reservedNote(seen.ethDst) : undefined
  const hopeless = subject.silence !== undefined || reserved !== undefined
  const remedy = verdict === 'delivered' || hopeless ? undefined : remedyFor(subject, frame, seen)
  const none = isTag(seen.ethType) && seen.tags.length === 0 ? BROKEN_TAG : NOTHING_HELPS
  const nothing = verdict === 'dropped' && remedy === undefined && !hopeless ? none : undefined
  return {
    verdict,
    rule,
    ruleText: ruleTextOf(subject, judgement),
    what: frameWords(frame, view),
    path: path.map(stepOf),
    judged: !isUntouched(subject),
    claim,
    remedy,
    note: reserved ?? nothing,
  }
}

/** Of a port that cannot be guarded as it is declared. */
const unjudged: Judgement = { verdict: 'dropped', rule: 0, path: [] }

function reservedNote(destination: Mac): string {
  return (
    `The switch itself forwards nothing to ${destination}, an address of the bridges’ own protocols, whatever a port may ` +
    'say (unless its bridge has other_config:forward-bpdu=true).'
  )
}

const BROKEN_TAG =
  'The switch itself drops a frame whose VLAN tag breaks off, whatever a port may say.'
const NOTHING_HELPS = 'No change of the port lets it pass.'

function ruleTextOf(subject: Subject, judgement: Judgement): string {
  const { silence, up, guarded } = subject
  if (silence !== undefined) return `nothing of the interface passes: ${silence}`
  if (!up) return 'nothing of the port passes: its admin_state_up is false'
  if (isUntouched(subject)) {
    return 'the port has no guard, and on a shared bridge nobody but the flows of others judges it'
  }
  if (!guarded && judgement.rule === 0) return 'the port has no guard: its frames are not judged'
  if (judgement === unjudged) return 'the port cannot be guarded as it is declared'
  return rules[judgement.rule]
}

function stepOf({ table, flow }: Step): PathStep {
  const name = Object.values(tables).find(({ id }) => id === table)?.name ?? ''
  if (flow === undefined) return { table, name, words: 'no flow takes it: dropped', text: '' }
  return { table, name, words: wordsOf(flow), text: flowText(flow) }
}

/** Whose an address is, among the other ports of the network, in words such as `port bob (ID)`. */
export type Owners = {
  readonly ofIp: (ip: Ip) => string | undefined
  readonly ofMac: (mac: Mac) => string | undefined
}

/** What a remedy opens beside the frame that it is for: a sentence or two for each change. `subject` is the port before it. */
export function opens({ changes }: Remedy, subject: Subject, owners: Owners): readonly string[] {
  return changes.map((change) => opensOf(change, subject, owners))
}

function opensOf(change: Change, { spec }: Subject, owners: Owners): string {
  switch (change.type) {
    case 'up':
      return 'The port speaks again, whatever it says as itself.'
    case 'pair': {
      const { mac, ip } = change
      const other = macsOf(spec).includes(mac)
        ? ''
        : ` It may also send any other frame from ${mac} that it may send from its own MAC, and claim the link-local address of that MAC.`
      const warnings = [
        warning(
          ip,
          owners.ofIp(ip),
          'both could then answer for it, and either may get the other’s traffic',
        ),
        warning(mac, owners.ofMac(mac), 'the switch sends what is for it to whoever spoke last'),
      ]
      return `The port may then answer for ${ip} and send from it with MAC ${mac}, at any time.${other}${warnings.join('')}`
    }
    case 'list':
      return change.check === 'vlan'
        ? `The port may then tag any frame with VLAN ${change.entry}; behind the tag the same rules hold.`
        : `The port may then send any frame of EtherType 0x${change.entry.toString(16).padStart(4, '0')}, whatever is in it.`
    case 'exempt':
      return exemptionOpens[change.check]
    case 'off':
      return (
        'Nothing smaller lets it pass. The port may then claim any address, of any other port too, and send anything at all: ' +
        'nothing of its frames is judged any more.'
      )
    default:
      return change satisfies never
  }
}

function warning(address: string, owner: string | undefined, danger: string): string {
  return owner === undefined ? '' : ` WARNING: ${address} is that of ${owner}: ${danger}.`
}

const exemptionOpens: Readonly<Record<Check, string>> = {
  arp: 'The port may then say in ARP that any IPv4 address is its own, and so take the traffic of any neighbour.',
  nd: 'The port may then say that any IPv6 address is its own, and so take the traffic of any neighbour.',
  source: 'The port may then send IPv4 and IPv6 from any address, in the name of anybody.',
  'dhcp-server':
    'The port may then answer DHCP and DHCPv6 requests of the whole network: give out addresses, routers and name servers.',
  ra: 'The port may then make itself the router of the whole network, and give out IPv6 prefixes.',
  redirect: 'The port may then redirect the traffic of its neighbours to where it likes.',
  query:
    'The port may then become the multicast querier of the network, and send IGMP of every kind.',
  vlan: 'The port may then tag frames with any VLAN, and so reach networks that are not its own.',
  ethertype:
    'The port may then send frames of every other EtherType and LLC, also those of bridges and of unknown protocols, whatever is in them.',
}
