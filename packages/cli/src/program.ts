import {
  Argument as CommanderArgument,
  type Command as CommanderCommand,
  Option as CommanderOption,
  InvalidArgumentError,
} from 'commander'
import type { Command, CommandEntry, Input, Option } from './command.ts'
import { commands } from './commands/index.ts'

export interface Chosen {
  readonly entry: CommandEntry
  readonly command: Command
}

const GROUPS: { readonly [name: string]: string } = {
  device: 'Create, show, change and delete devices.',
  module: 'Create, show, change and delete modules of a device.',
  twin: 'Read and change device and module twins.',
  method: 'Call direct methods.',
  c2d: 'Send and purge cloud-to-device messages.',
  'consumer-group': 'Groups of event readers.',
  route: 'Decide which events are stored for readers.',
  enrichment: 'Add properties to events.',
  monitor: 'Watch what happens, live.',
  enrollment: 'Enrol devices with the provisioning service.',
  job: 'Change twins and call methods on many devices, now or later.',
  configuration: 'Automatic configurations of devices and modules.',
  rollout: 'Roll a configuration out in waves.',
  'ip-filter': 'Which addresses may connect.',
  'security config': 'The configuration of security agents.',
  'security config hub': 'What all agents inherit.',
  'security config group': 'What agents of a security group inherit.',
  'security module': 'Give devices security modules, or deleted ones back.',
  'security schema': 'Schemas of custom security events.',
  'security indicator': 'Threat indicators that rules look for.',
  'security group': 'Groups of devices with rules and settings of their own.',
  'security sigma': 'Sigma rules beside the built-in ones.',
  'security suppression': 'Findings that raise no alert.',
  'security vulnerability': 'Feeds of vulnerable packages.',
  'security baseline': 'Hardening checks of devices, and checks of your own.',
  'security baseline custom-checks': 'Checks of your own for agents to run.',
  'security notify dead-letters': 'What could not be delivered.',
  'security recommendations type': 'Switches of the recommendations.',
  'security notify': 'Who is told of findings, and how that goes.',
  'security notify channel': 'Where notifications go.',
  'security notify route': 'Which findings go to which channels.',
  'security rule': 'Switches of the alert rules.',
  'security enroll-token': 'One-time tokens for security agents.',
}

const JSON_OPTION: Option = { flags: '--json', description: 'print the result as JSON' }
const DATA_DIR_OPTION: Option = {
  flags: '--data-dir <dir>',
  description: "the server's data directory",
  defaultText: 'TWINWARD_DATA_DIR or ./data',
}
const SERVER_OPTIONS: readonly Option[] = [
  DATA_DIR_OPTION,
  {
    flags: '--url <url>',
    description: 'a server elsewhere, such as https://hub:8443',
    defaultText: 'TWINWARD_URL',
  },
  {
    flags: '--login <connection-string>',
    description: 'the policy to log in with',
    defaultText: 'TWINWARD_CONNECTION_STRING',
  },
]

/** The command that a command line means: the one with the longest name that it begins with. */
export function findEntry(words: readonly string[]): CommandEntry | undefined {
  const matches = commands.filter(({ name }) =>
    name.split(' ').every((word, index) => word === words[index]),
  )
  return matches.sort((a, b) => b.name.length - a.name.length)[0]
}

/** Builds the tree of commands, whole for the help, with code only for the chosen one. */
export function buildProgram(
  root: CommanderCommand,
  chosen: Chosen | undefined,
  run: (input: Input) => Promise<void>,
): void {
  for (const entry of commands) {
    const node = nodeOf(root, entry.name)
    node.description(entry.summary)
    if (entry === chosen?.entry) complete(node, chosen, run)
  }
}

function nodeOf(root: CommanderCommand, name: string): CommanderCommand {
  let node = root
  const path: string[] = []
  for (const word of name.split(' ')) {
    path.push(word)
    const known = node.commands.find((child) => child.name() === word)
    node = known ?? node.command(word).description(GROUPS[path.join(' ')] ?? '')
  }
  return node
}

function complete(
  node: CommanderCommand,
  { entry, command }: Chosen,
  run: (input: Input) => Promise<void>,
): void {
  for (const { syntax, description } of command.arguments ?? []) {
    node.addArgument(new CommanderArgument(syntax, description))
  }
  for (const option of command.options ?? []) node.addOption(commanderOption(option))
  node.addOption(commanderOption(JSON_OPTION))
  const shared =
    command.talksTo === 'server'
      ? SERVER_OPTIONS
      : command.talksTo === 'data-dir'
        ? [DATA_DIR_OPTION]
        : []
  for (const option of shared) node.addOption(commanderOption(option).helpGroup('Server:'))
  if (command.details !== undefined) node.addHelpText('after', `\n${command.details}`)
  node.addHelpText('after', examplesText(command))
  node.description(entry.summary)
  node.action(() => run(inputOf(node)))
}

function commanderOption({
  flags,
  description,
  defaultText,
  choices,
  integer,
  isRepeatable,
}: Option): CommanderOption {
  const notes = [
    ...(isRepeatable ? ['repeatable'] : []),
    ...(defaultText === undefined ? [] : [`default: ${defaultText}`]),
  ]
  const text = notes.length === 0 ? description : `${description} (${notes.join('; ')})`
  const option = new CommanderOption(flags, text)
  if (choices) option.choices([...choices])
  if (integer) option.argParser((value) => readInteger(value, integer))
  if (isRepeatable) {
    option.argParser((value, before: readonly string[] | undefined) => [...(before ?? []), value])
  }
  return option
}

function readInteger(text: string, { min, max }: { min: number; max: number }): number {
  const value = Number(text)
  if (/^\d{1,9}$/.test(text) && value >= min && value <= max) return value
  throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`)
}

function examplesText({ examples }: Command): string {
  const lines = examples.map(([line, meaning]) => `  # ${meaning}\n  twinward ${line}`)
  return `\nExamples:\n${lines.join('\n')}`
}

function inputOf(node: CommanderCommand): Input {
  const values: { readonly [name: string]: unknown } = node.opts()
  const read = <T>(option: string) => values[option] as T | undefined
  return {
    argument: (index) => (node.processedArgs[index] as string | undefined) ?? '',
    rest: () => (node.processedArgs.at(-1) as readonly string[] | undefined) ?? [],
    text: (option) => read<string>(option),
    integer: (option) => read<number>(option),
    list: (option) => read<readonly string[]>(option) ?? [],
    isSet: (option) => values[option] !== undefined,
  }
}
