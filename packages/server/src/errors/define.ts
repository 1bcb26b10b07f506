// What an error of the API is, and the words that several of them share.

/** An answer other than success. Its body is `{"NeutronError": {"type", "message", "detail"}}`. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly type: string
  /** What the answer's headers say beyond what all say. */
  readonly headers: Readonly<Record<string, string>> = {}

  constructor(status: number, type: string, message: string) {
    super(message)
    this.status = status
    this.type = type
  }

  get body(): object {
    return { NeutronError: { type: this.type, message: this.message, detail: '' } }
  }
}

/** 401, as keystonemiddleware answers before Neutron is asked: clients look for the header, and for `error`. */
export class Unauthorized extends ApiError {
  override readonly headers: Readonly<Record<string, string>>

  /** `challenge` says where or how to get a token (RFC 9110, section 11.6.1). */
  constructor(message: string, challenge: string) {
    super(401, 'Unauthorized', message)
    this.headers = { 'www-authenticate': challenge }
  }

  override get body(): object {
    return { error: { code: this.status, title: this.type, message: this.message } }
  }
}

/** Makes errors of one status and type. The text says what is wrong and the way out. */
export function define<A extends readonly unknown[]>(
  status: number,
  type: string,
  text: (...args: A) => string,
): ((...args: A) => ApiError) & { readonly status: number; readonly type: string } {
  const make = (...args: A): ApiError => new ApiError(status, type, text(...args))
  return Object.assign(make, { status, type })
}

/** A value as the client wrote it, cut where it gets long. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length <= 80 ? text : `${text.slice(0, 80)}…`
}

export function quoted(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(', ')
}

export function few(names: readonly string[]): string {
  if (names.length === 0) return 'none'
  const first = names.slice(0, 10).join(', ')
  return names.length <= 10 ? first : `${first} and ${names.length - 10} more`
}
