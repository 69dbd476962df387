/** How a segment is connected to the one before it. */
export type Connective = '' | ';' | '&&' | '||' | '|' | '&'

export interface Redirection {
  /**
   * `>`, `>>`, `>&`, `&>`, `&>>`, `<`, `<&`, `<>`, `<<`, `<<<`; a file descriptor before it is
   * dropped.
   */
  readonly operator: string
  readonly target: string
}

/** One simple command within a line. */
export interface Segment {
  /** Lower-case base name of the program; empty when there is none (`> file`, `X=1`). */
  readonly program: string
  /** The token that named it, as written. */
  readonly path: string
  /** The tokens after the program, unquoted. A substitution is left as `$()` within its token. */
  readonly args: readonly string[]
  /** Leading `NAME=value` assignments. */
  readonly env: readonly string[]
  readonly redirections: readonly Redirection[]
  /** Targets of output redirections. */
  readonly writes: readonly string[]
  readonly connective: Connective
  /** Within `$( )`, back-ticks or `<( )`. */
  readonly substituted: boolean
  readonly nohup: boolean
  /** Wrappers that were stripped: `sudo`, `env`, `timeout`, … */
  readonly wrappers: readonly string[]
  /** Where the last `cd` of the same line went, or above it; empty when there was none. */
  readonly directory: string
  /** The segment as written, with its quotes and escapes. */
  readonly source: string
}

/**
 * A command line, analysed once; rules test its tokens and never match the raw text by chained
 * patterns.
 */
export interface Command {
  /** The line as it came, at most `MAX_COMMAND_CHARACTERS`. */
  readonly line: string
  /** Something was left out: characters, segments or tokens over their limits. */
  readonly truncated: boolean
  /** In order of appearance; scripts of `sh -c` and `eval` are analysed in place (depth ≤ 3). */
  readonly segments: readonly Segment[]
  /** Every token of every segment, unquoted. */
  readonly tokens: readonly string[]
  /**
   * Lexical steps that the analysis took: what a test can hold to a multiple of the line's length.
   */
  readonly steps: number
}
