// Rows of text under a heading, each column as wide as its widest cell.

import { styleText } from 'node:util'

/** Without rows there is nothing to show, and `none` says so. */
export function columns(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  none: string,
): string {
  if (rows.length === 0) return none
  const cells = rows.map((row) => row.map(printable))
  const widths = headings.map((heading, i) =>
    Math.max(widthOf(heading), ...cells.map((row) => widthOf(row[i] ?? ''))),
  )
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => padded(cell, widths[i] ?? 0))
      .join('  ')
      .trimEnd()
  return [styleText('bold', line(headings)), ...cells.map(line)].join('\n')
}

/** `name  value` lines, for one thing with many attributes. */
export function pairs(entries: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...entries.map(([name]) => widthOf(name)))
  return entries
    .map(([name, value]) => `${padded(name, width)}  ${printable(value)}`.trimEnd())
    .join('\n')
}

/** The text with nothing in it that moves the cursor, changes colours, breaks the line or turns the direction of writing. */
export function printable(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
    (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`,
  )
}

function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)))
}

/** How many columns of a terminal the text takes: two for what East Asian scripts and emoji are made of. */
function widthOf(text: string): number {
  let width = 0
  for (const { segment } of graphemes.segment(text)) width += WIDE.test(segment) ? 2 : 1
  return width
}

const graphemes = new Intl.Segmenter()
const WIDE =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u
