import { MAX_MESSAGE_BYTES } from '@twinward/protocol'

export const CONNECT_DEADLINE_MS = 30_000
/** Ids, host, client type and a token take a kilobyte or two; a will may add a payload. */
export const MAX_CONNECT_BYTES = 16 * 1024
/** A message, the two length fields and the longest topic that MQTT allows. */
export const MAX_PACKET_BYTES = MAX_MESSAGE_BYTES + 64 * 1024
/** What a client must be able to take: the packets that answer it are shorter. */
export const MIN_CLIENT_PACKET_BYTES = 256
/** Operations of one connection that are under way at once, and the bytes of their packets. */
export const MAX_IN_FLIGHT = 256
export const MAX_IN_FLIGHT_BYTES = 1024 * 1024
/** Answers that are ready; above it no further packet is handled in this turn. */
export const MAX_READY_BYTES = 256 * 1024
/** What a peer that does not read may leave with us. */
export const MAX_PENDING_WRITE_BYTES = 2 * 1024 * 1024
/** How long a peer may take to close its side after we said goodbye. */
export const LINGER_MS = 5000
