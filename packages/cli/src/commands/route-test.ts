import { apiOf, type Command, CommandError, type Input, UsageError } from '../command.ts'
import { readProperties } from '../message-input.ts'
import { readJsonObject } from '../read-json.ts'
import { ROUTING_PATH, SOURCES } from '../routing.ts'
import { underline } from '../underline.ts'

interface TestResult {
  readonly source: string
  readonly routes: readonly string[]
  readonly endpointNames: readonly string[]
  readonly isFallback: boolean
  readonly properties?: { readonly [name: string]: string | null }
  readonly fault?: { readonly message: string; readonly position: number }
}

export const routeTest: Command = {
  options: [
    { flags: '--data <text>', description: 'the body', defaultText: 'empty' },
    {
      flags: '--property <name=value>',
      description: 'an application property',
      isRepeatable: true,
    },
    {
      flags: '--content-type <type>',
      description: 'of the body',
      defaultText: 'application/json with --data',
    },
    {
      flags: '--content-encoding <encoding>',
      description: 'of the body',
      defaultText: 'utf-8 with --data',
    },
    {
      flags: '--twin <json>',
      description:
        "the sender's twin: tags, properties.desired, properties.reported; @file reads one",
    },
    {
      flags: '--source <source>',
      description: 'what it is',
      choices: SOURCES,
      defaultText: 'DeviceMessages',
    },
    { flags: '--condition <condition>', description: 'try this one in place of the routes' },
  ],
  talksTo: 'server',
  details: 'Nothing is stored.',
  examples: [
    [`route test --data '{"t":31}' --property level=hot`, 'which routes take this message'],
    [`route test --condition "$twin.tags.site = 'north'" --twin @twin.json`, 'try a condition'],
  ],

  async run(input, context) {
    const condition = input.text('condition')
    const body = {
      routingSource: input.text('source') ?? 'DeviceMessages',
      message: readMessage(input),
      ...readTwin(input),
      ...(condition !== undefined && { condition }),
    }
    const result = await apiOf(input, context).post<TestResult>(`${ROUTING_PATH}/test`, body)
    const { out } = context
    const { fault, routes, isFallback, endpointNames, properties = {} } = result
    if (out.isJson) out.json(result)
    else if (fault) {
      throw new CommandError(`${fault.message}\n\n${underline(condition ?? '', fault.position)}`)
    } else if (endpointNames.length === 0) out.print('It matches no route and is not stored.')
    else {
      const way = isFallback ? 'It takes the fallback route' : `It matches ${routes.join(', ')}`
      const names = Object.entries(properties).map(([name, value]) => `  ${name} = ${value ?? ''}`)
      out.print([`${way} and goes to ${endpointNames.join(', ')}.`, ...names].join('\n'))
    }
  },
}

function readMessage(input: Input) {
  const body = input.text('data')
  const isGiven = body !== undefined
  const contentType = input.text('contentType') ?? (isGiven ? 'application/json' : undefined)
  const contentEncoding = input.text('contentEncoding') ?? (isGiven ? 'utf-8' : undefined)
  return {
    ...(isGiven && { body }),
    appProperties: readProperties(input.list('property')),
    systemProperties: {
      ...(contentType !== undefined && { contentType }),
      ...(contentEncoding !== undefined && { contentEncoding }),
    },
  }
}

function readTwin(input: Input) {
  const text = input.text('twin')
  if (text === undefined) return {}
  const twin = readJsonObject('--twin', text)
  const { tags, properties } = twin
  if (tags !== undefined || properties !== undefined) return { twin }
  throw new UsageError('--twin has neither tags nor properties, such as \'{"tags":{}}\'.')
}
