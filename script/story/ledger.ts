// What was tried, what should have come of it, and what did: shown as it happens, kept for --json.

import { styleText } from 'node:util'

export type Entry = {
  readonly step: string
  readonly expectation: string
  readonly outcome: string
  readonly ok: boolean
  readonly ms: number
}

/** What is shown of an outcome: a line each, with a word in front. */
export type Finding = readonly [label: string, text: string]

/** A step came out otherwise than expected. The story goes on; the rest of it may tell why. */
export class Surprise extends Error {
  override readonly name = 'Surprise'
  readonly findings: readonly Finding[]

  constructor(message: string, findings: readonly Finding[] = []) {
    super(message)
    this.findings = findings
  }
}

const STEP_WIDTH = 64
const LABEL_WIDTH = 9

export class Ledger {
  readonly entries: Entry[] = []
  readonly #stop: AbortSignal

  /** What fails after `stop` is no news: the lab is being taken down. */
  constructor(stop: AbortSignal) {
    this.#stop = stop
  }

  get ok(): boolean {
    return this.entries.every(({ ok }) => ok)
  }

  chapter(title: string): void {
    print(`\n${paint('bold', title)}`)
  }

  /** Throws when `act` threw anything but a Surprise: then the story cannot go on. */
  async step(
    step: string,
    expectation: string,
    act: () => Promise<readonly Finding[]>,
  ): Promise<void> {
    const began = performance.now()
    const note = (ok: boolean, findings: readonly Finding[]): void => {
      if (this.#stop.aborted) return
      const ms = Math.round(performance.now() - began)
      const outcome = findings.map(([label, text]) => (label && `${label}: `) + text).join('; ')
      this.entries.push({ step, expectation, outcome, ok, ms })
      show({ step, ok, ms }, ok ? findings : [['expected', expectation], ...findings])
    }
    try {
      note(true, await act())
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      const found = error instanceof Surprise ? error.findings : []
      note(false, [['but', text], ...found])
      if (error instanceof Surprise) return
      throw new Error(`the story cannot go on after: ${step}`, { cause: error })
    }
  }
}

function show(
  { step, ok, ms }: Pick<Entry, 'step' | 'ok' | 'ms'>,
  findings: readonly Finding[],
): void {
  const mark = ok ? paint('green', '✓') : paint('red', '✗')
  print(`  ${mark} ${step.padEnd(STEP_WIDTH)} ${paint('dim', `${ms} ms`.padStart(8))}`)
  for (const [label, text] of findings) {
    print(`      ${paint(ok ? 'dim' : 'red', label.padEnd(LABEL_WIDTH))} ${text}`)
  }
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Colour where a person looks, and none in a file or a pipe. */
export function paint(format: Parameters<typeof styleText>[0], text: string): string {
  return styleText(format, text, { stream: process.stdout })
}
