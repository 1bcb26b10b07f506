// What a person at the terminal did wrong, or must know: printed as one sentence, without a stack.

/** `status` becomes the exit status: 1 for what failed, 2 for what was asked wrongly. */
export class Complaint extends Error {
  override readonly name = 'Complaint'
  readonly status: 1 | 2
  constructor(message: string, status: 1 | 2 = 1, options?: ErrorOptions) {
    super(message, options)
    this.status = status
  }
}
