// A store is opened where a setting says it is.

import { readFile } from 'node:fs/promises'
import type { Store } from '@portward/store'
import { openSqlite } from '@portward/store'
import type { EtcdOptions } from '@portward/store/etcd'
import { Complaint } from '../complaint.ts'
import { refuseUnfinished } from './fill.ts'
import type { Etcd, Place } from './place.ts'
import { placeText } from './place.ts'

export async function openStore(place: Place): Promise<Store> {
  if (place.kind === 'sqlite') return openSqlite({ file: place.file })
  // Nothing of gRPC is loaded where the store is SQLite: it is a third of the memory.
  const { openEtcd } = await import('@portward/store/etcd')
  return openEtcd(await etcdOptionsOf(place))
}

/** The same; one that was not filled to its end is refused: it would be served, or copied, as if it were whole. */
export async function openWhole(place: Place): Promise<Store> {
  const store = await openStore(place)
  try {
    await refuseUnfinished(store, placeText(place))
    return store
  } catch (error) {
    await store[Symbol.asyncDispose]()
    throw error
  }
}

/** Read once: a certificate that was renewed is taken at the next start. */
export async function etcdOptionsOf({ endpoints, ca, cert, key }: Etcd): Promise<EtcdOptions> {
  const secure = endpoints.some((url) => url.startsWith('https:'))
  if (!secure) return { endpoints }
  return {
    endpoints,
    tls: {
      ...(ca !== '' && { ca: await pem('store_ca', ca) }),
      ...(cert !== '' && { cert: await pem('store_cert', cert) }),
      ...(key !== '' && { key: await pem('store_key', key) }),
    },
  }
}

async function pem(name: string, file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Complaint(`${name}: ${why}`, 1, { cause })
  }
}
