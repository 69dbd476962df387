import type { IncomingLink } from './incoming-link.ts'
import type { OutgoingLink } from './outgoing-link.ts'

/** A link, from the hub's side: `IncomingLink` is one that the peer sends on. */
export type Link = IncomingLink | OutgoingLink
