// The API's description as a test reads it: its operations, validators for what they take and answer, and bodies that they take.
// For tests only.

import type { ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import * as fc from 'fast-check'
import { isObject } from '../resource.ts'
import { decimalText } from '../texts.ts'

export type Json = Readonly<Record<string, unknown>>

export type DescribedOperation = {
  /** `POST /v2.0/ports`, with `{id}` where an id is to be. */
  readonly name: string
  readonly method: 'GET' | 'OPTIONS' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly query: Readonly<Record<string, fc.Arbitrary<unknown>>>
  /** Bodies it takes, and whether a body is one; undefined: it takes none. */
  readonly body:
    | { readonly some: fc.Arbitrary<unknown>; readonly takes: ValidateFunction }
    | undefined
  /** By status. Nothing but what is described passes. */
  readonly answers: Readonly<Record<string, ValidateFunction | 'nothing'>>
}

/** The description's schemas, and the same with nothing but what they describe. */
const TAKEN = 'taken.json'
const SHOWN = 'shown.json'

export function operationsIn(document: Json): readonly DescribedOperation[] {
  const { components } = document
  const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false })
  formats.default(ajv)
  ajv.addVocabulary(['components'])
  ajv.addSchema({ components }, TAKEN)
  ajv.addSchema({ components: closed(at(components)) }, SHOWN)
  const validators = new Map<string, ValidateFunction>()
  const validator = (schema: Json): ValidateFunction => {
    const text = JSON.stringify(schema)
    const there = validators.get(text) ?? ajv.compile(schema)
    validators.set(text, there)
    return there
  }
  return Object.entries(at(document['paths'])).flatMap(([path, methods]) =>
    Object.entries(at(methods)).map(([method, operation]): DescribedOperation => {
      const { requestBody, responses, parameters } = at(operation)
      const schema = schemaIn(at(requestBody))
      return {
        name: `${method.toUpperCase()} ${path}`,
        method: method.toUpperCase() as DescribedOperation['method'],
        path,
        query: Object.fromEntries(
          listOf(parameters)
            .filter((one) => one['in'] === 'query')
            .map((one) => [String(one['name']), some(at(one['schema']))]),
        ),
        body: schema && { some: some(schema), takes: validator(at(referring(schema, TAKEN))) },
        answers: Object.fromEntries(
          Object.entries(at(responses)).map(([status, response]) => {
            const shown = schemaIn(resolved(at(response)))
            if (shown === undefined) return [status, 'nothing']
            return [status, validator(at(referring(closed(shown), SHOWN)))]
          }),
        ),
      }
    }),
  )

  function resolved(one: Json): Json {
    const { $ref } = one
    if (typeof $ref !== 'string') return one
    return at(
      $ref
        .split('/')
        .slice(1)
        .reduce<unknown>((value, name) => at(value)[name], document),
    )
  }

  /** Values the schema takes. What a pattern looks ahead for is made by name. */
  function some(schema: Json): fc.Arbitrary<unknown> {
    const { $ref, allOf, anyOf, type, pattern, not } = schema
    const named = typeof $ref === 'string' ? texts[$ref.replace(/.*\//, '')] : undefined
    if (named !== undefined) return named
    if ($ref !== undefined) return some(resolved(schema))
    if (Array.isArray(allOf)) return some(at(allOf[0]))
    if (Array.isArray(anyOf)) {
      const [number = {}, text] = anyOf.map(at)
      // Text has no bounds in a schema, so it is made of a number that has.
      if (JSON.stringify(text) === JSON.stringify(decimalText)) {
        return fc.oneof(some(number), some(number).map(String))
      }
      return fc.oneof(...anyOf.map((one) => some(at(one))))
    }
    if ('const' in schema) return fc.constant(schema['const'])
    if (Array.isArray(schema['enum'])) return fc.constantFrom(...(schema['enum'] as unknown[]))
    if (not !== undefined) {
      const { not: _, ...rest } = schema
      const refuses = ajv.compile(at(not))
      return some(rest).filter((value) => !refuses(value))
    }
    switch (type) {
      case 'null':
        return fc.constant(null)
      case 'boolean':
        return fc.boolean()
      case 'integer': {
        const [min = 0, max = 2 ** 31] = [schema['minimum'], schema['maximum']].map(Number)
        return fc.integer({ min: Number.isNaN(min) ? 0 : min, max: Number.isNaN(max) ? 999 : max })
      }
      case 'array': {
        const { items, minItems, maxItems } = schema
        return fc.uniqueArray(some(at(items)), {
          minLength: Number(minItems ?? 0),
          maxLength: Math.min(Number(maxItems ?? 4), 4),
          selector: (one) => (Number.isNaN(Number(one)) ? one : Number(one)),
          comparator: (a, b) => JSON.stringify(a) === JSON.stringify(b),
        })
      }
      case 'object':
        return someObject(schema)
      case 'string':
        if (schema['format'] === 'date-time') return fc.constant('2026-11-25T12:00:00Z')
        return typeof pattern === 'string'
          ? fc.stringMatching(new RegExp(pattern, 'u'))
          : fc.string({
              unit: 'binary',
              minLength: Number(schema['minLength'] ?? 0),
              maxLength: Math.min(Number(schema['maxLength'] ?? 40), 300),
            })
      default:
        return fc.jsonValue({ maxDepth: 2, stringUnit: 'binary' })
    }
  }

  function someObject({ properties, required }: Json): fc.Arbitrary<unknown> {
    const members = Object.entries(at(properties)).map(([name, one]) => [name, some(at(one))])
    if (properties === undefined) return fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }))
    return fc.record(Object.fromEntries(members) as Record<string, fc.Arbitrary<unknown>>, {
      requiredKeys: (required ?? []) as string[],
      noNullPrototype: true,
    })
  }
}

