// Who asks, and how the server finds that out.

import type { IncomingHttpHeaders } from 'node:http'

/** What a caller may do within the project: everything everywhere; read and write; read. */
export type Role = 'admin' | 'member' | 'reader'

export type Caller = {
  /** A user's id in Keystone, a token's name in the file of tokens, or what stands for whoever asks without authentication. */
  readonly userId: string
  readonly userName: string
  /** Empty: none. Such a caller owns nothing. */
  readonly projectId: string
  readonly role: Role
}

/** Tells who sends a request. One of: nobody asks (loopback), a file of tokens, Keystone. */
export type Identity = AsyncDisposable & {
  /** Throws an ApiError: 401 where the request has no valid token, 503 where nobody can say whether it has. */
  identify(headers: IncomingHttpHeaders): Caller | Promise<Caller>
}

/** The project of whoever asks without authentication and names none. */
export const DEFAULT_PROJECT = 'default'

/** Whoever can reach a server that asks nobody: on loopback, the machine's own users. */
export const anyone: Caller = {
  userId: 'anyone',
  userName: 'anyone',
  projectId: DEFAULT_PROJECT,
  role: 'admin',
}

/** The server itself, where it acts on what hosts tell. */
export const portward: Caller = {
  userId: 'portward',
  userName: 'portward',
  projectId: '',
  role: 'admin',
}
