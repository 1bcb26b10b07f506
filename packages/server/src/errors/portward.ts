// Errors of Portward's own paths.

import { define, few, show } from './define.ts'

export const portwardErrors = {
  interfaceNotSeen: define(
    404,
    'InterfaceNotFound',
    (iface: string, host: string | undefined, seen: readonly string[]) =>
      `No interface ${show(iface)} hangs on the bridge${host === undefined ? '' : ` of host ${host}`}. Those seen: ${few(seen)}.`,
  ),
  hostNotSeen: define(
    404,
    'HostNotFound',
    (host: string, hosts: readonly string[]) =>
      `No agent has told of an interface on host ${show(host)}. Hosts that are known: ${few(hosts)}.`,
  ),
  interfaceOnManyHosts: define(
    409,
    'InterfaceAmbiguous',
    (iface: string, hosts: readonly string[]) =>
      `Interface ${iface} is on hosts ${hosts.join(', ')}: name the one that is meant as 'host'.`,
  ),
  interfaceIsTrunk: define(
    409,
    'InterfaceNotProtectable',
    (iface: string) =>
      `Interface ${iface} is an uplink, patch or tunnel port: it carries others' addresses, so it can own none.`,
  ),
  interfaceDeclared: define(
    409,
    'InterfaceDeclared',
    (iface: string, portId: string) =>
      `Interface ${iface} is port ${portId}, declared through the Neutron API: change or delete that port there.`,
  ),
  interfaceProtected: define(
    409,
    'InterfaceDeclared',
    (iface: string) =>
      `Interface ${iface} was protected: undo that with portward unprotect ${iface}.`,
  ),
  interfaceTaken: define(
    409,
    'InterfaceDeclared',
    (iface: string, host: string, portId: string) =>
      `Interface ${iface} of host ${host} is port ${portId}: untie or delete that port first.`,
  ),
  interfaceNotTied: define(
    404,
    'InterfaceNotTied',
    (iface: string, host: string, its: readonly string[]) =>
      `Interface ${iface} of host ${host} is tied to no port. Those that are: ${few(its)}.`,
  ),
  portTiedElsewhere: define(
    409,
    'PortTied',
    (portId: string, iface: string, host: string) =>
      `Port ${portId} is interface ${iface} of host ${host}, and can be one only: untie it there first.`,
  ),
  portOfOtherHost: define(
    409,
    'PortBound',
    (portId: string, hostId: string, host: string) =>
      `binding:host_id of port ${portId} is ${hostId}, and the interface is on host ${host}: set it to "" first.`,
  ),
  interfaceNotProtected: define(
    404,
    'InterfaceNotProtected',
    (iface: string, host: string, its: readonly string[]) =>
      `Interface ${iface} of host ${host} is not protected, so there is nothing to undo. Those that are: ${few(its)}.`,
  ),
  macUnknown: define(
    400,
    'MacAddressUnknown',
    (iface: string) =>
      `The host cannot know the MAC address of the guest behind ${iface}: give it as 'mac' (--mac).`,
  ),
  ipProtected: define(
    409,
    'IpAddressAlreadyAllocated',
    (ip: string, owner: string) => `ips: ${ip} is already that of ${owner}.`,
  ),
  macProtected: define(
    409,
    'MacAddressInUse',
    (mac: string, owner: string) => `mac: ${mac} is already that of ${owner}.`,
  ),
  frameOrWords: define(
    400,
    'HTTPBadRequest',
    () =>
      "To explain, give 'frame', the frame's bytes as hex, or 'words' such as \"arp 10.0.0.9\": one of the two.",
  ),
  badPhrase: define(400, 'HTTPBadRequest', (why: string) => `words: ${why}.`),
  noSwitch: define(
    503,
    'SwitchUnavailable',
    (host: string, why: string) =>
      `The switch of host ${host} does not tell its flows (${why}): see portward status, and ask again once it is back.`,
  ),
  noLocalHost: define(
    501,
    'HTTPNotImplemented',
    () =>
      'This server runs without an agent in its process, so it sees no switch: on the host itself, ovs-ofctl dump-flows BRIDGE shows them.',
  ),
  internal: define(
    500,
    'HTTPInternalServerError',
    (requestId: string) => `The server failed; its log has the cause under ${requestId}.`,
  ),
} as const
