// What a command found out: for a program, and for a person.

export type Found = {
  readonly json: unknown
  readonly text: string
  /** What is wrong beyond what was asked: it goes to standard error, and the status is 1. */
  readonly alarm?: string
}
