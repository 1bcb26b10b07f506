// What an operator must know of floods that reach guarded ports although they should be kept from them: ADR 9.

/** In a sentence; undefined where floods are kept from all guarded ports. `why` is of all ports, `exposed` of some, by interface. */
export function noteOnExposed(
  bridge: string,
  why: string | undefined,
  exposed: ReadonlyMap<string, string>,
): string | undefined {
  if (why !== undefined) return `${bridge} floods to guarded ports what is for others: ${why}`
  const [first] = exposed
  if (first === undefined) return undefined
  const [name, reason] = first
  const others = exposed.size === 1 ? '' : ` and ${exposed.size - 1} more`
  return `${bridge} floods to ${name}${others} what is for others: ${reason}`
}
