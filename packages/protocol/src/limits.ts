/** IoT Hub's limits that both ends of a wire must know (11 §1, 02 §3.5). Sizes in bytes of UTF-8. */
export const MAX_MESSAGE_BYTES = 256 * 1024
export const MAX_TAGS_BYTES = 8 * 1024
export const MAX_PROPERTIES_BYTES = 32 * 1024
export const MAX_KEY_BYTES = 1024
export const MAX_STRING_BYTES = 4096
export const MAX_TWIN_DEPTH = 10
export const MIN_TWIN_INTEGER = -4503599627370496
export const MAX_TWIN_INTEGER = 4503599627370495
export const MAX_MODULES_PER_DEVICE = 50
export const MAX_IDENTITIES = 1_000_000
export const MAX_STATUS_REASON_CHARACTERS = 128
/** Grace that is given to an expired token, for clocks that differ (06 §2). */
export const CLOCK_SKEW_MS = 5 * 60_000
/** A cloud-to-device message, body and properties (10 §2). */
export const MAX_CLOUD_MESSAGE_BYTES = 64 * 1024
/** Pending cloud-to-device messages of one identity. */
export const MAX_QUEUE_DEPTH = 50
/** Payload of a direct method, either way (09 §1). */
export const MAX_METHOD_PAYLOAD_BYTES = 128 * 1024
export const MAX_METHOD_NAME_CHARACTERS = 100
/** Objects and arrays within each other in any JSON that a peer sends. */
export const MAX_JSON_DEPTH = 64
