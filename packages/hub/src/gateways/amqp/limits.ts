import { MAX_MESSAGE_BYTES } from '@twinward/protocol'

/** Where AMQP over TLS is, unless somebody chose another port. */
export const AMQPS_PORT = 5671

/** What a peer has for its protocol header, SASL and open. */
export const OPEN_DEADLINE_MS = 30_000
/** How long a connection may go on without anybody having proven who he is. */
export const PROOF_DEADLINE_MS = 60_000
/** How long an attach waits for the token that opens it (04 §2). */
export const ATTACH_DEADLINE_MS = 30_000
/** How long a peer may take to close its side after we said goodbye. */
export const LINGER_MS = 5000
/** The silence that a peer is asked not to exceed, and the one after which it counts as gone. */
export const IDLE_TIMEOUT_MS = 240_000
export const MAX_SILENCE_MS = 2 * IDLE_TIMEOUT_MS
/** A peer that wants signs of life more often than we look at the clock is refused. */
export const MIN_PEER_IDLE_MS = 2000

export const MAX_FRAME_BYTES = 65_536
/** What a peer must be able to take (part 2 §2.4.1 of the standard), and what we use of what it says. */
export const MIN_FRAME_BYTES = 512
/** A PLAIN response carries a token. */
export const MAX_SASL_FRAME_BYTES = 8192
/** C# has a session per device (04 §1). */
export const MAX_CHANNEL = 8191
export const MAX_HANDLE = 255
export const MAX_LINKS = 16_384
/** Attaches of one connection that wait for a token. */
export const MAX_WAITING_ATTACHES = 1024
/** Tokens of one connection; each takes 4 KiB at most. */
export const MAX_TOKENS = 2048

/** Announced on each attach (04 §1). */
export const MAX_ANNOUNCED_MESSAGE_BYTES = MAX_MESSAGE_BYTES
/** A message on the wire: its encoding comes on top. */
export const MAX_ENCODED_MESSAGE_BYTES = MAX_MESSAGE_BYTES + 64 * 1024
/** Of one connection: messages that have not arrived whole, and messages that are not settled yet. */
export const MAX_PARTIAL_BYTES = 16 * 1024 * 1024
export const MAX_IN_FLIGHT_BYTES = 2 * 1024 * 1024
/** Transfers of a session that a peer may send until it hears of us again. */
export const SESSION_WINDOW = 2048
/** Deliveries of a link that a peer may send until one is settled. */
export const LINK_CREDIT = 100

/** Bytes that wait for the peer; above it nothing is sent that can wait. */
export const MAX_READY_BYTES = 256 * 1024
/** What a peer that does not read may leave with us. */
export const MAX_PENDING_WRITE_BYTES = 4 * 1024 * 1024
/** Messages of a link that wait for credit. */
export const MAX_WAITING_MESSAGES = 64
