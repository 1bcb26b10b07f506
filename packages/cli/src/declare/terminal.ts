// Where `portward apply` speaks, and whom it can ask.

import { createInterface } from 'node:readline/promises'

export type Terminal = {
  /** Each call a line, or several. */
  out(text: string): void
  err(text: string): void
  /** True for yes. Undefined where nobody sits in front of it. */
  readonly ask: ((question: string) => Promise<boolean>) | undefined
}

export function openTerminal(): Terminal {
  const { stdin, stdout, stderr } = process
  return {
    out: (text) => void stdout.write(`${text}\n`),
    err: (text) => void stderr.write(`${text}\n`),
    ask: stdin.isTTY && stdout.isTTY ? ask : undefined,
  }
}

async function ask(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stdout })
  try {
    return /^(?:y|yes)$/i.test((await lines.question(`${question} [y/N] `)).trim())
  } finally {
    lines.close()
  }
}
