// The one pair of cursors that reads and writes the wire. Numbers are big-endian, as everything in OpenFlow.

/** Bytes that are not what the protocol says. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError'
  /** Offset, in the message, of what could not be read. */
  readonly at: number
  constructor(what: string, at: number) {
    super(`${what} (at byte ${at})`)
    this.at = at
  }
}

/** Reads from `at` up to `end`, and cannot go past it. */
export class Reader {
  readonly #bytes: Uint8Array
  readonly #end: number
  #at: number

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#at = at
    this.#end = end
  }

  get at(): number {
    return this.#at
  }

  get left(): number {
    return this.#end - this.#at
  }

  u8(): number {
    return this.#bytes[this.#step(1)] ?? 0
  }

  u16(): number {
    return uintAt(this.#bytes, this.#step(2), 2)
  }

  u32(): number {
    return uintAt(this.#bytes, this.#step(4), 4)
  }

  u64(): bigint {
    const high = this.u32()
    return (BigInt(high) << 32n) | BigInt(this.u32())
  }

  skip(size: number): void {
    this.#step(size)
  }

  /** A view, not a copy. */
  take(size: number): Uint8Array {
    const from = this.#step(size)
    return this.#bytes.subarray(from, from + size)
  }

  /** A reader of the next `size` bytes; this one goes on behind them. */
  part(size: number): Reader {
    const from = this.#step(size)
    return new Reader(this.#bytes, from, from + size)
  }

  /** Two bytes further on, without going there. */
  peek16(ahead: number): number {
    if (ahead + 2 > this.left)
      throw new DecodeError(`want ${ahead + 2} bytes, ${this.left} left`, this.#at)
    return uintAt(this.#bytes, this.#at + ahead, 2)
  }

  #step(size: number): number {
    const from = this.#at
    if (size < 0 || size > this.#end - from) {
      throw new DecodeError(`want ${size} bytes, ${this.#end - from} left`, from)
    }
    this.#at = from + size
    return from
  }
}

/** Writes into a buffer of its own that grows as needed. */
export class Writer {
  #bytes: Buffer
  #at = 0

  constructor(capacity = 256) {
    this.#bytes = Buffer.allocUnsafe(capacity)
  }

  /** How many bytes were written. */
  get size(): number {
    return this.#at
  }

  u8(n: number): void {
    const at = this.space(1) // before #bytes is looked at: it may be another one after
    this.#bytes[at] = n
  }

  u16(n: number): void {
    const at = this.space(2)
    this.#bytes[at] = n >>> 8
    this.#bytes[at + 1] = n
  }

  u32(n: number): void {
    const at = this.space(4)
    this.#bytes[at] = n >>> 24
    this.#bytes[at + 1] = n >>> 16
    this.#bytes[at + 2] = n >>> 8
    this.#bytes[at + 3] = n
  }

  u64(n: bigint): void {
    this.u32(Number(n >> 32n))
    this.u32(Number(n & 0xffff_ffffn))
  }

  zeros(size: number): void {
    const at = this.space(size)
    this.#bytes.fill(0, at, at + size)
  }

  put(bytes: Uint8Array): void {
    this.space(bytes.length)
    this.#bytes.set(bytes, this.#at - bytes.length)
  }

  hex(digits: string): void {
    this.put(Buffer.from(digits, 'hex'))
  }

  /** Zeros up to the next multiple of 8, counted from `start`. */
  pad8(start: number): void {
    this.zeros(-(this.#at - start) & 7)
  }

  /** Writes over what stands at an offset: a length that is known only now. */
  patch16(at: number, n: number): void {
    if (n > 0xffff) throw new RangeError(`${n} bytes do not fit an OpenFlow length of 16 bits`)
    this.#bytes[at] = n >>> 8
    this.#bytes[at + 1] = n
  }

  /** Makes room for `size` bytes and gives their offset in `buffer`; the caller fills them. */
  space(size: number): number {
    const at = this.#at
    const end = at + size
    if (end > this.#bytes.length) this.#grow(end)
    this.#at = end
    return at
  }

  /** What holds the bytes written so far; another one after the next write. */
  get buffer(): Uint8Array {
    return this.#bytes
  }

  /** Takes back everything written from the offset on. */
  rewind(at: number): void {
    this.#at = at
  }

  /** The bytes written, as a view: for a writer that writes no more. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#at)
  }

  /** The bytes written, one character each. */
  latin1(): string {
    return this.#bytes.toString('latin1', 0, this.#at)
  }

  #grow(need: number): void {
    const bytes = Buffer.allocUnsafe(Math.max(need, this.#bytes.length * 2))
    bytes.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = bytes
  }
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
}

function uintAt(bytes: Uint8Array, at: number, size: 2 | 4): number {
  const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
  if (size === 2) return high
  return high * 0x1_0000 + (((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0))
}
