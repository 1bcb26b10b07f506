// `portward port list` and `portward port show`: what is declared, and what has become of it.

import type { Api } from './api.ts'
import { Refusal } from './api.ts'
import { columns, pairs } from './columns.ts'
import { Complaint } from './complaint.ts'

type Port = {
  readonly id: string
  readonly name: string
  readonly mac_address: string
  readonly fixed_ips: readonly { readonly ip_address: string }[]
  readonly port_security_enabled: boolean
  /** What it is exempted from; a list is of what is permitted besides. */
  readonly 'portward:checks'?: Readonly<Record<string, false | readonly (number | string)[]>>
  /** For administrators. */
  readonly 'binding:host_id'?: string
  readonly status: string
}

type PortView = {
  readonly port: Port
  readonly bindings: readonly { readonly mac: string; readonly prefix: string }[]
  readonly host: string | null
  readonly iface: string | null
  readonly ofport: number | null
  readonly status: string
  readonly state: string
  readonly reason: string | null
  readonly applied: boolean
  readonly flows: number
}

export async function listPorts(api: Api): Promise<{ json: unknown; text: string }> {
  const { ports } = await api.get<{ ports: readonly Port[] }>(
    '/v2.0/ports?sort_key=name&sort_dir=asc',
  )
  const text = columns(
    ['ID', 'NAME', 'MAC', 'ADDRESSES', 'SECURITY', 'HOST', 'STATUS'],
    ports.map((port) => [
      port.id,
      port.name,
      port.mac_address,
      addressesOf(port),
      security(port),
      port['binding:host_id'] ?? '',
      port.status,
    ]),
    'No port is declared: make one with `portward protect IFACE --ip ADDRESS`, or `openstack port create`.',
  )
  return { json: ports, text }
}

/** `which` is an id, or a name that one port has. */
export async function showPort(api: Api, which: string): Promise<{ json: unknown; text: string }> {
  const view = await api.get<PortView>(`/portward/v1/ports/${await idOf(api, which)}`)
  const { port, bindings, host, iface, ofport, state, reason, applied, flows } = view
  const text = pairs([
    ['id', port.id],
    ['name', port.name],
    ['security', security(port)],
    ...exemptions(port),
    ['status', port.status],
    ['state', reason === null ? state : `${state}: ${reason}`],
    ['host', host ?? 'not bound: no host has seen its interface'],
    ['interface', iface === null ? 'none' : `${iface} (OpenFlow port ${ofport})`],
    ['flows', `${flows}, ${applied ? 'acknowledged by the switch' : 'not acknowledged yet'}`],
    ...bindings.map(({ mac, prefix }, i): [string, string] => [
      i === 0 ? 'may claim' : '',
      `${mac} ${prefix}`,
    ]),
  ])
  return { json: view, text }
}

/** The id of the one port with this id or name, or whose interface has this name. */
export async function idOf(api: Api, which: string): Promise<string> {
  const find = async (attribute: string): Promise<readonly { id: string }[]> => {
    const query = `${attribute}=${encodeURIComponent(which)}&fields=id`
    return (await api.get<{ ports: readonly { id: string }[] }>(`/v2.0/ports?${query}`)).ports
  }
  const [byId] = await find('id')
  if (byId !== undefined) return byId.id
  const named = await find('name')
  const [first, second] = named
  if (first === undefined) {
    const plugged = await pluggedAs(api, which)
    if (plugged !== undefined) return plugged
    throw new Complaint(`no port has the id or name '${which}': \`portward port list\` shows them`)
  }
  if (second !== undefined) {
    const ids = named.map(({ id }) => id).join(', ')
    throw new Complaint(`${named.length} ports have the name ${which}; name one by its id: ${ids}`)
  }
  return first.id
}

/** The port of an interface; undefined where no interface has this name, or several, or it is nobody's. */
async function pluggedAs(api: Api, iface: string): Promise<string | undefined> {
  type Iface = { readonly iface: string; readonly port_id: string | null }
  const all = await api
    .get<{ interfaces: readonly Iface[] }>('/portward/v1/interfaces')
    .catch((error: unknown) => {
      // Hosts are the administrators' affair: for others no interface has any name.
      if (error instanceof Refusal && error.answer === 403) return { interfaces: [] }
      throw error
    })
  const [one, other] = all.interfaces.filter((seen) => seen.iface === iface)
  return other === undefined ? (one?.port_id ?? undefined) : undefined
}

function addressesOf(port: Port): string {
  return port.fixed_ips.map(({ ip_address: ip }) => ip).join(' ')
}

function security(port: Port): string {
  if (!port.port_security_enabled) return 'off'
  const names = Object.keys(port['portward:checks'] ?? {})
  return names.length === 0 ? 'on' : `on, but for ${names.join(' ')}`
}

/** Kept while security is off, so shown then as well. */
function exemptions(port: Port): readonly (readonly [string, string])[] {
  return Object.entries(port['portward:checks'] ?? {}).map(([name, exemption], i) => [
    i === 0 ? 'exempted' : '',
    exemption === false ? name : `${name}: only for ${exemption.join(', ')}`,
  ])
}
