// Flows as `ovs-ofctl dump-flows --no-names` prints them (ovs-ofctl(8), ovs-fields(7)), letter for letter.

import type { Ip } from '@portward/addr'
import { bytesOfIp, isIpv4 } from '@portward/addr'
import type { Action, Flow, FlowStats } from './flow.ts'
import { OFPP } from './flow.ts'
import { canonicalMatch, rowsOf } from './match.ts'
import type { Masked, Match, MovableName, OxmField, OxmName, OxmValues } from './oxm.ts'
import { isMasked, oxm } from './oxm.ts'

/** What ovs-ofctl leaves out of its text. */
const DEFAULT_PRIORITY = 32_768

/**
 * One line of a dump. For a flow without statistics it is that line without its counters, ages and timeouts:
 * `cookie=0x0, table=24, priority=2,arp,in_port=7 actions=resubmit(,25)`.
 */
export function flowText(flow: Flow | FlowStats): string {
  const stats = 'packets' in flow ? flow : undefined
  const parts = [
    `cookie=0x${flow.cookie.toString(16)}, `,
    stats && `duration=${seconds(stats.durationSeconds)}s, `,
    `table=${flow.table}, `,
    stats && countersText(stats),
  ]
  const match = matchText(canonicalMatch(flow.match), flow.priority)
  return `${parts.join('')}${match}${match === '' ? '' : ' '}actions=${actionsText(flow.actions)}`
}

/** As in a dump: `priority=2,arp,in_port=7`; empty for a flow of the default priority that takes every frame. */
function matchText(match: Match, priority: number): string {
  const parts = priority === DEFAULT_PRIORITY ? [] : [`priority=${priority}`]
  if (match.pktMark !== undefined) parts.push(fieldText('pktMark', match.pktMark))
  const shorthand = shorthandOf(match)
  if (shorthand !== undefined) parts.push(shorthand.word)
  const said = ['pktMark', ...(shorthand?.says ?? [])]
  for (const { name } of rowsOf(match)) {
    if (!said.includes(name)) parts.push(fieldText(name, match[name]))
  }
  if (match.unknown !== undefined) parts.push(`unknown(${match.unknown})`)
  return parts.join(',')
}

function actionsText(actions: readonly Action[]): string {
  return actions.length === 0 ? 'drop' : actions.map(actionText).join(',')
}

function countersText(stats: FlowStats): string {
  const { packets, bytes, idleTimeout, hardTimeout, flags } = stats
  const parts = [`n_packets=${packets}, n_bytes=${bytes}, `]
  if (idleTimeout !== 0) parts.push(`idle_timeout=${idleTimeout}, `)
  if (hardTimeout !== 0) parts.push(`hard_timeout=${hardTimeout}, `)
  for (const [bit, word] of flagWords) if ((flags & bit) !== 0) parts.push(`${word} `)
  return parts.join('')
}

/** OFPFF_ (OpenFlow 1.3, section A.3.4.1). */
const flagWords = [
  [1, 'send_flow_rem'],
  [2, 'check_overlap'],
  [4, 'reset_counts'],
  [8, 'no_packet_counts'],
  [16, 'no_byte_counts'],
] as const

function seconds(n: number): string {
  return Number.isInteger(n) ? String(n) : n.toFixed(3)
}

/** Words that stand for an EtherType, and where the second number is given, an IP protocol. */
const shorthands: readonly (readonly [number, number | undefined, string])[] = [
  [0x0800, 1, 'icmp'],
  [0x0800, 6, 'tcp'],
  [0x0800, 17, 'udp'],
  [0x0800, 132, 'sctp'],
  [0x0800, undefined, 'ip'],
  [0x86dd, 58, 'icmp6'],
  [0x86dd, 6, 'tcp6'],
  [0x86dd, 17, 'udp6'],
  [0x86dd, 132, 'sctp6'],
  [0x86dd, undefined, 'ipv6'],
  [0x0806, undefined, 'arp'],
  [0x8035, undefined, 'rarp'],
  [0x8847, undefined, 'mpls'],
  [0x8848, undefined, 'mplsm'],
]

/** The word, and the fields it says already. */
function shorthandOf(match: Match): { word: string; says: readonly OxmName[] } | undefined {
  for (const [ethType, ipProto, word] of shorthands) {
    if (match.ethType !== ethType) continue
    if (ipProto === undefined) return { word, says: ['ethType'] }
    if (match.ipProto === ipProto) return { word, says: ['ethType', 'ipProto'] }
  }
  return undefined
}

type ValueText<T> = (value: T, mask: T | undefined) => string

/** How the values of a codec are written after `name=`. */
const valueTexts: { readonly [Codec in keyof OxmValues]: ValueText<OxmValues[Codec]> } = {
  u8: numberText,
  u16: numberText,
  u32: hexText,
  u64: hexText,
  mac: slashed,
  ipv4: prefixText,
  ipv6: prefixText,
}

/** Fields that are written in a way of their own. */
const fieldTexts: { readonly [Name in OxmName]?: ValueText<number> } = {
  vlanTci: vlanText,
  inPort: (port) => `in_port=${portText(port)}`,
  ethType: (type) => `dl_type=0x${hex(type, 4)}`,
  ipFrag: (bits, mask) => `nw_frag=${fragText(bits, mask)}`,
}

