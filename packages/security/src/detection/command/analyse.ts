import type { Command, Segment } from './command.ts'
import { interpret } from './interpret.ts'
import { MAX_COMMAND_CHARACTERS, MAX_SCRIPT_DEPTH, MAX_SEGMENTS, MAX_TOKENS } from './limits.ts'
import type { ShellSegment, Word } from './reader.ts'
import { scriptOf } from './script.ts'
import { tokenize } from './tokenizer.ts'

/** The analysis as it grows: one per line. */
interface Analysis {
  readonly segments: Segment[]
  readonly tokens: string[]
  steps: number
  truncated: boolean
  /** Where the last `cd` went. */
  directory: string
}

/**
 * Analyses a command line once for all rules (N1–N7 of the rule catalogue):
 *
 *     sudo sh -c 'cd /tmp && ./x > y'   →   sh [-c, …] · cd [/tmp] · x [] && in /tmp, writes y
 *
 * Pure, never throws, and takes time linear in the line's length whatever the line holds.
 */
export function analyse(commandLine: string): Command {
  const line = commandLine.slice(0, MAX_COMMAND_CHARACTERS)
  const analysis: Analysis = {
    segments: [],
    tokens: [],
    steps: 0,
    truncated: commandLine.length > line.length,
    directory: '',
  }
  addScript(analysis, line, 0)
  const { segments, tokens, steps, truncated } = analysis
  return { line, truncated, segments, tokens, steps }
}

function addScript(analysis: Analysis, script: string, depth: number): void {
  const { segments, steps } = tokenize(script)
  analysis.steps += steps
  for (const shell of segments) {
    addTokens(analysis, shell)
    addSegment(analysis, shell.words, shell, { script, depth })
  }
}

/** Adds the segment of `words`, then the segments of the script that it runs. */
function addSegment(
  analysis: Analysis,
  words: readonly Word[],
  shell: ShellSegment,
  { script, depth }: { readonly script: string; readonly depth: number },
): void {
  if (analysis.segments.length >= MAX_SEGMENTS) {
    analysis.truncated = true
    return
  }
  const before = analysis.segments.at(-1)
  const interpreted = interpret(words, shell, { script, directory: analysis.directory })
  const { segment } = interpreted
  analysis.segments.push(segment)
  analysis.steps += words.length
  if (segment.program === 'cd') changeDirectory(analysis, segment.args.at(-1) ?? '')

  const inner = scriptOf(interpreted, before)
  if (!inner || depth >= MAX_SCRIPT_DEPTH) return
  if (inner.text !== undefined) addScript(analysis, inner.text, depth + 1)
  else {
    const first = { ...shell, connective: '' as const }
    addSegment(analysis, inner.words, first, { script, depth: depth + 1 })
  }
}

/** A step further down stays below, so it is not written out: lines of `cd a;` would add up. */
function changeDirectory(analysis: Analysis, to: string): void {
  const isBelow = to !== '' && !'/$~-'.includes(to[0] ?? '') && !to.includes('..')
  if (analysis.directory === '' || !isBelow) analysis.directory = to
}

function addTokens(analysis: Analysis, { words, redirections }: ShellSegment): void {
  const targets = redirections.flatMap(({ target }) => target ?? [])
  for (const { text } of [...words, ...targets]) {
    if (analysis.tokens.length < MAX_TOKENS) analysis.tokens.push(text)
    else analysis.truncated = true
  }
}
