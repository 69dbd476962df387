import { isJsonObject, type JsonObject, type JsonValue } from '@twinward/protocol'
import type { Api } from '../api-client.ts'
import { ApiError } from '../api-error.ts'
import {
  apiOf,
  type Command,
  CommandError,
  type Context,
  type Input,
  UsageError,
} from '../command.ts'
import { CHANGE_OPTIONS, changeGroup, hasChanges } from '../group-changes.ts'
import { collect, readBounded } from '../read-file.ts'
import { enabledRules, type GroupView, groupPath } from '../security-group.ts'

const MAX_FILE_BYTES = 64 * 1024 * 1024

export const securityGroupSet: Command = {
  arguments: [{ syntax: '[group]', description: 'the security group; may stand in the file' }],
  options: [
    { flags: '--file <file>', description: 'one or many groups as JSON; - for standard input' },
    ...CHANGE_OPTIONS,
  ],
  talksTo: 'server',
  details:
    'A file replaces groups whole: an object as `show --json` prints it, a resource of type\n' +
    'Microsoft.Security/deviceSecurityGroups, or a list of either (also in "value"). Other options\n' +
    'change one rule or setting of a group, which is made when it is missing: lists grow, anything\n' +
    'else is replaced. `security group rules` names the rules.',
  examples: [
    [
      'security group set plant --allow-process sshd --allow-process /usr/bin/app',
      'all others raise',
    ],
    ['security group set plant --window MqttD2CMessagesNotInAllowedRange=1..600/PT15M', 'a count'],
    ['security group set plant --update-window "Sat 02:00 PT4H"', 'when files may change'],
    ['security group set --file exported.json', 'groups that were exported elsewhere'],
  ],

  async run(input, context) {
    const file = input.text('file')
    if ((file !== undefined) === hasChanges(input)) {
      throw new UsageError('Give either --file or what is to be changed.')
    }
    const api = apiOf(input, context)
    const groups =
      file === undefined ? [await change(api, input)] : await putFile(api, file, input, context)
    if (context.out.isJson) return context.out.json({ items: groups })
    for (const group of groups) {
      const rules = enabledRules(group).length
      context.out.print(`${group.name} is at version ${group.version}, ${rules} rules enabled.`)
    }
  },
}

async function change(api: Api, input: Input): Promise<GroupView> {
  const name = input.argument(0)
  if (name === '') throw new UsageError('Name the group.')
  const before = await find(api, name)
  const body = changeGroup((before ?? {}) as unknown as JsonObject, input)
  return api.put<GroupView>(groupPath(name), body, before?.etag)
}

async function find(api: Api, name: string): Promise<GroupView | undefined> {
  try {
    return await api.get<GroupView>(groupPath(name))
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined
    throw error
  }
}

async function putFile(
  api: Api,
  file: string,
  input: Input,
  { stdin }: Context,
): Promise<readonly GroupView[]> {
  const bytes =
    file === '-'
      ? await collect(stdin, MAX_FILE_BYTES, 'Standard input')
      : await readBounded(file, MAX_FILE_BYTES)
  const documents = readGroups(bytes.toString('utf8'), file)
  const name = input.argument(0)
  if (name !== '' && documents.length !== 1) {
    throw new UsageError(`${file} holds ${documents.length} groups; leave the name out.`)
  }
  const named = documents.map((document) => [name || nameOf(document, file), document] as const)
  const groups: GroupView[] = []
  for (const [group, document] of named) {
    // The name of the command line holds, whatever the file was exported from.
    const { name: _, ...body } = document
    groups.push(await api.put<GroupView>(groupPath(group), body))
  }
  return groups
}

/** The groups of a file: one, or a list of them as it is or in `value` or `items`. */
export function readGroups(text: string, file: string): readonly JsonObject[] {
  let value: JsonValue
  try {
    value = JSON.parse(text) as JsonValue
  } catch (error) {
    throw new CommandError(`${file} is not JSON: ${(error as Error).message}`)
  }
  const listed = isJsonObject(value) ? (value.value ?? value.items ?? value) : value
  const documents: readonly JsonValue[] = Array.isArray(listed) ? listed : [listed]
  if (documents.length === 0) throw new CommandError(`${file} holds no groups.`)
  return documents.map((document, at) => {
    if (isJsonObject(document)) return document
    throw new CommandError(`Entry ${at + 1} of ${file} is no JSON object.`)
  })
}

function nameOf({ name }: JsonObject, file: string): string {
  if (typeof name === 'string' && name.trim() !== '') return name
  throw new UsageError(`A group of ${file} has no name; give it on the command line.`)
}
