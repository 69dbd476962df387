import type { Segment } from '../command/command.ts'

const OUTPUT_OPTIONS: ReadonlySet<string> = new Set([
  '-o',
  '-O',
  '-out',
  '--output',
  '--output-document',
])
const LONG_OUTPUT_OPTIONS = ['--output=', '--output-document=', 'of='] as const

/** Files that a segment writes: redirections, `-o file`, `tee file`, `dd of=file`. */
export function outputsOf({ program, args, writes }: Segment): readonly string[] {
  const outputs = [...writes]
  if (program === 'tee') outputs.push(...args.filter((arg) => arg[0] !== '-'))
  for (const [at, arg] of args.entries()) {
    // Neither an option nor `of=`: most arguments.
    if (arg[0] !== '-' && arg[0] !== 'o') continue
    const value = args[at + 1]
    if (OUTPUT_OPTIONS.has(arg) && value !== undefined) outputs.push(value)
    const option = LONG_OUTPUT_OPTIONS.find((each) => arg.startsWith(each))
    if (option !== undefined) outputs.push(arg.slice(option.length))
  }
  return outputs
}
