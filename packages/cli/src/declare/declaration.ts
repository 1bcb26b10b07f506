// The files of `portward apply` as one declaration: networks, each with its subnets and ports, by name. All that is wrong in
// them is said at once.

import type { Filled, Read } from './read.ts'
import { fill, list } from './read.ts'
import type { Say, Tree } from './tree.ts'
import { readTree } from './tree.ts'
import type { AddressPair, FixedIp } from './vocabulary.ts'
import { networkFields, portFields, subnetFields } from './vocabulary.ts'

export type Source = { readonly name: string; readonly text: string }

export type Values = Readonly<Record<string, unknown>>

export type NetworkDeclared = Declared & {
  readonly subnets: readonly SubnetDeclared[]
  readonly ports: readonly PortDeclared[]
}

/** Its name is empty where it is known by its CIDR. */
export type SubnetDeclared = Declared & { readonly cidr: string }

export type PortDeclared = Declared & {
  readonly mac: string | undefined
  /** Undefined: the server gives it some, once. */
  readonly fixedIps: readonly FixedIp[] | undefined
  readonly pairs: readonly AddressPair[]
  readonly interface: { readonly iface: string; readonly host: string | undefined } | undefined
}

export type Declared = {
  readonly name: string
  /** Attributes that are one with the API's, in the form they are compared in. */
  readonly values: Values
  /** Where it stands: `ports.yaml:3:5`. */
  readonly at: string
  readonly places: Readonly<Record<string, string>>
}

export type Declaration = { readonly networks: readonly NetworkDeclared[] }

/** Either the declaration, or all that is wrong with it, a line each. */
export type Reading =
  | { readonly declaration: Declaration; readonly problems: readonly [] }
  | { readonly declaration: undefined; readonly problems: readonly string[] }

/** A file is a map with `networks`; several are read as if they were one. */
export function readDeclaration(sources: readonly Source[]): Reading {
  const problems: string[] = []
  const say: Say = (at, sentence) => void problems.push(`${at}: ${sentence}`)
  const networks = sources.flatMap(({ name, text }) => {
    const tree = readTree(name, text, say)
    const file =
      tree && fill(tree, 'a file', { networks: list(network, 'networks') }, say, ['networks'])
    return file === undefined ? [] : (file.values['networks'] as readonly NetworkDeclared[])
  })
  checkOnce(networks, say)
  return problems.length === 0
    ? { declaration: { networks }, problems: [] }
    : { declaration: undefined, problems }
}

const network: Read<NetworkDeclared> = (tree, say) => {
  const filled = fill(
    tree,
    'a network',
    { ...networkFields, subnets: list(subnet, 'subnets'), ports: list(port, 'ports') },
    say,
    ['name'],
  )
  if (filled === undefined) return undefined
  const { subnets = [], ports = [], ...values } = filled.values
  return {
    ...declared(tree, filled, values),
    subnets: subnets as readonly SubnetDeclared[],
    ports: ports as readonly PortDeclared[],
  }
}

const subnet: Read<SubnetDeclared> = (tree, say) => {
  const filled = fill(tree, 'a subnet', subnetFields, say, ['cidr'])
  if (filled === undefined) return undefined
  const { cidr } = filled.values
  const values = { cidr, dns_nameservers: [], host_routes: [], ...filled.values }
  return { ...declared(tree, filled, values), cidr: textIn(filled.values, 'cidr') ?? '' }
}

const port: Read<PortDeclared> = (tree, say) => {
  const filled = fill(tree, 'a port', portFields, say, ['name'])
  if (filled === undefined) return undefined
  const { fixed_ips: fixedIps, allowed_address_pairs: pairs = [], ...rest } = filled.values
  const { interface: _, host: __, ...values } = rest
  const [iface, host] = [textIn(rest, 'interface'), textIn(rest, 'host')]
  if (host !== undefined && iface === undefined) {
    say(
      filled.places['host'] ?? tree.at,
      "host says where its interface is: give 'interface' as well",
    )
  }
  const trusted = textIn(values, 'device_owner')?.startsWith('network:') === true
  if (trusted && values['port_security_enabled'] === true) {
    const at = filled.places['port_security_enabled'] ?? tree.at
    say(at, 'a port whose device_owner begins with network: is never guarded: leave it out')
  }
  const given = pairs as readonly AddressPair[]
  if (values['port_security_enabled'] === false && given.length > 0) {
    const at = filled.places['allowed_address_pairs'] ?? tree.at
    say(
      at,
      'allowed_address_pairs need port security: leave them out, or port_security_enabled: false',
    )
  }
  return {
    ...declared(tree, filled, values),
    fixedIps: fixedIps as readonly FixedIp[] | undefined,
    pairs: given,
    interface: iface === undefined ? undefined : { iface, host },
    mac: textIn(values, 'mac_address'),
  }
}

function declared({ at }: Tree, { places }: Filled, values: Values): Declared {
  const { name: _, ...others } = values
  return { name: textIn(values, 'name') ?? '', values: others, at, places }
}

function textIn(values: Values, name: string): string | undefined {
  const value = values[name]
  return typeof value === 'string' ? value : undefined
}

/** What can be there once only: names, and the addresses that are one port's alone. */
function checkOnce(networks: readonly NetworkDeclared[], say: Say): void {
  const networkNames = new Once(say)
  const interfaces = new Once(say)
  for (const one of networks) {
    networkNames.add(`network ${one.name}`, one.places['name'])
    const [subnets, ports, addresses] = [new Once(say), new Once(say), new Once(say)]
    for (const { name, cidr, places, at } of one.subnets) {
      if (name !== '') subnets.add(`subnet ${name} of network ${one.name}`, places['name'])
      subnets.add(`subnet ${cidr} of network ${one.name}`, places['cidr'] ?? at)
    }
    for (const { name, mac, fixedIps = [], pairs, places, at, ...other } of one.ports) {
      ports.add(`port ${name} of network ${one.name}`, places['name'])
      if (mac !== undefined) addresses.add(`${mac} on network ${one.name}`, places['mac_address'])
      for (const { ip_address: ip } of fixedIps) {
        if (ip !== undefined) addresses.add(`${ip} on network ${one.name}`, places['fixed_ips'])
      }
      const own = new Once(say)
      for (const { ip_address: range, mac_address: its = mac } of pairs) {
        const whose = its === undefined ? '' : ` with ${its}`
        own.add(`pair ${range}${whose} of port ${name}`, places['allowed_address_pairs'] ?? at)
      }
      const { interface: tied } = other
      if (tied === undefined) continue
      const where = tied.host === undefined ? '' : ` of host ${tied.host}`
      interfaces.add(`interface ${tied.iface}${where}`, places['interface'])
    }
  }
}

class Once {
  readonly #first = new Map<string, string>()
  readonly #say: Say

  constructor(say: Say) {
    this.#say = say
  }

  add(what: string, at = ''): void {
    const first = this.#first.get(what)
    if (first === undefined) this.#first.set(what, at)
    else this.#say(at, `${what} is declared already, at ${first}`)
  }
}
