import { apiOf, type Command, CommandError, nextCommand, UsageError } from '../command.ts'
import { followRollout } from '../follow-rollout.ts'
import { readJsonObject } from '../read-json.ts'
import { type RolloutView, rolloutPath } from '../rollout.ts'

export const rolloutCreate: Command = {
  arguments: [{ syntax: '<rollout>', description: 'its id' }],
  options: [
    {
      flags: '--configuration <json>',
      description: 'the new configuration with its id; @file reads a file',
    },
    {
      flags: '--waves <sizes>',
      description: 'such as 1%,10%,rest or 5,50,rest',
      defaultText: '5%,25%,rest',
    },
    { flags: '--success <condition>', description: 'a twin that took it well' },
    { flags: '--failure <condition>', description: 'a twin that did not' },
    { flags: '--success-ratio <share>', description: 'of a wave, 0 to 1', defaultText: '1' },
    { flags: '--failure-ratio <share>', description: 'of a wave, 0 to 1', defaultText: '0' },
    { flags: '--pause <duration>', description: 'between waves', defaultText: 'PT5M' },
    { flags: '--wait <duration>', description: 'that a wave has to succeed', defaultText: 'P1D' },
    {
      flags: '--on-failure <what>',
      description: 'what becomes of it then',
      choices: ['rollback', 'halt'],
      defaultText: 'rollback',
    },
    { flags: '--watch', description: 'show the progress until it is over' },
  ],
  talksTo: 'server',
  details:
    'The configuration must not exist yet. See first what it changes: configuration plan. When more\n' +
    'twins of a wave meet --failure than --failure-ratio allows, or too few meet --success in time,\n' +
    'the configuration is taken away from all that have it, and what they had before is back.',
  examples: [
    [
      'rollout create fan-2 --configuration @fan-2.json --waves 1%,10%,rest ' +
        '--success "properties.reported.fan = 2" --success-ratio 0.9 --watch',
      'until nine of ten devices of each wave report it',
    ],
  ],

  async run(input, context) {
    const id = input.argument(0)
    const configuration = input.text('configuration')
    if (configuration === undefined) throw new UsageError('Give the --configuration.')
    const waves = input.text('waves')
    const body = {
      configuration: readJsonObject('--configuration', configuration),
      ...(waves !== undefined && { waves: waves.split(',').map((size) => size.trim()) }),
      ...texts({
        success: input.text('success'),
        failure: input.text('failure'),
        pause: input.text('pause'),
        wait: input.text('wait'),
        onFailure: input.text('onFailure'),
      }),
      ...ratio('successRatio', input.text('successRatio')),
      ...ratio('failureRatio', input.text('failureRatio')),
    }
    const api = apiOf(input, context)
    const created = await api.put<RolloutView>(rolloutPath(id), body)
    const { out } = context
    if (!input.isSet('watch')) {
      if (out.isJson) return out.json(created)
      out.print(`Rollout ${id} is ${created.state}: ${created.waves.length} waves.`)
      out.note(`Follow it: ${nextCommand(input, context, `rollout watch ${id}`)}`)
      return
    }
    const ended = await followRollout(api, id, (text) => out.note(text))
    if (out.isJson) out.json(ended)
    else out.print(`Rollout ${id} is ${ended.state}.`)
    if (ended.state !== 'completed') throw new CommandError(ended.reason ?? `It is ${ended.state}.`)
  },
}

function texts(all: { readonly [name: string]: string | undefined }): { [name: string]: string } {
  const given = Object.entries(all).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  return Object.fromEntries(given)
}

function ratio(name: string, text: string | undefined): { [name: string]: number } {
  if (text === undefined) return {}
  const value = Number(text)
  if (text.trim() !== '' && value >= 0 && value <= 1) return { [name]: value }
  throw new UsageError(`${text} is no number from 0 to 1.`)
}
