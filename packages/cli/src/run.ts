import { readFileSync } from 'node:fs'
import { Command as CommanderCommand, CommanderError } from 'commander'
import { CommandError, type Input, UsageError } from './command.ts'
import type { Surroundings } from './context.ts'
import { buildProgram, type Chosen, findEntry } from './program.ts'

/**
 * Runs one command line.
 *
 * @returns the exit code: 0 done, 1 refused or failed, 2 a wrong command line
 */
export async function runCommandLine(
  line: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  // `help device create` and `device create --help` are the same.
  const words = line[0] === 'help' ? [...line.slice(1), '--help'] : line
  const { stdout, stderr } = surroundings
  const root = new CommanderCommand('twinward')
    .description('A security module twin for every IoT device.')
    .version(readVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .exitOverride()
    .enablePositionalOptions()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
    })
    .configureHelp({ showGlobalOptions: false })
    .showHelpAfterError('Add --help for the usage.')
  try {
    const entry = findEntry(words)
    const chosen: Chosen | undefined = entry && { entry, command: await entry.load() }
    const run = async (input: Input) => {
      // Loaded when a command really runs: the help should not wait for it.
      const { createContext } = await import('./context.ts')
      await chosen?.command.run(input, createContext(input, surroundings))
    }
    buildProgram(root, chosen, run)
    await root.parseAsync(words, { from: 'user' })
    return 0
  } catch (error) {
    return exitCodeOf(error, (text) => stderr.write(`${text}\n`))
  }
}

function exitCodeOf(error: unknown, note: (text: string) => void): number {
  // Commander has printed its own: help and version with 0, everything else is the command line.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (error instanceof UsageError) {
    note(`error: ${error.message}\n\nAdd --help for the usage.`)
    return 2
  }
  if (error instanceof CommandError) {
    note(error.message)
    return 1
  }
  note(`A bug in twinward: ${error instanceof Error ? error.stack : String(error)}`)
  return 1
}

function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
