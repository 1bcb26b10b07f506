// Measured numbers, summed up and shown.

export type Spread = {
  readonly n: number
  readonly min: number
  readonly median: number
  readonly p95: number
  readonly p99: number
  readonly max: number
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
  return {
    n: sorted.length,
    min: at(0),
    median: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    max: at(1),
  }
}

/** What is to hold, and whether it does. */
export type Limit = { readonly what: string; readonly limit: string; readonly holds: boolean }

export type Result = {
  readonly bench: string
  readonly rows: readonly Readonly<Record<string, string | number>>[]
  readonly limits: readonly Limit[]
  /** What the rows don't say, a line each. */
  readonly notes?: readonly string[]
  /** Of `evasion`: every frame, and whom it passes. For --json. */
  readonly frames?: readonly object[]
}

export function show({ bench, rows, limits, notes = [] }: Result): string {
  const names = Object.keys(rows[0] ?? {})
  const cells = rows.map((row) => names.map((name) => shown(row[name])))
  const widths = names.map((name, i) =>
    Math.max(name.length, ...cells.map((line) => line[i]?.length ?? 0)),
  )
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, i) => (i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0)))
      .join('  ')
  const verdicts = limits.map(
    ({ what, limit, holds }) => `${holds ? 'holds ' : 'BROKEN'}  ${what}  (limit: ${limit})`,
  )
  const remarks = notes.length === 0 ? [] : ['', ...notes]
  return [`── ${bench}`, line(names), ...cells.map(line), ...remarks, '', ...verdicts].join('\n')
}

function shown(value: string | number | undefined): string {
  return typeof value === 'number' && !Number.isInteger(value) ? value.toFixed(2) : String(value)
}
