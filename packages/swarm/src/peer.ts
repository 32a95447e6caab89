/** How the shell names a neighbour: its link id. A peer that comes back on a new link is a new handle. */
export type PeerHandle = number;

/** An agent is asked for pieces by REQUEST; an origin gets WANT_ANY credits and chooses the piece itself. */
export type PeerRole = 'origin' | 'agent';
