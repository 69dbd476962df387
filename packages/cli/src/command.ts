import type { Api } from './api-client.ts'
import type { Output } from './output.ts'
import type { Target, TargetChoice } from './target.ts'

/** One command: one file in `commands/`, listed once in `commands/lists/`. */
export interface Command {
  readonly arguments?: readonly Argument[]
  readonly options?: readonly Option[]
  /** `server`: also takes --data-dir, --url and --login; `data-dir`: only the first. */
  readonly talksTo?: 'server' | 'data-dir'
  /** What a person should know beyond the summary; shown by --help. */
  readonly details?: string
  /** Command lines without the program's name, each with what it does. */
  readonly examples: readonly (readonly [commandLine: string, meaning: string])[]
  /** @throws {UsageError} exit code 2; {CommandError} exit code 1; anything else is a bug */
  run(input: Input, context: Context): Promise<void>
}

/** A line of the list of commands; its file is loaded only when it is the one to run. */
export interface CommandEntry {
  readonly name: string
  readonly summary: string
  load(): Promise<Command>
}

export interface Argument {
  /** `<id>` is needed, `[id]` may be left out, `<id...>` takes one or more. */
  readonly syntax: string
  readonly description: string
}

export interface Option {
  /** As commander reads it: `--top <n>`, `--disabled`. */
  readonly flags: string
  readonly description: string
  /** What counts when the option is not given; for the help only. */
  readonly defaultText?: string
  readonly choices?: readonly string[]
  /** A whole number in this range. */
  readonly integer?: { readonly min: number; readonly max: number }
  /** The option may be given more than once; read it with `list`. */
  readonly isRepeatable?: boolean
}

/** What a command was given, already checked for its syntax. */
export interface Input {
  /** Positional argument by its place; '' when it was left out. */
  argument(index: number): string
  /** The arguments of a `<name...>`. */
  rest(): readonly string[]
  /** An option's value by its name in camel case. */
  text(option: string): string | undefined
  integer(option: string): number | undefined
  list(option: string): readonly string[]
  isSet(option: string): boolean
}

/** What a command works with; tests give their own. */
export interface Context {
  readonly out: Output
  readonly environment: { readonly [name: string]: string | undefined }
  readonly stdin: AsyncIterable<Uint8Array>
  /** How a person starts this program, for texts that name the next command. */
  readonly program: string
  /** The server that the options name. @throws {CommandError} when there is none */
  target(choice: TargetChoice): Target
  connect(target: Target): Api
}

/** The command line was wrong. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The command cannot be done: `message` is one sentence that says why and what to do next. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError'
}

/** The server that this command line chose. */
export function targetOf(input: Input, context: Context): Target {
  return context.target(targetChoice(input))
}

export function apiOf(input: Input, context: Context): Api {
  return context.connect(targetOf(input, context))
}

/** A command for a person to type next, on the same server. */
export function nextCommand(input: Input, { program }: Context, line: string): string {
  const { dataDir } = targetChoice(input)
  return `${program} ${line}${dataDir === undefined ? '' : ` --data-dir ${quoted(dataDir)}`}`
}

/** A word for a shell. */
export function quoted(text: string): string {
  return /^[\w./:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

export function targetChoice(input: Input): TargetChoice {
  const dataDir = input.text('dataDir')
  const url = input.text('url')
  const login = input.text('login')
  return {
    ...(dataDir !== undefined && { dataDir }),
    ...(url !== undefined && { url }),
    ...(login !== undefined && { login }),
  }
}
