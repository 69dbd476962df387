import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Api } from './api-client.ts'
import { CommandError } from './command.ts'
import { printable } from './output.ts'
import { readBounded } from './read-file.ts'

export const SIGMA = '/api/security/sigma'

/** Files of one command, and bytes of each, as the server takes them. */
const MAX_FILES = 10_000
const MAX_FILE_BYTES = 1024 * 1024
/** What one request carries at most: a file, or some small ones together. */
const PART_CHARACTERS = 700_000
/** Folders within each other. */
const MAX_FOLDERS = 20

export interface SigmaReason {
  readonly code: string
  readonly text: string
}

/** A Sigma rule as the security API shows it. */
export interface SigmaView {
  readonly id: string
  readonly title: string
  readonly alertType: string
  readonly severity: string
  readonly status: string
  readonly reasons: readonly SigmaReason[]
  readonly notes: readonly string[]
  readonly source: string
  readonly isEnabled: boolean
  readonly matchCount: number
  readonly lastMatchUtc: string | null
}

export interface SigmaSummary {
  readonly total: number
  readonly supported: number
  readonly unsupported: number
  readonly notApplicable: number
  readonly reasons: { readonly [code: string]: number }
}

interface Item extends Partial<SigmaView> {
  readonly document: number
  readonly result: string
  readonly problem: string | null
}

/** The answer to an import, or to the question what one would do. */
export interface SigmaImport {
  readonly added: number
  readonly replaced: number
  readonly unchanged: number
  readonly invalid: number
  readonly summary: SigmaSummary
  readonly items: readonly (Item & { readonly file?: string })[]
}

const REASONS: { readonly [code: string]: string } = {
  logsource: 'no events of its log source',
  field: 'a field that our events do not have',
  modifier: 'a modifier that is not supported',
  regex: 'a regular expression that needs more than linear time or much memory',
  value: 'a value that cannot be compared',
  condition: 'a condition that cannot be read',
  aggregation: 'counts events',
  correlation: 'a correlation or another document that is no rule by itself',
  limit: 'larger than a rule may be',
}

/** The text of a file of rules with the name of the file. */
interface RuleFile {
  readonly file: string
  readonly text: string
}

/**
 * YAML files: those that are named, and those below folders that are named, by name.
 *
 * @throws {CommandError} when one cannot be read or is too large, or there are none
 */
export async function readRuleFiles(paths: readonly string[]): Promise<readonly RuleFile[]> {
  const files = paths.flatMap((path) => filesOf(path, MAX_FOLDERS))
  if (files.length === 0) throw new CommandError('There are no .yml or .yaml files.')
  if (files.length > MAX_FILES) throw new CommandError(`There are more than ${MAX_FILES} files.`)
  const read: RuleFile[] = []
  for (const file of files) {
    const bytes = await readBounded(file, MAX_FILE_BYTES)
    read.push({ file, text: bytes.toString('utf8') })
  }
  return read
}

function filesOf(path: string, folders: number): readonly string[] {
  try {
    if (!statSync(path).isDirectory()) return [path]
    const entries = readdirSync(path, { withFileTypes: true })
    return entries
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .flatMap((entry) => {
        const inner = join(path, entry.name)
        if (entry.isDirectory()) return folders > 0 ? filesOf(inner, folders - 1) : []
        return entry.isFile() && /\.ya?ml$/i.test(entry.name) ? [inner] : []
      })
  } catch (error) {
    throw new CommandError(`${path} cannot be read: ${(error as Error).message}`)
  }
}

/** Sends all files, small ones together, and adds the answers up. */
export async function sendRules(
  api: Api,
  path: string,
  files: readonly RuleFile[],
  source: string | undefined,
): Promise<SigmaImport> {
  const answers: SigmaImport[] = []
  for (const part of partsOf(files)) {
    const yaml = part.map(({ text }) => text.replace(/^\ufeff/, '').trimEnd()).join('\n---\n')
    const answer = await api.post<SigmaImport>(path, {
      yaml,
      ...(source !== undefined && { source }),
    })
    const [only] = part
    answers.push({
      ...answer,
      items: answer.items.map((item) => ({
        ...item,
        ...(part.length === 1 && only && { file: only.file }),
      })),
    })
  }
  return answers.reduce(added)
}

/** A file that says where its documents begin stands alone, so that their numbers are its own. */
function* partsOf(files: readonly RuleFile[]): Iterable<readonly RuleFile[]> {
  let part: RuleFile[] = []
  let characters = 0
  for (const file of files) {
    // What is no YAML would take the others of its part with it.
    const isPlain = /^title:/m.test(file.text) && !/^(---|\.\.\.|%)/m.test(file.text)
    if (part.length > 0 && (!isPlain || characters + file.text.length > PART_CHARACTERS)) {
      yield part
      part = []
      characters = 0
    }
    if (!isPlain) {
      yield [file]
      continue
    }
    part.push(file)
    characters += file.text.length
  }
  if (part.length > 0) yield part
}

function added(one: SigmaImport, other: SigmaImport): SigmaImport {
  return {
    added: one.added + other.added,
    replaced: one.replaced + other.replaced,
    unchanged: one.unchanged + other.unchanged,
    invalid: one.invalid + other.invalid,
    summary: addedSummary(one.summary, other.summary),
    items: [...one.items, ...other.items],
  }
}

function addedSummary(one: SigmaSummary, other: SigmaSummary): SigmaSummary {
  const codes = new Set([...Object.keys(one.reasons), ...Object.keys(other.reasons)])
  const reasons = [...codes].map((code) => [
    code,
    (one.reasons[code] ?? 0) + (other.reasons[code] ?? 0),
  ])
  return {
    total: one.total + other.total,
    supported: one.supported + other.supported,
    unsupported: one.unsupported + other.unsupported,
    notApplicable: one.notApplicable + other.notApplicable,
    reasons: Object.fromEntries(reasons) as SigmaSummary['reasons'],
  }
}

/** `Supported 30 of 40.`, and how many are not for which reason. */
export function describeSummary(summary: SigmaSummary): string {
  const { total, supported, notApplicable, reasons } = summary
  const lines = Object.entries(reasons)
    .sort(([, a], [, b]) => b - a)
    .map(([code, count]) => `  ${count} × ${REASONS[code] ?? code}`)
  const elsewhere = notApplicable === 0 ? [] : [`  ${notApplicable} × for other systems`]
  const not = [...lines, ...elsewhere]
  const head = `Supported ${supported} of ${total} rules`
  return not.length === 0 ? `${head}.` : `${head}; not supported:\n${not.join('\n')}`
}

/** What is wrong with documents and rules, a line each. */
export function describeProblems(items: SigmaImport['items']): readonly string[] {
  return items.flatMap(
    ({ file, document, problem, title = '', id = '', reasons = [], notes = [] }) => {
      const where = file === undefined ? '' : `${file}: `
      if (problem !== null) return [`${where}document ${document}: ${printable(problem)}`]
      const texts = [...reasons.map(({ text }) => text), ...notes]
      return texts.map((text) => `${where}${printable(title)} (${id}): ${printable(text)}`)
    },
  )
}
