// What a column holds, as it is declared here and as the program sees it. RFC 7047, section 3.2 (`<type>`), section 5.1.
//
//   const schema = { Port: { name: 'string', tag: 'optionalInteger' } } as const satisfies Schema
//   RowOf<typeof schema.Port>  is  { readonly name: string; readonly tag: number | undefined }

/** Canonical: lower case, with dashes. */
export type Uuid = string

/** What an atom's JSON means, by its name in a schema. */
export type AtomValues = {
  readonly boolean: boolean
  readonly integer: number
  readonly real: number
  readonly string: string
  readonly uuid: Uuid
}
export type AtomName = keyof AtomValues
export type Atom = AtomValues[AtomName]

export type ColumnType =
  | { readonly shape: 'one' | 'optional' | 'set'; readonly of: AtomName }
  | { readonly shape: 'map'; readonly key: AtomName; readonly of: AtomName }

export const columnTypes = {
  boolean: { shape: 'one', of: 'boolean' },
  integer: { shape: 'one', of: 'integer' },
  real: { shape: 'one', of: 'real' },
  string: { shape: 'one', of: 'string' },
  uuid: { shape: 'one', of: 'uuid' },
  optionalBoolean: { shape: 'optional', of: 'boolean' },
  optionalInteger: { shape: 'optional', of: 'integer' },
  optionalString: { shape: 'optional', of: 'string' },
  optionalUuid: { shape: 'optional', of: 'uuid' },
  integers: { shape: 'set', of: 'integer' },
  strings: { shape: 'set', of: 'string' },
  uuids: { shape: 'set', of: 'uuid' },
  stringMap: { shape: 'map', key: 'string', of: 'string' },
} as const satisfies Readonly<Record<string, ColumnType>>

export type ColumnTypeName = keyof typeof columnTypes

type Shaped<T extends ColumnType> = T extends { shape: 'map'; key: infer K extends AtomName }
  ? ReadonlyMap<AtomValues[K], AtomValues[T['of']]>
  : T['shape'] extends 'set'
    ? ReadonlySet<AtomValues[T['of']]>
    : T['shape'] extends 'optional'
      ? AtomValues[T['of']] | undefined
      : AtomValues[T['of']]

export type ValueOf<C extends ColumnTypeName> = Shaped<(typeof columnTypes)[C]>
/** A column's value, of whatever type. */
export type Value = Atom | undefined | ReadonlySet<Atom> | ReadonlyMap<Atom, Atom>

/** The columns of a table that are wanted, and what they are expected to hold. */
export type TableSchema = Readonly<Record<string, ColumnTypeName>>
export type Schema = Readonly<Record<string, TableSchema>>

export type RowOf<T extends TableSchema> = { readonly [C in keyof T]: ValueOf<T[C]> }
