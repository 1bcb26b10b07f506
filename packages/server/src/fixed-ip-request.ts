// The attribute fixed_ips as a client writes it, and as a filter of lists. Neutron API v2.0, "Ports".

import type { Ip } from '@portward/addr'
import type { PortRecord } from '@portward/store'
import { Type } from 'typebox'
import { errors } from './errors.ts'
import { ip as ipKind } from './kinds.ts'
import type { Kind } from './kinds.ts'
import type { Replica } from './replica.ts'
import type { Filter } from './resource.ts'
import { isObject } from './resource.ts'
import { union } from './table.ts'
import { ipText } from './texts.ts'

export type FixedIpRequest = { readonly subnetId?: string; readonly ip?: Ip }

const NAME = 'fixed_ips'
/** Each is flows of the port's guard, and an address that nobody else can have. */
const FIXED_IPS_MAX = 100

export const fixedIps: Kind<readonly FixedIpRequest[]> = {
  schema: Type.Array(
    Type.Union([
      Type.Object(
        {
          subnet_id: Type.String(),
          ip_address: Type.Optional(Type.Union([ipText, Type.Null()])),
        },
        { additionalProperties: false },
      ),
      Type.Object(
        {
          subnet_id: Type.Optional(Type.Union([Type.String(), Type.Null()])),
          ip_address: ipText,
        },
        { additionalProperties: false },
      ),
    ]),
    { maxItems: FIXED_IPS_MAX },
  ),
  shown: Type.Array(Type.Object({ subnet_id: Type.String(), ip_address: ipText })),
  read(name, value) {
    if (!Array.isArray(value)) throw errors.invalidValue(name, 'a list of objects', value)
    if (value.length > FIXED_IPS_MAX) throw errors.tooManyFixedIps(value.length, FIXED_IPS_MAX)
    const requests = value.map(requestOf)
    const seen = new Set<Ip>()
    for (const { ip } of requests) {
      if (ip === undefined) continue
      if (seen.has(ip)) throw errors.duplicateFixedIp(ip)
      seen.add(ip)
    }
    return requests
  },
  text: (_, text) => text,
}

/** `fixed_ips=ip_address=10.1.0.10`, `subnet_id=ID`, `ip_address_substr=10.1`; several values of one member mean any of them. */
export const fixedIpsFilter: Filter<PortRecord> = (texts) => {
  const wanted = { ip_address: new Set<string>(), subnet_id: new Set<string>() }
  const parts: string[] = []
  for (const text of texts) {
    const [member = '', value = ''] = text.split(/=(.*)/s)
    if (member === 'ip_address') wanted.ip_address.add(ipKind.read(NAME, value))
    else if (member === 'subnet_id') wanted.subnet_id.add(value)
    else if (member === 'ip_address_substr') parts.push(value)
    else throw errors.invalidValue(NAME, 'ip_address=, subnet_id= or ip_address_substr=', text)
  }
  const { ip_address: ips, subnet_id: subnetIds } = wanted
  return {
    test: (port) =>
      (ips.size === 0 || port.fixedIps.some(({ ip }) => ips.has(ip))) &&
      (subnetIds.size === 0 || port.fixedIps.some(({ subnetId }) => subnetIds.has(subnetId))) &&
      (parts.length === 0 ||
        port.fixedIps.some(({ ip }) => parts.some((part) => ip.includes(part)))),
    ...(ips.size + subnetIds.size > 0 && {
      ids: (replica: Replica) =>
        union(
          ips.size > 0
            ? [...ips].map((ip) => replica.portsByIp.inOrder(ip))
            : [...subnetIds].map((id) => replica.portsBySubnet.inOrder(id)),
        ),
    }),
  }
}

function requestOf(value: unknown): FixedIpRequest {
  if (!isObject(value)) throw errors.invalidValue(NAME, 'a list of objects', value)
  const { subnet_id: subnetId = null, ip_address: ip = null, ...rest } = value
  if (Object.keys(rest).length > 0 || (subnetId === null && ip === null)) {
    throw errors.emptyFixedIp(value)
  }
  if (subnetId !== null && typeof subnetId !== 'string') {
    throw errors.invalidValue(NAME, 'the id of a subnet', subnetId)
  }
  return {
    ...(subnetId !== null && { subnetId }),
    ...(ip !== null && { ip: ipKind.read(NAME, ip) }),
  }
}
