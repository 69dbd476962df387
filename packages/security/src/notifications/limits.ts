/** Channels and routes of a hub. */
export const MAX_CHANNELS = 20
export const MAX_ROUTES = 100

/** Notifications that wait for one channel; then the feed of findings holds what comes. */
export const MAX_WAITING = 1_000
/** Characters of the notifications that wait for one channel. */
export const MAX_WAITING_CHARACTERS = 4 * 1024 * 1024
/** Characters of one notification's JSON; evidence, notes and history are left out beyond. */
export const MAX_NOTIFICATION_CHARACTERS = 64 * 1024
/** Changes that are taken from the feed in one step. */
export const MAX_CHANGES_AT_ONCE = 100
/** Notifications of one channel that were given up; the oldest go first, which is counted. */
export const MAX_DEAD_LETTERS = 1_000

/** A notification is given up after so many attempts, or when it is so old. */
export const MAX_ATTEMPTS = 200
export const MAX_AGE_MS = 24 * 3_600_000
/** The pause after the first failure; it doubles up to the longest. */
export const FIRST_PAUSE_MS = 1_000
export const MAX_PAUSE_MS = 10 * 60_000

/** Connecting ends after this, and so does sending, whatever the other end does. */
export const ATTEMPT_TIMEOUT_MS = 10_000
/** Characters of the reason that is kept of a failure. */
export const MAX_REASON_CHARACTERS = 300

/** Notifications that one e-mail tells of. */
export const MAX_DIGEST = 50
/** Notifications that go to a message broker or a log collector together. */
export const MAX_TOGETHER = 100
