/** What the identities need of a logger; pino is one. */
export type Log = Readonly<
  Record<'info' | 'warn' | 'error', (fields: object, message: string) => void>
>
