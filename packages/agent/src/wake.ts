// A bell: however often it is rung before somebody looks, he looks once. What is to be done is written down elsewhere.

export class Wake {
  #rung = false
  #heard: (() => void) | undefined

  ring(): void {
    this.#rung = true
    this.#heard?.()
  }

  /** Resolves when it was rung since the last call, at the latest after `ms`, and at once when the signal has aborted. */
  async wait(signal: AbortSignal, ms?: number): Promise<void> {
    if (!this.#rung && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const heard = (): void => resolve()
      const timer = ms === undefined ? undefined : setTimeout(heard, ms)
      signal.addEventListener('abort', heard)
      this.#heard = heard
      await promise
      this.#heard = undefined
      signal.removeEventListener('abort', heard)
      clearTimeout(timer)
    }
    this.#rung = false
  }
}
