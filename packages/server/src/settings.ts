// What an operator has decided for the whole API.

/** How a network is carried whose request does not say, and what VLANs may be given out. */
export type NetworkSettings = {
  readonly type: 'local' | 'vlan'
  readonly physicalNetwork: string
  /** Both included. */
  readonly vlanRange: { readonly first: number; readonly last: number }
}

/** How many of each a project may have that has no quota of its own; -1: any number. */
export type QuotaSettings = {
  readonly network: number
  readonly subnet: number
  readonly port: number
  readonly rbacPolicy: number
}

export type Settings = {
  /** How many allowed address pairs a port can have: Neutron's `max_allowed_address_pair`. */
  readonly maxPairs: number
  readonly network: NetworkSettings
  readonly quotas: QuotaSettings
  /** For how long changes are kept in the archive. */
  readonly auditDays: number
}

export const defaults: Settings = {
  maxPairs: 10,
  network: { type: 'local', physicalNetwork: 'physnet1', vlanRange: { first: 1, last: 4094 } },
  quotas: { network: -1, subnet: -1, port: -1, rbacPolicy: -1 },
  auditDays: 365,
}
