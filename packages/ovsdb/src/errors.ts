// What can go wrong with a database, by who has to do something about it.

/** The database refused: RFC 7047, sections 3.1 (`<error>`) and 4.1.3. */
export class OvsdbError extends Error {
  override readonly name = 'OvsdbError'
  /** The database's own word, such as `constraint violation` or `timed out`. */
  readonly error: string
  readonly details: string | undefined
  constructor(what: string, error: string, details: string | undefined) {
    super([what, error, ...(details === undefined ? [] : [details])].join(': '))
    this.error = error
    this.details = details
  }
}

/** There is no connection, or it went before the answer came. A transaction already sent may or may not have taken effect. */
export class Disconnected extends Error {
  override readonly name = 'Disconnected'
}

/** The server's database is not what was declared, column by column. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError'
}

/** The server sent what the protocol does not allow at that place. */
export class NotationError extends Error {
  override readonly name = 'NotationError'
}
