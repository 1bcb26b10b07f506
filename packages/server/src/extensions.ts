// The extensions of the Neutron API that work here, and no others: a client believes this list.

import { errors } from './errors.ts'

export type Extension = {
  readonly name: string
  readonly alias: string
  readonly description: string
  readonly updated: string
  readonly links: readonly never[]
}

const extensions: readonly Extension[] = [
  row(
    'aap-reject-multicast',
    'Allowed Address Pairs Without Multicast',
    'A multicast address in a pair is refused',
    '2026-11-25T00:00:00-00:00',
  ),
  row('agent', 'Agents', 'The hosts, and whether they are alive', '2013-02-03T10:00:00-00:00'),
  row(
    'allowed-address-pairs',
    'Allowed Address Pairs',
    'Further addresses a port may speak as',
    '2013-07-23T10:00:00-00:00',
  ),
  row('binding', 'Port Binding', 'The host a port is bound to', '2014-02-03T10:00:00-00:00'),
  row(
    'binding-extended',
    'Port Bindings Extended',
    'Further hosts that a port is to be moved to',
    '2017-07-17T10:00:00-00:00',
  ),
  row(
    'empty-string-filtering',
    'Empty String Filtering',
    'Lists can be filtered by the empty string',
    '2018-05-01T10:00:00-00:00',
  ),
  row(
    'filter-validation',
    'Filter Validation',
    'A filter nobody knows is refused',
    '2018-07-04T10:00:00-00:00',
  ),
  row(
    'ip-substring-filtering',
    'IP Substring Filtering',
    'Ports can be listed by a part of an address',
    '2017-11-28T09:00:00-00:00',
  ),
  row('net-mtu', 'Network MTU', 'The MTU of a network', '2015-03-25T10:00:00-00:00'),
  row(
    'net-mtu-writable',
    'Network MTU (writable)',
    'The MTU of a network can be set',
    '2017-07-12T00:00:00-00:00',
  ),
  row('pagination', 'Pagination', 'Lists come in pages', '2016-06-12T00:00:00-00:00'),
  row(
    'port-mac-address-regenerate',
    'MAC Regeneration',
    'A MAC address of null asks for a new one',
    '2018-05-03T10:00:00-00:00',
  ),
  row(
    'port-security',
    'Port Security',
    'A port may speak only as itself',
    '2012-07-23T10:00:00-00:00',
  ),
  row(
    'portward-checks',
    'Port Security Checks',
    'A port can be exempted from single checks of port security',
    '2026-11-25T00:00:00-00:00',
  ),
  row(
    'project-id',
    'Project Id',
    'project_id, another name of tenant_id',
    '2016-09-09T09:09:09-09:09',
  ),
  row(
    'provider',
    'Provider Network',
    'How a network is carried: local, flat or vlan',
    '2012-09-07T10:00:00-00:00',
  ),
  row(
    'quota-check-limit',
    'Quota Limit Check',
    'A quota below what is used can be refused',
    '2021-09-08T16:00:00-00:00',
  ),
  row(
    'quota_details',
    'Quota Details',
    'How much of its quota a project uses',
    '2017-02-10T10:00:00-00:00',
  ),
  row('quotas', 'Quotas', 'How much a project may have', '2012-07-29T10:00:00-00:00'),
  row(
    'rbac-policies',
    'RBAC Policies',
    'Networks can be shared with single projects',
    '2015-06-17T12:15:12-00:00',
  ),
  row(
    'revision-if-match',
    'If-Match',
    'Changes can be made to depend on the revision',
    '2016-12-11T00:00:00-00:00',
  ),
  row('sorting', 'Sorting', 'Lists can be sorted', '2016-06-12T00:00:00-00:00'),
  row(
    'standard-attr-description',
    'Description',
    'Every resource has a description',
    '2016-02-10T10:00:00-00:00',
  ),
  row(
    'standard-attr-revisions',
    'Revision Number',
    'Every resource counts its changes',
    '2016-04-11T10:00:00-00:00',
  ),
  row(
    'standard-attr-tag',
    'Tags',
    'Networks, subnets and ports can be tagged',
    '2017-01-01T00:00:00-00:00',
  ),
  row(
    'standard-attr-timestamp',
    'Timestamps',
    'Every resource knows when it was made and changed',
    '2016-09-12T10:00:00-00:00',
  ),
]

export function listExtensions(): readonly Extension[] {
  return extensions
}

/** Throws an ApiError if there is none of that alias. */
export function extensionOf(alias: string): Extension {
  const extension = extensions.find((candidate) => candidate.alias === alias)
  if (extension === undefined) throw errors.noSuchExtension(alias)
  return extension
}

function row(alias: string, name: string, description: string, updated: string): Extension {
  return { name, alias, description, updated, links: [] }
}
