import { isJsonObject, type JsonObject } from '@twinward/protocol'
import { type Input, type Option, UsageError } from './command.ts'
import { readJsonObject } from './read-json.ts'

export const CONFIGURATIONS_PATH = '/configurations'

/** An automatic configuration as the API shows it. */
export interface ConfigurationView {
  readonly id: string
  readonly schemaVersion: string | null
  readonly labels: { readonly [name: string]: string } | null
  readonly content: JsonObject
  readonly targetCondition: string
  readonly priority: number
  readonly createdTimeUtc: string
  readonly lastUpdatedTimeUtc: string
  readonly metrics: MetricsView
  readonly systemMetrics: MetricsView
  readonly etag: string
}

interface MetricsView {
  readonly queries: { readonly [name: string]: string }
  readonly results: { readonly [name: string]: number }
}

export const CONTENT_HELP =
  'The keys of a content are properties.desired or paths below it; null removes a property. It is for\n' +
  'devices; with a target FROM devices.modules it is for modules. deviceContent, moduleContent or\n' +
  'modulesContent around it is taken as it is.'

/** What `create` and `update` may set beside the content. */
export const SETTING_OPTIONS: readonly Option[] = [
  {
    flags: '--target <condition>',
    description: "which twins: '*' for all devices, a condition, or FROM devices.modules WHERE …",
  },
  {
    flags: '--priority <n>',
    description: 'of several for one property, the greatest wins',
    integer: { min: 0, max: 2 ** 31 - 1 },
  },
  { flags: '--label <name=value>', description: 'a label', isRepeatable: true },
  {
    flags: '--metric <name=query>',
    description: 'a query whose results are counted',
    isRepeatable: true,
  },
]

export function configurationPath(id: string): string {
  return `${CONFIGURATIONS_PATH}/${encodeURIComponent(id)}`
}

/** What the options of `SETTING_OPTIONS` say; members that were not given are absent. */
export function readSettings(input: Input): JsonObject {
  const targetCondition = input.text('target')
  const priority = input.integer('priority')
  const labels = readPairs(input, 'label')
  const queries = readPairs(input, 'metric')
  return {
    ...(targetCondition !== undefined && { targetCondition }),
    ...(priority !== undefined && { priority }),
    ...(labels && { labels }),
    ...(queries && { metrics: { queries } }),
  }
}

/** `name=value`, as often as it was given; `undefined` when it was not. */
export function readPairs(input: Input, option: string): Record<string, string> | undefined {
  const texts = input.list(option)
  if (texts.length === 0) return undefined
  const pairs = texts.map((text) => {
    const at = text.indexOf('=')
    if (at < 1) throw new UsageError(`--${option} must be name=value, not '${text}'.`)
    return [text.slice(0, at), text.slice(at + 1)] as const
  })
  return Object.fromEntries(pairs)
}

/** The content of an option, in the member that says which twins it is for. */
export function readContent(text: string, targetCondition: string): JsonObject {
  const content = readJsonObject('--content', text)
  const names = Object.keys(content)
  if (names.some((name) => name.endsWith('Content'))) return content
  if (names.includes('$edgeAgent')) return { modulesContent: content }
  const isOfModules = /^\s*FROM\s/i.test(targetCondition)
  return isOfModules ? { moduleContent: content } : { deviceContent: content }
}

/** Which twins a configuration writes, in a word. */
export function kindOf({ content }: Pick<ConfigurationView, 'content'>): string {
  if (isJsonObject(content.moduleContent)) return 'modules'
  return isJsonObject(content.modulesContent) ? 'edge' : 'devices'
}

/** A count, or a dash before it was counted for the first time. */
export function countOf({ systemMetrics }: ConfigurationView, name: string): string {
  return String(systemMetrics.results[name] ?? '-')
}
