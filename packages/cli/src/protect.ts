// `portward protect` and `unprotect`: for hosts with no cloud, where nobody else declares ports.

import type { Api } from './api.ts'
import { printable } from './columns.ts'

type Protected = {
  readonly port: { readonly id: string; readonly mac_address: string }
  readonly host: string
  readonly state: string
  readonly flows: number
  readonly pending?: readonly { readonly reason: string }[]
}

export type Protection = {
  readonly iface: string
  readonly ips: readonly string[]
  readonly mac: string | undefined
  readonly host: string | undefined
}

export async function protect(
  api: Api,
  { iface, ips, mac, host }: Protection,
): Promise<{ json: unknown; text: string }> {
  const body = { iface, ips, ...(mac && { mac }), ...(host && { host }) }
  const made = await api.post<Protected>('/portward/v1/protect?wait=applied', body)
  const { port, flows, pending } = made
  const owns = `${port.mac_address} with ${ips.join(', ')}`
  const outcome =
    pending === undefined
      ? `${iface} may speak as ${owns}, and as nobody else: ${flows} flows stand.`
      : `${iface} is declared as ${owns}; not in force yet: ${pending.map(({ reason }) => reason).join('; ')}.`
  return {
    json: made,
    text: `${printable(outcome)}\nPort ${port.id}; see it with: portward port show ${port.id}`,
  }
}

export async function unprotect(
  api: Api,
  iface: string,
  host: string | undefined,
): Promise<{ json: unknown; text: string }> {
  const body = { iface, ...(host && { host }) }
  const gone = await api.post<{ port_id: string; pending?: readonly { reason: string }[] }>(
    '/portward/v1/unprotect?wait=applied',
    body,
  )
  const { port_id: portId, pending } = gone
  const outcome =
    pending === undefined
      ? `${iface} is no port any more: the flows of ${portId} are gone.`
      : `${iface} is no port any more; its flows are still there: ${pending.map(({ reason }) => reason).join('; ')}.`
  return {
    json: gone,
    text: `${printable(outcome)}\nOn a bridge of Portward's own it says nothing now, on a shared one whatever it likes.`,
  }
}
