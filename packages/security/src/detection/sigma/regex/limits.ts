/** Characters of a regular expression. */
export const MAX_PATTERN_CHARACTERS = 2048
/** Levels of groups. */
export const MAX_GROUP_DEPTH = 50
/** The highest number in `{n,m}`. */
export const MAX_REPEAT = 1000
/** States before the choice of paths is resolved, and after. */
export const MAX_NFA_STATES = 5000
export const MAX_STATES = 2000
/** Entries of the table of transitions (2 bytes each). */
export const MAX_TABLE_ENTRIES = 100_000
/** Steps of making the table: some 200 ms. */
export const MAX_WORK = 4_000_000
