// Allowed address pairs: further addresses a port may speak as. Neutron's extension `allowed-address-pairs`.

import {
  isMulticastIp,
  isMulticastMac,
  parseIp,
  parseMac,
  parsePrefix,
  prefixParts,
} from '@portward/addr'
import type { Mac, Prefix } from '@portward/addr'
import type { PortRecord } from '@portward/store'
import { Type } from 'typebox'
import { errors } from './errors.ts'
import type { Kind } from './kinds.ts'
import { isObject } from './resource.ts'
import { canonicalMacText, ipOrCidrText, unicastMacText } from './texts.ts'

/** A pair as it was asked for. Without a MAC it has the port's. */
export type PairRequest = { readonly mac?: Mac; readonly prefix: Prefix; readonly text: string }

const NAME = 'allowed_address_pairs'

export const pairs: Kind<readonly PairRequest[]> = {
  schema: Type.Union([
    Type.Null(),
    Type.Array(
      Type.Object(
        {
          ip_address: ipOrCidrText,
          mac_address: Type.Optional(Type.Union([unicastMacText, Type.Null()])),
        },
        { additionalProperties: false },
      ),
    ),
  ]),
  shown: Type.Array(Type.Object({ ip_address: ipOrCidrText, mac_address: canonicalMacText })),
  read(name, value) {
    if (value === null) return []
    if (!Array.isArray(value)) throw errors.invalidValue(name, 'a list of objects, or null', value)
    return value.map(requestOf)
  },
  text: (_, text) => text,
}

/** The pairs of a port with that MAC. Throws an ApiError when one is there twice, or there are more than a port can have. */
export function pairsOf(
  requests: readonly PairRequest[],
  portMac: Mac,
  most: number,
): PortRecord['allowedAddressPairs'] {
  if (requests.length > most) throw errors.tooManyPairs(requests.length, most)
  const seen = new Set<string>()
  return requests.map(({ mac = portMac, prefix, text }) => {
    const key = `${mac} ${prefix}`
    if (seen.has(key)) throw errors.pairTwice(mac, text)
    seen.add(key)
    return { mac, prefix, text }
  })
}

function requestOf(value: unknown): PairRequest {
  if (!isObject(value)) throw errors.invalidValue(NAME, 'a list of objects', value)
  const { ip_address: ip = null, mac_address: mac = null, ...rest } = value
  if (Object.keys(rest).length > 0) throw errors.pairMember(Object.keys(rest))
  if (ip === null) throw errors.pairWithoutIp(value)
  const { prefix, text } = prefixOf(ip)
  return { prefix, text, ...(mac !== null && { mac: macOf(mac) }) }
}

function prefixOf(value: unknown): { readonly prefix: Prefix; readonly text: string } {
  const wanted = 'an IP address or a CIDR as ip_address'
  if (typeof value !== 'string') throw errors.invalidValue(NAME, wanted, value)
  const prefix = attempt(() => parsePrefix(value))
  if (prefix === undefined) throw errors.invalidValue(NAME, wanted, value)
  const { ip, length } = prefixParts(prefix)
  if (length > 0 && isMulticastIp(ip)) {
    throw errors.invalidValue(NAME, 'unicast, as nobody sends from a multicast address', value)
  }
  if (parseIp(value.replace(/\/.*/s, '')) !== ip) {
    throw errors.invalidValue(NAME, `${prefix} (host bits are set), or one address`, value)
  }
  return { prefix, text: value }
}

function macOf(value: unknown): Mac {
  const wanted = 'a unicast MAC address as mac_address'
  const mac = typeof value === 'string' ? attempt(() => parseMac(value)) : undefined
  if (mac === undefined || mac === '00:00:00:00:00:00' || isMulticastMac(mac)) {
    throw errors.invalidValue(NAME, wanted, value)
  }
  return mac
}

function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch {
    return undefined
  }
}
