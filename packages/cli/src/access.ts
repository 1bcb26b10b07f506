// With what a command comes before the server: a token, and whose certificates it trusts.

import { readFile } from 'node:fs/promises'
import { Complaint } from './complaint.ts'

export type AccessFlags = {
  /** Holds the token, and nothing else. */
  readonly tokenFrom?: string
  /** PEM: who must have signed the server's certificate, instead of those whom Node trusts. */
  readonly ca?: string
}

/**
 * The token to send, from the file or PORTWARD_TOKEN; undefined where there is none. From now on this process trusts the
 * authorities in the file `ca`, or in the one PORTWARD_CA names, and no other. Throws a Complaint that names the file.
 */
export async function accessOf(
  { tokenFrom, ca }: AccessFlags,
  { PORTWARD_TOKEN: token, PORTWARD_CA: authority }: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const authorities = ca ?? authority
  if (authorities) await trust(authorities)
  if (tokenFrom === undefined && !token) return undefined
  const text = tokenFrom === undefined ? token : await textOf(tokenFrom, '--token-from')
  const one = text?.trim() ?? ''
  if (!/^[\x21-\x7e]+$/.test(one)) {
    throw new Complaint(`${tokenFrom ?? 'PORTWARD_TOKEN'}: it must hold one token, nothing else`, 2)
  }
  return one
}

/** fetch takes no authority of its own: it trusts whom the process does. */
async function trust(path: string): Promise<void> {
  const pem = await textOf(path, '--ca, PORTWARD_CA')
  const { setDefaultCACertificates } = await import('node:tls') // which most commands do without
  try {
    setDefaultCACertificates([pem])
  } catch (cause) {
    throw new Complaint(`--ca, PORTWARD_CA: ${path} holds no certificate in PEM`, 2, { cause })
  }
}

async function textOf(path: string, option: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new Complaint(`${option}: ${(cause as Error).message}`, 2, { cause })
  }
}
