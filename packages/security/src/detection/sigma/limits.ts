/** Bytes of one import, and of the text of one rule. */
export const MAX_IMPORT_BYTES = 1024 * 1024
export const MAX_RULE_BYTES = 64 * 1024
/** Sigma rules of one hub, supported or not, and bytes of their texts together. */
export const MAX_RULES = 2000
export const MAX_TOTAL_BYTES = 16 * 1024 * 1024
/** Documents of one import. */
export const MAX_DOCUMENTS = 2000

/** Levels of maps and lists in a document, and how often its aliases may be resolved. */
export const MAX_DEPTH = 20
export const MAX_ALIASES = 20

/**
 * Values of one rule, after keywords were looked for in every field, and `base64offset` and `windash`
 * made several of one; and again as often as its condition names their selections.
 */
export const MAX_VALUES = 5000
/** Steps of making the automata of one rule: some 200 ms. */
export const MAX_RULE_WORK = 4_000_000
/** Characters of one value. */
export const MAX_VALUE_CHARACTERS = 2048
/** Characters of a condition, and levels of its parentheses. */
export const MAX_CONDITION_CHARACTERS = 4096
export const MAX_CONDITION_DEPTH = 50
/** Characters of a title, and of the other texts of a rule that are shown. */
export const MAX_TITLE_CHARACTERS = 256
export const MAX_TEXT_CHARACTERS = 4096
/** Entries of a rule's tags, references and false positives that are kept. */
export const MAX_LIST_ITEMS = 50

/** Characters of a field that rules read: what is longer is cut, as command lines are. */
export const MAX_FIELD_CHARACTERS = 8192

/**
 * Automata of all rules together: regular expressions, and values with wildcards inside. Each
 * reads a field once, so this bounds what a line can cost.
 */
export const MAX_AUTOMATA = 500

/** Values of all rules together, and characters of those that differ: what the index is made of. */
export const MAX_ALL_VALUES = 200_000
export const MAX_LITERAL_CHARACTERS = 1_000_000
