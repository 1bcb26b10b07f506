// The life of a link, without its socket and clock: when to connect, when to ask for a sign of life, when to give up.
//
//             due                connected                silence
//   backoff ──────► connecting ─────────────►  up  ─────────────────► probing
//      ▲                │                      │ ▲       heard           │
//      └── lost ────────┴───────── lost ───────┘ └───────────────────────┤
//      └── lost ─────────────────────────────────────────────────────────┘
//
// All times are milliseconds of one clock that only goes forward (`performance.now()`).

export type Link =
  | { readonly state: 'backoff'; readonly until: number; readonly delay: number }
  | { readonly state: 'connecting'; readonly since: number; readonly delay: number }
  | {
      readonly state: 'up'
      readonly since: number
      readonly heard: number
      readonly delay: number
    }
  | {
      readonly state: 'probing'
      readonly since: number
      readonly heard: number
      readonly asked: number
      readonly delay: number
    }

/** All in milliseconds. */
export type Pace = {
  /** The wait after the first failure; each further one doubles it. */
  readonly firstBackoff: number
  /** The longest wait while nobody answers. */
  readonly maxBackoff: number
  /** The longest wait after a link that came up and went again. One that was up for as long starts at the first again. */
  readonly flapBackoff: number
  /** How long connecting may take. */
  readonly patience: number
  /** Silence after which the peer is probed, and again the time it has for an answer. */
  readonly probe: number
}

/** For a peer over a network. */
export const PACE: Pace = {
  firstBackoff: 10,
  maxBackoff: 1000,
  flapBackoff: 1000,
  patience: 5000,
  probe: 5000,
}

/**
 * For a daemon of this machine. To try costs next to nothing, and what follows from its restart must follow at once. The
 * system tells of its end; its silence means that it is busy: ovs-vswitchd 3.1 says nothing for 13 s when it is given 5,000
 * ports in one transaction.
 */
export const LOCAL_PACE: Pace = { ...PACE, maxBackoff: 10, patience: 60_000, probe: 60_000 }

/** What is to be done next, unless something happens before. */
export type Due = { readonly act: 'connect' | 'probe' | 'drop'; readonly at: number }

/** A link that connects at once. */
export function startLink(now: number, pace: Pace): Link {
  return { state: 'backoff', until: now, delay: pace.firstBackoff }
}

export function due(link: Link, pace: Pace): Due {
  switch (link.state) {
    case 'backoff':
      return { act: 'connect', at: link.until }
    case 'connecting':
      return { act: 'drop', at: link.since + pace.patience }
    case 'up':
      return { act: 'probe', at: link.heard + pace.probe }
    case 'probing':
      return { act: 'drop', at: link.asked + pace.probe }
    default:
      link satisfies never
      throw new Error('unreachable')
  }
}

export function connecting(link: Link, now: number): Link {
  return { state: 'connecting', since: now, delay: link.delay }
}

export function connected(link: Link, now: number): Link {
  return { state: 'up', since: now, heard: now, delay: link.delay }
}

/** The peer was last heard at `at`; hearing again what was known already changes nothing. */
export function heard(link: Link, at: number): Link {
  if ((link.state !== 'up' && link.state !== 'probing') || at <= link.heard) return link
  return { state: 'up', since: link.since, heard: at, delay: link.delay }
}

/** The peer was asked for a sign of life. Only a link that is up can be. */
export function probed(link: Link, now: number): Link {
  return link.state === 'up' ? { ...link, state: 'probing', asked: now } : link
}

/** The attempt failed, or the link went. */
export function lost(link: Link, now: number, pace: Pace): Link {
  const delay = delayAfter(link, now, pace)
  return { state: 'backoff', until: now + delay, delay: delay * 2 }
}

/** A peer that takes us and then fails us at once is not to be called on a hundred times a second. */
function delayAfter(link: Link, now: number, pace: Pace): number {
  switch (link.state) {
    case 'backoff':
    case 'connecting':
      return Math.min(link.delay, pace.maxBackoff)
    case 'up':
    case 'probing':
      if (now - link.since >= pace.flapBackoff) return pace.firstBackoff
      return Math.min(link.delay, pace.flapBackoff)
    default:
      link satisfies never
      throw new Error('unreachable')
  }
}
