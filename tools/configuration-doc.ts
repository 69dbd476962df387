import { writeFileSync } from 'node:fs'
import { environmentName, Settings } from '@twinward/server'

/** `docs/operate/configuration.md`, made from the schema of the settings. */
export function configurationDoc(): string {
  const rows = Object.entries(Settings.properties).map(([name, schema]) => {
    const { description = '', ...rest } = schema as SettingSchema
    const variable = `\`${environmentName(name)}\``
    return `| \`${name}\` | ${variable} | ${typeOf(rest)} | ${defaultOf(rest)} | ${description} |`
  })
  return `# Configuration

Made from \`packages/server/src/config/settings.ts\` by \`node --conditions=source --import tsx tools/configuration-doc.ts\`; do not edit.

Flags of \`twinward up\` win over the environment, the environment over the JSON file that \`TWINWARD_CONFIG_FILE\` names, the file over the
defaults. \`TWINWARD_X_FILE\` names a file that holds the value of \`TWINWARD_X\`. All mistakes are reported together at the start.

| setting (in the file) | environment | type | default | meaning |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`
}

interface SettingSchema {
  readonly description?: string
  readonly type?: string
  readonly default?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly anyOf?: readonly { readonly const?: string }[]
}

function typeOf({ type, minimum, maximum, anyOf }: SettingSchema): string {
  if (anyOf) return anyOf.map(({ const: word }) => `\`${word}\``).join(', ')
  if (type === 'integer') return `${minimum} … ${maximum}`
  if (type === 'boolean') return '`true`, `false`'
  return type === 'array' ? 'list' : 'text'
}

function defaultOf({ default: value }: SettingSchema): string {
  if (value === undefined) return '–'
  return `\`${Array.isArray(value) ? value.join(',') : String(value)}\``
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  writeFileSync(new URL('../docs/operate/configuration.md', import.meta.url), configurationDoc())
}
