import { readFileSync } from 'node:fs'
import { evaluateRecords } from '../src/detection/evaluate.ts'
import { hubRules } from '../src/detection/hub/index.ts'
import { builtInRules } from '../src/detection/rules/index.ts'
import { findsInLast, readVectors, vectorTypes } from './detection-vectors.ts'
import { emptyMemory, processRecord } from './records.ts'

/** Time between two lines of the corpus, as one device would run them. */
const LINE_MS = 2000

const folder = new URL('../../../vectors/corpus/', import.meta.url)

export interface FalseAlarm {
  readonly line: string
  readonly alertType: string
}

export function corpusLines(): readonly string[] {
  return readFileSync(new URL('debian-command-lines.txt', folder), 'utf8').trimEnd().split('\n')
}

export function explainedAlarms(): readonly (FalseAlarm & { readonly why: string })[] {
  return JSON.parse(readFileSync(new URL('explained.json', folder), 'utf8'))
}

/** What rules find in the ordinary lines of the corpus, run one after the other on one device. */
export function falseAlarms(): readonly FalseAlarm[] {
  const rules = builtInRules()
  const memory = emptyMemory()
  return corpusLines().flatMap((line, at) => {
    const of = { eventId: `e${at}`, timeMs: 1_700_000_000_000 + at * LINE_MS }
    const record = processRecord({ cmd: line, user: 'root', uid: '0' }, of)
    const findings = evaluateRecords([record], rules, memory)
    return findings.map(({ rule }) => ({ line, alertType: rule.type.alertType }))
  })
}

/** Vectors of one rule: how many there are, and how many it gets right. */
export interface Recall {
  readonly fires: number
  readonly fired: number
  readonly quiet: number
  readonly stayedQuiet: number
}

export function recallByType(): ReadonlyMap<string, Recall> {
  return new Map(
    vectorTypes().map((alertType) => {
      const { lists, fires, quiet } = readVectors(alertType)
      const rule = [...builtInRules(lists), ...hubRules].find(
        ({ type }) => type.alertType === alertType,
      )
      const found = fires.filter((vector) => rule && findsInLast(rule, vector) === 1)
      const silent = quiet.filter((vector) => rule && findsInLast(rule, vector) === 0)
      const counts = { fires: fires.length, quiet: quiet.length }
      return [alertType, { ...counts, fired: found.length, stayedQuiet: silent.length }] as const
    }),
  )
}
