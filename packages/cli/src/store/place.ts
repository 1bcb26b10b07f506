// Where a store is: `sqlite:FILE`, which one process alone has, or `etcd:URL[,URL…]`, which servers and agents share.

import { join } from 'node:path'
import { Complaint } from '../complaint.ts'

/** The settings that say so. A text that is empty: it was not set. */
export type StoreSettings = {
  readonly state: string
  readonly store: string
  readonly store_ca: string
  readonly store_cert: string
  readonly store_key: string
}

export type Sqlite = { readonly kind: 'sqlite'; readonly file: string }
export type Etcd = {
  readonly kind: 'etcd'
  readonly endpoints: readonly string[]
  /** Files, in PEM. */
  readonly ca: string
  readonly cert: string
  readonly key: string
}
export type Place = Sqlite | Etcd

/** Throws a Complaint that names the setting and what it may say. */
export function placeOf(settings: StoreSettings): Place {
  const { state, store, store_ca: ca, store_cert: cert, store_key: key } = settings
  const place = store === '' ? sqliteAt(join(state, 'portward.db')) : parsePlace(store)
  if (place.kind === 'sqlite') {
    for (const name of ['store_ca', 'store_cert', 'store_key'] as const) {
      if (settings[name] === '') continue
      throw new Complaint(
        `${name} is set, and the store is SQLite: nobody would look at it; set store = "etcd:URL", or take ${name} away`,
        2,
      )
    }
    return place
  }
  if ((cert === '') !== (key === '')) {
    throw new Complaint(
      `${key === '' ? 'store_key' : 'store_cert'} is not set: a certificate and its key go together, store_cert and store_key`,
      2,
    )
  }
  const secure = place.endpoints.every((url) => url.startsWith('https:'))
  if (!secure && (ca !== '' || cert !== '')) {
    throw new Complaint(
      `${ca === '' ? 'store_cert' : 'store_ca'} is set, and '${store}' goes in the clear: write https:// in each URL`,
      2,
    )
  }
  return { ...place, ca, cert, key }
}

function sqliteAt(file: string): Sqlite {
  return { kind: 'sqlite', file }
}

function parsePlace(text: string): Place {
  const [, kind, rest = ''] = /^(sqlite|etcd):(.+)$/.exec(text) ?? []
  if (kind === 'sqlite') return sqliteAt(rest)
  const endpoints = rest.split(',')
  const schemes = new Set(endpoints.map(schemeOf))
  if (kind === undefined || schemes.has(undefined)) {
    throw new Complaint(
      `store is '${text}'; wanted sqlite:FILE, or etcd:URL[,URL…] such as etcd:https://10.0.0.1:2379,https://10.0.0.2:2379`,
      2,
    )
  }
  if (schemes.size > 1) {
    throw new Complaint(`store is '${text}'; wanted http:// in all of its URLs, or in none`, 2)
  }
  return { kind: 'etcd', endpoints, ca: '', cert: '', key: '' }
}

/** Of a URL with a host and, at most, a port; undefined for any other text. */
function schemeOf(text: string): string | undefined {
  const url = URL.parse(text)
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.username !== '') {
    return undefined
  }
  return url.pathname === '/' && url.search === '' && url.hash === '' ? url.protocol : undefined
}

/** As a person would write it. */
export function placeText(place: Place): string {
  return place.kind === 'sqlite' ? `sqlite:${place.file}` : `etcd:${place.endpoints.join(',')}`
}
