// Where a daemon listens, as Open vSwitch writes it (ovsdb(7), "Connection Methods"), active connections only.

export type Address =
  | { readonly type: 'unix'; readonly path: string }
  | { readonly type: 'tcp'; readonly host: string; readonly port: number }

const forms = '`unix:PATH`, an absolute path, or `tcp:HOST:PORT` (IPv6 in brackets)'

/** Reads `unix:PATH`, `/PATH`, `tcp:HOST:PORT`, `tcp:[IPV6]:PORT`. Throws a TypeError that names the text. */
export function parseAddress(text: string): Address {
  if (text.startsWith('/')) return { type: 'unix', path: text }
  const path = /^unix:(.+)$/.exec(text)?.[1]
  if (path !== undefined) return { type: 'unix', path }
  const [, bracketed, bare, digits] = /^tcp:(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? bare
  const port = Number(digits)
  if (host !== undefined && port > 0 && port < 65_536) return { type: 'tcp', host, port }
  throw new TypeError(`not an address: ${JSON.stringify(text)}: write ${forms}`)
}
