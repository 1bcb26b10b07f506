// What a run of the exchanges has shown so far: ids by the names that exchanges give them, and each resource as it was last
// shown.

import type { Answer } from '../../packages/server/src/testing.ts'
import type { Exchange, Members } from './exchange.ts'

export type Kind = 'network' | 'subnet' | 'port'

export class Ledger {
  readonly #url: string
  readonly #ids = new Map<string, string>()
  readonly #shown = new Map<string, Members>()

  /** `url` is where the server is asked. */
  constructor(url: string) {
    this.#url = url
  }

  /** The resource, as it was last shown. */
  at(id: unknown): Members {
    return this.#shown.get(String(id)) ?? {}
  }

  /** With ids, and whatever else exchange.ts lists, where an exchange sent to `path` has names. */
  told<T>(value: T, path: string): T {
    if (value === undefined) return value
    return JSON.parse(this.toldText(JSON.stringify(value), path)) as T
  }

  toldText(text: string, path: string): string {
    return text.replace(/\{(\w+|#\d+)\}/g, (token, name: string) => {
      if (name === 'url') return this.#url
      if (name === 'project') return 'default'
      if (name === 'group') return '00000000-0000-0000-0000-00000000000a'
      if (name === 'revision') return String(this.#atPath(path)['revision_number'])
      if (name.startsWith('#')) return this.#portIds()[Number(name.slice(1)) - 1] ?? token
      return this.#ids.get(name) ?? token
    })
  }

  /** Takes down what an answer shows. */
  keep(answer: Answer, { send, as = [] }: Exchange): void {
    const [method, path] = send
    if (method === 'DELETE' && answer.status === 204) this.#shown.delete(this.#idIn(path))
    if (path.includes('fields=')) return
    for (const name of Object.keys(Object(answer.body))) {
      if (kindOf(name) === undefined) continue
      const made = name.endsWith('s') ? answer.all(name) : [Object(answer.at(name))]
      for (const [i, resource] of made.entries()) {
        this.#shown.set(String(resource['id']), resource)
        if (as[i] !== undefined) this.#ids.set(as[i], String(resource['id']))
      }
    }
  }

  #portIds(): readonly string[] {
    const ports = [...this.#shown].filter(([, resource]) => 'mac_address' in resource)
    return ports.map(([id]) => id).sort()
  }

  #atPath(path: string): Members {
    return this.at(this.#idIn(path))
  }

  #idIn(path: string): string {
    return this.toldText(/[^/?]+(?=$|\?)/.exec(path)?.[0] ?? '', '')
  }
}

/** Of a body's member, if it is a resource or a list of resources. */
export function kindOf(name: string): Kind | undefined {
  const kind = name.replace(/s$/, '')
  return kind === 'network' || kind === 'subnet' || kind === 'port' ? kind : undefined
}
