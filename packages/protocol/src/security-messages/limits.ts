/** Bounds of one security message; its size in bytes is bounded by `MAX_MESSAGE_BYTES`. */
export const MAX_EVENTS_PER_MESSAGE = 1_000
/** Payload elements of all events together; a busy machine's socket list has about 1,500. */
export const MAX_ELEMENTS_PER_MESSAGE = 10_000
/** What names an agent and its version in binary messages, and versions in others: each row has it. */
export const MAX_AGENT_CHARACTERS = 128
/** A time in the header of an event, as text; each row has it. */
export const MAX_TIME_CHARACTERS = 64
/** Levels of objects and arrays, the envelope being the first; the published schema needs 5. */
export const MAX_SECURITY_MESSAGE_DEPTH = 16
