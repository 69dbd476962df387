/** Characters (UTF-16 units) of a command line that are analysed; the rest is cut and flagged. */
export const MAX_COMMAND_CHARACTERS = 8192

/** Segments of one line, its nested scripts included: more than that many characters can hold. */
export const MAX_SEGMENTS = 4096

/** Tokens of one line, its nested scripts included. */
export const MAX_TOKENS = 8192

/** Levels of scripts within scripts: `sh -c "sh -c 'sh -c x'"` has three. */
export const MAX_SCRIPT_DEPTH = 3

/** Open `$(`, back-ticks and brackets; deeper ones only separate segments. */
export const MAX_NESTING = 16
