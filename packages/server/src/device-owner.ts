// What a port's device_owner says of it: a guest's port is guarded, the network's own is trusted.

/** A DHCP server's port, which comes and goes with what it serves. */
export const DHCP = 'network:dhcp'

/** Marks the ports that `portward protect` has made; others are changed where they were made. */
export const PROTECT = 'portward:protect'

/** The network's own: a DHCP server's, a router's. They are not guarded. */
export function isTrusted(deviceOwner: string): boolean {
  return deviceOwner.startsWith('network:')
}
