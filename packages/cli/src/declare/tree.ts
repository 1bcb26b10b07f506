// A document as values that know where they stand, so that whatever is wrong with one can be said with file, line and column.
// YAML 1.2, and so JSON. Anchors may be used; what they unfold to is bounded.

import type { Alias, Document, ParsedNode } from 'yaml'
import { LineCounter, isAlias, isMap, isScalar, isSeq, parseDocument } from 'yaml'

/** `at` is `ports.yaml:3:5`; empty for what was not read from a file. */
export type Tree =
  | { readonly type: 'scalar'; readonly at: string; readonly value: unknown }
  | { readonly type: 'list'; readonly at: string; readonly items: readonly Tree[] }
  | { readonly type: 'map'; readonly at: string; readonly entries: readonly Entry[] }

export type Entry = { readonly key: string; readonly at: string; readonly value: Tree }

/** Takes what is wrong, and where. */
export type Say = (at: string, sentence: string) => void

/** More than a file that people keep needs; a bomb of anchors gets no further. */
const UNFOLDED_MAX = 100_000
const DEPTH_MAX = 32

/** Undefined when it could not be read; `say` was then told of all that is wrong with how it is written. */
export function readTree(name: string, text: string, say: Say): Tree | undefined {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: '1.2' })
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${name}:${line}:${col}`
  }
  const wrong = [...document.errors, ...document.warnings]
  for (const { pos, message } of wrong) say(at(pos[0]), message)
  if (wrong.length > 0) return undefined
  if (document.contents === null) {
    say(`${name}:1:1`, 'it is empty: to declare nothing, write networks: []')
    return undefined
  }
  return new Unfolding(document, at, say).tree(document.contents, 0)
}

/** What came as JSON, such as the API shows it. */
export function treeOf(value: unknown): Tree {
  if (Array.isArray(value)) {
    return { type: 'list', at: '', items: value.map((item: unknown) => treeOf(item)) }
  }
  if (typeof value !== 'object' || value === null) return { type: 'scalar', at: '', value }
  const entries = Object.entries(value).map(([key, of]) => ({ key, at: '', value: treeOf(of) }))
  return { type: 'map', at: '', entries }
}

/** Without places, as JSON has it. */
export function plainOf(tree: Tree): unknown {
  switch (tree.type) {
    case 'scalar':
      return tree.value
    case 'list':
      return tree.items.map(plainOf)
    case 'map':
      return Object.fromEntries(tree.entries.map(({ key, value }) => [key, plainOf(value)]))
    default:
      return tree satisfies never
  }
}

class Unfolding {
  readonly #document: Document
  readonly #at: (offset: number) => string
  readonly #say: Say
  readonly #meant = new Map<ParsedNode, ParsedNode | null>()
  #unfolded = 0

  constructor(document: Document, at: (offset: number) => string, say: Say) {
    this.#document = document
    this.#at = at
    this.#say = say
  }

  /** `place` is given for what an alias stands for: it is where the alias is. */
  tree(node: ParsedNode | null, depth: number, place?: string): Tree | undefined {
    const at = place ?? this.#at(node?.range[0] ?? 0)
    if (place !== undefined && ++this.#unfolded > UNFOLDED_MAX) {
      return this.#refuse(at, `aliases unfold to more than ${UNFOLDED_MAX} values`)
    }
    if (depth > DEPTH_MAX) return this.#refuse(at, `it is nested more than ${DEPTH_MAX} deep`)
    if (isAlias(node)) {
      return this.tree(this.#meantBy(node), depth + 1, at)
    }
    if (isSeq(node)) {
      const items: Tree[] = []
      for (const item of node.items) {
        const tree = this.tree(item, depth + 1, place)
        if (tree === undefined) return undefined
        items.push(tree)
      }
      return { type: 'list', at, items }
    }
    if (isMap(node)) return this.#map(node.items, depth, at, place)
    return { type: 'scalar', at, value: isScalar(node) ? node.value : null }
  }

  /** To look for an anchor is to look through the whole document. */
  #meantBy(alias: ParsedNode & Alias): ParsedNode | null {
    const known = this.#meant.get(alias)
    if (known !== undefined) return known
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the document was parsed, and so each of its nodes
    const meant = (alias.resolve(this.#document) ?? null) as ParsedNode | null
    this.#meant.set(alias, meant)
    return meant
  }

  #map(
    pairs: readonly { readonly key: ParsedNode; readonly value: ParsedNode | null }[],
    depth: number,
    at: string,
    place: string | undefined,
  ): Tree | undefined {
    const entries: Entry[] = []
    for (const { key, value } of pairs) {
      const keyAt = place ?? this.#at(key.range[0])
      if (!isScalar(key) || typeof key.value !== 'string') {
        return this.#refuse(keyAt, 'a key must be a word; put anything else in quotes')
      }
      const nothing: Tree = { type: 'scalar', at: keyAt, value: null }
      const tree = value === null ? nothing : this.tree(value, depth + 1, place)
      if (tree === undefined) return undefined
      entries.push({ key: key.value, at: keyAt, value: tree })
    }
    return { type: 'map', at, entries }
  }

  #refuse(at: string, sentence: string): undefined {
    this.#say(at, sentence)
    return undefined
  }
}
