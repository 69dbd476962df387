/** Items of one page; a caller that asks for more is refused. */
export const MAX_PAGE_ITEMS = 1_000
/** Characters of JSON after which a page ends early: devices choose how long their texts are. */
export const MAX_PAGE_CHARACTERS = 8 * 1024 * 1024

/** Rejections kept of one device; the oldest go first. */
export const MAX_REJECTIONS_PER_DEVICE = 1_000
/** Rejections kept of all devices together; at most about 4.5 KB each. */
export const MAX_REJECTIONS = 100_000
/** Changes of findings that the feed keeps, and the characters of their documents. */
export const MAX_CHANGES = 20_000
export const MAX_CHANGE_CHARACTERS = 64 * 1024 * 1024
