// What Portward reads of Open vSwitch's own database: ovs-vswitchd.conf.db(5).

import type { Schema } from './column.ts'
import type { Op } from './operation.ts'

export const vswitch = {
  Open_vSwitch: {
    bridges: 'uuids',
    cur_cfg: 'integer',
    next_cfg: 'integer',
    external_ids: 'stringMap',
    other_config: 'stringMap',
    ovs_version: 'optionalString',
  },
  Bridge: {
    name: 'string',
    ports: 'uuids',
    fail_mode: 'optionalString',
    protocols: 'strings',
    datapath_type: 'string',
    datapath_id: 'optionalString',
    controller: 'uuids',
    stp_enable: 'boolean',
    rstp_enable: 'boolean',
    other_config: 'stringMap',
  },
  Controller: {
    target: 'string',
    connection_mode: 'optionalString',
  },
  Port: {
    name: 'string',
    interfaces: 'uuids',
    tag: 'optionalInteger',
    trunks: 'integers',
    vlan_mode: 'optionalString',
    external_ids: 'stringMap',
  },
  Interface: {
    name: 'string',
    type: 'string',
    ofport: 'optionalInteger',
    external_ids: 'stringMap',
    error: 'optionalString',
    mac_in_use: 'optionalString',
  },
} as const satisfies Schema

export type VswitchSchema = typeof vswitch

/** Sets one of an interface's external_ids, and leaves the others. */
export function setExternalId(iface: string, key: string, value: string): Op {
  return {
    op: 'mutate',
    table: 'Interface',
    where: [['name', '==', iface]],
    mutations: [
      // Inserting leaves a key that is there as it is.
      ['external_ids', 'delete', ['set', [key]]],
      ['external_ids', 'insert', ['map', [[key, value]]]],
    ],
  }
}

/** Removes one of an interface's external_ids if it still has this value. */
export function removeExternalId(iface: string, key: string, value: string): Op {
  return {
    op: 'mutate',
    table: 'Interface',
    where: [['name', '==', iface]],
    mutations: [['external_ids', 'delete', ['map', [[key, value]]]]],
  }
}
