import { HubError } from '@twinward/protocol'
import { CHECK_SEVERITIES } from '../baseline.ts'
import {
  ARGUMENTS,
  type Argument,
  argumentFault,
  type CheckCommand,
  COMMAND_NAMES,
  commandForm,
  patternsOf,
} from './commands.ts'
import {
  type CheckVariant,
  type CustomCheck,
  FORMAT,
  type ImportedChecks,
  MAX_ARGUMENT_CHARACTERS,
  MAX_AUDIT_TEXT_CHARACTERS,
  MAX_AUDITS,
  MAX_ID_CHARACTERS,
  MAX_VARIANTS,
} from './custom-checks.ts'
import { readDistro } from './distro.ts'
import { regexFault } from './linear-regex.ts'

/** Mistakes and warnings that one import tells; the others are counted. */
const MAX_TOLD = 50

/** A check of a file, before anybody looked whether it makes sense. */
export interface RawVariant {
  /** For a person: `line 12 <check>`. */
  readonly place: string
  readonly fields: ReadonlyMap<string, string>
  readonly dependsOnFile?: string
}

export interface RawCheck extends Omit<RawVariant, 'dependsOnFile'> {
  readonly variants: readonly RawVariant[]
}

export interface RawChecks {
  readonly baselineId: string
  readonly checks: readonly RawCheck[]
  readonly warnings: readonly string[]
}

/**
 * Checks of a file as agents may get them. Pure.
 *
 * @throws {HubError} `ArgumentInvalid` with each mistake and its place, at most `MAX_TOLD`
 */
export function readChecks(raw: RawChecks): ImportedChecks {
  const reader = new Reader(raw.warnings)
  if (raw.checks.length === 0) reader.mistake('the file', 'holds no checks')
  if (raw.checks.length > MAX_AUDITS) {
    reader.mistake('the file', `holds more than ${MAX_AUDITS} checks`)
  }
  const known = new Set<string>()
  const checks = raw.checks.slice(0, MAX_AUDITS).flatMap((each) => {
    const check = reader.check(each)
    if (known.has(check.msid)) reader.mistake(each.place, `has the msid ${check.msid} once more`)
    known.add(check.msid)
    return check
  })
  reader.throwMistakes()
  const baselineId = raw.baselineId.slice(0, MAX_ID_CHARACTERS)
  return { document: { format: FORMAT, baselineId, checks }, warnings: reader.warnings() }
}

class Reader {
  readonly #mistakes: string[] = []
  readonly #warnings: string[]

  constructor(warnings: readonly string[]) {
    this.#warnings = [...warnings]
  }

  mistake(place: string, text: string): void {
    this.#mistakes.push(`${place}: ${text}`)
  }

