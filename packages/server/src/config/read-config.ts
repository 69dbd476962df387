import { readFileSync } from 'node:fs'
import { Compile } from 'typebox/compile'
import { StartError } from '../start-error.ts'
import { environmentName, Settings } from './settings.ts'

/** What was read, and which settings somebody chose (as opposed to defaults). */
export interface Config {
  readonly settings: Readonly<Settings>
  readonly chosen: ReadonlySet<string>
}

/** Settings as a source gives them, before they are checked. */
export type RawSettings = { readonly [name: string]: unknown }

const validator = Compile(Settings)
const CONFIG_FILE = 'TWINWARD_CONFIG_FILE'

/**
 * Reads all settings once: flags win over the environment, that over the file named by
 * `TWINWARD_CONFIG_FILE` (JSON), that over the defaults.
 *
 * @throws {StartError} that lists every mistake with the place it came from
 */
export function readConfig(
  flags: RawSettings,
  environment: { readonly [name: string]: string | undefined },
): Config {
  const mistakes: string[] = []
  const sources = [
    { name: environment[CONFIG_FILE] ?? '', values: readFile(environment[CONFIG_FILE], mistakes) },
    { name: 'the environment', values: readEnvironment(environment, mistakes) },
    { name: 'the command line', values: flags },
  ]
  const merged: Record<string, unknown> = defaults()
  const origin = new Map<string, string>()
  for (const { name, values } of sources) {
    for (const [setting, value] of Object.entries(values)) {
      if (value === undefined) continue
      merged[setting] = value
      origin.set(setting, name)
    }
  }
  for (const { instancePath, keyword, message, params } of validator.Errors(merged)) {
    const setting = settingOf(instancePath, keyword, params)
    const from = origin.get(setting)
    mistakes.push(`${setting}${from ? ` (from ${from})` : ''}: ${message}`)
  }
  const settings = merged as Settings
  if ((settings.tlsCert === undefined) !== (settings.tlsKey === undefined)) {
    mistakes.push('tlsCert and tlsKey go together')
  }
  if (mistakes.length > 0) {
    throw new StartError(
      `The configuration is not valid:\n  ${[...new Set(mistakes)].join('\n  ')}`,
    )
  }
  return { settings: Object.freeze(settings), chosen: new Set(origin.keys()) }
}

function defaults(): Record<string, unknown> {
  const entries: [string, unknown][] = []
  for (const [name, schema] of Object.entries(Settings.properties)) {
    const value = (schema as { default?: unknown }).default
    if (value !== undefined) entries.push([name, structuredClone(value)])
  }
  return Object.fromEntries(entries)
}

function settingOf(path: string, keyword: string, params: unknown): string {
  if (keyword === 'additionalProperties') {
    const { additionalProperties } = params as { additionalProperties?: readonly string[] }
    return additionalProperties?.[0] ?? 'settings'
  }
  return path.split('/')[1] ?? 'settings'
}

function readFile(file: string | undefined, mistakes: string[]): RawSettings {
  if (file === undefined) return {}
  try {
    const values: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof values === 'object' && values !== null) return values as RawSettings
    mistakes.push(`${file}: expected a JSON object`)
  } catch (error) {
    mistakes.push(`${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
  return {}
}

function readEnvironment(
  environment: { readonly [name: string]: string | undefined },
  mistakes: string[],
): RawSettings {
  const values: Record<string, unknown> = {}
  for (const [name, schema] of Object.entries(Settings.properties)) {
    const variable = environmentName(name)
    const text = environment[variable] ?? fromFile(environment[`${variable}_FILE`], mistakes)
    if (text !== undefined && text !== '') values[name] = convert(text, schema)
  }
  return values
}

/** `TWINWARD_X_FILE` names a file that holds the value: the usual way to hand over secrets. */
function fromFile(file: string | undefined, mistakes: string[]): string | undefined {
  if (file === undefined) return undefined
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    mistakes.push(`${file}: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

/** A text as the setting's type; what does not fit stays text, so that the check names it. */
export function convert(text: string, schema: object): unknown {
  const { type } = schema as { type?: string }
  if (type === 'integer') return /^\d{1,9}$/.test(text) ? Number(text) : text
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  if (type === 'array') {
    return text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '')
  }
  return text
}
