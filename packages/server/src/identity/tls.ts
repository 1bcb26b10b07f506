// The server's certificate and key: two PEM files, looked at closely before anybody is served, and taken anew when they change.

import { X509Certificate, createPrivateKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { followFiles } from './follow-files.ts'
import type { Log } from './log.ts'

export type TlsOptions = {
  /** Paths. The certificate may be followed by those that lead to its root. */
  readonly cert: string
  readonly key: string
  readonly log: Log
  readonly signal: AbortSignal
}

/** As node:https takes it. */
export type Secure = {
  readonly cert: Buffer
  readonly key: Buffer
  readonly minVersion: 'TLSv1.2'
}

/** A server of node:https. */
type Following = { setSecureContext(options: Secure): void }

export type Tls = {
  readonly options: Secure
  /** From now on the server has what the files hold. */
  follow(server: Following): void
}

/** Throws an error that names the file and what is wrong with it. */
export async function openTls({ cert, key, log, signal }: TlsOptions): Promise<Tls> {
  const servers: Following[] = []
  const read = async (): Promise<Secure> => {
    const [certText, keyText] = await Promise.all([contentOf(cert), contentOf(key)])
    const certificate = certificateIn(certText, cert)
    if (!certificate.checkPrivateKey(keyIn(keyText, key))) {
      throw new Error(`${key}: it is not the key of the certificate in ${cert}`)
    }
    checkContext(cert, certText, keyText)
    const { validFromDate: from, validToDate: to } = certificate
    if (Date.now() >= to.getTime()) log.warn({ cert, to }, 'the certificate is over: renew it')
    if (Date.now() < from.getTime()) log.warn({ cert, from }, 'the certificate is not valid yet')
    return { cert: certText, key: keyText, minVersion: 'TLSv1.2' }
  }
  let options = await followFiles({
    paths: [cert, key],
    signal,
    read,
    changed: (now) => {
      options = now
      for (const server of servers) server.setSecureContext(options)
      log.info({ cert, key }, 'another certificate is served')
    },
    failed: (err) =>
      log.warn({ err }, 'the certificate or its key cannot be taken; those before are served on'),
  })
  return {
    options,
    follow(server) {
      servers.push(server)
      server.setSecureContext(options)
    },
  }
}

/** What OpenSSL finds wrong only when it is to serve them, such as a key that is too short. */
function checkContext(path: string, cert: Buffer, key: Buffer): void {
  try {
    createSecureContext({ cert, key })
  } catch (cause) {
    throw new Error(`${path}: it cannot be served: ${(cause as Error).message}`, { cause })
  }
}

async function contentOf(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is no such file' : message
    throw new Error(`${path}: ${why}`, { cause })
  }
}

function certificateIn(text: Buffer, path: string): X509Certificate {
  if (!text.includes('-----BEGIN CERTIFICATE-----')) {
    throw new Error(`${path}: no certificate is in it: it takes PEM, -----BEGIN CERTIFICATE-----`)
  }
  try {
    return new X509Certificate(text)
  } catch (cause) {
    throw new Error(`${path}: its certificate cannot be read: ${(cause as Error).message}`, {
      cause,
    })
  }
}

function keyIn(bytes: Buffer, path: string): KeyObject {
  const text = bytes.toString('latin1')
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    throw new Error(`${path}: no private key is in it: it takes PEM, -----BEGIN PRIVATE KEY-----`)
  }
  // As in PKCS #8, and as in the older files of OpenSSL.
  if (/BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED/m.test(text)) {
    throw new Error(`${path}: its key is encrypted: store it without a passphrase (openssl pkey)`)
  }
  try {
    return createPrivateKey(bytes)
  } catch (cause) {
    throw new Error(`${path}: its key cannot be read: ${(cause as Error).message}`, { cause })
  }
}
