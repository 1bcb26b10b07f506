// `portward:checks`: what a port, or each new port of a network, is exempted from. An attribute of ours, not Neutron's.
//
//   {"arp": false, "vlan": [100, 200], "ethertype": ["0x88cc"]}
//
// Only what deviates is kept and shown, in one order: what is checked whole is left out.

import type { Check } from '@portward/portsec'
import { NO_ETHERTYPE, checks, lists } from '@portward/portsec'
import type { ChecksRecord } from '@portward/store'
import { Type } from 'typebox'
import type { TSchema } from 'typebox'
import { errors } from './errors.ts'
import type { Kind } from './kinds.ts'
import { isObject } from './resource.ts'
import { wordText } from './texts.ts'

/** Each is a flow of the port's guard. */
export const ETHERTYPES_MAX = 64

type Listed = keyof typeof lists
type Exemption = false | readonly number[]

/** EtherTypes that no list can name. */
const refused = Array.from({ length: 0x10000 - NO_ETHERTYPE }, (_, i) => NO_ETHERTYPE + i).filter(
  (type) => !lists.ethertype.permits(type),
)

/** How the members of a list are written, and shown again. */
const items: Readonly<Record<Listed, Item>> = {
  vlan: {
    schema: Type.Array(Type.Integer({ minimum: 1, maximum: 4094 }), { uniqueItems: true }),
    shown: Type.Array(Type.Integer({ minimum: 1, maximum: 4094 })),
    wanted: 'true, false or a list of VLAN ids, each once: integers from 1 to 4094',
    read: (value) => value,
    show: (vid) => vid,
  },
  ethertype: {
    schema: Type.Array(
      Type.Union([
        Type.String({
          pattern: '^0[xX](?:0?(?:5[fF]{2}|[6-9a-fA-F][0-9a-fA-F]{2})|[1-9a-fA-F][0-9a-fA-F]{3})$',
          not: wordText(
            refused.map((type) => type.toString(16)),
            '0[xX]0?',
            '',
          ),
        }),
        Type.Integer({ minimum: NO_ETHERTYPE, maximum: 0xffff, not: { enum: refused } }),
      ]),
      { maxItems: ETHERTYPES_MAX, uniqueItems: true },
    ),
    shown: Type.Array(Type.String({ pattern: '^0x[0-9a-f]{4}$' })),
    wanted: `true, false or a list of at most ${ETHERTYPES_MAX} EtherTypes, each once: "0x0600" to "0xffff", or "0x05ff" for LLC, or integers; for ARP, IP and VLAN tags there are other checks`,
    read: (value) =>
      typeof value === 'string' && /^0x[0-9a-f]{1,4}$/i.test(value) ? Number(value) : value,
    show: (type) => `0x${type.toString(16).padStart(4, '0')}`,
  },
}

type Item = {
  /** Of the list. */
  readonly schema: TSchema
  readonly shown: TSchema
  /** Completes "wanted …". */
  readonly wanted: string
  /** What isn't written as a member of the list is left as it is. */
  readonly read: (value: unknown) => unknown
  readonly show: (number: number) => unknown
}

const names = Object.keys(checks).filter(isCheck)

export const checksKind: Kind<ChecksRecord> = {
  schema: Type.Union([
    Type.Null(),
    objectOf(names, (check) => [
      Type.Boolean(),
      wordText(['true', 'false'], '', ''),
      ...(isListed(check) ? [items[check].schema] : []),
    ]),
  ]),
  shown: objectOf(names, (check) => [
    Type.Literal(false),
    ...(isListed(check) ? [items[check].shown] : []),
  ]),
  read: readChecks,
  text: (_, text) => text,
}

/** The one form that what was sent has inside. Throws an ApiError that names the check. */
function readChecks(name: string, value: unknown): ChecksRecord {
  if (value === null) return {}
  if (!isObject(value)) throw errors.invalidValue(name, 'an object, or null', value)
  const unknown = Object.keys(value).filter((check) => !isCheck(check))
  if (unknown.length > 0) throw errors.unknownChecks(name, unknown, names)
  const told: { [C in Check]?: Exemption } = {}
  for (const check of names) {
    if (!Object.hasOwn(value, check)) continue
    const exemption = exemptionOf(`${name}.${check}`, check, value[check])
    if (exemption !== undefined) told[check] = exemption
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only a check that has lists was given one
  return told as ChecksRecord
}

/** As the API shows it. */
export function showChecks(record: ChecksRecord): Readonly<Record<string, unknown>> {
  const shown: Record<string, unknown> = {}
  for (const check of names) {
    const exemption = record[check]
    if (exemption === false) shown[check] = false
    else if (exemption !== undefined && isListed(check)) {
      shown[check] = exemption.map(items[check].show)
    }
  }
  return shown
}

/** Undefined: it is checked whole. */
function exemptionOf(name: string, check: Check, value: unknown): Exemption | undefined {
  const whole = wholeOf(value)
  if (whole !== undefined) return whole ? undefined : false
  if (!isListed(check)) throw errors.invalidValue(name, 'true or false', value)
  const { wanted, read } = items[check]
  if (!Array.isArray(value)) throw errors.invalidValue(name, wanted, value)
  const numbers = new Set<number>()
  for (const member of value as readonly unknown[]) {
    const number = read(member)
    if (typeof number !== 'number' || !lists[check].permits(number) || numbers.has(number)) {
      throw errors.invalidValue(name, wanted, member)
    }
    numbers.add(number)
  }
  if (check === 'ethertype' && numbers.size > ETHERTYPES_MAX) {
    throw errors.invalidValue(name, wanted, `${numbers.size} of them`)
  }
  return numbers.size === 0 ? undefined : [...numbers].sort((a, b) => a - b)
}

/** Neutron's command lines can say nothing but text inside of an object. */
function wholeOf(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value
  if (typeof value !== 'string') return undefined
  return { true: true, false: false }[value.toLowerCase()]
}

function objectOf(names: readonly Check[], exemptions: (check: Check) => TSchema[]): TSchema {
  const members = names.map((check) => {
    const { text } = checks[check]
    return [check, Type.Optional(Type.Union(exemptions(check), { description: `${text}.` }))]
  })
  return Type.Object(Object.fromEntries(members), { additionalProperties: false })
}

function isCheck(name: string): name is Check {
  return Object.hasOwn(checks, name)
}

function isListed(check: Check): check is Listed {
  return Object.hasOwn(lists, check)
}