function fieldText(name: OxmName, field: Masked<unknown>): string {
  const { text, codec }: OxmField = oxm[name]
  const [value, mask] = isMasked(field) ? [field.value, field.mask] : [field, undefined]
  const own = fieldTexts[name]
  // The row that says how to write has given the value's type.
  const write = (own ?? valueTexts[codec]) as ValueText<unknown>
  return own === undefined ? `${text}=${write(value, mask)}` : write(value, mask)
}

function numberText(value: number, mask: number | undefined): string {
  return mask === undefined ? String(value) : `0x${hex(value)}/0x${hex(mask)}`
}

function hexText(value: number | bigint, mask: number | bigint | undefined): string {
  return slashed(prefixedHex(value), mask === undefined ? undefined : prefixedHex(mask))
}

function slashed(value: string, mask: string | undefined): string {
  return mask === undefined ? value : `${value}/${mask}`
}

function hex(n: number | bigint, digits = 1): string {
  return n.toString(16).padStart(digits, '0')
}

/** As C's `%#x`: zero has no prefix. */
function prefixedHex(n: number | bigint): string {
  return n === 0 || n === 0n ? '0' : `0x${hex(n)}`
}

/** An address with a mask is a prefix where the mask's ones stand in front. */
function prefixText(ip: Ip, mask: Ip | undefined): string {
  if (mask === undefined) return ipText(ip)
  const bits = [...bytesOfIp(mask)].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  const length = bits.indexOf('0')
  return bits.includes('1', length) ? `${ipText(ip)}/${ipText(mask)}` : `${ipText(ip)}/${length}`
}

/** inet_ntop(3) writes the last 32 bits of IPv4-mapped and IPv4-compatible addresses as IPv4; RFC 5952 does so for neither. */
function ipText(ip: Ip): string {
  const bytes = bytesOfIp(ip)
  if (isIpv4(ip) || bytes.subarray(0, 10).some((byte) => byte !== 0)) return ip
  const tail = bytes.subarray(10)
  const ipv4 = tail.subarray(2).join('.')
  if (tail[0] === 0xff && tail[1] === 0xff) return `::ffff:${ipv4}`
  const compatible = tail[0] === 0 && tail[1] === 0 && (tail[2] !== 0 || tail[3] !== 0)
  return compatible ? `::${ipv4}` : ip
}

const CFI = 0x1000
const VID = 0x0fff
const PCP = 0xe000

function vlanText(tci: number, mask = 0xffff): string {
  const [vid, pcp] = [mask & VID, mask & PCP]
  const whole = (vid === 0 || vid === VID) && (pcp === 0 || pcp === PCP) && (vid | pcp) !== 0
  if ((tci & mask & CFI) !== 0 && whole) {
    const words = vid === 0 ? [] : [`dl_vlan=${tci & VID}`]
    if (pcp !== 0) words.push(`dl_vlan_pcp=${tci >> 13}`)
    return words.join(',')
  }
  const value = `vlan_tci=0x${hex(tci, 4)}`
  return mask === 0xffff ? value : `${value}/0x${hex(mask, 4)}`
}

function fragText(bits: number, mask = 3): string {
  const [any, later] = [(bits & 1) !== 0, (bits & 2) !== 0]
  switch (mask) {
    case 1:
      return any ? 'yes' : 'no'
    case 2:
      return later ? 'later' : 'not_later'
    default:
      if (any) return later ? 'later' : 'first'
      return later ? '<error>' : 'no'
  }
}

const portNames = new Map<number, string>([
  [OFPP.inPort, 'IN_PORT'],
  [OFPP.table, 'TABLE'],
  [OFPP.normal, 'NORMAL'],
  [OFPP.flood, 'FLOOD'],
  [OFPP.all, 'ALL'],
  [OFPP.controller, 'CONTROLLER'],
  [OFPP.local, 'LOCAL'],
  [OFPP.any, 'ANY'],
])

function portText(port: number): string {
  return portNames.get(port) ?? String(port)
}

function actionText(action: Action): string {
  switch (action.type) {
    case 'output':
      if (action.port === OFPP.controller) return `CONTROLLER:${action.maxLength ?? 0}`
      return portNames.get(action.port) ?? `output:${action.port}`
    case 'resubmit':
      return `resubmit(,${action.table})`
    case 'load':
      return `load:${prefixedHex(action.value)}->${subfieldText(action.field, action)}`
    case 'move':
      return `move:${lowBits(action.from, action.bits)}->${lowBits(action.to, action.bits)}`
    case 'popVlan':
      return 'pop_vlan'
    case 'pushVlan':
      return `push_vlan:0x${hex(action.tpid, 4)}`
    case 'group':
      return `group:${action.group}`
    case 'raw':
    case 'instruction':
      return `${action.type}(${action.hex})`
    default:
      return action satisfies never
  }
}

function lowBits(name: MovableName, bits: number): string {
  return subfieldText(name, { offset: 0, bits })
}

/** Those of fields that Nicira's extensions did not bring. */
const partNames = new Map<MovableName, string>([
  ['vlanTci', 'NXM_OF_VLAN_TCI'],
  ['inPort', 'OXM_OF_IN_PORT'],
])

/** As ovs-fields(7) names a part of a field; whole, it needs no range. */
function subfieldText(name: MovableName, part: { offset: number; bits: number }): string {
  const { offset, bits } = part
  const text = partNames.get(name) ?? `NXM_NX_${oxm[name].text.toUpperCase()}`
  const all = name === 'vlanTci' ? 16 : 32
  if (offset === 0 && bits === all) return `${text}[]`
  return bits === 1 ? `${text}[${offset}]` : `${text}[${offset}..${offset + bits - 1}]`
}
