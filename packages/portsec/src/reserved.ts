// Where the switch itself forwards nothing to, whatever its flows say: NORMAL keeps frames to the addresses of the bridges' own
// protocols (lib/packets.c, eth_addr_is_reserved), unless the bridge has `other_config:forward-bpdu=true`.

import type { Mac } from '@portward/addr'

export function isReserved(destination: Mac): boolean {
  return RESERVED.test(destination)
}

/** IEEE 802.1Q, table 8-1; Extreme's EDP and EAPS; Cisco's ISL, CDP and the like, PVST+, uplink fast, CFM. */
const RESERVED =
  /^(?:01:80:c2:00:00:0.|00:e0:2b:00:00:0[046]|01:00:0c:(?:00:00:00|cc:cc:c[0-7cd]|cd:cd:cd))$/
