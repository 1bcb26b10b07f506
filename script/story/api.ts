// Neutron's API, in the few requests that the story makes of it.

import type { Portward } from '@portward/testkit'

export type Resource = { readonly id: string }

type Kind = 'network' | 'subnet' | 'port'

/** POST. Throws with what the server said when it refuses. */
export async function create(
  portward: Portward,
  kind: Kind,
  attributes: object,
): Promise<Resource> {
  const { status, body } = await portward.ask('POST', `/v2.0/${kind}s`, { [kind]: attributes })
  const { [kind]: resource } = resourcesOf(body)
  if (status === 201 && resource !== undefined) return resource
  throw new Error(`${kind} not created: ${status} ${JSON.stringify(body)}`)
}

/** PUT; answers when the switch has acknowledged what follows from it. */
export async function updatePort(
  portward: Portward,
  id: string,
  attributes: object,
): Promise<void> {
  const path = `/v2.0/ports/${id}?wait=applied`
  const { status, body } = await portward.ask('PUT', path, { port: attributes })
  if (status !== 200) throw new Error(`port not changed: ${status} ${JSON.stringify(body)}`)
}

function resourcesOf(body: unknown): Partial<Record<Kind, Resource>> {
  return typeof body === 'object' && body !== null ? body : {}
}