  warnings(): readonly string[] {
    return told(this.#warnings)
  }

  throwMistakes(): void {
    if (this.#mistakes.length === 0) return
    throw new HubError('ArgumentInvalid', told(this.#mistakes).join('\n'))
  }

  check({ place, fields, variants }: RawCheck): CustomCheck {
    const severity = CHECK_SEVERITIES.find((one) => one === fields.get('severity')?.toLowerCase())
    if (severity === undefined) {
      this.mistake(place, `severity must be one of ${CHECK_SEVERITIES.join(', ')}`)
    }
    if (variants.length === 0) this.mistake(place, 'has no check')
    if (variants.length > MAX_VARIANTS) this.mistake(place, `has more than ${MAX_VARIANTS} checks`)
    return {
      msid: this.#id(place, fields, 'msid'),
      ...optional('cceid', fields.get('cceid')?.slice(0, MAX_ID_CHARACTERS)),
      ...optional('ruleId', fields.get('ruleId')?.slice(0, MAX_ID_CHARACTERS)),
      severity: severity ?? 'informational',
      description: this.#text(place, fields, 'description'),
      ...optional('impact', this.#text(place, fields, 'impact')),
      ...optional('remediation', this.#text(place, fields, 'remediation')),
      variants: variants.slice(0, MAX_VARIANTS).map((variant) => this.#variant(variant)),
    }
  }

  #variant({ place, fields, dependsOnFile }: RawVariant): CheckVariant {
    const distro = fields.get('distro') ?? ''
    if (readDistro(distro) === undefined) {
      this.mistake(place, `distro ${shown(distro)} is no expression such as Debian>=11|!SLES or *`)
    }
    const command = COMMAND_NAMES.find((name) => name === fields.get('command'))
    if (command === undefined) {
      this.mistake(place, `there is no command ${shown(fields.get('command') ?? '')}`)
      return { distro, command: 'CheckFileExists' }
    }
    if (dependsOnFile !== undefined && !dependsOnFile.startsWith('/')) {
      this.mistake(place, `its dependency ${shown(dependsOnFile)} must be an absolute path`)
    }
    const unsupported: string[] = []
    const given = this.#arguments({ place, fields }, command, unsupported)
    return {
      ...{ distro: distro.trim(), command, ...given },
      ...optional('dependsOnFile', dependsOnFile),
      ...optional('unsupported', unsupported.join('; ')),
    }
  }

  #arguments(
    { place, fields }: RawVariant,
    command: CheckCommand,
    unsupported: string[],
  ): Partial<Record<Argument, string>> {
    const { needs, takes = [] } = commandForm(command)
    const known: readonly string[] = [...needs, ...takes]
    for (const name of fields.keys()) {
      if (name === 'distro' || name === 'command' || known.includes(name)) continue
      this.#warnings.push(`${place}: ${command} has no ${shown(name)}; it is ignored`)
    }
    const given: Partial<Record<Argument, string>> = {}
    for (const name of ARGUMENTS) {
      if (!known.includes(name)) continue
      const value = fields.get(name)
      if (value === undefined || value === '') {
        if (needs.includes(name)) this.mistake(place, `${command} needs ${name}`)
        continue
      }
      given[name] = value
      const fault = this.#fault(command, name, value)
      if (fault?.isFatal) this.mistake(place, `${name} ${fault.text}`)
      else if (fault !== undefined) {
        unsupported.push(`${name}: ${fault.text}`)
        this.#warnings.push(`${place}: ${name} ${fault.text}; agents will report an error`)
      }
    }
    if (given.filter !== undefined && command === 'CheckNoMatchingLines') {
      this.#warnings.push(
        `${place}: filter selects lines; the vendor's own checks also excluded by it`,
      )
    }
    return given
  }

  #fault(command: CheckCommand, name: Argument, value: string) {
    if (value.length > MAX_ARGUMENT_CHARACTERS) {
      return { isFatal: true, text: `has more than ${MAX_ARGUMENT_CHARACTERS} characters` }
    }
    if (patternsOf(command).includes(name)) {
      const fault = regexFault(value)
      return fault && { isFatal: fault.kind === 'malformed', text: `has ${fault.text}` }
    }
    const text = argumentFault(command, name, value)
    return text === undefined ? undefined : { isFatal: true, text }
  }

  #id(place: string, fields: ReadonlyMap<string, string>, name: string): string {
    const id = fields.get(name)?.trim() ?? ''
    if (/^[\w.:-]{1,128}$/.test(id)) return id
    this.mistake(place, `${name} must be 1 to ${MAX_ID_CHARACTERS} letters, digits, . : _ or -`)
    return ''
  }

  #text(place: string, fields: ReadonlyMap<string, string>, name: string): string {
    const text = fields.get(name)?.trim() ?? ''
    if (text.length <= MAX_AUDIT_TEXT_CHARACTERS) return text
    this.#warnings.push(`${place}: ${name} is cut to ${MAX_AUDIT_TEXT_CHARACTERS} characters`)
    return text.slice(0, MAX_AUDIT_TEXT_CHARACTERS)
  }
}

function optional<K extends string>(
  name: K,
  value: string | undefined,
): { readonly [name in K]?: string } {
  if (value === undefined || value === '') return {}
  return { [name]: value } as { readonly [name in K]?: string }
}

function told(lines: readonly string[]): readonly string[] {
  if (lines.length <= MAX_TOLD) return lines
  return [...lines.slice(0, MAX_TOLD), `… and ${lines.length - MAX_TOLD} more`]
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 64))
}