const mac = fc
  .tuple(fc.constantFrom(0x02, 0xfa), fc.array(fc.nat(255), { minLength: 5, maxLength: 5 }))
  .map(([first, rest]) => [first, ...rest].map((byte) => byte.toString(16).padStart(2, '0')))
const anyMac = fc
  .tuple(mac, fc.constantFrom(':', '-', ''), fc.boolean())
  .map(([pairs, between, big]) => (big ? pairs.join(between).toUpperCase() : pairs.join(between)))
/** Prefixes whose host bits are zero, of unicast addresses: that they are is more than a schema can ask for. */
const cidr = fc.oneof(
  fc.nat(255).map((n) => `10.${n}.0.0/16`),
  fc.integer({ min: 0, max: 0xffff }).map((n) => `fd00:${n.toString(16)}::/32`),
)
const ip = fc.oneof(
  fc.tuple(fc.nat(255), fc.nat(255)).map(([a, b]) => `10.${a}.0.${b}`),
  fc
    .tuple(fc.nat(0xffff), fc.nat(0xff))
    .map(([a, b]) => `FD00:${a.toString(16)}::${b.toString(16)}`),
)
const texts: Readonly<Record<string, fc.Arbitrary<string>>> = {
  AnyMac: anyMac,
  AnyUnicastMac: anyMac,
  Ip: ip,
  Cidr: cidr,
  IpOrCidr: fc.oneof(ip, cidr),
}

/** Objects have the members that are described, and no others. */
function closed(schema: Json): Json {
  const members = Object.entries(schema).map(([name, value]) => [name, closedIn(value)])
  const open = isObject(schema['properties']) && schema['additionalProperties'] === undefined
  return { ...Object.fromEntries(members), ...(open && { additionalProperties: false }) } as Json
}

function closedIn(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closedIn)
  return isObject(value) ? closed(value) : value
}

/** With its references into one of the schemas that the validator has already. */
function referring(value: unknown, schema: string): unknown {
  if (Array.isArray(value)) return value.map((one) => referring(one, schema))
  if (!isObject(value)) return value
  const members = Object.entries(value).map(([name, one]) => [
    name,
    name === '$ref' ? `${schema}${String(one)}` : referring(one, schema),
  ])
  return Object.fromEntries(members) as Json
}

function schemaIn(one: Json): Json | undefined {
  const [media] = Object.values(at(one['content']))
  return media === undefined ? undefined : at(at(media)['schema'])
}

export function at(value: unknown): Json {
  return isObject(value) ? value : {}
}

export function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}
